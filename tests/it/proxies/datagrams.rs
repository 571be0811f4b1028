//! The proxy of requests that are a datagram each: UDP, DNS over UDP. Each goes to the target from a port of its own.

use std::net::{Ipv4Addr, SocketAddr};
use std::sync::Arc;

use tokio::net::UdpSocket;

use super::path::{Path, Reply, who};
use super::streams::servfail;

/// Larger than any datagram here.
const DATAGRAM_MAX_BYTES: usize = 4096;

/// Starts one on this port, or one of the kernel's choice; it ends with the runtime.
pub(crate) async fn start(is_dns: bool, port: u16, path: &Path) -> SocketAddr {
    let socket = Arc::new(UdpSocket::bind((Ipv4Addr::LOCALHOST, port)).await.unwrap());
    let address = socket.local_addr().unwrap();
    let path = path.clone();
    tokio::spawn(async move {
        let mut buffer = [0; DATAGRAM_MAX_BYTES];
        loop {
            // A client that closed its port shows here as well.
            let Ok((bytes, client)) = socket.recv_from(&mut buffer).await else { continue };
            let (request, socket, path) = (buffer[..bytes].to_vec(), Arc::clone(&socket), path.clone());
            tokio::spawn(async move {
                let who = who(&request);
                let answers = match path.walk(&who, |target| ask(target, request.clone())).await {
                    Reply::Answers(answers) => answers,
                    Reply::Half(answer) => vec![answer[..answer.len() / 2].to_vec()],
                    Reply::Own if is_dns => vec![servfail(&request)],
                    Reply::Own => vec![b"bad gateway".to_vec()],
                    Reply::Silence => Vec::new(),
                    Reply::Reset | Reply::Close => unreachable!("datagrams have no connection"),
                };
                for answer in answers {
                    // Whoever does not wait for it any more may have closed its port.
                    let _ = socket.send_to(&answer, client).await;
                }
                path.passed(who);
            });
        }
    });
    address
}

async fn ask(target: SocketAddr, request: Vec<u8>) -> Vec<u8> {
    let socket = UdpSocket::bind((Ipv4Addr::LOCALHOST, 0)).await.unwrap();
    socket.connect(target).await.unwrap();
    socket.send(&request).await.unwrap();
    let mut answer = vec![0; DATAGRAM_MAX_BYTES];
    let bytes = socket.recv(&mut answer).await.unwrap();
    answer.truncate(bytes);
    answer
}
