//! The life of one HTTP/1.1 connection: parked → active → parked … → closed.
//!
//! While nothing happens a connection is only a socket and a small task waiting in `peek`. The first byte builds hyper's
//! state (two 8 KiB buffers) around it, in a future of its own on the heap; a second of silence takes it down again.

use std::net::IpAddr;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use hyper_util::rt::TokioIo;
use shared::outcome::{Code, ServerError};
use shared::protocol::Protocol;
use tokio::io::AsyncWriteExt;
use tokio::time::{Instant, sleep_until, timeout};
use tokio_util::sync::CancellationToken;

use super::door::wait_for_a_byte;
use super::exchange::{Activity, Exchange, Takeover};
use super::service::Service;
use super::socket::Socket;
use super::{Http, two, wire};
use crate::close;
use crate::stream::Stream;

/// How long a connection stays active without a request. Shorter would rebuild hyper's state for connections that are
/// merely slow; longer would hold 20 KiB for those that are idle.
pub(super) const PARK_AFTER: Duration = Duration::from_secs(1);

const REQUEST_TIMEOUT: &[u8] = b"HTTP/1.1 408 Request Timeout\r\ncontent-length: 0\r\nconnection: close\r\n\r\n";

/// Serves a connection to its end. `prefix` was read from it already.
pub(super) async fn serve(
    http: &Arc<Http>,
    mut stream: Stream,
    mut prefix: Bytes,
    client: IpAddr,
    drain: &CancellationToken,
) {
    let open = http.core.opened(Protocol::Http);
    loop {
        // On the heap and only while active: a parked task stays small.
        match Box::pin(converse(http, stream, prefix, client, drain)).await {
            Turned::Parked(parked) => {
                http.parked.count();
                stream = parked;
                prefix = Bytes::new();
            }
            Turned::Closed => return,
            Turned::Upgraded(stream, read) => {
                drop(open);
                return Box::pin(two::serve(http, stream, read, client, drain, Protocol::Http2)).await;
            }
        }
        if !wait_for_a_byte(stream.tcp(), http.core.idle_timeout, drain).await {
            break;
        }
    }
    Box::pin(close::orderly(stream)).await;
}

/// What became of an active connection.
enum Turned {
    /// Nothing is going on.
    Parked(Stream),
    Closed,
    /// It goes on as HTTP/2, with these bytes of it read.
    Upgraded(Stream, Bytes),
}

type Connection = hyper::server::conn::http1::Connection<TokioIo<Socket>, Service>;

/// How hyper's part of a connection ended.
enum Turn {
    /// It said so.
    Over(hyper::Result<()>),
    /// Nothing is going on: it may be taken down.
    Idle,
    /// The head of a request took too long.
    HeadTimeout,
    /// A request is being served, and nothing has moved for longer than anything may take.
    Stalled,
}

