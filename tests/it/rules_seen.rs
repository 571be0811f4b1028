//! Fault rules as the injector sees them: a client cannot tell a rule's reset from the path's, and yet both sides agree on
//! how many there were.

use std::io::{Read as _, Write as _};
use std::net::{SocketAddr, TcpStream};
use std::time::Duration;

use crate::agree::{Said, both_sides};
use crate::fixture::{RunningTarget, assert_accounted, plan, plan_for_all, run};
use crate::metrics::metric;
use crate::process::{FREE_PORTS, Process};

/// Operations that ask for nothing, over everything there is (of DNS a name below `f`: those under `ok` are never faulted);
/// and one that asks, which a rule does not overrule.
const MIX: &str = "
target: t
rate: 350/s
timeout: 2s
mix:
  - { name: http, weight: 10, http: {} }
  - { name: http2, weight: 10, http: { version: 2 } }
  - { name: grpc, weight: 10, grpc: {} }
  - { name: tcp, weight: 10, tcp: {} }
  - { name: udp, weight: 5, connection: fresh, udp: {} }
  - { name: dns-udp, weight: 10, dns: { name: xrules.f.cload.test. } }
  - { name: dns-tcp, weight: 10, dns: { name: xrules.f.cload.test., transport: tcp } }
  - { name: asking, weight: 5, http: { fault: status=404 } }
";

