//! Which requests a rule strikes: the same ones everywhere, as many as it says, and not one more.

use std::collections::BTreeSet;
use std::thread;

use serde_json::{Value, json};
use shared::draw::Draw;
use shared::protocol::Protocol;

use super::admin::Admin;
use super::ask::ask;
use super::http1::Connection;
use crate::fixture::{RunningTarget, eventually, run};

const SEED: u64 = 7;
const CLIENTS: u64 = 8;
const REQUESTS_EACH: u64 = 25;

fn rule(more: Value) -> Value {
    let mut rule = json!({ "ttl": "1m", "match": { "protocol": "*" }, "fault": "delay=1ms", "seed": SEED });
    rule.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
    rule
}

/// Whether a rule has this request in its share, as anybody can work it out beforehand.
fn predicted(key: &str, share: f64) -> bool {
    Draw::new(SEED, key).u("rule:share", 0) < share
}

#[test]
fn a_request_has_one_fate_on_all_replicas_and_protocols_and_it_can_be_foretold() {
    run(async {
        let targets = [RunningTarget::start(), RunningTarget::start()];
        for target in &targets {
            Admin(target.admin).install("share", &rule(json!({ "percent": 30 })));
            // Whatever else is under way.
            Admin(target.admin).install("behind", &rule(json!({ "percent": 70, "priority": 0 })));
        }
        for n in 0..24 {
            let key = format!("k{n}");
            for target in &targets {
                for protocol in Protocol::ALL {
                    let seen = ask(protocol, &target.addresses, &[&format!("id={key}")]).await;
                    let is_struck = seen.rule.is_some();
                    assert_eq!(is_struck, predicted(&key, 0.3), "{key} {protocol:?} {seen:?}");
                    assert!(!is_struck || seen.rule.as_deref() == Some("share"), "shares do not add up");
                }
            }
        }
        let (mut connection, mut struck) = (Connection::open(targets[0].http), 0_u32);
        for n in 0..1000 {
            let key = format!("many{n}");
            let is_struck = connection.get(&format!("/?id={key}"), &[]).header("x-cload-rule").is_some();
            assert_eq!(is_struck, predicted(&key, 0.3), "{key}");
            struck += u32::from(is_struck);
        }
        // The keys are fixed, so that this is no matter of luck: 300 and three standard deviations.
        assert!((257..=343).contains(&struck), "{struck} of 1000");
        for target in targets {
            target.stop().await;
        }
    });
}

/// Sends many requests at once; how many of them were struck.
fn struck_of_many(target: &RunningTarget) -> u64 {
    let http = target.http;
    let client = move || {
        let mut connection = Connection::open(http);
        (0..REQUESTS_EACH).filter(|_| connection.get("/", &[]).header("x-cload-rule").is_some()).count() as u64
    };
    let clients: Vec<_> = (0..CLIENTS).map(|_| thread::spawn(client)).collect();
    clients.into_iter().map(|client| client.join().unwrap()).sum()
}

#[test]
fn every_so_many_and_at_most_so_many_are_exact_whoever_asks_at_the_same_time() {
    const ALL: u64 = CLIENTS * REQUESTS_EACH;
    run(async {
        let target = RunningTarget::start();
        let admin = Admin(target.admin);
        for (id, more, struck) in [
            ("fourth", json!({ "every": 4, "offset": 1 }), ALL / 4),
            ("seventh", json!({ "every": 7 }), ALL.div_ceil(7)),
            ("first", json!({ "max_hits": 37 }), 37),
            ("both", json!({ "every": 3, "max_hits": 21 }), 21),
        ] {
            admin.install(id, &rule(more));
            assert_eq!(struck_of_many(&target), struck, "{id}");
            let [hits, injected, overflow] = admin.counts(id);
            assert_eq!((injected, overflow), (struck, 0), "{id}");
            let shown = admin.rule(id);
            if shown["max_hits"].is_null() {
                assert_eq!(hits, ALL, "{id}");
                assert!(admin.remove(id));
            } else {
                assert!(struck <= hits && hits <= ALL, "{id}: {hits}");
                assert_eq!((&shown["state"], &shown["ended_by"]), (&json!("expired"), &json!("max_hits")));
            }
        }
        target.stop().await;
    });
}

#[test]
fn a_ramp_begins_where_it_says_and_arrives() {
    run(async {
        let target = RunningTarget::start();
        let admin = Admin(target.admin);
        // After an hour nobody would be spared; now only those are struck that are among the first few percent.
        let keys: Vec<String> = (0..200).map(|n| format!("r{n}")).collect();
        let by_draw = |from: f64, to: f64| {
            let u = |key: &String| Draw::new(SEED, key).u("rule:slope", 0);
            keys.iter().filter(|key| (from..to).contains(&u(key))).cloned().collect::<BTreeSet<String>>()
        };
        let mut connection = Connection::open(target.http);
        let mut struck = |keys: &BTreeSet<String>| {
            let is_struck =
                |key: &&String| connection.get(&format!("/?id={key}"), &[]).header("x-cload-rule").is_some();
            keys.iter().filter(is_struck).count()
        };
        let (low, high) = (by_draw(0.0, 0.2), by_draw(0.5, 1.0));
        assert!(low.len() > 20 && high.len() > 60, "{} {}", low.len(), high.len());
        let slow = json!({ "ttl": "1h", "ramp": { "from": 20, "over": "1h" } });
        admin.install("slope", &rule(slow));
        assert_eq!((struck(&low), struck(&high)), (low.len(), 0), "at its beginning");
        assert!(admin.remove("slope"));
        admin.install("slope", &rule(json!({ "ramp": { "from": 0, "over": "1s" } })));
        eventually("the ramp arrives", async || match struck(&high) {
            all if all == high.len() => Ok(()),
            some => Err(some),
        })
        .await;
        target.stop().await;
    });
}
