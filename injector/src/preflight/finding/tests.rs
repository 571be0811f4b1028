//! What is said of which machine: a calm one, and each thing that can be wrong with one.

use std::time::Duration;

use super::super::TimeWaitReuse;
use super::super::cgroup::Cgroup;
use super::*;
use crate::plan::Overrides;
use crate::scenario::Scenario;

const SYSTEM: System =
    System { port_first: 32_768, port_last: 60_999, time_wait_reuse: TimeWaitReuse::Off, descriptors: 1_048_576 };

const CALM: Lateness = Lateness { median: Duration::from_micros(52), worst: Duration::from_micros(1_240), tries: 50 };

fn calm() -> Machine {
    Machine {
        allowed: 2,
        online: 2,
        cgroup: Cgroup::default(),
        load: Some(0.4),
        memory_left_bytes: Some(4 << 30),
        clock: Some("tsc".to_owned()),
    }
}

fn plan(keys: &str) -> Plan {
    let text = format!("target: far\nmix: [{{ name: a, http: {{}}, {keys} }}]\n");
    let scenario = Scenario::parse("test.yaml", &text).unwrap_or_else(|problems| panic!("{problems}"));
    Plan::new(&scenario, &Overrides::default(), &SYSTEM).unwrap_or_else(|problems| panic!("{problems}"))
}

const SLOW: &str = "rate: 100/s";

/// The warnings about a plan on a machine.
fn warnings(keys: &str, system: &System, machine: &Machine, lateness: Lateness) -> Vec<String> {
    findings(&plan(keys), system, machine, lateness).iter().filter_map(Finding::warning).collect()
}

#[test]
fn a_calm_machine_says_what_it_can_do_and_warns_of_nothing() {
    let found = findings(&plan(SLOW), &SYSTEM, &calm(), CALM);
    let said: Vec<_> = found.iter().map(|finding| format!("{}: {}", finding.check, finding.says)).collect();
    for (line, words) in said.iter().zip([
        "files: 1048576 may be open at once, the plan needs up to 128",
        "ports: 28232 local ports to far:9898 from one source address, the plan holds up to 64; at most 471 fresh",
        "timer: wakes up 52 µs late at the median, 1.2 ms at worst of 50",
        "cpu: 2 cores may be used of 2, without a quota; the plan needs less than 0.01 cores",
        "load: 0.4 processes ran or waited over the last minute, on 2 cores",
        "memory: the machine has 4 GiB, the plan needs up to 14 MiB or so",
        "clock: the time comes from tsc",
    ]) {
        assert!(line.starts_with(words), "{line}");
    }
    assert_eq!(said.len(), 7, "{said:?}");
    assert!(found.iter().all(|finding| finding.remedy.is_none() && finding.warning().is_none()), "{found:?}");
}

#[test]
fn each_doubt_is_one_warning_with_its_remedy() {
    let with = |change: fn(&mut Machine)| {
        let mut machine = calm();
        change(&mut machine);
        machine
    };
    let late = |median_us, worst_ms| Lateness {
        median: Duration::from_micros(median_us),
        worst: Duration::from_millis(worst_ms),
        tries: 50,
    };
    let few = System { descriptors: 80, ..SYSTEM };
    for (case, found, words) in [
        ("files", warnings(SLOW, &few, &calm(), CALM), "ulimit -n"),
        ("ports", warnings("rate: 400/s, connection: fresh", &SYSTEM, &calm(), CALM), "more source_addresses"),
        ("median", warnings(SLOW, &SYSTEM, &calm(), late(900, 2)), "free a core"),
        ("worst", warnings(SLOW, &SYSTEM, &calm(), late(60, 45)), "45.0 ms at worst of 50: something keeps it"),
        (
            "in flight",
            warnings("rate: 60000/s, timeout: 2s", &SYSTEM, &Machine { allowed: 8, ..calm() }, CALM),
            "in flight: 65536 requests may be in flight at once, and 120000 are if every one runs into its timeout: the rest",
        ),
        ("rate", warnings("rate: 120000/s, timeout: 500ms", &SYSTEM, &calm(), CALM), "cores: give it more cores"),
        (
            "quota",
            warnings("rate: 20000/s", &SYSTEM, &with(|machine| machine.cgroup.quota_cores = Some(0.5)), CALM),
            "cpu.max grants 0.5; the plan needs about",
        ),
        ("load", warnings(SLOW, &SYSTEM, &with(|machine| machine.load = Some(15.24)), CALM), "load: 15.2 processes"),
        (
            "memory",
            warnings(SLOW, &SYSTEM, &with(|machine| machine.cgroup.memory_left_bytes = Some(4 << 20)), CALM),
            "the control group's limit leaves 4 MiB",
        ),
        (
            "clock",
            warnings(SLOW, &SYSTEM, &with(|machine| machine.clock = Some("hpet".to_owned())), CALM),
            "from hpet: each look",
        ),
    ] {
        assert_eq!(found.len(), 1, "{case}: {found:?}");
        assert!(found[0].starts_with("warning: ") && found[0].contains(words), "{case}: {found:?}");
    }
}

#[test]
fn a_quota_as_large_as_the_machine_is_none() {
    let mut machine = calm();
    machine.cgroup.quota_cores = Some(2.0);
    assert_eq!(warnings("rate: 30000/s", &SYSTEM, &machine, CALM), [""; 0]);
}

#[test]
fn what_a_machine_does_not_tell_is_left_out() {
    let machine = Machine { load: None, memory_left_bytes: None, clock: None, ..calm() };
    let found = findings(&plan(SLOW), &SYSTEM, &machine, CALM);
    let checks: Vec<_> = found.iter().map(|finding| finding.check.as_str()).collect();
    assert_eq!(checks, ["files", "ports", "timer", "cpu"]);
}

#[test]
fn dearer_requests_and_connections_cost_more() {
    let cost = |keys: &str| (cost::cores(&plan(keys)), cost::memory_bytes(&plan(keys)));
    let (pooled, few) = cost("rate: 400/s");
    let (fresh, _) = cost("rate: 400/s, connection: fresh");
    let (_, many) = cost("rate: 400/s, connection: pooled(2000)");
    assert!(fresh > 1.5 * pooled, "{fresh} {pooled}");
    assert!(many > few + 1_900 * 8_192, "{many} {few}");
    assert!((cost("rate: 800/s").0 - 2.0 * pooled).abs() < 1e-9);
    // Wake-ups are shared then.
    assert!(cost("rate: 40000/s").0 < 50.0 * pooled);
}
