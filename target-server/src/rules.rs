//! The rule set: faults that an operator asks for on the admin listener, for requests that ask for nothing.
//!
//! Invariants:
//! - Whatever decides goes by the monotonic clock; the wall clock is text.
//! - A rule strikes nothing once its time is up, whether or not anybody looked; [`Rules::keep`] only looks.
//! - At most [`LIVE_MAX`] rules live beside those of flags, and [`ENDED_MAX`] that ended are remembered, for
//!   [`REMEMBERED`]. Nothing is stored: a restart clears all.
//! - Locks are taken in the order book, snapshot.

mod active;
mod admin;
mod book;
mod chance;
mod facts;
mod id;
mod matcher;
mod pattern;
mod preview;
mod read;
mod refused;
mod shim;
mod sieve;
mod snapshot;
mod switch;
mod view;
mod written;

use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, RwLock};
use std::time::Duration;

use shared::fault::{Fault, Limits};
use tokio::sync::Notify;
use tokio::time::{Instant, sleep_until};

use active::Drawn;
use book::Book;
use read::Terms;
use snapshot::Snapshot;
use switch::KillSwitch;

pub(crate) use active::ActiveRule;
pub(crate) use facts::{Detail, Facts};
pub(crate) use id::RuleId;
pub(crate) use preview::delay;
pub(crate) use refused::{Refused, Wrong};
pub(crate) use view::{DelayPreview, EventKind, Events, Listing, Preview, State, SwitchView, View};
pub(crate) use written::{Words, Written, WrittenMatch};

/// The longest a rule may live without being renewed.
pub(crate) const TTL_MAX: Duration = Duration::from_secs(60 * 60);
/// Rules that may be live at once.
pub(crate) const LIVE_MAX: usize = 64;
/// Rules that ended and are still shown; the oldest go first.
pub(crate) const ENDED_MAX: usize = 256;
/// How long those are shown.
pub(crate) const REMEMBERED: Duration = Duration::from_secs(15 * 60);
/// Rules whose series are exported at once.
pub(crate) const EXPORTED_MAX: usize = 64;
/// Changes that are remembered.
pub(crate) const EVENTS_MAX: usize = 1000;

/// What a rule does to one request.
#[derive(Debug)]
pub(crate) struct Struck {
    /// Whose doing it is. Tell it what came of it: [`ActiveRule::injected`] or [`ActiveRule::withheld`], exactly once.
    pub(crate) rule: Arc<ActiveRule>,
    /// Rolled: without chance, `seed` and `id`. Never empty.
    pub(crate) fault: Fault,
}

/// All rules of one target.
#[derive(Debug)]
pub(crate) struct Rules {
    terms: Terms,
    default_seed: u64,
    /// What requests see. A lock that is only read, for as long as it takes to copy a pointer: it costs less than the request's
    /// other counters, and nothing at all while no rule lives, so that a crate for lock-free swapping would buy nothing.
    snapshot: RwLock<Arc<Snapshot>>,
    /// Rules in the snapshot.
    live: AtomicUsize,
    generation: AtomicU64,
    switch: KillSwitch,
    book: Mutex<Book>,
    /// Told when [`Rules::keep`] has to look earlier than it meant to.
    wake: Arc<Notify>,
}

impl Rules {
    /// Without a rule. `default_seed` is that of rules that name none.
    pub(crate) fn new(limits: Limits, ttl_max: Duration, default_seed: u64) -> Arc<Rules> {
        Arc::new(Rules {
            terms: Terms { limits, ttl_max },
            default_seed,
            snapshot: RwLock::default(),
            live: AtomicUsize::new(0),
            generation: AtomicU64::new(0),
            switch: KillSwitch::new(),
            book: Mutex::default(),
            wake: Arc::default(),
        })
    }

    /// True if no rule lives, so that nothing about a request needs to be looked up. One relaxed load.
    pub(crate) fn is_empty(&self) -> bool {
        self.live.load(Ordering::Relaxed) == 0
    }

