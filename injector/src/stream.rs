//! One operation on one worker: its slots, and where what becomes of them is counted.

use std::cell::Cell;
use std::rc::Rc;
use std::sync::Arc;
use std::time::Duration;

use shared::identity::Session;
use shared::outcome::{DropReason, ErrorClass};
use shared::red::client::ClientSeries;
use tokio::time::Instant;

use crate::account::{Finished, Ledger, OperationAccount};
use crate::driver::Driver;
use crate::lanes::{Due, Lanes};
use crate::names::Names;
use crate::schedule::Slots;

/// What the lanes of a stream share.
pub(crate) struct StreamContext<D: Driver> {
    pub(crate) prepared: D::Prepared,
    pub(crate) names: Rc<Names>,
    pub(crate) session: Session,
    pub(crate) timeout: Duration,
    pub(crate) series: Arc<ClientSeries>,
    /// The operation's place in the plan and in the ledger.
    pub(crate) operation: usize,
    pub(crate) ledger: Arc<Ledger>,
    /// Slots taken up and without a result.
    pub(crate) in_flight: Cell<u64>,
}

impl<D: Driver> StreamContext<D> {
    fn account(&self, change: impl FnOnce(&mut OperationAccount)) {
        self.ledger.update(self.operation, change);
    }

    /// One slot more (or less) is without a result.
    fn in_flight(&self, change: i64) {
        self.in_flight.set(self.in_flight.get().wrapping_add_signed(change));
    }

    fn scheduled(&self, lag: Duration) {
        self.in_flight(1);
        self.series.scheduled(lag);
        self.account(|account| account.scheduled(lag));
    }

    pub(crate) fn drop_slot(&self, reason: DropReason) {
        self.in_flight(-1);
        self.series.dropped(reason);
        self.account(|account| account.dropped(reason));
    }

    pub(crate) fn interrupt_slot(&self) {
        self.in_flight(-1);
        self.series.interrupted();
        self.account(OperationAccount::interrupted);
    }

    pub(crate) fn finished(&self, finished: &Finished) {
        self.in_flight(-1);
        self.series.finished(finished.outcome, finished.service, finished.response);
        self.series.bytes(finished.sent_bytes, finished.received_bytes);
        if finished.sent {
            self.series.sent();
        }
        if let Some(network) = finished.network {
            self.series.network(finished.outcome.is_success(), network);
        }
        self.account(|account| account.finished(finished));
    }

    pub(crate) fn connected(&self, result: Result<(), ErrorClass>) {
        self.series.connected(result);
        if result.is_ok() {
            self.account(|account| account.connections += 1);
        }
    }

    pub(crate) fn disconnected(&self) {
        self.series.disconnected();
    }

    pub(crate) fn lost_while_idle(&self) {
        self.series.lost_while_idle();
        self.series.disconnected();
        self.account(|account| account.connections_lost += 1);
    }
}

/// A stream without its driver's type, as the worker holds it.
pub(crate) trait Stream {
    /// Takes up everything due by `now` and planned before `end`, at most `most` slots; when the next one is due.
    fn release_due(&mut self, now: Instant, end: Option<Instant>, most: usize) -> Option<Instant>;
    /// Drops what waited too long and starts what can start; when the next one will have waited too long.
    fn sweep(&self, now: Instant) -> Option<Instant>;
    /// Slots taken up and without a result.
    fn in_flight(&self) -> u64;
    /// Gives up what still waits for a lane.
    fn interrupt_waiting(&self);
    /// Gives up everything without a result: the worker ends, and its connections with it.
    fn interrupt_rest(&self);
}

/// The schedule of a stream and its lanes.
pub(crate) struct Scheduled<D: Driver> {
    pub(crate) slots: Slots,
    pub(crate) t0: Instant,
    pub(crate) max_lag: Duration,
    pub(crate) lanes: Rc<Lanes<D>>,
}

impl<D: Driver> Stream for Scheduled<D> {
    fn release_due(&mut self, now: Instant, end: Option<Instant>, most: usize) -> Option<Instant> {
        for _ in 0..most {
            let slot = self.slots.peek()?;
            let planned = self.t0 + slot.due;
            if end.is_some_and(|end| planned >= end) {
                return None;
            }
            if planned > now {
                return Some(planned);
            }
            self.slots.next();
            let lag = now - planned;
            self.lanes.context.scheduled(lag);
            if lag > self.max_lag {
                self.lanes.context.drop_slot(DropReason::Late);
            } else {
                self.lanes.release(Due { seq: slot.seq, planned });
            }
        }
        Some(now)
    }

    fn sweep(&self, now: Instant) -> Option<Instant> {
        let expires = self.lanes.expire(now);
        if expires.is_some() {
            self.lanes.pump();
        }
        expires
    }

    fn in_flight(&self) -> u64 {
        self.lanes.context.in_flight.get()
    }

    fn interrupt_waiting(&self) {
        self.lanes.interrupt_waiting();
    }

    fn interrupt_rest(&self) {
        self.lanes.interrupt_waiting();
        for _ in 0..self.in_flight() {
            self.lanes.context.interrupt_slot();
        }
    }
}
