//! Several targets behind one name, each a process with a name of its own: both sides agree replica by replica, and the
//! report says which does not.

use std::collections::BTreeMap;
use std::net::{Ipv4Addr, SocketAddr};

use serde_json::{Value, json};

use crate::fleet::Fleet;
use crate::metrics::metric;
use crate::process::{Process, get};
use crate::zone::Zone;

/// Every protocol, on connections enough that every replica answers.
const EVERYTHING: [(&str, &str); 9] = [
    ("web-fresh", "target: 'target.test:{http}', connection: fresh, http: { fault: size=100 }"),
    ("web-pooled", "target: 'target.test:{http}', connection: pooled(6), http: { fault: 'status=503:30' }"),
    ("web-two", "target: 'target.test:{http}', connection: pooled(6), http: { version: 2 }"),
    ("rpc", "target: 'target.test:{grpc}', connection: pooled(6), grpc: {}"),
    ("echo-tcp", "target: 'target.test:{tcp}', connection: fresh, tcp: { body: hello }"),
    ("echo-udp", "target: 'target.test:{udp}', connection: fresh, udp: { body: hello }"),
    ("names-udp", "target: 'target.test:{dns}', connection: fresh, dns: {}"),
    ("names-tcp", "target: 'target.test:{dns}', connection: fresh, dns: { transport: tcp }"),
    ("names-again", "target: 'target.test:{dns}', connection: fresh, dns: { fallback: true, fault: 'fault=tc' }"),
];

/// One protocol, for what has nothing to do with protocols.
const WEB: [(&str, &str); 1] = [("web", "target: 'target.test:{http}', connection: fresh, http: {}")];

/// Three replicas, a name for what they serve, and one for their admin ports.
struct Cluster {
    fleet: Fleet,
    zone: Zone,
}

/// What a run came to.
struct Report {
    json: Value,
    text: String,
}

impl Cluster {
    fn start() -> Cluster {
        let cluster = Cluster { fleet: Fleet::start(3), zone: Zone::start() };
        cluster.zone.addresses("target.test", cluster.fleet.ips());
        cluster.zone.addresses("admin.test", cluster.fleet.ips());
        cluster
    }

    fn server(&self, index: usize) -> String {
        format!("replica-{index}/-/-")
    }

    /// Runs these operations for so many seconds; `meanwhile` sees the injector run, with its admin port.
    fn run(
        &mut self,
        mix: &[(&str, &str)],
        seconds: u32,
        meanwhile: impl FnOnce(&mut Cluster, &mut Process, SocketAddr),
    ) -> Report {
        let folder = tempfile::tempdir().unwrap();
        let file = |name: &str| folder.path().join(name).to_str().unwrap().to_owned();
        let mut scenario = "rate: 200/s\narrival: poisson\ntimeout: 2s\nmix:\n".to_owned();
        for (name, rest) in mix {
            scenario += &format!("  - {{ name: {name}, weight: 1, {rest} }}\n");
        }
        for protocol in ["http", "grpc", "tcp", "udp", "dns"] {
            scenario = scenario.replace(&format!("{{{protocol}}}"), &self.fleet.port(protocol).to_string());
        }
        std::fs::write(file("s.yaml"), scenario).unwrap();
        let admin = format!("admin.test:{}", self.fleet.port("admin"));
        let nameserver = self.zone.address.to_string();
        let length = format!("{seconds}s");
        let mut injector = Process::start(
            "injector",
            &[
                "run",
                "--for",
                &length,
                "--admin-address",
                "127.0.0.1:0",
                "--nameserver",
                &nameserver,
                "--target-admin",
                &admin,
                "--json",
                &file("r.json"),
                &file("s.yaml"),
            ],
        );
        let own_admin = injector.address("admin");
        meanwhile(self, &mut injector, own_admin);
        let (_, text) = injector.end();
        let json = std::fs::read(file("r.json")).unwrap_or_else(|error| panic!("{error}: {text}"));
        Report { json: serde_json::from_slice(&json).unwrap(), text }
    }
}

impl Report {
    /// The row of a replica.
    fn replica(&self, server: &str) -> &Value {
        let rows = self.json["replicas"].as_array().unwrap();
        rows.iter().find(|row| row["server"] == server).unwrap_or_else(|| panic!("no {server}: {rows:#?}"))
    }

