//! Effects that take the target's time or resources, the same on every protocol.

use std::time::Duration;

use tokio::time::timeout;

use crate::faults::{Decision, Faults};
use crate::record::Call;

/// `mem`, then `cpu`.
pub(crate) async fn stress(decision: &mut Decision, call: &mut Call, faults: &Faults) {
    if decision.memory.is_none() && decision.verdict.cpu.is_zero() {
        return;
    }
    call.asked_begins();
    if let Some(memory) = decision.memory.take() {
        decision.memory = memory.touch().await;
    }
    if !decision.verdict.cpu.is_zero() {
        // Many may wait for the few cores that may be burnt; no longer than any answer may take in all.
        let _ = timeout(faults.limits().total_delay_max, faults.stress().burn(decision.verdict.cpu)).await;
    }
    call.asked_ends();
}

/// A delay that was asked for. A timer of no length would still cost a tick.
pub(crate) async fn wait(call: &mut Call, delay: Duration) {
    if !delay.is_zero() {
        call.asked_begins();
        tokio::time::sleep(delay).await;
        call.asked_ends();
    }
}
