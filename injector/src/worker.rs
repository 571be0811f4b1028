//! One thread of the engine: a current-thread runtime with its own pacer, connections, resolver and ledger. Workers share
//! nothing on the hot path; slot n of a stream belongs to worker n mod W.
//!
//! The release loop is polled first in each turn, before the connections, so that a busy worker is late by one turn at most.

use std::future::poll_fn;
use std::io;
use std::num::NonZeroU32;
use std::pin::pin;
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
use crate::crew::Crew;
use crate::fate::Unanswered;
use crate::names::book::Book;
use crate::pacer::{Pacer, Quantum};
use crate::plan::Plan;
use crate::turns::{Mailbox, Rota};

/// How long requests in flight may take to end after an interruption, at most.
const INTERRUPT_GRACE_MAX: Duration = Duration::from_secs(5);
/// Most slots of one stream taken up in one turn, before the connections get theirs: at the quantum's ten thousand turns
/// per second this is two and a half million slots per second.
const BATCH: usize = 256;

/// Everything one worker needs to know.
#[derive(Clone)]
pub(crate) struct Assignment {
    pub(crate) worker: u32,
    pub(crate) workers: NonZeroU32,
    /// As the run began. What a reload may change is the cast's.
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
    let mut crew = Crew::new(&a)?;
    let mut pacer = Pacer::new(a.quantum)?;
    release_all(&a, &mut crew, &mut pacer).await?;
    drain(&a, &mut crew, &mut pacer).await?;
    crew.each().for_each(|stream| stream.interrupt_rest());
    Ok(())
}

/// Takes up every slot when it comes due, until the end or until told to stop.
async fn release_all(a: &Assignment, crew: &mut Crew, pacer: &mut Pacer) -> io::Result<()> {
    let mailbox = &a.mailboxes[a.worker as usize];
    let mut rota = Rota::default();
    let mut stopped = pin!(a.stop.cancelled());
    let mut arrived = pin!(mailbox.arrived());
    loop {
        let (now, newer) = mailbox.look();
        if let Some(newer) = newer {
            rota.follow(newer);
            crew.prepare(&rota);
        }
        // Beyond what the clock can say is beyond any run.
        let change = rota.next_change().and_then(|at| a.t0.checked_add(at));
        let mut wake = earliest(change, crew.sweep(now));
        let mut more = false;
        for stream in crew.working() {
            let due = stream.release_due(now, change, BATCH);
            more |= due.is_some();
            wake = earliest(wake, due);
        }
        // All at once, and only when nothing is left of what was before: what is counted by then is counted there.
        if !more && change.is_some_and(|change| change <= now) {
            let Some(step) = rota.steps.pop_front() else { return Ok(()) };
            crew.turn(&step);
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

/// Lets what is in flight come to its end, for as long as that may take, or shorter if told to stop, before or meanwhile.
async fn drain(a: &Assignment, crew: &mut Crew, pacer: &mut Pacer) -> io::Result<()> {
    let mut deadline = Instant::now() + crew.patience();
    let grace = crew.longest_timeout().min(INTERRUPT_GRACE_MAX);
    let mut was_told = false;
    loop {
        let now = Instant::now();
        if !was_told && a.stop.is_cancelled() {
            was_told = true;
            deadline = deadline.min(now + grace);
            crew.each().for_each(|stream| stream.interrupt_waiting());
        }
        let wake = earliest(Some(deadline.min(now + DRAIN_TICK)), crew.sweep(now));
        if now >= deadline || crew.each().all(|stream| stream.in_flight() == 0) {
            return Ok(());
        }
        poll_fn(|cx| pacer.poll_until(wake.unwrap_or(deadline), Instant::now(), cx)).await?;
        yield_now().await;
    }
}

/// How often a draining worker looks whether it is done.
const DRAIN_TICK: Duration = Duration::from_millis(1);

pub(crate) fn earliest(a: Option<Instant>, b: Option<Instant>) -> Option<Instant> {
    match (a, b) {
        (Some(a), Some(b)) => Some(a.min(b)),
        (one, other) => one.or(other),
    }
}

/// This worker's part of `total`; the parts of all workers add up to it.
pub(crate) fn share(total: u32, worker: u32, workers: NonZeroU32) -> u32 {
    total / workers + u32::from(worker < total % workers)
}
