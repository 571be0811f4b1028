//! What befalls a connection: what hyper refuses, silence, parking, its bounds.

use std::time::Duration;

use super::{GET, post};
use crate::fixture::{End, Fixture};
use crate::http::connection::PARK_AFTER;

#[tokio::test]
async fn connect_is_refused_and_counted() {
    let target = Fixture::start().await;
    let answer = target.ask("CONNECT a:1 HTTP/1.1\r\nhost: a:1\r\n\r\n").await;
    assert_eq!(answer.status, 405);
    assert_eq!(target.metric(&["server_requests_total", "code=\"405\"", "bad_request"]).await, 1.0);
}

#[tokio::test]
async fn what_hyper_refuses_by_itself_is_counted_too() {
    let target = Fixture::start().await;
    let many: String = (0..150).map(|i| format!("x-{i}: y\r\n")).collect();
    let big = format!("GET / HTTP/1.1\r\nhost: t\r\nx-a: {}\r\n\r\n", "a".repeat(17 << 10));
    let cases = [
        ("nonsense\r\n\r\n".to_owned(), "HTTP/1.1 400", "400"),
        ("GET / HTTP/1.1\r\nhost: t\r\ncontent-length: x\r\n\r\n".to_owned(), "HTTP/1.1 400", "400"),
        (format!("GET / HTTP/1.1\r\n{many}\r\n"), "HTTP/1.1 431", "431"),
        (big, "HTTP/1.1 431", "431"),
        // The head of HTTP/2's preface, and then something else.
        ("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\nwhat now?".to_owned(), "", ""),
    ];
    for (request, start, code) in cases {
        let words =
            ["server_requests_total", "operation=\"malformed\"", "failure", &format!("code=\"{code}\""), "bad_request"];
        let before = target.metric(&words).await;
        let (raw, end) = target.raw(&request).await;
        assert!(raw.starts_with(start) && raw.is_empty() == start.is_empty(), "{raw}");
        assert_eq!(end, End::Fin);
        target.eventually_metric(&words, before + 1.0).await;
    }
    // A head that breaks off.
    let mut client = target.client().await;
    client.send("GET / HT").await;
    drop(client);
    target.eventually_metric(&["operation=\"malformed\"", "error=\"aborted\"", "server_requests_total"], 1.0).await;
}

#[tokio::test]
async fn a_malformed_body_fails_its_request() {
    let target = Fixture::start().await;
    let request = "POST /?status=201 HTTP/1.1\r\nhost: t\r\ntransfer-encoding: chunked\r\n\r\nzz\r\n";
    let (raw, _) = target.raw(request).await;
    assert!(raw.is_empty() || raw.starts_with("HTTP/1.1"), "{raw}");
    target.eventually_metric(&["server_requests_total", "failure", "bad_request", "operation=\"echo\""], 1.0).await;
    target.eventually_metric(&["server_inflight_requests", "operation=\"echo\""], 0.0).await;
}

#[tokio::test]
async fn a_slow_head_is_answered_408() {
    let target = Fixture::with(|config| config.connections.head_timeout = Duration::from_millis(40)).await;
    let (raw, end) = target.raw("GET / HTTP/1.1\r\nx: ").await;
    assert!(raw.starts_with("HTTP/1.1 408"), "{raw}");
    assert_eq!(end, End::Fin);
    assert_eq!(target.metric(&["operation=\"malformed\"", "code=\"408\""]).await, 1.0);
}

#[tokio::test]
async fn an_idle_connection_is_parked_and_wakes_up_with_its_next_byte() {
    let target = Fixture::start().await;
    let mut client = target.client().await;
    client.send(GET).await;
    assert_eq!(client.answer().await.status, 200);
    // Parking happens within two periods; nothing outside shows it but that everything still works.
    tokio::time::sleep(2 * PARK_AFTER + Duration::from_millis(200)).await;
    client.send(&post("/?delay=1ms", "still here")).await;
    assert_eq!(client.answer().await.body, "still here");
    assert_eq!(target.metric(&["server_connections_open"]).await, 1.0);
    drop(client);
    target.eventually_metric(&["server_connections_open"], 0.0).await;
}

#[tokio::test]
async fn the_beginning_of_a_head_survives_parking() {
    let target = Fixture::start().await;
    let mut client = target.client().await;
    // Both in one segment: hyper has read the second head's beginning when the first request is over.
    client.send(&format!("{GET}GET /?status=201")).await;
    assert_eq!(client.answer().await.status, 200);
    tokio::time::sleep(2 * PARK_AFTER + Duration::from_millis(200)).await;
    client.send(" HTTP/1.1\r\nhost: t\r\n\r\n").await;
    assert_eq!(client.answer().await.status, 201);
}

#[tokio::test]
async fn connections_that_say_nothing_are_closed_in_the_end() {
    let target = Fixture::with(|config| config.connections.idle_timeout = Duration::from_millis(30)).await;
    let mut client = target.client().await;
    assert_eq!(client.rest().await, (String::new(), End::Fin));
}

#[tokio::test]
async fn one_connection_too_many_is_told_so() {
    let target = Fixture::with(|config| config.connections.max_connections = Some(1)).await;
    let mut first = target.client().await;
    first.send(GET).await;
    assert_eq!(first.answer().await.status, 200);
    let mut second = target.client().await;
    assert!(second.rest().await.0.starts_with("HTTP/1.1 503"));
    let refused = ["server_requests_total", "operation=\"refused\"", "code=\"503\"", "overload"];
    assert_eq!(target.metric(&refused).await, 1.0);
}

#[tokio::test]
async fn a_body_that_stops_coming_is_given_up_and_a_long_delay_is_not() {
    let target = Fixture::with(|config| config.connections.idle_timeout = Duration::from_secs(2)).await;
    let mut stalled = target.client().await;
    stalled.send("POST / HTTP/1.1\r\nhost: t\r\ncontent-length: 100\r\n\r\nab").await;
    let mut patient = target.client().await;
    patient.send("GET /?delay=4s HTTP/1.1\r\nhost: t\r\n\r\n").await;
    // Returns only when the connection has ended, however.
    stalled.rest().await;
    target.eventually_metric(&["server_requests_total", "error=\"aborted\"", "injected=\"false\""], 1.0).await;
    assert_eq!(patient.answer().await.status, 200);
}
