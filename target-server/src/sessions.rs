//! The accounts of the sessions that were here lately: what `GET /account/{session}` answers.
//!
//! Invariants:
//! - Every figure of one operation changes under one lock, so that an account always adds up.
//! - Bounded: [`SESSIONS_MAX`] sessions, the one idle longest makes room; [`OPERATIONS_MAX`] operations each, the rest is
//!   counted as `other`.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use shared::account::{Account, OperationAccount};
use shared::identity::{Name, Session};
use shared::outcome::{Code, ServerError};
use shared::red::OPERATIONS_MAX;
use tokio::time::Instant;

/// Sessions kept. A session is one run of one injector; 64 of them with 64 operations are about 1 MiB.
pub(crate) const SESSIONS_MAX: usize = 64;

/// All accounts. Cloning shares them.
#[derive(Clone, Debug, Default)]
pub(crate) struct Sessions(Arc<Mutex<HashMap<Session, Operations>>>);

type Operations = HashMap<Name, Arc<Book>>;

impl Sessions {
    /// The book of one operation of one session, opened at `now` if there is none. Worth keeping: it takes a lock.
    pub(crate) fn book(&self, session: Session, operation: Name, now: Instant) -> Arc<Book> {
        let mut sessions = lock(&self.0);
        if !sessions.contains_key(&session) && sessions.len() >= SESSIONS_MAX {
            // A session whose connections are open would go on counting into books that nobody can read any more.
            let unused = sessions.iter().filter(|(_, operations)| !is_in_use(operations));
            let idle_longest = unused.min_by_key(|(_, operations)| last_use(operations)).map(|(name, _)| *name);
            match idle_longest {
                Some(name) => drop(sessions.remove(&name)),
                // As many injectors as that, all connected: the new one is served, and has no account.
                None => return Arc::new(Book::new(now)),
            }
        }
        let operations = sessions.entry(session).or_default();
        let is_full = operations.len() >= OPERATIONS_MAX && !operations.contains_key(&operation);
        let operation = if is_full { Name::other() } else { operation };
        Arc::clone(operations.entry(operation).or_insert_with(|| Arc::new(Book::new(now))))
    }

    /// The account of a session, or nothing if none of its requests arrived here (or too many sessions came since).
    pub(crate) fn account(&self, session: Session, server: &str) -> Option<Account> {
        let sessions = lock(&self.0);
        let operations = sessions.get(&session)?;
        let operations = operations.iter().map(|(name, book)| (name.to_string(), book.account())).collect();
        Some(Account { server: server.to_owned(), operations })
    }
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
    received: u64,
    /// By code; a handful in practice, 800 at most.
    answered: Vec<(Code, u64)>,
    unanswered: u64,
    failed: [u64; ServerError::ALL.len()],
    in_flight: u64,
    by_rule: u64,
    sent_bytes: u64,
}

impl Book {
    fn new(now: Instant) -> Book {
        Book(Mutex::new(Entries {
            last_use: now,
            received: 0,
            answered: Vec::new(),
            unanswered: 0,
            failed: [0; ServerError::ALL.len()],
            in_flight: 0,
            by_rule: 0,
            sent_bytes: 0,
        }))
    }

    /// A request arrived.
    pub(crate) fn received(&self, now: Instant) {
        let mut entries = lock(&self.0);
        entries.last_use = now;
        entries.received += 1;
        entries.in_flight += 1;
    }

    /// A rule had a hand in what becomes of it.
    pub(crate) fn by_rule(&self) {
        lock(&self.0).by_rule += 1;
    }

    /// It was answered with this code.
    pub(crate) fn answered(&self, code: Code, sent_bytes: u64) {
        let mut entries = self.ended(sent_bytes);
        match entries.answered.iter_mut().find(|(held, _)| *held == code) {
            Some((_, count)) => *count += 1,
            None => entries.answered.push((code, 1)),
        }
    }

    /// It was left without a complete answer, as it had asked.
    pub(crate) fn unanswered(&self, sent_bytes: u64) {
        self.ended(sent_bytes).unanswered += 1;
    }

    /// It failed.
    pub(crate) fn failed(&self, error: ServerError, sent_bytes: u64) {
        self.ended(sent_bytes).failed[error.index()] += 1;
    }

    fn ended(&self, sent_bytes: u64) -> MutexGuard<'_, Entries> {
        let mut entries = lock(&self.0);
        entries.in_flight = entries.in_flight.saturating_sub(1);
        entries.sent_bytes += sent_bytes;
        entries
    }

    fn account(&self) -> OperationAccount {
        let entries = lock(&self.0);
        let failed = ServerError::ALL.iter().filter(|error| entries.failed[error.index()] > 0);
        OperationAccount {
            received: entries.received,
            answered: entries.answered.iter().map(|(code, count)| (code.label(), *count)).collect(),
            unanswered: entries.unanswered,
            failed: failed.map(|error| (error.as_str().to_owned(), entries.failed[error.index()])).collect(),
            in_flight: entries.in_flight,
            by_rule: entries.by_rule,
            sent_bytes: entries.sent_bytes,
        }
    }
}

/// A panic while the lock was held cannot leave half a figure: every change above is one addition.
fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn session(i: usize) -> Session {
        format!("s{i}").parse().unwrap()
    }

    #[tokio::test(start_paused = true)]
    async fn the_session_idle_longest_makes_room() {
        let sessions = Sessions::default();
        let op = Name::from_static("op");
        for i in 0..SESSIONS_MAX {
            sessions.book(session(i), op, Instant::now()).received(Instant::now());
            tokio::time::advance(std::time::Duration::from_secs(1)).await;
        }
        sessions.book(session(0), op, Instant::now()).received(Instant::now());
        sessions.book(session(SESSIONS_MAX), op, Instant::now());
        assert!(sessions.account(session(0), "x").is_some(), "used again since");
        assert!(sessions.account(session(1), "x").is_none(), "idle longest");
        assert!(sessions.account(session(SESSIONS_MAX), "x").is_some());
    }

    #[tokio::test(start_paused = true)]
    async fn operations_beyond_the_bound_are_counted_as_other() {
        let sessions = Sessions::default();
        for i in 0..OPERATIONS_MAX + 10 {
            sessions.book(session(0), format!("op{i}").parse().unwrap(), Instant::now()).received(Instant::now());
        }
        let account = sessions.account(session(0), "x").unwrap();
        assert_eq!(account.operations.len(), OPERATIONS_MAX + 1);
        assert_eq!(account.operations["other"].received, 10);
    }

    #[tokio::test(start_paused = true)]
    async fn every_request_is_in_exactly_one_place() {
        let book = Book::new(Instant::now());
        for _ in 0..5 {
            book.received(Instant::now());
        }
        book.answered(Code::Http(200), 10);
        book.answered(Code::Http(503), 1);
        book.unanswered(4);
        book.failed(ServerError::Aborted, 2);
        let account = book.account();
        assert_eq!(account.answered, [("200".to_owned(), 1), ("503".to_owned(), 1)].into());
        assert_eq!(account.failed, [("aborted".to_owned(), 1)].into());
        assert_eq!((account.received, account.unanswered, account.in_flight, account.sent_bytes), (5, 1, 1, 17));
        let ended = account.answered_total() + account.unanswered + account.failed_total();
        assert_eq!(account.received, ended + account.in_flight);
    }
}
