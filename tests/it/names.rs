//! Names whose addresses change while a run goes on: what each policy sees, and that what is counted is what was done. A
//! name server in the test's process, several targets on addresses of their own.

use std::net::{IpAddr, SocketAddr, TcpListener, UdpSocket};
use std::num::NonZeroU32;
use std::sync::mpsc::{Receiver, sync_channel};
use std::thread;
use std::time::Duration;

use hickory_proto::op::ResponseCode;
use injector::account::{NameAccount, OperationAccount};
use injector::engine::{Engine, Options};
use injector::pacer::Quantum;
use injector::plan::{Overrides, Plan, Ports};
use prometheus::core::Collector as _;
use shared::identity::{Session, session_from_bits};
use shared::outcome::{Code, ConnectionEnd, ErrorClass};
use shared::protocol::Protocol;
use shared::red::client::ClientRed;
use tokio_util::sync::CancellationToken;

use crate::fixture::{assert_accounted, eventually, planned, run};
use crate::fleet::Fleet;
use crate::process::output;
use crate::zone::{Says, Zone};

mod failures;

pub(crate) const NAME: &str = "pool.test";

/// The plan of these operations against [`NAME`].
pub(crate) fn plan(fleet: &Fleet, zone: &Zone, mix: &str) -> Plan {
    let mut ports = Ports::default();
    let protocols = [
        (Protocol::Http, "http"),
        (Protocol::Http2, "http"),
        (Protocol::Grpc, "grpc"),
        (Protocol::Tcp, "tcp"),
        (Protocol::Udp, "udp"),
        (Protocol::DnsUdp, "dns"),
        (Protocol::DnsTcp, "dns"),
    ];
    for (protocol, listener) in protocols {
        ports.set(protocol, fleet.port(listener));
    }
    let text = format!("target: {NAME}.\nnameserver: {}\ntimeout: 2s\nmix:\n{mix}", zone.address);
    planned(&text, &Overrides { ports, ..Overrides::default() })
}

/// A run that goes on while the test does something, and its accounts at the end.
pub(crate) async fn during<T>(
    plan: Plan,
    (seconds, workers): (u64, u32),
    act: impl AsyncFnOnce(ClientRed) -> T,
) -> (Vec<OperationAccount>, T, Session) {
    let length = Some(Duration::from_secs(seconds));
    let session = session_from_bits(rand::random());
    let options = Options { length, is_paused: false, workers: NonZeroU32::new(workers), quantum: Quantum::Precise };
    let engine = Engine::new(plan, options, session);
    let act = act(engine.red());
    let (finished, acted) = tokio::join!(engine.run(CancellationToken::new(), |_| ()), act);
    let accounts = finished.unwrap().accounts;
    accounts.iter().for_each(assert_accounted);
    (accounts, acted, session)
}

/// The sum of a family's samples.
pub(crate) fn value(red: &ClientRed, family: &str) -> f64 {
    let name = format!("continuous_load_client_{family}");
    let families = red.collect();
    let family = families.iter().find(|held| held.name() == name).unwrap();
    let samples =
        family.get_metric().iter().map(|metric| metric.get_counter().get_value() + metric.get_gauge().get_value());
    samples.sum()
}

pub(crate) async fn until(red: &ClientRed, family: &str, least: f64) {
    eventually(family, async || Some(value(red, family)).filter(|held| *held < least).map_or(Ok(()), Err)).await;
}

pub(crate) fn rows(names: &NameAccount) -> Vec<(IpAddr, [u64; 4])> {
    let rows = names.addresses.each();
    rows.map(|(address, row)| (address, [row.planned, row.sent, row.success, row.failure])).collect()
}

pub(crate) fn looked_up(names: &NameAccount) -> u64 {
    names.lookups.values().sum()
}

/// The name server was asked as often as these accounts say, but perhaps for those that the end of the run has cut off.
fn assert_asked<'a>(accounts: impl IntoIterator<Item = &'a NameAccount>, zone: &Zone, before: u64) {
    let (mut answered, mut counted) = (0, 0);
    for account in accounts {
        counted += looked_up(account);
        answered += looked_up(account) - account.lookups.get(&Code::NONE).copied().unwrap_or(0);
    }
    let asked = zone.asked(NAME) - before;
    assert!((answered..=counted).contains(&asked), "{asked} of {answered} to {counted}");
}

