//! Faults that are not injected though nobody switched them off: too many at once, or asked for by somebody who may not.

use std::net::Ipv4Addr;

use serde_json::json;
use shared::protocol::Protocol;
use target_server::Config;

use super::admin::Admin;
use super::ask::{Seen, ask};
use super::http1::Connection;
use crate::fixture::{RunningTarget, eventually, run};
use crate::metrics::metric;

const OTHER: Ipv4Addr = Ipv4Addr::new(127, 0, 0, 2);

/// A request that is held for as long as the test lasts.
fn held(client: Ipv4Addr, target: &RunningTarget) -> Connection {
    let mut connection = Connection::from(client, target.http);
    connection.send("GET", "/delay/1ms", &[], "");
    connection
}

async fn until_injected(admin: Admin, count: u64) {
    eventually("as many are held", async || match admin.counts("hold") {
        [_, injected, _] if injected == count => Ok(()),
        counts => Err(counts),
    })
    .await;
}

#[test]
fn beyond_the_limits_answers_are_plain_marked_and_counted() {
    run(async {
        for (total, per_client, is_for_all) in [(100, 2, false), (2, 100, true)] {
            let mut config = Config::loopback();
            config.faults.faults_max = total;
            config.faults.faults_max_per_client = per_client;
            let target = RunningTarget::with(config);
            let admin = Admin(target.admin);
            let matched = json!({ "protocol": "http", "path": "/delay/*" });
            let hold = json!({ "ttl": "1m", "priority": 500, "match": matched, "fault": "delay=50s", "max_hits": 4 });
            admin.install("hold", &hold);
            admin.install("all", &json!({ "ttl": "1m", "match": { "protocol": "*" }, "fault": "delay=1ms" }));
            let mut kept = vec![held(Ipv4Addr::LOCALHOST, &target), held(Ipv4Addr::LOCALHOST, &target)];
            until_injected(admin, 2).await;
            for protocol in Protocol::ALL {
                let seen = ask(protocol, &target.addresses, &[]).await;
                let overflow = Seen { fault: Some("overflow".to_owned()), ..Seen::plain(protocol) };
                assert_eq!(seen, overflow, "{protocol:?}");
            }
            let over = Connection::open(target.http).get("/delay/1ms", &[]);
            assert_eq!((over.header("x-cload-fault"), over.header("x-cload-rule")), (Some("overflow"), None));
            let count = Protocol::ALL.len() as u64;
            assert_eq!((admin.counts("all"), admin.counts("hold")), ([count, 0, count], [3, 2, 1]));
            let text = admin.metrics();
            assert_eq!(metric("continuous_load_server_fault_overflow_total").sum_in(&text), (count + 1) as f64);
            assert_eq!(admin.effects("delay", "rule"), 2.0, "what was withheld is no effect");

            let other = Connection::from(OTHER, target.http).get("/", &[]);
            assert_eq!(other.header("x-cload-rule").is_none(), is_for_all, "{other:?}");
            // What was withheld gave back what it had taken of `max_hits`.
            if !is_for_all {
                kept.extend([held(OTHER, &target), held(OTHER, &target)]);
                until_injected(admin, 4).await;
            }
            drop(kept);
            eventually("those who left make room", async || {
                let seen = ask(Protocol::Http, &target.addresses, &[]).await;
                if seen.rule.as_deref() == Some("all") { Ok(()) } else { Err(seen) }
            })
            .await;
            target.stop().await;
        }
    });
}

#[test]
fn whoever_may_not_ask_for_faults_is_told_and_meets_rules_like_everybody() {
    run(async {
        let mut config = Config::loopback();
        config.faults.fault_cidrs = vec!["127.0.0.2/32".parse().unwrap()];
        let target = RunningTarget::with(config);
        let admin = Admin(target.admin);
        let get = |client, path: &str| {
            let answer = Connection::from(client, target.http).get(path, &[]);
            let rule = answer.header("x-cload-rule").map(str::to_owned);
            (answer.status, answer.header("x-cload-fault").unwrap_or_default().to_owned(), rule)
        };
        let forbidden = (200, "forbidden".to_owned(), None);
        assert_eq!(get(Ipv4Addr::LOCALHOST, "/?status=503"), forbidden);
        assert_eq!(get(OTHER, "/?status=503").0, 503);
        assert_eq!(get(Ipv4Addr::LOCALHOST, "/status/503").0, 503, "a path is an endpoint like others");
        for protocol in Protocol::ALL {
            let seen = ask(protocol, &target.addresses, &["delay=1ms"]).await;
            let withheld = Seen { fault: Some("forbidden".to_owned()), ..Seen::plain(protocol) };
            assert_eq!(seen, withheld, "{protocol:?}");
        }
        let rule = json!({ "ttl": "1m", "match": { "protocol": "http" }, "fault": "status=500" });
        admin.install("all", &rule);
        let by_rule = |(status, _, rule): (u16, String, Option<String>)| (status, rule.as_deref() == Some("all"));
        assert_eq!(by_rule(get(Ipv4Addr::LOCALHOST, "/")), (500, true));
        assert_eq!(by_rule(get(Ipv4Addr::LOCALHOST, "/?status=503")), (500, true), "its own words have no say");
        assert_eq!(by_rule(get(OTHER, "/")), (500, true));
        assert_eq!(by_rule(get(OTHER, "/?status=503")), (503, false));
        target.stop().await;
    });
}
