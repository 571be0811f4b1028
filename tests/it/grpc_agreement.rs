//! gRPC: both sides report the same, request by request and label by label.

use std::time::Duration;

use crate::agree::agreed;
use crate::fixture::{RunningTarget, plan, run};
use crate::metrics::metric;
use crate::pki::Pki;

/// Everything gRPC can do, at a rate that a busy machine's debug build holds. `AT` is the target's gRPC listener.
const EVERYTHING: &str = "
target: t
rate: 200/s
timeout: 10s
mix:
  - { name: plain, weight: 20, target: AT, connection: pooled(2), streams: 8, grpc: {} }
  - { name: fresh, weight: 5, target: AT, connection: fresh, grpc: { message: { payload: aGVsbG8= } } }
  - { name: slow, weight: 4, target: AT, grpc: { fault: \"delay=5ms..20ms&size=22KiB\" } }
  - { name: large, weight: 1, target: AT, grpc: { fault: \"size=1MiB&body=text\" } }
  - { name: upload, weight: 1, target: AT, grpc: { size: 300KiB } }
  - { name: packed, weight: 1, target: AT, grpc: { fault: \"size=30KiB&body=zero&gzip=true\" } }
  - { name: failing, weight: 4, target: AT, grpc: { fault: \"status=UNAVAILABLE:50,NOT_FOUND:10\" } }
  - { name: behind, weight: 2, target: AT, grpc: { fault: \"status=ABORTED&trailers=after\" } }
  - { name: in-message, weight: 2, target: AT, grpc: { message: { fault: \"status=INTERNAL:50\" } } }
  - { name: down, weight: 2, target: AT, grpc: { method: cload.v1.Target/ServerStream, fault: \"count=3&size=5KiB&chunk_delay=2ms\" } }
  - { name: partial, weight: 2, target: AT, grpc: { method: cload.v1.Target/ServerStream, fault: \"count=3&status=UNAVAILABLE\" } }
  - { name: up, weight: 2, target: AT, grpc: { method: cload.v1.Target/ClientStream, messages: [ { payload: YQ== }, { payload: YmM= } ] } }
  - { name: both, weight: 2, target: AT, grpc: { method: cload.v1.Target/BidiStream, messages: [ { payload: YQ== }, {}, { payload: YmM= } ] } }
  - { name: interop, weight: 2, target: AT, grpc: { method: grpc.testing.TestService/UnaryCall, message: { response_size: 31415, payload: { body: YQ== } } } }
  - { name: interop-down, weight: 2, target: AT, grpc: { method: grpc.testing.TestService/StreamingOutputCall, message: { response_parameters: [ { size: 31 }, { size: 0, interval_us: 500 }, { size: 5 } ] } } }
  - { name: interop-sum, weight: 1, target: AT, grpc: { method: grpc.testing.TestService/StreamingInputCall, messages: [ { payload: { body: YQ== } }, { payload: { body: YmM= } } ] } }
  - { name: interop-fails, weight: 1, target: AT, grpc: { method: grpc.testing.TestService/UnaryCall, message: { response_status: { code: 9, message: as-asked } } } }
  - { name: health, weight: 1, target: AT, grpc: { method: grpc.health.v1.Health/Check, expect: { message: { status: SERVING } } } }
  - { name: nostatus, weight: 2, target: AT, grpc: { fault: fault=nostatus } }
  - { name: empty, weight: 2, target: AT, grpc: { fault: fault=empty } }
  - { name: badhead, weight: 2, target: AT, grpc: { fault: fault=badhead } }
  - { name: abort, weight: 2, target: AT, grpc: { fault: \"size=1000&fault=abort&at=500\" } }
  - { name: refused, weight: 2, target: AT, grpc: { fault: fault=h2rst(REFUSED_STREAM) } }
  - { name: oversize, weight: 1, target: AT, grpc: { fault: fault=oversize } }
  - { name: goaway, weight: 1, target: AT, connection: fresh, grpc: { fault: \"fault=goaway(ENHANCE_YOUR_CALM)&allow_conn=1\" } }
  - { name: reset, weight: 1, target: AT, connection: fresh, grpc: { fault: \"fault=reset&allow_conn=1\" } }
  - { name: garbage, weight: 1, target: AT, connection: fresh, grpc: { fault: \"fault=garbage&allow_conn=1\" } }
  - { name: overdue, weight: 1, target: AT, grpc: { deadline: 500ms, fault: delay=700ms } }
  - { name: overdue-hang, weight: 1, target: AT, grpc: { deadline: 500ms, fault: fault=hang } }
  - { name: in-time, weight: 1, target: AT, grpc: { deadline: 9s, fault: delay=5ms } }
  - { name: gated, weight: 4, target: AT, grpc: { fault: \"p=25&status=5&delay=3ms\" } }
";

#[test]
fn the_two_sides_agree_on_grpc_label_by_label() {
    run(async {
        let target = RunningTarget::start();
        let scenario = EVERYTHING.replace("AT", &format!("\"{}\"", target.grpc));
        agreed(plan(&scenario, target.http, target.admin), target.admin, Duration::from_secs(4)).await;
        target.stop().await;
    });
}

/// On both ports that speak TLS: the one for gRPC, which tells it by the first byte, and that of HTTPS. Slower, because two
/// sides in debug builds encrypt; and without deadlines, which are no business of TLS.
#[test]
fn the_two_sides_agree_on_grpc_behind_tls() {
    run(async {
        let pki = Pki::new();
        let lines = EVERYTHING.lines().filter(|line| !line.contains("name: overdue"));
        let everything = lines.collect::<Vec<_>>().join("\n").replace("rate: 200/s", "rate: 60/s");
        let secured =
            everything.replace("timeout: 10s", &format!("timeout: 10s\ntls: {{ ca: {} }}", pki.text("ca.pem")));
        for is_https in [false, true] {
            let target = RunningTarget::secured(&pki);
            let https = target.addresses.https.expect("there is a certificate");
            let scenario = secured.replace("AT", &format!("\"{}\"", if is_https { https } else { target.grpc }));
            let (client, _) =
                agreed(plan(&scenario, target.http, target.admin), target.admin, Duration::from_secs(4)).await;
            let handshakes = metric("continuous_load_client_phase_duration_seconds_count").label("phase", "tls");
            assert!(handshakes.label("operation", "fresh").sum_in(&client) > 0.0);
            target.stop().await;
        }
    });
}
