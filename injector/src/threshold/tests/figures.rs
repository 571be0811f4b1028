//! What each figure is, on accounts that were made up.

use std::time::Duration;

use shared::outcome::{Code, ErrorClass};
use shared::red::client::k6::Trail;

use super::super::measure::{Judgement, judge};
use super::super::*;
use super::{account, operations};
use crate::account::{Durations, OperationAccount};
use crate::fate::{Doubt, Fates, Verdict};

fn judged(text: &str, span: &Span<'_>) -> (Option<f64>, u64, Judgement) {
    let bound =
        text.parse::<Condition>().unwrap_or_else(|error| panic!("{text}: {error}")).bind(&operations()).unwrap();
    let (measured, judgement) = judge(&bound, span, &mut Durations::default());
    (measured.value, measured.samples, judgement)
}

/// Web: 90 right and 10 wrong of 2 ms, 20 dropped. Slow: 100 of 20 ms. The others: nothing.
fn accounts() -> Vec<OperationAccount> {
    let mut web = account(100, 10, 20, Duration::from_millis(2));
    let trail = Trail { connecting: Duration::from_millis(1), waiting: Duration::from_millis(4), ..Trail::default() };
    for n in 0..100 {
        web.parts.record(
            n >= 10,
            true,
            &Trail { waiting: if n < 10 { trail.waiting * 10 } else { trail.waiting }, ..trail },
        );
    }
    // Never sent: no time of waiting, which would be zero.
    (0..50).for_each(|_| web.parts.record(false, false, &trail));
    web.failures[ErrorClass::Internal.index()] += 0;
    web.fates.count(Verdict::RequestLost, 3);
    web.fates.count(Verdict::Unknown(Doubt::Restarted), 1);
    web.in_flight = 7;
    let slow = account(100, 0, 0, Duration::from_millis(20));
    vec![web, slow, OperationAccount::default(), OperationAccount::default()]
}

#[test]
fn figures_are_what_the_manual_says() {
    let accounts = accounts();
    let compared = [Some(Compared { unexplained: 2, duplicates: 5 }), Some(Compared::default()), None, None];
    let span = Span { accounts: &accounts, fates: None, compared: &compared, length: Duration::from_secs(10) };
    let near = |a: f64, b: f64| (a - b).abs() <= b.abs() * 0.001 + 1e-12;
    for (text, value, samples) in [
        ("availability >= 50%", 190.0 / 220.0, 220),
        ("availability >= 50% where operation=web", 90.0 / 120.0, 120),
        ("failed < 50%", 10.0 / 200.0, 200),
        ("failed < 50", 10.0, 200),
        ("failed == 0 where operation!=web", 0.0, 100),
        ("dropped < 50%", 20.0 / 220.0, 220),
        ("dropped < 50", 20.0, 220),
        ("path_loss < 50", 4.0, 200),
        ("path_loss < 50%", 4.0 / 200.0, 200),
        ("unexplained < 5 where operation=web|slow", 2.0, 220),
        ("duplicates < 9 where operation=web", 5.0, 120),
        ("rate > 1/s", 20.0, 220),
        ("rate > 1%", 200.0 / 220.0, 220),
        ("max < 1s", 0.02, 200),
        ("p(50) < 1s where operation=web", 0.002, 100),
        ("service avg < 1s", 0.011, 200),
        ("min < 1s", 0.002, 200),
        ("server max < 1s", 0.01, 200),
        ("network max < 1s", 0.005, 200),
        ("lag p(99) < 1s where operation=slow", 0.000_07, 100),
        ("wait p(99) < 1s", 0.000_005, 200),
        ("http_req_duration: min<1", 0.004, 100),
        ("http_req_duration: max<1", 0.04, 100),
        ("http_req_duration{expected_response:true}: max<1", 0.004, 90),
        ("http_req_duration{expected_response:false}: min<1", 0.04, 10),
        ("http_req_waiting: min<1", 0.004, 100),
        ("http_req_connecting: max<1", 0.001, 150),
        ("iteration_duration: max<1", 0.02, 200),
        ("http_req_failed: rate<1", 0.05, 200),
        ("checks: rate<1", 0.95, 200),
        ("script_errors: rate<1", 0.0, 200),
        ("http_reqs: count>1", 200.0, 220),
        ("http_reqs: rate>1", 20.0, 220),
        ("http_reqs{status:503}: count>1", 10.0, 220),
        ("http_reqs: count>1 where status!=200", 10.0, 220),
        ("http_reqs{expected_response:true}: count>1", 190.0, 220),
        ("iterations: count>1", 200.0, 220),
        ("dropped_iterations: count>1", 20.0, 220),
        ("data_sent: count>1", 20_000.0, 220),
        ("data_received: rate>1", 20_000.0, 220),
        ("vus: value<100", 7.0, 220),
    ] {
        let (measured, counted, _) = judged(text, &span);
        assert!(measured.is_some_and(|measured| near(measured, value)), "{text}: {measured:?}, not {value}");
        assert_eq!(counted, samples, "{text}");
    }
    assert_eq!(judged("unexplained == 0", &span).0, None, "of one operation it is not known");
}

