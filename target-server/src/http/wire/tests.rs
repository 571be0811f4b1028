//! Broken answers, byte for byte, and how the connection ends.

use std::time::Duration;

use tokio::time::Instant;

use crate::fixture::{End, Fixture, eventually};

/// The answer without the fields that differ from run to run.
fn steady(raw: &str) -> String {
    let marks = ["server-timing: ", "x-cload-server: ", "x-cload-fault: ", "content-type: "];
    raw.split_inclusive("\r\n").filter(|line| !marks.iter().any(|mark| line.starts_with(mark))).collect()
}

#[tokio::test]
async fn every_fault_breaks_the_answer_as_it_says() {
    let target = Fixture::start().await;
    let length_10 = "HTTP/1.1 200 OK\r\ncontent-length: 10\r\n\r\n";
    let chunked = "HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n";
    let cases = [
        // Before the head: not a byte.
        ("fault=reset", String::new(), End::Rst),
        ("fault=empty", String::new(), End::Fin),
        ("fault=empty&size=10&delay=5ms", String::new(), End::Fin),
        // Cut within the body: announced whole, so that what is missing shows.
        ("size=10&body=seq&fault=abort", length_10.to_owned(), End::Fin),
        ("size=10&body=seq&fault=abort&at=4", format!("{length_10}abcd"), End::Fin),
        ("size=10&body=seq&fault=abort&at=50%25", format!("{length_10}abcde"), End::Fin),
        ("size=10&body=seq&fault=reset&at=body", length_10.to_owned(), End::Rst),
        ("size=10&body=seq&fault=reset&at=4", format!("{length_10}abcd"), End::Rst),
        // Cut at or beyond its end: only an endless chunked body shows that.
        ("size=10&body=seq&fault=reset&at=10", format!("{chunked}a\r\nabcdefghij\r\n"), End::Rst),
        ("fault=abort", chunked.to_owned(), End::Fin),
        // Chunks, delays and pacing are the same mechanism as in whole answers.
        ("size=10&body=seq&chunk=4&fault=abort&at=6", format!("{chunked}4\r\nabcd\r\n2\r\nef\r\n"), End::Fin),
        ("size=10&body=seq&rate=1KiB&fault=abort&at=6", format!("{length_10}abcdef"), End::Fin),
        (
            "size=10&body=seq&chunk=4&chunk_delay=2ms&fault=reset&at=8",
            format!("{chunked}4\r\nabcd\r\n4\r\nefgh\r\n"),
            End::Rst,
        ),
        ("size=10&body=seq&fault=badchunk", format!("{chunked}not-a-size\r\n"), End::Fin),
        ("size=10&body=seq&fault=badchunk&at=3", format!("{chunked}3\r\nabc\r\nnot-a-size\r\n"), End::Fin),
        (
            "size=10&body=seq&fault=clen(%2B5)",
            "HTTP/1.1 200 OK\r\ncontent-length: 15\r\n\r\nabcdefghij".to_owned(),
            End::Fin,
        ),
        (
            "size=10&body=seq&fault=clen(-3)",
            "HTTP/1.1 200 OK\r\ncontent-length: 7\r\n\r\nabcdefghij".to_owned(),
            End::Fin,
        ),
        ("fault=badhead", "HTTP/1.1 2x0 Not A Status\r\n\r\n".to_owned(), End::Fin),
        (
            "status=503&size=10&body=seq&fault=abort&at=1",
            "HTTP/1.1 503 Service Unavailable\r\ncontent-length: 10\r\n\r\na".to_owned(),
            End::Fin,
        ),
        ("status=204&fault=reset&at=body", "HTTP/1.1 204 No Content\r\n\r\n".to_owned(), End::Rst),
        ("size=10&body=seq&fault=abort&at=after(30ms)", format!("{chunked}a\r\nabcdefghij\r\n"), End::Fin),
        ("delay=10s&fault=abort&at=after(30ms)", String::new(), End::Fin),
    ];
    for (spec, bytes, end) in cases {
        let (raw, ended) = target.raw(&format!("GET /?{spec} HTTP/1.1\r\nhost: t\r\nconnection: close\r\n\r\n")).await;
        assert_eq!((steady(&raw), ended), (bytes, end), "{spec}");
        if raw.starts_with("HTTP/") {
            assert!(raw.contains("\r\nx-cload-fault: ") && raw.contains("fault="), "marked: {raw:?}");
        }
    }
    let (garbage, end) = target.raw("GET /?fault=garbage HTTP/1.1\r\nhost: t\r\n\r\n").await;
    assert!(!garbage.starts_with("HTTP") && garbage.len() > 100, "{garbage:?}");
    assert_eq!(end, End::Fin);
    // The last record is written before the connection ends; nothing is left.
    target.eventually_metric(&["server_inflight_requests", "injected=\"true\""], 0.0).await;
}

#[tokio::test]
async fn http10_has_no_chunks_and_its_cuts_show_all_the_same() {
    let target = Fixture::start().await;
    let post = "POST /?fault=abort&at=10 HTTP/1.0\r\ncontent-length: 10\r\n\r\n0123456789";
    let (raw, end) = target.raw(post).await;
    assert_eq!(steady(&raw), "HTTP/1.0 200 OK\r\ncontent-length: 11\r\n\r\n0123456789");
    assert_eq!(end, End::Fin);
}

