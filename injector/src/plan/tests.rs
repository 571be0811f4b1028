//! From files to plans: what each means, and what each wrong one is told.

mod address;
mod capacity;
mod course;
mod dns;
mod echo;
mod expect;
mod grpc;
mod http;
mod tls;

use std::time::Duration;

use proptest::prelude::*;

use super::*;
use crate::preflight::TimeWaitReuse;
use crate::scenario::Problem;

const SYSTEM: System =
    System { port_first: 32_768, port_last: 60_999, time_wait_reuse: TimeWaitReuse::Loopback, descriptors: 1_024 };

fn try_plan(text: &str, overrides: &Overrides, system: &System) -> Result<Plan, Problems> {
    Plan::new(&Scenario::parse("test.yaml", text)?, overrides, system)
}

fn plan(text: &str) -> Plan {
    try_plan(text, &Overrides::default(), &SYSTEM).unwrap_or_else(|problems| panic!("{problems}"))
}

/// Each problem as `line:column subject: message`.
fn refused(text: &str) -> Vec<String> {
    refused_with(text, &Overrides::default(), &SYSTEM)
}

fn refused_with(text: &str, overrides: &Overrides, system: &System) -> Vec<String> {
    match try_plan(text, overrides, system) {
        Ok(plan) => panic!("{text}\nis accepted: {plan:?}"),
        Err(problems) => problems
            .iter()
            .map(|Problem { location, subject, message }| {
                let place = location.map_or("-".to_owned(), |(line, column)| format!("{line}:{column}"));
                format!("{place} {subject}: {message}")
            })
            .collect(),
    }
}

/// A scenario of one operation: `http` is what stands in the braces of its http, in line 6 from column 11 on.
fn one(http: &str) -> String {
    format!("target: localhost\nrate: 10/s\nmix:\n- name: a\n  weight: 1\n  http: {{ {http} }}\n")
}

#[test]
fn a_minimal_file_gets_every_default() {
    let plan = plan("target: host\nrate: 10/s\nmix: [{ name: a, weight: 1, http: {} }]");
    assert_eq!(plan.source.to_string(), "local/injector");
    assert_eq!(plan.admin.to_string(), "host:9797");
    assert_eq!((plan.seed, plan.max_lag, plan.max_in_flight.get()), (0, Duration::from_secs(1), 1_024));
    let [operation] = plan.operations.as_slice() else { panic!("one operation") };
    assert_eq!(operation.name.as_str(), "a");
    assert_eq!(operation.rate.to_string(), "10/s");
    assert_eq!(operation.endpoint.to_string(), "host:9898");
    assert_eq!((&operation.arrival, operation.phase), (&Arrival::UNIFORM, Duration::ZERO));
    assert_eq!(operation.timeout, Duration::from_secs(1));
    assert_eq!(operation.connection.to_string(), "pooled(10)");
    assert!(!operation.injected);
    let call = operation.call.http().unwrap();
    assert_eq!((call.method, call.path.as_str()), (Method::Get, "/"));
    assert_eq!((&call.body, &call.fault_text, call.wire_headers().count()), (&RequestBody::Empty, &None, 0));
    assert_eq!(call.expect, Expect::default());
}

