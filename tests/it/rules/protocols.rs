//! One rule for each protocol: it strikes, says so, is counted, and lets go.

use serde_json::json;
use shared::protocol::Protocol;

use super::admin::Admin;
use super::ask::{Seen, ask};
use crate::fixture::{RunningTarget, run};
use crate::metrics::metric;
use crate::process::timed;

/// Of a protocol: a fault, the effect it is counted as, what the client then sees, and the fault as it is marked.
const CASES: [(Protocol, &str, &str, &str, &str); 7] = [
    (Protocol::Http, "status=503", "status", "503", "status=503"),
    (Protocol::Http2, "status=503", "status", "503", "status=503"),
    (Protocol::Grpc, "status=UNAVAILABLE", "status", "14", "status=UNAVAILABLE"),
    (Protocol::Tcp, "corrupt=true", "corrupt", "other", "corrupt:true"),
    (Protocol::Udp, "corrupt=true", "corrupt", "other", "corrupt:true"),
    (Protocol::DnsUdp, "rcode=SERVFAIL", "rcode", "2", "rcode=SERVFAIL"),
    (Protocol::DnsTcp, "rcode=SERVFAIL", "rcode", "2", "rcode=SERVFAIL"),
];

fn assert_struck(seen: &Seen, said: &str, mark: &str, rule: &str) {
    if said == "other" {
        assert!(!seen.said.contains(super::ask::PAYLOAD), "{seen:?}");
    } else {
        assert_eq!(seen.said, said, "{seen:?}");
    }
    let fault = seen.fault.as_deref().unwrap_or_else(|| panic!("no mark of the fault: {seen:?}"));
    assert!(fault.starts_with(mark), "{seen:?}");
    assert_eq!(seen.rule.as_deref(), Some(rule), "{seen:?}");
}

#[test]
fn a_rule_strikes_its_protocol_alone_says_so_and_lets_go() {
    run(async {
        let target = RunningTarget::start();
        let (addresses, admin) = (target.addresses, Admin(target.admin));
        for (protocol, fault, effect, said, mark) in CASES {
            assert_eq!(ask(protocol, &addresses, &[]).await, Seen::plain(protocol), "before");
            let id = format!("only-{}", protocol.as_str().replace('_', "-"));
            let effects = admin.effects(effect, "rule");
            let rule = json!({ "ttl": "1m", "match": { "protocol": protocol.as_str() }, "fault": fault });
            let shown = admin.install(&id, &rule);
            assert_eq!((&shown["state"], &shown["source"]), (&json!("active"), &json!("rule")));
            for (other, ..) in CASES {
                let seen = ask(other, &addresses, &[]).await;
                if other == protocol {
                    assert_struck(&seen, said, mark, &id);
                } else {
                    assert_eq!(seen, Seen::plain(other), "under {id}");
                }
            }
            assert_eq!(admin.counts(&id), [1, 1, 0], "{id}");
            assert_eq!(admin.effects(effect, "rule") - effects, 1.0, "{id}");
            let text = admin.metrics();
            let of_rule = |name: &str| metric(name).label("rule", &id).sum_in(&text);
            assert_eq!(of_rule("continuous_load_server_fault_rule_hits_total"), 1.0);
            assert_eq!(of_rule("continuous_load_server_fault_rule_injected_total"), 1.0);
            assert!(of_rule("continuous_load_server_fault_rule_expiry_timestamp_seconds") > 1.7e9);
            assert_eq!(metric("continuous_load_server_fault_rules_active").sum_in(&text), 1.0);
            assert!(admin.remove(&id));
            assert_eq!(ask(protocol, &addresses, &[]).await, Seen::plain(protocol), "after");
            let ended = admin.rule(&id);
            assert_eq!((&ended["state"], &ended["ended_by"]), (&json!("removed"), &json!("removed")));
            assert_eq!((&ended["hits"], &ended["injected"]), (&json!(1), &json!(1)), "its counts are kept");
        }
        assert_eq!(metric("continuous_load_server_fault_rules_active").sum_in(&admin.metrics()), 0.0);
        target.stop().await;
    });
}

#[test]
fn one_rule_for_every_protocol_delays_and_says_so_on_each() {
    const DELAY_MS: u128 = 60;
    run(async {
        let target = RunningTarget::start();
        let (addresses, admin) = (target.addresses, Admin(target.admin));
        admin.install("slow", &json!({ "ttl": "1m", "match": { "protocol": "*" }, "fault": "delay=60ms" }));
        for protocol in Protocol::ALL {
            let (seen, took) = timed(|| tokio::task::block_in_place(|| run_here(ask(protocol, &addresses, &[]))));
            assert!(took.as_millis() >= DELAY_MS, "{protocol:?}: {took:?}");
            assert_eq!(seen.said, Seen::plain(protocol).said);
            assert!(seen.fault.as_deref().is_some_and(|fault| fault.starts_with("delay")), "{protocol:?}: {seen:?}");
            assert_eq!(seen.rule.as_deref(), Some("slow"), "{protocol:?}: {seen:?}");
        }
        let count = Protocol::ALL.len() as u64;
        assert_eq!(admin.counts("slow"), [count, count, 0]);
        target.stop().await;
    });
}

fn run_here<T>(future: impl Future<Output = T>) -> T {
    tokio::runtime::Handle::current().block_on(future)
}
