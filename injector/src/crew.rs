//! The streams of one worker: one for each operation that it has a part of, and those of operations that have changed or
//! left, until what they have taken up is done.
//!
//! A turn to another cast makes streams for what is new in it and leaves the others alone: their connections stay. What has
//! left plans nothing more, from the same instant on, and drains beside its successor; for that while there may be as many
//! connections as both have, but the bound on requests in flight is one for all.

use std::cell::Cell;
use std::io;
use std::num::NonZeroU32;
use std::rc::Rc;
use std::sync::Arc;
use std::time::Duration;

use tokio::time::Instant;

use crate::cast::{Cast, Member};
use crate::context::StreamContext;
use crate::counter::Counter;
use crate::driver::{Driver, IdentityTemplate};
use crate::lanes::rotation::Shares;
use crate::lanes::{Lanes, Permits};
use crate::names::Names;
use crate::names::asker::Asker;
use crate::plan::{Operation, Select};
use crate::registry::{Visit, dispatch};
use crate::rows::Prepared;
use crate::schedule::Timetable;
use crate::stream::{Fan, Scheduled, Stream};
use crate::turns::{Rota, Step};
use crate::worker::{Assignment, earliest, share};

/// The streams of one worker.
pub(crate) struct Crew {
    assignment: Assignment,
    asker: Arc<Asker>,
    permits: Rc<Permits>,
    cast: Option<Arc<Cast>>,
    /// By operation; nothing: it has left.
    streams: Vec<Option<Held>>,
    /// Made before their time, so that none is late for having to be made.
    ready: Vec<Held>,
    /// With whom they are of: who counts those that drain counts members.
    leaving: Vec<Held>,
    /// The longest that a request may take, of any cast so far.
    patience: Patience,
}

#[derive(Clone, Copy, Default)]
struct Patience {
    timeout: Duration,
    lag: Duration,
}

/// What a member is on this worker; nothing: it has no part of it.
struct Held {
    member: Arc<Member>,
    stream: Option<Box<dyn Stream>>,
}

impl Crew {
    /// Nobody yet.
    ///
    /// # Errors
    /// If the resolver cannot be made.
    pub(crate) fn new(assignment: &Assignment) -> io::Result<Crew> {
        let timeout = assignment.plan.longest_timeout();
        Ok(Crew {
            asker: Arc::new(Asker::asking(assignment.plan.nameserver, timeout)?),
            assignment: assignment.clone(),
            permits: Permits::new(0),
            cast: None,
            streams: Vec::new(),
            ready: Vec::new(),
            leaving: Vec::new(),
            patience: Patience { timeout, lag: Duration::ZERO },
        })
    }

    /// Makes what the steps ahead will need.
    pub(crate) fn prepare(&mut self, rota: &Rota) {
        for step in &rota.steps {
            if self.cast.as_ref().is_some_and(|cast| Arc::ptr_eq(cast, &step.cast)) {
                continue;
            }
            self.trust(&step.cast);
            for (number, role) in step.cast.roles.iter().enumerate().filter(|(_, role)| !role.is_left) {
                let held = self.streams.iter().flatten().chain(&self.ready);
                if !held.into_iter().any(|held| Arc::ptr_eq(&held.member, &role.member)) {
                    let made = self.make(number, &role.member);
                    self.ready.push(made);
                }
            }
        }
    }

    /// From its instant on, this holds. Everything that is due before has been taken up.
    pub(crate) fn turn(&mut self, step: &Step) {
        if !self.cast.as_ref().is_some_and(|cast| Arc::ptr_eq(cast, &step.cast)) {
            self.recast(step);
        }
        self.working().for_each(|stream| stream.turn(step));
    }

    fn recast(&mut self, step: &Step) {
        let cast = &step.cast;
        self.trust(cast);
        self.permits.resize(share(cast.max_in_flight, self.assignment.worker, self.assignment.workers));
        self.streams.resize_with(cast.roles.len(), || None);
        for (number, role) in cast.roles.iter().enumerate() {
            let stays = |held: &Held| !role.is_left && Arc::ptr_eq(&held.member, &role.member);
            if self.streams[number].as_ref().is_some_and(stays) {
                continue;
            }
            let before = self.streams[number].take();
            if let Some(mut held) = before
                && let Some(stream) = &mut held.stream
            {
                stream.retire();
                self.leaving.push(held);
            }
            if !role.is_left {
                let ready = self.ready.iter().position(|held| Arc::ptr_eq(&held.member, &role.member));
                let held = ready.map(|place| self.ready.swap_remove(place));
                self.streams[number] = Some(held.unwrap_or_else(|| self.make(number, &role.member)));
            }
        }
        self.ready.clear();
        self.cast = Some(Arc::clone(cast));
    }