#[test]
fn every_key_is_heard() {
    let plan = plan(
        "target: http://example.test:80/\nadmin: '[::1]'\nsource: team-a/nightly\nseed: 18446744073709551615\n\
         rate: 9/s\narrival: poisson\ntimeout: 500ms\nmax_lag: 2s\nmax_in_flight: 17\nmix:\n\
         - { name: a, weight: 1, http: {} }\n\
         - { name: b, weight: 0.5, timeout: 4s, connection: fresh, target: '[2001:db8::7]:81', http: {} }\n\
         - { name: c, rate: 1/m, connection: pooled(3), http: { path: '/x?status=404', method: PUT, body_size: 2KiB,\n\
        \x20  headers: { accept: text/plain }, expect: { status: [404, 200], size: any, id: any } } }\n",
    );
    assert_eq!(plan.admin.to_string(), "[::1]:9797");
    assert_eq!(plan.source.to_string(), "team-a/nightly");
    assert_eq!((plan.seed, plan.max_in_flight.get()), (u64::MAX, 17));
    assert_eq!(plan.max_lag, Duration::from_secs(2));
    let rows: Vec<String> = plan
        .operations
        .iter()
        .map(|op| {
            format!(
                "{} {} {} {} {:?} {:?}",
                op.name, op.rate, op.endpoint, op.connection, op.timeout, op.arrival.spacing
            )
        })
        .collect();
    assert_eq!(
        rows,
        [
            "a 6/s example.test:80 pooled(3) 500ms Poisson",
            "b 3/s [2001:db8::7]:81 fresh 4s Poisson",
            "c 1/m example.test:80 pooled(3) 500ms Poisson",
        ]
    );
    let call = plan.operations[2].call.http().unwrap();
    assert_eq!((call.method, call.body.size_bytes()), (Method::Put, 2_048));
    assert_eq!(call.expect.status, StatusExpectation::AnyOf(vec![404, 200]));
    assert_eq!((call.expect.size, call.expect.content), (SizeExpectation::Any, ContentExpectation::Any));
    assert!(!call.expect.id);
    assert!(plan.operations[2].injected);
}

#[test]
fn flags_win_over_the_file_and_operations_over_flags() {
    let overrides = Overrides {
        target: Some("other:1".parse().unwrap()),
        admin: Some("boss:2".parse().unwrap()),
        ports: Ports::default(),
        rate: Some("100/s".parse().unwrap()),
        arrival: Some("poisson".parse().unwrap()),
        timeout: Some(Duration::from_secs(3)),
        keepalive: Some("off".parse().unwrap()),
        max_lag: Some(Duration::from_secs(4)),
        max_in_flight: NonZeroU32::new(5),
        source: Some("a/b".parse().unwrap()),
        seed: Some(6),
        nameserver: Some("127.0.0.1:5353".parse().unwrap()),
        resolve: Some(Resolve::Once),
        select: None,
        sources: Some("127.0.1.0/28".parse().unwrap()),
    };
    let text = "target: host\nadmin: host:9\nnameserver: 127.0.0.9\nresolve: ttl\nselect: random\nrate: 10/s\ntimeout: 1s\nseed: 1\nmix:\n\
                - { name: a, weight: 1, http: {} }\n\
                - { name: b, rate: 7/s, timeout: 2s, target: mine, resolve: interval(5s), source_addresses: 127.0.2.1, http: {} }\n";
    let plan = try_plan(text, &overrides, &SYSTEM).unwrap();
    assert_eq!((plan.admin.to_string(), plan.source.to_string()), ("boss:2".to_owned(), "a/b".to_owned()));
    assert_eq!(plan.nameserver, overrides.nameserver);
    assert_eq!((plan.max_lag, plan.max_in_flight.get(), plan.seed), (Duration::from_secs(4), 5, 6));
    let rows: Vec<String> = plan
        .operations
        .iter()
        .map(|op| format!("{} {} {:?} {:?}", op.rate, op.endpoint, op.timeout, op.arrival.spacing))
        .collect();
    assert_eq!(rows, ["100/s other:1 3s Poisson", "7/s mine:9898 2s Poisson"]);
    let routes =
        plan.operations.iter().map(|op| format!("{} {:?} {}", op.route.resolve, op.route.select, op.route.sources));
    assert_eq!(routes.collect::<Vec<_>>(), ["once Random 127.0.1.0/28", "interval(5s) Random 127.0.2.1"]);

    // A flag can supply what the file leaves out.
    let bare = "mix: [{ name: a, weight: 1, http: {} }]";
    assert_eq!(try_plan(bare, &overrides, &SYSTEM).unwrap().operations[0].endpoint.to_string(), "other:1");
}

