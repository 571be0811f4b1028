//! The predecessor's dashboard and alerts on a real Prometheus that scrapes a real target and `injector run --compat k6`:
//! every expression finds what it looks for, and no alert is silent that has to fire.

use std::array;
use std::collections::{BTreeMap, BTreeSet};
use std::net::TcpListener;
use std::time::Duration;

use serde_json::Value;

use crate::fixture::{ReservedPort, run, within};
use crate::k6_compat::SCENARIO;
use crate::k6_compat::queries::{Asked, PATHS, alerts, client_panels, watched};
use crate::lifecycle::target;
use crate::podinfo::dashboard;
use crate::process::Process;
use crate::prometheus::{Job, Prometheus};

/// Between two scrapes.
const INTERVAL_MS: u32 = 250;
/// What was sent before the first scrape is not in an increase, and a slow machine misses some scrapes: two seconds of the
/// eight that the run lasts. That the numbers are exact is proven elsewhere.
const TOLERANCE: f64 = 0.25;

/// The labels of a text such as `{a="b",c="d"}`.
fn labels(text: &str) -> BTreeMap<String, String> {
    let pairs = text.trim_matches(['{', '}']).split("\",").filter(|pair| !pair.is_empty());
    let pair =
        |pair: &str| pair.split_once("=\"").map(|(name, value)| (name.to_owned(), value.trim_matches('"').to_owned()));
    pairs.map(|text| pair(text).unwrap()).collect()
}

#[test]
fn every_expression_finds_what_it_looks_for() {
    let (_target, addresses) = target(&[]);
    let refusing = ReservedPort::new();
    let listening = TcpListener::bind(refusing.address).unwrap();
    let own = ReservedPort::new();
    let client = Job { name: "k6", address: own.address, labels: &[("namespace", "load"), ("pod", "k6-1")] };
    let server = Job { name: "podinfo", address: addresses.http, labels: &[("namespace", "load")] };
    let Some(prometheus) = Prometheus::start(INTERVAL_MS, &[client, server]) else { return };
    prometheus.scraped(&["podinfo"]);

    let at = |call: &str, address| (format!("{call}: {{"), format!("target: \"{address}\", {call}: {{"));
    let [grpc, udp] = [("grpc", addresses.grpc), ("udp", addresses.udp)].map(|(call, one)| at(call, one.unwrap()));
    let scenario =
        SCENARIO.replace("rate: 200/s", "rate: 400/s").replace("REFUSING", &format!("\"{}\"", refusing.address));
    let scenario = scenario.replace(&grpc.0, &grpc.1).replace(&udp.0, &udp.1);
    let folder = tempfile::tempdir().unwrap();
    let [file, result] = ["mix.yaml", "result.json"].map(|name| folder.path().join(name));
    std::fs::write(&file, scenario).unwrap();
    let [http, admin, own] = [addresses.http, addresses.admin, own.address].map(|address| address.to_string());
    let mut injector = Process::start(
        "injector",
        &[
            &["run", file.to_str().unwrap(), "--for", "8s", "--linger", "10m", "--compat", "k6", "--target", &http][..],
            &["--target-admin", &admin, "--admin-address", &own, "--json", result.to_str().unwrap()],
        ]
        .concat(),
    );
    injector.line_with("running");
    drop(listening);
    injector.line_with("lingering");
    run(within(Duration::from_secs(60), "the result", async || if result.exists() { Ok(()) } else { Err(()) }));
    prometheus.scraped(&["k6", "podinfo"]);
    let now_s = prometheus.now_s();

    let json: Value = serde_json::from_slice(&std::fs::read(&result).unwrap()).unwrap();
    let finished = |n: usize| {
        let client = &json["operations"][n]["client"];
        client["success"].as_f64().unwrap() + client["failure"].as_f64().unwrap()
    };
    let authorities = [addresses.http, addresses.http, addresses.http, refusing.address];
    let asked = Asked {
        urls: array::from_fn(|n| format!("http://{}{}", authorities[n], PATHS[n])),
        per_s: array::from_fn(|n| finished(n) / 60.0),
    };
    let server = dashboard::panels([asked.per_s[0], asked.per_s[1]]);
    for panel in client_panels(&asked).into_iter().chain(watched(&asked)).chain(server) {
        let found = prometheus.query_at(&panel.query, now_s);
        let found: BTreeMap<_, f64> = found.iter().map(|one| (one.labels.clone(), one.value())).collect();
        let wanted: BTreeMap<_, f64> = panel.wanted.iter().map(|(text, value)| (labels(text), *value)).collect();
        assert_eq!(found.keys().collect::<Vec<_>>(), wanted.keys().collect::<Vec<_>>(), "{}", panel.query);
        for (labels, value) in found {
            let wanted = wanted[&labels];
            let near = (value - wanted).abs() <= TOLERANCE * wanted;
            assert!(near, "{} gives {value} and not {wanted} for {labels:?}", panel.query);
        }
    }
    for alert in alerts(&asked) {
        let found = prometheus.query_at(&alert.query(), now_s);
        let found: BTreeSet<_> = found.into_iter().map(|one| one.labels).collect();
        let must: BTreeSet<_> = alert.firing.iter().map(|text| labels(text)).collect();
        // A machine that is slow makes more of them slow.
        let is_right = if alert.query().contains("le=") { found.is_superset(&must) } else { found == must };
        assert!(is_right, "{}: {found:?} fire, and not {must:?}", alert.query());
    }
}
