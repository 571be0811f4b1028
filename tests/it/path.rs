//! The path's latency: a relay between the two sides holds every byte for a known time, and what the injector says of the
//! path is that time; whatever the target was asked for, on every protocol.

use std::net::{Ipv4Addr, TcpListener};
use std::time::Duration;

use injector::account::Durations;
use injector::plan::{Overrides, Plan};
use prometheus::{Registry, TextEncoder};
use shared::outcome::{ErrorClass, Phase};
use tokio_util::sync::CancellationToken;

use crate::agree::{Said, both_sides};
use crate::fixture::{RunningTarget, assert_accounted, engine, plan, plan_for_all, planned, run};
use crate::metrics::metric;
use crate::pki::Pki;
use crate::relay;
use crate::rules_seen::put;
use crate::zone::{Says, Zone};

/// How long each direction is held.
const HOLD: Duration = Duration::from_millis(20);
/// The same where a handshake of one round trip more must not hide in the tolerance.
const LONG_HOLD: Duration = Duration::from_millis(40);
/// What the quickest may take beyond it: threads of a busy machine wait for their turn. Half of what is asked of the target,
/// so that nothing of that could hide in it.
const TOLERANCE: Duration = Duration::from_millis(50);

/// Each asks for 100 ms and more before the first byte, or for something slow behind it.
const ASKING: &str = "
target: t
rate: 140/s
timeout: 10s
mix:
  - { name: web, weight: 1, connection: fresh, http: { fault: delay=100ms } }
  - { name: web-drawn, weight: 1, http: { fault: \"delay=lognormal(150ms,300ms)\" } }
  - { name: web-body, weight: 1, http: { fault: \"size=30KiB&chunk=10KiB&chunk_delay=100ms&body_delay=100ms\" } }
  - { name: web-throttled, weight: 1, http: { fault: \"size=20KiB&rate=100KiB\" } }
  - { name: web-gzip, weight: 1, http: { headers: { accept-encoding: gzip }, fault: \"size=30KiB&body=zero&delay=100ms&gzip=true\" } }
  - { name: web-upload, weight: 1, http: { method: PUT, body_size: 300KiB, fault: delay=100ms } }
  - { name: web-status, weight: 1, http: { fault: \"status=503&delay=100ms\" } }
  - { name: two, weight: 1, http: { version: 2, fault: delay=100ms } }
  - { name: two-fresh, weight: 1, connection: fresh, http: { version: 2, fault: delay=100ms } }
  - { name: two-body, weight: 1, http: { version: 2, fault: \"size=30KiB&chunk=10KiB&chunk_delay=100ms&body_delay=100ms\" } }
  - { name: call, weight: 1, grpc: { fault: delay=100ms } }
  - { name: call-drawn, weight: 1, grpc: { fault: \"delay=lognormal(150ms,300ms)\" } }
  - { name: call-packed, weight: 1, grpc: { fault: \"size=30KiB&body=zero&delay=100ms&gzip=true\" } }
  - { name: call-failing, weight: 1, grpc: { fault: \"status=UNAVAILABLE&delay=100ms\" } }
  - { name: down, weight: 1, grpc: { method: cload.v1.Target/ServerStream, fault: \"count=3&size=1KiB&chunk_delay=100ms\" } }
  - { name: up, weight: 1, grpc: { method: cload.v1.Target/ClientStream, messages: [ { payload: YQ== }, { payload: YmM= } ], fault: delay=100ms } }
  - { name: both, weight: 1, grpc: { method: cload.v1.Target/BidiStream, messages: [ { payload: YQ== }, {}, { payload: YmM= } ], fault: delay=100ms } }
  - { name: echo, weight: 1, tcp: { size: 4KiB, fault: delay=100ms } }
  - { name: echo-fresh, weight: 1, connection: fresh, tcp: { size: 4KiB, fault: \"delay=lognormal(150ms,300ms)\" } }
  - { name: echo-chunks, weight: 1, tcp: { size: 4KiB, fault: \"chunk=1KiB&chunk_delay=100ms\" } }
  - { name: datagram, weight: 1, udp: { size: 1KiB, fault: delay=100ms } }
  - { name: datagram-drawn, weight: 1, connection: fresh, udp: { size: 1KiB, fault: \"delay=lognormal(150ms,300ms)\" } }
  - { name: name, weight: 1, dns: { fault: delay=100ms } }
  - { name: name-fresh, weight: 1, connection: fresh, dns: { fault: delay=100ms } }
  - { name: name-again, weight: 1, dns: { fallback: true, fault: \"fault=tc&delay=100ms\" } }
  - { name: name-tcp, weight: 1, dns: { transport: tcp, fault: delay=100ms } }
  - { name: name-tcp-fresh, weight: 1, connection: fresh, dns: { transport: tcp, fault: delay=100ms } }
";

const SECURED: &str = "
target: t
tls: { ca: CA }
rate: 40/s
timeout: 10s
mix:
  - { name: web, weight: 1, connection: fresh, http: { fault: delay=100ms } }
  - { name: web-kept, weight: 1, http: { fault: delay=100ms } }
  - { name: two, weight: 1, connection: fresh, http: { version: 2, fault: delay=100ms } }
  - { name: two-kept, weight: 1, http: { version: 2, fault: delay=100ms } }
";

/// Nothing is asked for; a rule does it.
const RULED: &str = "
target: t
rate: 40/s
timeout: 10s
mix:
  - { name: web, weight: 1, http: {} }
  - { name: two, weight: 1, http: { version: 2 } }
  - { name: call, weight: 1, grpc: {} }
  - { name: echo, weight: 1, tcp: {} }
  - { name: datagram, weight: 1, udp: {} }
  - { name: name, weight: 1, dns: { name: xrules.f.cload.test. } }
  - { name: name-tcp, weight: 1, dns: { name: xrules.f.cload.test., transport: tcp } }
";

/// What ends in every other way.
const ENDING: &str = "
target: t
rate: 120/s
timeout: 300ms
mix:
  - { name: web-hang, weight: 1, http: { fault: fault=hang } }
  - { name: web-cut, weight: 1, http: { fault: \"size=10KiB&fault=abort&at=5KiB\" } }
  - { name: web-reset, weight: 1, connection: fresh, http: { fault: fault=reset } }
  - { name: web-late, weight: 1, http: { fault: \"delay=1s:60\" } }
  - { name: web-unread, weight: 1, connection: fresh, http: { method: PUT, body_size: 1MiB, fault: read=none } }
  - { name: two-cut, weight: 1, http: { version: 2, fault: \"size=10KiB&fault=abort&at=5KiB\" } }
  - { name: two-late, weight: 1, http: { version: 2, fault: \"delay=1s:60\" } }
  - { name: two-gone, weight: 1, connection: fresh, http: { version: 2, fault: \"fault=reset&allow_conn=1\" } }
  - { name: call-late, weight: 1, grpc: { deadline: 100ms, fault: delay=1s } }
  - { name: call-cut, weight: 1, grpc: { fault: \"size=10KiB&fault=abort&at=5KiB\" } }
  - { name: echo, weight: 1, connection: fresh, tcp: { size: 300KiB } }
  - { name: echo-unread, weight: 1, connection: fresh, tcp: { size: 300KiB, fault: \"read=first(10KiB)\" } }
  - { name: echo-reset, weight: 1, tcp: { fault: fault=reset } }
  - { name: datagram-lost, weight: 1, udp: { fault: loss=true } }
  - { name: datagram-twice, weight: 1, udp: { fault: dup=true } }
  - { name: name-lost, weight: 1, dns: { fault: fault=drop } }
  - { name: name-again, weight: 1, dns: { fallback: true, fault: fault=tc } }
  - { name: name-tcp, weight: 1, connection: fresh, dns: { transport: tcp } }
";

async fn said(plan: Plan, target: &RunningTarget, seconds: u64) -> Said {
    both_sides(plan, target.admin, Duration::from_secs(seconds)).await
}

/// What every request of a run took on its path is the relay's time, and the target's own time has nothing of it.
fn assert_path_is_the_relays(said: &Said, hold: Duration) {
    let mut wrong = Vec::new();
    for (name, account) in said.names.iter().zip(&said.ours) {
        assert_accounted(account);
        let (network, server) = (&account.network, &account.server);
        assert!(network.count() > 0 && network.count() == account.answered(), "{name}: {account:?}");
        let least = Duration::from_micros(network.recorded_us()[0].0);
        let (round, own) = (2 * hold, median(server));
        // What is asked for never shows as the target's own time, nor does the relay.
        if least < round || least > round + TOLERANCE || own > hold {
            wrong.push(format!("{name}: path from {least:?}, target {own:?}"));
        }
    }
    assert!(wrong.is_empty(), "{} wrong of {}:\n{}", wrong.len(), said.names.len(), wrong.join("\n"));
}

fn median(durations: &Durations) -> Duration {
    durations.quantile(0.5).unwrap()
}

/// The phases of every operation add up to its service times, and those it has are those its requests have.
fn assert_phases_add_up(said: &Said) {
    assert_sums(said.names.iter().map(String::as_str), &said.client);
}

fn assert_sums<'a>(names: impl Iterator<Item = &'a str>, client: &str) {
    let mut wrong = Vec::new();
    let mut count = 0;
    for name in names {
        count += 1;
        let of = |family: &str| metric(&format!("continuous_load_client_{family}")).label("operation", name);
        let phases = of("phase_duration_seconds_sum").sum_in(client);
        let service = of("request_duration_seconds_sum").sum_in(client);
        if (phases - service).abs() > 1e-6 || service == 0.0 {
            wrong.push(format!("{name}: {phases} s of {service} s"));
        }
    }
    assert!(wrong.is_empty(), "{} wrong of {count}:\n{}", wrong.len(), wrong.join("\n"));
}

/// Requests of an operation that had a phase.
fn having(said: &Said, name: &str, phase: Phase) -> f64 {
    let count = metric("continuous_load_client_phase_duration_seconds_count").label("operation", name);
    count.label("phase", phase.as_str()).sum_in(&said.client)
}

#[test]
fn the_path_takes_what_the_relay_takes_whatever_was_asked_for() {
    run(async {
        let target = RunningTarget::start();
        let held = relay::in_front_of(&target.addresses, HOLD).await;
        let said = said(plan_for_all(ASKING, &held), &target, 3).await;
        assert_path_is_the_relays(&said, HOLD);
        assert_phases_add_up(&said);
        target.stop().await;
    });
}

#[test]
fn securing_a_connection_is_no_part_of_the_path() {
    run(async {
        let pki = Pki::new();
        let target = RunningTarget::secured(&pki);
        let held = relay::in_front_of(&target.addresses, LONG_HOLD).await;
        let scenario = SECURED.replace("ca: CA", &format!("ca: {}", pki.text("ca.pem")));
        let said = said(plan(&scenario, held.https.unwrap(), target.admin), &target, 2).await;
        assert_path_is_the_relays(&said, LONG_HOLD);
        assert_phases_add_up(&said);
        for name in ["web", "two"] {
            let requests =
                metric("continuous_load_client_requests_total").label("operation", name).sum_in(&said.client);
            assert_eq!(having(&said, name, Phase::Tls), requests, "{name}");
            let tls = metric("continuous_load_client_phase_duration_seconds_sum").label("operation", name);
            let tls = tls.label("phase", "tls").sum_in(&said.client);
            assert!(
                tls >= requests * 2.0 * LONG_HOLD.as_secs_f64(),
                "{name}: a round trip at least: {tls} of {requests}"
            );
        }
        target.stop().await;
    });
}

#[test]
fn what_a_rule_asks_for_is_no_part_of_the_path() {
    run(async {
        let target = RunningTarget::start();
        put(
            target.admin,
            "/faults/slow",
            r#"{"ttl": "5m", "match": {"protocol": "*"}, "percent": 100, "fault": "delay=100ms"}"#,
        );
        let held = relay::in_front_of(&target.addresses, HOLD).await;
        let said = said(plan_for_all(RULED, &held), &target, 2).await;
        assert_path_is_the_relays(&said, HOLD);
        for (name, account) in said.names.iter().zip(&said.ours) {
            assert!(median(&account.service) >= 2 * HOLD + Duration::from_millis(100), "{name}: the rule was at work");
        }
        target.stop().await;
    });
}

#[test]
fn phases_add_up_however_a_request_ends() {
    run(async {
        let target = RunningTarget::start();
        let said = said(plan_for_all(ENDING, &target.addresses), &target, 2).await;
        assert_phases_add_up(&said);
        for name in ["datagram-lost", "name-lost"] {
            assert_eq!(having(&said, name, Phase::Body), 0.0, "{name}: no answer has a body");
            assert!(having(&said, name, Phase::FirstByte) > 0.0, "{name}: it was waited for");
            let connects = metric("continuous_load_client_phase_duration_seconds_count").label("operation", name);
            let phases: Vec<_> = connects.by("phase", &said.client).into_iter().map(|(phase, _)| phase).collect();
            assert_eq!(phases, ["dns", "first_byte", "request"], "{name}");
        }
        target.stop().await;
    });
}

/// Of requests that share a connection one opens it, and the others wait: in vain they all wait for the same, and say so.
#[test]
fn who_waits_in_vain_for_anothers_connection_says_what_for() {
    // It accepts by itself, and says nothing.
    let silent = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
    let zone = Zone::start();
    zone.set("lost.test", Says::Nothing);
    // Longer than a busy machine stalls: a connect that is seen too late would be one that timed out.
    let shared = "timeout: 1s, connection: pooled(1), streams: 30";
    let secured = "tls: { verify: false }";
    let text = format!(
        "target: {}
nameserver: {}
max_lag: 5s
mix:
  - {{ name: two-tls, rate: 40/s, {shared}, {secured}, http: {{ version: 2 }} }}
  - {{ name: rpc-tls, rate: 40/s, {shared}, {secured}, grpc: {{}} }}
  - {{ name: two-name, rate: 40/s, {shared}, target: lost.test., http: {{ version: 2 }} }}
  - {{ name: rpc-name, rate: 40/s, {shared}, target: lost.test., grpc: {{}} }}
",
        silent.local_addr().unwrap(),
        zone.address
    );
    let engine = engine(planned(&text, &Overrides::default()), Duration::from_secs(1));
    let registry = Registry::new();
    registry.register(Box::new(engine.red())).unwrap();
    let accounts = run(engine.run(CancellationToken::new(), |_| ())).unwrap().accounts;
    let client = TextEncoder::new().encode_to_string(&registry.gather()).unwrap();
    let expected = [
        ("two-tls", ErrorClass::Tls, Phase::Tls),
        ("rpc-tls", ErrorClass::Tls, Phase::Tls),
        ("two-name", ErrorClass::DnsTimeout, Phase::Dns),
        ("rpc-name", ErrorClass::DnsTimeout, Phase::Dns),
    ];
    assert_sums(expected.iter().map(|(name, ..)| *name), &client);
    for ((name, class, phase), account) in expected.iter().zip(&accounts) {
        assert_accounted(account);
        assert_eq!((account.planned, account.failures[class.index()]), (40, 40), "{name}: {:?}", account.examples);
        let of = |family: &str| metric(&format!("continuous_load_client_{family}")).label("operation", name);
        let had = of("phase_duration_seconds_count").label("phase", phase.as_str()).sum_in(&client);
        assert_eq!(had, 40.0, "{name}: each waited for that");
        let attempts = of("connections_total").label("result", "failure").sum_in(&client);
        assert!((1.0..40.0).contains(&attempts), "{name}: most only waited: {attempts}");
    }
}