#[test]
fn streams_are_staggered_over_their_own_periods() {
    let plan = plan(
        "target: host\nrate: 10/s\nmix:\n- { name: a, weight: 1, http: {} }\n- { name: b, weight: 1, http: {} }\n\
         - { name: c, weight: 2, http: {} }\n- { name: d, rate: 1/h, http: {} }\n",
    );
    let phases: Vec<(String, Duration)> = plan.operations.iter().map(|op| (op.rate.to_string(), op.phase)).collect();
    assert_eq!(
        phases,
        [
            ("2.5/s".to_owned(), Duration::ZERO),
            ("2.5/s".to_owned(), Duration::from_millis(100)),
            ("5/s".to_owned(), Duration::from_millis(100)),
            ("1/h".to_owned(), Duration::from_secs(2_700)),
        ]
    );
    let slot = plan.operations[1].schedule().slots(0, NonZeroU32::MIN).nth(3).unwrap();
    assert_eq!((slot.seq, slot.due), (3, Duration::from_millis(1_300)));
}

#[test]
fn an_operations_seed_depends_on_its_name_and_the_plans_seed_alone() {
    let text = |mix: &str, seed: u64| format!("target: h\nrate: 1/s\nseed: {seed}\nmix:\n{mix}");
    let (a, b) = ("- { name: a, weight: 1, http: {} }\n", "- { name: b, weight: 1, http: {} }\n");
    let alone = plan(&text(b, 1)).operations[0].seed;
    let beside = plan(&text(&format!("{a}{b}"), 1)).operations;
    assert_eq!(alone, beside[1].seed);
    assert_ne!(beside[0].seed, beside[1].seed);
    assert_ne!(alone, plan(&text(b, 2)).operations[0].seed);
}

#[test]
fn what_cannot_be_meant_is_refused_with_line_and_column() {
    for (text, expected) in [
        ("timeout: 10\n", "1:10 timeout: \"10\" has no unit; expected a duration"),
        ("timeout: 0s\n", "1:10 timeout: 0s is out of range; expected more than 0 and at most 1h"),
        ("timeout: 2h\n", "1:10 timeout: 2h is out of range"),
        ("max_lag: 1 s\n", "1:10 max_lag: unknown unit \" s\""),
        ("max_in_flight: 0\n", "1:16 max_in_flight: \"0\" is not a number of requests: 1 to 1000000"),
        ("max_in_flight: +5\n", "1:16 max_in_flight: \"+5\""),
        ("seed: -1\n", "1:7 seed: \"-1\" is not a seed"),
        ("seed: 18446744073709551616\n", "1:7 seed: \"18446744073709551616\" is not a seed"),
        ("source: injector\n", "1:9 source: \"injector\" is not a source; expected <namespace>/<release>"),
        ("source: Team/x\n", "1:9 source: \"Team/x\" is not a source"),
        ("arrival: brust(150,5ms)\n", "1:10 arrival: \"brust(150,5ms)\" is not an arrival; expected uniform, poisson,"),
        ("admin: host:0\n", "1:8 admin: \"host:0\": \"0\" is not a port"),
    ] {
        let whole = format!("{text}target: h\nrate: 1/s\nmix: [{{ name: a, weight: 1, http: {{}} }}]\n");
        let problems = refused(&whole);
        assert_eq!(problems.len(), 1, "{problems:?}");
        assert!(problems[0].starts_with(expected), "{text}: {problems:?}");
    }
}

#[test]
fn rates_that_cannot_be_meant_are_refused_with_line_and_column() {
    for (text, expected) in [
        (
            "rate: 10\nmix: [{ name: a, weight: 1, http: {} }]",
            "1:7 rate: \"10\": a rate needs a unit of time: write 10/s",
        ),
        ("rate: 0/s\nmix: [{ name: a, weight: 1, http: {} }]", "1:7 rate: \"0/s\": a rate must be above 0"),
        ("rate: -1/s\nmix: [{ name: a, weight: 1, http: {} }]", "1:7 rate: \"-1/s\": \"-1\": must not be negative"),
        ("mix: [{ name: a, weight: 1, http: {} }]", "1:7 rate: missing, and operations with a weight share it"),
        ("rate: 1/s\nmix: [{ name: a, rate: 1/s, http: {} }]", "1:7 rate: no operation has a weight to share it by"),
        (
            "rate: 1/s\nmix:\n- name: a\n  weight: 0\n  http: {}\n",
            "4:11 operation \"a\": weight: \"0\": a weight must be above 0",
        ),
        ("mix:\n- name: a\n  rate: 0/s\n  http: {}\n", "3:9 operation \"a\": rate: \"0/s\": a rate must be above 0"),
        (
            "rate: 1/s\nmix:\n- name: b\n  weight: 1\n  http: {}\n- name: a\n  http: {}\n",
            "6:3 operation \"a\": needs a weight (its share of rate) or a rate of its own",
        ),
        (
            "rate: 1/s\nmix:\n- name: a\n  weight: 1\n  rate: 1/s\n  http: {}\n",
            "5:9 operation \"a\": weight and rate exclude each other",
        ),
        ("rate: 1/s\nmix: []\n", "2:6 mix: no operations; at least one is needed"),
    ] {
        let problems = refused(&format!("{text}\ntarget: h\n"));
        assert!(problems.iter().any(|problem| problem.starts_with(expected)), "{text}: {problems:#?}");
    }
}

