//! One thread of the engine: a current-thread runtime with its own pacer, connections, resolver and ledger. Workers share
//! nothing on the hot path; slot n of a stream belongs to worker n mod W.
//!
//! The release loop is polled first in each turn, before the connections, so that a busy worker is late by one turn at most.

use std::cell::Cell;
use std::future::poll_fn;
use std::io;
use std::num::NonZeroU32;
use std::pin::pin;
use std::rc::Rc;
use std::sync::Arc;
use std::task::Poll;
use std::time::Duration;

use shared::identity::Session;
use shared::red::client::ClientRed;
use shared::red::client::k6::K6Red;
use tokio::runtime;
use tokio::task::{LocalSet, yield_now};
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

use crate::account::Ledger;
use crate::context::StreamContext;
use crate::counter::Counter;
use crate::driver::{Driver, IdentityTemplate};
use crate::fate::Unanswered;
use crate::lanes::rotation::Shares;
use crate::lanes::{Lanes, Permits};
use crate::names::Names;
use crate::names::asker::Asker;
use crate::names::book::Book;
use crate::pacer::{Pacer, Quantum};
use crate::plan::{Operation, Plan, Select};
use crate::registry::{Visit, dispatch};
use crate::schedule::Timetable;
use crate::stream::{Fan, Scheduled, Stream};
use crate::turns::{Mailbox, Rota};

/// Most slots of one stream taken up in one turn, before the connections get theirs: at the quantum's ten thousand turns
/// per second this is two and a half million slots per second.
const BATCH: usize = 256;

/// Everything one worker needs to know.
#[derive(Clone)]
pub(crate) struct Assignment {
    pub(crate) worker: u32,
    pub(crate) workers: NonZeroU32,
    pub(crate) plan: Arc<Plan>,
    pub(crate) session: Session,
    pub(crate) red: ClientRed,
    pub(crate) k6: Option<K6Red>,
    pub(crate) ledger: Arc<Ledger>,
    pub(crate) unanswered: Arc<Unanswered>,
    /// What is known of the names.
    pub(crate) book: Arc<Book>,
    pub(crate) quantum: Quantum,
    /// The instant of all schedules' zero.
    pub(crate) t0: Instant,
    /// What holds from when on: one for each worker.
    pub(crate) mailboxes: Arc<[Mailbox]>,
    /// Stops planning.
    pub(crate) stop: CancellationToken,
    /// How long requests in flight may take to end once planning has stopped early.
    pub(crate) interrupt_grace: Duration,
}

/// Runs the worker to its end on this thread.
///
/// # Errors
/// If the runtime, the timer or the resolver cannot be made.
pub(crate) fn run(assignment: Assignment) -> io::Result<()> {
    let runtime = runtime::Builder::new_current_thread().enable_all().build()?;
    LocalSet::new().block_on(&runtime, drive(assignment))
}

async fn drive(a: Assignment) -> io::Result<()> {
    let longest = a.plan.longest_timeout();
    let asker = Arc::new(Asker::asking(a.plan.nameserver, longest)?);
    let permits = Permits::new(share(a.plan.max_in_flight.get(), a.worker, a.workers));
    let mut streams: Vec<Box<dyn Stream>> = Vec::new();
    for (index, operation) in a.plan.operations.iter().enumerate() {
        let part = Part { assignment: &a, index, operation, asker: &asker, permits: &permits };
        streams.extend(dispatch(&operation.call, part));
    }
    let mut pacer = Pacer::new(a.quantum)?;
    release_all(&a, &mut streams, &mut pacer).await?;
    drain(&a, &mut streams, &mut pacer, Instant::now() + a.plan.max_lag + longest).await?;
    streams.iter().for_each(|stream| stream.interrupt_rest());
    Ok(())
}

/// Takes up every slot when it comes due, until the end or until told to stop.
async fn release_all(a: &Assignment, streams: &mut [Box<dyn Stream>], pacer: &mut Pacer) -> io::Result<()> {
    let mailbox = &a.mailboxes[a.worker as usize];
    let mut rota = Rota::default();
    let mut stopped = pin!(a.stop.cancelled());
    let mut arrived = pin!(mailbox.arrived());
    loop {
        let (now, newer) = mailbox.look();
        newer.into_iter().for_each(|newer| rota.follow(newer));
        // Beyond what the clock can say is beyond any run.
        let change = rota.next_change().and_then(|at| a.t0.checked_add(at));
        let mut wake = change;
        let mut more = false;
        for stream in &mut *streams {
            let due = stream.release_due(now, change, BATCH);
            more |= due.is_some();
            wake = earliest(wake, due);
            wake = earliest(wake, stream.sweep(now));
        }
        // All at once, and only when nothing is left of what was before: what is counted by then is counted there.
        if !more && change.is_some_and(|change| change <= now) {
            let Some(step) = rota.steps.pop_front() else { return Ok(()) };
            streams.iter_mut().for_each(|stream| stream.turn(&step));
            a.ledger.turn(step.phase);
            continue;
        }
        let mut waited = false;
        let told = poll_fn(|cx| {
            if stopped.as_mut().poll(cx).is_ready() {
                return Poll::Ready(Ok(true));
            }
            if arrived.as_mut().poll(cx).is_ready() {
                arrived.set(mailbox.arrived());
                return Poll::Ready(Ok(false));
            }
            // Without an instant to wait for there is a turn to wait for.
            let Some(wake) = wake else { return Poll::Pending };
            let woken = pacer.poll_until(wake, Instant::now(), cx);
            waited |= woken.is_pending();
            woken.map_ok(|()| false)
        });
        if told.await? {
            return Ok(());
        }
        // A worker that is behind its schedule still lets its connections have their turn. One that waited did so already,
        // and would only be later for it.
        if !waited {
            yield_now().await;
        }
    }
}

