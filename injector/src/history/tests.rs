//! Windows against what was told, slice by slice.

use std::time::Duration;

use proptest::prelude::*;
use shared::outcome::{Code, DropReason, ErrorClass, Fate, Outcome};

use super::*;
use crate::account::{Durations, Finished, Started};
use crate::fate::Verdict;

const SECOND: Duration = Duration::from_secs(1);

/// A second with so many requests that took that long, one of which failed.
fn second(requests: u64, took: Duration) -> OperationAccount {
    let mut account = OperationAccount::default();
    for n in 0..requests {
        account.scheduled();
        account.started(&Started { lag: Duration::from_micros(70), wait: Duration::ZERO });
        account.sent += 1;
        let outcome = match n {
            0 => Outcome::Failure(Code::Http(503), ErrorClass::Status),
            _ => Outcome::Success(Code::Http(200)),
        };
        account.finished(&Finished {
            outcome,
            response: took,
            service: took,
            server: Some(took / 2),
            network: Some(took / 4),
            backend: None,
            is_declared: false,
            by_rule: false,
            sent_bytes: 10,
            received_bytes: 1_000,
        });
    }
    account
}

/// So many seconds of the same.
fn told(seconds: u64, account: &OperationAccount) -> History {
    let mut history = History::new();
    for n in 1..=seconds {
        history.note(Duration::from_secs(n), SECOND, std::slice::from_ref(account), &[]);
    }
    history
}

#[test]
fn a_window_has_what_happened_in_it_and_nothing_else() {
    let mut history = History::new();
    for n in 1..=20 {
        let slow = Duration::from_millis(if n <= 10 { 100 } else { 10 });
        history.note(Duration::from_secs(n), SECOND, &[second(5, slow), OperationAccount::default()], &[]);
    }
    let [last, silent] = &history.window(Duration::from_secs(10))[..] else { panic!("two operations") };
    assert_eq!((last.planned, last.success, last.failed(), last.sent), (50, 40, 10, 50));
    assert_eq!((last.codes[&Code::Http(200)], last.codes[&Code::Http(503)]), (40, 10));
    assert_eq!((last.sent_bytes, last.received_bytes, last.in_flight), (500, 50_000, 0));
    assert!(last.adds_up());
    let p99 = last.response.quantile(0.99).unwrap();
    assert!(p99 >= Duration::from_millis(10) && p99 < Duration::from_micros(10_100), "{p99:?}");
    assert_eq!((silent.planned, silent.response.count()), (0, 0));
    let whole = &history.window(Duration::from_secs(60))[0];
    assert!(whole.planned == 100 && whole.response.max() > Some(Duration::from_millis(99)));
    assert_eq!(history.reach(), Duration::from_secs(20));
}

#[test]
fn everything_that_is_kept_comes_back() {
    let mut account = second(3, Duration::from_millis(2));
    account.dropped(DropReason::Limit, Duration::from_millis(1));
    account.interrupted();
    account.scheduled();
    (account.by_rule, account.failed_by_rule, account.answered_wrong, account.silent) = (1, 2, 3, 4);
    (account.connections, account.retransmits, account.fallbacks) = (5, 6, 7);
    account.signs[1] = 8;
    account.connections_closed[2] = 9;
    account.messages.record(Duration::from_millis(3));
    let history = told(1, &account);
    let back = &history.window(SECOND)[0];
    let figures = |account: &OperationAccount| {
        let durations: Vec<_> = account.durations().map(Durations::count).collect();
        let single = [account.by_rule, account.failed_by_rule, account.answered_wrong, account.silent];
        let more = [account.connections, account.retransmits, account.fallbacks, account.interrupted];
        let arrays = (account.failures, account.dropped, account.signs, account.connections_closed);
        (durations, single, more, arrays, account.in_flight, account.codes.clone())
    };
    assert_eq!(figures(back), figures(&account));
}