#[test]
fn operations_that_cannot_be_meant_are_refused_with_line_and_column() {
    let long_name = format!("name: {}\n  weight: 1\n  http: {{}}", "a".repeat(33));
    for (entry, expected) in [
        ("name: Web\n  weight: 1\n  http: {}", "3:9 operation \"Web\": name: \"Web\" is no name"),
        (long_name.as_str(), "3:9 operation"),
        ("name: ''\n  weight: 1\n  http: {}", "3:9 operation 1: name: \"\" is no name"),
        ("name: a\n  weight: 1", "3:3 operation \"a\": needs a protocol: http, grpc, tcp, udp or dns"),
        ("name: a\n  weight: 1\n  timeout: 5\n  http: {}", "5:12 operation \"a\": timeout: \"5\" has no unit"),
        (
            "name: a\n  weight: 1\n  target: a b\n  http: {}",
            "5:11 operation \"a\": target: \"a b\": \"a b\" is not a host",
        ),
        (
            "name: a\n  weight: 1\n  connection: rotating(max_ages=5m)\n  http: {}",
            "5:15 operation \"a\": connection: \"rotating(max_ages=5m)\": \"max_ages\" is not known; rotating takes",
        ),
        (
            "name: a\n  weight: 1\n  connection: hold(9)\n  http: {}",
            "5:15 operation \"a\": connection: \"hold(9)\": hold is not supported by this version; expected fresh, pooled",
        ),
        ("name: a\n  weight: 1\n  connection: pooled(0)\n  http: {}", "5:15 operation \"a\": connection: "),
    ] {
        let problems = refused(&format!("rate: 1/s\nmix:\n- {entry}\ntarget: h\n"));
        assert_eq!(problems.len(), 1, "{entry}: {problems:#?}");
        assert!(problems[0].starts_with(expected), "{entry}: {problems:#?}");
    }
}

#[test]
fn a_missing_target_is_said_once() {
    let problems = refused("rate: 1/s\nmix:\n- { name: a, weight: 1, http: {} }\n- { name: b, weight: 1, http: {} }\n");
    assert_eq!(problems, ["3:3 target: missing; write target: host, or give --target"]);
}

#[test]
fn names_are_unique_and_at_most_64() {
    let problems =
        refused("target: h\nrate: 1/s\nmix:\n- { name: a, weight: 1, http: {} }\n- { name: a, weight: 1, http: {} }\n");
    assert_eq!(problems, ["5:11 operation \"a\": name: the operation in line 4 has the same name"]);

    let mix = |n: u32| -> String { (0..n).map(|i| format!("- {{ name: op-{i}, weight: 1, http: {{}} }}\n")).collect() };
    assert_eq!(plan(&format!("target: h\nrate: 1/s\nmix:\n{}", mix(64))).operations.len(), 64);
    let problems = refused(&format!("target: h\nrate: 1/s\nmix:\n{}", mix(65)));
    assert_eq!(problems, ["68:3 mix: 65 operations are over the limit of 64"]);
}

