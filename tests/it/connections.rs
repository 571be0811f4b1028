//! Connections as users see them: every one that is opened ends once, for the reason that it ended for.

use std::collections::BTreeMap;
use std::io::{Read as _, Write as _};
use std::net::{Ipv4Addr, SocketAddr, TcpListener, UdpSocket};
use std::sync::{Arc, Mutex};
use std::thread::{self, ThreadId};
use std::time::Duration;

use injector::account::OperationAccount;
use injector::plan::Overrides;
use prometheus::{Registry, TextEncoder};
use shared::outcome::{ConnectionEnd, ErrorClass};
use tokio_util::sync::CancellationToken;

use crate::fixture::{
    RunningTarget, ScriptedServer, Step, assert_accounted, engine, inject, ok, plan, plan_for_all, planned, run,
};
use crate::metrics::metric;

const SECOND: Duration = Duration::from_secs(1);

/// One operation of every protocol that keeps connections, or source ports.
const KINDS: [(&str, &str); 7] = [
    ("http", "http: {}"),
    ("http2", "http: { version: 2 }"),
    ("grpc", "grpc: {}"),
    ("tcp", "tcp: { body: hello }"),
    ("udp", "udp: { body: hello }"),
    ("dns-udp", "dns: {}"),
    ("dns-tcp", "dns: { transport: tcp }"),
];

/// A scenario of all of them.
fn every_kind(rate: &str, connection: &str) -> String {
    let entry = |(name, call)| format!("- {{ name: {name}, rate: {rate}, connection: '{connection}', {call} }}\n");
    format!("target: t\nmax_lag: 5s\ntimeout: 2s\nmix:\n{}", KINDS.map(entry).concat())
}

/// Why connections ended, each reason with how often.
fn ends(account: &OperationAccount) -> Vec<(&'static str, u64)> {
    let reasons = ConnectionEnd::ALL.into_iter();
    reasons.map(|end| (end.as_str(), account.connections_closed[end.index()])).filter(|(_, n)| *n > 0).collect()
}

/// Runs a scenario against a target of ours: the accounts and the injector's metrics.
async fn against_target(scenario: &str, length: Duration) -> (Vec<OperationAccount>, String) {
    let target = RunningTarget::start();
    let engine = engine(plan_for_all(scenario, &target.addresses), length);
    let registry = Registry::new();
    registry.register(Box::new(engine.red())).unwrap();
    let finished = engine.run(CancellationToken::new(), |tick| {
        for account in tick.total {
            assert!(account.connections_open() >= 0, "more ended than were opened: {account:?}");
        }
    });
    let accounts = finished.await.unwrap().accounts;
    accounts.iter().for_each(assert_accounted);
    target.stop().await;
    (accounts, TextEncoder::new().encode_to_string(&registry.gather()).unwrap())
}

#[test]
fn every_protocol_retires_a_connection_after_its_requests() {
    let scenario = every_kind("40/s", "rotating(max_requests=4, connections=1)");
    let (accounts, metrics) = run(against_target(&scenario, SECOND));
    for ((name, _), account) in KINDS.iter().zip(&accounts) {
        assert_eq!((account.success, account.connections), (40, 10), "{name}: {:?}", account.examples);
        assert_eq!(ends(account), [("max_requests", 10)], "{name}");
        let closed = metric("continuous_load_client_connections_closed_total").label("operation", name);
        assert_eq!(closed.label("reason", "max_requests").sum_in(&metrics), 10.0, "{name}");
        let open = metric("continuous_load_client_connections_open").label("operation", name);
        assert_eq!(open.sum_in(&metrics), 0.0, "{name}");
    }
    // Every reason of each is there from the start, at 0: its first time is visible to `rate()`.
    for end in ConnectionEnd::ALL {
        let series = format!("reason=\"{}\"", end.as_str());
        let lines = metrics.lines().filter(|line| line.contains("connections_closed_total{") && line.contains(&series));
        assert_eq!(lines.count(), KINDS.len(), "{series}");
    }
}

#[test]
fn every_protocol_retires_an_idle_connection_at_its_age() {
    // Old long before the next request, and closed without waiting for it: so are most of the last ones, which none follows but
    // those of the other operations. The run ends with the last answer, and may end before the last of them is old; an
    // answer that is slow finds its connection old already.
    let scenario = every_kind("1/s", "rotating(max_age=20ms, connections=1)");
    let (accounts, _) = run(against_target(&scenario, 2 * SECOND));
    let mut aged = 0;
    for ((name, _), account) in KINDS.iter().zip(&accounts) {
        assert_eq!((account.success, account.connections), (2, 2), "{name}: {:?}", account.examples);
        match ends(account)[..] {
            [("max_age", n), ..] => aged += n,
            ref other => panic!("{name}: {other:?}"),
        }
    }
    assert!(aged > KINDS.len() as u64, "none of the last ones was old before the run was over: {aged}");
}

