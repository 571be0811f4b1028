//! Resolving, connecting and securing, the same for every protocol over TCP, and for those over UDP.
//!
//! [`Stream`] is an enum and not a boxed trait: the plain path, which carries the highest rates, pays one predictable branch
//! per read or write.

use std::io;
use std::net::{Ipv4Addr, Ipv6Addr, SocketAddr};
use std::pin::Pin;
use std::task::{Context, Poll};

use nix::sys::socket::setsockopt;
use nix::sys::socket::sockopt::IpBindAddressNoPort;
use rustls::ProtocolVersion;
use shared::outcome::ErrorClass;
use shared::red::client::k6::TlsVersion;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::{TcpSocket, TcpStream, UdpSocket};
use tokio_rustls::client::TlsStream;

use crate::counter::Counter;
use crate::driver::{Marks, mark};
use crate::names::Names;
use crate::plan::{Endpoint, Tls};
use crate::resent::{Resent, Watched};
use crate::socket::Guard;

/// A connection, plain or secured.
pub(crate) enum Stream {
    Plain(Watched),
    /// Boxed: its buffers would make every plain connection as large.
    Tls(Box<TlsStream<Watched>>),
}

impl Stream {
    /// What the kernel sends again on it.
    pub(crate) fn resent(&self) -> Resent {
        match self {
            Stream::Plain(tcp) => tcp.resent(),
            Stream::Tls(tls) => tls.get_ref().0.resent(),
        }
    }
}

/// A connection to `endpoint`, with a TLS handshake if there is one to make, its instants marked. What the kernel sends again
/// on it is counted, if there is somebody who counts.
///
/// # Errors
/// Why there is none; the words behind a failed handshake are left in the marks.
pub(crate) async fn stream(
    names: &Names,
    endpoint: &Endpoint,
    tls: Option<&Tls>,
    guard: &Guard,
    marks: &Marks,
    counter: Option<&Counter>,
) -> Result<Stream, ErrorClass> {
    let tcp = tcp(names, endpoint, guard, marks, counter).await?;
    let Some(tls) = tls else { return Ok(Stream::Plain(tcp)) };
    let stream = tls.handshake(tcp).await.map_err(|why| {
        marks.explain(why);
        ErrorClass::Tls
    })?;
    mark(&marks.secured);
    marks.tls.set(stream.get_ref().1.protocol_version().and_then(version));
    Ok(Stream::Tls(Box::new(stream)))
}

/// The version in our own words; nothing older than these is ever agreed on.
fn version(version: ProtocolVersion) -> Option<TlsVersion> {
    match version {
        ProtocolVersion::TLSv1_2 => Some(TlsVersion::Tls12),
        ProtocolVersion::TLSv1_3 => Some(TlsVersion::Tls13),
        _ => None,
    }
}

/// A plain connection to `endpoint`, its instants marked.
///
/// # Errors
/// Why there is none.
pub(crate) async fn tcp(
    names: &Names,
    endpoint: &Endpoint,
    guard: &Guard,
    marks: &Marks,
    counter: Option<&Counter>,
) -> Result<Watched, ErrorClass> {
    mark(&marks.resolving);
    let address = resolved(names, endpoint, marks).await?;
    let source = source(names, &address, marks)?;
    mark(&marks.connecting);
    let stream = connect(source, address).await.map_err(|error| ErrorClass::of_connect(&error))?;
    mark(&marks.connected);
    guard.set(&stream).map_err(|_| ErrorClass::Internal)?;
    let began = marks.connecting.get().expect("marked above");
    Ok(Watched::new(stream, began, counter))
}

/// A socket of its own port that hears nobody but `endpoint`, so that an ICMP refusal reaches it too.
///
/// # Errors
/// Why there is none.
pub(crate) async fn udp(names: &Names, endpoint: &Endpoint, marks: &Marks) -> Result<UdpSocket, ErrorClass> {
    mark(&marks.resolving);
    let address = resolved(names, endpoint, marks).await?;
    let source = source(names, &address, marks)?;
    mark(&marks.connecting);
    let any = match address {
        SocketAddr::V4(_) => SocketAddr::from((Ipv4Addr::UNSPECIFIED, 0)),
        SocketAddr::V6(_) => SocketAddr::from((Ipv6Addr::UNSPECIFIED, 0)),
    };
    let class = |error| ErrorClass::of_connect(&error);
    let socket = UdpSocket::bind(source.unwrap_or(any)).await.map_err(class)?;
    // Not marked: naming the peer to the kernel is no handshake.
    socket.connect(address).await.map_err(class)?;
    Ok(socket)
}

async fn resolved(names: &Names, endpoint: &Endpoint, marks: &Marks) -> Result<SocketAddr, ErrorClass> {
    let address = names.resolve(endpoint).await.map_err(|unfound| {
        marks.explain(names.words(unfound));
        unfound.class
    })?;
    marks.address.set(Some(address));
    Ok(address)
}

/// Where the connection comes from, if it matters.
fn source(names: &Names, to: &SocketAddr, marks: &Marks) -> Result<Option<SocketAddr>, ErrorClass> {
    names.source(to).inspect_err(|_| marks.explain(format!("no source address has the family of {}", to.ip())))
}

/// Connects, from this address of ours if one is given. Its port is chosen when the peer is known
/// (IP_BIND_ADDRESS_NO_PORT): one source address then has its whole range of ports towards each peer, and not towards all
/// of them together.
///
/// # Errors
/// The kernel's.
pub(crate) async fn connect(source: Option<SocketAddr>, to: SocketAddr) -> io::Result<TcpStream> {
    let Some(source) = source else { return TcpStream::connect(to).await };
    let socket = if to.is_ipv4() { TcpSocket::new_v4() } else { TcpSocket::new_v6() }?;
    setsockopt(&socket, IpBindAddressNoPort, &true)?;
    socket.bind(source)?;
    socket.connect(to).await
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