#[test]
fn all_problems_are_shown_at_once_in_the_files_order() {
    let text = "seed: x\ntimeout: 10\nrate: 10\nmix:\n- name: a\n  weight: 0\n  http: { fault: status=99 }\n- name: a\n  weight: 1\n";
    let scenario = Scenario::parse("bad.yaml", text).unwrap();
    let overrides = Overrides { timeout: Some(Duration::ZERO), ..Overrides::default() };
    let problems = Plan::new(&scenario, &overrides, &SYSTEM).unwrap_err();
    let places: Vec<Option<(u64, u64)>> = problems.iter().map(|problem| problem.location).collect();
    let file = [(1, 7), (2, 10), (3, 7), (5, 3), (6, 11), (7, 18), (8, 3), (8, 9)];
    let expected: Vec<_> = file.into_iter().map(Some).chain([None]).collect();
    assert_eq!(places, expected, "{problems}");
    let shown = problems.to_string();
    assert!(
        shown.contains("\nbad.yaml:7:18: operation \"a\": http.fault: status: invalid_parameter at byte 7 of the text"),
        "{shown}"
    );
    assert!(shown.contains("\n    7 |   http: { fault: status=99 }\n      |                  ^"), "{shown}");
    assert!(shown.ends_with("bad.yaml: --timeout: 0s is out of range; expected more than 0 and at most 1h"), "{shown}");
}

#[test]
fn the_scenarios_we_ship_are_valid() {
    let directory = concat!(env!("CARGO_MANIFEST_DIR"), "/../scenarios");
    let mut n_files = 0;
    for entry in std::fs::read_dir(directory).unwrap() {
        let path = entry.unwrap().path();
        let scenario = Scenario::read(&path).unwrap_or_else(|problems| panic!("{problems}"));
        let plan = Plan::new(&scenario, &Overrides::default(), &SYSTEM).unwrap_or_else(|problems| panic!("{problems}"));
        assert!(!plan.operations.is_empty());
        assert!(scenario.text.lines().all(|line| line.len() <= 110), "{}", path.display());
        n_files += 1;
    }
    assert!(n_files >= 2);
}

proptest! {
    /// Whatever the weights, the streams' rates add up to the total: over 10 000 s the schedules plan as many slots as the
    /// total rate has events, give or take the one slot per stream that rounding to whole slots can move.
    #[test]
    fn the_mix_plans_what_the_total_rate_says(
        rate in 1_u64..=1_000,
        weights in prop::collection::vec(1_u64..=5_000, 1..=20),
    ) {
        let mix: String = weights
            .iter()
            .enumerate()
            .map(|(i, weight)| format!("- {{ name: op{i}, weight: {}.{:03}, connection: pooled(1), http: {{}} }}\n", weight / 1_000, weight % 1_000))
            .collect();
        let plan = plan(&format!("target: h\nrate: {rate}/s\nmix:\n{mix}"));
        let t = Duration::from_secs(10_000);
        let planned: u64 = plan.operations.iter().map(|operation| operation.schedule().planned_by(t)).sum();
        prop_assert!(planned.abs_diff(rate * 10_000) <= weights.len() as u64);
        for (k, operation) in plan.operations.iter().enumerate() {
            let offset = operation.phase.as_secs_f64() * operation.rate.per_second();
            prop_assert!((offset - k as f64 / weights.len() as f64).abs() < 1e-5, "{offset}");
        }
    }

    #[test]
    fn no_scenario_of_arbitrary_values_makes_the_plan_panic(
        values in prop::collection::vec("[ -~]{0,30}", 14),
    ) {
        let quoted: Vec<String> = values.iter().map(|value| format!("'{}'", value.replace('\'', "''"))).collect();
        let keys = ["target", "admin", "source", "seed", "rate", "arrival", "timeout", "max_lag", "max_in_flight"];
        let mut text: String = keys.iter().zip(&quoted).map(|(key, value)| format!("{key}: {value}\n")).collect();
        text.push_str(&format!(
            "mix:\n- {{ name: {}, weight: {}, connection: {}, http: {{ path: {}, fault: {}, headers: {{ a: {} }} }} }}\n",
            quoted[9], quoted[10], quoted[11], quoted[12], quoted[13], quoted[0]
        ));
        let _ = try_plan(&text, &Overrides::default(), &SYSTEM);
    }
}
