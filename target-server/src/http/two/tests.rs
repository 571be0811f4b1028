//! HTTP/2, through real sockets.

mod faults;
mod hostile;
mod upgrade;

use std::time::Duration;

use bytes::Bytes;
use h2::client::{ResponseFuture, SendRequest};
use h2::{Reason, SendStream};
use http::{HeaderMap, Request};
use tokio::net::TcpStream;
use tokio::task::JoinHandle;
use tokio::time::timeout;

use crate::fixture::{Fixture, PATIENCE};

/// An HTTP/2 client with one connection.
pub(super) struct Two {
    send: SendRequest<Bytes>,
    /// How the connection ended.
    pub(super) over: JoinHandle<Result<(), h2::Error>>,
}

/// An answer, read whole.
#[derive(Debug)]
pub(super) struct Seen {
    pub(super) status: u16,
    pub(super) headers: HeaderMap,
    pub(super) body: String,
    trailers: Option<HeaderMap>,
}

impl Seen {
    pub(super) fn field(&self, name: &str) -> Option<&str> {
        self.headers.get(name).map(|value| value.to_str().unwrap())
    }
}

impl Two {
    pub(super) async fn connect(target: &Fixture) -> Two {
        Two::over(TcpStream::connect(target.addresses.http).await.unwrap()).await
    }

    pub(crate) async fn over<T>(stream: T) -> Two
    where
        T: tokio::io::AsyncRead + tokio::io::AsyncWrite + Unpin + Send + 'static,
    {
        let (send, connection) = h2::client::handshake(stream).await.unwrap();
        Two { send, over: tokio::spawn(connection) }
    }

    /// Sends a head; the body is the caller's.
    pub(super) async fn begin(&mut self, request: Request<()>, is_end: bool) -> (ResponseFuture, SendStream<Bytes>) {
        let mut send = timeout(PATIENCE, self.send.clone().ready()).await.unwrap().unwrap();
        send.send_request(request, is_end).unwrap()
    }

    /// One request with a body of at most a window.
    pub(super) async fn ask(&mut self, request: Request<&'static str>) -> Result<Seen, h2::Error> {
        let (parts, body) = request.into_parts();
        let (response, mut stream) = self.begin(Request::from_parts(parts, ()), body.is_empty()).await;
        if !body.is_empty() {
            stream.send_data(Bytes::from_static(body.as_bytes()), true).unwrap();
        }
        timeout(PATIENCE, read(response)).await.expect("the target is silent")
    }

    pub(super) async fn get(&mut self, path: &str) -> Result<Seen, h2::Error> {
        self.ask(get(path).map(|()| "")).await
    }
}

pub(super) fn get(path: &str) -> Request<()> {
    Request::get(format!("http://t{path}")).body(()).unwrap()
}

pub(super) async fn read(response: ResponseFuture) -> Result<Seen, h2::Error> {
    let (parts, mut body) = response.await?.into_parts();
    let mut text = Vec::new();
    while let Some(data) = body.data().await {
        let data = data?;
        body.flow_control().release_capacity(data.len()).unwrap();
        text.extend_from_slice(&data);
    }
    let trailers = body.trailers().await?;
    let body = String::from_utf8(text).unwrap();
    Ok(Seen { status: parts.status.as_u16(), headers: parts.headers, body, trailers })
}

#[tokio::test]
async fn plain_requests_are_echoed_on_any_path_by_any_method() {
    let target = Fixture::start().await;
    let mut client = Two::connect(&target).await;
    for method in ["GET", "POST", "DELETE", "PURGE"] {
        for body in ["", "hello"] {
            let request = Request::builder().method(method).uri("http://t/any/path").header("content-type", "a/b");
            let seen = client.ask(request.body(body).unwrap()).await.unwrap();
            assert_eq!((seen.status, &*seen.body), (200, body), "{method}");
            assert_eq!(seen.field("content-type"), Some("a/b"));
            assert_eq!(seen.field("x-cload-server"), Some("pod/-/-"));
            assert!(seen.field("server-timing").unwrap().starts_with("cload;dur="));
            assert_eq!(seen.field("x-cload-fault"), None);
        }
    }
    let counted = ["server_requests_total", "protocol=\"http2\"", "code=\"200\"", "success", "injected=\"false\""];
    target.eventually_metric(&counted, 8.0).await;
    assert_eq!(target.metric(&["server_received_bytes_total", "http2"]).await, 20.0);
    assert_eq!(target.metric(&["server_sent_bytes_total", "http2"]).await, 20.0);
    assert_eq!(target.metric(&["server_connections_open", "protocol=\"http2\""]).await, 1.0);
}

