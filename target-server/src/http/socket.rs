//! The stream as hyper and h2 see it: notes when bytes come and when everything is in the kernel's hands.

use std::io::{self, IoSlice};
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};

use bytes::{Buf, Bytes};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};

use super::exchange::Exchange;
use crate::stream::Stream;

pub(super) struct Socket {
    stream: Stream,
    /// Bytes that were read already and not used; read again before the stream.
    prefix: Bytes,
    exchange: Arc<Exchange>,
}

impl Socket {
    pub(super) fn new(stream: Stream, prefix: Bytes, exchange: Arc<Exchange>) -> Socket {
        Socket { stream, prefix, exchange }
    }

    pub(super) fn into_stream(self) -> Stream {
        self.stream
    }

    fn note(&self, written: io::Result<usize>) -> io::Result<usize> {
        match &written {
            Ok(_) => self.exchange.moved(),
            Err(error) => self.exchange.write_failed(error.kind()),
        }
        written
    }
}

impl AsyncRead for Socket {
    fn poll_read(self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        let this = self.get_mut();
        if this.prefix.has_remaining() {
            let piece = this.prefix.split_to(this.prefix.len().min(buf.remaining()));
            buf.put_slice(&piece);
            this.exchange.heard();
            return Poll::Ready(Ok(()));
        }
        let before = buf.filled().len();
        ready!(Pin::new(&mut this.stream).poll_read(cx, buf))?;
        if buf.filled().len() > before {
            this.exchange.heard();
        }
        Poll::Ready(Ok(()))
    }
}

/// It says that it is not vectored, although it is: hyper then copies head and body into one buffer. For small answers, which are
/// most, that is cheaper than what the kernel does for a second slice (8 % of the whole request at 600 bytes); for large ones
/// it costs half as much (4 % at 256 KiB).
impl AsyncWrite for Socket {
    fn poll_write(self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &[u8]) -> Poll<io::Result<usize>> {
        let this = self.get_mut();
        let result = ready!(Pin::new(&mut this.stream).poll_write(cx, buf));
        Poll::Ready(this.note(result))
    }

    /// For h2, which writes vectors without asking: see `two::lent`.
    fn poll_write_vectored(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bufs: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        let this = self.get_mut();
        let result = ready!(Pin::new(&mut this.stream).poll_write_vectored(cx, bufs));
        Poll::Ready(this.note(result))
    }

    /// hyper flushes when its own buffers are empty; when those of TLS are too, the kernel has everything.
    fn poll_flush(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        let this = self.get_mut();
        if let Err(error) = ready!(Pin::new(&mut this.stream).poll_flush(cx)) {
            this.exchange.write_failed(error.kind());
            return Poll::Ready(Err(error));
        }
        this.exchange.flushed();
        Poll::Ready(Ok(()))
    }

    /// hyper shuts down when it has flushed what it still holds, and only then, which is why it is let. How the socket
    /// really ends is not its business: see `close`.
    fn poll_shutdown(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.poll_flush(cx)
    }
}
