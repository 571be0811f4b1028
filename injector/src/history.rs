//! The run's last hour in slices: whoever wants to know what happened of late (thresholds, verdicts, the terminal) gets an
//! account of a window, of the same type as that of the whole run.
//!
//! Invariants:
//! - A slice of one tick (a second) for the last [`FINE`], of [`COARSE_SLICE`] before that, back to [`REACH`]. A window is
//!   exact to half a slice.
//! - Memory is bounded by [`BYTES_MAX`], whatever the rate and the mix: beyond it the oldest slices go, and
//!   [`History::reach`] tells. Five operations at 10/s need about 1 MB, at 10 000/s about 15 MB.
//! - Durations are kept to less than 1 %, and never shorter than they were. Not kept: examples, servers, names.

mod packed;

use std::collections::VecDeque;
use std::time::Duration;

use self::packed::Packed;
use crate::account::OperationAccount;
use crate::fate::Fates;

/// How far back it goes.
pub const REACH: Duration = Duration::from_secs(3_600);
/// How far back slices are those of a tick.
pub const FINE: Duration = Duration::from_secs(120);
/// How long a slice is before that. A window that is longer than [`FINE`] moves on in steps of this.
pub const COARSE_SLICE: Duration = Duration::from_secs(10);
/// Most bytes of all slices together.
const BYTES_MAX: usize = 64 << 20;

/// What happened between two instants.
#[derive(Debug)]
struct Slice {
    from: Duration,
    until: Duration,
    /// How much of it the run was paused.
    paused: Duration,
    /// By operation in the plan's order.
    parts: Box<[Packed]>,
    /// Fates that became known in it, of the few operations that had any.
    fates: Vec<(usize, Fates)>,
}

impl Slice {
    fn bytes(&self) -> usize {
        let parts: usize = self.parts.iter().map(Packed::bytes).sum();
        size_of::<Slice>() + parts + self.fates.capacity() * size_of::<(usize, Fates)>()
    }

    fn middle(&self) -> Duration {
        self.from + (self.until - self.from) / 2
    }

    fn add_to(&self, sums: &mut [OperationAccount]) {
        for (part, sum) in self.parts.iter().zip(sums.iter_mut()) {
            part.add_to(sum);
        }
        for (operation, fates) in &self.fates {
            if let Some(sum) = sums.get_mut(*operation) {
                sum.fates.merge(fates);
            }
        }
    }
}

impl Default for History {
    fn default() -> History {
        History::new()
    }
}

/// The last hour of a run.
#[derive(Debug)]
pub struct History {
    /// Slices of [`COARSE_SLICE`], oldest first, then those of a tick.
    coarse: VecDeque<Slice>,
    fine: VecDeque<Slice>,
    /// Most operations it was told of at once.
    operations: usize,
    bytes: usize,
    bytes_max: usize,
    /// Fates known at the last tick, by operation.
    known: Vec<Fates>,
    /// For the merging of slices: kept, because nothing here may grow anew for months.
    scratch: Vec<OperationAccount>,
}

impl History {
    /// Nothing yet.
    pub fn new() -> History {
        History::bounded(BYTES_MAX)
    }

    fn bounded(bytes_max: usize) -> History {
        History {
            coarse: VecDeque::new(),
            fine: VecDeque::new(),
            operations: 0,
            bytes: 0,
            bytes_max,
            known: Vec::new(),
            scratch: Vec::new(),
        }
    }

    /// Notes what happened in the `length` up to `until` (since the first slot), by operation; `fates` are all that are known
    /// by now, or none: those that are new belong to this slice, some seconds after the requests they are of.
    pub fn note(&mut self, until: Duration, length: Duration, accounts: &[OperationAccount], fates: &[Fates]) {
        self.operations = self.operations.max(accounts.len());
        self.known.resize(self.operations.max(fates.len()), Fates::default());
        let mut new = Vec::new();
        for (operation, (now, known)) in fates.iter().zip(&mut self.known).enumerate() {
            if now != known {
                new.push((operation, now.since(known)));
                *known = *now;
            }
        }
        let parts = accounts.iter().map(Packed::of).collect();
        self.keep(Slice { from: until.saturating_sub(length), until, paused: Duration::ZERO, parts, fates: new });
    }