/// Of an operation, as a target counts it.
fn received(fleet: &Fleet, index: usize, session: &Session, operation: &str) -> u64 {
    let account = fleet.admin(index, &format!("/account/{session}"));
    let account: serde_json::Value = serde_json::from_str(&account).unwrap();
    account["operations"][operation]["received"].as_u64().unwrap()
}

/// Over every protocol, fresh, kept and shared connections.
#[test]
fn all_addresses_get_their_exact_share_on_connections_of_their_own() {
    let fleet = Fleet::start(3);
    let zone = Zone::start();
    zone.addresses(NAME, fleet.ips());
    let mix = "
- { name: fresh, rate: 30/s, select: all, connection: fresh, http: {} }
- { name: kept, rate: 30/s, select: all, connection: pooled(2), http: {} }
- { name: two, rate: 30/s, select: all, connection: pooled(2), streams: 3, http: { version: 2 } }
- { name: rpc, rate: 30/s, select: all, connection: pooled(2), streams: 3, grpc: {} }
- { name: stream, rate: 30/s, select: all, connection: pooled(2), tcp: {} }
- { name: datagram, rate: 30/s, select: all, connection: pooled(2), udp: {} }
- { name: lookup, rate: 30/s, select: all, connection: pooled(2), dns: {} }
";
    for workers in [1, 2] {
        let plan = plan(&fleet, &zone, mix);
        let names: Vec<String> = plan.operations.iter().map(|operation| operation.name.to_string()).collect();
        let (accounts, (), session) = run(during(plan, (2, workers), async |_| ()));
        for (name, account) in names.iter().zip(accounts) {
            let wanted: Vec<_> = fleet.ips().into_iter().map(|ip| (IpAddr::V4(ip), [20, 20, 20, 0])).collect();
            assert_eq!(rows(&account.names), wanted, "{name} on {workers} workers");
            assert_eq!(account.connections, if name == "fresh" { 60 } else { account.connections.min(6) }, "{name}");
            assert!((3..=60).contains(&account.connections), "{name}: {}", account.connections);
            assert_eq!((account.names.changes, account.names.departed_requests), (0, 0));
            for index in 0..3 {
                assert_eq!(received(&fleet, index, &session, name), 20, "{name} at {index}");
            }
        }
    }
}

#[test]
fn a_bad_replica_is_one_bad_address() {
    let mut fleet = Fleet::start(3);
    let zone = Zone::start();
    zone.addresses(NAME, fleet.ips());
    fleet.kill(1);
    let plan = plan(&fleet, &zone, "- { name: a, rate: 30/s, select: all, connection: pooled(1), http: {} }\n");
    let (accounts, ..) = run(during(plan, (1, 1), async |_| ()));
    let [good, bad] = [[10, 10, 10, 0], [10, 0, 0, 10]];
    let shares: Vec<_> = rows(&accounts[0].names).into_iter().map(|(_, row)| row).collect();
    assert_eq!(shares, [good, bad, good]);
    assert_eq!(accounts[0].failures[ErrorClass::ConnectRefused.index()], 10);
}

