//! Whether a run may be believed, and how the process says so: the exit code and its reasons. Pure.

use std::time::Duration;

use shared::outcome::{DropReason, ErrorClass};
use shared::units::counted;

use crate::account::OperationAccount;

/// How the process ends; the numbers are k6's where k6 has one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Exit {
    /// The run is valid and its thresholds hold; or a continuous run was told to stop while they held.
    Passed,
    /// A probe's call was not what it should be.
    Failed,
    /// The command line is wrong.
    Usage,
    /// The target cannot be reached at the start.
    Unreachable,
    /// The run says nothing about the path: no data, or the generator could not keep its plan.
    Invalid,
    /// A threshold does not hold, and the run can tell.
    Thresholds,
    /// The scenario is wrong.
    Scenario,
    /// A finite run was stopped before its end.
    Interrupted,
    /// A result is worse than the one that it was compared with.
    Regressed,
}

impl Exit {
    /// The process's exit code.
    pub const fn code(self) -> u8 {
        match self {
            Exit::Passed => 0,
            Exit::Failed => 1,
            Exit::Usage => 2,
            Exit::Unreachable => 97,
            Exit::Invalid => 98,
            Exit::Regressed => 99,
            Exit::Thresholds => 99,
            Exit::Scenario => 104,
            Exit::Interrupted => 105,
        }
    }

    /// One word for reports.
    pub const fn as_str(self) -> &'static str {
        match self {
            Exit::Passed => "passed",
            Exit::Failed => "failed",
            Exit::Usage => "usage",
            Exit::Unreachable => "unreachable",
            Exit::Invalid => "invalid",
            Exit::Thresholds => "thresholds",
            Exit::Scenario => "scenario",
            Exit::Interrupted => "interrupted",
            Exit::Regressed => "regressed",
        }
    }
}

/// Share of an operation's plan that the injector itself may spoil, in any way, in a valid run.
pub(crate) const SPOILT_SHARE_MAX: f64 = 0.001;
/// Lateness of our own that a valid run may have at its 99th percentile. Lateness is part of the response time, so a
/// little of it is only noise there; this much would be the figure itself.
pub(crate) const LAG_P99_MAX: Duration = Duration::from_millis(250);

/// How a run ended.
#[derive(Clone, Copy, Debug, Default)]
pub struct Ended<'a> {
    /// It had no planned length.
    pub is_continuous: bool,
    /// It was told to stop before its planned length.
    pub is_interrupted: bool,
    /// Requests by which the two sides differ for no known reason; 0 also if it cannot be known.
    pub unexplained: u64,
    /// Why the two sides, or some of them, were not set against each other; nothing if they were.
    pub not_compared: Option<&'a str>,
    /// Why it was ended before everything was planned, if nobody asked for that.
    pub cut_short: Option<&'a str>,
    /// Thresholds that do not hold, each in words.
    pub crossed: &'a [String],
    /// One of them ended it.
    pub is_aborted: bool,
    /// That the generator was at its own end; nothing if it was not.
    pub saturation: Option<&'a str>,
    /// What ended it against everybody's will.
    pub error: Option<&'a str>,
}

/// The verdict on a run, from the account of each operation and of all together. The reasons are sentences, most important
/// first; a continuous run that was told to stop passes all the same, and they say what it was like.
pub fn verdict(
    operations: &[(&str, &OperationAccount)],
    total: &OperationAccount,
    ended: Ended<'_>,
) -> (Exit, Vec<String>) {
    let mut reasons: Vec<String> =
        ended.error.map(|error| format!("a worker ended early: {error}")).into_iter().collect();
    reasons.extend(ended.cut_short.map(str::to_owned));
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
    if ended.unexplained > 0 {
        reasons.push(format!(
            "the accounts of both sides differ by {} for no known reason: something on the path answers or repeats \
             requests unseen, or it is a defect",
            counted(ended.unexplained, "request")
        ));
    }
    for (name, account) in operations {
        reasons.extend(spoilt(name, account));
    }
    if let Some(lag) = total.lag.quantile(0.99).filter(|lag| *lag > LAG_P99_MAX) {
        reasons.push(format!("generator saturated: it was {} ms late at the 99th percentile", lag.as_millis()));
    }
    reasons.extend(ended.saturation.map(str::to_owned));
    let exit = match ended {
        Ended { error: Some(_), .. } | Ended { cut_short: Some(_), .. } => Exit::Invalid,
        Ended { is_interrupted: true, is_aborted: false, .. } => Exit::Interrupted,
        Ended { crossed: [_, ..], .. } if is_own_fault(operations, total) => Exit::Invalid,
        Ended { crossed: [_, ..], .. } => Exit::Thresholds,
        Ended { is_continuous: true, .. } => Exit::Passed,
        _ if reasons.is_empty() => Exit::Passed,
        _ => Exit::Invalid,
    };
    let crossed = ended.crossed.iter().map(|words| format!("threshold crossed: {words}"));
    match exit {
        Exit::Thresholds => drop(reasons.splice(0..0, crossed)),
        _ => reasons.extend(crossed),
    }
    // No reason not to believe in what this side saw, so it comes last and changes nothing.
    reasons.extend(ended.not_compared.map(|why| format!("the two sides were not compared: {why}")));
    (exit, reasons)
}

