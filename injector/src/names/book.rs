//! What a run knows of its names, kept beside it: one entry for each name and policy, whoever uses it.
//!
//! An entry is asked for again when its policy says so. Where connections look up for themselves, their answers are what is
//! known; if some of them are kept, somebody still asks when nobody else has for [`WATCH`], because a kept connection asks
//! nothing: the name could change under it and nobody would know.
//!
//! "No such name" and "no address" are answers and not failures: what was known before is gone. SERVFAIL, silence and the
//! like say nothing, and leave it as it is (RFC 8767, section 4).

use std::net::IpAddr;
use std::sync::Arc;
use std::time::Duration;

use shared::outcome::ErrorClass;
use shared::red::client::ClientRed;
use tokio::sync::watch;
use tokio::task::JoinSet;
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

/// The entries of a run.
pub(crate) struct Book {
    entries: Vec<Arc<Entry>>,
    /// By operation; nothing for an address.
    by_operation: Vec<Option<Arc<Entry>>>,
}

/// A name under a policy.
pub(crate) struct Entry {
    name: String,
    resolve: Resolve,
    known: watch::Sender<Known>,
    users: Vec<User>,
    /// Whether anybody asks beside the run.
    is_watched: bool,
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
    /// The entries that a plan's operations need; nothing is asked yet. `counter` gives an operation's counter.
    pub(crate) fn new(plan: &Plan, red: &ClientRed, counter: impl Fn(usize) -> Counter) -> Book {
        let mut entries: Vec<Entry> = Vec::new();
        let mut places = Vec::new();
        for (index, operation) in plan.operations.iter().enumerate() {
            let Host::Name(name) = &operation.endpoint.host else {
                places.push(None);
                continue;
            };
            let resolve = operation.route.resolve;
            red.has_name(index);
            let user = User { counter: counter(index), red: red.clone() };
            let known = entries.iter().position(|entry| entry.name == *name && entry.resolve == resolve);
            let place = known.unwrap_or_else(|| {
                entries.push(Entry::new(name, resolve));
                entries.len() - 1
            });
            let entry = &mut entries[place];
            entry.users.push(user);
            entry.is_watched |= is_watched(operation);
            places.push(Some(place));
        }
        let entries: Vec<Arc<Entry>> = entries.into_iter().map(Arc::new).collect();
        let by_operation = places.iter().map(|place| place.map(|place| Arc::clone(&entries[place]))).collect();
        Book { entries, by_operation }
    }

    /// What is known of an operation's name.
    pub(crate) fn of(&self, operation: usize) -> Option<&Arc<Entry>> {
        self.by_operation[operation].as_ref()
    }

    /// Asks for every entry that somebody asks for beside the run, from now on until the set is dropped.
    pub(crate) fn open(&self, asker: &Arc<Asker>) -> JoinSet<()> {
        let mut keeping = JoinSet::new();
        for entry in self.watched() {
            let (asker, entry) = (Arc::clone(asker), Arc::clone(entry));
            let name = entry.name.clone();
            let ask = move || {
                let (asker, name) = (Arc::clone(&asker), name.clone());
                async move { asker.look_up(&name).await }
            };
            keeping.spawn(keep(entry, ask));
        }
        keeping
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

    fn watched(&self) -> impl Iterator<Item = &Arc<Entry>> {
        self.entries.iter().filter(|entry| entry.is_watched)
    }
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
        let mut questions: Vec<Question<'_>> = entry.users.iter().map(|user| Question::new(&user.counter)).collect();
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
        Entry { name: name.to_owned(), resolve, known, users: Vec::new(), is_watched: false }
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
                self.users.iter().for_each(|user| user.counts(before.addresses.as_deref(), now));
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
