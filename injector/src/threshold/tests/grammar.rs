//! What is accepted and what it means, and what is refused, where and with which words.

use std::time::Duration;

use proptest::prelude::*;
use shared::units::Ppm;

use super::super::*;
use super::{operations, plan};

/// A text and how it is printed.
const ACCEPTED: [(&str, &str); 40] = [
    ("p(99) < 25ms", "p(99) < 25ms"),
    ("p(99)<25ms over 5m where operation=web", "p(99) < 25ms over 5m where operation=web"),
    ("response p(99.9) <= 1.5s", "p(99.9) <= 1.5s"),
    ("avg<10ms", "avg < 10ms"),
    ("min > 0", "min > 0s"),
    ("max < 1s min 5 samples", "max < 1s min 5 samples"),
    ("service med<3ms", "service med < 3ms"),
    ("network p(99) < 5ms where protocol!=dns_udp", "network p(99) < 5ms where protocol!=dns_udp"),
    ("server p(50)<1ms", "server p(50) < 1ms"),
    ("lag p(99) < 2ms", "lag p(99) < 2ms"),
    ("wait max < 100ms", "wait max < 100ms"),
    ("message p(90) < 7us", "message p(90) < 7us"),
    ("availability >= 99.9%", "availability >= 99.9%"),
    ("availability>=99.95% over 1h abort after 10m", "availability >= 99.95% over 1h abort after 10m"),
    ("failed < 1%", "failed < 1%"),
    ("failed == 0", "failed == 0"),
    ("dropped === 0", "dropped == 0"),
    ("dropped != 3", "dropped != 3"),
    ("path_loss == 0 over 1m", "path_loss == 0 over 1m"),
    ("path_loss < 0.001%", "path_loss < 0.001%"),
    ("unexplained == 0", "unexplained == 0"),
    ("duplicates <= 2", "duplicates <= 2"),
    ("rate >= 95/s over 10s", "rate >= 95/s over 10s"),
    ("rate > 99%", "rate > 99%"),
    ("failed < 1% abort", "failed < 1% abort"),
    ("failed<1% min 10 samples over 10s abort after 1m30s", "failed < 1% over 10s min 10 samples abort after 1m30s"),
    ("failed < 1% where injected=false, protocol=http|http2", "failed < 1% where protocol=http|http2 injected=false"),
    ("failed < 1% where operation = b|a and method==GET", "failed < 1% where operation=a|b method=GET"),
    ("failed < 1% where url=\"http://a b/\"", "failed < 1% where url=\"http://a b/\""),
    ("http_req_duration: p(95)<200", "http_req_duration: p(95) < 200"),
    ("http_req_duration p(95)<200.5", "http_req_duration: p(95) < 200.5"),
    ("http_req_duration: p(95)<1.5s", "http_req_duration: p(95) < 1500"),
    (
        "http_req_duration{operation:web, expected_response:true}: avg<1",
        "http_req_duration{operation:web,expected_response:true}: avg < 1",
    ),
    ("http_req_duration{name:http://a/b}: avg<1", "http_req_duration{url:http://a/b}: avg < 1"),
    ("http_req_failed{scenario:\"web\"}: rate<0.01", "http_req_failed{operation:web}: rate < 0.01"),
    ("http_req_failed: rate<1%", "http_req_failed: rate < 1%"),
    ("http_reqs{status:500}:count<10", "http_reqs{status:500}: count < 10"),
    ("http_reqs: rate>100", "http_reqs: rate > 100"),
    ("iterations: rate>=10.5/s over 1m", "iterations: rate >= 10.5/s over 1m"),
    ("checks: rate>0.9 where operation=a|b", "checks: rate > 0.9 where operation=a|b"),
];

#[test]
fn what_is_accepted_is_printed_in_one_way() {
    for (text, printed) in ACCEPTED {
        let read: Threshold = text.parse().unwrap_or_else(|error: Refused| panic!("{text}: {error:?}"));
        assert_eq!(read.to_string(), printed, "{text}");
        assert_eq!(printed.parse(), Ok(read), "{text}");
    }
}

