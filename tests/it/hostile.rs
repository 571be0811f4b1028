//! Everything that no client should send, thrown at one target all at once: each protocol refuses in its own words and
//! counts it, nothing panics, and afterwards nothing is held and everything still works.

use std::io::{Read, Write};
use std::net::{Ipv4Addr, Shutdown, SocketAddr, TcpStream, UdpSocket};
use std::thread;
use std::time::Duration;

use shared::protocol::Protocol;

use crate::fixture::{eventually, inject, run};
use crate::metrics::metric;
use crate::pki::Pki;
use crate::process::{FREE_PORTS, Process, get};
use asks::{Ask, Says, Then};

#[path = "hostile/asks.rs"]
mod asks;

/// Longest wait for any answer, or end, of the target.
const PATIENCE: Duration = Duration::from_secs(60);
/// What hundreds of refused connections may leave in the allocator's hands.
const GROWTH_MAX_KIB: u64 = 48 << 10;

/// A running target and where it listens.
struct Subject {
    process: Process,
    log: tempfile::NamedTempFile,
    pki: Pki,
    http: SocketAddr,
    https: SocketAddr,
    grpc: SocketAddr,
    tcp: SocketAddr,
    udp: SocketAddr,
    dns: SocketAddr,
    admin: SocketAddr,
}

impl Subject {
    fn start() -> Subject {
        let (pki, log) = (Pki::new(), tempfile::NamedTempFile::new().unwrap());
        let (cert, key) = (pki.text("server.pem"), pki.text("server.key"));
        let more = ["--tls-cert", &cert, "--tls-key", &key, "--head-timeout", "3s"];
        let mut process = Process::logging("target-server", &[&FREE_PORTS[..], &more].concat(), log.reopen().unwrap());
        // In the order in which they are printed.
        let [http, https, grpc, tcp, udp, dns, admin] =
            ["http", "https", "grpc", "tcp", "udp", "dns", "admin"].map(|name| process.address(name));
        Subject { process, log, pki, http, https, grpc, tcp, udp, dns, admin }
    }

    /// Plain requests on every protocol, behind TLS too.
    async fn assert_serves(&self) {
        let Subject { http, https, grpc, tcp, udp, dns, .. } = self;
        let ca = self.pki.text("ca.pem");
        let calls = [
            (http, "http: {}"),
            (http, "http: { version: 2 }"),
            (http, "grpc: {}"),
            (grpc, "grpc: {}"),
            (tcp, "tcp: {}"),
            (udp, "udp: {}"),
            (dns, "dns: {}"),
            (dns, "dns: { transport: tcp }"),
            (https, "http: {}"),
            (https, "http: { version: 2 }"),
            (https, "grpc: {}"),
            (grpc, "grpc: {}"),
        ];
        let operations = calls.iter().enumerate().map(|(n, (address, call))| {
            let tls = if n < 8 { "false".to_owned() } else { format!("{{ ca: {ca} }}") };
            let tls =
                if call.contains("http:") || call.contains("grpc:") { format!("tls: {tls}, ") } else { String::new() };
            format!("  - {{ name: op-{n}, weight: 1, target: \"{address}\", {tls}{call} }}\n")
        });
        let scenario = format!("target: t\nrate: 240/s\ntimeout: 10s\nmix:\n{}", operations.collect::<String>());
        for (account, call) in inject(&scenario, *http, Duration::from_millis(500)).await.accounts.iter().zip(calls) {
            assert!(account.planned > 0);
            assert_eq!(account.success, account.planned, "{call:?}: {:?}", account.examples);
        }
    }

    /// Waits until no connection is open and nothing under way.
    async fn rest(&self) -> String {
        let mut metrics = String::new();
        eventually("nothing is held", async || {
            metrics = get(self.admin, "/metrics");
            let held = ["connections_open", "inflight_requests"]
                .map(|name| metric(&format!("continuous_load_server_{name}")).by("protocol", &metrics));
            if held.iter().all(Vec::is_empty) { Ok(()) } else { Err(held) }
        })
        .await;
        metrics
    }

    fn descriptors(&self) -> usize {
        std::fs::read_dir(format!("/proc/{}/fd", self.process.id())).unwrap().count()
    }

    fn resident_kib(&self) -> u64 {
        let status = std::fs::read_to_string(format!("/proc/{}/status", self.process.id())).unwrap();
        let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:")).unwrap();
        line.trim().trim_end_matches(" kB").parse().unwrap()
    }
}

