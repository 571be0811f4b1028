//! The share of fault rules in the result of a run.

use serde::{Deserialize, Serialize};
use shared::account::OperationAccount as TargetAccount;
use shared::outcome::ErrorClass;

use crate::account::OperationAccount;

/// What fault rules of the target did to an operation. A client cannot tell a reset or a lost datagram of theirs from one of
/// the path, so only both accounts together say how many failures are theirs.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Rules {
    /// Requests that they had a hand in, as the target counts. Without its account: as the answers say.
    pub hits: u64,
    /// Of those, the ones whose answer said so.
    pub declared: u64,
    /// Failures of the injector's that they explain: those whose answer said so, and of the others that reached the target
    /// at most as many as were hit without saying so.
    pub failures: u64,
}

impl Rules {
    pub(super) fn new(client: &OperationAccount, server: Option<&TargetAccount>) -> Rules {
        let declared = client.by_rule;
        let hits = server.map_or(declared, |server| server.by_rule.max(declared));
        let is_sent = |class: &ErrorClass| !class.is_before_sending() && *class != ErrorClass::Internal;
        let sent: u64 = ErrorClass::ALL.iter().filter(|c| is_sent(c)).map(|class| client.failures[class.index()]).sum();
        let undeclared = (hits - declared).min(sent.saturating_sub(client.failed_by_rule));
        Rules { hits, declared, failures: client.failed_by_rule + undeclared }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn failures_are_the_rules_as_far_as_both_accounts_say_so() {
        // Declared, of those failed; failed without an answer, failed before the target saw anything; hits that it counted.
        let cases = [
            ("no rules", (0, 0, 3, 2), Some(0), (0, 0, 0)),
            ("declared and failed", (5, 5, 0, 0), Some(5), (5, 5, 5)),
            ("declared and passed: a delay", (5, 0, 0, 0), Some(5), (5, 5, 0)),
            ("resets, which no answer declares", (0, 0, 4, 0), Some(4), (4, 0, 4)),
            ("both, and failures of others", (5, 5, 9, 3), Some(9), (9, 5, 9)),
            ("hits that did not fail", (5, 5, 1, 3), Some(9), (9, 5, 6)),
            ("the target said nothing", (5, 5, 4, 0), None, (5, 5, 5)),
            ("another instance was asked", (5, 5, 4, 0), Some(2), (5, 5, 5)),
        ];
        for (case, (declared, failed, unanswered, unsent), told, (hits, said, failures)) in cases {
            let mut client = OperationAccount { by_rule: declared, failed_by_rule: failed, ..Default::default() };
            client.failures[ErrorClass::Status.index()] = failed;
            client.failures[ErrorClass::Reset.index()] = unanswered;
            client.failures[ErrorClass::ConnectRefused.index()] = unsent;
            let server = told.map(|by_rule| TargetAccount { by_rule, ..Default::default() });
            let expected = Rules { hits, declared: said, failures };
            assert_eq!(Rules::new(&client, server.as_ref()), expected, "{case}");
        }
    }
}