    /// No difference between both sides is left over. Whether the machine kept up with the plan is not the question here.
    fn is_explained(&self) {
        let left = |operation: &Value| operation["difference"]["unexplained"].as_u64().unwrap_or(0);
        let unexplained: u64 = self.json["operations"].as_array().unwrap().iter().map(left).sum();
        assert!(unexplained == 0 && !self.text.contains("unexplained"), "{}", self.text);
    }

    fn says(&self, words: &str) {
        assert!(self.text.contains(words), "{words:?} is not in\n{}", self.text);
    }
}

/// Some counts of a JSON object.
fn counts<const N: usize>(of: &Value, keys: [&str; N]) -> [u64; N] {
    keys.map(|key| of[key].as_u64().unwrap_or_else(|| panic!("{key}: {of:#}")))
}

#[test]
fn both_sides_agree_replica_by_replica_on_every_protocol() {
    let mut cluster = Cluster::start();
    let mut metrics = String::new();
    let report = cluster.run(&EVERYTHING, 3, |_, injector, admin| {
        injector.has_run_for(2.0);
        metrics = get(admin, "/metrics");
    });
    report.is_explained();
    assert_eq!(report.json["replicas"].as_array().unwrap().len(), 3);
    for (at, (name, rest)) in EVERYTHING.iter().enumerate() {
        let operation = &report.json["operations"][at];
        assert_eq!(operation["difference"]["unexplained"], 0, "{name}: {}", report.text);
        let mut sums = [0; 3];
        let servers = operation["client"]["by_backend"]["servers"].as_object().unwrap();
        // Which of them a pool's connections lead to is chance.
        assert!(servers.len() == 3 || rest.contains("pooled"), "{name}: {servers:#?}");
        for index in (0..3).filter(|index| servers.contains_key(&cluster.server(*index))) {
            let server = cluster.server(index);
            let row = &report.replica(&server)["operations"][*name];
            let [received, answered] = counts(&row["server"], ["received", "answered"]);
            let [seen] = counts(&row["client"], ["answered"]);
            assert!(seen > 0, "{name} of {server}: {row:#}");
            assert_eq!((received, answered, &row["difference"]), (seen, seen, &json!(0)), "{name} of {server}");
            assert_eq!(servers[&server], row["client"], "{name} of {server}");
            sums = [sums[0] + received, sums[1] + answered, sums[2] + seen];
            // The replica says the same to whoever asks it.
            let path = format!("/account/{}", report.json["session"].as_str().unwrap());
            let said: Value = serde_json::from_str(&cluster.fleet.admin(index, &path)).unwrap();
            assert_eq!((&said["server"], &said["operations"][*name]["received"]), (&json!(server), &json!(received)));
        }
        let [sent, again] = counts(&operation["client"], ["sent", "fallbacks"]);
        assert_eq!(sums, [sent + again; 3], "{name}");
        let [received] = counts(&operation["server"], ["received"]);
        assert_eq!(received, sent + again, "{name}");
        // Of the seconds so far, of which there is one more at the end.
        let gauge = metric("continuous_load_client_backends_seen").label("operation", name).sum_in(&metrics);
        assert!((1.0..=servers.len() as f64).contains(&gauge), "{name}: {gauge}");
        assert!(gauge >= 2.0 || rest.contains("pooled"), "{name}: {gauge}");
        assert!(!metrics.contains("replica-1"), "a name from the network is no label");
    }
    report.says("backends: target.test: 3 seen, the name has 3 addresses\n");
    report.says("\nby replica, what it says and what this side had from it\n");
    assert!(!report.text.contains("replica replica-"), "there is nothing to remark: {}", report.text);
}

