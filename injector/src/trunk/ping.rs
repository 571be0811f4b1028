//! Whether the peer of an HTTP/2 connection is still there: PING (RFC 9113, section 6.7).
//!
//! The kernel's probes are answered by a peer's kernel, also for a program that hangs, and a proxy on the way answers for
//! itself. A PING comes back from the peer's HTTP/2, idle or busy. It is sent after a silence of the peer, and any byte is a
//! sign of life: of a long answer on a slow path the PONG may wait behind.
//!
//! At most [`PINGS_MAX`] are sent from one piece of an answer to the next. Servers of gRPC take more for an attack: they count
//! them, forget them only when they send a head or data, whatever else they say, and answer the third with GOAWAY
//! `too_many_pings`. From then on only the kernel asks, until an answer comes. Of a program that hangs meanwhile only its
//! requests tell: one that hears not a byte until it is given up ends the connection ([`Ear::is_spent`]).
//!
//! No clock is read when bytes come, they only leave a mark: the silence is between one and two of the guard's.

use std::cell::Cell;
use std::io;
use std::pin::Pin;
use std::rc::Rc;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use h2::{Ping, PingPong};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::time::{Instant, Sleep, sleep_until};

use crate::dial::Stream;
use crate::socket::Guard;

/// Most PINGs between two pieces of answers.
const PINGS_MAX: u32 = 2;

/// What came from the peer. Clones are of the same connection.
#[derive(Clone, Default)]
pub(crate) struct Ear(Rc<Noted>);

#[derive(Default)]
struct Noted {
    /// Reads that brought anything.
    reads: Cell<u64>,
    /// PINGs since the last piece of an answer.
    pings: Cell<u32>,
    /// Whether the last of them waits for its answer.
    is_asked: Cell<bool>,
}

impl Ear {
    /// A head came, or a piece of a body, or trailers.
    pub(crate) fn answered(&self) {
        self.0.pings.set(0);
    }

    /// How often anything came.
    pub(super) fn reads(&self) -> u64 {
        self.0.reads.get()
    }

    /// Whether the peer may not be asked any more, nor is being asked. Never if nobody asks.
    pub(super) fn is_spent(&self) -> bool {
        self.0.pings.get() >= PINGS_MAX && !self.0.is_asked.get()
    }
}

/// A stream of which an [`Ear`] knows whether something came.
pub(super) struct Heard {
    pub(super) stream: Stream,
    pub(super) ear: Ear,
}

/// Asks the peer after each silence.
pub(super) struct Pinger {
    pings: PingPong,
    ear: Ear,
    guard: Guard,
    /// The end of the silence, or of the time to answer.
    timer: Pin<Box<Sleep>>,
    /// What had been read when it last looked.
    reads: u64,
}

impl Pinger {
    /// Nothing if the guard asks for none.
    pub(super) fn new(pings: Option<PingPong>, ear: Ear, guard: Guard) -> Option<Pinger> {
        let silence = guard.silence?;
        let timer = Box::pin(sleep_until(Instant::now() + silence));
        Some(Pinger { pings: pings?, ear, guard, timer, reads: 0 })
    }

    /// Ready once the peer is taken for dead; to be polled together with the connection.
    pub(super) fn poll(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        let Some(silence) = self.guard.silence else { return Poll::Pending };
        loop {
            if self.ear.0.is_asked.get() && self.pings.poll_pong(cx).is_ready() {
                // An error too: then the connection itself ends, and says why.
                self.ear.0.is_asked.set(false);
                self.reads = self.ear.reads();
                self.timer.as_mut().reset(Instant::now() + silence);
            }
            ready!(self.timer.as_mut().poll(cx));
            let before = std::mem::replace(&mut self.reads, self.ear.reads());
            let has_spoken = before != self.reads;
            let wait = match (self.ear.0.is_asked.get(), has_spoken) {
                (true, false) => return Poll::Ready(()),
                (true, true) => self.guard.answer,
                (false, _) => self.ask(has_spoken).unwrap_or(silence),
            };
            self.timer.as_mut().reset(Instant::now() + wait);
        }
    }

    /// Sends a PING if it is time; how long its answer may take.
    fn ask(&mut self, has_spoken: bool) -> Option<Duration> {
        if has_spoken || self.ear.is_spent() || self.pings.send_ping(Ping::opaque()).is_err() {
            return None;
        }
        let noted = &*self.ear.0;
        noted.pings.set(noted.pings.get() + 1);
        noted.is_asked.set(true);
        Some(self.guard.answer)
    }
}

impl AsyncRead for Heard {
    fn poll_read(self: Pin<&mut Self>, cx: &mut Context<'_>, into: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        let heard = self.get_mut();
        let before = into.filled().len();
        let read = Pin::new(&mut heard.stream).poll_read(cx, into);
        if into.filled().len() > before {
            heard.ear.0.reads.set(heard.ear.reads() + 1);
        }
        read
    }
}

impl AsyncWrite for Heard {
    fn poll_write(self: Pin<&mut Self>, cx: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.get_mut().stream).poll_write(cx, bytes)
    }

    fn poll_write_vectored(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        pieces: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.get_mut().stream).poll_write_vectored(cx, pieces)
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }

    fn poll_flush(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.get_mut().stream).poll_flush(cx)
    }

    fn poll_shutdown(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.get_mut().stream).poll_shutdown(cx)
    }
}
