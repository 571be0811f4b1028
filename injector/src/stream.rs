//! One operation on one worker: its slots, and where what becomes of them is counted.

use std::cell::Cell;
use std::rc::Rc;
use std::sync::Arc;
use std::time::Duration;

use shared::identity::Session;
use shared::outcome::{Code, DropReason, ErrorClass, Outcome};
use shared::red::client::ClientSeries;
use tokio::time::Instant;

use crate::account::{Finished, Ledger, OperationAccount, Started};
use crate::attempt::Connection;
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
    /// The classes of failure that have been explained once, a bit each.
    pub(crate) explained: Cell<u32>,
}

impl<D: Driver> StreamContext<D> {
    fn account(&self, change: impl FnOnce(&mut OperationAccount)) {
        self.ledger.update(self.operation, change);
    }

    /// One slot more (or less) is without a result.
    fn in_flight(&self, change: i64) {
        self.in_flight.set(self.in_flight.get().wrapping_add_signed(change));
    }

    fn scheduled(&self) {
        self.in_flight(1);
        self.series.scheduled();
        self.account(OperationAccount::scheduled);
    }

    /// A slot's request begins now.
    pub(crate) fn started(&self, started: &Started) {
        self.series.started(started.lag, started.wait);
        self.account(|account| account.started(started));
    }

    /// A slot that was taken up this late will not be started.
    pub(crate) fn drop_slot(&self, reason: DropReason, lag: Duration) {
        self.in_flight(-1);
        self.series.dropped(reason, lag);
        self.account(|account| account.dropped(reason, lag));
    }

    /// A slot that still waited, or whose request is still under way, when the run was over.
    pub(crate) fn interrupt_slot(&self) {
        self.in_flight(-1);
        self.series.interrupted();
        self.account(OperationAccount::interrupted);
    }

    /// The request reached an established connection.
    pub(crate) fn sent(&self) {
        self.series.sent();
        self.account(|account| account.sent += 1);
    }

    pub(crate) fn finished(&self, finished: &Finished) {
        self.in_flight(-1);
        self.series.finished(finished.outcome, finished.service, finished.response);
        self.series.bytes(finished.sent_bytes, finished.received_bytes);
        if let Some(network) = finished.network {
            self.series.network(finished.outcome.is_success(), network);
        }
        self.account(|account| account.finished(finished));
    }

    /// Keeps the first failure of each class in words.
    pub(crate) fn explain(&self, class: ErrorClass, words: impl FnOnce() -> String) {
        let bit = 1 << class.index();
        if self.explained.get() & bit == 0 {
            self.explained.set(self.explained.get() | bit);
            let words = words();
            self.account(|account| account.examples[class.index()] = Some(words));
        }
    }

    /// A driver panicked in mid-call: our own fault, and nothing is known of its times.
    pub(crate) fn panicked(&self) {
        self.finished(&Finished {
            outcome: Outcome::Failure(Code::NONE, ErrorClass::Internal),
            response: Duration::ZERO,
            service: Duration::ZERO,
            server: None,
            network: None,
            sent_bytes: 0,
            received_bytes: 0,
        });
    }

    pub(crate) fn opened(&self, driver: D) -> Connection<D> {
        self.series.connected(Ok(()));
        self.account(|account| account.connections += 1);
        Connection::new(driver, Arc::clone(&self.series))
    }

    pub(crate) fn not_opened(&self, class: ErrorClass) {
        self.series.connected(Err(class));
    }

    pub(crate) fn lost_while_idle(&self) {
        self.series.lost_while_idle();
        self.account(|account| account.connections_lost += 1);
    }
}

/// A stream without its driver's type, as the worker holds it.
pub(crate) trait Stream {
    /// Takes up everything due by `now` and planned before `end`, at most `most` slots; when the next one is due.
    fn release_due(&mut self, now: Instant, end: Option<Instant>, most: usize) -> Option<Instant>;
    /// Drops what waited too long; when the next one will have.
    fn sweep(&self, now: Instant) -> Option<Instant>;
    /// Slots taken up and without a result.
    fn in_flight(&self) -> u64;
    /// Gives up what still waits for a lane.
    fn interrupt_waiting(&self);
    /// Gives up everything without a result: the worker ends, and its connections with it.
    fn interrupt_rest(&self);
}

/// How late the schedule itself may take a slot up, however patient `max_lag` is: after a pause of the whole machine, what
/// should have been sent meanwhile is skipped and not sent in a flood.
const STALL_MAX: Duration = Duration::from_secs(1);

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
            // Beyond what the clock can say is beyond any end.
            let planned = self.t0.checked_add(slot.due)?;
            if end.is_some_and(|end| planned >= end) {
                return None;
            }
            if planned > now {
                return Some(planned);
            }
            self.slots.next();
            let lag = now - planned;
            self.lanes.context.scheduled();
            if lag > self.max_lag.min(STALL_MAX) {
                self.lanes.context.drop_slot(DropReason::Late, lag);
            } else {
                self.lanes.release(Due { seq: slot.seq, planned, released: now });
            }
        }
        Some(now)
    }

    fn sweep(&self, now: Instant) -> Option<Instant> {
        self.lanes.expire(now)
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