#[test]
fn a_text_means_what_it_says() {
    let read: Threshold =
        "http_req_duration{scenario:web}: p(95)<200.5 over 5m min 30 samples abort after 30s".parse().unwrap();
    let operation = Filter { key: Key::Operation, is_negated: false, values: vec!["web".to_owned()] };
    let condition = Condition {
        metric: Metric::HttpReqDuration,
        statistic: Statistic::Percentile(95.0),
        comparison: Comparison::Less,
        limit: Limit::Time(Duration::from_micros(200_500)),
        filters: vec![operation],
        over: Some(Duration::from_secs(300)),
        min_samples: Some(30),
    };
    assert_eq!(read, Threshold { condition, abort_after: Some(Duration::from_secs(30)) });
    assert_eq!(read.condition.to_string().parse(), Ok(read.condition));
}

/// Texts with the place, in characters from 0, and a part of the words.
const REFUSED: [(&str, usize, &str); 53] = [
    ("", 0, "a threshold is written p(99) < 25ms"),
    ("p99 < 25ms", 0, "a percentile is written p(99) < 25ms"),
    ("p(99) < 25", 8, "needs a unit, ms or s"),
    ("p(99) < 25 ms", 8, "needs a unit"),
    ("p(99) < ", 8, "the limit is missing"),
    ("p(99) 25ms", 6, "\"25ms\" is no comparison"),
    ("p(99) = 25ms", 6, "no comparison; < <= > >= == !="),
    ("p(99) => 25ms", 6, "no comparison"),
    ("p(101) < 25ms", 1, "from 0 to 100"),
    ("p(-1) < 25ms", 1, "from 0 to 100"),
    ("p(1e1) < 25ms", 1, "from 0 to 100"),
    ("p(nan) < 25ms", 1, "from 0 to 100"),
    ("p < 25ms", 1, "p(99) or p(99.9)"),
    ("p(99 < 25ms", 1, "p(99) or p(99.9)"),
    ("count < 5", 0, "k6's metrics stand before it"),
    ("vus_max: value<5", 0, "max_in_flight"),
    ("http_req_durations: p(95)<200", 0, "did you mean http_req_duration?"),
    ("availibility >= 99%", 0, "did you mean availability?"),
    ("latency p(99) < 5ms", 0, "unknown figure \"latency\""),
    ("availability >= 99.9", 16, "needs its unit, %"),
    ("availability >= 101%", 16, "0% to 100%"),
    ("availability >= 99.99999%", 16, "at most 4 decimals"),
    ("availability p(99) >= 99%", 13, "\"p(99)\" does not fit availability"),
    ("availability: rate >= 99%", 14, "\"rate\" does not fit availability"),
    ("failed < 1x", 9, "not a number"),
    ("rate > 95", 7, "/s or % of the planned"),
    ("unexplained == 0 over 5m", 22, "known of the whole run only"),
    ("http_req_failed: rate<5", 22, "5% is 0.05"),
    ("http_req_failed: count<5", 17, "does not fit http_req_failed"),
    ("http_req_duration: rate<5", 19, "does not fit http_req_duration"),
    ("http_req_duration: p(95)<abc", 25, "is not a duration"),
    ("http_reqs: p(95)<5", 11, "http_reqs: count<10 or http_reqs: rate>5"),
    ("checks: rate>-1", 13, "not a number"),
    ("http_req_duration{operation:web: p(95)<200", 42, "a } is missing"),
    ("http_req_duration{web}: p(95)<200", 18, "no request has a tag \"web\""),
    ("http_req_duration{operation}: p(95)<200", 27, "a tag without a value"),
    ("http_req_duration{group:::a}: p(95)<200", 18, "no request has a tag \"group\""),
    (
        "http_req_duration{status:200}: p(95)<200",
        18,
        "http_reqs have it; by operation it is http_req_duration .. where operation=web",
    ),
    ("http_req_failed{expected_response:true}: rate<1", 16, "durations of http_req_.. and http_reqs"),
    ("checks: rate>99", 13, "99% is 0.99; write checks: rate>0.99"),
    ("checks: value>0.9", 8, "does not fit checks; write checks: rate>0.99"),
    ("group_duration{group:::a}: p(95)<200", 15, "write group_duration .. where operation=web"),
    ("http_reqs{status:abc}: count<1", 17, "a status such as 503"),
    ("availability{operation:web} >= 9%", 12, "where operation=web"),
    ("failed < 1% over 5", 17, "has no unit"),
    ("failed < 1% over 2h", 17, "from 1s to 1h"),
    ("failed < 1% over 1500ms", 17, "whole seconds"),
    ("failed < 1% min 10", 18, "write min 10 samples"),
    ("failed < 1% where", 17, "write where operation=web"),
    ("failed < 1% where injected=maybe", 27, "true or false"),
    ("failed < 1% over 5m over 6m", 20, "a second over"),
    ("failed < 1% for 5m", 12, "over 5m, where operation=web, min 100 samples and abort after 30s are"),
    ("failed < 1%\nabort", 11, "a control character"),
];

