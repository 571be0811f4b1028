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
use super::handles::Cache;
use super::job::{Job, Taken, Wire, take};
use crate::accept::note_panic;

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
        let mut cache = Cache::default();
        let mut buffer = vec![0; QUERY_MAX_BYTES];
        loop {
            tokio::select! {
                biased;
                () = stop.cancelled() => return waiting,
                Some(ended) = waiting.join_next() => note_panic(ended),
                received = socket.recv_from(&mut buffer) => match received {
                    Ok((length, client)) => self.datagram(&socket, &buffer[..length], client, &mut cache, &mut waiting).await,
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
        cache: &mut Cache,
        waiting: &mut JoinSet<()>,
    ) {
        match take(self, packet, client, Transport::Udp, cache) {
            Taken::Silence => {}
            Taken::Refused(answer) => drop(socket.try_send_to(&answer, client)),
            // As many at once as there may be faults.
            Taken::Job(job) if !job.delay().is_zero() => {
                waiting.spawn(answer_later(Arc::clone(self), Arc::clone(socket), job, client));
            }
            Taken::Job(job) => {
                let wire = job.finish(self).await;
                if wire.spoilt.is_late {
                    waiting.spawn(send(Arc::clone(socket), wire, client));
                } else {
                    send(Arc::clone(socket), wire, client).await;
                }
            }
        }
    }
}

async fn answer_later(dns: Arc<Dns>, socket: Arc<UdpSocket>, mut job: Box<Job>, client: SocketAddr) {
    job.wait().await;
    let wire = job.finish(&dns).await;
    send(socket, wire, client).await;
}

async fn send(socket: Arc<UdpSocket>, mut wire: Wire, client: SocketAddr) {
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
