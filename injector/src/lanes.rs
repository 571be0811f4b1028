//! The places where one stream's requests are in flight on one worker.
//!
//! A lane is a task that holds at most one connection and carries one request at a time. `pooled(n)` has n lanes that keep
//! their connection and are used in turn, least recently used first; `fresh` has as many as may be in flight, and each ends
//! with its request.
//!
//! As long as a pool has not its n lanes, the next request opens one more, although others are idle: so that every
//! connection is exercised however low the rate is. Taking an idle one first would leave a slow stream with a single
//! connection, and the word `pooled(4)` untrue. Where lanes share connections, the first n lanes come to be on n of them;
//! more lanes only open when none is idle.
//!
//! A connection that has carried its share is closed behind its last request, and one that grows too old while it is
//! idle at once, not at its next turn: nobody should wonder why it is still there.
//!
//! A released slot waits in order until a lane is free, at most `max_lag` after its planned instant; then it is dropped
//! and counted. Nothing is ever sent in a burst to catch up.

pub(crate) mod rotation;

use std::cell::{Cell, RefCell};
use std::collections::VecDeque;
use std::future::poll_fn;
use std::pin::pin;
use std::rc::Rc;
use std::task::{Poll, Waker};
use std::time::Duration;

use shared::outcome::{Code, ConnectionEnd, DropReason, ErrorClass, Outcome};
use tokio::time::{Instant, sleep_until};

use crate::attempt::attempt;
use crate::context::{Due, Job, StreamContext};
use crate::driver::Driver;

/// Most slots of one stream that wait on one worker. At the default `max_lag` of one second this is 65 536 requests per
/// second without a single free lane; beyond it waiting has no prospect.
const WAITING_MAX: usize = 65_536;

/// A bound on requests in flight that the streams of one worker share. Who finds none free queues for the next one, once,
/// so that a busy stream cannot keep the others from ever having one.
pub(crate) struct Permits {
    most: Cell<u32>,
    taken: Cell<u32>,
    queue: RefCell<VecDeque<Rc<dyn Pump>>>,
}

/// A stream that waits for a permit.
pub(crate) trait Pump {
    /// There may be one now.
    fn pump_again(self: Rc<Self>);
}

impl Permits {
    pub(crate) fn new(most: u32) -> Rc<Permits> {
        Rc::new(Permits { most: Cell::new(most), taken: Cell::new(0), queue: RefCell::default() })
    }

    /// Another bound. What is taken beyond it is not given out again.
    pub(crate) fn resize(&self, most: u32) {
        self.most.set(most);
        self.hand_out();
    }

    fn are_free(&self) -> bool {
        self.taken.get() < self.most.get()
    }

    fn take(&self) -> bool {
        let is_free = self.are_free();
        self.taken.set(self.taken.get() + u32::from(is_free));
        is_free
    }

    fn give_back(&self) {
        self.taken.set(self.taken.get() - 1);
        self.hand_out();
    }

    fn hand_out(&self) {
        // Whoever is woken may have nothing to send any more: then it is the next one's. Who finds none free queues again, and
        // that ends the loop.
        while self.are_free() {
            let Some(first) = self.queue.borrow_mut().pop_front() else { return };
            first.pump_again();
        }
    }
}

/// The lanes of one stream on one worker.
pub(crate) struct Lanes<D: Driver> {
    pub(crate) context: StreamContext<D>,
    permits: Rc<Permits>,
    /// Most lanes.
    capacity: u32,
    /// Connections that are kept, each for one lane or for several; 0: a lane ends with its request.
    kept: u32,
    max_lag: Duration,
    opened: Cell<u32>,
    idle: RefCell<VecDeque<Rc<Seat>>>,
    waiting: RefCell<VecDeque<Due>>,
    /// Whether it stands in the queue for a permit.
    is_queued: Cell<bool>,
    /// Whether no more slots will come.
    is_retired: Cell<bool>,
}

/// Where an idle lane is handed its next slot.
#[derive(Default)]
struct Seat {
    next: Cell<Option<Job>>,
    waker: RefCell<Option<Waker>>,
    /// Whether there will be none.
    is_dismissed: Cell<bool>,
}

