//! One answer datagram: composed when its time has come, never longer than its query.

use std::net::SocketAddr;
use std::time::Duration;

use shared::echo::{Content, Corruption, REORDER_MAX};
use shared::fault::{Body, FaultKind, SpecErrors, Verdict};
use shared::outcome::{Code, ServerError};
use shared::payload::Payload;
use tokio::net::UdpSocket;
use tokio::sync::oneshot;
use tokio::time::{sleep, timeout};

use crate::core::Core;
use crate::echo;
use crate::faults::Decision;
use crate::record::Call;

/// The shortest refusal that is one: less could be taken for a command by another echo, and so come back.
const REFUSAL_MIN_BYTES: usize = "CL/1 ERR".len();

/// A request, understood and decided, and what it brought.
pub(super) struct Answer {
    pub(super) call: Call,
    pub(super) decision: Decision,
    /// What the line repeats.
    pub(super) key: Option<String>,
    pub(super) answers_with_line: bool,
    /// The payload is a line that says why there is no other.
    pub(super) is_refusal: bool,
    pub(super) payload: Vec<u8>,
    /// The length of the query.
    pub(super) room: usize,
}

/// The refusal of a line that cannot be followed, as an answer that carries nothing else.
pub(super) fn refusal(core: &Core, mut call: Call, errors: &SpecErrors, room: usize) -> Answer {
    let mut payload = echo::refusal(core, errors).into_bytes();
    payload.truncate(room);
    // A line cut short may end within a character; that is no reason to send half of it.
    let whole = std::str::from_utf8(&payload).map_or_else(|error| error.valid_up_to(), str::len);
    payload.truncate(whole);
    call.set_error(ServerError::BadRequest);
    Answer { call, decision: Decision::plain(), key: None, answers_with_line: false, is_refusal: true, payload, room }
}

impl Answer {
    fn verdict(&self) -> &Verdict {
        &self.decision.verdict
    }

    /// Whether it has to wait.
    pub(super) fn takes_time(&self) -> bool {
        !self.verdict().delay.is_zero() || self.is_reordered()
    }

    /// Whether it waits to be overtaken.
    pub(super) fn is_reordered(&self) -> bool {
        self.verdict().reorder
    }

    /// Takes what an answer that waits needs of the memory budget. Nothing if there is none left: it is not answered.
    pub(super) fn within(mut self, core: &Core) -> Option<Answer> {
        if self.takes_time() {
            let Some(memory) = core.faults.stress().reserve(self.payload.len() as u64) else {
                self.call.failed(ServerError::Overload);
                return None;
            };
            self.decision.memory = Some(memory);
        }
        Some(self)
    }

    /// Waits as asked: the delay, then the client's next datagram, but not for ever.
    pub(super) async fn when_due(mut self, turn: Option<oneshot::Receiver<()>>) -> Answer {
        self.call.asked_begins();
        let delay = self.verdict().delay;
        if delay > Duration::ZERO {
            sleep(delay).await;
        }
        if let Some(turn) = turn {
            let _ = timeout(REORDER_MAX, turn).await;
        }
        self.call.asked_ends();
        self
    }

    /// Sends it, twice if asked, and records it.
    pub(super) async fn send(mut self, core: &Core, socket: &UdpSocket, client: SocketAddr) {
        let is_broken = self.verdict().fault.is_some();
        let Some(datagram) = self.compose(core) else {
            // Not even the shortest line fits into the length of the query.
            return self.call.failed(ServerError::BadRequest);
        };
        let copies = if self.verdict().dup { 2 } else { 1 };
        for _ in 0..copies {
            if let Err(error) = socket.send_to(&datagram, client).await {
                tracing::debug!(%error, "cannot send an answer");
                return self.call.failed(ServerError::Write);
            }
        }
        if is_broken {
            return self.call.left_unanswered();
        }
        if !self.is_refusal {
            self.call.set_code(Code::Echo);
        }
        self.call.answered();
    }

    /// The bytes; nothing if there is no room for what must be said.
    fn compose(&mut self, core: &Core) -> Option<Vec<u8>> {
        if self.is_refusal {
            let refusal = std::mem::take(&mut self.payload);
            return Some(refusal).filter(|refusal| refusal.len() >= REFUSAL_MIN_BYTES);
        }
        #[cfg(test)]
        assert!(self.payload != b"panic", "a test asked for it");
        let verdict = &self.decision.verdict;
        match verdict.fault {
            Some(FaultKind::Empty) => return Some(Vec::new()),
            Some(FaultKind::Garbage) => return Some(garbage(verdict, self.room)),
            _ => {}
        }
        let mut payload = std::mem::take(&mut self.payload);
        if let Content::Made(made) = Content::of(verdict) {
            payload.clear();
            payload.extend(made.chunks(u64::MAX).flatten());
        }
        if let Some(corruption) = Corruption::of(verdict) {
            corruption.flip(0, &mut payload);
        }
        let line = if self.answers_with_line {
            let reply = echo::reply(core, &self.call, self.key.as_deref(), Some(&self.decision));
            reply.line_within(self.room.checked_sub(payload.len())?)?
        } else {
            String::new()
        };
        self.call.add_sent(payload.len());
        let mut datagram = line.into_bytes();
        datagram.append(&mut payload);
        Some(datagram)
    }
}

/// Random bytes, none more than came, of which the first begins no answer line.
fn garbage(verdict: &Verdict, room: usize) -> Vec<u8> {
    let random = Payload::new(Body::Random, room as u64, verdict.seed, &verdict.key);
    let mut garbage: Vec<u8> =
        random.into_iter().flat_map(|random| random.chunks(u64::MAX)).flatten().copied().collect();
    if let Some(first) = garbage.first_mut() {
        *first = 0xff;
    }
    garbage
}