    /// Waits as long as this cast's requests may take.
    fn trust(&mut self, cast: &Cast) {
        if cast.longest_timeout > self.patience.timeout {
            match Asker::asking(self.assignment.plan.nameserver, cast.longest_timeout) {
                Ok(asker) => self.asker = Arc::new(asker),
                Err(error) => tracing::warn!(%error, "look-ups keep the timeout that they had"),
            }
        }
        self.patience.timeout = self.patience.timeout.max(cast.longest_timeout);
        self.patience.lag = self.patience.lag.max(cast.max_lag);
    }

    /// How long a slot taken up now may still be on its way.
    pub(crate) fn patience(&self) -> Duration {
        self.patience.timeout + self.patience.lag
    }

    /// The longest timeout.
    pub(crate) fn longest_timeout(&self) -> Duration {
        self.patience.timeout
    }

    /// Those that take slots up.
    pub(crate) fn working(&mut self) -> impl Iterator<Item = &mut Box<dyn Stream>> {
        self.streams.iter_mut().flatten().filter_map(|held| held.stream.as_mut())
    }

    /// All that may have slots without a result.
    pub(crate) fn each(&mut self) -> impl Iterator<Item = &mut Box<dyn Stream>> {
        self.streams.iter_mut().flatten().chain(&mut self.leaving).filter_map(|held| held.stream.as_mut())
    }

    /// Drops what waited too long, and lets go of who is done; when there is something of that to do again.
    pub(crate) fn sweep(&mut self, now: Instant) -> Option<Instant> {
        self.leaving.retain(|held| held.stream.as_ref().is_some_and(|stream| stream.in_flight() > 0));
        // Who leaves is looked after as often as a name is: nothing of it is due at an instant.
        let again = (!self.leaving.is_empty()).then(|| now + LOOK_EVERY);
        self.each().fold(again, |wake, stream| earliest(wake, stream.sweep(now)))
    }

    fn make(&self, number: usize, member: &Arc<Member>) -> Held {
        let part = Part { crew: self, number, member };
        Held { member: Arc::clone(member), stream: dispatch(&member.operation.call, part) }
    }
}

/// How often is looked whether who leaves is done.
const LOOK_EVERY: Duration = Duration::from_millis(100);

/// An operation, to become this worker's part of it, if it has one.
struct Part<'a> {
    crew: &'a Crew,
    number: usize,
    member: &'a Member,
}

impl Visit for Part<'_> {
    type Output = Option<Box<dyn Stream>>;

    fn visit<D: Driver>(self, call: &D::Call) -> Option<Box<dyn Stream>> {
        let Part { crew, number, member } = self;
        let Crew { assignment: a, asker, permits, .. } = crew;
        let operation = &member.operation;
        // Who keeps none has as many as it has permits.
        let connections = operation.connection.kept().unwrap_or(NonZeroU32::MAX);
        // A pool smaller than the number of workers lives on as many workers as it has connections.
        let workers = connections.min(a.workers);
        let first = number as u32 % a.workers;
        let worker = (a.worker + a.workers.get() - first) % a.workers;
        if worker >= workers.get() {
            return None;
        }
        let share =
            NonZeroU32::new(share(connections.get(), worker, workers)).expect("no more workers than connections");
        // Its own part is all that a driver sees of the operation's connections.
        let operation = Operation { connection: operation.connection.with_kept(share), ..operation.clone() };
        let kept = operation.connection.kept().map_or(0, NonZeroU32::get);
        // One for all addresses: if each had its own, their connections would all be retired together.
        let shares =
            operation.connection.limits().map(|limits| Arc::new(Shares::new(limits, operation.seed, a.worker)));
        let capacity = share.saturating_mul(operation.streams).get();
        let entry = a.book.of(number);
        let following = entry.as_ref().filter(|_| operation.route.select == Select::All).map(|entry| entry.subscribe());
        let (a, call, asker, permits) = (a.clone(), call.clone(), Arc::clone(asker), Rc::clone(permits));
        let (t0, max_lag, rest, has_parts) = (a.t0, member.max_lag, member.rest, member.has_parts);
        let make = move |pinned| {
            let counter = Counter {
                series: a.red.series(number, a.worker as usize),
                ledger: Arc::clone(&a.ledger),
                operation: number,
                shares: shares.clone(),
            };
            let identity = IdentityTemplate { source: a.plan.source, session: a.session };
            let context = StreamContext::<D> {
                prepared: Prepared::new(&operation, &call, identity),
                names: Names::of(&operation, (&asker, entry.as_ref()), pinned, &counter, (worker, workers.get())),
                session: a.session,
                timeout: operation.timeout,
                injected: operation.injected,
                counter,
                k6: a.k6.as_ref().map(|k6| k6.series(number, a.worker as usize)),
                has_parts,
                unanswered: Arc::clone(&a.unanswered),
                in_flight: Cell::new(0),
                explained: Cell::new(0),
            };
            Lanes::new(context, Rc::clone(&permits), capacity, kept, max_lag)
        };
        Some(Box::new(Scheduled {
            operation: number,
            timetable: Timetable::after(worker, workers, rest),
            t0,
            max_lag,
            fan: Fan::new(Box::new(make), following, workers.get()),
        }))
    }
}
