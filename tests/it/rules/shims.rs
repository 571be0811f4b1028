//! Rules that nobody wrote: podinfo's switch for faults, and the faults that flags ask for.

use serde_json::json;
use shared::protocol::Protocol;
use target_server::Config;

use super::admin::Admin;
use super::ask::{Seen, ask};
use super::http1::Connection;
use crate::fixture::{RunningTarget, eventually, run};

#[test]
fn the_switch_of_podinfo_is_a_rule_that_ends_by_itself() {
    run(async {
        let target = RunningTarget::start();
        let admin = Admin(target.admin);
        let post = |path: &str| {
            let mut connection = Connection::open(target.http);
            connection.send("POST", path, &[], "");
            connection.answer().status
        };
        assert_eq!(post("/fault_injection/enable"), 202);
        let rule = admin.rule("podinfo");
        assert_eq!(
            (&rule["source"], &rule["state"], &rule["fault"]),
            (&json!("rule"), &json!("active"), &json!("status=500"))
        );
        assert!((0.0..=900.0).contains(&rule["expires_in_seconds"].as_f64().unwrap()), "{rule}");
        for protocol in Protocol::ALL {
            let seen = ask(protocol, &target.addresses, &[]).await;
            let struck = (seen.said.as_str(), seen.rule.as_deref());
            match protocol {
                Protocol::Http | Protocol::Http2 => assert_eq!(struck, ("500", Some("podinfo")), "{protocol:?}"),
                // INTERNAL: what podinfo forgets.
                Protocol::Grpc => assert_eq!(struck, ("13", Some("podinfo-grpc"))),
                _ => assert_eq!(seen, Seen::plain(protocol), "podinfo does not speak it"),
            }
        }
        assert_eq!(post("/fault_injection/disable"), 202);
        assert_eq!(ask(Protocol::Http, &target.addresses, &[]).await, Seen::plain(Protocol::Http));
        assert_eq!(admin.counts("podinfo"), [2, 2, 0]);
        target.stop().await;
    });
}

#[test]
fn what_a_flag_asks_for_is_a_rule_that_stays_and_comes_last() {
    run(async {
        let mut config = Config::loopback();
        config.podinfo.random_error = true;
        let target = RunningTarget::with(config);
        let admin = Admin(target.admin);
        let rule = admin.rule("podinfo-random");
        assert_eq!((&rule["source"], &rule["state"], rule.get("expires_at")), (&json!("flag"), &json!("active"), None));
        let refused = admin.call("DELETE", "/faults/podinfo-random", None);
        assert_eq!((refused.status, &refused.json()["error"]["code"]), (409, &json!("standing")));
        assert_eq!(admin.call("POST", "/reset", None).json()["removed"], json!(0));
        let mut connection = Connection::open(target.http);
        // One in three fails.
        eventually("it strikes", async || match connection.get("/", &[]) {
            answer if answer.header("x-cload-rule") == Some("podinfo-random") => Ok(()),
            answer => Err(answer.status),
        })
        .await;
        assert_eq!((admin.effects("status", "flag"), admin.effects("status", "rule")), (1.0, 0.0));
        let before = admin.counts("podinfo-random");
        let first = json!({ "ttl": "1m", "priority": 0, "match": { "protocol": "http" }, "fault": "status=503" });
        admin.install("first", &first);
        for _ in 0..20 {
            assert_eq!(connection.get("/", &[]).header("x-cload-rule"), Some("first"));
        }
        assert_eq!(admin.counts("podinfo-random"), before);
        target.stop().await;
    });
}
