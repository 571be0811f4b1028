//! What a run knows of its names, kept beside it: one entry for each name and policy, whoever uses it.
//!
//! An entry is asked for again when its policy says so. Where connections look up for themselves, their answers are what is
//! known; if some of them are kept, somebody still asks when nobody else has for [`WATCH`], because a kept connection asks
//! nothing: the name could change under it and nobody would know.
//!
//! "No such name" and "no address" are answers and not failures: what was known before is gone. SERVFAIL, silence and the
//! like say nothing, and leave it as it is (RFC 8767, section 4).

use std::net::IpAddr;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use shared::outcome::ErrorClass;
use shared::red::client::ClientRed;
use tokio::sync::watch;
use tokio::task::{AbortHandle, JoinSet};
use tokio::time::{Instant, sleep_until, timeout};

use super::Question;
use super::asker::{Asker, Looked, Unfound};
use crate::counter::Counter;
use crate::plan::{Host, Operation, Plan, Resolve, Select};

/// How old the knowledge of a name may become, where kept connections would not look it up.
pub(crate) const WATCH: Duration = Duration::from_secs(5);
/// The shortest time for which an answer is kept. A TTL of 0 allows one use, which is `per_connection`.
pub(crate) const TTL_MIN: Duration = Duration::from_secs(1);
/// The longest, and that of `/etc/hosts`.
pub(crate) const TTL_MAX: Duration = Duration::from_secs(3_600);
/// Answers are asked for again before their time is over, by this part of it and at most [`AHEAD_MAX`]: no connection
/// waits for a look-up, and none is given an answer that is past its time while all is well.
const AHEAD: u32 = 10;
const AHEAD_MAX: Duration = Duration::from_secs(1);
/// How long a run waits for its first answers. A name server that is slower than this is what the run is there to see.
const FIRST_ANSWER_MAX: Duration = Duration::from_secs(1);
/// From a failed look-up to the next.
const RETRY: Duration = Duration::from_secs(1);

/// The entries of a run. A reload may bring others; an entry that is still needed stays as it is.
#[derive(Default)]
pub(crate) struct Book(Mutex<Entries>);

#[derive(Default)]
struct Entries {
    all: Vec<Arc<Entry>>,
    /// By operation; nothing for an address.
    by_operation: Vec<Option<Arc<Entry>>>,
}

/// A name under a policy.
pub(crate) struct Entry {
    name: String,
    resolve: Resolve,
    known: watch::Sender<Known>,
    users: Mutex<Users>,
}

/// Who needs an entry.
#[derive(Default)]
struct Users {
    users: Vec<User>,
    /// Whether anybody asks beside the run.
    is_watched: bool,
    /// Who asks beside the run.
    keeper: Option<AbortHandle>,
}

/// An operation, for whose accounts it is looked up.
#[derive(Clone)]
struct User {
    counter: Counter,
    red: ClientRed,
}

/// What is known now.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Known {
    /// The latest answer; empty: there is no such name or it has no address. Nothing: never an answer.
    pub(crate) addresses: Option<Arc<[IpAddr]>>,
    /// Why the last look-up gave no answer.
    pub(crate) failure: Option<Unfound>,
    /// From when on who is given the answer must be counted.
    pub(crate) stale_from: Option<Instant>,
    /// When the last look-up was over.
    learned: Option<Instant>,
}

impl Book {
    /// Takes up what a plan's operations need, `left` being those that do not count any more; nothing is asked yet. `counter`
    /// gives an operation's counter.
    pub(crate) fn follow(&self, plan: &Plan, left: &[bool], red: &ClientRed, counter: impl Fn(usize) -> Counter) {
        let mut held = lock(&self.0);
        let mut needed: Vec<(Arc<Entry>, Users)> = Vec::new();
        held.by_operation.clear();
        for (index, operation) in plan.operations.iter().enumerate() {
            let has_left = left.get(index).copied().unwrap_or_default();
            let Host::Name(name) = &operation.endpoint.host else {
                held.by_operation.push(None);
                continue;
            };
            let resolve = operation.route.resolve;
            red.has_name(index);
            if has_left {
                held.by_operation.push(None);
                continue;
            }
            let is_it = |entry: &Entry| entry.name == *name && entry.resolve == resolve;
            let place = needed.iter().position(|(entry, _)| is_it(entry)).unwrap_or_else(|| {
                let known = held.all.iter().find(|entry| is_it(entry)).cloned();
                needed.push((known.unwrap_or_else(|| Arc::new(Entry::new(name, resolve))), Users::default()));
                needed.len() - 1
            });
            let (entry, users) = &mut needed[place];
            users.users.push(User { counter: counter(index), red: red.clone() });
            users.is_watched |= is_watched(operation);
            held.by_operation.push(Some(Arc::clone(entry)));
        }
        for entry in held.all.drain(..).filter(|entry| !needed.iter().any(|(needed, _)| Arc::ptr_eq(needed, entry))) {
            lock(&entry.users).keeper.take().inspect(AbortHandle::abort);
        }
        for (entry, users) in needed {
            entry.are(users);
            held.all.push(entry);
        }
    }

    /// What is known of an operation's name.
    pub(crate) fn of(&self, operation: usize) -> Option<Arc<Entry>> {
        lock(&self.0).by_operation[operation].clone()
    }

    /// Asks for every entry that somebody asks for beside the run and nobody yet does, until the set is dropped.
    pub(crate) fn open(&self, asker: &Arc<Asker>, keeping: &mut JoinSet<()>) {
        // Those of entries that are gone.
        while keeping.try_join_next().is_some() {}
        for entry in self.watched() {
            let mut users = lock(&entry.users);
            if users.keeper.is_some() {
                continue;
            }
            let (asker, name) = (Arc::clone(asker), entry.name.clone());
            let ask = move || {
                let (asker, name) = (Arc::clone(&asker), name.clone());
                async move { asker.look_up(&name).await }
            };
            users.keeper = Some(keeping.spawn(keep(Arc::clone(&entry), ask)));
        }
    }

