//! Resolving and connecting, the same for every protocol over TCP, and over UDP.

use std::net::{Ipv4Addr, Ipv6Addr, SocketAddr};

use shared::outcome::ErrorClass;
use tokio::net::{TcpStream, UdpSocket};

use crate::driver::{Marks, mark};
use crate::names::Names;
use crate::plan::Endpoint;

/// A connection to `endpoint`, its instants marked.
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

/// A socket of its own port that hears nobody but `endpoint`, so that an ICMP refusal reaches it too.
///
/// # Errors
/// Why there is none.
pub(crate) async fn udp(names: &Names, endpoint: &Endpoint, marks: &Marks) -> Result<UdpSocket, ErrorClass> {
    mark(&marks.resolving);
    let address = names.resolve(endpoint).await?;
    mark(&marks.connecting);
    let any = match address {
        SocketAddr::V4(_) => SocketAddr::from((Ipv4Addr::UNSPECIFIED, 0)),
        SocketAddr::V6(_) => SocketAddr::from((Ipv6Addr::UNSPECIFIED, 0)),
    };
    let class = |error| ErrorClass::of_connect(&error);
    let socket = UdpSocket::bind(any).await.map_err(class)?;
    socket.connect(address).await.map_err(class)?;
    mark(&marks.connected);
    Ok(socket)
}
