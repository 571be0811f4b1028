//! A socket that h2 writes on and we get back: h2 keeps what it is given, and some faults need the bare socket.

use std::io::{self, IoSlice};
use std::pin::Pin;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Context, Poll};

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};

use crate::http::socket::Socket;
use crate::stream::Stream;

/// One of two handles on a socket. Both are used in the connection's one task, so that the lock is never contended.
#[derive(Clone)]
pub(super) struct Lent(Arc<Shared>);

struct Shared {
    socket: Mutex<Option<Socket>>,
    /// The last write, or flush, found no room: something waits to be written.
    blocked: AtomicBool,
}

impl Lent {
    pub(super) fn new(socket: Socket) -> Lent {
        Lent(Arc::new(Shared { socket: Mutex::new(Some(socket)), blocked: AtomicBool::new(false) }))
    }

    /// Whether something that was to be written is not in the kernel's hands.
    pub(super) fn is_blocked(&self) -> bool {
        self.0.blocked.load(Ordering::Relaxed)
    }

    /// Takes the stream back; h2 finds the connection ended.
    pub(super) fn take(&self) -> Option<Stream> {
        self.0.socket.lock().unwrap_or_else(PoisonError::into_inner).take().map(Socket::into_stream)
    }

    fn with<T>(&self, poll: impl FnOnce(Pin<&mut Socket>) -> Poll<io::Result<T>>) -> Poll<io::Result<T>> {
        match &mut *self.0.socket.lock().unwrap_or_else(PoisonError::into_inner) {
            Some(socket) => poll(Pin::new(socket)),
            None => Poll::Ready(Err(io::ErrorKind::NotConnected.into())),
        }
    }

    fn write<T>(&self, poll: impl FnOnce(Pin<&mut Socket>) -> Poll<io::Result<T>>) -> Poll<io::Result<T>> {
        let polled = self.with(poll);
        self.0.blocked.store(polled.is_pending(), Ordering::Relaxed);
        polled
    }
}

impl AsyncRead for Lent {
    fn poll_read(self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        self.with(|socket| socket.poll_read(cx, buf))
    }
}

/// Vectored, unlike for hyper: h2 would else write the head of every larger frame by itself.
impl AsyncWrite for Lent {
    fn poll_write(self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &[u8]) -> Poll<io::Result<usize>> {
        self.write(|socket| socket.poll_write(cx, buf))
    }

    fn poll_write_vectored(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bufs: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        self.write(|socket| socket.poll_write_vectored(cx, bufs))
    }

    fn is_write_vectored(&self) -> bool {
        true
    }

    fn poll_flush(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.write(|socket| socket.poll_flush(cx))
    }

    /// The end of the connection is ours to make.
    fn poll_shutdown(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.poll_flush(cx)
    }
}
