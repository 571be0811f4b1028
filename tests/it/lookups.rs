//! Look-ups that a datagram does not hold, or that nobody answers.

use std::net::Ipv4Addr;
use std::num::NonZeroU32;
use std::time::Duration;

use injector::account::ADDRESS_ROWS_MAX;
use injector::engine::{Engine, Options};
use injector::pacer::Quantum;
use shared::identity::session_from_bits;
use shared::outcome::{Code, ErrorClass};
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

use crate::fixture::run;
use crate::fleet::Fleet;
use crate::names::{NAME, during, looked_up, plan, rows, until, value};
use crate::zone::{Says, Zone};

/// So many addresses at which nobody listens.
fn nobody(count: u8) -> impl Iterator<Item = Ipv4Addr> {
    (0..count).map(|n| Ipv4Addr::new(127, 77, 0, n + 1))
}

/// 75 addresses are more than the 1 232 bytes that a datagram may have.
#[test]
fn a_name_with_more_addresses_than_a_datagram_holds_is_asked_for_over_tcp() {
    let fleet = Fleet::start(1);
    for (count, again) in [(30, 0), (60, 0), (75, 1), (200, 1)] {
        let zone = Zone::start();
        zone.addresses(NAME, nobody(count));
        let mix = format!(
            "- {{ name: a, rate: {count}/s, resolve: once, select: all, connection: pooled(1), http: {{}} }}\n"
        );
        let (accounts, ..) = run(during(plan(&fleet, &zone, &mix), (2, 1), async |_| ()));
        let account = &accounts[0];
        assert_eq!(
            account.failures[ErrorClass::ConnectRefused.index()],
            2 * u64::from(count),
            "{:?}",
            account.examples
        );
        assert_eq!(account.names.lookups, [(Code::NOERROR, 1)].into());
        assert_eq!((zone.asked(NAME), zone.asked_again(NAME)), (1, again), "{count}");
        // Each address has one of two rounds each, and a row has all of its own or there is none.
        let rows = rows(&account.names);
        assert_eq!(rows.len(), ADDRESS_ROWS_MAX.min(count.into()));
        assert!(rows.iter().all(|(_, row)| *row == [2, 0, 0, 2]), "{rows:?}");
        let other = account.names.addresses.other();
        assert_eq!(other.planned, 2 * u64::from(count) - 2 * rows.len() as u64);
    }
}

/// Also for each connection, again and again: every question begins with a datagram.
#[test]
fn every_look_up_begins_with_a_datagram() {
    let fleet = Fleet::start(1);
    let zone = Zone::start();
    zone.addresses(NAME, nobody(100));
    let mix = "- { name: a, rate: 20/s, connection: fresh, http: {} }\n";
    let (accounts, ..) = run(during(plan(&fleet, &zone, mix), (1, 1), async |_| ()));
    assert_eq!(looked_up(&accounts[0].names), 20);
    assert_eq!((zone.asked(NAME), zone.asked_again(NAME)), (20, 20));
}

#[test]
fn a_run_that_waits_for_its_first_answer_can_be_stopped() {
    let fleet = Fleet::start(1);
    let zone = Zone::start();
    zone.set(NAME, Says::Nothing);
    let mix = "- { name: a, rate: 20/s, timeout: 60s, resolve: once, http: {} }\n";
    let options = Options { length: None, is_paused: false, workers: NonZeroU32::new(1), quantum: Quantum::Precise };
    let begun = Instant::now();
    let finished = run(async {
        let engine = Engine::new(plan(&fleet, &zone, mix), options, session_from_bits(7));
        let stop = CancellationToken::new();
        let run = engine.run(stop.clone(), |_| ());
        let stopping = async {
            // It has asked by then.
            crate::fixture::eventually("a question", async || if zone.asked(NAME) > 0 { Ok(()) } else { Err(0) }).await;
            stop.cancel();
        };
        tokio::join!(run, stopping).0
    });
    assert!(begun.elapsed() < Duration::from_secs(30), "{:?}", begun.elapsed());
    let account = &finished.unwrap().accounts[0];
    assert_eq!((account.sent, looked_up(&account.names)), (0, zone.asked(NAME)));
    assert_eq!(account.names.lookups.get(&Code::NONE), Some(&1), "the one that was cut off");
}

/// Requests are planned all the same, and those that wait for the answer have it as soon as it is there.
#[test]
fn a_run_does_not_wait_for_a_slow_name_server_before_it_begins() {
    let fleet = Fleet::start(1);
    let zone = Zone::start();
    zone.set(NAME, Says::Nothing);
    let mix = "- { name: a, rate: 20/s, resolve: interval(100ms), http: {} }\n";
    let (accounts, ..) = run(during(plan(&fleet, &zone, mix), (4, 1), async |red| {
        until(&red, "scheduled_total", 1.0).await;
        zone.addresses(NAME, fleet.ips());
    }));
    let account = &accounts[0];
    assert_eq!(account.planned, 80);
    assert!(account.success > 0, "{:?}", account.examples);
}

/// Six seconds lie between two requests, and the connection is not kept until the next.
#[test]
fn a_connection_to_an_address_that_has_left_is_closed_before_the_next_request() {
    let fleet = Fleet::start(2);
    let zone = Zone::start();
    zone.addresses(NAME, [fleet.ip(0)]);
    let mix = "- { name: a, rate: 10/m, resolve: interval(200ms), select: all, connection: pooled(1), http: {} }\n";
    let (_, sent, _) = run(during(plan(&fleet, &zone, mix), (5, 1), async |red| {
        until(&red, "sent_total", 1.0).await;
        zone.addresses(NAME, [fleet.ip(1)]);
        until(&red, "connections_closed_total", 1.0).await;
        value(&red, "sent_total")
    }));
    assert_eq!(sent, 1.0);
}