impl<D: Driver> Lanes<D> {
    pub(crate) fn new(
        context: StreamContext<D>,
        permits: Rc<Permits>,
        capacity: u32,
        kept: u32,
        max_lag: Duration,
    ) -> Rc<Lanes<D>> {
        Rc::new(Lanes {
            context,
            permits,
            capacity,
            kept,
            max_lag,
            opened: Cell::new(0),
            idle: RefCell::default(),
            waiting: RefCell::default(),
            is_queued: Cell::new(false),
            is_retired: Cell::new(false),
        })
    }

    /// Takes a due slot: it is on its way, waiting, or dropped when this returns.
    pub(crate) fn release(self: &Rc<Self>, due: Due) {
        if self.waiting.borrow().len() >= WAITING_MAX {
            self.context.drop_slot(DropReason::Limit, due.released - due.planned);
            return;
        }
        self.waiting.borrow_mut().push_back(due);
        self.pump();
    }

    /// No more slots will come: idle connections are closed now, the others when what is given to them is done.
    pub(crate) fn retire(&self) {
        self.is_retired.set(true);
        self.idle.borrow_mut().drain(..).for_each(|seat| seat.dismiss());
    }

    /// Hands waiting slots to free lanes, oldest first.
    fn pump(self: &Rc<Self>) {
        while !self.waiting.borrow().is_empty() && (self.can_open() || self.has_idle()) {
            if !self.permits.take() {
                if !self.is_queued.replace(true) {
                    self.permits.queue.borrow_mut().push_back(Rc::clone(self) as Rc<dyn Pump>);
                }
                return;
            }
            let due = self.waiting.borrow_mut().pop_front().expect("not empty, above");
            let job = Job { due, handed: Instant::now() };
            let is_filled = self.opened.get() >= self.kept;
            let idle = if is_filled { self.idle.borrow_mut().pop_front() } else { None };
            match idle {
                Some(seat) => seat.hand_over(job),
                None => {
                    self.opened.set(self.opened.get() + 1);
                    tokio::task::spawn_local(Rc::clone(self).lane(job));
                }
            }
        }
    }

    /// Drops what has waited too long; the instant at which the next one will have.
    pub(crate) fn expire(&self, now: Instant) -> Option<Instant> {
        let mut waiting = self.waiting.borrow_mut();
        while let Some(oldest) = waiting.front() {
            let expires = oldest.planned + self.max_lag;
            if expires > now {
                return Some(expires);
            }
            self.context.drop_slot(DropReason::Limit, oldest.released - oldest.planned);
            waiting.pop_front();
        }
        None
    }

    /// Gives up every slot that still waits: the run is over.
    pub(crate) fn interrupt_waiting(&self) {
        for _ in self.waiting.borrow_mut().drain(..) {
            self.context.interrupt_slot();
        }
    }

    fn has_idle(&self) -> bool {
        !self.idle.borrow().is_empty()
    }

    fn can_open(&self) -> bool {
        self.opened.get() < self.capacity
    }

    /// The life of a lane that keeps its connection: one request after another, idle in between, for as long as the worker
    /// lives. One that does not ends with the last request that waits for it.
    async fn lane(self: Rc<Self>, first: Job) {
        let guard = Guard(&self);
        let seat = Rc::new(Seat::default());
        let mut connection = None;
        let mut job = first;
        loop {
            renew(&mut connection);
            let seen = attempt(&self.context, &mut connection, job).await;
            self.settle(&mut connection, seen.finished.outcome);
            if self.kept == 0 || self.is_retired.get() {
                break;
            }
            self.idle.borrow_mut().push_back(Rc::clone(&seat));
            self.permits.give_back();
            self.pump();
            let Some(next) = self.next(&seat, &mut connection).await else {
                // Its permit was given back when it became idle.
                self.opened.set(self.opened.get() - 1);
                self.pump();
                return;
            };
            job = next;
        }
        drop(guard);
        self.opened.set(self.opened.get() - 1);
        self.permits.give_back();
        self.pump();
    }

