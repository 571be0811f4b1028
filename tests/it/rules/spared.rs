//! What is never faulted, while a rule matches everything: probes, metrics, the admin listener, gRPC's own services, DNS'
//! safe zone.

use serde_json::json;
use shared::protocol::Protocol;

use super::admin::Admin;
use super::ask::of_dns;
use super::http1::Connection;
use super::{dns, http2};
use crate::fixture::{RunningTarget, run};

const A: u16 = 1;

#[test]
fn probes_metrics_and_the_means_to_end_a_fault_are_spared() {
    run(async {
        let target = RunningTarget::start();
        let admin = Admin(target.admin);
        for (id, protocol, fault) in [
            ("http", json!(["http", "http2"]), "status=503&delay=1ms"),
            ("grpc", json!("grpc"), "status=UNAVAILABLE"),
            ("dns", json!(["dns_udp", "dns_tcp"]), "rcode=SERVFAIL"),
        ] {
            let rule =
                json!({ "ttl": "1m", "override_request": true, "match": { "protocol": protocol }, "fault": fault });
            admin.install(id, &rule);
        }
        let mut one = Connection::open(target.http);
        let mut two = http2::Connection::open(target.http).await;
        for path in ["/healthz", "/readyz", "/metrics", "/fault_injection/status"] {
            for headers in [&[][..], &[("x-cload-fault", "status=500")]] {
                let answer = one.get(path, headers);
                assert_eq!((answer.status, answer.header("x-cload-rule")), (200, None), "{path}");
                let answer = two.get(path, headers).await;
                assert_eq!((answer.status, answer.header("x-cload-rule")), (200, None), "{path}");
            }
        }
        assert_eq!(one.get("/", &[]).status, 503, "everything else is struck");
        assert_eq!(two.get("/", &[]).await.status, 503, "over HTTP/2 as well");
        for path in ["/livez", "/readyz", "/metrics", "/version", "/faults", "/switch"] {
            assert_eq!(admin.call("GET", path, None).status, 200, "{path}");
        }

        for address in [target.grpc, target.http] {
            let mut grpc = http2::Connection::open(address).await;
            for (method, code) in [
                ("grpc.health.v1.Health/Check", "0"),
                // An empty question is none, and that is what it says.
                ("grpc.reflection.v1.ServerReflection/ServerReflectionInfo", "3"),
                ("grpc.reflection.v1alpha.ServerReflection/ServerReflectionInfo", "3"),
                ("cload.v1.Target/Unary", "14"),
            ] {
                let answer = grpc.call(method, &[]).await;
                assert_eq!(answer.header("grpc-status"), Some(code), "{method}");
                assert_eq!(answer.header("x-cload-rule").is_some(), code == "14", "{method}");
            }
        }

        for name in ["ok.cload.test", "any.thing.ok.cload.test", "rcsrv.ok.cload.test"] {
            for answer in [dns::over_udp(target.dns, name, A, ""), dns::over_tcp(target.dns, name, A, "")] {
                let seen = of_dns(answer);
                assert_eq!((seen.said.as_str(), seen.rule), ("0", None), "{name}");
            }
        }
        assert_eq!(of_dns(dns::over_udp(target.dns, "cload.test", A, "")).said, "2", "everything else is struck");
        assert_eq!(Protocol::ALL.len(), 7, "a new protocol has something to spare as well");
        target.stop().await;
    });
}
