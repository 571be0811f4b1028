//! Every expression of the dashboards, asked of a real Prometheus that scraped a real pair: first while all is well, then
//! while names move, requests and answers are lost and faults are injected.
//!
//! Whatever a dashboard shows has data in both; what [`EMPTY_WHEN_HEALTHY`] lists has none in the first and some in the second.

use std::collections::BTreeSet;
use std::io::Write as _;
use std::net::{Ipv4Addr, SocketAddr, TcpStream};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use serde_json::json;

use super::promql::selected;
use super::{Asker, Expression, boards};
use crate::fates::{forward, identity};
use crate::fixture::{ReservedPort, ScriptedServer, Step, eventually, run, within};
use crate::lifecycle::target;
use crate::process::{Process, get};
use crate::prometheus::{Job, Prometheus};
use crate::rules::admin::Admin;
use crate::zone::Zone;

/// Between two scrapes.
const INTERVAL_MS: u32 = 500;
/// What the variables stand for; Grafana escapes the values of those that may be several.
const VALUES: [(&str, &str); 11] = [
    ("$__rate_interval", "3s"),
    ("$__range", "10m"),
    ("$window", "1h"),
    ("$cluster", "one"),
    ("$namespace", "load"),
    ("$source", "(load/pair)"),
    ("$run", ".*"),
    ("$protocol", ".*"),
    ("$operation", ".*"),
    ("$injected", "false"),
    ("$slo", "0.999"),
];
/// How long each phase is looked at: a few scrapes more than the longest window of a panel.
const PHASE: Duration = Duration::from_secs(6);
const PHASE_S: f64 = 6.0;