#[test]
fn fates_under_way_are_those_that_were_found_so_far() {
    let accounts = [account(10, 5, 0, Duration::from_millis(1))];
    let mut found = Fates::default();
    found.count(Verdict::ResponseLost, 2);
    let span = Span { accounts: &accounts, fates: Some(&[found]), compared: &[], length: Duration::from_secs(1) };
    assert_eq!(judged("path_loss == 0 where operation=web", &span), (Some(2.0), 10, Judgement::Fails));
}

#[test]
fn no_data_never_holds() {
    let judge = |text: &str, web: OperationAccount| {
        let accounts = [web];
        judged(text, &Span { accounts: &accounts, fates: None, compared: &[], length: Duration::from_secs(10) }).2
    };
    let ms = Duration::from_millis(1);
    use Judgement::{Empty, Fails, Holds, Unknown};
    for (text, web, judgement) in [
        // Nothing was asked for.
        ("p(99) < 5ms where operation=web", account(0, 0, 0, ms), Unknown),
        ("availability >= 0% where operation=web", account(0, 0, 0, ms), Unknown),
        ("rate >= 0/s where operation=web", account(0, 0, 0, ms), Unknown),
        ("failed == 0 where operation=web", account(0, 0, 0, ms), Unknown),
        // Too few for the percentile, all of which came.
        ("p(99) < 5ms where operation=web", account(99, 0, 0, ms), Unknown),
        ("p(99) < 5ms where operation=web", account(100, 0, 0, ms), Holds),
        ("p(99) < 5ms where operation=web min 3 samples", account(3, 0, 0, ms), Holds),
        ("p(99) < 1us where operation=web min 3 samples", account(3, 0, 0, ms), Fails),
        // They came to an end, and left no sample.
        ("p(99) < 5ms where operation=web", account(0, 0, 200, ms), Empty),
        ("p(99) < 5ms where operation=web", account(40, 0, 200, ms), Empty),
        ("message p(50) < 5ms where operation=web", account(100, 0, 0, ms), Empty),
        ("availability >= 0% where operation=web", account(0, 0, 200, ms), Holds),
        ("http_req_duration: max<5", account(100, 0, 0, ms), Empty),
        ("unexplained == 0 where operation=web", account(100, 0, 0, ms), Unknown),
    ] {
        assert_eq!(judge(text, web), judgement, "{text}");
    }
    let mut silent = account(0, 0, 0, ms);
    (0..100).for_each(|_| silent.scheduled());
    assert_eq!(judge("rate > 0/s where operation=web", silent.clone()), Fails, "planned, and none came to its end");
    assert_eq!(judge("availability >= 99% where operation=web", silent), Unknown, "all are under way");
}

#[test]
fn a_code_of_another_protocol_is_no_status() {
    let mut web = account(1, 0, 0, Duration::from_millis(1));
    web.codes.insert(Code::Grpc(0), 5);
    let accounts = [web];
    let span = Span { accounts: &accounts, fates: None, compared: &[], length: Duration::from_secs(1) };
    assert_eq!(judged("http_reqs{status:200}: count>0", &span).0, Some(1.0));
}

#[test]
fn figures_in_words_have_the_unit_of_their_limit() {
    for (text, value, words) in [
        ("p(99) < 25ms", 0.031_25, "31.25ms"),
        ("http_req_duration: p(95)<2", 1.5, "1.5s"),
        ("availability >= 99%", 0.123_456_78, "12.3457%"),
        ("http_req_failed: rate<0.01", 0.25, "0.25"),
        ("http_reqs: rate>5", 4.999, "5/s"),
        ("rate > 5/s", 4.25, "4.25/s"),
        ("unexplained == 0", 3.0, "3"),
        ("data_sent: count>1", 100.0, "100"),
    ] {
        assert_eq!(value_in_words(&text.parse().unwrap(), value), words, "{text}");
    }
}
