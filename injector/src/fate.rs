//! What became of requests that were sent and got no complete answer: the way there lost them, or the way back lost the
//! answer. The injector cannot see which; the target's receipts can. The same of requests with a wrong answer: it may be
//! the target's, or that of something on the path.
//!
//! A worker leaves the number of such a request here, and goes on: that is all the hot path ever pays, and only for
//! failures. `inquest` asks the target, some seconds later, beside the run. Every request left here gets exactly one
//! fate, `unknown` with a reason if need be: none is forgotten and none is guessed.

mod elsewhere;
mod excuse;
mod fates;
pub(crate) mod heard;
pub(crate) mod inquest;
pub(crate) mod replicas;
#[cfg(test)]
mod tests;

use std::collections::VecDeque;
use std::sync::{Mutex, MutexGuard, PoisonError};

use shared::outcome::Fate;
use shared::receipt::SEQS_MAX;
use tokio::time::Instant;

pub use self::fates::Fates;

/// Most requests of one operation and kind that wait for their fate: those of four questions, or about 1600 failures a
/// second.
pub(crate) const WAITING_MAX: usize = 4 * SEQS_MAX;

/// Why a fate is not known.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Doubt {
    /// A process of the target began anew, and what the one before it had seen is gone.
    Restarted,
    /// Not every replica could be asked, and none of the others has seen it.
    Unreachable,
    /// The target's ring has turned too far.
    Forgotten,
    /// Too many waited.
    Overflow,
    /// The request says not who it is.
    Anonymous,
    /// None who was asked has seen it, and not all were who may have.
    Unasked,
}

impl Doubt {
    /// Every reason; `ALL[d.index()] == d`.
    pub const ALL: [Doubt; 6] =
        [Doubt::Restarted, Doubt::Unreachable, Doubt::Forgotten, Doubt::Overflow, Doubt::Anonymous, Doubt::Unasked];

    /// One word for reports.
    pub const fn as_str(self) -> &'static str {
        match self {
            Doubt::Restarted => "restarted",
            Doubt::Unreachable => "unreachable",
            Doubt::Forgotten => "forgotten",
            Doubt::Overflow => "overflow",
            Doubt::Anonymous => "anonymous",
            Doubt::Unasked => "unasked",
        }
    }

    /// Position in [`Doubt::ALL`].
    pub const fn index(self) -> usize {
        self as usize
    }
}

/// A fate, with the reason where it is not known.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// It never arrived.
    RequestLost,
    /// It arrived.
    ResponseLost,
    /// For this reason it is not known.
    Unknown(Doubt),
}

impl Verdict {
    /// Without the reason, as it is counted.
    pub const fn fate(self) -> Fate {
        match self {
            Verdict::RequestLost => Fate::RequestLost,
            Verdict::ResponseLost => Fate::ResponseLost,
            Verdict::Unknown(_) => Fate::Unknown,
        }
    }
}

/// Why a request's fate is asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    /// It has no complete answer.
    Unanswered,
    /// Its answer is not what was asked for.
    Wrong,
}

impl Kind {
    /// Each of them; `ALL[k as usize] == k`.
    pub(crate) const ALL: [Kind; 2] = [Kind::Unanswered, Kind::Wrong];
}

/// A request whose fate is not known yet.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Lost {
    pub(crate) seq: u64,
    pub(crate) kind: Kind,
    /// How often it was sent: twice if a truncated answer was asked for again over TCP.
    pub(crate) sendings: u32,
    pub(crate) started: Instant,
    /// When it had failed, or when its fate was last asked for in vain.
    pub(crate) since: Instant,
    /// Questions that were in vain.
    pub(crate) tries: u8,
}

impl Lost {
    /// One that was sent once, and has just failed without an answer.
    pub(crate) fn now(seq: u64, started: Instant) -> Lost {
        Lost { seq, kind: Kind::Unanswered, sendings: 1, started, since: Instant::now(), tries: 0 }
    }
}

/// Requests that wait for their fate, by operation and kind: at most [`WAITING_MAX`] each, what is beyond is counted. One
/// lock for all workers: they meet there only when requests fail, and each holds it for a push. Each kind has its own
/// room: a target that answers all wrong must not hide the few requests that were lost.
#[derive(Debug)]
pub struct Unanswered(Vec<[Mutex<Waiting>; Kind::ALL.len()]>);

#[derive(Debug, Default)]
struct Waiting {
    /// Oldest first.
    lost: VecDeque<Lost>,
    overflow: u64,
}

impl Unanswered {
    /// None yet.
    pub fn new(operations: usize) -> Unanswered {
        Unanswered((0..operations).map(|_| Default::default()).collect())
    }

    /// How many operations there are.
    pub(crate) fn operations(&self) -> usize {
        self.0.len()
    }

    pub(crate) fn remember(&self, operation: usize, lost: Lost) {
        let mut waiting = self.lock(operation, lost.kind);
        if waiting.lost.len() < WAITING_MAX {
            waiting.lost.push_back(lost);
        } else {
            waiting.overflow += 1;
        }
    }

    /// Those of a kind that have waited since that instant or longer, oldest first, as many as go into one question; and how
    /// many found no room.
    pub(crate) fn take(&self, operation: usize, kind: Kind, until: Instant) -> (Vec<Lost>, u64) {
        let mut waiting = self.lock(operation, kind);
        let due = waiting.lost.iter().take(SEQS_MAX).take_while(|lost| lost.since <= until).count();
        let lost = waiting.lost.drain(..due).collect();
        (lost, std::mem::take(&mut waiting.overflow))
    }

    /// Gives back some of a kind that were taken, and asked about in vain: before the others, beyond the bound if need be.
    pub(crate) fn put_back(&self, operation: usize, kind: Kind, taken: Vec<Lost>) {
        let mut waiting = self.lock(operation, kind);
        taken.into_iter().rev().for_each(|lost| waiting.lost.push_front(lost));
    }

    /// The latest instant since which one of a kind waits; nothing if none does.
    pub(crate) fn newest(&self, kind: Kind) -> Option<Instant> {
        (0..self.operations()).filter_map(|operation| Some(self.lock(operation, kind).lost.back()?.since)).max()
    }

    fn lock(&self, operation: usize, kind: Kind) -> MutexGuard<'_, Waiting> {
        self.0[operation][kind as usize].lock().unwrap_or_else(PoisonError::into_inner)
    }
}
