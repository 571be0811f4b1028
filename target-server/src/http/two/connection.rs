//! The life of one HTTP/2 connection: streams → h2 → orders, turn by turn, until nothing more can come.

use std::future::poll_fn;
use std::net::IpAddr;
use std::sync::Arc;
use std::task::{Context, Poll};

use bytes::Bytes;
use futures_util::stream::{FuturesUnordered, StreamExt as _};
use h2::server::SendResponse;
use h2::{Reason, RecvStream};
use http::Request;
use shared::outcome::{Code, ServerError};
use shared::protocol::Protocol;
use tokio::io::AsyncWriteExt as _;
use tokio::time::{Instant, sleep_until, timeout};
use tokio_util::sync::CancellationToken;

use super::lent::Lent;
use super::out::Out;
use super::stream;
use crate::close;
use crate::h2conn::{H2Conn, Order, Serving};
use crate::http::Http;
use crate::http::exchange::Exchange;
use crate::http::socket::Socket;
use crate::panics::shielded;
use crate::stream::Stream;

/// No frame: its length would be 16 MiB, over what any client takes (RFC 9113, section 4.2), and its type is unknown.
const GARBAGE: [u8; 512] = [0xff; 512];

/// How a connection's turns ended.
enum Turn {
    /// The client left, or h2 ended the connection.
    Over(Result<(), h2::Error>),
    /// A stream ordered something, and all before it is out.
    Ordered(Order),
}

/// What is to be done with the socket.
enum End {
    Orderly,
    Reset,
    Garbage,
}

struct Connection {
    /// What it is counted as.
    protocol: Protocol,
    exchange: Arc<Exchange>,
    conn: Arc<H2Conn>,
    lent: Lent,
    h2: h2::server::Connection<Lent, Bytes>,
    streams: FuturesUnordered<Serving>,
}

/// Serves a connection to its end. `opening` was read from it already; `protocol` is what it is counted as.
pub(in crate::http) async fn serve(
    http: &Arc<Http>,
    stream: Stream,
    opening: Bytes,
    client: IpAddr,
    drain: &CancellationToken,
    protocol: Protocol,
) {
    let _open = http.core.opened(protocol);
    let is_secured = matches!(stream, Stream::Tls(_));
    let exchange = Arc::new(Exchange::new(Arc::clone(http), client, is_secured));
    let lent = Lent::new(Socket::new(stream, opening, Arc::clone(&exchange)));
    let conn = Arc::new(H2Conn::new(client, drain.clone()));
    let handshake = timeout(http.core.head_timeout, super::builder().handshake(lent.clone())).await;
    let end = match handshake {
        Ok(Ok(h2)) => {
            let streams = FuturesUnordered::new();
            let mut connection =
                Connection { protocol, exchange: Arc::clone(&exchange), conn, lent: lent.clone(), h2, streams };
            connection.run(drain).await
            // Dropping it drops the streams: those that did not get their answer are recorded so.
        }
        Ok(Err(error)) => {
            note(http, protocol, &error);
            Some(End::Orderly)
        }
        Err(_) => None,
    };
    let Some(mut stream) = lent.take() else { return };
    match end {
        Some(End::Orderly) => close::orderly(stream).await,
        Some(End::Reset) => close::reset(stream.into_parts().0).await,
        Some(End::Garbage) => {
            if matches!(timeout(close::LINGER_MAX, stream.write_all(&GARBAGE)).await, Ok(Ok(()))) {
                close::orderly(stream).await;
            }
        }
        None => {}
    }
}

