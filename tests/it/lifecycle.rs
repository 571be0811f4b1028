//! From the first signal to the end of the process, as load balancers, clients and operators see it.

use std::io::{ErrorKind, Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::time::Duration;

use injector::plan::Plan;
use target_server::Addresses;
use tokio_util::sync::CancellationToken;

use crate::fixture::{assert_accounted, engine, eventually, plan_for_all, run};
use crate::metrics::metric;
use crate::process::{FREE_PORTS, Process, get, timed};

/// One request of each kind in one second, each of which takes three.
const SLOW: &str = "
target: t
rate: 9/s
timeout: 20s
mix:
  - { name: http, weight: 1, http: { fault: delay=3s } }
  - { name: body, weight: 1, http: { fault: \"size=10&body_delay=3s\" } }
  - { name: http2, weight: 1, http: { version: 2, fault: delay=3s } }
  - { name: grpc, weight: 1, grpc: { fault: delay=3s } }
  - { name: stream, weight: 1, grpc: { method: cload.v1.Target/ServerStream, fault: \"count=4&chunk_delay=1s\" } }
  - { name: tcp, weight: 1, tcp: { fault: delay=3s } }
  - { name: udp, weight: 1, udp: { fault: delay=3s } }
  - { name: dns-udp, weight: 1, dns: { transport: udp, fault: delay=3s } }
  - { name: dns-tcp, weight: 1, dns: { transport: tcp, fault: delay=3s } }
";
const KINDS: u64 = 9;

/// gRPC's own word for readiness.
const NOT_SERVING: &str = "
target: t
rate: 1/s
timeout: 2s
mix:
  - { name: health, weight: 1, grpc: { method: grpc.health.v1.Health/Check, expect: { message: { status: NOT_SERVING } } } }
";

/// Nothing here takes so long unless it hangs.
const PATIENCE: Duration = Duration::from_secs(60);

/// A target with these flags besides, and where it listens.
pub(crate) fn target(more: &[&str]) -> (Process, Addresses) {
    let mut target = Process::start("target-server", &[&FREE_PORTS[..], more].concat());
    // In the order in which they are printed.
    let [http, grpc, tcp, udp, dns, admin] =
        ["http", "grpc", "tcp", "udp", "dns", "admin"].map(|protocol| target.address(protocol));
    let addresses =
        Addresses { http, https: None, grpc: Some(grpc), tcp: Some(tcp), udp: Some(udp), dns: Some(dns), admin };
    (target, addresses)
}

/// The request is sent, and what comes can be read.
fn ask(address: SocketAddr, path: &str, connection: &str) -> TcpStream {
    let mut stream = TcpStream::connect(address).unwrap();
    stream.set_read_timeout(Some(PATIENCE)).unwrap();
    write!(stream, "GET {path} HTTP/1.1\r\nhost: t\r\nconnection: {connection}\r\n\r\n").unwrap();
    stream
}

fn status(address: SocketAddr, path: &str) -> u16 {
    let mut head = [0; 12];
    ask(address, path, "close").read_exact(&mut head).unwrap();
    std::str::from_utf8(&head).unwrap().split(' ').nth(1).unwrap().parse().unwrap()
}

async fn until_in_flight(admin: SocketAddr, count: u64) {
    eventually("as many requests are in flight", async || {
        let now = metric("continuous_load_server_inflight_requests").sum_in(&get(admin, "/metrics"));
        if now == count as f64 { Ok(()) } else { Err(now) }
    })
    .await;
}

async fn until_not_ready(admin: SocketAddr) {
    eventually("not ready", async || match status(admin, "/readyz") {
        503 => Ok(()),
        other => Err(other),
    })
    .await;
}

/// Runs a plan of one request per operation, which all must get what they asked for.
async fn all_succeed(plan: Plan) {
    let engine = engine(plan, Duration::from_secs(1));
    let names: Vec<String> = engine.plan().operations.iter().map(|operation| operation.name.to_string()).collect();
    let finished = engine.run(CancellationToken::new(), |_| ()).await.unwrap();
    for (name, account) in names.iter().zip(&finished.accounts) {
        assert_accounted(account);
        assert_eq!((account.planned, account.success), (1, 1), "{name}: {account:?}");
    }
}

#[test]
fn requests_in_flight_on_every_protocol_are_served_to_their_end() {
    let (target, addresses) = target(&["--shutdown-timeout", "20s"]);
    run(async {
        let signal = async {
            until_in_flight(addresses.admin, KINDS).await;
            target.signal("TERM");
        };
        tokio::join!(all_succeed(plan_for_all(SLOW, &addresses)), signal);
    });
    assert_eq!(target.end().0, Some(0));
}

#[test]
fn it_is_not_ready_first_then_refuses_and_at_last_cuts_what_is_left() {
    let (target, addresses) = target(&["--drain-delay", "3s", "--shutdown-timeout", "3s"]);
    let Addresses { http, admin, .. } = addresses;
    let mut slow = ask(http, "/?delay=50s", "keep-alive");
    run(async {
        until_in_flight(admin, 1).await;
        assert_eq!((status(admin, "/readyz"), status(admin, "/livez")), (200, 200));
        target.signal("TERM");
        until_not_ready(admin).await;
        // The load balancer has not looked away yet: whatever it sends is served.
        assert_eq!(status(http, "/?status=200"), 200);
        all_succeed(plan_for_all(NOT_SERVING, &addresses)).await;
        assert_eq!((status(admin, "/livez"), status(http, "/healthz")), (200, 200), "nobody is to restart it");
        eventually("new connections are refused", async || match TcpStream::connect(http) {
            Err(error) if error.kind() == ErrorKind::ConnectionRefused => Ok(()),
            other => Err(other.map(drop).map_err(|error| error.kind())),
        })
        .await;
        assert_eq!((status(admin, "/livez"), status(admin, "/readyz")), (200, 503), "the drain can be watched");
    });
    let mut rest = Vec::new();
    // However the connection is cut: there is no answer in it.
    let _ = slow.read_to_end(&mut rest);
    assert_eq!(rest, b"");
    let ((code, _), took) = timed(|| target.end());
    assert_eq!(code, Some(1), "a request was cut");
    assert!(took < Duration::from_secs(10), "{took:?} after the last connection was");
}

#[test]
fn a_second_signal_ends_it_at_once() {
    for (first, second) in [("INT", "TERM"), ("TERM", "TERM")] {
        let (target, addresses) = target(&["--drain-delay", "60s", "--shutdown-timeout", "60s"]);
        let _slow = ask(addresses.http, "/?delay=50s", "keep-alive");
        run(async {
            until_in_flight(addresses.admin, 1).await;
            target.signal(first);
            // The first one is handled by then; a second before that would be merged with it.
            until_not_ready(addresses.admin).await;
        });
        target.signal(second);
        let ((code, _), took) = timed(|| target.end());
        assert_eq!(code, Some(1), "{first}, then {second}");
        assert!(took < Duration::from_secs(10), "{took:?}");
    }
}

#[test]
fn idle_connections_hold_nothing_up() {
    let (target, addresses) = target(&["--shutdown-timeout", "60s"]);
    let mut kept = ask(addresses.http, "/?status=200", "keep-alive");
    kept.read_exact(&mut [0; 12]).unwrap();
    let _silent = TcpStream::connect(addresses.http).unwrap();
    let mut two = TcpStream::connect(addresses.http).unwrap();
    two.write_all(b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\0\0\0\x04\0\0\0\0\0").unwrap();
    two.read_exact(&mut [0; 9]).unwrap();
    let _dns = TcpStream::connect(addresses.dns.unwrap()).unwrap();
    target.signal("TERM");
    let ((code, _), took) = timed(|| target.end());
    assert_eq!(code, Some(0));
    assert!(took < Duration::from_secs(30), "{took:?}");
}
