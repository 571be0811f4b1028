//! One HTTP/2 connection, as the requests on it see it: what they may do to it as a whole, and when what they wrote is out.
//!
//! Whoever serves a stream is polled inside the connection's one task (see `http/two`), in this order: all streams, then
//! the connection, then the orders and notices of this module. That is why nothing here wakes anybody: what a stream asks
//! for is looked at in the same turn.
//!
//! Invariants:
//! - An order ([`H2Conn::goaway`], [`H2Conn::reset`], [`H2Conn::garbage`]) is carried out once all that was sent before it is
//!   in the kernel's hands, or a second later if the client does not read. The first order counts.
//! - A call that is settled is recorded when its last byte is in the kernel's hands; if the connection ends before, it is
//!   dropped, which says that the client left.

use std::future::Future;
use std::net::IpAddr;
use std::pin::Pin;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use bytes::Bytes;
use h2::server::SendResponse;
use h2::{Reason, RecvStream};
use http::Request;
use tokio::sync::Notify;
use tokio_util::sync::CancellationToken;

use crate::record::Call;

/// One stream being served to its end.
pub(crate) type Serving = Pin<Box<dyn Future<Output = ()> + Send>>;

/// Who serves the streams of a protocol on top of HTTP/2, from the request's head on. A function rather than a type: the
/// connection's loop must not know which protocols there are.
pub(crate) type Handler = Box<dyn Fn(Request<RecvStream>, SendResponse<Bytes>, Arc<H2Conn>) -> Serving + Send + Sync>;

/// What all streams of one connection share.
#[derive(Debug)]
pub(crate) struct H2Conn {
    /// Who is at the other end.
    pub(crate) client: IpAddr,
    drain: CancellationToken,
    flushed: Notify,
    desk: Mutex<Desk>,
}

#[derive(Debug, Default)]
struct Desk {
    /// Sent whole; recorded with the next flush.
    settled: Vec<Call>,
    order: Option<Order>,
}

/// What is to become of the connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Order {
    /// GOAWAY with this code. `NO_ERROR`: streams in flight end, new ones are refused; any other: the connection ends.
    Goaway(Reason),
    /// A TCP RST.
    Reset,
    /// Bytes that are no frame, then the end.
    Garbage,
}

impl H2Conn {
    pub(crate) fn new(client: IpAddr, drain: CancellationToken) -> H2Conn {
        H2Conn { client, drain, flushed: Notify::new(), desk: Mutex::default() }
    }

    /// Ends the connection by a GOAWAY. With `NO_ERROR` it goes on until the streams in flight have ended, this one
    /// included; with any other code all of them are cut: record the call, order this, and wait for [`H2Conn::over`].
    pub(crate) fn goaway(&self, code: Reason) {
        self.order(Order::Goaway(code));
    }

    /// Ends the connection by a TCP RST, under all streams. Record the call, order this, and wait for [`H2Conn::over`].
    pub(crate) fn reset(&self) {
        self.order(Order::Reset);
    }

    /// Sends bytes that are no frame and ends the connection. Record the call, order this, and wait for [`H2Conn::over`].
    pub(crate) fn garbage(&self) {
        self.order(Order::Garbage);
    }

    /// Never returns: the connection ends, and with it whoever waits here. A stream that ended by itself after an order
    /// would be reset first, and the client would see that instead.
    pub(crate) async fn over(&self) {
        std::future::pending().await
    }

    /// Returns when all that was sent so far, on any stream, is in the kernel's hands. Worth waiting for before a
    /// `RST_STREAM`, which throws away what is still queued.
    pub(crate) async fn flushed(&self) {
        self.flushed.notified().await;
    }

    /// The answer was sent whole: `call` is recorded as answered with the next flush. The stream's future may end.
    pub(crate) fn settle(&self, call: Call) {
        self.desk().settled.push(call);
    }

    /// Returns when the target drains: what waits without an end, such as `fault=hang`, gives up.
    pub(crate) async fn draining(&self) {
        self.drain.cancelled().await;
    }

    /// For the connection's loop: everything is in the kernel's hands.
    pub(crate) fn note_flushed(&self) {
        let settled = std::mem::take(&mut self.desk().settled);
        settled.into_iter().for_each(Call::answered);
        self.flushed.notify_waiters();
    }

    /// For the connection's loop: what was ordered, once.
    pub(crate) fn take_order(&self) -> Option<Order> {
        self.desk().order.take()
    }

    /// For the connection's loop, at the end: what was settled and never flushed.
    pub(crate) fn take_settled(&self) -> Vec<Call> {
        std::mem::take(&mut self.desk().settled)
    }

    fn order(&self, order: Order) {
        self.desk().order.get_or_insert(order);
    }

    fn desk(&self) -> MutexGuard<'_, Desk> {
        self.desk.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