/// One address leaves and another comes: the sub-streams follow, and the connections to the one that left are closed.
#[test]
fn sub_streams_follow_the_name() {
    let fleet = Fleet::start(3);
    let zone = Zone::start();
    zone.addresses(NAME, [fleet.ip(0), fleet.ip(1)]);
    let mix = "- { name: a, rate: 40/s, resolve: interval(200ms), select: all, connection: pooled(1), http: {} }\n";
    let (accounts, open, session) = run(during(plan(&fleet, &zone, mix), (3, 1), async |red| {
        until(&red, "connections_open", 2.0).await;
        zone.addresses(NAME, [fleet.ip(1), fleet.ip(2)]);
        until(&red, "connections_total", 3.0).await;
        eventually("two connections", async || {
            Some(value(&red, "connections_open")).filter(|open| *open != 2.0).map_or(Ok(()), Err)
        })
        .await;
        value(&red, "name_addresses")
    }));
    assert_eq!(open, 2.0);
    let account = &accounts[0];
    let rows = rows(&account.names);
    let planned: Vec<u64> = rows.iter().map(|(_, row)| row[0]).collect();
    assert_eq!(planned.iter().sum::<u64>(), 120, "the rate is what is written: {rows:?}");
    // Its place among the others moves by one, in the middle of a turn.
    assert!((59..=61).contains(&planned[1]), "the share of the one that stays does not change: {rows:?}");
    assert!(planned[0] > 0 && planned[0] < 30 && planned[2] > 30, "{rows:?}");
    assert!(
        rows.iter()
            .all(|(_, [planned, sent, success, failure])| planned == success && sent == success && *failure == 0)
    );
    assert_eq!((account.names.changes, account.connections), (1, 3));
    let closed = |end: ConnectionEnd| account.connections_closed[end.index()];
    assert_eq!((closed(ConnectionEnd::Retargeted), closed(ConnectionEnd::End)), (1, 2));
    assert_eq!([0, 1, 2].map(|index| received(&fleet, index, &session, "a")), planned[..]);
    assert_asked([&account.names], &zone, 0);
}

/// Kept connections stay where they are, as those of most clients do, and every request over them is counted.
#[test]
fn requests_to_an_address_that_has_left_are_counted() {
    let fleet = Fleet::start(2);
    let zone = Zone::start();
    zone.addresses(NAME, [fleet.ip(0)]);
    for (resolve, seconds) in [("interval(200ms)", 3), ("per_connection", 8)] {
        zone.addresses(NAME, [fleet.ip(0)]);
        let mix = format!("- {{ name: a, rate: 20/s, resolve: {resolve}, connection: pooled(1), http: {{}} }}\n");
        let (accounts, before, session) = run(during(plan(&fleet, &zone, &mix), (seconds, 1), async |red| {
            until(&red, "sent_total", 1.0).await;
            zone.addresses(NAME, [fleet.ip(1)]);
            until(&red, "name_changes_total", 1.0).await;
            value(&red, "sent_total") as u64
        }));
        let account = &accounts[0];
        assert_eq!((account.success, account.connections), (20 * seconds, 1), "{resolve}");
        assert_eq!(received(&fleet, 0, &session, "a"), 20 * seconds, "{resolve}: nothing went to the new one");
        let departed = account.names.departed_requests;
        assert!(departed + before + 2 >= 20 * seconds && departed < 20 * seconds, "{resolve}: {departed}, {before}");
        assert_eq!((account.names.changes, account.names.stale_answers), (1, 0), "{resolve}");
    }
}

#[test]
fn each_policy_asks_as_often_as_it_says() {
    let fleet = Fleet::start(2);
    let zone = Zone::start();
    zone.addresses(NAME, fleet.ips());
    // A TTL of a second is asked for again after nine tenths of it. Where the clock asks, a busy machine may be late by one
    // and the end of the run by another.
    for (keys, least, most) in [
        ("connection: fresh", 60, 60),
        ("resolve: ttl, connection: fresh", 3, 5),
        ("resolve: interval(500ms), connection: fresh", 5, 8),
        ("resolve: once, connection: fresh", 1, 1),
        ("resolve: once, connection: pooled(2)", 1, 1),
        // At the start, and for each connection.
        ("connection: pooled(2)", 2, 3),
    ] {
        let before = zone.asked(NAME);
        let plan = plan(&fleet, &zone, &format!("- {{ name: a, rate: 20/s, {keys}, http: {{}} }}\n"));
        let (accounts, ..) = run(during(plan, (3, 1), async |_| ()));
        let asked = zone.asked(NAME) - before;
        assert!((least..=most).contains(&asked), "{keys}: {asked}");
        assert_asked([&accounts[0].names], &zone, before);
        assert_eq!(accounts[0].success, 60, "{keys}");
    }
}

