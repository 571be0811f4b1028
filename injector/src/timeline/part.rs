//! What one operation, or all of them, did in one point.

use shared::outcome::{DropReason, ErrorClass};

use super::sketch::{Scratch, Sketch};
use crate::account::OperationAccount;

/// Counts and durations of one point.
#[derive(Clone, Debug, Default)]
pub(super) struct Part {
    pub(super) planned: u64,
    pub(super) sent: u64,
    pub(super) success: u64,
    /// By [`ErrorClass::index`].
    pub(super) failures: [u64; ErrorClass::ALL.len()],
    /// By [`DropReason::index`].
    pub(super) dropped: [u64; DropReason::ALL.len()],
    pub(super) interrupted: u64,
    pub(super) by_rule: u64,
    /// The most at the end of any of its seconds.
    pub(super) in_flight: i64,
    pub(super) response: Sketch,
    pub(super) service: Sketch,
    pub(super) server: Sketch,
    pub(super) network: Sketch,
    pub(super) lag: Sketch,
}

impl Part {
    /// Of one interval, with how many were in flight at its end.
    pub(super) fn of(account: &OperationAccount, in_flight: i64) -> Part {
        Part {
            planned: account.planned,
            sent: account.sent,
            success: account.success,
            failures: account.failures,
            dropped: account.dropped,
            interrupted: account.interrupted,
            by_rule: account.by_rule,
            in_flight,
            response: Sketch::of(&account.response),
            service: Sketch::of(&account.service),
            server: Sketch::of(&account.server),
            network: Sketch::of(&account.network),
            lag: Sketch::of(&account.lag),
        }
    }

    /// Adds what followed.
    pub(super) fn merge(&mut self, next: &Part, scratch: &mut Scratch) {
        let counts = [
            (&mut self.planned, next.planned),
            (&mut self.sent, next.sent),
            (&mut self.success, next.success),
            (&mut self.interrupted, next.interrupted),
            (&mut self.by_rule, next.by_rule),
        ];
        let failures = self.failures.iter_mut().zip(next.failures);
        let dropped = self.dropped.iter_mut().zip(next.dropped);
        counts.into_iter().chain(failures).chain(dropped).for_each(|(mine, theirs)| *mine += theirs);
        self.in_flight = self.in_flight.max(next.in_flight);
        let sketches = [
            (&mut self.response, &next.response),
            (&mut self.service, &next.service),
            (&mut self.server, &next.server),
            (&mut self.network, &next.network),
            (&mut self.lag, &next.lag),
        ];
        sketches.into_iter().for_each(|(mine, theirs)| mine.merge(theirs, scratch));
    }

    /// Memory of its durations.
    pub(super) fn bytes(&self) -> usize {
        [&self.response, &self.service, &self.server, &self.network, &self.lag].map(Sketch::bytes).iter().sum()
    }
}