#[test]
fn a_replica_that_is_killed_is_named_with_what_came_from_it() {
    let mut cluster = Cluster::start();
    const SLOWER: [(&str, &str); 1] =
        [("web", "target: 'target.test:{http}', connection: fresh, http: { fault: 'delay=300ms' }")];
    let report = cluster.run(&SLOWER, 4, |cluster, injector, _| {
        injector.has_run_for(2.0);
        cluster.fleet.kill(1);
    });
    let (killed, address) = (report.replica("replica-1/-/-"), cluster.fleet.at(1, "admin").to_string());
    let [seen] = counts(&killed["total"]["client"], ["answered"]);
    assert!(seen > 0 && killed["total"]["server"].is_null() && killed["total"]["difference"].is_null());
    assert_eq!(killed["addresses"], json!([address]), "known from the beginning of the run");
    let error = killed["error"].as_str().unwrap();
    assert!(error.contains("connect_refused"), "{error}");
    report.says(&format!("replica replica-1/-/-: {error}; {seen} answers came from it\n"));
    for index in [0, 2] {
        let row = &report.replica(&cluster.server(index))["total"];
        let [answered] = counts(&row["server"], ["answered"]);
        assert_eq!((counts(&row["client"], ["answered"]), &row["difference"]), ([answered], &json!(0)));
    }
    // What it knew is gone: neither is anything claimed of the whole, nor that what it was sent never arrived.
    let operation = &report.json["operations"][0];
    assert!(operation["difference"].is_null(), "{operation:#}");
    let [refused, unanswered] =
        [&operation["client"]["errors"]["connect_refused"], &operation["client"]["unanswered"]["total"]];
    assert!(refused.as_u64().unwrap() > 0, "{operation:#}");
    assert!(unanswered.as_u64() > Some(0), "some were there when it was killed: {operation:#}");
    assert_eq!(operation["client"]["unanswered"]["unknown"], *unanswered);
}

#[test]
fn a_replica_that_begins_anew_is_named() {
    let mut cluster = Cluster::start();
    let report = cluster.run(&WEB, 5, |cluster, injector, _| {
        injector.has_run_for(2.0);
        cluster.fleet.kill(2);
        cluster.fleet.revive(2);
    });
    let row = report.replica("replica-2/-/-");
    assert_eq!((&row["restarted"], &row["error"]), (&json!(true), &Value::Null), "{row:#}");
    let [answered] = counts(&row["total"]["server"], ["answered"]);
    let [seen] = counts(&row["total"]["client"], ["answered"]);
    assert!(answered > 0 && answered < seen, "{answered} of {seen}");
    let fewer = seen - answered;
    report.says(&format!("web: answered {fewer} fewer than this side saw from it: its account began anew\n"));
    let difference = &report.json["operations"][0]["difference"];
    assert_eq!((&difference["restarted"], &difference["unexplained"]), (&json!(true), &json!(0)), "{}", report.text);
    report.is_explained();
}

#[test]
fn a_replica_whose_admin_port_cannot_be_reached_is_named_and_nothing_is_claimed() {
    let mut cluster = Cluster::start();
    // Nothing listens at the address after the last.
    let nobody = cluster.fleet.ip(3);
    let admins: [Ipv4Addr; 3] = [cluster.fleet.ip(0), cluster.fleet.ip(1), nobody];
    cluster.zone.addresses("admin.test", admins);
    let report = cluster.run(&WEB, 2, |_, _, _| ());
    report.is_explained();
    assert!(report.json["operations"][0]["difference"].is_null());
    report.says("difference: web: ");
    report.says("difference: a part of the target's side is missing, so nothing is explained:\n");
    report.says(&format!("replica {}: ", SocketAddr::from((nobody, cluster.fleet.port("admin")))));
    let row = report.replica("replica-2/-/-");
    let [seen] = counts(&row["total"]["client"], ["answered"]);
    let words = format!("at none of the addresses that were asked; {seen} answers came from it\n");
    report.says(&format!("replica replica-2/-/-: {words}"));
}

/// Every fifth answer takes longer than anybody waits for it, so that it is asked what became of the request.
const SLOW: [(&str, &str); 1] =
    [("slow", "target: 'target.test:{http}', connection: fresh, timeout: 500ms, http: { fault: 'p=20&delay=3s' }")];

#[test]
fn one_admin_address_before_several_replicas_is_noticed() {
    let mut cluster = Cluster::start();
    cluster.zone.addresses("admin.test", [cluster.fleet.ip(0)]);
    let report = cluster.run(&SLOW, 3, |_, _, _| ());
    // Without the names in the answers this would be a difference that nothing explains.
    report.is_explained();
    assert!(report.json["operations"][0]["difference"].is_null());
    // All had arrived. Those that the one has seen are known to have; of the others nobody can tell.
    let unanswered = &report.json["operations"][0]["client"]["unanswered"];
    let [request_lost, response_lost, unknown] = counts(unanswered, ["request_lost", "response_lost", "unknown"]);
    assert!(request_lost == 0 && response_lost > 0 && unknown > 0, "{unanswered:#}");
    assert_eq!(unanswered["reasons"], json!({ "unasked": unknown }));
    report.says("the two sides were not compared: servers that were never asked answered slow\n");
    report.says("replica replica-1/-/-: at none of the addresses that were asked; ");
}

