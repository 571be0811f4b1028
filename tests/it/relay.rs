//! A relay of bytes between the two sides that holds each direction for a known time: a path with a known latency.
//!
//! It holds what passes, not connections: the kernel's handshake with the relay takes no time, TLS's takes two round trips.

use std::net::{Ipv4Addr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::tcp::{OwnedReadHalf, OwnedWriteHalf};
use tokio::net::{TcpListener, TcpStream, UdpSocket};
use tokio::sync::mpsc;
use tokio::time::{Instant, sleep_until};

/// Pieces on their way in one direction of a connection; more hold up whoever sends.
const PIECES_MAX: usize = 1024;

/// A relay in front of everything that a target listens on, with the target's own admin port. It runs until its runtime ends.
pub(crate) async fn in_front_of(target: &target_server::Addresses, hold: Duration) -> target_server::Addresses {
    let mut held = *target;
    held.http = tcp(target.http, hold).await;
    for (there, here) in [(target.https, &mut held.https), (target.grpc, &mut held.grpc), (target.tcp, &mut held.tcp)] {
        if let Some(there) = there {
            *here = Some(tcp(there, hold).await);
        }
    }
    held.udp = Some(udp(UdpSocket::bind((Ipv4Addr::LOCALHOST, 0)).await.unwrap(), target.udp.unwrap(), hold));
    held.dns = Some(both(target.dns.unwrap(), hold).await);
    held
}

async fn tcp(there: SocketAddr, hold: Duration) -> SocketAddr {
    accept(TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.unwrap(), there, hold)
}

/// The same port for datagrams and connections.
async fn both(there: SocketAddr, hold: Duration) -> SocketAddr {
    loop {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.unwrap();
        if let Ok(socket) = UdpSocket::bind(listener.local_addr().unwrap()).await {
            udp(socket, there, hold);
            return accept(listener, there, hold);
        }
    }
}

fn accept(listener: TcpListener, there: SocketAddr, hold: Duration) -> SocketAddr {
    let address = listener.local_addr().unwrap();
    tokio::spawn(async move {
        while let Ok((client, _)) = listener.accept().await {
            tokio::spawn(async move {
                let Ok(server) = TcpStream::connect(there).await else { return };
                client.set_nodelay(true).unwrap();
                server.set_nodelay(true).unwrap();
                let (from_client, to_client) = client.into_split();
                let (from_server, to_server) = server.into_split();
                tokio::join!(pass(from_client, to_server, hold), pass(from_server, to_client, hold));
            });
        }
    });
    address
}

/// Each piece when its time has come, and the end behind the last one.
async fn pass(mut from: OwnedReadHalf, mut to: OwnedWriteHalf, hold: Duration) {
    let (pieces, mut held) = mpsc::channel::<(Instant, Vec<u8>)>(PIECES_MAX);
    let read = async move {
        let mut buffer = vec![0; 64 * 1024];
        while let Ok(bytes @ 1..) = from.read(&mut buffer).await {
            if pieces.send((Instant::now() + hold, buffer[..bytes].to_vec())).await.is_err() {
                return;
            }
        }
        let _ = pieces.send((Instant::now() + hold, Vec::new())).await;
    };
    let write = async move {
        while let Some((due, piece)) = held.recv().await {
            sleep_until(due).await;
            if to.write_all(&piece).await.is_err() {
                return;
            }
        }
    };
    tokio::join!(read, write);
}

/// A socket of its own for each datagram, so that its answers find their way back.
fn udp(socket: UdpSocket, there: SocketAddr, hold: Duration) -> SocketAddr {
    let address = socket.local_addr().unwrap();
    let socket = Arc::new(socket);
    tokio::spawn(async move {
        let mut buffer = vec![0; 65_536];
        while let Ok((bytes, client)) = socket.recv_from(&mut buffer).await {
            let (datagram, back) = (buffer[..bytes].to_vec(), Arc::clone(&socket));
            let due = Instant::now() + hold;
            tokio::spawn(async move {
                sleep_until(due).await;
                let server = UdpSocket::bind((Ipv4Addr::LOCALHOST, 0)).await.unwrap();
                server.connect(there).await.unwrap();
                let _ = server.send(&datagram).await;
                let mut buffer = vec![0; 65_536];
                let answers = async {
                    while let Ok(bytes) = server.recv(&mut buffer).await {
                        tokio::time::sleep(hold).await;
                        let _ = back.send_to(&buffer[..bytes], client).await;
                    }
                };
                let _ = tokio::time::timeout(Duration::from_secs(5), answers).await;
            });
        }
    });
    address
}
