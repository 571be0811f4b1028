//! The service on an HTTP/2 connection in memory, with simulated time, and a client that sees every frame.

mod answers;
mod deadlines;
mod faults;
mod hostile;
mod podinfo;
mod services;

use std::future::poll_fn;
use std::net::{IpAddr, Ipv4Addr};
use std::sync::Arc;
use std::task::Poll;
use std::time::Duration;

use bytes::{Bytes, BytesMut};
use h2::{Reason, client};
use http::{HeaderMap, Request};
use prometheus::{Registry, TextEncoder};
use prost::Message;
use shared::fault::Key;
use shared::red::server::ServerRed;
use tokio::io::DuplexStream;
use tokio::time::{Instant, timeout};
use tokio_util::sync::CancellationToken;
use tonic::{Code, Status};

use super::{Grpc, Options, frame};
use crate::config::Config;
use crate::core::Core;
use crate::effects;
use crate::fixture::PATIENCE;
use crate::h2conn::{H2Conn, Order};

/// A connection's loop as `http/two` has it, without the socket.
async fn host(io: DuplexStream, grpc: Arc<Grpc>, drain: CancellationToken) {
    let Ok(mut h2) = h2::server::handshake(io).await else { return };
    let conn = Arc::new(H2Conn::new(IpAddr::V4(Ipv4Addr::LOCALHOST), drain));
    let mut streams: Vec<std::pin::Pin<Box<dyn Future<Output = ()> + Send>>> = Vec::new();
    let mut is_closing = false;
    poll_fn(|cx| {
        loop {
            if is_closing {
                return h2.poll_closed(cx).map(drop);
            }
            streams.retain_mut(|stream| stream.as_mut().poll(cx).is_pending());
            match h2.poll_accept(cx) {
                Poll::Ready(Some(Ok((request, respond)))) => {
                    streams.push(Box::pin(Arc::clone(&grpc).serve(request, respond, Arc::clone(&conn))));
                    continue;
                }
                Poll::Ready(_) => return Poll::Ready(()),
                Poll::Pending => {}
            }
            conn.note_flushed();
            match conn.take_order() {
                Some(Order::Goaway(Reason::NO_ERROR)) => h2.graceful_shutdown(),
                Some(Order::Goaway(code)) => {
                    h2.abrupt_shutdown(code);
                    is_closing = true;
                }
                Some(Order::Reset | Order::Garbage) => return Poll::Ready(()),
                None => return Poll::Pending,
            }
        }
    })
    .await;
}

struct World {
    grpc: Arc<Grpc>,
    drain: CancellationToken,
    registry: Registry,
}

/// What came back from one call.
#[derive(Debug, Default)]
struct Got {
    http: u16,
    head: HeaderMap,
    /// Without their prefixes.
    messages: Vec<Bytes>,
    /// Whether each was compressed.
    flags: Vec<u8>,
    /// Bytes of a message that never came whole.
    rest: usize,
    trailers: Option<HeaderMap>,
    /// How the stream or the connection broke.
    broken: Option<Reason>,
    /// The end came with the head.
    is_lone: bool,
    took: Duration,
}

impl Got {
    /// The status, wherever it is; nothing if none was sent.
    fn status(&self) -> Option<Status> {
        let end = self.trailers.as_ref().unwrap_or(&self.head);
        Status::from_header_map(end)
    }

    fn code(&self) -> Option<Code> {
        self.status().map(|status| status.code())
    }

    fn all<T: Message + Default>(&self) -> Vec<T> {
        self.messages.iter().map(|message| T::decode(message.clone()).unwrap()).collect()
    }

    fn one<T: Message + Default>(&self) -> T {
        assert_eq!((self.code(), self.messages.len()), (Some(Code::Ok), 1), "{self:?}");
        self.all().remove(0)
    }
}

impl World {
    fn new() -> World {
        World::with(Options::default())
    }

    fn with(options: Options) -> World {
        let parameters: Vec<&'static str> = Key::all().map(Key::as_str).collect();
        let red = ServerRed::new(&effects::all(), &parameters);
        let registry = Registry::new();
        registry.register(Box::new(red.clone())).unwrap();
        let mut config = Config::loopback();
        config.pod = Some("pod".to_owned());
        let grpc = Grpc::new(Arc::new(Core::new(&config, 10, red)), options).unwrap();
        grpc.set_ready(true);
        World { grpc: Arc::new(grpc), drain: CancellationToken::new(), registry }
    }

    async fn connect(&self) -> client::SendRequest<Bytes> {
        let (ours, theirs) = tokio::io::duplex(64 << 10);
        tokio::spawn(host(theirs, Arc::clone(&self.grpc), self.drain.clone()));
        let (send, connection) = client::handshake(ours).await.unwrap();
        tokio::spawn(connection);
        send
    }