    /// Back when each of them has been asked for once, or after [`FIRST_ANSWER_MAX`].
    pub(crate) async fn first_answers(&self) {
        let all = async {
            for entry in self.watched() {
                // An error is a task that is gone, and with it the run's reason to wait.
                let _ = entry.subscribe().wait_for(|known| known.learned.is_some()).await;
            }
        };
        // Who comes too early waits for the answer under its own timeout.
        let _ = timeout(FIRST_ANSWER_MAX, all).await;
    }

    fn watched(&self) -> Vec<Arc<Entry>> {
        lock(&self.0).all.iter().filter(|entry| lock(&entry.users).is_watched).cloned().collect()
    }
}

/// Nothing is changed in two steps that a panic could come between.
fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Whether somebody must ask beside the run: the policy's own questions, and those for connections that are kept.
fn is_watched(operation: &Operation) -> bool {
    let Operation { route, connection, .. } = operation;
    route.resolve != Resolve::PerConnection || route.select == Select::All || !connection.is_fresh()
}

/// Looks a name up as its policy says, for as long as that needs.
async fn keep<F: Future<Output = Looked>>(entry: Arc<Entry>, ask: impl Fn() -> F) {
    loop {
        let begun = Instant::now();
        let users = entry.users();
        let mut questions: Vec<Question<'_>> = users.iter().map(|user| Question::new(&user.counter)).collect();
        let looked = ask().await;
        questions.iter_mut().for_each(|question| question.code = looked.code);
        drop(questions);
        let now = Instant::now();
        entry.learn(&looked, now);
        let Some(mut due) = due(entry.resolve, &looked, begun, now) else { return };
        loop {
            sleep_until(due).await;
            // Somebody has looked up meanwhile for a connection of its own.
            let learned = entry.known.borrow().learned.filter(|_| entry.resolve == Resolve::PerConnection);
            match learned.map(|learned| learned + WATCH) {
                Some(later) if later > due => due = later,
                _ => break,
            }
        }
    }
}

/// When to ask again after a look-up; nothing: never.
fn due(resolve: Resolve, looked: &Looked, begun: Instant, now: Instant) -> Option<Instant> {
    match (resolve, &looked.found) {
        (Resolve::PerConnection, _) => Some(now + WATCH),
        (Resolve::Interval(every), _) => Some((begun + every).max(now)),
        (Resolve::Once, Ok(_)) => None,
        (Resolve::Ttl, Ok(answer)) => {
            let ttl = kept_for(answer.ttl);
            Some(now + ttl - (ttl / AHEAD).min(AHEAD_MAX))
        }
        (Resolve::Once | Resolve::Ttl, Err(_)) => Some(now + RETRY),
    }
}

fn kept_for(ttl: Duration) -> Duration {
    ttl.clamp(TTL_MIN, TTL_MAX)
}

impl Entry {
    fn new(name: &str, resolve: Resolve) -> Entry {
        let known = watch::Sender::new(Known::default());
        Entry { name: name.to_owned(), resolve, known, users: Mutex::default() }
    }

    fn users(&self) -> Vec<User> {
        lock(&self.users).users.clone()
    }

    /// From now on it is needed by these. What is known already, those who are new are told.
    fn are(&self, mut next: Users) {
        // Whoever learns holds what is known while it looks for the users: not the other way round here.
        let addresses = self.known.borrow().addresses.clone();
        if let Some(addresses) = &addresses {
            next.users.iter().for_each(|user| user.counts(None, addresses));
        }
        let mut users = lock(&self.users);
        if !next.is_watched {
            users.keeper.take().inspect(AbortHandle::abort);
        }
        next.keeper = users.keeper.take();
        *users = next;
    }

    pub(crate) fn resolve(&self) -> Resolve {
        self.resolve
    }

    /// What is known, and what will be.
    pub(crate) fn subscribe(&self) -> watch::Receiver<Known> {
        self.known.subscribe()
    }

    /// A look-up is over.
    pub(crate) fn learn(&self, looked: &Looked, now: Instant) {
        self.known.send_if_modified(|known| {
            let before = known.clone();
            known.learned = Some(now);
            known.failure = looked.answer().err();
            match &looked.found {
                Ok(answer) => {
                    known.addresses = Some(Arc::clone(&answer.addresses));
                    known.stale_from = (self.resolve == Resolve::Ttl).then(|| now + kept_for(answer.ttl));
                }
                Err(ErrorClass::DnsNxdomain) => {
                    known.addresses = Some(Arc::default());
                    known.stale_from = None;
                }
                Err(_) if matches!(self.resolve, Resolve::Interval(_)) => {
                    known.stale_from = known.stale_from.or(Some(now));
                }
                Err(_) => {}
            }
            let is_other = known.addresses != before.addresses;
            if is_other {
                let now = known.addresses.as_deref().unwrap_or_default();
                self.users().iter().for_each(|user| user.counts(before.addresses.as_deref(), now));
            }
            // Connections that look up for themselves are not told of each of them.
            is_other || self.resolve != Resolve::PerConnection || before.learned.is_none()
        });
    }
}

impl User {
    /// The name has these addresses now, and had others before if anything was known of it.
    fn counts(&self, before: Option<&[IpAddr]>, now: &[IpAddr]) {
        self.red.name_addresses(self.counter.operation, now.len());
        if let Some(before) = before {
            self.counter.name_changed(before, now);
        }
    }
}

#[cfg(test)]
mod tests;
