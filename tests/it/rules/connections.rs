//! Connections that were there before the rule: their next request meets it, and the first one after its end does not.

use std::net::Ipv4Addr;

use serde_json::json;
use shared::protocol::Protocol;

use super::admin::Admin;
use super::ask::{Seen, exchange};
use super::http1::{self, stream_from};
use super::http2;
use crate::fixture::{RunningTarget, run};

#[test]
fn open_connections_of_http_1_http_2_grpc_and_tcp_meet_a_rule_at_their_next_request() {
    run(async {
        let target = RunningTarget::start();
        let (addresses, admin) = (target.addresses, Admin(target.admin));
        let mut one = http1::Connection::open(target.http);
        let mut two = http2::Connection::open(target.http).await;
        let mut grpc = http2::Connection::open(target.grpc).await;
        let tcp = stream_from(Ipv4Addr::LOCALHOST, addresses.of(Protocol::Tcp).unwrap());
        for round in 0..2 {
            assert_eq!(Seen::of(&one.get("/", &[])), Seen::plain(Protocol::Http), "{round}");
            assert_eq!(Seen::of_two(&two.get("/", &[]).await), Seen::plain(Protocol::Http2), "{round}");
            let call = grpc.call("cload.v1.Target/Unary", &[]).await;
            assert_eq!(Seen::of_call(&call), Seen::plain(Protocol::Grpc), "{round}");
            assert_eq!(exchange(&tcp, ""), Seen::plain(Protocol::Tcp), "{round}");

            let rule = json!({ "ttl": "1m", "match": { "protocol": ["http", "http2"] }, "fault": "status=503" });
            admin.install(&format!("http-{round}"), &rule);
            let rule = json!({ "ttl": "1m", "match": { "protocol": "grpc" }, "fault": "status=UNAVAILABLE" });
            admin.install(&format!("grpc-{round}"), &rule);
            let rule = json!({ "ttl": "1m", "match": { "protocol": "tcp" }, "fault": "corrupt=true" });
            admin.install(&format!("tcp-{round}"), &rule);
            for _ in 0..2 {
                let seen = [
                    Seen::of(&one.get("/", &[])),
                    Seen::of_two(&two.get("/", &[]).await),
                    Seen::of_call(&grpc.call("cload.v1.Target/Unary", &[]).await),
                    exchange(&tcp, ""),
                ];
                let said: Vec<&str> = seen[..3].iter().map(|seen| seen.said.as_str()).collect();
                assert_eq!(said, ["503", "503", "14"]);
                let rules = ["http", "http", "grpc", "tcp"].map(|name| Some(format!("{name}-{round}")));
                assert_eq!(seen.map(|seen| seen.rule), rules);
            }
            for (name, struck) in [("http", 4), ("grpc", 2), ("tcp", 2)] {
                let id = format!("{name}-{round}");
                assert_eq!(admin.counts(&id), [struck, struck, 0], "{id}");
                assert!(admin.remove(&id));
            }
        }
        target.stop().await;
    });
}

#[test]
fn a_rule_that_breaks_connections_leaves_those_alone_that_come_after_it() {
    run(async {
        let target = RunningTarget::start();
        let admin = Admin(target.admin);
        let mut two = http2::Connection::open(target.http).await;
        assert_eq!(two.get("/", &[]).await.status, 200);
        let rule = json!({ "ttl": "1m", "match": { "protocol": "http2" }, "fault": "close=true" });
        let refused = admin.call("PUT", "/faults/closing", Some(&rule));
        if refused.status == 201 {
            assert_eq!(two.get("/", &[]).await.header("x-cload-rule"), Some("closing"));
            assert!(admin.remove("closing"));
        }
        let rule = json!({ "ttl": "1m", "match": { "protocol": "http" }, "fault": "close=true" });
        admin.install("closing-1", &rule);
        let answer = http1::Connection::open(target.http).get("/", &[]);
        assert_eq!(answer.header("connection"), Some("close"));
        assert_eq!(answer.header("x-cload-rule"), Some("closing-1"));
        assert!(admin.remove("closing-1"));
        let mut one = http1::Connection::open(target.http);
        for _ in 0..2 {
            assert_eq!(Seen::of(&one.get("/", &[])), Seen::plain(Protocol::Http));
        }
        target.stop().await;
    });
}