const NAME: &str = "target.test";
const SCENARIO: &str = "
target: NAMED
rate: 120/s
timeout: 5s
thresholds: [failed < 1% over 3s]
mix:
  - { name: fresh, weight: 2, connection: fresh, http: {} }
  - { name: kept, weight: 2, connection: pooled(2), http: {} }
  - { name: proxied, weight: 4, target: PROXY, connection: fresh, http: {} }
  - { name: two, weight: 1, target: HTTP, http: { version: 2 } }
  - { name: calls, weight: 1, target: GRPC, grpc: {} }
  - { name: stream, weight: 1, target: GRPC, grpc: { method: cload.v1.Target/ServerStream, fault: \"count=3\" } }
  - { name: echo, weight: 1, target: TCP, tcp: {} }
  - { name: datagrams, weight: 1, target: UDP, udp: {} }
  - { name: lookups, weight: 1, target: DNS, dns: {} }
";

/// Shown only when there is something to see: `dashboard: panel: legend`.
const EMPTY_WHEN_HEALTHY: [&str; 18] = [
    "run: Failures by cause: {{error}}",
    "run: Fate of unanswered requests: {{fate}}",
    "run: Results per second: failure: {{error}}",
    "run: annotation Alerts",
    "run: annotation Injected faults",
    "service-path: Connections that could not be opened: {{protocol}} {{error}}",
    "service-path: Ends that are trouble: {{operation}} {{reason}}",
    "service-path: Failures by cause, injector: {{error}}",
    "service-path: Failures by cause, target: server {{error}}",
    "service-path: Failures by code, injector: {{protocol}} {{code}}",
    "service-path: Failures by operation, injector: {{operation}}",
    "service-path: Faults that were injected: rule {{rule}} changed",
    "service-path: Faults that were injected: rule {{rule}} matched",
    "service-path: Faults that were injected: {{kind}} by {{source}}",
    "service-path: Time to failure, p50 and p99: p50 {{protocol}}",
    "service-path: Time to failure, p50 and p99: p99 {{protocol}}",
    "service-path: annotation Alerts",
    "service-path: annotation Injected faults",
];
/// Families that no dashboard shows, and why.
const NOT_SHOWN: [(&str, &str); 1] = [(
    "continuous_load_server_fault_rule_expiry_timestamp_seconds",
    "for alerts: there is one only while a rule is active",
)];

/// Values that a dashboard has to show, each between two bounds: while all is well, and then.
const SHOWN: [Shown; 11] = [
    ("service-path: Path: burn rate", [0.0, 0.0], [1.0, 1000.0]),
    ("service-path: Availability, last $window: availability", [1.0, 1.0], [0.5, 0.999]),
    ("service-path: Availability by window: 1y", [1.0, 1.0], [0.5, 0.9999]),
    ("service-path: Alerts firing: firing", [0.0, 0.0], [1.0, 1.0]),
    ("service-path: Requests lost: lost", [0.0, 0.0], [0.001, 0.5]),
    ("service-path: Answers lost: lost", [0.0, 0.0], [0.001, 0.5]),
    ("service-path: Sent again by the path: twice", [0.0, 0.0], [0.001, 0.5]),
    ("run: Success ratio: success", [1.0, 1.0], [0.5, 0.999]),
    ("run: Thresholds not held: thresholds", [0.0, 0.0], [1.0, 1.0]),
    ("run: Scenario: read last", [1.0, 1.0], [0.0, 0.0]),
    ("run: Not accounted for: requests", [-10.0, 10.0], [-10.0, 10.0]),
];
type Shown = (&'static str, [f64; 2], [f64; 2]);

/// The recording rules that long windows need, as the charts install them, and one alert.
fn rules() -> serde_json::Value {
    let file = include_str!("../../../charts/continuous-load/rules/recording.yaml");
    let mut file: serde_json::Value = serde_saphyr::from_str(file).unwrap();
    let mut group = file["groups"][0].take();
    assert_eq!(group["name"], "continuous-load.rates");
    // As often as it is scraped: what is drilled here takes seconds.
    group.as_object_mut().unwrap().remove("interval");
    let rules = group["rules"].as_array_mut().unwrap();
    rules.push(json!({ "alert": "ContinuousLoadDrill", "expr": "continuous_load_server_fault_rules_active > 0" }));
    json!([group])
}

/// Passes everything on until harm is done; then it loses requests and answers, gives up, and sends again.
fn proxy(target: SocketAddr, harm: &Arc<AtomicBool>) -> SocketAddr {
    let harm = Arc::clone(harm);
    let server = ScriptedServer::start(move |_, head| match identity(head).id.seq % 8 {
        1 if harm.load(Ordering::Relaxed) => Step::Close,
        2 if harm.load(Ordering::Relaxed) => {
            // It leaves before it has sent the body, so that the target sees it go however fast it is.
            let promised = head.replace("\r\n\r\n", "\r\ncontent-length: 9\r\n\r\n");
            TcpStream::connect(target).unwrap().write_all(promised.as_bytes()).unwrap();
            Step::Close
        }
        3 if harm.load(Ordering::Relaxed) => {
            forward(target, head);
            Step::Reset
        }
        4 if harm.load(Ordering::Relaxed) => {
            forward(target, head);
            Step::Last(forward(target, head))
        }
        _ => Step::Last(forward(target, head)),
    });
    server.address
}

fn with_values(expression: &str) -> String {
    VALUES.iter().fold(expression.to_owned(), |text, (name, value)| text.replace(name, value))
}

/// That [`SHOWN`] is what is shown.
fn assert_shown(prometheus: &Prometheus, all: &[Expression], end_s: f64, is_well: bool) {
    for (what, well, broken) in SHOWN {
        let expression = all.iter().find(|expression| expression.what == what).unwrap_or_else(|| panic!("no {what}"));
        let value = prometheus.value_at(&with_values(&expression.text), end_s);
        let [least, most] = if is_well { well } else { broken };
        assert!((least..=most).contains(&value), "{what}: {value} is not between {least} and {most}");
    }
}

/// Whether a panel would show anything, at the end of a phase.
fn has_data(prometheus: &Prometheus, expression: &Expression, end_s: f64) -> bool {
    let text = with_values(&expression.text);
    let found = match expression.asker {
        Asker::Instant | Asker::Variable => prometheus.query_at(&text, end_s),
        Asker::Range | Asker::Annotation => prometheus.query_range(&text, end_s - PHASE_S / 2.0, end_s, 0.5),
    };
    found.iter().flat_map(|series| &series.samples).any(|(_, value)| value.is_finite())
}

#[test]
fn every_expression_has_data() {
    let (_target, addresses) = target(&[]);
    let harm = Arc::default();
    let proxy = proxy(addresses.http, &harm);
    let zone = Zone::start();
    zone.addresses(NAME, [Ipv4Addr::LOCALHOST]);
    let own = ReservedPort::new();
    let labels = |pod| [("cluster", "one"), ("namespace", "load"), ("pod", pod), ("run", "first")];
    let injected = Job { name: "injector", address: own.address, labels: &labels("injector-0") };
    let served = Job { name: "target", address: addresses.admin, labels: &labels("target-0")[..3] };
    let Some(prometheus) = Prometheus::start(INTERVAL_MS, &[injected, served]) else { return };
    prometheus.rules(&rules());

    let [grpc, tcp, udp, dns] = [addresses.grpc, addresses.tcp, addresses.udp, addresses.dns].map(Option::unwrap);
    let named = format!("{NAME}.:{}", addresses.http.port());
    let mut scenario = SCENARIO.replace("NAMED", &format!("{named:?}"));
    for (word, address) in
        [("PROXY", proxy), ("HTTP", addresses.http), ("GRPC", grpc), ("TCP", tcp), ("UDP", udp), ("DNS", dns)]
    {
        scenario = scenario.replace(&format!("target: {word}"), &format!("target: \"{address}\""));
    }
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("mix.yaml");
    std::fs::write(&file, &scenario).unwrap();
    let [admin, own_address, zone_address] =
        [addresses.admin, own.address, zone.address].map(|address| address.to_string());
    let mut injector = Process::start(
        "injector",
        &[
            &["run", file.to_str().unwrap(), "--source", "load/pair", "--nameserver", &zone_address][..],
            &["--target-admin", &admin, "--admin-address", &own_address],
        ]
        .concat(),
    );
    injector.line_with("running");
    prometheus.scraped(&["injector", "target"]);
    let begun_s = prometheus.now_s();
    let all: Vec<Expression> = boards().iter().flat_map(|board| board.expressions()).collect();
    let phase = |from_s: f64| {
        run(within(4 * PHASE, "a phase", async || match prometheus.now_s() {
            now_s if now_s >= from_s + PHASE_S => Ok(()),
            now_s => Err(now_s - from_s),
        }));
        prometheus.scraped(&["injector", "target"]);
        prometheus.now_s()
    };

    let healthy_s = phase(begun_s);
    let empty = |end_s| -> BTreeSet<&str> {
        let empty = all.iter().filter(|expression| !has_data(&prometheus, expression, end_s));
        empty.map(|expression| expression.what.as_str()).collect()
    };
    let documented: BTreeSet<&str> = EMPTY_WHEN_HEALTHY.into_iter().collect();
    let unlike: Vec<_> = empty(healthy_s).symmetric_difference(&documented).copied().map(str::to_owned).collect();
    assert!(unlike.is_empty(), "empty, and not in the list, or the other way round:\n{}", unlike.join("\n"));

    assert_shown(&prometheus, &all, healthy_s, true);

    // Nobody listens at the other address.
    zone.addresses(NAME, [Ipv4Addr::new(127, 0, 0, 9)]);
    harm.store(true, Ordering::Relaxed);
    // It cannot be read, so that the run goes on as before.
    std::fs::write(&file, scenario.replace("rate: 120/s", "rate: many")).unwrap();
    let seen = |what: &str, expression: &str| {
        run(eventually(what, async || if prometheus.query(expression).is_empty() { Err("none") } else { Ok(()) }));
    };
    seen("the scenario is refused", "continuous_load_client_config_last_reload_successful == 0");
    // Before a fault is injected, since nothing is recorded then.
    seen("failures are recorded", "sum(continuous_load:client_failures:rate5m) > 0");
    let rule = json!({ "ttl": "1m", "match": { "protocol": "http2" }, "fault": "status=503" });
    Admin(addresses.admin).install("drill", &rule);
    let broken_s = phase(prometheus.now_s());
    let empty = empty(broken_s);
    assert!(empty.is_empty(), "still empty:\n{}", Vec::from_iter(empty).join("\n"));
    assert_shown(&prometheus, &all, broken_s, false);

    known(&all, &[get(own.address, "/metrics"), get(addresses.admin, "/metrics")]);
}

/// Every series of an expression is one that the pair exports, and every family of the pair's own is shown somewhere.
fn known(all: &[Expression], expositions: &[String]) {
    let lines = expositions.iter().flat_map(|text| text.lines()).filter_map(|line| line.strip_prefix("# TYPE "));
    let families: Vec<(&str, &str)> = lines.filter_map(|line| line.split_once(' ')).collect();
    let family = |name: &str| {
        let ends = ["_bucket", "_sum", "_count"];
        let base = ends.iter().find_map(|end| name.strip_suffix(end)).unwrap_or(name);
        families
            .iter()
            .any(|(held, kind)| *held == name && *kind != "histogram" || *held == base && *kind == "histogram")
    };
    let used: Vec<_> =
        all.iter().flat_map(|one| selected(&one.text).into_iter().map(move |series| (one, series))).collect();
    for (expression, series) in &used {
        let of_prometheus = ["ALERTS", "scrape_samples_scraped"].contains(&series.name);
        let recorded = rules().to_string().contains(&format!("{:?}", series.name));
        assert!(of_prometheus || recorded || family(series.name), "{}: no {}", expression.what, series.name);
    }
    for (name, _) in families.iter().filter(|(name, _)| name.starts_with("continuous_load_")) {
        let is_shown = used.iter().any(|(_, series)| series.name.starts_with(name));
        let excused = NOT_SHOWN.iter().any(|(held, _)| held == name);
        assert!(is_shown != excused, "{name}: shown: {is_shown}, listed as not shown: {excused}");
    }
}