/// Whether the injector did not do what was planned: then nothing can be said of the path, and neither whether a threshold
/// holds. Everything else that spoils a run is the path's or the target's doing, or may be: of that a threshold that does not
/// hold says more than that the run is not valid.
fn is_own_fault(operations: &[(&str, &OperationAccount)], total: &OperationAccount) -> bool {
    let is_spoilt = |(_, account): &(&str, &OperationAccount)| {
        let own = account.dropped[DropReason::Late.index()] + account.failures[ErrorClass::Internal.index()];
        own as f64 > account.planned as f64 * SPOILT_SHARE_MAX
    };
    let is_late = total.lag.quantile(0.99).is_some_and(|lag| lag > LAG_P99_MAX);
    total.planned == 0 || !total.adds_up() || is_late || operations.iter().any(is_spoilt)
}

/// What the injector, or a bound of the plan, spoilt of one operation, if it was too much.
fn spoilt(name: &str, account: &OperationAccount) -> Option<String> {
    let late = account.dropped[DropReason::Late.index()];
    let limit = account.dropped[DropReason::Limit.index()];
    let internal = account.failures[ErrorClass::Internal.index()];
    if (late + limit + internal) as f64 <= account.planned as f64 * SPOILT_SHARE_MAX {
        return None;
    }
    let mut parts = Vec::new();
    if late > 0 {
        parts.push(format!(
            "{late} could not be released in time (generator saturated: lower the rate, or give it more cores)"
        ));
    }
    if limit > 0 {
        parts.push(format!(
            "{limit} found no free connection within max_lag ({}; the path or the target is too slow for this plan, or \
             connection or max_in_flight too small for it)",
            busy(account)
        ));
    }
    if internal > 0 {
        parts.push(format!("{internal} failed inside the injector (descriptors, ports or memory)"));
    }
    Some(format!("{name}: of {} requests, {}", account.planned, parts.join("; ")))
}

