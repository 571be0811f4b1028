//! Memory does not grow with what was done: requests, failures, sessions, names. What is resident is compared after a
//! warm-up, by when everything bounded is at its bound, and after several times as much.

use std::net::{Ipv4Addr, UdpSocket};

use shared::identity::session_from_bits;

use super::pair::{Injector, Target, own_address, until};
use crate::metrics::metric;
use crate::process::{Process, get};
use crate::rules::http1::Connection;

/// What may come on top: an allocator has a store for each thread, and keeps what it once had. All receipts, 8 MiB, may lie
/// in another thread's store by then.
pub(super) const GROWTH_MAX_KIB: u64 = 10 * 1024;

/// What a process has in memory.
pub(super) fn resident_kib(process: &Process) -> u64 {
    let status = std::fs::read_to_string(format!("/proc/{}/status", process.id())).unwrap();
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:")).unwrap();
    line.trim().trim_end_matches(" kB").parse().unwrap()
}

/// Whether a process has as much as before, but for what may come on top.
pub(super) fn is_constant(process: &Process, before_kib: u64, what: &str) {
    let now = resident_kib(process);
    assert!(now <= before_kib + GROWTH_MAX_KIB, "{what}: {before_kib} KiB before, {now} KiB now");
}

/// Sessions that a target is shown, of so many operations each, from sources that nobody else has.
fn visit(connection: &mut Connection, sessions: std::ops::Range<u64>) {
    for number in sessions {
        let session = session_from_bits(number);
        for operation in 0..16 {
            let identity = format!("source=drills/churn-{number};op=op-{number}-{operation};id={session}.1");
            let answer = connection.get("/", &[("x-cload", &identity)]);
            assert_eq!(answer.status, 200);
        }
    }
}

#[test]
fn sessions_and_names_that_come_and_go_leave_nothing_in_a_target() {
    // One store more, and not as many as there are cores.
    let target = Target::on(own_address(), None, &["--threads", "1"]);
    let mut connection = Connection::open(target.at.http);
    // Sixteen operations of as many sessions as are kept are all the receipts that there may be.
    visit(&mut connection, 0..100);
    // What it takes to write the metrics down is part of the warm-up.
    let series = get(target.at.admin, "/metrics").lines().count();
    let before = resident_kib(&target.process);
    visit(&mut connection, 100..400);
    is_constant(&target.process, before, "the target");
    let now = get(target.at.admin, "/metrics").lines().count();
    assert_eq!(now, series, "what is behind the bound is `other`");
}

#[test]
fn failures_leave_nothing_in_an_injector() {
    let target = Target::start();
    // Whoever sends here is not answered, and not refused either.
    let silent = UdpSocket::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
    let scenario = format!(
        "target: '{}'\ntimeout: 100ms\nmix:\n  - {{ name: lost, rate: 1000/s, target: '{}', udp: {{}} }}\n  \
         - {{ name: web, rate: 10/s, http: {{}} }}\n",
        target.at.http,
        silent.local_addr().unwrap(),
    );
    let injector = Injector::start(&scenario, &target.at.admin.to_string(), &[]);
    let lost = |wanted: f64| {
        until("so many are called lost", || {
            let fates = metric("continuous_load_client_unanswered_total").label("fate", "request_lost");
            match fates.sum_in(&get(injector.admin, "/metrics")) {
                count if count >= wanted => Ok(()),
                count => Err(count),
            }
        });
    };
    lost(1500.0);
    let before = resident_kib(&injector.process);
    for thousands in 2..6 {
        lost(f64::from(thousands) * 1000.0);
    }
    is_constant(&injector.process, before, "the injector");
    let ended = injector.stopped();
    ended.is_sound();
    assert!(ended.fate("request_lost") >= 5000, "{}", ended.text);
}
