//! The switch that holds back every fault, and `--faults`, which does so for good: what is withheld is marked.

use serde_json::json;
use shared::protocol::Protocol;
use target_server::Config;
use target_server::config::Switch;

use super::admin::Admin;
use super::ask::{Seen, ask};
use crate::fixture::{RunningTarget, eventually, run};
use crate::metrics::metric;

/// What a request without an ask and one with an ask are marked with, of every protocol: the faults, then the rules.
async fn marks(target: &RunningTarget, protocol: Protocol) -> [(Option<String>, Option<String>); 2] {
    let plain = ask(protocol, &target.addresses, &[]).await;
    let asking = ask(protocol, &target.addresses, &["delay=2ms"]).await;
    for seen in [&plain, &asking] {
        assert_eq!(seen.said, Seen::plain(protocol).said, "{protocol:?}");
    }
    [plain, asking].map(|seen| (seen.fault.map(word), seen.rule))
}

/// A mark without figures.
fn word(mark: String) -> String {
    mark.split(['=', ':']).next().unwrap().to_owned()
}

fn marked(fault: Option<&str>, rule: Option<&str>) -> (Option<String>, Option<String>) {
    (fault.map(str::to_owned), rule.map(str::to_owned))
}

#[test]
fn the_switch_holds_back_all_faults_until_it_is_on_or_its_time_is_over() {
    run(async {
        let target = RunningTarget::start();
        let admin = Admin(target.admin);
        admin.install("all", &json!({ "ttl": "1m", "match": { "protocol": "*" }, "fault": "delay=1ms" }));
        let on = [marked(Some("delay"), Some("all")), marked(Some("delay"), None)];
        let off = [marked(None, None), marked(Some("disabled"), None)];
        let enabled = || metric("continuous_load_server_faults_enabled").sum_in(&admin.metrics());
        for protocol in Protocol::ALL {
            assert_eq!(marks(&target, protocol).await, on, "{protocol:?}");
        }
        let hits = admin.counts("all");
        assert_eq!(enabled(), 1.0);
        admin.put_switch(&json!({ "enabled": false }));
        for protocol in Protocol::ALL {
            assert_eq!(marks(&target, protocol).await, off, "{protocol:?}");
        }
        assert_eq!(enabled(), 0.0);
        assert_eq!(admin.counts("all"), hits, "no rule is asked");
        let shown = admin.call("GET", "/switch", None).json();
        assert_eq!((&shown["enabled"], shown.get("expires_at")), (&json!(false), None));
        admin.put_switch(&json!({ "enabled": true }));
        for protocol in Protocol::ALL {
            assert_eq!(marks(&target, protocol).await, on, "{protocol:?}");
        }
        admin.put_switch(&json!({ "enabled": false, "ttl": "1s" }));
        assert_eq!(marks(&target, Protocol::Http).await, off);
        eventually("it comes on by itself", async || {
            let marks = marks(&target, Protocol::Http).await;
            if marks == on { Ok(()) } else { Err(marks) }
        })
        .await;
        assert_eq!(enabled(), 1.0);
        target.stop().await;
    });
}

#[test]
fn the_flag_says_whose_faults_are_injected() {
    run(async {
        for (switch, by_rule, by_request) in [
            (Switch::On, Some("delay"), "delay"),
            (Switch::RequestOnly, None, "delay"),
            (Switch::RulesOnly, Some("delay"), "disabled"),
            (Switch::Off, None, "disabled"),
        ] {
            let mut config = Config::loopback();
            config.faults.faults = switch;
            let target = RunningTarget::with(config);
            let admin = Admin(target.admin);
            let matched = json!({ "protocol": "*" });
            admin.install("all", &json!({ "ttl": "1m", "every": 2, "match": matched, "fault": "delay=1ms" }));
            for protocol in Protocol::ALL {
                // The rule strikes the first of the two, so that the second has nothing but what it asks for.
                let seen = marks(&target, protocol).await;
                let rule = by_rule.map(|_| "all");
                assert_eq!(seen, [marked(by_rule, rule), marked(Some(by_request), None)], "{switch:?} {protocol:?}");
            }
            let [hits, injected, _] = admin.counts("all");
            let asked = if by_rule.is_some() { 2 * Protocol::ALL.len() as u64 } else { 0 };
            assert_eq!((hits, injected), (asked, asked / 2), "{switch:?}");
            let count = |source| admin.effects("delay", source);
            let each = Protocol::ALL.len() as f64;
            assert_eq!(count("rule"), if by_rule.is_some() { each } else { 0.0 }, "{switch:?}");
            assert_eq!(count("request"), if by_request == "delay" { each } else { 0.0 }, "{switch:?}");
            target.stop().await;
        }
    });
}