/// In turn is half of them each; `once` sees no change.
#[test]
fn addresses_are_taken_in_turn_or_drawn_and_once_stays_where_it_was() {
    let fleet = Fleet::start(3);
    let zone = Zone::start();
    zone.addresses(NAME, [fleet.ip(0), fleet.ip(1)]);
    let mix = "
- { name: turn, rate: 50/s, connection: fresh, http: {} }
- { name: drawn, rate: 50/s, select: random, connection: fresh, http: {} }
- { name: once, rate: 50/s, resolve: once, connection: fresh, http: {} }
";
    let (.., session) = run(during(plan(&fleet, &zone, mix), (2, 1), async |_| ()));
    assert_eq!([0, 1].map(|index| received(&fleet, index, &session, "turn")), [50, 50]);
    assert_eq!([0, 1].map(|index| received(&fleet, index, &session, "once")), [50, 50]);
    let drawn = received(&fleet, 0, &session, "drawn");
    assert!((25..75).contains(&drawn), "{drawn}");
    let mix = "- { name: once, rate: 50/s, resolve: once, connection: fresh, http: {} }\n";
    let (accounts, (), session) = run(during(plan(&fleet, &zone, mix), (2, 1), async |red| {
        until(&red, "sent_total", 1.0).await;
        zone.addresses(NAME, [fleet.ip(2)]);
    }));
    assert_eq!([0, 1].map(|index| received(&fleet, index, &session, "once")), [50, 50]);
    let names = &accounts[0].names;
    assert_eq!((names.changes, names.departed_requests, looked_up(names)), (0, 0, 1), "it hides all of it");
}

/// The name server fails for a while: who looks up for each connection fails with it, the others count.
#[test]
fn a_failing_name_server_is_a_failure_or_a_stale_answer() {
    let fleet = Fleet::start(1);
    let zone = Zone::start();
    let mix = "
- { name: each, rate: 20/s, connection: fresh, http: {} }
- { name: ttl, rate: 20/s, resolve: ttl, connection: fresh, http: {} }
- { name: interval, rate: 20/s, resolve: interval(200ms), connection: fresh, http: {} }
";
    zone.addresses(NAME, fleet.ips());
    let (accounts, ..) = run(during(plan(&fleet, &zone, mix), (6, 1), async |red| {
        until(&red, "sent_total", 10.0).await;
        zone.set(NAME, Says::Code(ResponseCode::ServFail));
        until(&red, "stale_answers_total", 40.0).await;
        zone.addresses(NAME, fleet.ips());
    }));
    let [each, ttl, interval] = &accounts[..] else { panic!("three operations") };
    let servfail = Code::Rcode(2);
    let failed = each.failures[ErrorClass::DnsServfail.index()];
    assert!(failed > 0 && each.success > 0);
    assert_eq!((failed, each.names.stale_answers), (each.names.lookups[&servfail], 0));
    assert_eq!(each.failed(), failed);
    for account in [ttl, interval] {
        assert_eq!((account.success, account.failed()), (120, 0));
        let NameAccount { stale_answers, lookups, changes, .. } = &account.names;
        assert!(*stale_answers > 0 && *stale_answers < 110 && lookups[&servfail] > 0, "{:?}", account.names);
        assert_eq!(*changes, 0, "no answer is no other answer");
    }
    assert_asked(accounts.iter().map(|account| &account.names), &zone, 0);
}

/// "No such name" is an answer: nothing older is used instead.
#[test]
fn a_name_that_is_gone_is_gone_for_every_policy_but_once() {
    let fleet = Fleet::start(1);
    let zone = Zone::start();
    let mix = "
- { name: each, rate: 20/s, connection: fresh, http: {} }
- { name: ttl, rate: 20/s, resolve: ttl, connection: fresh, http: {} }
- { name: all, rate: 20/s, resolve: interval(200ms), select: all, connection: fresh, http: {} }
- { name: once, rate: 20/s, resolve: once, connection: fresh, http: {} }
";
    zone.addresses(NAME, fleet.ips());
    let (accounts, addresses, _) = run(during(plan(&fleet, &zone, mix), (4, 1), async |red| {
        until(&red, "sent_total", 10.0).await;
        zone.set(NAME, Says::Code(ResponseCode::NXDomain));
        // Of three; `once` does not know.
        until(&red, "name_changes_total", 3.0).await;
        value(&red, "name_addresses")
    }));
    assert_eq!(addresses, 1.0);
    for account in &accounts[..3] {
        let failed = account.failures[ErrorClass::DnsNxdomain.index()];
        assert!(failed > 0 && failed == account.failed(), "{failed} of {}", account.failed());
        assert_eq!(account.names.stale_answers, 0);
    }
    assert_eq!(accounts[3].success, 80);
    // What was planned while nobody knew an address has no row.
    let rows = rows(&accounts[2].names);
    assert_eq!((rows.len(), rows[0].1[2]), (1, accounts[2].success));
}

