//! What the kernel sent again on our connections over TCP, as it counts by itself (`tcpi_total_retrans` of `TCP_INFO`), less
//! what the peer's kernel said it had already (`tcpi_dsack_dups`).
//!
//! The latter were sent for nothing. It is mostly a probe for a lost tail, which the kernel sends if the last of several
//! segments has not been acknowledged for about ten milliseconds: as after every request in two segments that takes the
//! target longer. As losses they would say that a healthy path is broken.
//!
//! Invariants:
//! - Nothing is lost: a connection is looked at when it ends, however long it lived and however it ended.
//! - A connection that lives for months is looked at while it does: when something comes on it, at most every
//!   [`LOOK_EVERY`]. Asking the kernel costs 0.6 µs, against the 30 ns of a look at the clock: too much for every answer of a
//!   busy connection, nothing at ten times a second. An answer that took longer than that is always looked at, which is where
//!   it matters.
//! - It is the connection's own stream that looks. A descriptor kept elsewhere might be another's by then.
//!
//! Only segments of ours: what the peer had to send again is in its kernel. Attempts to connect that failed leave no socket
//! to be asked.

use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::task::{Context, Poll, ready};
use std::time::Duration;

use nix::sys::socket::GetSockOpt as _;
use nix::{getsockopt_impl, libc, sockopt_impl};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::TcpStream;
use tokio::time::Instant;

use crate::counter::Counter;

/// A connection is not looked at more often, its end apart.
const LOOK_EVERY: Duration = Duration::from_millis(100);

/// Words of 32 bits that every kernel with `TCP_INFO` gives, the last of them `tcpi_total_retrans`. Numbers instead of the C
/// library's structure, which is longer in some libraries than in some kernels: nix takes no answer that is too short.
const OLD_WORDS: usize = 26;
/// The same with all up to `tcpi_dsack_dups`, which kernels give since 4.20.
const NEW_WORDS: usize = 55;

sockopt_impl!(
    /// The first part of the kernel's `struct tcp_info`.
    OldInfo,
    GetOnly,
    libc::IPPROTO_TCP,
    libc::TCP_INFO,
    [u32; OLD_WORDS]
);

sockopt_impl!(
    /// More of it.
    NewInfo,
    GetOnly,
    libc::IPPROTO_TCP,
    libc::TCP_INFO,
    [u32; NEW_WORDS]
);

/// Segments sent again and not for nothing, as far as the kernel knows; `None` if it does not tell (a sandbox's).
fn needed(tcp: &TcpStream) -> Option<u32> {
    if let Ok(info @ [.., needless]) = NewInfo.get(tcp) {
        return Some(info[OLD_WORDS - 1].saturating_sub(needless));
    }
    OldInfo.get(tcp).ok().map(|[.., total]| total)
}

/// Segments sent again on one connection so far. Clones are of the same connection.
#[derive(Clone, Debug, Default)]
pub(crate) struct Resent(Arc<Figures>);

#[derive(Debug, Default)]
struct Figures {
    /// The most that the kernel said: what turns out to have been for nothing later is not taken back.
    seen: AtomicU32,
    /// Of those, the ones that [`Resent::untold`] has told.
    told: AtomicU32,
}

impl Resent {
    /// The kernel's figure; how many of those are new.
    fn saw(&self, total: u32) -> u32 {
        total.saturating_sub(self.0.seen.fetch_max(total, Ordering::Relaxed))
    }

    /// How many were seen since the last time.
    pub(crate) fn untold(&self) -> u32 {
        let seen = self.0.seen.load(Ordering::Relaxed);
        seen.wrapping_sub(self.0.told.swap(seen, Ordering::Relaxed))
    }
}

/// A connection that counts what is sent again on it.
pub(crate) struct Watched {
    tcp: TcpStream,
    resent: Resent,
    /// Where it is counted; nothing for questions of our own.
    counter: Option<Counter>,
    looked: Instant,
}

impl Watched {
    /// A connection that was begun then.
    pub(crate) fn new(tcp: TcpStream, began: Instant, counter: Option<&Counter>) -> Watched {
        let mut watched = Watched { tcp, resent: Resent::default(), counter: counter.cloned(), looked: began };
        // SYNs count as well, and one that was lost takes longer than this.
        watched.glance();
        watched
    }

    /// What will be seen on it.
    pub(crate) fn resent(&self) -> Resent {
        self.resent.clone()
    }

    fn glance(&mut self) {
        let now = Instant::now();
        if now.saturating_duration_since(self.looked) >= LOOK_EVERY {
            self.looked = now;
            self.look();
        }
    }

    fn look(&self) {
        let Some(counter) = &self.counter else { return };
        let Some(total) = needed(&self.tcp) else { return };
        let new = self.resent.saw(total);
        if new > 0 {
            counter.resent(new);
        }
    }
}

impl Drop for Watched {
    fn drop(&mut self) {
        self.look();
    }
}

impl AsyncRead for Watched {
    fn poll_read(self: Pin<&mut Self>, cx: &mut Context<'_>, into: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        let watched = self.get_mut();
        let read = ready!(Pin::new(&mut watched.tcp).poll_read(cx, into));
        watched.glance();
        Poll::Ready(read)
    }
}

impl AsyncWrite for Watched {
    fn poll_write(self: Pin<&mut Self>, cx: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.get_mut().tcp).poll_write(cx, bytes)
    }

    fn poll_write_vectored(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        pieces: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.get_mut().tcp).poll_write_vectored(cx, pieces)
    }

    fn is_write_vectored(&self) -> bool {
        self.tcp.is_write_vectored()
    }

    fn poll_flush(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.get_mut().tcp).poll_flush(cx)
    }

    fn poll_shutdown(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.get_mut().tcp).poll_shutdown(cx)
    }
}