/// Lets what is in flight come to its end, until `deadline`, or sooner if told to stop, before or meanwhile.
async fn drain(
    a: &Assignment,
    streams: &mut [Box<dyn Stream>],
    pacer: &mut Pacer,
    mut deadline: Instant,
) -> io::Result<()> {
    let mut was_told = false;
    loop {
        let now = Instant::now();
        if !was_told && a.stop.is_cancelled() {
            was_told = true;
            deadline = deadline.min(now + a.interrupt_grace);
            streams.iter().for_each(|stream| stream.interrupt_waiting());
        }
        let mut wake = Some(deadline.min(now + DRAIN_TICK));
        for stream in &mut *streams {
            wake = earliest(wake, stream.sweep(now));
        }
        if now >= deadline || streams.iter().all(|stream| stream.in_flight() == 0) {
            return Ok(());
        }
        poll_fn(|cx| pacer.poll_until(wake.unwrap_or(deadline), Instant::now(), cx)).await?;
        yield_now().await;
    }
}

/// How often a draining worker looks whether it is done.
const DRAIN_TICK: Duration = Duration::from_millis(1);

fn earliest(a: Option<Instant>, b: Option<Instant>) -> Option<Instant> {
    match (a, b) {
        (Some(a), Some(b)) => Some(a.min(b)),
        (one, other) => one.or(other),
    }
}

/// This worker's part of `total`; the parts of all workers add up to it.
fn share(total: u32, worker: u32, workers: NonZeroU32) -> u32 {
    total / workers + u32::from(worker < total % workers)
}

/// An operation, to become this worker's part of it, if it has one.
struct Part<'a> {
    assignment: &'a Assignment,
    index: usize,
    operation: &'a Operation,
    asker: &'a Arc<Asker>,
    permits: &'a Rc<Permits>,
}

impl Visit for Part<'_> {
    type Output = Option<Box<dyn Stream>>;

    fn visit<D: Driver>(self, call: &D::Call) -> Option<Box<dyn Stream>> {
        let Part { assignment: a, index, operation, asker, permits } = self;
        let connections = operation.connection.kept().unwrap_or(a.plan.max_in_flight);
        // A pool smaller than the number of workers lives on as many workers as it has connections.
        let workers = connections.min(a.workers);
        let first = index as u32 % a.workers;
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
        let entry = a.book.of(index).cloned();
        let following = entry.as_ref().filter(|_| operation.route.select == Select::All).map(|entry| entry.subscribe());
        let (a, call, asker, permits) = (a.clone(), call.clone(), Arc::clone(asker), Rc::clone(permits));
        let (t0, max_lag) = (a.t0, a.plan.max_lag);
        let make = move |pinned| {
            let counter = Counter {
                series: a.red.series(index, a.worker as usize),
                ledger: Arc::clone(&a.ledger),
                operation: index,
                shares: shares.clone(),
            };
            let identity = IdentityTemplate { source: a.plan.source, session: a.session };
            let context = StreamContext::<D> {
                prepared: D::prepare(&operation, &call, identity),
                names: Names::of(&operation, (&asker, entry.as_ref()), pinned, &counter, (worker, workers.get())),
                session: a.session,
                timeout: operation.timeout,
                counter,
                k6: a.k6.as_ref().map(|k6| k6.series(index, a.worker as usize)),
                unanswered: Arc::clone(&a.unanswered),
                in_flight: Cell::new(0),
                explained: Cell::new(0),
            };
            Lanes::new(context, Rc::clone(&permits), capacity, kept, max_lag)
        };
        Some(Box::new(Scheduled {
            operation: index,
            timetable: Timetable::new(worker, workers),
            t0,
            max_lag,
            fan: Fan::new(Box::new(make), following, workers.get()),
        }))
    }
}
