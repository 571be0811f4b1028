//! One truth: what a real Prometheus holds of a run is what the run itself says, to the last request, and what the two sides'
//! series show while it lasts differs by no more than scraping can explain.
//!
//! The mix has several protocols, asked delays over many buckets, asked errors, asked silence, a port that refuses, and a
//! proxy that loses requests, answers and clients. docs/prometheus.md states the bounds for those who query.

mod bounds;
mod exact;

use std::io::Write as _;
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use serde_json::Value;

use crate::fates::{forward, identity};
use crate::fixture::{ReservedPort, ScriptedServer, Step, run, within};
use crate::lifecycle::target;
use crate::process::Process;
use crate::prometheus::{Job, Prometheus};

const SCENARIO: &str = "
target: HTTP
rate: RATE/s
timeout: 20s
mix:
  - { name: plain, weight: 8, http: {} }
  - { name: spread, weight: 8, http: { fault: \"delay=exp(60ms,max=1s)\" } }
  - { name: errors, weight: 4, http: { fault: \"status=503:20,404:5\" } }
  - { name: two, weight: 4, http: { version: 2, fault: \"status=500:10&delay=20ms..400ms\" } }
  - { name: calls, weight: 4, target: GRPC, grpc: { fault: \"status=UNAVAILABLE:10&delay=exp(60ms,max=1s)\" } }
  - { name: echo, weight: 4, target: TCP, tcp: { fault: \"delay=20ms..300ms\" } }
  - { name: datagrams, weight: 4, target: UDP, udp: { fault: \"delay=20ms..80ms\" } }
  - { name: lookups, weight: 4, target: DNS, dns: { fault: \"rcode=SERVFAIL:10&delay=20ms..80ms\" } }
  - { name: silent, weight: 1, timeout: 5s, target: UDP, udp: { fault: loss=5 } }
  - { name: lossy, weight: 2, target: PROXY, connection: fresh, http: { fault: delay=50ms } }
  - { name: refused, weight: 1, target: REFUSING, connection: fresh, http: {} }
";
/// The sum of the weights.
const WEIGHTS: u64 = 44;

/// Those whose delays are asked for, and so long that the path's share of them is small: both sides see the same durations.
const DELAYED: [&str; 6] = ["spread", "two", "calls", "echo", "datagrams", "lookups"];
/// Those that nothing happens to on the path.
const UNHARMED: [&str; 9] = ["plain", "spread", "errors", "two", "calls", "echo", "datagrams", "lookups", "silent"];

/// How long and how often.
struct Length {
    run_s: u64,
    interval_ms: u32,
    /// Requests per second for each weight.
    per_weight: u64,
    /// Most runs until one is not spoilt by a machine that stands still.
    tries: u32,
}

/// In every run of the tests.
const SHORT: Length = Length { run_s: 20, interval_ms: 1000, per_weight: 5, tries: 3 };
/// The scrape interval that people use, and windows in which one scrape is little.
const LONG: Length = Length { run_s: 240, interval_ms: 1000, per_weight: 5, tries: 2 };

/// What the proxy did, by the numbers of the requests.
#[derive(Default)]
struct Lossy {
    /// Not forwarded.
    dropped: AtomicU64,
    /// Forwarded, and given up at once: the target sees its client go.
    aborted: AtomicU64,
    /// Forwarded and answered, and the answer thrown away.
    unanswered: AtomicU64,
}

impl Lossy {
    fn counts(&self) -> [u64; 3] {
        [&self.dropped, &self.aborted, &self.unanswered].map(|count| count.load(Ordering::Relaxed))
    }
}

/// What there is to know after a run: what Prometheus holds, what the run says, what was done to it.
struct Told<'a> {
    prometheus: Prometheus,
    /// The instant when both sides had been scraped for the last time; soon after, the injector is gone.
    end_s: f64,
    json: Value,
    /// [`Lossy::counts`].
    lossy: [u64; 3],
    length: &'a Length,
}

fn proxy(target: SocketAddr) -> (ScriptedServer, Arc<Lossy>) {
    let lossy: Arc<Lossy> = Arc::default();
    let kept = Arc::clone(&lossy);
    let server = ScriptedServer::start(move |_, head| {
        let count = |count: &AtomicU64| _ = count.fetch_add(1, Ordering::Relaxed);
        match identity(head).id.seq % 20 {
            3 => {
                count(&kept.dropped);
                Step::Close
            }
            7 => {
                count(&kept.aborted);
                TcpStream::connect(target).unwrap().write_all(head.as_bytes()).unwrap();
                Step::Close
            }
            11 => {
                count(&kept.unanswered);
                forward(target, head);
                Step::Close
            }
            _ => Step::Last(forward(target, head)),
        }
    });
    (server, lossy)
}

/// Runs the mix under the eyes of a Prometheus; both sides are scraped once more after its end.
fn told(length: &Length) -> Option<Told<'_>> {
    let (_target, addresses) = target(&[]);
    let (proxy, lossy) = proxy(addresses.http);
    // The injector does not begin unless somebody listens everywhere.
    let refusing = ReservedPort::new();
    let listening = TcpListener::bind(refusing.address).unwrap();
    // Known before the injector starts, which does not wait for anybody to find it.
    let own = ReservedPort::new();
    let jobs = [("injector", own.address), ("target", addresses.admin)];
    let jobs = jobs.map(|(name, address)| Job { name, address, labels: &[] });
    let prometheus = Prometheus::start(length.interval_ms, &jobs)?;
    prometheus.scraped(&["target"]);

    let mut scenario = SCENARIO.replace("RATE", &(WEIGHTS * length.per_weight).to_string());
    let [grpc, tcp, udp, dns] = [addresses.grpc, addresses.tcp, addresses.udp, addresses.dns].map(Option::unwrap);
    for (word, address) in [
        ("HTTP", addresses.http),
        ("GRPC", grpc),
        ("TCP", tcp),
        ("UDP", udp),
        ("DNS", dns),
        ("PROXY", proxy.address),
        ("REFUSING", refusing.address),
    ] {
        scenario = scenario.replace(&format!("target: {word}"), &format!("target: \"{address}\""));
    }
    let folder = tempfile::tempdir().unwrap();
    let [file, result] = ["mix.yaml", "result.json"].map(|name| folder.path().join(name));
    std::fs::write(&file, scenario).unwrap();
    let [admin, own] = [addresses.admin, own.address].map(|address| address.to_string());
    let run_for = format!("{}s", length.run_s);
    let flags = ["run", file.to_str().unwrap(), "--for", &run_for, "--linger", "10m", "--compat", "k6"];
    let more = ["--admin-address", &own, "--target-admin", &admin, "--json", result.to_str().unwrap()];
    let mut injector = Process::start("injector", &[&flags[..], &more].concat());
    injector.line_with("running");
    drop(listening);
    injector.line_with("lingering for");
    run(within(Duration::from_secs(60), "the result", async || if result.exists() { Ok(()) } else { Err(()) }));
    prometheus.scraped(&["injector", "target"]);
    let end_s = prometheus.now_s();
    injector.signal("TERM");
    let json: Value = serde_json::from_slice(&std::fs::read(&result).unwrap()).unwrap();
    // A machine that is too slow for the plan makes the run invalid, and its figures are true all the same.
    assert_eq!(injector.end().0.map(Value::from), Some(json["verdict"]["exit_code"].clone()), "{}", json["verdict"]);
    assert_eq!(json["target_error"], Value::Null);
    Some(Told { prometheus, end_s, json, lossy: lossy.counts(), length })
}

impl Told<'_> {
    /// Whether all that nothing was done to had its answers in time.
    fn is_calm(&self) -> bool {
        let lacks =
            |client: &Value| ["failure", "dropped_late", "dropped_limit"].map(|what| client[what].as_u64().unwrap());
        self.operations().filter(|(name, _)| UNHARMED.contains(name)).all(|(_, one)| lacks(&one["client"]) == [0; 3])
    }

    /// The operations of the result.
    fn operations(&self) -> impl Iterator<Item = (&str, &Value)> {
        self.json["operations"].as_array().unwrap().iter().map(|one| (one["name"].as_str().unwrap(), one))
    }
}

/// The expressions of docs/prometheus.md.
fn documented() -> Vec<String> {
    let text = include_str!("../../../docs/prometheus.md");
    let blocks = text.split("```promql\n").skip(1).map(|rest| rest.split("```").next().unwrap());
    let code = |text: &str| text.lines().filter(|line| !line.starts_with('#')).collect::<Vec<_>>().join("\n");
    let expressions: Vec<String> = blocks.flat_map(|block| block.split("\n\n")).map(code).collect();
    assert!(expressions.len() >= 5, "{expressions:?}");
    expressions
}

/// Prometheus holds what the run says, however slow this machine is. What the mix has to give, and how the two sides look
/// under way, is told by a run in which nothing timed out and scrapes came through; others are said and followed by another.
fn both_sides_and_prometheus_agree(length: &Length) {
    for _ in 0..length.tries {
        let Some(told) = told(length) else { return };
        let mut wrong = exact::wrong(&told);
        let bounds = if told.is_calm() { bounds::wrong(&told) } else { None };
        let is_whole = bounds.is_some();
        wrong.extend(bounds.into_iter().flatten());
        for expression in documented() {
            let found = told.prometheus.query_at(&expression, told.end_s);
            let has_data = found.iter().any(|series| series.value().is_finite());
            wrong.extend((!has_data).then(|| format!("docs/prometheus.md: {expression} finds nothing: {found:?}")));
        }
        assert!(wrong.is_empty(), "{} wrong:\n{}", wrong.len(), wrong.join("\n"));
        if is_whole {
            return;
        }
        println!("this machine stood still, once more: {}", told.json["verdict"]);
    }
    panic!("{} runs in a row in which requests timed out or scrapes did not come through", length.tries);
}

#[test]
fn prometheus_tells_the_same_of_both_sides() {
    both_sides_and_prometheus_agree(&SHORT);
}

#[test]
#[ignore = "takes five minutes; make soak runs it"]
fn soak_prometheus_tells_the_same_of_both_sides() {
    both_sides_and_prometheus_agree(&LONG);
}