impl Connection {
    /// Takes turns until it is over; nothing if the client has stopped taking part.
    async fn run(&mut self, drain: &CancellationToken) -> Option<End> {
        let core = Arc::clone(&self.exchange.http.core);
        let period = core.head_timeout.min(close::LINGER_MAX);
        let patient_max = core.idle_timeout.max(core.faults.limits().total_delay_max);
        let mut next_look = Instant::now() + period;
        let mut moved = (self.exchange.progress(), next_look);
        // Since when no new streams are wanted.
        let mut leaving_since: Option<Instant> = None;
        loop {
            let turn = tokio::select! {
                biased;
                turn = poll_fn(|cx| self.poll_turn(cx)) => turn,
                () = drain.cancelled(), if leaving_since.is_none() => Turn::Ordered(Order::Goaway(Reason::NO_ERROR)),
                () = sleep_until(next_look) => {
                    let now = next_look;
                    next_look += period;
                    if let Some(order) = self.conn.take_order() {
                        // The client reads nothing; it has been waited for.
                        Turn::Ordered(order)
                    } else if leaving_since.is_some_and(|since| now - since >= period) && self.streams.is_empty() {
                        // The client does not confirm that it heard; there is nothing to be lost any more.
                        return self.abrupt(Reason::NO_ERROR).await;
                    } else {
                        let bound = if self.exchange.is_patient() { patient_max } else { core.idle_timeout };
                        if moved.0 != self.exchange.progress() {
                            moved = (self.exchange.progress(), now);
                        } else if now - moved.1 >= bound {
                            return if self.streams.is_empty() { self.abrupt(Reason::NO_ERROR).await } else { None };
                        }
                        continue;
                    }
                }
            };
            match turn {
                Turn::Over(result) => {
                    match result {
                        // h2 ends what we ended when all of it is out.
                        Ok(()) if leaving_since.is_some() && !self.lent.is_blocked() => self.conn.note_flushed(),
                        Ok(()) => {}
                        Err(error) => note(&self.exchange.http, self.protocol, &error),
                    }
                    // Once more, so that each stream learns that its client has left, and records what that means.
                    let streams = &mut self.streams;
                    poll_fn(|cx| {
                        while let Poll::Ready(Some(())) = streams.poll_next_unpin(cx) {}
                        Poll::Ready(())
                    })
                    .await;
                    self.give_up_settled();
                    return Some(End::Orderly);
                }
                // Twice, with a round trip in between, so that no stream is refused that the client had opened before it
                // heard (RFC 9113, section 6.8).
                Turn::Ordered(Order::Goaway(Reason::NO_ERROR)) => {
                    leaving_since.get_or_insert(next_look);
                    self.h2.graceful_shutdown();
                }
                Turn::Ordered(Order::Goaway(code)) => return self.abrupt(code).await,
                Turn::Ordered(Order::Reset) => return Some(End::Reset),
                Turn::Ordered(Order::Garbage) => return Some(End::Garbage),
            }
        }
    }

    /// Streams, then h2, then what the streams asked for: see [`crate::h2conn`].
    fn poll_turn(&mut self, cx: &mut Context<'_>) -> Poll<Turn> {
        loop {
            while let Poll::Ready(Some(())) = self.streams.poll_next_unpin(cx) {}
            if self.streams.is_empty() {
                self.exchange.set_patient(false);
            }
            match self.h2.poll_accept(cx) {
                Poll::Ready(Some(Ok((request, respond)))) => self.streams.push(self.serve(request, respond)),
                Poll::Ready(Some(Err(error))) => return Poll::Ready(Turn::Over(Err(error))),
                Poll::Ready(None) => return Poll::Ready(Turn::Over(Ok(()))),
                Poll::Pending => break,
            }
        }
        // h2 has handed on all it could: what is not stuck in the socket is in the kernel's hands.
        if !self.lent.is_blocked() {
            self.conn.note_flushed();
            if let Some(order) = self.conn.take_order() {
                return Poll::Ready(Turn::Ordered(order));
            }
        }
        Poll::Pending
    }

    /// One stream, to whoever speaks its protocol.
    fn serve(&self, request: Request<RecvStream>, mut respond: SendResponse<Bytes>) -> Serving {
        let (exchange, conn) = (Arc::clone(&self.exchange), Arc::clone(&self.conn));
        if stream::is_grpc(request.headers()) {
            exchange.set_patient(true);
            let serving = (exchange.http.grpc)(request, respond, conn);
            return Box::pin(async move { shielded("a gRPC call", serving).await.unwrap_or_default() });
        }
        Box::pin(async move {
            let mut out = Out::new(&mut respond);
            if shielded("a request", stream::serve(exchange, &conn, request, &mut out)).await.is_none() {
                stream::internal(&mut out);
            }
        })
    }

    /// GOAWAY, and the end of everything.
    async fn abrupt(&mut self, code: Reason) -> Option<End> {
        self.h2.abrupt_shutdown(code);
        let closed = timeout(close::LINGER_MAX, poll_fn(|cx| self.h2.poll_closed(cx))).await;
        self.give_up_settled();
        closed.is_ok().then_some(End::Orderly)
    }

    /// The connection is over: what was not flushed will not be.
    fn give_up_settled(&self) {
        for call in self.conn.take_settled() {
            if self.exchange.is_broken() {
                call.failed(ServerError::Write);
            }
            // Otherwise it is dropped, which says that the client left.
        }
    }
}

/// What a connection's error says about the client.
fn note(http: &Http, protocol: Protocol, error: &h2::Error) {
    tracing::debug!(%error, "connection ended");
    if error.is_library() {
        http.core.count_nameless(protocol, "malformed", Code::NONE, ServerError::BadRequest);
    }
}
