//! `--compat k6`: the predecessor's contract series by series, its dashboard and its alerts on ours, and both accounts alike.

mod contract;
pub(crate) mod queries;

use std::array;
use std::time::Duration;

use injector::account::OperationAccount;
use injector::compat::Tags;
use prometheus::{Registry, TextEncoder};
use tokio_util::sync::CancellationToken;

use self::contract::{K6, TARGET, assert_kept};
use self::queries::{Asked, PATHS, STATUSES, TYPES, client_panels, watched};
use crate::fixture::{RunningTarget, assert_accounted, engine, eventually, plan, plan_for_all, run};
use crate::metrics::metric;
use crate::pki::Pki;
use crate::podinfo::dashboard;
use crate::process::{Process, get};
use crate::promtool::{Panel, ask, check, words};
use crate::tools::require;

pub(crate) const SCENARIO: &str = "
target: t
rate: 200/s
timeout: 5s
mix:
  - { name: service, weight: 4, http: { path: /status/200 } }
  - { name: broken, weight: 2, http: { path: \"/status/503?delay=60ms\" } }
  - { name: two, weight: 1, http: { version: 2, method: POST, path: /echo, body: hello } }
  - { name: refused, weight: 1, target: REFUSING, http: {} }
  - { name: calls, weight: 1, grpc: {} }
  - { name: calls-fail, weight: 1, grpc: { fault: status=UNAVAILABLE } }
  - { name: datagrams, weight: 1, udp: {} }
";

/// What one run left: the injector's exposition, the target's, and the injector's own accounts.
struct Seen {
    k6: String,
    target: String,
    accounts: Vec<OperationAccount>,
    asked: Asked,
}

impl Seen {
    /// The account of an operation, by its place in the scenario.
    fn account(&self, operation: usize) -> &OperationAccount {
        &self.accounts[operation]
    }
}

async fn seen() -> Seen {
    let target = RunningTarget::start();
    let (_held, refusing) = crate::fixture::refusing_port();
    let scenario = SCENARIO.replace("REFUSING", &refusing.to_string());
    let mut engine = engine(plan_for_all(&scenario, &target.addresses), Duration::from_secs(2));
    let registry = Registry::new();
    let tags: Tags = "team=payments".parse().unwrap();
    registry.register(Box::new(engine.count_for_k6(tags))).unwrap();
    let finished = engine.run(CancellationToken::new(), |_| ()).await.unwrap();
    finished.accounts.iter().for_each(assert_accounted);
    let accounts = finished.accounts;
    // The target counts a request when its last byte is out, which the injector may have seen before.
    let mut exposition = String::new();
    eventually("the target has counted all", async || {
        exposition = get(target.http, "/metrics");
        let counted = metric("http_request_duration_seconds_count").label("path", "status").sum_in(&exposition);
        if counted == (accounts[0].answered() + accounts[1].answered()) as f64 { Ok(()) } else { Err(counted) }
    })
    .await;
    let authorities = [target.http, target.http, target.http, refusing];
    let asked = Asked {
        urls: array::from_fn(|n| format!("http://{}{}", authorities[n], PATHS[n])),
        per_s: array::from_fn(|n| accounts[n].finished_total() as f64 / 60.0),
    };
    target.stop().await;
    Seen { k6: TextEncoder::new().encode_to_string(&registry.gather()).unwrap(), target: exposition, accounts, asked }
}

/// The same requests stand in both: as many, of the same statuses.
fn assert_alike(seen: &Seen) {
    let requests = |scenario: &str| metric("k6_http_reqs").label("scenario", scenario).by("status", &seen.k6);
    let finished = |operation| seen.account(operation).finished_total() as f64;
    for (operation, (scenario, status)) in TYPES.into_iter().zip(STATUSES).enumerate() {
        assert!(finished(operation) > 0.0, "{scenario}");
        assert_eq!(requests(scenario), [(status.to_owned(), finished(operation))], "{scenario}");
        let failed = metric("k6_http_req_failed").label("scenario", scenario).sum_in(&seen.k6);
        assert_eq!(failed, seen.account(operation).failed() as f64, "{scenario}");
    }
    let proto = metric("k6_http_reqs").label("scenario", "two").by("proto", &seen.k6);
    assert_eq!(proto, [("HTTP/2.0".to_owned(), finished(2))]);
    let refused = metric("k6_http_reqs").label("scenario", "refused").by("error_code", &seen.k6);
    assert_eq!(refused, [("1212".to_owned(), finished(3))]);
    for (operation, (scenario, status)) in [(4, ("calls", "0")), (5, ("calls-fail", "14"))] {
        let calls = metric("k6_grpc_req_duration_count").label("scenario", scenario).by("status", &seen.k6);
        assert_eq!(calls, [(status.to_owned(), finished(operation))], "{scenario}");
    }
    let iterations = metric("k6_iterations").label("scenario", "datagrams").sum_in(&seen.k6);
    assert_eq!(iterations, finished(6), "what k6 has no metrics for is an iteration all the same");
    let total: u64 = seen.accounts.iter().map(OperationAccount::finished_total).sum();
    assert_eq!(metric("k6_iterations").sum_in(&seen.k6), total as f64);
    let sent: u64 = seen.accounts.iter().map(|account| account.sent_bytes).sum();
    assert_eq!(metric("k6_data_sent").sum_in(&seen.k6), sent as f64);
    assert_eq!(metric("k6_vus").sum_in(&seen.k6), 0.0, "all are over");
}

#[test]
fn a_run_is_exported_as_k6_would_have_exported_it() {
    let seen = run(seen());
    assert_kept(&seen.k6, "k6_", &K6, &["team"]);
    assert_kept(&seen.target, "http_", &TARGET, &[]);
    assert_alike(&seen);
}

#[test]
fn the_predecessors_dashboard_and_alerts_find_both_sides() {
    let Some(promtool) = require("promtool") else { return };
    let seen = run(seen());
    for exposition in [&seen.k6, &seen.target] {
        let checked = check(&promtool, exposition);
        // Counters without `_total` are against its taste, which is another exit code than what it cannot read.
        assert!(matches!(checked.status.code(), Some(0 | 3)), "{}", words(&checked));
    }
    let scraped = "namespace=\"load\",pod=\"k6-1\",";
    let expositions = [(&*seen.k6, "k6_", scraped), (&*seen.target, "http_request_", "namespace=\"load\",")];
    let asked = &seen.asked;
    let server = dashboard::panels([asked.per_s[0], asked.per_s[1]]);
    let panels: Vec<Panel> = client_panels(asked).into_iter().chain(watched(asked)).chain(server).collect();
    ask(&promtool, &expositions, &panels);
}

#[test]
fn what_a_handshake_agreed_on_is_a_label() {
    run(async {
        let pki = Pki::new();
        let target = RunningTarget::secured(&pki);
        let https = target.addresses.https.expect("there is a certificate");
        let operation = |name, more| format!("{{ name: {name}, rate: 20/s, connection: fresh, http: {{ {more} }} }}");
        let mix = [operation("one", "version: 1.1"), operation("two", "version: 2")].join(", ");
        let scenario = format!("target: t\ntls: {{ ca: {} }}\ntimeout: 5s\nmix: [ {mix} ]\n", pki.text("ca.pem"));
        let mut engine = engine(plan(&scenario, https, target.admin), Duration::from_secs(1));
        let registry = Registry::new();
        registry.register(Box::new(engine.count_for_k6(Tags::default()))).unwrap();
        let finished = engine.run(CancellationToken::new(), |_| ()).await.unwrap();
        let text = TextEncoder::new().encode_to_string(&registry.gather()).unwrap();
        for (account, scenario) in finished.accounts.iter().zip(["one", "two"]) {
            let requests = metric("k6_http_reqs").label("scenario", scenario).by("tls_version", &text);
            assert_eq!(requests, [("tls1.3".to_owned(), account.success as f64)], "{scenario}");
            let handshakes = metric("k6_http_req_tls_handshaking_sum").label("scenario", scenario).sum_in(&text);
            assert!(handshakes > 0.0, "{scenario}: {handshakes}");
        }
        target.stop().await;
    });
}

#[test]
fn nothing_of_k6_is_exported_unless_asked_for() {
    let (_target, http, admin) = Process::target();
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("one.yaml");
    std::fs::write(&file, "rate: 100/s\nmix: [ { name: service, weight: 1, http: {} } ]\n").unwrap();
    let [http, admin] = [http, admin].map(|address| address.to_string());
    let flags = ["run", file.to_str().unwrap(), "--admin-address", "127.0.0.1:0", "--target", &http];
    let flags: Vec<&str> = flags.into_iter().chain(["--target-admin", &admin]).collect();
    for (more, is_there) in [(&[][..], false), (&["--compat", "k6", "--compat-tags", "team=a,stage=b"], true)] {
        let mut injector = Process::start("injector", &[flags.as_slice(), more].concat());
        let own = injector.address("admin");
        run(eventually("requests are counted", async || {
            let text = get(own, "/metrics");
            let ours = metric("continuous_load_client_requests_total").label("result", "success").sum_in(&text);
            assert_eq!(text.contains("k6_"), is_there, "{more:?}");
            if ours == 0.0 {
                return Err(text.len());
            }
            if is_there {
                let requests = metric("k6_http_reqs").label("team", "a").label("stage", "b").sum_in(&text);
                assert!(requests > 0.0, "{requests}");
            }
            Ok(())
        }));
    }
}