#[tokio::test]
async fn an_echo_can_be_broken_too() {
    let target = Fixture::start().await;
    let post = |spec: &str| format!("POST /?{spec} HTTP/1.1\r\nhost: t\r\ncontent-length: 10\r\n\r\n0123456789");
    let (raw, end) = target.raw(&post("fault=abort&at=50%25")).await;
    assert_eq!(steady(&raw), "HTTP/1.1 200 OK\r\ncontent-length: 10\r\n\r\n01234");
    assert_eq!(end, End::Fin);
    let (raw, _) = target.raw(&post("fault=abort&at=1kB")).await;
    assert_eq!(steady(&raw), "HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\na\r\n0123456789\r\n");
    let (raw, _) = target.raw(&post("read=first(4)&fault=clen(%2B1)")).await;
    assert_eq!(steady(&raw), "HTTP/1.1 200 OK\r\ncontent-length: 5\r\n\r\n0123");
}

#[tokio::test]
async fn a_reset_is_a_reset_although_input_is_unread_and_a_fin_is_a_fin() {
    let target = Fixture::start().await;
    for (fault, end) in [("reset", End::Rst), ("empty", End::Fin), ("abort", End::Fin)] {
        // Pipelined requests and an unread body wait in the socket.
        let request = format!(
            "POST /?read=none&fault={fault} HTTP/1.1\r\nhost: t\r\ncontent-length: 50000\r\n\r\n{}",
            "x".repeat(20_000)
        );
        let (_, ended) = target.raw(&request).await;
        assert_eq!(ended, end, "{fault}");
    }
}

#[tokio::test]
async fn what_cannot_be_broken_so_is_refused_and_the_connection_stays() {
    let target = Fixture::with(|config| config.faults.size_max = 1000).await;
    let mut client = target.client().await;
    for (request, parameter) in [
        ("GET /?size=5&fault=clen(-10) HTTP/1.1\r\nhost: t\r\n\r\n".to_owned(), "fault"),
        (
            format!("POST /?fault=abort HTTP/1.1\r\nhost: t\r\ncontent-length: 1001\r\n\r\n{}", "x".repeat(1001)),
            "fault",
        ),
    ] {
        client.send(&request).await;
        let answer = client.answer().await;
        assert_eq!(answer.status, 400, "{answer:?}");
        assert_eq!(answer.field("x-cload-error"), Some(&*format!("parameter={parameter}")));
    }
    client.send("GET / HTTP/1.1\r\nhost: t\r\n\r\n").await;
    assert_eq!(client.answer().await.status, 200);
}

#[tokio::test]
async fn a_hang_is_silent_until_the_client_leaves() {
    let target = Fixture::start().await;
    let mut client = target.client().await;
    client
        .send("GET /?size=10&body=seq&fault=hang&at=4 HTTP/1.1\r\nhost: t\r\nx-cload: source=a/b;op=op;id=s1.1\r\n\r\n")
        .await;
    assert_eq!(client.head().await.status, 200);
    assert_eq!(target.account("s1").await.operations["op"].in_flight, 1);
    drop(client);
    eventually("the hang ends", || async {
        let account = target.account("s1").await;
        account.operations["op"].unanswered == 1 && account.operations["op"].in_flight == 0
    })
    .await;
    assert_eq!(target.account("s1").await.operations["op"].sent_bytes, 4);
    // No answer, no code: the client may have seen the head, and may not.
    let success = ["server_requests_total", "operation=\"op\"", "code=\"\"", "success"];
    target.eventually_metric(&success, 1.0).await;
}

#[tokio::test]
async fn a_hang_ends_in_a_reset_when_it_took_the_longest() {
    let target = Fixture::with(|config| config.faults.hang_max = Duration::from_millis(50)).await;
    let start = Instant::now();
    assert_eq!(target.raw("GET /?fault=hang HTTP/1.1\r\nhost: t\r\n\r\n").await, (String::new(), End::Rst));
    assert!(start.elapsed() >= Duration::from_millis(50));
}

#[tokio::test]
async fn a_client_that_leaves_before_the_fault_strikes_is_recorded_so() {
    let target = Fixture::start().await;
    let mut client = target.client().await;
    client.send("GET /?delay=30s&fault=reset HTTP/1.1\r\nhost: t\r\n\r\n").await;
    let inflight = ["server_inflight_requests", "injected=\"true\""];
    target.eventually_metric(&inflight, 1.0).await;
    drop(client);
    target.eventually_metric(&inflight, 0.0).await;
    assert_eq!(target.metric(&["server_requests_total", "error=\"aborted\"", "injected=\"true\""]).await, 1.0);
}

#[tokio::test]
async fn what_would_not_be_seen_is_refused_where_it_was_asked() {
    let target = Fixture::start().await;
    for kind in ["abort", "badchunk", "clen(%2B5)"] {
        let mut client = target.client().await;
        client.send(&format!("HEAD /?size=100&fault={kind} HTTP/1.1\r\nhost: t\r\n\r\n")).await;
        let answer = client.head().await;
        assert_eq!((answer.status, answer.field("x-cload-error")), (400, Some("parameter=fault")), "{kind}");
    }
    let answer = target.ask("GET /?size=5&fault=badchunk HTTP/1.0\r\nhost: t\r\n\r\n").await;
    assert_eq!(answer.status, 400, "HTTP/1.0 has no chunks");
    let answer = target.get("/?size=1&trailer=x-a:1").await;
    let errors: serde_json::Value = serde_json::from_str(&answer.body).unwrap();
    let error = &errors["errors"][0];
    assert_eq!((error["carrier"].as_str(), error["value"].as_str()), (Some("query"), Some("x-a:1")), "{error}");
    assert_ne!(error["position"], 0, "{error}");
}