#[test]
fn what_is_refused_is_named_with_its_place_and_the_remedy() {
    for (text, at, words) in REFUSED {
        let refused = text.parse::<Threshold>().expect_err(text);
        assert!(refused.message.contains(words) && refused.at == at, "{text}: {refused:?}");
    }
    let refused = "é p(99) < 25".parse::<Threshold>().unwrap_err();
    assert_eq!(refused.at, 0);
    let long = format!("p(99) < 25ms{}", " ".repeat(300));
    assert!(long.parse::<Threshold>().unwrap_err().message.contains("256"));
    let refused = "failed < 1% abort".parse::<Condition>().unwrap_err();
    assert!(refused.at == 12 && refused.message.contains("ends no run"), "{refused:?}");
}

#[test]
fn a_threshold_is_about_the_operations_it_names() {
    let operations = operations();
    for (text, places) in [
        ("failed < 1%", &[0, 1, 2, 3][..]),
        ("failed < 1% where operation=web|rpc", &[0, 2]),
        ("failed < 1% where operation!=web|rpc", &[1, 3]),
        ("failed < 1% where injected=true", &[1]),
        ("failed < 1% where protocol=dns_udp", &[3]),
        ("http_req_failed: rate<0.1", &[0, 1]),
        ("http_req_failed{method:POST}: rate<0.1", &[1]),
        ("http_reqs{url:http://localhost:8080/a}: rate<0.1", &[0]),
        ("grpc_req_duration: max<5", &[2]),
        ("iterations: count>5", &[0, 1, 2, 3]),
    ] {
        let condition: Condition = text.parse().unwrap();
        assert_eq!(condition.bind(&operations).unwrap().operations, places, "{text}");
    }
    assert!(plan(&["http_req_waiting: p(95)<5"]).wants_parts());
    assert!(!plan(&["p(95)<5ms", "http_req_failed: rate<0.1"]).wants_parts());
}

#[test]
fn a_percentile_needs_as_many_samples_as_give_it_a_meaning() {
    for (p, needs) in
        [(0.0, 1), (50.0, 2), (90.0, 10), (95.0, 20), (99.0, 100), (99.9, 1_000), (99.99, 10_000), (100.0, 1)]
    {
        assert_eq!(Statistic::Percentile(p).needs(), needs, "p({p})");
    }
}

fn filters() -> impl Strategy<Value = Vec<Filter>> {
    let values = |key| match key {
        Key::Injected => prop::collection::btree_set("true|false", 1..3).boxed(),
        Key::Protocol => prop::collection::btree_set("[a-z_0-9]{1,8}", 1..3).boxed(),
        _ => prop::collection::btree_set("[a-zA-Z0-9:/ |,{}'._-]{1,12}", 1..3).boxed(),
    };
    let keys = vec![Key::Operation, Key::Protocol, Key::Injected, Key::Method, Key::Url];
    let filter = move |key: Key| {
        (any::<bool>(), values(key)).prop_map(move |(is_negated, values)| Filter {
            key,
            is_negated,
            values: values.into_iter().collect(),
        })
    };
    prop::sample::subsequence(keys, 0..4).prop_flat_map(move |keys| keys.into_iter().map(&filter).collect::<Vec<_>>())
}

