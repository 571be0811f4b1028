//! What a rule is held against is what came over the wire, on every protocol that has it.

use std::net::Ipv4Addr;

use serde_json::{Value, json};

use super::admin::Admin;
use super::ask::of_dns;
use super::http1::Connection;
use super::{dns, http2};
use crate::fixture::{RunningTarget, run};

const A: u16 = 1;
const TXT: u16 = 16;

/// A rule that matches this and delays by nothing worth mentioning.
fn rule(matched: Value) -> Value {
    json!({ "ttl": "1m", "match": matched, "fault": "delay=1ms" })
}

#[test]
fn http_requests_are_matched_by_path_method_host_header_and_source() {
    run(async {
        let target = RunningTarget::start();
        let admin = Admin(target.admin);
        type Ask = (&'static str, &'static str, &'static [(&'static str, &'static str)]);
        let cases: [(Value, Ask, Ask); 6] = [
            (json!({ "path": "/status/*" }), ("GET", "/status/200", &[]), ("GET", "/", &[])),
            (json!({ "path": "/a b/*" }), ("GET", "/a%20b/c?size=1", &[]), ("GET", "/a+b/c?size=1", &[])),
            (json!({ "path": "re:/x[0-9]+" }), ("GET", "/x12?size=1", &[]), ("GET", "/x12/?size=1", &[])),
            (json!({ "method": ["PUT", "DELETE"] }), ("PUT", "/?size=1", &[]), ("GET", "/?size=1", &[])),
            (
                json!({ "host": "*.shop.test" }),
                ("GET", "/", &[("host", "Cart.SHOP.test:8080")]),
                ("GET", "/", &[("host", "shop.test")]),
            ),
            (
                json!({ "headers": { "x-group": "b" } }),
                ("GET", "/", &[("X-Group", "b")]),
                ("GET", "/", &[("x-group", "a")]),
            ),
        ];
        for (mut matched, is, is_not) in cases {
            matched["protocol"] = json!("http");
            admin.install("one", &rule(matched.clone()));
            for ((method, path, headers), is_struck) in [(is, true), (is_not, false)] {
                let mut connection = Connection::open(target.http);
                connection.send(method, path, headers, "");
                let answer = connection.answer();
                assert_eq!(answer.header("x-cload-rule").is_some(), is_struck, "{matched} {path}: {answer:?}");
            }
            assert!(admin.remove("one"));
        }
        admin.install("one", &rule(json!({ "protocol": "http", "source": ["127.0.0.2/32", "127.9.0.0/16"] })));
        for (client, is_struck) in [(Ipv4Addr::LOCALHOST, false), (Ipv4Addr::new(127, 0, 0, 2), true)] {
            let answer = Connection::from(client, target.http).get("/", &[]);
            assert_eq!(answer.header("x-cload-rule").is_some(), is_struck, "{client}");
        }
        target.stop().await;
    });
}

#[test]
fn calls_are_matched_by_method_and_metadata_and_queries_by_name_and_type() {
    run(async {
        let target = RunningTarget::start();
        let admin = Admin(target.admin);
        let mut grpc = http2::Connection::open(target.grpc).await;
        let unary = "cload.v1.Target/Unary";
        let test = "grpc.testing.TestService/EmptyCall";
        for (mut matched, is, is_not) in [
            (json!({ "grpc_method": "cload.v1.*" }), (unary, "a"), (test, "a")),
            (json!({ "grpc_method": test }), (test, "a"), (unary, "a")),
            (json!({ "headers": { "x-group": "b" } }), (unary, "b"), (unary, "a")),
        ] {
            matched["protocol"] = json!("grpc");
            admin.install("one", &rule(matched.clone()));
            for ((method, group), is_struck) in [(is, true), (is_not, false)] {
                let answer = grpc.call(method, &[("x-group", group)]).await;
                assert_eq!(answer.header("x-cload-rule").is_some(), is_struck, "{matched} {method}: {answer:?}");
            }
            assert!(admin.remove("one"));
        }
        for (mut matched, is, is_not) in [
            (json!({ "dns_name": "*.cload.test" }), ("NO.Such.cload.TEST", A), ("cload.test", A)),
            (json!({ "dns_name": "cload.test." }), ("cload.test", A), ("x.cload.test", A)),
            (json!({ "dns_type": ["TXT", "MX"] }), ("cload.test", TXT), ("cload.test", A)),
            (json!({ "dns_name": "*.f.cload.test" }), ("x7k2m9qa.d1ms.f.cload.test", A), ("cload.test", A)),
            (json!({ "dns_name": "*.f.cload.test" }), ("unarmed.f.cload.test", A), ("ok.cload.test", A)),
        ] {
            matched["protocol"] = json!(["dns_udp", "dns_tcp"]);
            admin.install("one", &json!({ "ttl": "1m", "match": matched, "fault": "rcode=REFUSED" }));
            for ((name, kind), is_struck) in [(is, true), (is_not, false)] {
                for answer in [dns::over_udp(target.dns, name, kind, ""), dns::over_tcp(target.dns, name, kind, "")] {
                    let seen = of_dns(answer);
                    assert_eq!(
                        (seen.said == "5", seen.rule.is_some()),
                        (is_struck, is_struck),
                        "{matched} {name} {seen:?}"
                    );
                }
            }
            assert!(admin.remove("one"));
        }
        target.stop().await;
    });
}
