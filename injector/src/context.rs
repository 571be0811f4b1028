//! What one operation on one worker counts, and the things that are passed along with a request: its slot and its
//! job.

use std::cell::Cell;
use std::net::IpAddr;
use std::sync::Arc;
use std::time::Duration;

use shared::identity::Session;
use shared::outcome::{Code, DropReason, ErrorClass, Outcome};
use shared::red::client::k6::{K6Series, Trail};
use tokio::time::Instant;

use crate::account::{AddressAccount, Finished, OperationAccount, Started};
use crate::compat;
use crate::counter::Counter;
use crate::driver::{Driver, Marks};
use crate::fate::{Lost, Unanswered};
use crate::names::Names;
use crate::rows::Prepared;
use crate::signature::Sign;

/// A slot that came due.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Due {
    /// Number within the stream.
    pub(crate) seq: u64,
    /// When it was meant to be sent.
    pub(crate) planned: Instant,
    /// When the schedule took it up.
    pub(crate) released: Instant,
}

/// A slot that a lane has been given.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Job {
    pub(crate) due: Due,
    /// When it was given to the lane, which may still have had to wait for its turn on the thread.
    pub(crate) handed: Instant,
}

/// What the lanes of a stream share.
pub(crate) struct StreamContext<D: Driver> {
    pub(crate) prepared: Prepared<D>,
    pub(crate) names: Names,
    pub(crate) session: Session,
    pub(crate) timeout: Duration,
    /// Whether its requests ask for a fault.
    pub(crate) injected: bool,
    pub(crate) counter: Counter,
    /// Where the same is counted in k6's words, if that is asked for.
    pub(crate) k6: Option<Arc<K6Series>>,
    /// Whether the same is wanted in the account.
    pub(crate) has_parts: bool,
    pub(crate) unanswered: Arc<Unanswered>,
    /// Slots taken up and without a result.
    pub(crate) in_flight: Cell<u64>,
    /// The classes of failure that have been explained once, a bit each.
    pub(crate) explained: Cell<u32>,
}

impl<D: Driver> StreamContext<D> {
    fn account(&self, change: impl FnOnce(&mut OperationAccount)) {
        self.counter.account(change);
    }

    /// One slot more (or less) is without a result.
    fn in_flight(&self, change: i64) {
        self.in_flight.set(self.in_flight.get().wrapping_add_signed(change));
    }

    /// A slot came due and was taken up.
    pub(crate) fn scheduled(&self) {
        self.in_flight(1);
        self.counter.series.scheduled();
        self.account(|account| {
            account.scheduled();
            self.at_address(account, None, |row| row.planned += 1);
        });
    }

    /// A slot's request begins now.
    pub(crate) fn started(&self, started: &Started) {
        self.counter.series.started(started.lag, started.wait);
        self.account(|account| account.started(started));
    }

    /// A slot that was taken up this late will not be started.
    pub(crate) fn drop_slot(&self, reason: DropReason, lag: Duration) {
        self.in_flight(-1);
        self.counter.series.dropped(reason, lag);
        self.account(|account| account.dropped(reason, lag));
    }

    /// A slot that still waited, or whose request is still under way, when the run was over.
    pub(crate) fn interrupt_slot(&self) {
        self.in_flight(-1);
        self.counter.series.interrupted();
        self.account(OperationAccount::interrupted);
    }

    /// The request reached an established connection, which leads there.
    pub(crate) fn sent(&self, address: Option<IpAddr>) {
        self.counter.series.sent();
        self.account(|account| {
            account.sent += 1;
            self.at_address(account, address, |row| row.sent += 1);
        });
        if address.is_some_and(|address| self.names.has_left(address)) {
            self.counter.departed_request();
        }
    }

    /// Where the requests to this address are counted, if they are counted by address.
    fn at_address(
        &self,
        account: &mut OperationAccount,
        address: Option<IpAddr>,
        count: impl FnOnce(&mut AddressAccount),
    ) {
        if let Some(address) = self.names.counted_at(address) {
            count(account.names.addresses.row(address));
        }
    }

    /// The request's times show a timer of the kernel.
    pub(crate) fn sign(&self, sign: Sign) {
        self.account(|account| account.signs[sign.index()] += 1);
    }

    /// A rule of the target of this name had a hand in the answer.
    pub(crate) fn by_rule(&self, name: &str) {
        self.account(|account| account.rules.count(name, 1));
    }

    /// It has its result, at this address as far as is known.
    pub(crate) fn finished(&self, finished: &Finished, address: Option<IpAddr>) {
        self.in_flight(-1);
        let &Finished { outcome, service, response, network, is_declared, .. } = finished;
        self.counter.series.finished(outcome, service, response, network, is_declared || self.injected);
        self.counter.series.bytes(finished.sent_bytes, finished.received_bytes);
        self.account(|account| {
            account.finished(finished);
            self.at_address(account, address, |row| row.finished(outcome));
        });
    }

    /// The same in k6's words, which tell other parts of the time apart.
    pub(crate) fn finished_for_k6(&self, finished: &Finished, due: &Due, marks: &Marks) {
        if self.k6.is_none() && !self.has_parts {
            return;
        }
        let trail = compat::trail(marks, due.released, due.planned + finished.response);
        if let Some(k6) = &self.k6 {
            if let Some(version) = marks.tls.get() {
                k6.secured(version);
            }
            k6.finished(finished.outcome, &trail);
        }
        if self.has_parts {
            let was_sent = marks.sending.get().is_some();
            self.account(|account| account.parts.record(finished.outcome.is_success(), was_sent, &trail));
        }
    }

    /// The request went out, and no complete answer came, or a wrong one.
    pub(crate) fn lost(&self, lost: Lost) {
        self.unanswered.remember(self.counter.operation, lost);
    }

    /// Keeps the first failure of each class in words; gives the words back if this is the first.
    pub(crate) fn explain(&self, class: ErrorClass, words: impl FnOnce() -> String) -> Option<String> {
        let bit = 1 << class.index();
        if self.explained.get() & bit != 0 {
            return None;
        }
        self.explained.set(self.explained.get() | bit);
        let words = words();
        self.account(|account| account.examples[class.index()] = Some(words.clone()));
        Some(words)
    }

    /// A driver panicked in mid-call: our own fault, and nothing is known of its times.
    pub(crate) fn panicked(&self) {
        let outcome = Outcome::Failure(Code::NONE, ErrorClass::Internal);
        if let Some(k6) = &self.k6 {
            k6.finished(outcome, &Trail::default());
        }
        let finished = Finished {
            outcome,
            response: Duration::ZERO,
            service: Duration::ZERO,
            server: None,
            network: None,
            backend: None,
            is_declared: false,
            by_rule: false,
            sent_bytes: 0,
            received_bytes: 0,
        };
        self.finished(&finished, None);
    }
}
