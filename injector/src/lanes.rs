//! The places where one stream's requests are in flight on one worker.
//!
//! A lane is a task that holds at most one connection and carries one request at a time. `pooled(n)` has n lanes that keep
//! their connection; `fresh` has as many as may be in flight, and each drops its connection after every request. Idle
//! lanes are used in turn, least recently used first, so that every connection is exercised.
//!
//! A released slot waits in order until a lane is free, at most `max_lag` after its planned instant; then it is dropped
//! and counted. Nothing is ever sent in a burst to catch up.

use std::cell::{Cell, RefCell};
use std::collections::VecDeque;
use std::future::poll_fn;
use std::pin::pin;
use std::rc::Rc;
use std::task::{Poll, Waker};
use std::time::Duration;

use shared::identity::RequestId;
use shared::outcome::DropReason;
use tokio::time::Instant;

use crate::attempt::attempt;
use crate::driver::Driver;
use crate::stream::StreamContext;

/// Most slots of one stream that wait on one worker. At the default `max_lag` of one second this is 65 536 requests per
/// second without a single free lane; beyond it waiting has no prospect.
const WAITING_MAX: usize = 65_536;

/// A slot that came due.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Due {
    /// Number within the stream.
    pub(crate) seq: u64,
    /// When it was meant to be sent.
    pub(crate) planned: Instant,
}

/// A bound on requests in flight that several streams share, on one worker.
#[derive(Debug)]
pub(crate) struct Permits {
    free: Cell<u32>,
}

impl Permits {
    pub(crate) fn new(most: u32) -> Rc<Permits> {
        Rc::new(Permits { free: Cell::new(most) })
    }

    fn take(&self) -> bool {
        let free = self.free.get();
        self.free.set(free.saturating_sub(1));
        free > 0
    }

    fn give_back(&self) {
        self.free.set(self.free.get() + 1);
    }
}

/// The lanes of one stream on one worker.
pub(crate) struct Lanes<D: Driver> {
    pub(crate) context: StreamContext<D>,
    permits: Rc<Permits>,
    /// Most lanes.
    capacity: u32,
    /// Whether a lane keeps its connection for the next request.
    keeps_connections: bool,
    max_lag: Duration,
    opened: Cell<u32>,
    idle: RefCell<VecDeque<Rc<Seat>>>,
    waiting: RefCell<VecDeque<Due>>,
}

/// Where an idle lane is handed its next slot.
#[derive(Default)]
struct Seat {
    next: Cell<Option<Due>>,
    waker: RefCell<Option<Waker>>,
}

impl<D: Driver> Lanes<D> {
    pub(crate) fn new(
        context: StreamContext<D>,
        permits: Rc<Permits>,
        capacity: u32,
        keeps_connections: bool,
        max_lag: Duration,
    ) -> Rc<Lanes<D>> {
        Rc::new(Lanes {
            context,
            permits,
            capacity,
            keeps_connections,
            max_lag,
            opened: Cell::new(0),
            idle: RefCell::default(),
            waiting: RefCell::default(),
        })
    }

    /// Takes a due slot: it is on its way, waiting, or dropped when this returns.
    pub(crate) fn release(self: &Rc<Self>, due: Due) {
        if self.waiting.borrow().len() >= WAITING_MAX {
            self.context.drop_slot(DropReason::Limit);
            return;
        }
        self.waiting.borrow_mut().push_back(due);
        self.pump();
    }

    /// Hands waiting slots to free lanes, oldest first.
    pub(crate) fn pump(self: &Rc<Self>) {
        loop {
            if self.waiting.borrow().is_empty() || !(self.can_open() || self.has_idle()) || !self.permits.take() {
                return;
            }
            let Some(due) = self.waiting.borrow_mut().pop_front() else { return };
            let idle = self.idle.borrow_mut().pop_front();
            match idle {
                Some(seat) => seat.hand_over(due),
                None => {
                    self.opened.set(self.opened.get() + 1);
                    tokio::task::spawn_local(Rc::clone(self).lane(due));
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
            waiting.pop_front();
            self.context.drop_slot(DropReason::Limit);
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

    /// The life of a lane: one request after another, idle in between, for as long as the worker lives.
    async fn lane(self: Rc<Self>, first: Due) {
        let seat = Rc::new(Seat::default());
        let mut connection: Option<D> = None;
        let mut due = first;
        loop {
            let id = RequestId { session: self.context.session, seq: due.seq };
            attempt(&self.context, &mut connection, id, due.planned).await;
            if connection.as_ref().is_some_and(|held| !self.keeps_connections || !held.is_reusable()) {
                connection = None;
                self.context.disconnected();
            }
            self.permits.give_back();
            self.idle.borrow_mut().push_back(Rc::clone(&seat));
            self.pump();
            due = self.next(&seat, &mut connection).await;
        }
    }

    /// Waits for the next slot, and meanwhile notices when the peer ends the idle connection.
    async fn next(&self, seat: &Seat, connection: &mut Option<D>) -> Due {
        loop {
            let Some(held) = connection else { return seat.taken().await };
            {
                let mut lost = pin!(held.lost());
                let next = poll_fn(|cx| match seat.poll_taken(cx.waker()) {
                    Poll::Ready(due) => Poll::Ready(Some(due)),
                    Poll::Pending => lost.as_mut().poll(cx).map(|()| None),
                });
                if let Some(due) = next.await {
                    return due;
                }
            }
            *connection = None;
            self.context.lost_while_idle();
        }
    }
}

impl Seat {
    fn hand_over(&self, due: Due) {
        self.next.set(Some(due));
        if let Some(waker) = self.waker.borrow_mut().take() {
            waker.wake();
        }
    }

    fn poll_taken(&self, waker: &Waker) -> Poll<Due> {
        if let Some(due) = self.next.take() {
            return Poll::Ready(due);
        }
        let mut held = self.waker.borrow_mut();
        if !held.as_ref().is_some_and(|held| held.will_wake(waker)) {
            *held = Some(waker.clone());
        }
        Poll::Pending
    }

    async fn taken(&self) -> Due {
        poll_fn(|cx| self.poll_taken(cx.waker())).await
    }
}
