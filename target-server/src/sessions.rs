//! The accounts of the sessions that were here lately, and which of their requests arrived: what `GET /account/{session}`
//! and `GET /receipts/{session}/{operation}` answer.
//!
//! Invariants:
//! - Every figure of one operation changes under one lock, so that an account always adds up.
//! - Bounded: [`SESSIONS_MAX`] sessions, the one idle longest makes room; [`OPERATIONS_MAX`] operations each, the rest is
//!   counted as `other`; [`RINGS_MAX`] operations of all sessions with receipts.
//! - Nothing that may have been forgotten is said not to have arrived.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use shared::account::{Account, Durations, OperationAccount};
use shared::identity::{Name, Session};
use shared::outcome::{Code, ServerError};
use shared::receipt::{Event, FROM_NONE};
use shared::red::{Histogram, OPERATIONS_MAX};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::time::Instant;

use crate::receipts::{Found, RINGS_MAX, Ring};

/// Sessions kept. A session is one run of one injector; 64 of them with 64 operations are about 2 MiB, beside their
/// receipts.
pub(crate) const SESSIONS_MAX: usize = 64;

/// All accounts. Cloning shares them.
#[derive(Clone, Debug, Default)]
pub(crate) struct Sessions(Arc<Mutex<Held>>);

#[derive(Debug)]
struct Held {
    sessions: HashMap<Session, Kept>,
    /// One for each operation that may have receipts.
    rings: Arc<Semaphore>,
    /// When a session was last given up, or found no room: one that is not held may have been here all the same.
    forgotten_at: Option<Instant>,
}

/// One session.
#[derive(Debug)]
struct Kept {
    operations: Operations,
    /// When one was last forgotten before this one came: it may have been that.
    forgotten_at: Option<Instant>,
}

impl Default for Held {
    fn default() -> Held {
        Held { sessions: HashMap::new(), rings: Arc::new(Semaphore::new(RINGS_MAX)), forgotten_at: None }
    }
}

type Operations = HashMap<Name, Arc<Book>>;

impl Sessions {
    /// The book of one operation of one session, opened at `now` if there is none. Worth keeping: it takes a lock.
    pub(crate) fn book(&self, session: Session, operation: Name, now: Instant) -> Arc<Book> {
        let held = &mut *lock(&self.0);
        let sessions = &mut held.sessions;
        // Whoever makes room for this one is not this one.
        let forgotten_at = held.forgotten_at;
        if !sessions.contains_key(&session) && sessions.len() >= SESSIONS_MAX {
            held.forgotten_at = Some(now);
            // A session whose connections are open would go on counting into books that nobody can read any more.
            let unused = sessions.iter().filter(|(_, kept)| !is_in_use(&kept.operations));
            let idle_longest = unused.min_by_key(|(_, kept)| last_use(&kept.operations)).map(|(name, _)| *name);
            match idle_longest {
                Some(name) => drop(sessions.remove(&name)),
                // As many injectors as that, all connected: the new one is served, and has no account.
                None => return Arc::new(Book::new(now, None)),
            }
        }
        let kept = sessions.entry(session).or_insert_with(|| Kept { operations: Operations::new(), forgotten_at });
        let (operations, may_be_forgotten) = (&mut kept.operations, kept.forgotten_at.is_some());
        let is_full = operations.len() >= OPERATIONS_MAX && !operations.contains_key(&operation);
        let operation = if is_full { Name::other() } else { operation };
        let book = operations.entry(operation).or_insert_with(|| {
            // Several operations may be counted there, each with numbers of its own.
            let is_one = operation != Name::other();
            let slot = is_one.then(|| Arc::clone(&held.rings).try_acquire_owned().ok()).flatten();
            Arc::new(Book::new(now, slot.map(|slot| Receipts { ring: Ring::new(may_be_forgotten), _slot: slot })))
        });
        Arc::clone(book)
    }

    /// Which of these requests of an operation arrived; or, as an error, what it means that nothing of it is held: the same
    /// with nothing seen.
    pub(crate) fn receipts(&self, session: Session, operation: Name, seqs: &[u64]) -> Result<Found, Found> {
        let held = lock(&self.0);
        let kept = held.sessions.get(&session);
        if let Some(book) = kept.and_then(|kept| kept.operations.get(&operation)) {
            return Ok(book.receipts(seqs));
        }
        let is_other = kept.is_some_and(|kept| kept.operations.len() >= OPERATIONS_MAX);
        let forgotten_at = kept.map_or(held.forgotten_at, |kept| kept.forgotten_at);
        Err(Found::nothing(if forgotten_at.is_some() || is_other { FROM_NONE } else { 0 }))
    }

    /// How long ago a session was last forgotten: one that is not held may have been here until then. Nothing: none ever was.
    pub(crate) fn forgotten_seconds(&self) -> Option<f64> {
        seconds_since(lock(&self.0).forgotten_at)
    }

