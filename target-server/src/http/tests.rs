//! Well-behaved answers, through real sockets.

mod bounds;
mod connections;

use std::time::Duration;

use tokio::io::AsyncWriteExt;
use tokio::time::Instant;

use crate::fixture::Fixture;

const GET: &str = "GET / HTTP/1.1\r\nhost: t\r\n\r\n";

fn post(path: &str, body: &str) -> String {
    format!("POST {path} HTTP/1.1\r\nhost: t\r\ncontent-length: {}\r\n\r\n{body}", body.len())
}

#[tokio::test]
async fn plain_requests_are_echoed_on_any_path_by_any_method() {
    let target = Fixture::start().await;
    for method in ["GET", "POST", "PUT", "DELETE", "PATCH", "OPTIONS", "TRACE", "PURGE"] {
        for body in ["", "hello"] {
            let length = body.len();
            let request = format!(
                "{method} /any/path HTTP/1.1\r\nhost: t\r\ncontent-type: a/b\r\ncontent-length: {length}\r\n\r\n{body}"
            );
            let answer = target.ask(&request).await;
            assert_eq!((answer.status, &*answer.body), (200, body), "{method}");
            assert_eq!(answer.field("content-type"), Some("a/b"));
            assert_eq!(answer.field("x-cload-server"), Some("pod/-/-"));
            assert!(answer.field("server-timing").unwrap().starts_with("cload;dur="));
            assert_eq!(answer.field("x-cload-fault"), None);
        }
    }
    let chunked = "POST / HTTP/1.1\r\nhost: t\r\ntransfer-encoding: chunked\r\n\r\n3\r\nabc\r\n2\r\nde\r\n0\r\n\r\n";
    assert_eq!(target.ask(chunked).await.body, "abcde");
}

#[tokio::test]
async fn a_connection_serves_request_after_request_and_pipelines_in_order() {
    let target = Fixture::start().await;
    let mut client = target.client().await;
    for i in 0..5 {
        client.send(&post("/", &format!("one {i}"))).await;
        assert_eq!(client.answer().await.body, format!("one {i}"));
    }
    let batch: String = (0..50).map(|i| post(if i % 3 == 0 { "/?delay=1ms" } else { "/" }, &format!("n{i}"))).collect();
    client.send(&batch).await;
    for i in 0..50 {
        assert_eq!(client.answer().await.body, format!("n{i}"));
    }
    target.eventually_metric(&["server_connections_total"], 1.0).await;
    let counted = ["server_requests_total", "code=\"200\"", "success", "injected=\"false\""];
    target.eventually_metric(&counted, 38.0).await;
}

#[tokio::test]
async fn an_identity_is_echoed_counted_and_accounted() {
    let target = Fixture::start().await;
    let mut client = target.client().await;
    let ask = |seq: u64, query: &str| {
        format!(
            "POST /{query} HTTP/1.1\r\nhost: t\r\nx-cload: source=team/rel;op=web-ok;id=abcd2345.{seq}\r\ncontent-length: 2\r\n\r\nhi"
        )
    };
    for seq in 0..3 {
        client.send(&ask(seq, "")).await;
        assert_eq!(client.answer().await.field("x-cload"), Some(&*format!("id=abcd2345.{seq}")));
    }
    client.send(&ask(3, "?status=503")).await;
    let answer = client.answer().await;
    assert_eq!((answer.status, answer.field("x-cload")), (503, Some("id=abcd2345.3")));
    assert_eq!(answer.field("x-cload-fault"), Some("status=503; seed=0; id=abcd2345.3"));
    client.send(&ask(4, "?delay=x")).await;
    assert_eq!(client.answer().await.status, 400);

    let account = target.account("abcd2345").await;
    assert_eq!(account.server, "pod/-/-");
    let of = &account.operations["web-ok"];
    assert_eq!((of.received, of.in_flight, of.unanswered), (5, 0, 0));
    assert_eq!(of.answered, [("200".to_owned(), 3), ("503".to_owned(), 1)].into());
    assert_eq!(of.failed, [("bad_request".to_owned(), 1)].into());
    let labels = ["server_requests_total", "source=\"team/rel\"", "operation=\"web-ok\"", "injected=\"true\""];
    assert_eq!(target.metric(&[&labels[..], &["code=\"503\""]].concat()).await, 1.0);
    assert_eq!(target.admin("/account/nobody").await.status, 404);
    assert_eq!(target.admin("/account/No-Name").await.status, 400);
}

