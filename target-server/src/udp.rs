//! The UDP echo: every datagram goes back as it is; one that begins with `CL/1 ` is a command, its payload behind the line.
//!
//! Invariants:
//! - No answer is longer than its query, and none goes where it could only come back: to the ports of other echo services,
//!   to our own port number, or to a sender whose datagram is an answer itself.
//! - What waits is bounded by the slots of active faults and by the memory budget that broken answers share.
//! - The loop waits for nothing but the socket; what takes time has a task of its own.
//! - A panic costs one datagram its answer, recorded `internal`, never the loop.

mod answer;
mod held;

#[cfg(test)]
mod tests;

use std::net::SocketAddr;
use std::sync::Arc;

use shared::carrier;
use shared::echo::{CHARGEN_PORT, ECHO_PORT};
use shared::fault::{Dialect, FaultKind, Key, SpecErrorCode, Verdict};
use shared::outcome::{Code, ServerError};
use shared::protocol::Protocol;
use tokio::net::UdpSocket;
use tokio::task::JoinSet;
use tokio::time::{Instant, sleep};
use tokio_util::sync::CancellationToken;

use self::answer::{Answer, refusal};
use self::held::Held;
use crate::accept::note_panic;
use crate::core::{Core, Kept, client_ip};
use crate::echo::{Ask, OPERATION};
use crate::faults::Decision;
use crate::panics::shielded;
use crate::record::Call;

/// The largest datagram there can be.
const DATAGRAM_MAX_BYTES: usize = 64 << 10;
/// Pause after a receive that failed for want of memory, which only time can mend.
const RECEIVE_PAUSE: std::time::Duration = std::time::Duration::from_millis(50);

/// The UDP echo.
pub(crate) struct Udp {
    core: Arc<Core>,
    socket: Arc<UdpSocket>,
    kept: Kept,
    held: Held,
    tasks: JoinSet<()>,
}

impl Udp {
    pub(crate) fn new(core: Arc<Core>, socket: UdpSocket) -> Udp {
        let (kept, held, tasks) = (Kept::default(), Held::default(), JoinSet::new());
        Udp { core, socket: Arc::new(socket), kept, held, tasks }
    }

    /// Answers until `stop`, and returns the answers that still wait for their time.
    pub(crate) async fn serve(mut self, stop: CancellationToken) -> JoinSet<()> {
        let mut buffer = vec![0; DATAGRAM_MAX_BYTES];
        loop {
            tokio::select! {
                biased;
                () = stop.cancelled() => return self.tasks,
                Some(ended) = self.tasks.join_next() => note_panic(ended),
                received = self.socket.recv_from(&mut buffer) => match received {
                    Ok((bytes, client)) => shielded("a datagram", self.take(&buffer[..bytes], client)).await.unwrap_or_default(),
                    // An ICMP error about an earlier answer: nobody is there any more, and the datagram was counted.
                    Err(error) => {
                        tracing::debug!(%error, "cannot receive a datagram");
                        if error.kind() != std::io::ErrorKind::ConnectionRefused {
                            sleep(RECEIVE_PAUSE).await;
                        }
                    }
                },
            }
        }
    }

    async fn take(&mut self, query: &[u8], client: SocketAddr) {
        // Dropped by a panic, it is released too.
        let earlier = self.held.take(client);
        match self.begin(query, client) {
            Some(answer) if answer.takes_time() => self.later(answer, client),
            Some(answer) => answer.send(&self.core, &self.socket, client).await,
            None => {}
        }
        if let Some(earlier) = earlier {
            earlier.release();
        }
    }

    /// Reads a datagram, and decides. Nothing if there is nothing to answer.
    fn begin(&mut self, query: &[u8], client: SocketAddr) -> Option<Answer> {
        if self.would_loop(query, client) {
            self.core.count_nameless(Protocol::Udp, "refused", Code::NONE, ServerError::BadRequest);
            return None;
        }
        let now = Instant::now();
        let (ask, payload) = match carrier::command(query) {
            Some((text, payload)) => {
                let read = || Ask::read(text, Dialect::Udp, self.core.faults.limits());
                (self.core.understood(Protocol::Udp, OPERATION, read), payload)
            }
            None => (Ask::plain(), query),
        };
        let id = ask.identity.map(|identity| identity.id);
        let asked = ask.asked(&self.core, Protocol::Udp, client_ip(client), Some(payload.len()));
        let labels = ask.labels(Protocol::Udp, asked.as_ref());
        let handles = self.kept.handles(&self.core, labels, id.map(|id| id.session), now);
        let mut call = Call::start(handles, now, id.map(|id| id.seq));
        call.add_received(payload.len());
        let is_command = payload.len() < query.len();
        let key = ask.key();
        let refused = |call, errors: &_| Some(refusal(&self.core, call, errors, query.len()));
        let decision = match ask.fault {
            Err(errors) => return refused(call, &errors),
            Ok(_) => {
                let asked = asked.unwrap_or_default();
                let decided = self.core.faults.decide(&asked, id, client_ip(client), &mut call);
                let (decision, fault) = (decided.unwrap_or_else(Decision::plain), asked.fault.unwrap_or_default());
                let is_longer = decision.verdict.size_bytes.is_some_and(|bytes| bytes > payload.len() as u64);
                if is_longer {
                    let reason = "an answer is never longer than its query";
                    let expected = format!("at most the {} bytes that came", payload.len());
                    return refused(call, &fault.error_at(Key::Size, SpecErrorCode::LimitExceeded, reason, &expected));
                } else {
                    decision
                }
            }
        };
        if is_silent(&decision.verdict) {
            call.left_unanswered();
            return None;
        }
        let answers_with_line = is_command && decision.verdict.ack;
        let (payload, room) = (payload.to_vec(), query.len());
        let answer = Answer { call, decision, key, answers_with_line, is_refusal: false, payload, room };
        answer.within(&self.core)
    }

    /// Whether an answer could only come back to us.
    fn would_loop(&self, query: &[u8], client: SocketAddr) -> bool {
        let own = self.socket.local_addr().map_or(0, |own| own.port());
        let is_echo = [0, ECHO_PORT, CHARGEN_PORT, own].contains(&client.port());
        is_echo || [&b"CL/1 OK"[..], b"CL/1 ERR"].iter().any(|answer| query.starts_with(answer))
    }

    fn later(&mut self, answer: Answer, client: SocketAddr) {
        let (core, socket) = (Arc::clone(&self.core), Arc::clone(&self.socket));
        let turn = answer.is_reordered().then(|| self.held.hold(client));
        self.tasks.spawn(async move {
            let answer = answer.when_due(turn).await;
            answer.send(&core, &socket, client).await;
        });
    }
}

/// Whether there will be no answer at all.
fn is_silent(verdict: &Verdict) -> bool {
    verdict.loss || matches!(verdict.fault, Some(FaultKind::Hang | FaultKind::Reset))
}