/// Says who sent to it, whatever was sent.
pub(crate) fn senders(ip: IpAddr) -> (u16, Receiver<IpAddr>) {
    // More than any test sends.
    let (tell, told) = sync_channel(1_000);
    let listener = TcpListener::bind((ip, 0)).unwrap();
    let port = listener.local_addr().unwrap().port();
    let socket = UdpSocket::bind((ip, port)).unwrap();
    let tell_too = tell.clone();
    thread::spawn(move || {
        // Nobody listens any more when the test is over.
        listener.incoming().flatten().all(|stream| tell.send(stream.peer_addr().unwrap().ip()).is_ok());
    });
    thread::spawn(move || while tell_too.send(socket.recv_from(&mut [0; 2_048]).unwrap().1.ip()).is_ok() {});
    (port, told)
}

#[test]
fn connections_and_datagrams_come_from_the_source_addresses_in_turn() {
    for (ip, sources, expected) in [
        ("127.0.0.1", "127.0.9.0/30", vec!["127.0.9.0", "127.0.9.1", "127.0.9.2", "127.0.9.3"]),
        ("127.0.0.1", "127.0.9.7, 127.0.8.1", vec!["127.0.8.1", "127.0.9.7"]),
        ("::1", "::1", vec!["::1"]),
    ] {
        for (call, version) in
            [("http", "{}"), ("http", "{ version: 2 }"), ("grpc", "{}"), ("tcp", "{}"), ("udp", "{}"), ("dns", "{}")]
        {
            let (port, told) = senders(ip.parse().unwrap());
            let at = SocketAddr::new(ip.parse().unwrap(), port);
            let text = format!(
                "timeout: 100ms\nmax_lag: 5s\nmix: [{{ name: a, rate: 40/s, target: '{at}', source_addresses: '{sources}', \
                 connection: fresh, {call}: {version} }}]"
            );
            let plan =
                planned(&text, &Overrides { target: Some("127.0.0.1".parse().unwrap()), ..Overrides::default() });
            let (accounts, ..) = run(during(plan, (1, 1), async |_| ()));
            assert_eq!(accounts[0].sent, 40, "{call} from {sources}");
            let mut seen: Vec<IpAddr> = told.iter().take(40).collect();
            seen.sort_unstable();
            let each = 40 / expected.len();
            let wanted: Vec<IpAddr> = expected.iter().flat_map(|ip| vec![ip.parse().unwrap(); each]).collect();
            assert_eq!(seen, wanted, "{call} {version} from {sources}");
        }
    }
}

#[test]
fn a_source_address_that_is_not_ours_is_refused_at_the_start() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("a.yaml");
    std::fs::write(&file, "target: 127.0.0.1\nmix: [{ name: a, rate: 1/s, http: {} }]\n").unwrap();
    // RFC 5737: documentation's, and nobody's.
    let flags = ["--source-addresses", "127.0.0.1, 192.0.2.0/30", "--for", "1s", "--admin-address", "127.0.0.1:0"];
    let refused = output("injector", &[&["run", file.to_str().unwrap()][..], &flags].concat());
    let words = String::from_utf8_lossy(&refused.stderr).into_owned();
    assert_eq!(refused.status.code(), Some(104), "{words}");
    assert!(words.contains("cannot send from 192.0.2.0") && words.contains("ip route add local"), "{words}");
    let checked =
        output("injector", &["check", file.to_str().unwrap(), "--source-addresses", "127.0.0.1", "--resolve", "ttl"]);
    assert!(
        checked.status.success() && String::from_utf8_lossy(&checked.stdout).contains("1 source address: 127.0.0.1")
    );
}
