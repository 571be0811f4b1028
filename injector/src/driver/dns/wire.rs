//! Messages over a datagram socket or a connection. A receive that is dropped in the middle loses nothing.

use std::io;
use std::net::{Ipv4Addr, Ipv6Addr, SocketAddr};

use shared::fault::Transport;
use shared::outcome::ErrorClass;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpStream, UdpSocket};

use crate::dial;
use crate::driver::{Marks, mark};
use crate::names::Names;
use crate::plan::Endpoint;

/// Largest message.
const MESSAGE_MAX_BYTES: usize = 65_535;

/// Where messages travel.
pub(super) enum Wire {
    /// Connected: the kernel passes on only what comes from the server's own address and port.
    Udp(UdpSocket),
    /// With what has been read and is no whole message yet.
    Tcp(TcpStream, Vec<u8>),
}

impl Wire {
    pub(super) async fn connect(
        transport: Transport,
        names: &Names,
        endpoint: &Endpoint,
        marks: &Marks,
    ) -> Result<Wire, ErrorClass> {
        if transport == Transport::Tcp {
            return Ok(Wire::Tcp(dial::tcp(names, endpoint, marks).await?, Vec::new()));
        }
        mark(&marks.resolving);
        let server = names.resolve(endpoint).await?;
        mark(&marks.connecting);
        let any: SocketAddr = match server {
            SocketAddr::V4(_) => (Ipv4Addr::UNSPECIFIED, 0).into(),
            SocketAddr::V6(_) => (Ipv6Addr::UNSPECIFIED, 0).into(),
        };
        let of_socket = |error: io::Error| ErrorClass::of_connect(&error);
        let socket = UdpSocket::bind(any).await.map_err(of_socket)?;
        socket.connect(server).await.map_err(of_socket)?;
        mark(&marks.connected);
        Ok(Wire::Udp(socket))
    }

    pub(super) async fn send(&mut self, message: &[u8]) -> io::Result<()> {
        match self {
            Wire::Udp(socket) => socket.send(message).await.map(drop),
            Wire::Tcp(stream, _) => {
                let length = u16::try_from(message.len()).map_err(|_| io::Error::from(io::ErrorKind::InvalidInput))?;
                let mut bytes = Vec::with_capacity(2 + message.len());
                bytes.extend_from_slice(&length.to_be_bytes());
                bytes.extend_from_slice(message);
                stream.write_all(&bytes).await
            }
        }
    }

    /// The next message, or nothing at the end of the stream.
    pub(super) async fn receive(&mut self) -> io::Result<Option<Vec<u8>>> {
        match self {
            Wire::Udp(socket) => {
                let mut message = vec![0; MESSAGE_MAX_BYTES];
                let length = socket.recv(&mut message).await?;
                message.truncate(length);
                Ok(Some(message))
            }
            Wire::Tcp(stream, unread) => loop {
                if let [high, low, rest @ ..] = unread.as_slice() {
                    let length = usize::from(u16::from_be_bytes([*high, *low]));
                    if rest.len() >= length {
                        let message = rest[..length].to_vec();
                        unread.drain(..2 + length);
                        return Ok(Some(message));
                    }
                }
                if stream.read_buf(unread).await? == 0 {
                    return Ok(None);
                }
            },
        }
    }
}