/// What the connections were busy with, as far as failures tell.
fn busy(account: &OperationAccount) -> String {
    let worst = ErrorClass::ALL.into_iter().max_by_key(|class| account.failures[class.index()]);
    let Some((class, count)) = worst.map(|class| (class, account.failures[class.index()])).filter(|(_, n)| *n > 0)
    else {
        return "all were busy, and no request failed".to_owned();
    };
    let with = match class {
        ErrorClass::DnsNxdomain | ErrorClass::DnsTimeout | ErrorClass::DnsServfail | ErrorClass::DnsOther => {
            "in looking up the name"
        }
        ErrorClass::ConnectRefused | ErrorClass::ConnectTimeout | ErrorClass::ConnectUnreachable => "in connecting",
        ErrorClass::Tls => "in TLS handshakes",
        _ => "behind the connect",
    };
    format!("all were busy, and most failures were {with}: {} {count}", class.as_str())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::account::{Finished, Started};
    use shared::outcome::{Code, Outcome};

    fn account(
        planned: u64,
        outcomes: &[(Outcome<ErrorClass>, u64)],
        dropped: &[(DropReason, u64)],
    ) -> OperationAccount {
        let mut account = OperationAccount::default();
        for _ in 0..planned {
            account.scheduled();
            account.started(&Started { lag: Duration::from_micros(60), wait: Duration::ZERO });
        }
        for (outcome, times) in outcomes {
            for _ in 0..*times {
                account.finished(&Finished {
                    outcome: *outcome,
                    response: Duration::from_millis(1),
                    service: Duration::from_millis(1),
                    server: None,
                    network: None,
                    backend: None,
                    is_declared: false,
                    by_rule: false,
                    sent_bytes: 0,
                    received_bytes: 0,
                });
            }
        }
        for (reason, times) in dropped {
            for _ in 0..*times {
                account.dropped(*reason, Duration::ZERO);
            }
        }
        account
    }

    fn judged(account: &OperationAccount, ended: Ended<'_>) -> (Exit, Vec<String>) {
        verdict(&[("op", account)], account, ended)
    }

    const OK: Outcome<ErrorClass> = Outcome::Success(Code::Http(200));
    const TIMEOUT: Outcome<ErrorClass> = Outcome::Failure(Code::NONE, ErrorClass::Timeout);
    const INTERNAL: Outcome<ErrorClass> = Outcome::Failure(Code::NONE, ErrorClass::Internal);
    const FINITE: Ended<'static> = Ended {
        is_continuous: false,
        is_interrupted: false,
        unexplained: 0,
        not_compared: None,
        cut_short: None,
        crossed: &[],
        is_aborted: false,
        saturation: None,
        error: None,
    };

    #[test]
    fn a_run_is_believed_only_with_data_and_only_if_it_kept_its_plan() {
        let cases = [
            ("all well", account(1000, &[(OK, 1000)], &[]), Exit::Passed, None),
            ("failures are data", account(1000, &[(OK, 1), (TIMEOUT, 999)], &[]), Exit::Passed, None),
            ("nothing planned", account(0, &[], &[]), Exit::Invalid, Some("no request came due")),
            ("nothing answered", account(10, &[(TIMEOUT, 10)], &[]), Exit::Invalid, Some("not one of 10")),
            ("late", account(1000, &[(OK, 998)], &[(DropReason::Late, 2)]), Exit::Invalid, Some("released in time")),
            ("one in 1000 may be", account(1000, &[(OK, 999)], &[(DropReason::Late, 1)]), Exit::Passed, None),
            ("limit", account(100, &[(OK, 90)], &[(DropReason::Limit, 10)]), Exit::Invalid, Some("no free connection")),
            ("our fault", account(100, &[(OK, 90), (INTERNAL, 10)], &[]), Exit::Invalid, Some("inside the injector")),
            (
                "two halves make a whole",
                account(1000, &[(OK, 998), (INTERNAL, 1)], &[(DropReason::Late, 1)]),
                Exit::Invalid,
                Some("op: of 1000"),
            ),
        ];
        for (case, account, exit, reason) in cases {
            let (got, reasons) = judged(&account, FINITE);
            assert_eq!(got, exit, "{case}: {reasons:?}");
            match reason {
                Some(words) => assert!(reasons[0].contains(words), "{case}: {reasons:?}"),
                None => assert!(reasons.is_empty(), "{case}: {reasons:?}"),
            }
        }
    }

    #[test]
    fn who_was_busy_is_said_and_nobody_blamed() {
        for (class, words) in [
            (
                ErrorClass::DnsTimeout,
                "(all were busy, and most failures were in looking up the name: dns_timeout 60; the path or",
            ),
            (ErrorClass::ConnectTimeout, "most failures were in connecting: connect_timeout 60;"),
            (ErrorClass::Timeout, "most failures were behind the connect: timeout 60;"),
        ] {
            let failures = [(OK, 10), (Outcome::Failure(Code::NONE, class), 60), (INTERNAL, 5)];
            let (_, reasons) = judged(&account(100, &failures, &[(DropReason::Limit, 25)]), FINITE);
            assert!(reasons[0].contains(words), "{reasons:?}");
        }
        let (_, reasons) = judged(&account(100, &[(OK, 75)], &[(DropReason::Limit, 25)]), FINITE);
        assert!(reasons[0].contains("(all were busy, and no request failed;"), "{reasons:?}");
    }

    #[test]
    fn a_small_operation_is_not_hidden_by_a_large_one() {
        let large = account(100_000, &[(OK, 100_000)], &[]);
        let small = account(50, &[], &[(DropReason::Limit, 50)]);
        let mut total = large.clone();
        total.merge(&small);
        let (exit, reasons) = verdict(&[("large", &large), ("small", &small)], &total, FINITE);
        assert_eq!(exit, Exit::Invalid);
        assert!(reasons.len() == 1 && reasons[0].starts_with("small: of 50"), "{reasons:?}");
    }

    #[test]
    fn how_it_ended_comes_first() {
        let interrupted = Ended { is_interrupted: true, ..FINITE };
        assert_eq!(judged(&account(10, &[(OK, 10)], &[]), interrupted).0, Exit::Interrupted);
        assert_eq!(judged(&account(0, &[], &[]), interrupted).0, Exit::Interrupted);
        let continuous = Ended { is_continuous: true, ..FINITE };
        let (exit, reasons) = judged(&account(100, &[(OK, 90)], &[(DropReason::Limit, 10)]), continuous);
        assert_eq!((exit, reasons.len()), (Exit::Passed, 1), "told to stop, and still told what it was like");
        let cut_short = Ended { cut_short: Some("the gate stayed shut"), ..interrupted };
        let (exit, reasons) = judged(&account(10, &[(OK, 10)], &[]), cut_short);
        assert_eq!((exit, &reasons[..]), (Exit::Invalid, &["the gate stayed shut".to_owned()][..]));
        let failed = Ended { error: Some("no timer"), ..continuous };
        let (exit, reasons) = judged(&account(10, &[(OK, 10)], &[]), failed);
        assert_eq!(exit, Exit::Invalid);
        assert!(reasons[0].contains("no timer"));
    }

    #[test]
    fn what_nothing_explains_is_loud() {
        let account = account(10, &[(OK, 10)], &[]);
        let (exit, reasons) = judged(&account, Ended { unexplained: 3, ..FINITE });
        assert_eq!(exit, Exit::Invalid);
        assert!(reasons.len() == 1 && reasons[0].contains("differ by 3 requests"), "{reasons:?}");
        let continuous = Ended { unexplained: 3, is_continuous: true, ..FINITE };
        assert_eq!(judged(&account, continuous).0, Exit::Passed);
    }

    #[test]
    fn a_threshold_that_does_not_hold_is_told_apart_from_a_run_that_cannot_tell() {
        let crossed = ["p(99) < 5ms: 7ms of 100 samples".to_owned()];
        let finite = Ended { crossed: &crossed, ..FINITE };
        let continuous = Ended { is_continuous: true, ..finite };
        let aborted = Ended { is_interrupted: true, is_aborted: true, ..finite };
        let interrupted = Ended { is_interrupted: true, ..finite };
        let good = account(10, &[(OK, 10)], &[]);
        let dead = account(10, &[(Outcome::Failure(Code::NONE, ErrorClass::Reset), 10)], &[]);
        let slow = account(10, &[(OK, 8)], &[(DropReason::Limit, 2)]);
        let late = account(10, &[(OK, 8)], &[(DropReason::Late, 2)]);
        for (account, ended, exit) in [
            (&good, finite, Exit::Thresholds),
            (&good, continuous, Exit::Thresholds),
            (&good, aborted, Exit::Thresholds),
            (&good, interrupted, Exit::Interrupted),
            (&good, Ended { error: Some("no timer"), ..finite }, Exit::Invalid),
            // The target's or the path's doing.
            (&dead, finite, Exit::Thresholds),
            (&slow, finite, Exit::Thresholds),
            (&good, Ended { unexplained: 3, ..finite }, Exit::Thresholds),
            (&dead, FINITE, Exit::Invalid),
            // Our own.
            (&late, finite, Exit::Invalid),
            (&late, continuous, Exit::Invalid),
            (&late, aborted, Exit::Invalid),
            (&OperationAccount::default(), finite, Exit::Invalid),
        ] {
            let (said, reasons) = judged(account, ended);
            assert_eq!(said, exit, "{reasons:?}");
            let named = reasons.iter().position(|reason| reason.starts_with("threshold crossed: p(99) < 5ms: 7ms"));
            assert_eq!(named.is_some(), !ended.crossed.is_empty(), "{reasons:?}");
            assert!(exit != Exit::Thresholds || named == Some(0), "most important first: {reasons:?}");
        }
        assert_eq!((Exit::Thresholds.code(), Exit::Thresholds.as_str()), (99, "thresholds"));
    }

    #[test]
    fn a_generator_at_its_end_spoils_a_run_that_kept_its_plan() {
        let account = account(10, &[(OK, 10)], &[]);
        let saturated = Ended { saturation: Some("generator saturated: it used 2.00 of 2 cores"), ..FINITE };
        let (exit, reasons) = judged(&account, saturated);
        assert_eq!(exit, Exit::Invalid);
        assert!(reasons.len() == 1 && reasons[0].contains("2.00 of 2"), "{reasons:?}");
        assert_eq!(judged(&account, Ended { is_continuous: true, ..saturated }).0, Exit::Passed);
    }

    #[test]
    fn that_nothing_was_compared_is_said_and_spoils_nothing() {
        let account = account(10, &[(OK, 10)], &[]);
        let (exit, reasons) = judged(&account, Ended { not_compared: Some("nobody answered"), ..FINITE });
        assert_eq!(
            (exit, reasons),
            (Exit::Passed, vec!["the two sides were not compared: nobody answered".to_owned()])
        );
    }

    #[test]
    fn accounts_that_do_not_add_up_are_a_reason_of_their_own() {
        let broken = OperationAccount { success: 7, ..account(10, &[(OK, 10)], &[]) };
        let (exit, reasons) = judged(&broken, FINITE);
        assert_eq!(exit, Exit::Invalid);
        assert!(reasons[0].contains("do not add up"));
    }
}