/// A rule per protocol: its id, what it matches, what it does.
const RULES: [(&str, &str, &str); 5] = [
    ("web", r#"["http", "http2"]"#, "status=503"),
    ("call", r#""grpc""#, "status=UNAVAILABLE"),
    ("cut", r#""tcp""#, "fault=reset"),
    ("lost", r#""udp""#, "loss=true"),
    ("name", r#"["dns_udp", "dns_tcp"]"#, "rcode=SERVFAIL"),
];

/// An operation, the rule that its answers name (nothing: no answer came that could), the class of its failures, and their
/// code.
const HIT: [(&str, Option<&str>, &str, &str); 7] = [
    ("http", Some("web"), "status", "503"),
    ("http2", Some("web"), "status", "503"),
    ("grpc", Some("call"), "status", "UNAVAILABLE"),
    ("tcp", None, "reset", ""),
    ("udp", None, "timeout", ""),
    ("dns-udp", Some("name"), "status", "SERVFAIL"),
    ("dns-tcp", Some("name"), "status", "SERVFAIL"),
];

#[test]
fn every_failure_by_a_rule_is_the_targets_doing_on_both_sides() {
    run(async {
        let target = RunningTarget::start();
        for (id, protocol, fault) in RULES {
            let rule =
                format!(r#"{{"ttl": "5m", "match": {{"protocol": {protocol}}}, "percent": 50, "fault": "{fault}"}}"#);
            put(target.admin, &format!("/faults/{id}"), &rule);
        }
        let plan = plan_for_all(MIX, &target.addresses);
        let said = both_sides(plan, target.admin, Duration::from_secs(2)).await;
        for (name, rule, class, code) in HIT {
            assert_hit(&said, name, rule, class, code);
        }
        let asking = &said.ours[said.names.iter().position(|held| held == "asking").unwrap()];
        assert_eq!((asking.success, asking.by_rule), (asking.planned, 0), "its own words are stronger: {asking:?}");
        target.stop().await;
    });
}

#[test]
fn who_may_not_ask_for_faults_learns_which_flag_says_so() {
    let arguments = [&FREE_PORTS[..], &["--fault-cidrs", "127.64.0.0/10"]].concat();
    let mut target = Process::start("target-server", &arguments);
    let (http, admin) = (target.address("http"), target.address("admin"));
    let scenario = "target: t\nmix:\n- { name: asking, rate: 50/s, http: { fault: status=503 } }\n";
    let said = run(both_sides(plan(scenario, http, admin), admin, Duration::from_millis(500)));
    let [ours] = &said.ours[..] else { panic!("{:?}", said.names) };
    assert_eq!((ours.success, ours.by_rule), (0, 0));
    assert_eq!(ours.codes.iter().map(|(code, count)| (code.label(), *count)).collect::<Vec<_>>(), [("200".into(), 25)]);
    let examples: Vec<&String> = ours.examples.iter().flatten().collect();
    assert!(examples.len() == 1 && examples[0].ends_with("--fault-cidrs"), "{examples:?}");
    let by = |side: &str, text: &str| metric(&format!("continuous_load_{side}_requests_total")).by("injected", text);
    assert_eq!(by("client", &said.client), [("true".to_owned(), 25.0)]);
    assert_eq!(by("server", &said.server), [("true".to_owned(), 25.0)]);
}

fn assert_hit(said: &Said, name: &str, rule: Option<&str>, class: &str, code: &str) {
    let ours = &said.ours[said.names.iter().position(|held| held == name).unwrap()];
    let theirs = &said.theirs.operations[name];
    assert_accounted(ours);
    let examples: Vec<&String> = ours.examples.iter().flatten().collect();
    assert_eq!(theirs.by_rule, ours.failed(), "{name}: {theirs:?} {examples:?}");
    assert!(ours.success > 0 && ours.failed() > 0, "{name}: about a half of {}: {examples:?} {theirs:?}", ours.planned);
    assert_eq!(theirs.failed_total(), 0, "{name}: the target did as it was told");
    assert_eq!((theirs.received, theirs.answered_total()), (ours.sent, ours.answered()), "{name}");
    let declared = if rule.is_some() { ours.failed() } else { 0 };
    assert_eq!((ours.by_rule, ours.failed_by_rule), (declared, declared), "{name}");
    let [example] = &examples[..] else { panic!("{name}: failures of one kind: {examples:?}") };
    let named = rule.map(|rule| format!(", by the target's rule {rule}")).unwrap_or_default();
    assert!(example.contains("got ") && example.ends_with(&named), "{name}: {example}");
    assert!(rule.is_some() || !example.contains("rule"), "{name}: {example}");

    let client = || metric("continuous_load_client_requests_total").label("operation", name);
    let server = || metric("continuous_load_server_requests_total").label("operation", name);
    let failed = ours.failed() as f64;
    assert_eq!(client().by("code", &said.client), server().by("code", &said.server), "{name}");
    let hit = server().label("injected", "true");
    assert_eq!(hit.by("code", &said.server), [(code.to_owned(), failed)], "{name}");
    assert_eq!(hit.by("result", &said.server), [("success".to_owned(), failed)], "{name}");
    // What no answer declares is to the client a failure like others.
    let injected = if rule.is_some() { "true" } else { "false" };
    let failures = client().label("result", "failure");
    assert_eq!(failures.by("injected", &said.client), [(injected.to_owned(), failed)], "{name}");
    assert_eq!(failures.by("code", &said.client), [(code.to_owned(), failed)], "{name}");
    assert_eq!(failures.by("error", &said.client), [(class.to_owned(), failed)], "{name}");
    if rule.is_some() {
        assert_eq!(client().by("injected", &said.client), server().by("injected", &said.server), "{name}");
        let count = |side: &str, text: &str| {
            let name_of = format!("continuous_load_{side}_request_duration_seconds_count");
            metric(&name_of).label("operation", name).by("injected", text)
        };
        assert_eq!(count("client", &said.client), count("server", &said.server), "{name}");
    }
}

/// Installs a rule.
/// Installs a rule.
pub(crate) fn put(admin: SocketAddr, path: &str, rule: &str) {
    let mut stream = TcpStream::connect(admin).unwrap();
    stream.set_read_timeout(Some(Duration::from_secs(60))).unwrap();
    let length = rule.len();
    let head =
        format!("PUT {path} HTTP/1.1\r\nhost: {admin}\r\nconnection: close\r\ncontent-type: application/json\r\n");
    stream.write_all(format!("{head}content-length: {length}\r\n\r\n{rule}").as_bytes()).unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).unwrap();
    assert!(answer.starts_with("HTTP/1.1 20"), "PUT {path}: {answer}");
}
