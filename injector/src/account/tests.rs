//! Counts that add up, whoever adds them.

use super::*;

fn finished(outcome: Outcome<ErrorClass>, response_ms: u64) -> Finished {
    Finished {
        outcome,
        response: Duration::from_millis(response_ms),
        service: Duration::from_millis(1),
        server: None,
        network: None,
        backend: None,
        is_declared: false,
        by_rule: false,
        sent_bytes: 1,
        received_bytes: 2,
    }
}

fn one_of_each() -> OperationAccount {
    let mut account = OperationAccount::default();
    for _ in 0..6 {
        account.scheduled();
    }
    account.finished(&finished(Outcome::Success(Code::Http(200)), 2));
    account.finished(&finished(Outcome::Failure(Code::Http(200), ErrorClass::Validation), 3));
    account.dropped(DropReason::Late, Duration::from_secs(2));
    account.dropped(DropReason::Limit, Duration::ZERO);
    account.interrupted();
    account
}

#[test]
fn every_planned_request_is_in_exactly_one_place() {
    let account = one_of_each();
    assert_eq!((account.planned, account.finished_total(), account.dropped_total()), (6, 2, 2));
    assert_eq!((account.interrupted, account.in_flight), (1, 1));
    assert!(account.adds_up());
    let lost = OperationAccount { success: 0, ..account };
    assert!(!lost.adds_up(), "the check can fail");
}

#[test]
fn merging_is_counting_together() {
    let mut both = one_of_each();
    let resent = OperationAccount { retransmits: 3, signs: [2, 0, 0, 1, 0], ..one_of_each() };
    both.merge(&resent);
    both.merge(&OperationAccount { planned: 0, in_flight: 0, ..OperationAccount::default() });
    assert_eq!((both.retransmits, both.signs), (3, [2, 0, 0, 1, 0]));
    assert!(both.adds_up());
    assert_eq!((both.planned, both.codes[&Code::Http(200)], both.response.count()), (12, 4, 4));
    let max = both.response.max().unwrap();
    assert!(max >= Duration::from_millis(3) && max < Duration::from_micros(3_004), "to three digits: {max:?}");
}

#[test]
fn nothing_seen_has_no_quantile() {
    assert_eq!(Durations::default().quantile(0.99), None);
}

#[test]
fn a_ledger_gives_each_count_away_once() {
    let ledger = Ledger::new(2);
    let mut sum = vec![OperationAccount::default(); 2];
    for planned in 1..4 {
        ledger.update(1, OperationAccount::scheduled);
        ledger.update(1, |account| account.finished(&finished(Outcome::Success(Code::Http(200)), 2)));
        ledger.take(&mut sum);
        assert_eq!((sum[0].planned, sum[1].planned, sum[1].response.count()), (0, planned, planned));
    }
    ledger.take(&mut sum);
    assert_eq!(sum[1].planned, 3, "nothing is given away twice");
}