    /// So much of what was noted last the run was paused.
    pub fn paused(&mut self, length: Duration) {
        if let Some(slice) = self.fine.back_mut() {
            slice.paused = length.min(slice.until - slice.from);
        }
    }

    fn keep(&mut self, slice: Slice) {
        let now = slice.until;
        self.bytes += slice.bytes();
        self.fine.push_back(slice);
        while self.fine.front().is_some_and(|oldest| now.saturating_sub(oldest.from) > FINE + COARSE_SLICE) {
            self.coarsen();
        }
        while self.coarse.front().is_some_and(|oldest| now.saturating_sub(oldest.until) >= REACH) || self.is_full() {
            let Some(gone) = self.coarse.pop_front().or_else(|| self.fine.pop_front()) else { break };
            self.bytes -= gone.bytes();
        }
    }

    /// The newest slice stays, however big.
    fn is_full(&self) -> bool {
        self.bytes > self.bytes_max && self.coarse.len() + self.fine.len() > 1
    }

    /// Makes one slice of the oldest of those of a tick.
    fn coarsen(&mut self) {
        let Some(first) = self.fine.front() else { return };
        let (from, mut until, mut paused) = (first.from, first.until, Duration::ZERO);
        reset(&mut self.scratch, self.operations);
        while let Some(next) = self.fine.front().filter(|next| next.until - from <= COARSE_SLICE || next.from == from) {
            until = next.until;
            paused += next.paused;
            self.bytes -= next.bytes();
            next.add_to(&mut self.scratch);
            self.fine.pop_front();
        }
        let fates = self.scratch.iter().map(|account| account.fates).enumerate();
        let fates = fates.filter(|(_, fates)| *fates != Fates::default()).collect();
        let parts = self.scratch.iter().map(Packed::of).collect();
        let slice = Slice { from, until, paused, parts, fates };
        self.bytes += slice.bytes();
        self.coarse.push_back(slice);
    }

    /// How far back it goes: shorter than [`REACH`] in the first hour, or where the bound on memory cuts it.
    pub fn reach(&self) -> Duration {
        let oldest = self.coarse.front().or(self.fine.front()).map_or(Duration::ZERO, |slice| slice.from);
        self.until().saturating_sub(oldest)
    }

    /// When it was last told, since the first slot.
    pub fn until(&self) -> Duration {
        self.fine.back().map_or(Duration::ZERO, |slice| slice.until)
    }

    /// What happened in the last `length`, by operation in the plan's order: everything but examples, servers and names.
    /// `in_flight` is by how much it grew. Less than `length`, if [`History::reach`] is less.
    pub fn window(&self, length: Duration) -> Vec<OperationAccount> {
        let mut accounts = Vec::new();
        self.window_into(length, &mut accounts);
        accounts
    }

    /// The same into memory that is kept from call to call; how long the window is that it found.
    pub fn window_into(&self, length: Duration, accounts: &mut Vec<OperationAccount>) -> Duration {
        reset(accounts, self.operations);
        let mut found = Duration::ZERO;
        for slice in self.slices(length) {
            slice.add_to(accounts);
            found += slice.until - slice.from;
        }
        found
    }

    /// How much of that window the run was not paused: what rates are reckoned by.
    pub fn active_in(&self, length: Duration) -> Duration {
        self.slices(length).map(|slice| slice.until - slice.from - slice.paused).sum()
    }

    /// Those of the last `length`, newest first.
    fn slices(&self, length: Duration) -> impl Iterator<Item = &Slice> {
        let begin = self.until().saturating_sub(length);
        self.fine.iter().rev().chain(self.coarse.iter().rev()).take_while(move |slice| slice.middle() >= begin)
    }
}

/// As many empty accounts.
fn reset(accounts: &mut Vec<OperationAccount>, operations: usize) {
    accounts.resize_with(operations, OperationAccount::default);
    accounts.iter_mut().for_each(OperationAccount::clear);
}

#[cfg(test)]
mod tests;
