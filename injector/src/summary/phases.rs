//! The phases of a run, as data.

use serde::Serialize;

use super::Side;
use crate::account::OperationAccount;
use crate::plan::Plan;

/// What came of one phase.
#[derive(Debug, Serialize)]
pub struct Phase {
    /// Its name.
    pub name: String,
    /// All operations together. What was planned in the phase is counted in it; a request that was under way at its end has
    /// its result in the next one, so that `in_flight` may be negative.
    pub client: Side,
}

impl Phase {
    /// Of a plan with more than one.
    pub(super) fn list(plan: &Plan, accounts: &[OperationAccount]) -> Vec<Phase> {
        let phases = plan.phases.iter().zip(accounts).filter(|_| plan.phases.len() > 1);
        phases.map(|(phase, account)| Phase { name: phase.name.to_string(), client: Side::from(account) }).collect()
    }
}