    /// A call with these metadata, and a body of these bytes.
    async fn raw(&self, path: &str, metadata: &[(&str, &str)], body: Bytes) -> Got {
        let mut opened = self.open(path, metadata).await;
        // A target that answers without reading all of it has its reasons.
        let _ = opened.body.send_data(body, true);
        opened.got().await
    }

    async fn open(&self, path: &str, metadata: &[(&str, &str)]) -> Opened {
        let send = self.connect().await;
        let mut send = send.ready().await.unwrap();
        let mut request = Request::post(format!("http://t{path}")).header("content-type", "application/grpc");
        for (name, value) in metadata {
            request = request.header(*name, *value);
        }
        let start = Instant::now();
        let (response, body) = send.send_request(request.body(()).unwrap(), false).unwrap();
        Opened { response, body, start, _send: send }
    }

    /// A call of these messages.
    async fn call(&self, path: &str, metadata: &[(&str, &str)], messages: &[&dyn Encodes]) -> Got {
        let mut body = BytesMut::new();
        messages.iter().for_each(|message| body.extend_from_slice(&frame::framed(0, &message.bytes())));
        self.raw(path, metadata, body.freeze()).await
    }

    /// The same with a fault in the metadata.
    async fn faulty(&self, path: &str, spec: &str, message: &dyn Encodes) -> Got {
        self.call(path, &[("x-cload-fault", spec)], &[message]).await
    }

    /// The sum of the samples that have all these words in them.
    fn metric(&self, words: &[&str]) -> f64 {
        let text = TextEncoder::new().encode_to_string(&self.registry.gather()).unwrap();
        let samples =
            text.lines().filter(|line| !line.starts_with('#') && words.iter().all(|word| line.contains(word)));
        samples.map(|line| line.rsplit(' ').next().unwrap().parse::<f64>().unwrap()).sum()
    }

    /// Waits until requests have been recorded so: code, result and error of the one that was made.
    async fn recorded(&self, code: &str, result: &str, error: &str) {
        let labels = [format!("code=\"{code}\""), format!("result=\"{result}\""), format!("error=\"{error}\"")];
        let mut words = vec!["server_requests_total"];
        words.extend(labels.iter().map(String::as_str));
        let start = Instant::now();
        while self.metric(&words) != 1.0 || self.metric(&["server_requests_total"]) != 1.0 {
            assert!(start.elapsed() < PATIENCE, "not recorded as {words:?}: {}", self.records());
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
    }

    fn records(&self) -> String {
        let text = TextEncoder::new().encode_to_string(&self.registry.gather()).unwrap();
        let lines = text.lines().filter(|line| line.contains("server_requests_total{") && !line.ends_with(" 0"));
        lines.collect::<Vec<_>>().join("\n")
    }
}

struct Opened {
    response: client::ResponseFuture,
    body: h2::SendStream<Bytes>,
    start: Instant,
    _send: client::SendRequest<Bytes>,
}

impl Opened {
    async fn got(self) -> Got {
        let start = self.start;
        let mut got = timeout(PATIENCE * 100, receive(self.response)).await.expect("the target is silent");
        got.took = start.elapsed();
        got
    }
}

async fn receive(response: client::ResponseFuture) -> Got {
    let mut got = Got::default();
    let response = match response.await {
        Ok(response) => response,
        Err(error) => return Got { broken: Some(error.reason().unwrap_or(Reason::NO_ERROR)), ..got },
    };
    let (parts, mut body) = response.into_parts();
    (got.http, got.head, got.is_lone) = (parts.status.as_u16(), parts.headers, body.is_end_stream());
    let mut bytes = BytesMut::new();
    while let Some(data) = body.data().await {
        match data {
            Ok(data) => {
                body.flow_control().release_capacity(data.len()).unwrap();
                bytes.extend_from_slice(&data);
            }
            Err(error) => {
                got.broken = Some(error.reason().unwrap_or(Reason::NO_ERROR));
                break;
            }
        }
    }
    while let Some(message) = frame::take(&mut bytes) {
        got.flags.push(message[0]);
        got.messages.push(message.slice(frame::PREFIX_BYTES..));
    }
    got.rest = bytes.len();
    if got.broken.is_none() {
        match body.trailers().await {
            Ok(trailers) => got.trailers = trailers,
            Err(error) => got.broken = Some(error.reason().unwrap_or(Reason::NO_ERROR)),
        }
    }
    got
}

/// A message of whatever type.
trait Encodes {
    fn bytes(&self) -> Vec<u8>;
}

impl<T: Message> Encodes for T {
    fn bytes(&self) -> Vec<u8> {
        self.encode_to_vec()
    }
}

fn ask(payload: &'static str) -> shared::proto::cload::v1::Request {
    asking("", payload)
}

fn asking(fault: &str, payload: &'static str) -> shared::proto::cload::v1::Request {
    shared::proto::cload::v1::Request { fault: fault.to_owned(), payload: Bytes::from_static(payload.as_bytes()) }
}
