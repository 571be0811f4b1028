//! A byte stream to a client, with TLS around it or without.
//!
//! Invariant: the TCP socket stays in reach under TLS, since some faults and every orderly end need it.

use std::borrow::Cow;
use std::io::{self, IoSlice, Write as _};
use std::pin::Pin;
use std::task::{Context, Poll};

use rustls::ServerConnection;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::TcpStream;
use tokio_rustls::server::TlsStream;

/// How we talk to a client.
#[derive(Debug)]
pub(crate) enum Stream {
    Plain(TcpStream),
    /// On the heap: it is twenty times as large, and a parked connection has no need to be.
    Tls(Box<TlsStream<TcpStream>>),
}

impl Stream {
    /// The socket itself.
    pub(crate) fn tcp(&self) -> &TcpStream {
        match self {
            Stream::Plain(tcp) => tcp,
            Stream::Tls(tls) => tls.get_ref().0,
        }
    }

    /// The socket and, apart from it, what encrypts: for writing while somebody else watches the socket.
    pub(crate) fn into_parts(self) -> (TcpStream, Seal) {
        match self {
            Stream::Plain(tcp) => (tcp, Seal(None)),
            Stream::Tls(tls) => {
                let (tcp, session) = tls.into_inner();
                (tcp, Seal(Some(Box::new(session))))
            }
        }
    }
}

/// Turns what is meant into what is written: TLS records, or just that.
#[derive(Debug)]
pub(crate) struct Seal(Option<Box<ServerConnection>>);

impl Seal {
    /// What to write for these bytes.
    pub(crate) fn wrap<'a>(&mut self, mut bytes: &'a [u8]) -> Cow<'a, [u8]> {
        let Some(session) = &mut self.0 else { return Cow::Borrowed(bytes) };
        let mut records = Vec::with_capacity(bytes.len() + bytes.len() / 256 + 64);
        while !bytes.is_empty() {
            // It takes no more than its own buffer holds, which is emptied each time around.
            match session.writer().write(bytes) {
                Ok(0) | Err(_) => break,
                Ok(taken) => bytes = &bytes[taken..],
            }
            drain(session, &mut records);
        }
        Cow::Owned(records)
    }

    /// What to write before the end: TLS says that it is one.
    pub(crate) fn end(&mut self) -> Vec<u8> {
        let mut records = Vec::new();
        if let Some(session) = &mut self.0 {
            session.send_close_notify();
            drain(session, &mut records);
        }
        records
    }
}

fn drain(session: &mut ServerConnection, records: &mut Vec<u8>) {
    while session.wants_write() {
        // Writing to memory cannot fail; if it did, the client would see a stream that breaks off.
        if session.write_tls(records).is_err() {
            return;
        }
    }
}

impl AsyncRead for Stream {
    fn poll_read(self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        match self.get_mut() {
            Stream::Plain(tcp) => Pin::new(tcp).poll_read(cx, buf),
            Stream::Tls(tls) => Pin::new(tls).poll_read(cx, buf),
        }
    }
}

impl AsyncWrite for Stream {
    fn poll_write(self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &[u8]) -> Poll<io::Result<usize>> {
        match self.get_mut() {
            Stream::Plain(tcp) => Pin::new(tcp).poll_write(cx, buf),
            Stream::Tls(tls) => Pin::new(tls).poll_write(cx, buf),
        }
    }

    fn poll_write_vectored(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bufs: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        match self.get_mut() {
            Stream::Plain(tcp) => Pin::new(tcp).poll_write_vectored(cx, bufs),
            Stream::Tls(tls) => Pin::new(tls).poll_write_vectored(cx, bufs),
        }
    }

    fn is_write_vectored(&self) -> bool {
        true
    }

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