fn subject() -> impl Strategy<Value = (Metric, Statistic, Limit)> {
    let metrics: Vec<Metric> = Metric::all().collect();
    let numbers = prop_oneof![(0_u32..1_000_000).prop_map(f64::from), (0.0_f64..1e9)];
    let parts = (0_u32..=1_000_000, 0_u64..1 << 50, numbers, 0_u32..=10_000, any::<usize>());
    (prop::sample::select(metrics), parts).prop_map(|(metric, (ppm, ns, number, p, which))| {
        let share = Limit::Share(Ppm::new(ppm).unwrap());
        let time = Limit::Time(Duration::from_nanos(ns));
        let times = [
            Statistic::Percentile(f64::from(p) / 100.0),
            Statistic::Mean,
            Statistic::Median,
            Statistic::Min,
            Statistic::Max,
        ];
        let (statistic, limit) = match metric.kind() {
            Kind::Times | Kind::Trend => (times[which % times.len()], time),
            Kind::Share => (Statistic::Share, share),
            Kind::Rate if which % 2 == 0 => (Statistic::Share, Limit::Number(f64::from(ppm) / 1e6)),
            Kind::Rate => (Statistic::Share, share),
            Kind::Tally if which % 2 == 0 => (Statistic::Share, share),
            Kind::Tally | Kind::Count => (Statistic::Count, Limit::Number(number)),
            Kind::Speed if which % 2 == 0 => (Statistic::Share, share),
            Kind::Speed => (Statistic::PerSecond, Limit::PerSecond(number)),
            Kind::Counter if which % 3 == 0 => (Statistic::Count, Limit::Number(number)),
            Kind::Counter if which % 3 == 1 => (Statistic::PerSecond, Limit::Number(number)),
            Kind::Counter => (Statistic::PerSecond, Limit::PerSecond(number)),
            Kind::Gauge => (Statistic::Value, Limit::Number(number)),
        };
        (metric, statistic, limit)
    })
}

proptest! {
    #[test]
    fn print_then_parse_is_identity(
        (metric, statistic, limit) in subject(),
        filters in filters(),
        sign in prop::sample::select(vec!["<", "<=", ">", ">=", "==", "!="]),
        (over, min_samples) in (prop::option::of(1_u64..=3_600), prop::option::of(1_u64..1 << 40)),
        abort_s in prop::option::of(0_u64..10_000),
    ) {
        let comparison = Comparison::WRITTEN.iter().find(|(held, _)| *held == sign).unwrap().1;
        let over = over.filter(|_| !metric.is_of_run()).map(Duration::from_secs);
        let condition = Condition { metric, statistic, comparison, limit, filters, over, min_samples };
        let threshold = Threshold { condition, abort_after: abort_s.map(Duration::from_secs) };
        let text = threshold.to_string();
        prop_assume!(text.chars().count() <= 256);
        prop_assert_eq!(text.parse(), Ok(threshold), "{}", text);
    }

    #[test]
    fn any_text_is_a_threshold_or_an_error(text in ".{0,80}") {
        if let Err(refused) = text.parse::<Threshold>() {
            prop_assert!(refused.at <= text.chars().count());
        }
    }

    #[test]
    fn a_text_of_their_words_is_a_threshold_or_an_error(
        words in prop::collection::vec(prop::sample::select(vec![
            "p(99)", "<", ">=", "25ms", "5%", "over", "5m", "where", "operation=a", "operation", "=", "!=", "|", "{", "}",
            ":", "http_reqs", "http_req_duration", "count", "rate", "min", "10", "samples", "abort", "after", "é", "\"", "and", ",",
        ]), 0..12)
    ) {
        let _ = words.join(" ").parse::<Threshold>();
        let _ = words.concat().parse::<Threshold>();
    }
}
