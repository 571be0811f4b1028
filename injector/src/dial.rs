//! Resolving, connecting and securing, the same for every protocol over TCP.
//!
//! [`Stream`] is an enum and not a boxed trait: the plain path, which carries the highest rates, pays one predictable branch
//! per read or write.

use std::io;
use std::pin::Pin;
use std::task::{Context, Poll};

use shared::outcome::ErrorClass;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::TcpStream;
use tokio_rustls::client::TlsStream;

use crate::driver::{Marks, mark};
use crate::names::Names;
use crate::plan::{Endpoint, Tls};

/// A connection, plain or secured.
pub(crate) enum Stream {
    Plain(TcpStream),
    /// Boxed: its buffers would make every plain connection as large.
    Tls(Box<TlsStream<TcpStream>>),
}

/// A connection to `endpoint`, with a TLS handshake if there is one to make, its instants marked.
///
/// # Errors
/// Why there is none; the words behind a failed handshake are left in the marks.
pub(crate) async fn stream(
    names: &Names,
    endpoint: &Endpoint,
    tls: Option<&Tls>,
    marks: &Marks,
) -> Result<Stream, ErrorClass> {
    let tcp = tcp(names, endpoint, marks).await?;
    let Some(tls) = tls else { return Ok(Stream::Plain(tcp)) };
    let stream = tls.handshake(tcp).await.map_err(|why| {
        marks.explain(why);
        ErrorClass::Tls
    })?;
    mark(&marks.secured);
    Ok(Stream::Tls(Box::new(stream)))
}

/// A plain connection to `endpoint`, its instants marked.
///
/// # Errors
/// Why there is none.
pub(crate) async fn tcp(names: &Names, endpoint: &Endpoint, marks: &Marks) -> Result<TcpStream, ErrorClass> {
    mark(&marks.resolving);
    let address = names.resolve(endpoint).await?;
    mark(&marks.connecting);
    let stream = TcpStream::connect(address).await.map_err(|error| ErrorClass::of_connect(&error))?;
    // Requests are small and alone on the wire; waiting to fill a segment would be measured as latency.
    stream.set_nodelay(true).map_err(|_| ErrorClass::Internal)?;
    mark(&marks.connected);
    Ok(stream)
}

impl AsyncRead for Stream {
    fn poll_read(self: Pin<&mut Self>, cx: &mut Context<'_>, into: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        match self.get_mut() {
            Stream::Plain(tcp) => Pin::new(tcp).poll_read(cx, into),
            Stream::Tls(tls) => Pin::new(tls).poll_read(cx, into),
        }
    }
}

impl AsyncWrite for Stream {
    fn poll_write(self: Pin<&mut Self>, cx: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        match self.get_mut() {
            Stream::Plain(tcp) => Pin::new(tcp).poll_write(cx, bytes),
            Stream::Tls(tls) => Pin::new(tls).poll_write(cx, bytes),
        }
    }

    fn poll_write_vectored(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        pieces: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        match self.get_mut() {
            Stream::Plain(tcp) => Pin::new(tcp).poll_write_vectored(cx, pieces),
            Stream::Tls(tls) => Pin::new(tls).poll_write_vectored(cx, pieces),
        }
    }

    fn is_write_vectored(&self) -> bool {
        true
    }

    /// What TLS has taken but the kernel has not; nothing on a plain connection.
    fn poll_flush(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        match self.get_mut() {
            Stream::Plain(tcp) => Pin::new(tcp).poll_flush(cx),
            Stream::Tls(tls) => Pin::new(tls).poll_flush(cx),
        }
    }

    fn poll_shutdown(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        match self.get_mut() {
            Stream::Plain(tcp) => Pin::new(tcp).poll_shutdown(cx),
            Stream::Tls(tls) => Pin::new(tls).poll_shutdown(cx),
        }
    }
}