/// Serves requests until the connection is idle, closed, or no longer HTTP/1.1.
async fn converse(
    http: &Arc<Http>,
    mut stream: Stream,
    mut prefix: Bytes,
    client: IpAddr,
    drain: &CancellationToken,
) -> Turned {
    let is_secured = matches!(stream, Stream::Tls(_));
    loop {
        let exchange = Arc::new(Exchange::new(Arc::clone(http), client, is_secured));
        let socket = TokioIo::new(Socket::new(stream, prefix, Arc::clone(&exchange)));
        let mut connection = http.builder.serve_connection(socket, Service(Arc::clone(&exchange)));
        let turn = turn(&mut connection, &exchange, drain).await;
        let parts = connection.into_parts();
        // Drops what hyper still had in hand: requests that did not get their answer are recorded so.
        drop(parts.service);
        exchange.give_up_flushing();
        stream = parts.io.into_inner().into_stream();
        match turn {
            Turn::Idle if parts.read_buf.is_empty() => return Turned::Parked(stream),
            // The beginning of a head came along with the last request's bytes.
            Turn::Idle => prefix = parts.read_buf,
            Turn::Stalled => return Turned::Closed,
            Turn::HeadTimeout => {
                count_malformed(http, Code::Http(408), ServerError::BadRequest);
                let _ = timeout(PARK_AFTER, stream.write_all(REQUEST_TIMEOUT)).await;
                close::orderly(stream).await;
                return Turned::Closed;
            }
            Turn::Over(result) => {
                match exchange.taken_over() {
                    Some(Takeover::Broken(plan)) => {
                        wire::run(stream, plan, drain).await;
                        return Turned::Closed;
                    }
                    Some(Takeover::Two(upgrade)) => {
                        let begun = timeout(http.core.head_timeout, upgrade.begin(&mut stream, parts.read_buf)).await;
                        if let Ok(Ok(read)) = begun {
                            return Turned::Upgraded(stream, read);
                        }
                        http.core.count_nameless(Protocol::Http2, "malformed", Code::NONE, ServerError::BadRequest);
                        close::orderly(stream).await;
                        return Turned::Closed;
                    }
                    Some(Takeover::WebSocket(socket)) => {
                        socket.serve(stream, parts.read_buf, drain).await;
                        return Turned::Closed;
                    }
                    None => {}
                }
                if let Err(error) = result {
                    note(http, &exchange, &error);
                }
                close::orderly(stream).await;
                return Turned::Closed;
            }
        }
    }
}

/// Polls hyper, and looks at the clock once per [`PARK_AFTER`]: one timer per active connection instead of one per
/// request, which is what hyper's own head timeout would cost.
async fn turn(connection: &mut Connection, exchange: &Exchange, drain: &CancellationToken) -> Turn {
    let head_timeout = exchange.http.core.head_timeout;
    let period = PARK_AFTER.min(head_timeout);
    let mut next_look = Instant::now() + period;
    let mut ended = 0;
    let mut head_since = None;
    // The bounds on clients that stop sending a body, or reading an answer. A request that asked for a wait may stand still
    // for longer than any wait that can be asked for.
    let idle_timeout = exchange.http.core.idle_timeout;
    let patient_max = idle_timeout.max(exchange.http.core.faults.limits().total_delay_max);
    let mut moved = (exchange.progress(), next_look);
    let mut is_draining = false;
    loop {
        tokio::select! {
            biased;
            result = &mut *connection => return Turn::Over(result),
            () = drain.cancelled(), if !is_draining => {
                is_draining = true;
                std::pin::Pin::new(&mut *connection).graceful_shutdown();
            }
            () = sleep_until(next_look) => {
                let before = std::mem::replace(&mut ended, exchange.ended());
                let is_quiet = before == ended;
                match exchange.activity() {
                    Activity::Idle if is_quiet => return Turn::Idle,
                    Activity::Head if is_quiet => {
                        let since = *head_since.get_or_insert(next_look - period);
                        if next_look - since >= head_timeout {
                            return Turn::HeadTimeout;
                        }
                    }
                    _ => head_since = None,
                }
                if moved.0 != exchange.progress() {
                    moved = (exchange.progress(), next_look);
                } else if next_look - moved.1 >= if exchange.is_patient() { patient_max } else { idle_timeout } {
                    return Turn::Stalled;
                }
                next_look += period;
            }
        }
    }
}

/// What a connection's error says about requests that never reached the service.
fn note(http: &Http, exchange: &Exchange, error: &hyper::Error) {
    tracing::debug!(%error, "connection ended");
    if exchange.activity() == Activity::Busy {
        return; // Its call says what became of it.
    }
    if error.is_parse_too_large() {
        count_malformed(http, Code::Http(431), ServerError::BadRequest);
    } else if error.is_parse() {
        count_malformed(http, Code::Http(400), ServerError::BadRequest);
    } else if error.is_incomplete_message() || exchange.activity() == Activity::Head {
        count_malformed(http, Code::NONE, ServerError::Aborted);
    }
}

/// One record for a request whose head never made sense. Nobody signed it, so that it is a stranger's.
fn count_malformed(http: &Http, code: Code, error: ServerError) {
    http.core.count_nameless(Protocol::Http, "malformed", code, error);
}
