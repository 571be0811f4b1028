//! Who has the say where a request asks for something itself: path, then rule, then query, then header, key by key.

use serde_json::json;
use shared::protocol::Protocol;

use super::admin::Admin;
use super::ask::{Seen, ask};
use super::http1::Connection;
use crate::fixture::{RunningTarget, run};

fn seen(connection: &mut Connection, path: &str, header: &str) -> (u16, String, bool) {
    let headers = [("x-cload-fault", header)];
    let answer = connection.get(path, if header.is_empty() { &[] } else { &headers });
    let mark = answer.header("x-cload-fault").unwrap_or_default().to_owned();
    let is_by_rule = answer.header("x-cload-rule").is_some();
    (answer.status, mark, is_by_rule)
}

#[test]
fn a_rule_beats_the_path_and_yields_to_query_and_header_key_by_key() {
    run(async {
        let target = RunningTarget::start();
        let admin = Admin(target.admin);
        let mut connection = Connection::open(target.http);
        let rule = json!({ "ttl": "1m", "match": { "protocol": "http" }, "fault": "status=503&delay=20ms" });
        admin.install("both", &rule);
        for (path, header, status, is_delayed) in [
            ("/", "", 503, true),
            ("/status/200", "", 503, true),
            ("/status/404", "", 503, true),
            ("/delay/1ms", "", 503, true),
            ("/?status=201", "", 201, true),
            ("/status/404?status=201", "", 201, true),
            ("/", "status=202", 202, true),
            ("/?status=201", "status=202", 202, true),
            ("/?delay=0s", "", 503, false),
            ("/?delay=0s", "status=204", 204, false),
        ] {
            let (got, mark, is_by_rule) = seen(&mut connection, path, header);
            assert_eq!(got, status, "{path} {header}");
            assert_eq!(mark.contains("delay=20ms"), is_delayed, "{path} {header}: {mark:?}");
            assert_eq!(is_by_rule, is_delayed || status == 503, "{path} {header}: {mark:?}");
        }
        assert_eq!(admin.counts("both"), [10, 9, 0], "where the request has all its way the rule changed nothing");

        let mut overriding = rule.clone();
        overriding["override_request"] = json!(true);
        assert_eq!(admin.call("PUT", "/faults/both", Some(&overriding)).status, 200);
        for (path, header) in [("/status/200", ""), ("/?status=201", ""), ("/?status=201&delay=0s", "status=202")] {
            let (status, mark, is_by_rule) = seen(&mut connection, path, header);
            assert_eq!((status, is_by_rule), (503, true), "{path} {header}: {mark}");
            assert!(mark.contains("delay=20ms"), "{mark}");
        }
        target.stop().await;
    });
}

#[test]
fn a_rule_that_cannot_go_with_what_is_asked_is_left_out() {
    run(async {
        let target = RunningTarget::start();
        let admin = Admin(target.admin);
        let mut connection = Connection::open(target.http);
        let rule = json!({ "ttl": "1m", "match": { "protocol": "http" }, "fault": "size=100&fault=abort&at=50" });
        admin.install("cut", &rule);
        assert_eq!(seen(&mut connection, "/?size=10", ""), (200, String::new(), false), "nothing to cut at 50");
        assert_eq!(admin.counts("cut"), [1, 0, 0]);
        assert!(admin.remove("cut"));

        // A datagram's answer is never longer than its query.
        let rule = json!({ "ttl": "1m", "match": { "protocol": "udp" }, "fault": "size=6&delay=1ms" });
        admin.install("long", &rule);
        let seen = ask(Protocol::Udp, &target.addresses, &[]).await;
        assert_eq!(seen, Seen::plain(Protocol::Udp));
        assert_eq!(admin.counts("long"), [1, 0, 0]);
        target.stop().await;
    });
}

#[test]
fn what_a_request_asks_for_in_words_beats_a_rule_on_every_protocol() {
    run(async {
        let target = RunningTarget::start();
        let admin = Admin(target.admin);
        for (protocol, fault, own, said) in [
            (Protocol::Http2, "status=503&delay=1ms", "status=201", "201"),
            (Protocol::Grpc, "status=14&delay=1ms", "status=0", "0"),
            (Protocol::Tcp, "corrupt=true&delay=1ms", "corrupt=false", "hello"),
            (Protocol::Udp, "corrupt=true&delay=1ms", "corrupt=false", "hello"),
            (Protocol::DnsUdp, "rcode=2&delay=1ms", "rcode=0", "0"),
            (Protocol::DnsTcp, "rcode=2&delay=1ms", "rcode=0", "0"),
        ] {
            let mut rule = json!({ "ttl": "1m", "match": { "protocol": protocol.as_str() }, "fault": fault });
            admin.install("rule", &rule);
            let seen = ask(protocol, &target.addresses, &[own]).await;
            assert_eq!((seen.said.as_str(), seen.rule.as_deref()), (said, Some("rule")), "{protocol:?} {seen:?}");
            assert!(seen.fault.as_deref().is_some_and(|fault| fault.contains("delay")), "{protocol:?} {seen:?}");
            rule["override_request"] = json!(true);
            assert_eq!(admin.call("PUT", "/faults/rule", Some(&rule)).status, 200);
            let seen = ask(protocol, &target.addresses, &[own]).await;
            assert_ne!(seen.said, said, "{protocol:?}: the rule overrides");
            assert!(admin.remove("rule"));
        }
        target.stop().await;
    });
}