    /// Lets go of a connection that is of no more use after a request with this outcome.
    fn settle(&self, connection: &mut Option<D>, outcome: Outcome<ErrorClass>) {
        let Some(held) = connection else { return };
        let end = match self.kept {
            0 if outcome.is_success() || outcome.code() != Code::NONE => ConnectionEnd::Request,
            0 => ConnectionEnd::Failed,
            _ if !held.is_reusable() && outcome.is_success() => ConnectionEnd::Request,
            _ if !held.is_reusable() => ConnectionEnd::Failed,
            _ if self.is_retired.get() => ConnectionEnd::Retargeted,
            _ => match held.open().retired() {
                Some(end) => end,
                None => return,
            },
        };
        held.open().ends(end);
        *connection = None;
    }

    /// Waits for the next slot, and meanwhile notices when the idle connection ends, or is old enough; nothing if none will
    /// come.
    async fn next(&self, seat: &Seat, connection: &mut Option<D>) -> Option<Job> {
        loop {
            let Some(held) = connection else { return seat.taken().await };
            let end = {
                let mut aged = pin!(until(held.open().retires_at()));
                let mut lost = pin!(held.lost());
                let next = poll_fn(|cx| match seat.poll_taken(cx.waker()) {
                    Poll::Ready(job) => Poll::Ready(Ok(job)),
                    Poll::Pending => match lost.as_mut().poll(cx) {
                        Poll::Ready(end) => Poll::Ready(Err(end)),
                        Poll::Pending => aged.as_mut().poll(cx).map(|()| Err(ConnectionEnd::MaxAge)),
                    },
                });
                match next.await {
                    Ok(Some(job)) => return Some(job),
                    Ok(None) => ConnectionEnd::Retargeted,
                    Err(end) => end,
                }
            };
            held.open().ends(end);
            *connection = None;
        }
    }
}

/// Takes the next request's place on a kept connection, or lets go of one that has none left: of age since it was last looked
/// at, or because other lanes on it were faster.
fn renew<D: Driver>(connection: &mut Option<D>) {
    if let Some(held) = connection
        && let Err(end) = held.open().take()
    {
        held.open().ends(end);
        *connection = None;
    }
}

/// That instant, or never.
async fn until(instant: Option<Instant>) {
    match instant {
        Some(instant) => sleep_until(instant).await,
        None => std::future::pending().await,
    }
}

impl<D: Driver> Pump for Lanes<D> {
    fn pump_again(self: Rc<Self>) {
        self.is_queued.set(false);
        self.pump();
    }
}

/// A panic in a driver costs one request and one connection, and not a place for ever.
struct Guard<'a, D: Driver>(&'a Rc<Lanes<D>>);

impl<D: Driver> Drop for Guard<'_, D> {
    fn drop(&mut self) {
        if std::thread::panicking() {
            self.0.context.panicked();
            self.0.opened.set(self.0.opened.get() - 1);
            self.0.permits.give_back();
        }
    }
}

impl Seat {
    fn hand_over(&self, job: Job) {
        self.next.set(Some(job));
        if let Some(waker) = self.waker.borrow_mut().take() {
            waker.wake();
        }
    }

    fn dismiss(&self) {
        self.is_dismissed.set(true);
        if let Some(waker) = self.waker.borrow_mut().take() {
            waker.wake();
        }
    }

    fn poll_taken(&self, waker: &Waker) -> Poll<Option<Job>> {
        if let Some(job) = self.next.take() {
            return Poll::Ready(Some(job));
        }
        if self.is_dismissed.get() {
            return Poll::Ready(None);
        }
        let mut held = self.waker.borrow_mut();
        if !held.as_ref().is_some_and(|held| held.will_wake(waker)) {
            *held = Some(waker.clone());
        }
        Poll::Pending
    }

    async fn taken(&self) -> Option<Job> {
        poll_fn(|cx| self.poll_taken(cx.waker())).await
    }
}

#[cfg(test)]
mod tests;
