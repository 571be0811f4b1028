//! What the leader has gathered of a run.

use std::sync::Arc;

use shared::red::client::ClientRed;
use tokio::time::Instant;

use crate::account::{Ledger, NameAccount, OperationAccount, Recent};
use crate::cast::Cast;
use crate::plan::Plan;

/// What the leader has taken from the workers' ledgers. Its memory is reused from second to second: a run of months must
/// not depend on how well an allocator copes with a megabyte taken and given back every second.
pub(super) struct Gathered {
    pub(super) by_operation: Vec<OperationAccount>,
    pub(super) interval: OperationAccount,
    pub(super) total: Vec<OperationAccount>,
    pub(super) phases: Vec<OperationAccount>,
    recent: Vec<Recent>,
}

impl Gathered {
    pub(super) fn new(plan: &Plan) -> Gathered {
        let phases = vec![OperationAccount::default(); plan.phases.len()];
        let interval = OperationAccount::default();
        let mut gathered =
            Gathered { by_operation: Vec::new(), interval, total: Vec::new(), phases, recent: Vec::new() };
        gathered.grow(plan.operations.len());
        gathered
    }

    /// Room for so many operations.
    pub(super) fn grow(&mut self, operations: usize) {
        self.by_operation.resize_with(operations, OperationAccount::default);
        self.recent.resize_with(operations, Recent::default);
        self.total.resize_with(operations, || OperationAccount {
            names: NameAccount::of_run(),
            ..OperationAccount::default()
        });
    }

    /// Takes what every worker has counted since the last time.
    pub(super) fn take(&mut self, ledgers: &[Arc<Ledger>]) {
        self.by_operation.iter_mut().for_each(OperationAccount::clear);
        self.interval.clear();
        ledgers.iter().for_each(|ledger| ledger.take_by_phase(&mut self.by_operation, &mut self.phases));
        for (sum, part) in self.total.iter_mut().zip(&self.by_operation) {
            sum.merge(part);
            self.interval.merge(part);
        }
    }

    /// Says how many servers answered of late.
    pub(super) fn backends(&mut self, red: &ClientRed, now: Instant) {
        for (operation, (recent, counted)) in self.recent.iter_mut().zip(&self.by_operation).enumerate() {
            red.backends_seen(operation, recent.note(&counted.by_backend, now));
        }
    }

    /// Whether every operation that has not left has an end and has come to it.
    pub(super) fn is_all_planned(&self, cast: &Cast) -> bool {
        let mut roles = cast.roles.iter().zip(&self.total).filter(|(role, _)| !role.is_left);
        roles.all(|(role, total)| role.operation.count().is_some_and(|count| total.planned >= count))
    }
}