    /// Another number after every change of what may strike: for whoever decides once per connection. What time changes
    /// shows as soon as [`Rules::keep`] noticed it.
    pub(crate) fn generation(&self) -> u64 {
        self.generation.load(Ordering::Relaxed)
    }

    /// What the first rule that matches does to this request, if anything; nothing while faults are switched off. `key` is
    /// the request's own, asked for once a rule matches. Allocates only for a request that is struck.
    pub(crate) fn strike<'k>(&self, facts: &Facts<'_>, key: impl Fn() -> &'k str, load: u64) -> Option<Struck> {
        if self.is_empty() || !self.is_enabled() {
            return None;
        }
        let snapshot = Arc::clone(&self.snapshot.read().unwrap_or_else(PoisonError::into_inner));
        for rule in snapshot.matching(facts) {
            let now = Instant::now();
            if !rule.is_live(now) {
                continue;
            }
            if rule.hit() {
                self.note_first_hit(rule);
            }
            match rule.draw(key(), load, now) {
                Drawn::Struck(fault) => return Some(Struck { rule: Arc::clone(rule), fault }),
                // The next rule is not asked: percentages of rules that overlap would otherwise add up to shares that
                // nobody wrote.
                Drawn::Spared => return None,
                Drawn::UsedUp => {}
            }
        }
        None
    }

    /// The rule that decides about such a request now, whatever it would say; nothing is counted. For who decides once about
    /// something that lasts, and has to know whether that still stands.
    pub(crate) fn decider(&self, facts: &Facts<'_>) -> Option<Arc<ActiveRule>> {
        if self.is_empty() || !self.is_enabled() {
            return None;
        }
        let snapshot = Arc::clone(&self.snapshot.read().unwrap_or_else(PoisonError::into_inner));
        let now = Instant::now();
        snapshot.matching(facts).find(|rule| rule.is_live(now)).cloned()
    }

    /// Notices on time what time does: ends rules, forgets them, switches faults on again. Without it the same is noticed at
    /// the next call of the admin listener, and the log says so late.
    pub(crate) async fn keep(self: Arc<Self>) {
        loop {
            let due = self.book().due();
            match [due, self.switch.ends()].into_iter().flatten().min() {
                Some(due) => tokio::select! {
                    () = sleep_until(due) => {}
                    () = self.wake.notified() => {}
                },
                None => self.wake.notified().await,
            }
        }
    }

    fn note_first_hit(&self, rule: &Arc<ActiveRule>) {
        let mut book = self.book();
        // It may have been replaced in this very moment.
        if book.entries.get(rule.id()).is_some_and(|entry| Arc::ptr_eq(&entry.rule, rule)) {
            book.note(EventKind::FirstHit, Some(rule.id()), "the first request it matched");
        }
    }

    /// The books as of now.
    fn book(&self) -> MutexGuard<'_, Book> {
        // Every change of the books is whole before anything that could panic.
        let mut book = self.book.lock().unwrap_or_else(PoisonError::into_inner);
        let now = Instant::now();
        let mut changed = book.sweep(now);
        if self.switch.came_on(now) {
            book.note(EventKind::Switched, None, "faults are on again: the time of the switch is over");
            changed = true;
        }
        if changed {
            self.publish(&book);
        }
        book
    }

    /// Shows requests what the book says.
    fn publish(&self, book: &Book) {
        let live = book.live();
        let snapshot = Arc::new(Snapshot::new(live.iter().map(|entry| &entry.rule)));
        *self.snapshot.write().unwrap_or_else(PoisonError::into_inner) = snapshot;
        self.live.store(live.len(), Ordering::Relaxed);
        self.generation.fetch_add(1, Ordering::Relaxed);
        self.wake.notify_one();
    }
}

#[cfg(test)]
mod tests;
