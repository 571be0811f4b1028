//! Datagrams: read, answered at once, or by a task of their own where time was asked for.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use shared::fault::Transport;
use tokio::net::UdpSocket;
use tokio::task::JoinSet;
use tokio::time::sleep;
use tokio_util::sync::CancellationToken;

use super::Dns;
use super::job::{Job, Taken, Wire, take};
use super::query::failure;
use crate::accept::note_panic;
use crate::core::Kept;
use crate::panics::shielded;

/// Largest query: nothing that asks one question comes near it.
const QUERY_MAX_BYTES: usize = 4096;
/// Between the failure and the answer of `late`.
pub(super) const LATE_PAUSE: Duration = Duration::from_millis(100);
/// Pause after a failure of the socket itself, which only time can mend.
const RECEIVE_PAUSE: Duration = Duration::from_millis(50);

impl Dns {
    /// Serves a socket until `stop`; then returns what is still waiting.
    pub(crate) async fn datagrams(self: Arc<Dns>, socket: UdpSocket, stop: CancellationToken) -> JoinSet<()> {
        let socket = Arc::new(socket);
        let mut waiting = JoinSet::new();
        let mut kept = Kept::default();
        let mut buffer = vec![0; QUERY_MAX_BYTES];
        loop {
            tokio::select! {
                biased;
                () = stop.cancelled() => return waiting,
                Some(ended) = waiting.join_next() => note_panic(ended),
                received = socket.recv_from(&mut buffer) => match received {
                    Ok((length, client)) => self.datagram(&socket, &buffer[..length], client, &mut kept, &mut waiting).await,
                    // An ICMP message about an earlier answer, or want of memory.
                    Err(error) => {
                        tracing::debug!(%error, "a datagram could not be received");
                        if error.kind() != std::io::ErrorKind::ConnectionRefused {
                            sleep(RECEIVE_PAUSE).await;
                        }
                    }
                },
            }
        }
    }

    async fn datagram(
        self: &Arc<Dns>,
        socket: &Arc<UdpSocket>,
        packet: &[u8],
        client: SocketAddr,
        kept: &mut Kept,
        waiting: &mut JoinSet<()>,
    ) {
        let answered = shielded("a query", async {
            match take(self, packet, client, Transport::Udp, kept) {
                Taken::Silence => {}
                Taken::Refused(answer) => drop(socket.try_send_to(&answer, client)),
                // As many at once as there may be faults.
                Taken::Job(job) if !job.delay().is_zero() => {
                    let (dns, socket, failure) = (Arc::clone(self), Arc::clone(socket), failure(packet));
                    waiting.spawn(async move {
                        if shielded("a query", answer_later(&dns, &socket, job, client)).await.is_none() {
                            fail(&socket, failure, client);
                        }
                    });
                }
                Taken::Job(job) => {
                    let wire = job.finish(self).await;
                    if wire.spoilt.is_late {
                        let socket = Arc::clone(socket);
                        waiting.spawn(async move { send(&socket, wire, client).await });
                    } else {
                        send(socket, wire, client).await;
                    }
                }
            }
        });
        if answered.await.is_none() {
            fail(socket, failure(packet), client);
        }
    }
}

async fn answer_later(dns: &Arc<Dns>, socket: &UdpSocket, mut job: Box<Job>, client: SocketAddr) {
    job.wait().await;
    let wire = job.finish(dns).await;
    send(socket, wire, client).await;
}

/// The answer to a query whose own was lost in a panic.
fn fail(socket: &UdpSocket, failure: Option<Vec<u8>>, client: SocketAddr) {
    if let Some(failure) = failure {
        drop(socket.try_send_to(&failure, client));
    }
}

async fn send(socket: &UdpSocket, mut wire: Wire, client: SocketAddr) {
    let (messages, is_late) = (std::mem::take(&mut wire.spoilt.messages), wire.spoilt.is_late);
    for (i, message) in messages.iter().enumerate() {
        if i > 0 && is_late {
            sleep(LATE_PAUSE).await;
        }
        match socket.send_to(message, client).await {
            Ok(bytes) => wire.add_sent(bytes),
            Err(error) => {
                tracing::debug!(%error, %client, "an answer could not be sent");
                return wire.failed();
            }
        }
    }
    wire.done();
}