#[test]
fn a_replica_that_leaves_the_name_is_asked_all_the_same() {
    let mut cluster = Cluster::start();
    let report = cluster.run(&WEB, 4, |cluster, injector, _| {
        injector.has_run_for(2.0);
        let left = [cluster.fleet.ip(0), cluster.fleet.ip(1)];
        cluster.zone.addresses("target.test", left);
        cluster.zone.addresses("admin.test", left);
    });
    report.is_explained();
    assert_eq!(report.json["operations"][0]["difference"]["unexplained"], 0);
    let row = &report.replica("replica-2/-/-")["total"];
    assert!(counts(&row["client"], ["answered"])[0] > 0 && row["difference"] == 0, "{row:#}");
    report.says("3 seen, the name has 2 addresses: the name changed, or something before them spreads the requests\n");
}

#[test]
fn a_replica_that_leaves_the_name_and_ends_took_its_account_along() {
    let mut cluster = Cluster::start();
    let report = cluster.run(&WEB, 5, |cluster, injector, _| {
        injector.has_run_for(2.0);
        let left = [cluster.fleet.ip(0), cluster.fleet.ip(1)];
        cluster.zone.addresses("target.test", left);
        cluster.zone.addresses("admin.test", left);
        injector.has_run_for(3.0);
        cluster.fleet.kill(2);
    });
    // Nothing was lost, so nobody had a reason to ask before the end.
    assert_eq!(report.json["operations"][0]["client"]["unanswered"]["total"], 0, "{}", report.text);
    let difference = &report.json["operations"][0]["difference"];
    assert_eq!((&difference["restarted"], &difference["unexplained"]), (&json!(true), &json!(0)), "{}", report.text);
    report.is_explained();
    let row = report.replica("replica-2/-/-");
    assert_eq!((&row["restarted"], &row["total"]["server"]), (&json!(true), &Value::Null), "{row:#}");
    report.says("replica replica-2/-/-: ");
}

#[test]
fn receipts_of_all_replicas_decide_what_became_of_a_request() {
    let mut cluster = Cluster::start();
    let report = cluster.run(&SLOW, 3, |_, _, _| ());
    let operation = &report.json["operations"][0];
    let [total, response_lost] = counts(&operation["client"]["unanswered"], ["total", "response_lost"]);
    assert!(total > 20 && response_lost == total, "all had arrived, each somewhere: {}", report.text);
    assert_eq!(operation["difference"]["unexplained"], 0, "{}", report.text);
    let rows = [0, 1, 2].map(|index| report.replica(&cluster.server(index))["total"].clone());
    let failed = rows.each_ref().map(|row| {
        let [received, answered, failed] = counts(&row["server"], ["received", "answered", "failed"]);
        assert_eq!((received, &row["difference"]), (answered + failed, &json!(0)), "{row:#}");
        assert!(failed > 0, "{row:#}");
        failed
    });
    assert_eq!(failed.iter().sum::<u64>(), total);
}

#[test]
fn an_address_that_never_answers_is_counted() {
    let mut cluster = Cluster::start();
    let mut everybody = cluster.fleet.ips();
    everybody.push(cluster.fleet.ip(3));
    cluster.zone.addresses("target.test", everybody);
    let report = cluster.run(&WEB, 2, |_, _, _| ());
    let silent = cluster.fleet.ip(3).to_string();
    report.says(&format!("backends: target.test: 3 seen, the name has 4 addresses: 1 never answered ({silent})\n"));
    assert_eq!(report.json["backends"][0]["never_answered"], json!([silent]));
    let by_error: BTreeMap<String, u64> =
        serde_json::from_value(report.json["operations"][0]["client"]["errors"].clone()).unwrap();
    assert!(by_error["connect_refused"] > 0, "{by_error:?}");
}