/// Sends it, and reads until it has said what it should or has ended: all that came.
fn put(ask: &Ask) -> Vec<u8> {
    let mut stream = TcpStream::connect(ask.at).unwrap();
    stream.set_read_timeout(Some(PATIENCE)).unwrap();
    stream.set_write_timeout(Some(PATIENCE)).unwrap();
    // Read meanwhile: a target that has had enough says so before it has all, and a reset would throw its words away.
    let mut writer = stream.try_clone().unwrap();
    let (bytes, then) = (ask.bytes.clone(), ask.then);
    let writing = thread::spawn(move || {
        if writer.write_all(&bytes).is_ok() && then == Then::End {
            let _ = writer.shutdown(Shutdown::Write);
        }
    });
    let (mut seen, mut buffer) = (Vec::new(), [0; 4096]);
    loop {
        match stream.read(&mut buffer) {
            Ok(0) => break,
            Ok(bytes) => seen.extend_from_slice(&buffer[..bytes]),
            Err(error) if error.kind() == std::io::ErrorKind::WouldBlock => {
                panic!("{}: still open after {:?}", ask.what, String::from_utf8_lossy(&seen))
            }
            Err(_) => break,
        }
        if ask.then == Then::Leave && (ask.says)(&seen) {
            break;
        }
    }
    drop(stream);
    writing.join().unwrap();
    seen
}

/// Every datagram in turn, and behind each a plain one, whose answer must come: what is silent is told from what is slow.
fn send_datagrams(at: SocketAddr, datagrams: &[(Vec<u8>, Says)], after: &[u8], is_answer: impl Fn(&[u8]) -> bool) {
    let socket = UdpSocket::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
    socket.connect(at).unwrap();
    socket.set_read_timeout(Some(PATIENCE)).unwrap();
    let mut buffer = vec![0; 1 << 16];
    for (datagram, says) in datagrams {
        socket.send(datagram).unwrap();
        socket.send(after).unwrap();
        let mut seen = Vec::new();
        loop {
            let bytes = socket.recv(&mut buffer).unwrap();
            if is_answer(&buffer[..bytes]) {
                break;
            }
            seen = buffer[..bytes].to_vec();
        }
        assert!(says(&seen), "{:?} got {:?}", String::from_utf8_lossy(datagram), String::from_utf8_lossy(&seen));
    }
}

#[test]
fn whatever_is_thrown_at_it_a_target_refuses_counts_and_goes_on() {
    run(async {
        let subject = Subject::start();
        subject.assert_serves().await;
        let before = subject.rest().await;
        let (descriptors, resident_kib) = (subject.descriptors(), subject.resident_kib());

        let streams = asks::streams(&subject);
        let (echoes, queries) = (asks::datagrams(), asks::cut_queries());
        tokio::task::block_in_place(|| {
            thread::scope(|scope| {
                for ask in &streams {
                    scope.spawn(move || {
                        let seen = put(ask);
                        assert!((ask.says)(&seen), "{}: {:?}", ask.what, String::from_utf8_lossy(&seen));
                    });
                }
                scope.spawn(|| send_datagrams(subject.udp, &echoes, b"hello", |seen| seen == b"hello"));
                scope.spawn(|| {
                    send_datagrams(subject.dns, &queries, &asks::query(), |seen| seen[3] & 15 == 0);
                });
            });
        });

        let after = subject.rest().await;
        let requests = || metric("continuous_load_server_requests_total").label("error", "bad_request");
        for protocol in Protocol::ALL {
            let refused = |text: &str| requests().label("protocol", protocol.as_str()).sum_in(text);
            let asked = streams.iter().filter(|ask| ask.counted == protocol).count()
                + match protocol {
                    Protocol::Udp => echoes.len(),
                    Protocol::DnsUdp => queries.len(),
                    _ => 0,
                };
            assert_eq!(refused(&after) - refused(&before), asked as f64, "{}: each is counted once", protocol.as_str());
        }
        let errors = metric("continuous_load_server_spec_errors_total").by("parameter", &after);
        for wanted in [("fault", 4.0), ("mode", 1.0), ("rcode", 2.0), ("size", 1.0)] {
            assert!(errors.contains(&(wanted.0.to_owned(), wanted.1)), "{wanted:?} in {errors:?}");
        }
        // A key that does not exist has no series of its own.
        assert!(errors.iter().any(|(parameter, count)| parameter == "other" && *count >= 4.0), "{errors:?}");
        eventually("no descriptor is left", async || {
            let now = subject.descriptors();
            if now <= descriptors { Ok(()) } else { Err((now, descriptors)) }
        })
        .await;
        let grown = subject.resident_kib().saturating_sub(resident_kib);
        assert!(grown < GROWTH_MAX_KIB, "{grown} KiB more than before");

        subject.assert_serves().await;
        let log = std::fs::read_to_string(subject.log.path()).unwrap();
        assert!(!log.contains("panicked"), "{log}");
        subject.process.signal("TERM");
        assert_eq!(subject.process.end().0, Some(0));
    });
}