#[test]
fn opened_is_ended_and_open_whatever_happens() {
    let scenario = "
target: t
timeout: 100ms
mix:
  - { name: fresh, rate: 100/s, connection: fresh, http: { fault: \"fault=reset:20,hang:5,abort:10&size=1KiB\" } }
  - { name: pooled, rate: 100/s, connection: pooled(3), http: { fault: \"fault=reset:20,hang:5,empty:10\" } }
  - { name: closing, rate: 50/s, connection: pooled(3), http: { fault: \"close=50\" } }
  - { name: slow, rate: 50/s, connection: 'rotating(max_age=30ms, max_requests=7)', http: { fault: \"delay=0ms..150ms\" } }
  - { name: two, rate: 100/s, connection: 'rotating(max_requests=7, connections=2)', streams: 4, http: { version: 2, fault: \"fault=h2rst(CANCEL):10,goaway(NO_ERROR):5&delay=0ms..20ms&allow_conn=1\" } }
  - { name: two-fresh, rate: 50/s, connection: fresh, http: { version: 2, fault: \"fault=reset:20&allow_conn=1\" } }
  - { name: rpc, rate: 50/s, connection: 'rotating(max_age=50ms)', streams: 3, grpc: { fault: \"fault=goaway(NO_ERROR):5&allow_conn=1\" } }
  - { name: tcp, rate: 50/s, connection: 'rotating(max_requests=5, max_age=200ms)', tcp: { fault: \"fault=reset:20\" } }
  - { name: udp, rate: 50/s, connection: fresh, udp: { fault: \"loss=10\" } }
  - { name: dns, rate: 50/s, connection: 'rotating(max_requests=5)', dns: { fault: \"fault=tc:20,drop:5\", fallback: true } }
";
    let (accounts, metrics) = run(against_target(scenario, 2 * SECOND));
    let mut seen: BTreeMap<&str, u64> = BTreeMap::new();
    for account in &accounts {
        assert!(account.connections > 0, "{account:?}");
        for (end, n) in ends(account) {
            *seen.entry(end).or_default() += n;
        }
    }
    let opened = metric("continuous_load_client_connections_total").label("result", "success").sum_in(&metrics);
    assert_eq!(opened, accounts.iter().map(|account| account.connections).sum::<u64>() as f64);
    for end in ConnectionEnd::ALL {
        let closed = metric("continuous_load_client_connections_closed_total").label("reason", end.as_str());
        assert_eq!(closed.sum_in(&metrics), seen.get(end.as_str()).copied().unwrap_or(0) as f64, "{end:?}");
    }
    assert_eq!(metric("continuous_load_client_connections_open").sum_in(&metrics), 0.0);
    for end in ["request", "max_requests", "max_age", "said", "failed"] {
        assert!(seen.contains_key(end), "no {end}: {seen:?}");
    }
}

#[test]
fn every_pooled_connection_is_used_in_its_turn() {
    let counts: Arc<Mutex<BTreeMap<String, u64>>> = Arc::default();
    let count = Arc::clone(&counts);
    // A thread of its own for each connection.
    let name = |id: ThreadId| format!("{id:?}");
    let server = ScriptedServer::start(move |_, head| {
        *count.lock().unwrap().entry(name(thread::current().id())).or_default() += 1;
        Step::Answer(ok(head, ""))
    });
    let scenario = "target: t\ntimeout: 5s\nmix: [{ name: a, rate: 40/s, connection: pooled(5), http: {} }]\n";
    let finished = run(inject(scenario, server.address, SECOND));
    assert_eq!((finished.accounts[0].success, finished.accounts[0].connections), (40, 5));
    let counts = counts.lock().unwrap();
    assert!(counts.len() == 5 && counts.values().all(|n| (6..=10).contains(n)), "{counts:?}");
}

/// What a server does to a connection on which it has answered once, and which is idle by then.
#[derive(Clone, Copy)]
enum Farewell {
    Close,
    Reset,
    Speak,
}

/// Answers one request on each connection, waits until the answer has been read, and says farewell.
fn parting(farewell: Farewell) -> SocketAddr {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
    let address = listener.local_addr().unwrap();
    thread::spawn(move || {
        for mut stream in listener.incoming().flatten() {
            let mut head = Vec::new();
            while !head.ends_with(b"\r\n\r\n") {
                let mut byte = [0];
                if stream.read_exact(&mut byte).is_err() {
                    break;
                }
                head.push(byte[0]);
            }
            stream.write_all(&ok(&String::from_utf8_lossy(&head), "")).unwrap();
            // Behind the answer, and well before the next request: a reset must not overtake what it follows.
            thread::park_timeout(Duration::from_millis(100));
            match farewell {
                Farewell::Close => {}
                Farewell::Reset => socket2::SockRef::from(&stream).set_linger(Some(Duration::ZERO)).unwrap(),
                Farewell::Speak => {
                    stream.write_all(b"HTTP/1.1 408 Request Timeout\r\ncontent-length: 0\r\n\r\n").unwrap();
                }
            }
        }
    });
    address
}

#[test]
fn an_idle_connection_that_the_peer_ends_is_an_event_with_its_reason() {
    for (farewell, reason) in
        [(Farewell::Close, "peer_closed"), (Farewell::Reset, "peer_reset"), (Farewell::Speak, "said")]
    {
        let scenario = "target: t\nmix: [{ name: a, rate: 2/s, connection: pooled(1), http: {} }]\n";
        let address = parting(farewell);
        let account = run(inject(scenario, address, 2 * SECOND)).accounts.remove(0);
        assert_eq!((account.success, account.connections), (4, 4), "{:?}", account.examples);
        // Half a second of the run is left behind the last answer.
        assert_eq!(ends(&account), [(reason, 4)]);
    }
}

#[test]
fn the_end_of_a_run_ends_what_is_open() {
    let server = ScriptedServer::start(|_, head| Step::Answer(ok(head, "")));
    let scenario = "target: t\nmix: [{ name: a, rate: 20/s, connection: pooled(3), http: {} }]\n";
    let engine = engine(plan(scenario, server.address, server.address), SECOND / 2);
    let finished = run(engine.run(CancellationToken::new(), |_| ())).unwrap();
    assert_eq!(ends(&finished.accounts[0]), [("end", 3)]);
}

#[test]
fn the_default_scenario_pairs_new_and_kept_flows_of_every_protocol() {
    let text = include_str!("../../scenarios/continuous.yaml");
    let scenario = text.replace("rate: 10/s", "rate: 140/s").replace("timeout: 1s", "timeout: 5s");
    let (accounts, _) = run(against_target(&scenario, SECOND));
    let (mut fresh, mut kept) = (0, 0);
    for account in &accounts {
        assert!(account.success >= 10 && account.failed() == 0, "{account:?}");
        match ends(account).as_slice() {
            [("request", n)] if *n == account.success => fresh += 1,
            [("end", 2..=4)] => kept += 1,
            other => panic!("{other:?}"),
        }
    }
    assert_eq!((fresh, kept), (6, 6));
}

/// Truncates over UDP every answer that it is asked for.
fn truncating() -> SocketAddr {
    let socket = UdpSocket::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
    let address = socket.local_addr().unwrap();
    thread::spawn(move || {
        let mut query = [0; 4_096];
        while let Ok((size, client)) = socket.recv_from(&mut query) {
            let name = query[12..size].iter().position(|byte| *byte == 0).unwrap();
            // QR, AA, TC, RD; RA; one question and nothing else.
            let head = [&query[..2], &[0x87, 0x80, 0, 1, 0, 0, 0, 0, 0, 0]].concat();
            let _ = socket.send_to(&[&head, &query[12..12 + name + 5]].concat(), client);
        }
    });
    address
}

#[test]
fn a_connection_for_a_truncated_answer_that_cannot_be_had_is_counted() {
    let address = truncating();
    let scenario = format!(
        "target: t\nmix: [{{ name: a, rate: 20/s, target: '{address}', connection: pooled(1), dns: {{ plain: true, name: x.test., fallback: true }} }}]\n"
    );
    let engine = engine(planned(&scenario, &Overrides::default()), SECOND);
    let registry = Registry::new();
    registry.register(Box::new(engine.red())).unwrap();
    let account = run(engine.run(CancellationToken::new(), |_| ())).unwrap().accounts.remove(0);
    let metrics = TextEncoder::new().encode_to_string(&registry.gather()).unwrap();
    assert_eq!(account.failures[ErrorClass::ConnectRefused.index()], 20, "{:?}", account.examples);
    let failed = metric("continuous_load_client_connections_total").label("result", "failure");
    assert_eq!(failed.label("error", "connect_refused").sum_in(&metrics), 20.0);
}

#[test]
fn a_connection_that_was_asked_to_end_ends_with_its_request() {
    let scenario = "target: t\nmix: [{ name: a, rate: 20/s, connection: pooled(1), http: { fault: close=100 } }]\n";
    let (accounts, _) = run(against_target(scenario, SECOND));
    assert_eq!(ends(&accounts[0]), [("request", 20)]);
}

#[test]
fn nothing_comes_from_elsewhere_than_the_source_addresses() {
    let (port, told) = crate::names::senders(Ipv4Addr::LOCALHOST.into());
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("a.yaml");
    // The admin port is no part of the plan; here there is none.
    let nobody = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap().local_addr().unwrap();
    let text = format!(
        "target: t\nadmin: {nobody}\nmix: [{{ name: a, rate: 2/s, target: '127.0.0.1:{port}', connection: fresh, tcp: {{}} }}]\n"
    );
    std::fs::write(&file, text).unwrap();
    let flags = ["--source-addresses", "127.0.9.9", "--for", "1s", "--admin-address", "127.0.0.1:0"];
    crate::process::output("injector", &[&["run", file.to_str().unwrap()][..], &flags].concat());
    let seen: Vec<_> = told.try_iter().collect();
    assert_eq!(seen, [Ipv4Addr::new(127, 0, 9, 9); 3], "the question before the run, and two requests");
}
