//! What a run's account and its end make of the exit code, and why.

use super::*;
use crate::account::{Finished, Started};
use shared::outcome::{Code, Outcome};

fn account(planned: u64, outcomes: &[(Outcome<ErrorClass>, u64)], dropped: &[(DropReason, u64)]) -> OperationAccount {
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
    unloaded: None,
    crossed: &[],
    is_aborted: false,
    saturation: None,
    error: None,
};

#[test]
fn a_run_without_a_request_says_why() {
    let silent = Ended { unloaded: Some("every phase has scale: 0%"), ..FINITE };
    for (ended, reason) in [
        (
            FINITE,
            "no request came due: the run ended before the first one was, or was paused or switched off until then",
        ),
        (silent, "no request came due: every phase has scale: 0%"),
        (Ended { is_interrupted: true, ..silent }, "no request came due: every phase has scale: 0%"),
    ] {
        assert_eq!(judged(&account(0, &[], &[]), ended).1[0], reason);
    }
}

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
    let crossed = ["threshold crossed: p(99) < 5ms: 7ms of 100 samples".to_owned()];
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
    let words = [Exit::Thresholds, Exit::Invalid, Exit::Passed].map(|exit| in_words(exit.as_str()));
    assert_eq!(words, ["thresholds do not hold", "not valid, says nothing of the path", "passed"]);
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
    assert_eq!((exit, reasons), (Exit::Passed, vec!["the two sides were not compared: nobody answered".to_owned()]));
}

#[test]
fn accounts_that_do_not_add_up_are_a_reason_of_their_own() {
    let broken = OperationAccount { success: 7, ..account(10, &[(OK, 10)], &[]) };
    let (exit, reasons) = judged(&broken, FINITE);
    assert_eq!(exit, Exit::Invalid);
    assert!(reasons[0].contains("do not add up"));
}