#[tokio::test]
async fn keys_do_what_they_say() {
    let target = Fixture::start().await;
    type Fields<'a> = &'a [(&'a str, &'a str)];
    let cases: [(&str, u16, Fields<'_>, &str); 14] = [
        ("/?status=404", 404, &[("content-length", "0")], ""),
        ("/status/503", 503, &[], "{\n  \"status\": 503\n}"),
        ("/?status=599", 599, &[], ""),
        ("/?status=204", 204, &[], ""),
        ("/?status=205", 205, &[("content-length", "0")], ""),
        ("/?status=304", 304, &[], ""),
        ("/?size=5&body=seq", 200, &[("content-length", "5"), ("content-type", "text/plain; charset=utf-8")], "abcde"),
        ("/?size=5&body=seq&chunk=2", 200, &[("transfer-encoding", "chunked")], "abcde"),
        ("/?size=0", 200, &[("content-length", "0")], ""),
        ("/?close=true", 200, &[("connection", "close")], ""),
        ("/?header=x-a:b%20c&header=content-type:d/e", 200, &[("x-a", "b c"), ("content-type", "d/e")], ""),
        ("/?retry_after=3s&status=429", 429, &[("retry-after", "3")], ""),
        ("/?gzip=true&size=3&body=seq", 200, &[("vary", "accept-encoding"), ("content-length", "3")], "abc"),
        ("/status/200?status=201", 201, &[], "{\n  \"status\": 201\n}"),
    ];
    for (path, status, fields, body) in cases {
        let answer = target.get(path).await;
        assert_eq!((answer.status, &*answer.body), (status, body), "{path}");
        for (name, value) in fields {
            assert_eq!(answer.field(name), Some(*value), "{path}: {}", answer.head);
        }
    }
    let header = "GET /?status=500&delay=1ms HTTP/1.1\r\nhost: t\r\nx-cload-fault: status=418\r\n\r\n";
    let answer = target.ask(header).await;
    assert_eq!(answer.status, 418, "the header wins, key by key");
    assert!(answer.field("x-cload-fault").unwrap().contains("delay=1ms"));
    assert!(answer.field("server-timing").unwrap().contains("cload-fault;dur="));
}

#[tokio::test]
async fn bodiless_answers_announce_what_they_would_have_had() {
    let target = Fixture::start().await;
    let mut client = target.client().await;
    for (spec, length) in
        [("size=100", Some("100")), ("", Some("0")), ("size=100&chunk=10", None), ("delay=1ms", Some("0"))]
    {
        client.send(&format!("HEAD /?{spec} HTTP/1.1\r\nhost: t\r\n\r\n")).await;
        let answer = client.head().await;
        assert_eq!((answer.status, answer.field("content-length")), (200, length), "{spec}");
    }
    client.send(GET).await;
    assert_eq!(client.answer().await.status, 200, "nothing was left on the connection");
    target.eventually_metric(&["server_inflight_requests", "injected=\"false\""], 0.0).await;
}

#[tokio::test]
async fn delays_are_waited_and_said() {
    let target = Fixture::start().await;
    for spec in [
        "delay=30ms",
        "size=4&body_delay=30ms",
        "size=4&end_delay=30ms",
        "size=4&chunk=1&chunk_delay=10ms",
        "size=30&rate=1kB",
        "body_delay=15ms&end_delay=15ms",
        "cpu=30ms",
    ] {
        let start = Instant::now();
        let answer = target.get(&format!("/?{spec}")).await;
        assert!(start.elapsed() >= Duration::from_millis(30), "{spec}");
        assert!(answer.field("x-cload-fault").is_some(), "{spec}");
    }
    // None of that is the target's own time.
    let own = ["server_processing_duration_seconds_bucket", "result=\"success\"", "injected=\"true\"", "le=\"0.025\""];
    assert_eq!(target.metric(&own).await, 7.0);
    let all = ["server_request_duration_seconds_bucket", "result=\"success\"", "injected=\"true\"", "le=\"0.025\""];
    assert_eq!(target.metric(&all).await, 0.0);
}

#[tokio::test]
async fn gzip_is_real() {
    let target = Fixture::start().await;
    let mut client = target.client().await;
    client.send("GET /?size=100kB&body=text&gzip=true HTTP/1.1\r\nhost: t\r\naccept-encoding: gzip\r\nconnection: close\r\n\r\n").await;
    assert_eq!(client.head().await.field("content-encoding"), Some("gzip"));
    let (compressed, _) = client.rest().await;
    assert!((100..20_000).contains(&compressed.len()), "{}", compressed.len());
}

#[tokio::test]
async fn trailers_go_to_clients_that_take_them() {
    let target = Fixture::start().await;
    let ask = |version: &str, te: &str| {
        format!("GET /?size=2&body=seq&trailer=x-sum:1 HTTP/{version}\r\nhost: t\r\n{te}connection: close\r\n\r\n")
    };
    let (raw, _) = target.raw(&ask("1.1", "te: trailers\r\n")).await;
    assert!(raw.contains("\r\ntrailer: x-sum\r\n"), "{raw}");
    assert!(raw.ends_with("\r\n2\r\nab\r\n0\r\nx-sum: 1\r\n\r\n"), "{raw}");
    for (version, te) in [("1.1", ""), ("1.0", "te: trailers\r\n")] {
        let answer = target.ask(&ask(version, te)).await;
        assert_eq!((answer.status, answer.field("x-cload-error")), (400, Some("parameter=trailer")));
        assert!(answer.body.contains("TE: trailers"), "{}", answer.body);
    }
}

#[tokio::test]
async fn read_says_how_much_of_the_body_is_read() {
    let target = Fixture::start().await;
    assert_eq!(target.ask(&post("/?read=first(3)", "abcdef")).await.body, "abc");
    assert_eq!(target.ask(&post("/?read=none", "abcdef")).await.body, "");
    let start = Instant::now();
    assert_eq!(target.ask(&post("/?read=rate(100)", "abcdef")).await.body, "abcdef");
    assert!(start.elapsed() >= Duration::from_millis(60));
    let start = Instant::now();
    assert_eq!(target.ask(&post("/?read=rate(100)&size=1&body=seq", "abcdef")).await.body, "a");
    assert!(start.elapsed() >= Duration::from_millis(60));
    // An early answer arrives although most of the request was never read.
    let mut client = target.client().await;
    client.send("POST /?read=first(1)&size=2&body=seq HTTP/1.1\r\nhost: t\r\ncontent-length: 1000000\r\n\r\nx").await;
    assert_eq!(client.answer().await.body, "ab");
}

#[tokio::test]
async fn expect_continue_is_answered_before_the_body() {
    let target = Fixture::start().await;
    for path in ["/", "/?status=503&size=3&body=seq"] {
        let mut client = target.client().await;
        client
            .send(&format!("POST {path} HTTP/1.1\r\nhost: t\r\nexpect: 100-continue\r\ncontent-length: 3\r\n\r\n"))
            .await;
        assert_eq!(client.head().await.status, 100, "{path}");
        client.send("abc").await;
        assert_eq!(client.answer().await.body, "abc");
    }
}

#[tokio::test]
async fn bad_specs_are_answered_with_everything_that_is_wrong_and_the_connection_stays() {
    let target = Fixture::start().await;
    let mut client = target.client().await;
    let long = format!("/?delay={}", "1".repeat(3 << 10));
    let cases: [(&str, &str, &str); 14] = [
        ("/?delay=10x", "parameter=delay", "\"code\":\"invalid_parameter\""),
        ("/?dely=1s", "parameter=dely", "did you mean delay?"),
        ("/?delay=61s", "parameter=delay", "\"code\":\"limit_exceeded\""),
        ("/?size=17MiB", "parameter=size", "\"limit\":\"16MiB\""),
        ("/?status=503:60,500:60", "parameter=status", "weights_exceed_100"),
        ("/?status=99", "parameter=status", "\"value\":\"99\""),
        ("/?status=204&size=1", "parameter=status", "\"code\":\"conflict\""),
        ("/?fault=goaway(1)", "parameter=fault", "unsupported_on_protocol"),
        ("/?header=a:b%0d%0aset-cookie:%20x", "parameter=header", "control"),
        ("/?header=content-length:0", "parameter=header", "frames the message"),
        ("/?%ff=1", "parameter=other", "\"carrier\":\"query\""),
        ("/?%", "parameter=other", "\"errors\""),
        ("/status/abc", "parameter=status", "\"carrier\":\"path\""),
        (&long, "parameter=other", "spec_too_long"),
    ];
    for (path, parameter, body) in cases {
        client.send(&format!("GET {path} HTTP/1.1\r\nhost: t\r\n\r\n")).await;
        let answer = client.answer().await;
        assert_eq!((answer.status, answer.field("content-type")), (400, Some("application/json")), "{path}");
        assert_eq!(answer.field("x-cload-error"), Some(parameter), "{path}: {}", answer.body);
        assert!(answer.body.contains(body), "{path}: {}", answer.body);
        assert_eq!(answer.field("x-cload-fault"), None, "an error is not injected");
        serde_json::from_str::<serde_json::Value>(&answer.body).unwrap();
    }
    let both = target.get("/?delay=10x&status=abc").await.body;
    assert!(both.contains("\"parameter\":\"delay\"") && both.contains("\"parameter\":\"status\""), "{both}");
    assert_eq!(target.metric(&["spec_errors_total", "parameter=\"delay\""]).await, 3.0);
    let failed = ["server_requests_total", "code=\"400\"", "failure", "bad_request", "injected=\"false\"", "\"echo\""];
    assert_eq!(target.metric(&failed).await, 15.0);
}

#[tokio::test]
async fn a_repeated_or_unreadable_header_is_refused() {
    let target = Fixture::start().await;
    let twice = "GET / HTTP/1.1\r\nhost: t\r\nx-cload-fault: status=500\r\nx-cload-fault: delay=1s\r\n\r\n";
    let answer = target.ask(twice).await;
    assert_eq!(answer.status, 400);
    assert!(answer.body.contains("more than once"), "{}", answer.body);
    let mut client = target.client().await;
    client.stream.write_all(b"GET / HTTP/1.1\r\nhost: t\r\nx-cload-fault: \xff\xfe\r\n\r\n").await.unwrap();
    assert_eq!(client.answer().await.status, 400);
}

#[tokio::test]
async fn a_lone_percent_or_odd_bytes_in_a_path_are_just_a_path() {
    let target = Fixture::start().await;
    for path in ["/%", "/%zz%", "/a%ff", "//", "/?"] {
        assert_eq!(target.get(path).await.status, 200, "{path}");
    }
}