    /// The account of a session, without a word of who has it, or nothing if none of its requests arrived here (or too many
    /// sessions came since).
    pub(crate) fn account(&self, session: Session) -> Option<Account> {
        let held = lock(&self.0);
        let Kept { operations, forgotten_at } = held.sessions.get(&session)?;
        let operations = operations.iter().map(|(name, book)| (name.to_string(), book.account())).collect();
        let forgotten_seconds = seconds_since(*forgotten_at);
        Some(Account { operations, forgotten_seconds, ..Account::default() })
    }
}

fn seconds_since(at: Option<Instant>) -> Option<f64> {
    at.map(|at| at.elapsed().as_secs_f64())
}

/// Whether a connection, or a request, still holds one of its books.
fn is_in_use(operations: &Operations) -> bool {
    operations.values().any(|book| Arc::strong_count(book) > 1)
}

fn last_use(operations: &Operations) -> Option<Instant> {
    operations.values().map(|book| lock(&book.0).last_use).max()
}

/// The account of one operation of one session.
#[derive(Debug)]
pub(crate) struct Book(Mutex<Entries>);

#[derive(Debug)]
struct Entries {
    last_use: Instant,
    /// Nothing for an operation without receipts.
    receipts: Option<Receipts>,
    received: u64,
    duplicates: u64,
    late: u64,
    /// By code; a handful in practice, 800 at most.
    answered: Vec<(Code, u64)>,
    unanswered: u64,
    failed: [u64; ServerError::ALL.len()],
    in_flight: u64,
    by_rule: u64,
    sent_bytes: u64,
    own_time: Histogram,
}

/// What is known of a request when it ends, however it does.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Ending {
    /// Bytes of the answer's body handed to the kernel.
    pub(crate) sent_bytes: u64,
    /// Its time without what it asked for.
    pub(crate) own: Duration,
}

/// Which requests arrived, and the right to remember it.
#[derive(Debug)]
struct Receipts {
    ring: Ring,
    _slot: OwnedSemaphorePermit,
}

impl Book {
    fn new(now: Instant, receipts: Option<Receipts>) -> Book {
        Book(Mutex::new(Entries {
            last_use: now,
            receipts,
            received: 0,
            duplicates: 0,
            late: 0,
            answered: Vec::new(),
            unanswered: 0,
            failed: [0; ServerError::ALL.len()],
            in_flight: 0,
            by_rule: 0,
            sent_bytes: 0,
            own_time: Histogram::durations(),
        }))
    }

    /// A request arrived. If its number can be noted: whether it did so for the first time.
    pub(crate) fn received(&self, now: Instant, seq: Option<u64>) -> Option<Event> {
        let entries = &mut *lock(&self.0);
        entries.last_use = now;
        entries.received += 1;
        entries.in_flight += 1;
        let event = entries.receipts.as_mut()?.ring.note(seq?);
        match event {
            Event::Unique => {}
            Event::Duplicate => entries.duplicates += 1,
            Event::Late => entries.late += 1,
        }
        Some(event)
    }

    fn receipts(&self, seqs: &[u64]) -> Found {
        let entries = lock(&self.0);
        entries.receipts.as_ref().map_or_else(|| Found::nothing(FROM_NONE), |receipts| receipts.ring.find(seqs))
    }

    /// A rule had a hand in what becomes of it.
    pub(crate) fn by_rule(&self) {
        lock(&self.0).by_rule += 1;
    }

    /// It was answered with this code.
    pub(crate) fn answered(&self, code: Code, ending: Ending) {
        let mut entries = self.ended(ending);
        match entries.answered.iter_mut().find(|(held, _)| *held == code) {
            Some((_, count)) => *count += 1,
            None => entries.answered.push((code, 1)),
        }
    }

    /// It was left without a complete answer, as it had asked.
    pub(crate) fn unanswered(&self, ending: Ending) {
        self.ended(ending).unanswered += 1;
    }

    /// It failed.
    pub(crate) fn failed(&self, error: ServerError, ending: Ending) {
        self.ended(ending).failed[error.index()] += 1;
    }

    fn ended(&self, ending: Ending) -> MutexGuard<'_, Entries> {
        let mut entries = lock(&self.0);
        entries.in_flight = entries.in_flight.saturating_sub(1);
        entries.sent_bytes += ending.sent_bytes;
        entries.own_time.record(ending.own);
        entries
    }

    fn account(&self) -> OperationAccount {
        let entries = lock(&self.0);
        let failed = ServerError::ALL.iter().filter(|error| entries.failed[error.index()] > 0);
        OperationAccount {
            received: entries.received,
            duplicates: entries.duplicates,
            late: entries.late,
            answered: entries.answered.iter().map(|(code, count)| (code.label(), *count)).collect(),
            unanswered: entries.unanswered,
            failed: failed.map(|error| (error.as_str().to_owned(), entries.failed[error.index()])).collect(),
            in_flight: entries.in_flight,
            by_rule: entries.by_rule,
            sent_bytes: entries.sent_bytes,
            own_time: Durations::of(&entries.own_time),
        }
    }
}

/// A panic while the lock was held cannot leave half a figure: every change above is one addition.
fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests;