#[tokio::test]
async fn keys_do_what_they_say() {
    let target = Fixture::start().await;
    let mut client = Two::connect(&target).await;
    type Fields<'a> = &'a [(&'a str, &'a str)];
    let cases: [(&str, u16, Fields<'_>, &str); 12] = [
        ("/?status=404", 404, &[("content-length", "0")], ""),
        ("/status/503", 503, &[("x-cload-fault", "status=503; seed=0; id=1")], "{\n  \"status\": 503\n}"),
        ("/?status=204", 204, &[], ""),
        ("/?status=304", 304, &[], ""),
        ("/?size=5&body=seq", 200, &[("content-length", "5"), ("content-type", "text/plain; charset=utf-8")], "abcde"),
        ("/?size=5&body=seq&chunk=2&chunk_delay=1ms", 200, &[], "abcde"),
        ("/?size=5&body=seq&rate=1KiB&body_delay=1ms&end_delay=1ms", 200, &[("content-length", "5")], "abcde"),
        ("/?size=0", 200, &[("content-length", "0")], ""),
        ("/?header=x-a:b%20c&header=content-type:d/e", 200, &[("x-a", "b c"), ("content-type", "d/e")], ""),
        ("/?retry_after=3s&status=429", 429, &[("retry-after", "3")], ""),
        ("/?cpu=1ms&mem=1KiB&delay=1ms", 200, &[], ""),
        ("/delay/1ms", 200, &[], "{\n  \"delay\": 0.001\n}"),
    ];
    for (path, status, fields, body) in cases {
        let seen = client.get(path).await.unwrap();
        assert_eq!((seen.status, &*seen.body), (status, body), "{path}");
        for (name, value) in fields {
            assert_eq!(seen.field(name), Some(*value), "{path}: {:?}", seen.headers);
        }
    }
    let request = get("/?size=3&body=seq&trailer=x-sum:1");
    let refused = client.ask(request.clone().map(|()| "")).await.unwrap();
    assert_eq!(refused.status, 400);
    let (mut parts, ()) = request.into_parts();
    parts.headers.insert("te", "trailers".parse().unwrap());
    let seen = client.ask(Request::from_parts(parts, "")).await.unwrap();
    assert_eq!((seen.status, &*seen.body), (200, "abc"));
    assert_eq!(seen.trailers.unwrap()["x-sum"], "1");
    let head = Request::head("http://t/?size=7").body("").unwrap();
    let seen = client.ask(head).await.unwrap();
    assert_eq!((seen.field("content-length"), &*seen.body), (Some("7"), ""));
}

#[tokio::test]
async fn what_cannot_be_served_is_refused_in_words() {
    let target = Fixture::start().await;
    let mut client = Two::connect(&target).await;
    for (path, parameter) in [("/?delay=x", "delay"), ("/?close=true", "close"), ("/?fault=badchunk&size=9", "fault")] {
        let seen = client.get(path).await.unwrap();
        assert_eq!(seen.status, 400, "{path}");
        assert_eq!(seen.field("x-cload-error"), Some(&*format!("parameter={parameter}")));
        assert!(seen.body.contains("\"errors\""), "{}", seen.body);
    }
    let connect = Request::connect("t:1").body("").unwrap();
    assert_eq!(client.ask(connect).await.unwrap().status, 405);
    let mut large = get("/").map(|()| "");
    large.headers_mut().insert("x-large", "a".repeat(17 << 10).parse().unwrap());
    assert_eq!(client.ask(large).await.unwrap().status, 431);
    target.eventually_metric(&["server_requests_total", "http2", "bad_request"], 5.0).await;
    assert_eq!(client.get("/").await.unwrap().status, 200);
}

#[tokio::test]
async fn an_identity_is_echoed_counted_and_accounted() {
    let target = Fixture::start().await;
    let mut client = Two::connect(&target).await;
    for (seq, path) in [(0, "/"), (1, "/?status=503"), (2, "/?fault=h2rst(CANCEL)")] {
        let mut request = get(path).map(|()| "");
        let identity = format!("source=team/rel;op=web-ok;id=abcd2345.{seq}");
        request.headers_mut().insert("x-cload", identity.parse().unwrap());
        let seen = client.ask(request).await;
        if seq < 2 {
            assert_eq!(seen.unwrap().field("x-cload"), Some(&*format!("id=abcd2345.{seq}")));
        }
    }
    target.eventually_metric(&["server_requests_total", "source=\"team/rel\"", "operation=\"web-ok\""], 3.0).await;
    let of = &target.account("abcd2345").await.operations["web-ok"];
    assert_eq!((of.received, of.in_flight, of.unanswered), (3, 0, 1));
    assert_eq!(of.answered, [("200".to_owned(), 1), ("503".to_owned(), 1)].into());
}

#[tokio::test]
async fn a_body_larger_than_every_window_comes_back_piece_by_piece() {
    const SIZE: usize = 3 << 20;
    let target = Fixture::start().await;
    let mut client = Two::connect(&target).await;
    let (response, mut stream) = client.begin(Request::post("http://t/").body(()).unwrap(), false).await;
    let sending = async {
        for piece in vec![7_u8; SIZE].chunks(100_000) {
            crate::h2body::send(&mut stream, Bytes::copy_from_slice(piece), false).await.unwrap();
        }
        crate::h2body::send(&mut stream, Bytes::new(), true).await.unwrap();
    };
    let (seen, ()) = tokio::join!(timeout(PATIENCE, read(response)), sending);
    assert_eq!(seen.unwrap().unwrap().body.len(), SIZE);
    let seen = client.get("/?size=3MiB&body=seq").await.unwrap();
    assert_eq!(seen.body.len(), SIZE);
}

#[tokio::test]
async fn streams_do_not_wait_for_each_other() {
    let target = Fixture::start().await;
    let mut client = Two::connect(&target).await;
    let (slow, _stream) = client.begin(get("/?delay=60s"), true).await;
    for _ in 0..300 {
        assert_eq!(client.get("/").await.unwrap().status, 200);
    }
    // Leaving the slow one resets it.
    target.eventually_metric(&["server_inflight_requests", "http2", "injected=\"true\""], 1.0).await;
    drop((slow, _stream));
    target.eventually_metric(&["server_requests_total", "http2", "error=\"aborted\"", "injected=\"true\""], 1.0).await;
    target.eventually_metric(&["server_inflight_requests", "http2"], 0.0).await;
    assert_eq!(client.get("/").await.unwrap().status, 200);
}

#[tokio::test]
async fn a_panic_costs_one_stream_its_answer() {
    let target = Fixture::start().await;
    let mut client = Two::connect(&target).await;
    assert_eq!(client.get("/panic").await.unwrap().status, 500);
    assert_eq!(client.get("/").await.unwrap().status, 200);
    target.eventually_metric(&["server_requests_total", "http2", "code=\"500\"", "error=\"internal\""], 1.0).await;
    assert_eq!(target.metric(&["server_inflight_requests", "http2"]).await, 0.0);
}

#[tokio::test]
async fn a_drain_lets_streams_end_and_then_closes() {
    let target = Fixture::start().await;
    let mut idle = Two::connect(&target).await;
    assert_eq!(idle.get("/").await.unwrap().status, 200);
    let mut client = Two::connect(&target).await;
    let (response, _stream) = client.begin(get("/?delay=300ms&size=5&body=seq"), true).await;
    let (hanging, _hanging) = client.begin(get("/?fault=hang"), true).await;
    target.eventually_metric(&["server_inflight_requests", "http2", "injected=\"true\""], 2.0).await;
    let (report, seen, hung) = tokio::join!(target.stopped(), read(response), read(hanging));
    assert_eq!(report.requests_cut, 0);
    assert_eq!(seen.unwrap().body, "abcde");
    assert_eq!(hung.unwrap_err().reason(), Some(Reason::CANCEL));
    for over in [client.over, idle.over] {
        assert!(timeout(PATIENCE, over).await.unwrap().unwrap().is_ok(), "a graceful end is none by error");
    }
}

#[tokio::test]
async fn an_idle_connection_is_closed_in_the_end() {
    let target = Fixture::with(|config| config.connections.idle_timeout = Duration::from_secs(1)).await;
    let mut client = Two::connect(&target).await;
    assert_eq!(client.get("/").await.unwrap().status, 200);
    assert!(timeout(PATIENCE, client.over).await.unwrap().unwrap().is_ok());
    target.eventually_metric(&["server_connections_open", "http2"], 0.0).await;
}

#[tokio::test]
async fn grpc_is_not_taken_for_http() {
    let target = Fixture::start().await;
    let mut client = Two::connect(&target).await;
    let request = Request::post("http://t/no.such.Service/Method").header("content-type", "application/grpc");
    let seen = client.ask(request.body("").unwrap()).await.unwrap();
    assert_eq!((seen.status, seen.field("grpc-status")), (200, Some("12")));
}
