//! Whether a run may be believed, and how the process says so: the exit code and its reasons. Pure.

use std::time::Duration;

use shared::outcome::{DropReason, ErrorClass};

use crate::account::OperationAccount;

/// How the process ends; the numbers are k6's where k6 has one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Exit {
    /// The run is valid (and, once there are thresholds, they hold); or a continuous run was told to stop.
    Passed,
    /// The command line is wrong.
    Usage,
    /// The target cannot be reached at the start.
    Unreachable,
    /// The run says nothing about the path: no data, or the generator could not keep its plan.
    Invalid,
    /// The scenario is wrong.
    Scenario,
    /// A finite run was stopped before its end.
    Interrupted,
}

impl Exit {
    /// The process's exit code.
    pub const fn code(self) -> u8 {
        match self {
            Exit::Passed => 0,
            Exit::Usage => 2,
            Exit::Unreachable => 97,
            Exit::Invalid => 98,
            Exit::Scenario => 104,
            Exit::Interrupted => 105,
        }
    }

    /// One word for reports.
    pub const fn as_str(self) -> &'static str {
        match self {
            Exit::Passed => "passed",
            Exit::Usage => "usage",
            Exit::Unreachable => "unreachable",
            Exit::Invalid => "invalid",
            Exit::Scenario => "scenario",
            Exit::Interrupted => "interrupted",
        }
    }
}

/// Share of the plan that may stay unsent in a valid run.
const UNSENT_SHARE_MAX: f64 = 0.001;
/// Lateness of our own that a valid run may have at its 99th percentile. Lateness is part of the response time, so a
/// little of it is only noise there; this much would be the figure itself.
const LAG_P99_MAX: Duration = Duration::from_millis(100);

/// The verdict on all operations together. The reasons are sentences, most important first; a passed run has none.
pub fn verdict(total: &OperationAccount, interrupted: bool) -> (Exit, Vec<String>) {
    let mut reasons = Vec::new();
    if !total.adds_up() {
        reasons.push(format!(
            "the accounts do not add up ({} planned): a defect of the injector, please report it",
            total.planned
        ));
    }
    if total.planned == 0 {
        reasons.push("no request came due: the run is shorter than the time to the first one".to_owned());
    } else if total.answered() + total.success == 0 {
        reasons.push(format!("not one of {} requests was answered: no data never passes", total.planned));
    }
    let late = total.dropped[DropReason::Late.index()];
    let limit = total.dropped[DropReason::Limit.index()];
    if is_too_many(late, total.planned) {
        reasons.push(format!(
            "generator saturated: {late} of {} requests could not be released in time; lower the rate or give it more cores",
            total.planned
        ));
    }
    if is_too_many(limit, total.planned) {
        reasons.push(format!(
            "{limit} of {} requests found no free connection within max_lag: the target is too slow for this plan, or \
             connection and max_in_flight are too small for it",
            total.planned
        ));
    }
    let internal = total.failures[ErrorClass::Internal.index()];
    if is_too_many(internal, total.planned) {
        reasons.push(format!(
            "{internal} of {} requests failed inside the injector: descriptors, ports or memory",
            total.planned
        ));
    }
    if let Some(lag) = total.lag.quantile(0.99).filter(|lag| *lag > LAG_P99_MAX) {
        reasons.push(format!("generator saturated: it was {} ms late at the 99th percentile", lag.as_millis()));
    }
    let exit = match (interrupted, reasons.is_empty()) {
        (true, _) => Exit::Interrupted,
        (false, true) => Exit::Passed,
        (false, false) => Exit::Invalid,
    };
    (exit, reasons)
}

fn is_too_many(part: u64, whole: u64) -> bool {
    part as f64 > whole as f64 * UNSENT_SHARE_MAX
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::account::Finished;
    use shared::outcome::{Code, Outcome};

    fn account(
        planned: u64,
        outcomes: &[(Outcome<ErrorClass>, u64)],
        dropped: &[(DropReason, u64)],
    ) -> OperationAccount {
        let mut account = OperationAccount::default();
        for _ in 0..planned {
            account.scheduled(Duration::from_micros(60));
        }
        for (outcome, times) in outcomes {
            for _ in 0..*times {
                account.finished(&Finished {
                    outcome: *outcome,
                    sent: true,
                    response: Duration::from_millis(1),
                    service: Duration::from_millis(1),
                    server: None,
                    network: None,
                    sent_bytes: 0,
                    received_bytes: 0,
                });
            }
        }
        for (reason, times) in dropped {
            for _ in 0..*times {
                account.dropped(*reason);
            }
        }
        account
    }

    const OK: Outcome<ErrorClass> = Outcome::Success(Code(200));
    const TIMEOUT: Outcome<ErrorClass> = Outcome::Failure(Code::NONE, ErrorClass::Timeout);
    const INTERNAL: Outcome<ErrorClass> = Outcome::Failure(Code::NONE, ErrorClass::Internal);

    #[test]
    fn a_run_is_believed_only_with_data_and_only_if_it_kept_its_plan() {
        let cases = [
            ("all well", account(1000, &[(OK, 1000)], &[]), Exit::Passed, None),
            ("failures are data", account(1000, &[(OK, 1), (TIMEOUT, 999)], &[]), Exit::Passed, None),
            ("nothing planned", account(0, &[], &[]), Exit::Invalid, Some("no request came due")),
            ("nothing answered", account(10, &[(TIMEOUT, 10)], &[]), Exit::Invalid, Some("not one of 10")),
            ("late", account(1000, &[(OK, 998)], &[(DropReason::Late, 2)]), Exit::Invalid, Some("generator saturated")),
            ("one in 1000 may be", account(1000, &[(OK, 999)], &[(DropReason::Late, 1)]), Exit::Passed, None),
            ("limit", account(100, &[(OK, 90)], &[(DropReason::Limit, 10)]), Exit::Invalid, Some("no free connection")),
            ("our fault", account(100, &[(OK, 90), (INTERNAL, 10)], &[]), Exit::Invalid, Some("inside the injector")),
        ];
        for (case, account, exit, reason) in cases {
            let (got, reasons) = verdict(&account, false);
            assert_eq!(got, exit, "{case}: {reasons:?}");
            match reason {
                Some(words) => assert!(reasons[0].contains(words), "{case}: {reasons:?}"),
                None => assert!(reasons.is_empty(), "{case}: {reasons:?}"),
            }
        }
    }

    #[test]
    fn an_interrupted_run_says_so_whatever_else_is_true() {
        assert_eq!(verdict(&account(10, &[(OK, 10)], &[]), true).0, Exit::Interrupted);
        assert_eq!(verdict(&account(0, &[], &[]), true).0, Exit::Interrupted);
    }

    #[test]
    fn accounts_that_do_not_add_up_are_a_reason_of_their_own() {
        let broken = OperationAccount { success: 7, ..account(10, &[(OK, 10)], &[]) };
        let (exit, reasons) = verdict(&broken, false);
        assert_eq!(exit, Exit::Invalid);
        assert!(reasons[0].contains("do not add up"));
    }
}
