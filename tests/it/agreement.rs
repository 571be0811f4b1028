//! The promise: both sides report the same, request by request and label by label.

use std::time::Duration;

use tokio_util::sync::CancellationToken;

use crate::agree::agreed;
use crate::fixture::{RunningTarget, assert_accounted, engine, plan, plan_for_all, run};
use crate::process::{Process, timed};

/// Everything HTTP/1.1 can do, at a few tens of requests each.
const EVERYTHING: &str = "
target: t
rate: 1000/s
timeout: 3s
mix:
  - { name: plain, weight: 20, connection: pooled(4), http: {} }
  - { name: fresh, weight: 10, connection: fresh, http: { method: POST, body: hello } }
  - { name: slow, weight: 4, http: { fault: \"delay=5ms..20ms&size=22KiB\" } }
  - { name: large, weight: 1, http: { fault: \"size=1MiB&body=text\" } }
  - { name: upload, weight: 1, http: { method: PUT, body_size: 300KiB } }
  - { name: failing, weight: 4, http: { fault: \"status=503:50,404:10\" } }
  - { name: path, weight: 2, http: { path: /status/418 } }
  - { name: chunked, weight: 2, http: { fault: \"size=10000&chunk=999&body=seq\" } }
  - { name: head, weight: 2, http: { method: HEAD, fault: size=100 } }
  - { name: empty-204, weight: 2, http: { fault: status=204 } }
  - { name: reset, weight: 4, http: { fault: \"fault=reset:50\" } }
  - { name: reset-late, weight: 2, http: { fault: \"size=10KiB&fault=reset&at=50%\" } }
  - { name: empty, weight: 2, http: { fault: fault=empty } }
  - { name: abort, weight: 2, http: { fault: \"size=1000&fault=abort&at=500\" } }
  - { name: badchunk, weight: 2, http: { fault: \"size=1000&fault=badchunk\" } }
  - { name: garbage, weight: 2, http: { fault: fault=garbage } }
  - { name: badhead, weight: 2, http: { fault: fault=badhead } }
  - { name: longer, weight: 2, http: { fault: \"size=100&fault=clen(+5)\" } }
  - { name: shorter, weight: 2, http: { fault: \"size=100&fault=clen(-5)\" } }
  - { name: gated, weight: 4, http: { fault: \"p=25&status=500&delay=3ms&close=true\" } }
  - { name: hang, weight: 0.2, http: { fault: fault=hang } }
";

/// Everything the TCP and UDP echo can do.
const ECHOES: &str = "
target: t
rate: 800/s
timeout: 3s
mix:
  - { name: plain-size, weight: 20, connection: pooled(16), tcp: {} }
  - { name: text, weight: 10, connection: fresh, tcp: { body: hello } }
  - { name: nothing, weight: 4, tcp: { size: '0' } }
  - { name: large, weight: 2, tcp: { size: 1MiB } }
  - { name: slow, weight: 4, tcp: { fault: \"delay=5ms..20ms&size=22KiB\" } }
  - { name: upper, weight: 4, tcp: { body: heLLo, fault: mode=upper } }
  - { name: discard, weight: 4, tcp: { size: 100KiB, fault: mode=discard } }
  - { name: source, weight: 4, tcp: { fault: \"mode=source&size=30000\" } }
  - { name: chargen, weight: 4, tcp: { fault: \"mode=chargen&size=3000\" } }
  - { name: chunked, weight: 2, tcp: { size: 6KiB, fault: \"chunk=999&chunk_delay=1ms&end_delay=2ms\" } }
  - { name: paced, weight: 1, tcp: { size: 2KiB, fault: \"rate=20KiB&read=rate(40KiB)\" } }
  - { name: first, weight: 2, tcp: { size: 2KiB, fault: read=first(100) } }
  - { name: unread, weight: 2, tcp: { size: 2KiB, fault: read=none } }
  - { name: corrupt, weight: 4, tcp: { size: 100KiB, fault: corrupt=50 } }
  - { name: closing, weight: 4, tcp: { fault: close=50 } }
  - { name: reset, weight: 4, tcp: { fault: \"fault=reset:50\" } }
  - { name: reset-late, weight: 2, tcp: { size: 10KiB, fault: \"fault=reset&at=50%\" } }
  - { name: reset-end, weight: 2, tcp: { fault: \"fault=reset&at=64\" } }
  - { name: reset-timed, weight: 2, tcp: { fault: \"fault=reset&at=after(5ms)\" } }
  - { name: empty, weight: 2, tcp: { fault: fault=empty } }
  - { name: abort, weight: 2, tcp: { size: 1KiB, fault: \"fault=abort&at=500\" } }
  - { name: garbage, weight: 2, tcp: { fault: fault=garbage } }
  - { name: gated, weight: 4, tcp: { fault: \"p=25&delay=3ms&fault=empty\" } }
  - { name: hang, weight: 0.2, tcp: { fault: fault=hang } }
  - { name: hang-late, weight: 0.2, tcp: { fault: \"fault=hang&at=10\" } }
  - { name: udp-plain, weight: 20, connection: pooled(4), udp: {} }
  - { name: udp-fresh, weight: 10, connection: fresh, udp: { body: hello } }
  - { name: udp-large, weight: 4, udp: { size: 8KiB } }
  - { name: udp-size, weight: 4, udp: { size: 2KiB, fault: \"size=100..1000&delay=1ms..5ms\" } }
  - { name: udp-corrupt, weight: 4, udp: { size: 3KiB, fault: corrupt=50 } }
  - { name: udp-dup, weight: 4, udp: { fault: dup=50 } }
  - { name: udp-reorder, weight: 2, udp: { fault: reorder=true } }
  - { name: udp-loss, weight: 0.4, udp: { fault: loss=50 } }
  - { name: udp-hang, weight: 0.2, udp: { fault: fault=hang } }
  - { name: udp-reset, weight: 0.2, udp: { fault: fault=reset } }
  - { name: udp-empty, weight: 2, udp: { fault: fault=empty } }
  - { name: udp-garbage, weight: 2, udp: { fault: \"fault=garbage:50\" } }
";

#[test]
fn the_two_sides_agree_label_by_label() {
    both_sides(EVERYTHING);
}

#[test]
fn the_two_sides_agree_on_every_echo() {
    both_sides(ECHOES);
}

fn both_sides(scenario: &str) {
    run(async {
        let target = RunningTarget::start();
        agreed(plan_for_all(scenario, &target.addresses), target.admin, Duration::from_secs(2)).await;
        target.stop().await;
    });
}

#[test]
fn a_stopped_target_is_in_response_times_and_only_what_was_in_flight_in_service_times() {
    const LANES: u64 = 8;
    let (target, http, admin) = Process::target();
    let scenario = format!(
        "target: t\nrate: 200/s\ntimeout: 5s\nmix:\n  - {{ name: op, weight: 1, connection: pooled({LANES}), http: {{}} }}\n"
    );
    let mut signals = Vec::new();
    let finished = run(async {
        let engine = engine(plan(&scenario, http, admin), Duration::from_secs(5));
        let on_tick = |tick: &injector::engine::Tick<'_>| {
            let name = match signals.len() {
                0 => "STOP",
                1 if tick.elapsed >= signals[0] + Duration::from_millis(1900) => "CONT",
                _ => return,
            };
            target.signal(name);
            signals.push(tick.elapsed);
        };
        engine.run(CancellationToken::new(), on_tick).await.unwrap()
    });
    let account = &finished.accounts[0];
    assert_accounted(account);
    assert_eq!((account.planned, account.success), (1000, 1000));
    let longer_than = |durations: &injector::account::Durations, ms: u64| -> u64 {
        durations.recorded_us().iter().filter(|(us, _)| *us > ms * 1000).map(|(_, count)| count).sum()
    };
    // At 200/s, all but those of its last half second waited for longer than that, and on a slow machine some that came
    // while the rest was made up for. How long the stop was is seen from here to within the time that sending a signal takes.
    let stopped = signals[1] - signals[0];
    let expected = (200.0 * (stopped.as_secs_f64() - 0.5)) as u64;
    let affected = longer_than(&account.response, 500);
    assert!(affected + 40 >= expected, "{affected} of at least {expected} waited for more than half a second");
    let in_service = longer_than(&account.service, 500);
    assert!((1..=LANES).contains(&in_service), "{in_service} were in flight, of at most {LANES}");
}

#[test]
fn a_killed_target_ends_the_run_on_time_with_every_request_accounted_for() {
    let (target, http, admin) = Process::target();
    let scenario = "target: t\nrate: 500/s\ntimeout: 500ms\nmix:\n  - { name: pooled, weight: 1, http: {} }\n  \
                    - { name: fresh, weight: 1, connection: fresh, http: {} }\n";
    let (finished, took) = timed(|| {
        run(async {
            let engine = engine(plan(scenario, http, admin), Duration::from_secs(2));
            engine.run(CancellationToken::new(), |_| target.signal("KILL")).await.unwrap()
        })
    });
    assert!(took < Duration::from_secs(6), "two seconds, a timeout, and the start: {took:?}");
    let failed: u64 = finished.accounts.iter().map(|account| account.failed()).sum();
    for account in &finished.accounts {
        assert_accounted(account);
        assert_eq!(account.planned, 500);
        assert_eq!(account.dropped_total() + account.interrupted, 0);
    }
    assert!(failed >= 400, "half of the run was against nothing: {failed}");
}
