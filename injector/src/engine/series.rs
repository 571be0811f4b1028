//! What is exported of every operation from its beginning.

use shared::outcome::Code;
use shared::red::Labels;
use shared::red::client::ClientOperation;

use crate::plan::{Operation, Plan};

/// What is known of every operation's series when it begins, by the plan's order.
pub(super) fn counted(plan: &Plan) -> Vec<ClientOperation> {
    let labels = |operation: &Operation| Labels {
        source: plan.source,
        protocol: operation.protocol(),
        operation: operation.name,
        injected: operation.injected,
    };
    let counted = plan.operations.iter().map(|operation| ClientOperation {
        labels: labels(operation),
        rate_per_s: operation.rate.per_second(),
        expected: expected_codes(operation),
    });
    counted.collect()
}

/// The codes a right answer may have. What leaves no answer counts as [`Code::NONE`].
fn expected_codes(operation: &Operation) -> Vec<Code> {
    let mut codes = operation.expected_codes();
    codes.push(Code::NONE);
    codes
}