#[test]
fn old_slices_are_merged_and_then_forgotten() {
    let account = second(2, Duration::from_millis(5));
    let history = told(4_500, &account);
    assert!(history.reach() >= REACH && history.reach() <= REACH + 2 * COARSE_SLICE, "{:?}", history.reach());
    assert!(history.fine.len() <= 130 && history.coarse.len() <= 361);
    for (length, off) in [(1, 0), (60, 0), (119, 0), (300, 5), (3_600, 5)] {
        let planned = history.window(Duration::from_secs(length))[0].planned / 2;
        assert!(planned.abs_diff(length) <= off, "{length} s hold {planned} seconds");
    }
    let bytes: usize = history.fine.iter().chain(&history.coarse).map(Slice::bytes).sum();
    assert_eq!(history.bytes, bytes);
    assert!(bytes < 200_000, "{bytes}");
}

#[test]
fn fates_belong_to_the_slice_in_which_they_became_known() {
    let mut history = History::new();
    let mut fates = Fates::default();
    for n in 1..=200 {
        if n == 50 || n == 199 {
            fates.count(Verdict::RequestLost, 3);
        }
        history.note(Duration::from_secs(n), SECOND, &[second(1, SECOND)], &[fates]);
    }
    assert_eq!(history.window(Duration::from_secs(10))[0].fates.of(Fate::RequestLost), 3);
    assert_eq!(history.window(Duration::from_secs(200))[0].fates.of(Fate::RequestLost), 6);
}

#[test]
fn memory_has_a_bound_and_the_reach_tells() {
    let mut busy = OperationAccount { planned: 1, ..OperationAccount::default() };
    for us in (0..31).flat_map(|power| (0..256).map(move |step| (256 + step) << power >> 8)) {
        busy.response.record_many_us(us, 100_000);
    }
    let accounts = [busy, OperationAccount::default()];
    let bytes_max = 200_000;
    let mut history = History::bounded(bytes_max);
    for n in 1..=200 {
        history.note(Duration::from_secs(n), SECOND, &accounts, &[]);
        assert!(history.bytes <= bytes_max);
    }
    let reach = history.reach();
    assert!(reach >= 5 * SECOND && reach < 100 * SECOND, "{reach:?}");
    assert_eq!(history.window(REACH)[0].planned, reach.as_secs());
    let mut tiny = History::bounded(1);
    (1..4).for_each(|n| tiny.note(Duration::from_secs(n), SECOND, &accounts, &[]));
    assert_eq!(tiny.window(REACH)[0].planned, 1, "the newest stays");
}

#[test]
fn a_slice_of_any_length_is_one() {
    let mut history = History::new();
    let account = second(1, SECOND);
    // The machine slept for an hour and a half, and the first tick after it came late.
    for (until, length) in [(1, 1), (5_401, 5_400), (5_402, 1)] {
        history.note(Duration::from_secs(until), Duration::from_secs(length), std::slice::from_ref(&account), &[]);
    }
    assert_eq!(history.window(SECOND)[0].planned, 1);
    assert_eq!(history.reach(), Duration::from_secs(5_401), "what is at the edge stays whole");
    assert_eq!(History::new().window(SECOND).len(), 0);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]
    #[test]
    fn a_window_is_the_sum_of_its_seconds(requests in prop::collection::vec(0_u64..4, 1..400), back in 1_u64..110) {
        let mut history = History::new();
        for (n, requests) in (1..).zip(&requests) {
            history.note(Duration::from_secs(n), SECOND, &[second(*requests, Duration::from_millis(1))], &[]);
        }
        let expected: u64 = requests.iter().rev().take(back as usize).sum();
        prop_assert_eq!(history.window(Duration::from_secs(back))[0].planned, expected);
        prop_assert_eq!(history.window(REACH)[0].planned, requests.iter().sum::<u64>());
    }
}

#[test]
fn a_window_knows_how_long_the_run_was_paused_in_it() {
    let mut history = History::new();
    for n in 1..=300 {
        history.note(Duration::from_secs(n), SECOND, &[OperationAccount::default()], &[]);
        // The first of four seconds.
        history.paused(if n % 4 == 1 { SECOND } else { Duration::ZERO });
    }
    for (window_s, active_s) in [(4, 3), (100, 75), (280, 210)] {
        let window = Duration::from_secs(window_s);
        assert_eq!(history.window_into(window, &mut Vec::new()), window);
        assert_eq!(history.active_in(window), Duration::from_secs(active_s), "{window:?}");
    }
    // A slice is not paused for longer than it is.
    history.paused(2 * SECOND);
    assert_eq!(history.active_in(SECOND), Duration::ZERO);
}
