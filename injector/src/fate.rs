//! What became of requests that were sent and got no complete answer: the way there lost them, or the way back lost the
//! answer. The injector cannot see which; the target's receipts can.
//!
//! A worker leaves the number of such a request here, and goes on: that is all the hot path ever pays, and only for
//! failures. `inquest` asks the target, some seconds later, beside the run. Every request left here gets exactly one
//! fate, `unknown` with a reason if need be: none is forgotten and none is guessed.

pub(crate) mod inquest;
pub(crate) mod replicas;
#[cfg(test)]
mod tests;

use std::collections::{BTreeMap, VecDeque};
use std::sync::{Mutex, MutexGuard, PoisonError};

use shared::outcome::Fate;
use shared::receipt::SEQS_MAX;
use tokio::time::Instant;

/// Most requests of one operation that wait for their fate: those of one question.
pub(crate) const WAITING_MAX: usize = SEQS_MAX;

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
}

impl Doubt {
    /// Every reason; `ALL[d.index()] == d`.
    pub const ALL: [Doubt; 5] =
        [Doubt::Restarted, Doubt::Unreachable, Doubt::Forgotten, Doubt::Overflow, Doubt::Anonymous];

    /// One word for reports.
    pub const fn as_str(self) -> &'static str {
        match self {
            Doubt::Restarted => "restarted",
            Doubt::Unreachable => "unreachable",
            Doubt::Forgotten => "forgotten",
            Doubt::Overflow => "overflow",
            Doubt::Anonymous => "anonymous",
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

/// How many had which fate.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Fates {
    /// By [`Fate::index`].
    decided: [u64; Fate::ALL.len()],
    /// The unknown ones by [`Doubt::index`].
    doubts: [u64; Doubt::ALL.len()],
}

impl Fates {
    /// Counts some.
    pub fn count(&mut self, verdict: Verdict, count: u64) {
        self.decided[verdict.fate().index()] += count;
        if let Verdict::Unknown(doubt) = verdict {
            self.doubts[doubt.index()] += count;
        }
    }

    /// How many had this one.
    pub fn of(&self, fate: Fate) -> u64 {
        self.decided[fate.index()]
    }

    /// How many there are.
    pub fn total(&self) -> u64 {
        self.decided.iter().sum()
    }

    /// Why fates are not known; reasons that did not occur are left out.
    pub fn doubts(&self) -> BTreeMap<&'static str, u64> {
        let counts = Doubt::ALL.map(|doubt| (doubt.as_str(), self.doubts[doubt.index()]));
        counts.into_iter().filter(|(_, count)| *count > 0).collect()
    }

    /// Adds another's figures.
    pub fn merge(&mut self, other: &Fates) {
        let both = self.decided.iter_mut().zip(other.decided).chain(self.doubts.iter_mut().zip(other.doubts));
        both.for_each(|(mine, theirs)| *mine += theirs);
    }
}

/// A request without an answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Lost {
    pub(crate) seq: u64,
    pub(crate) started: Instant,
    /// When it had failed, or when its fate was last asked for in vain.
    pub(crate) since: Instant,
    /// Questions that were in vain.
    pub(crate) tries: u8,
}

impl Lost {
    pub(crate) fn now(seq: u64, started: Instant) -> Lost {
        Lost { seq, started, since: Instant::now(), tries: 0 }
    }
}

/// Requests that wait for their fate, by operation: at most [`WAITING_MAX`] each, what is beyond is counted. One lock for
/// all workers: they meet there only when requests fail, and each holds it for a push.
#[derive(Debug)]
pub struct Unanswered(Vec<Mutex<Waiting>>);

#[derive(Debug, Default)]
struct Waiting {
    /// Oldest first.
    lost: VecDeque<Lost>,
    overflow: u64,
}

impl Unanswered {
    /// None yet.
    pub fn new(operations: usize) -> Unanswered {
        Unanswered((0..operations).map(|_| Mutex::default()).collect())
    }

    /// How many operations there are.
    pub(crate) fn operations(&self) -> usize {
        self.0.len()
    }

    pub(crate) fn remember(&self, operation: usize, lost: Lost) {
        let mut waiting = self.lock(operation);
        if waiting.lost.len() < WAITING_MAX {
            waiting.lost.push_back(lost);
        } else {
            waiting.overflow += 1;
        }
    }

    /// Those that have waited since that instant or longer, oldest first; and how many found no room.
    pub(crate) fn take(&self, operation: usize, until: Instant) -> (Vec<Lost>, u64) {
        let mut waiting = self.lock(operation);
        let due = waiting.lost.iter().take_while(|lost| lost.since <= until).count();
        let lost = waiting.lost.drain(..due).collect();
        (lost, std::mem::take(&mut waiting.overflow))
    }

    /// The latest instant since which one waits; nothing if none does.
    pub(crate) fn newest(&self) -> Option<Instant> {
        (0..self.operations()).filter_map(|operation| Some(self.lock(operation).lost.back()?.since)).max()
    }

    fn lock(&self, operation: usize) -> MutexGuard<'_, Waiting> {
        self.0[operation].lock().unwrap_or_else(PoisonError::into_inner)
    }
}
