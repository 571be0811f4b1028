//! The load changes under way: phases, pauses, rates, gates. What is planned is exact, and both sides say the same.
//!
//! Nothing here depends on how fast the machine is: what is done is done in answer to a tick, and what must be exact is a
//! count over time by the run's own clock. A rate whose count would change on the edge of a nanosecond is avoided.

use std::num::NonZeroU32;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use injector::course::Motion;
use injector::engine::{Engine, Finished, Gate, Options, Tick};
use injector::pacer::Quantum;
use injector::plan::Plan;
use shared::account::Account;
use shared::identity::{Identity, session_from_bits};
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

use crate::fixture::{RunningTarget, ScriptedServer, Step, assert_accounted, ok, plan, run};
use crate::process::get;

const ONE: &str =
    "target: t\nrate: 199.75/s\ntimeout: 10s\nmix: [{ name: one, weight: 1, connection: pooled(4), http: {} }]\n";
const TWO: &str = "target: t\nrate: 100/s\ntimeout: 10s\nmix:\n- { name: a, weight: 3, http: {} }\n- { name: b, weight: 1, http: {} }\n";

/// With two workers, so that every turn has to be agreed upon.
fn engine(plan: Plan, length_s: Option<u64>, is_paused: bool) -> Engine {
    let length = length_s.map(Duration::from_secs);
    let options = Options { length, is_paused, workers: NonZeroU32::new(2), quantum: Quantum::Precise };
    Engine::new(plan, options, session_from_bits(rand::random()))
}

async fn finished(engine: Engine, on_tick: impl FnMut(&Tick<'_>)) -> Finished {
    let finished = engine.run(CancellationToken::new(), on_tick).await.unwrap();
    finished.accounts.iter().for_each(assert_accounted);
    let sum: u64 = finished.phases.iter().map(|phase| phase.planned).sum();
    assert_eq!(sum, planned(&finished), "phases are parts of the whole");
    finished
}

fn planned(finished: &Finished) -> u64 {
    finished.accounts.iter().map(|account| account.planned).sum()
}

#[test]
fn phases_plan_what_they_say_and_both_sides_count_it() {
    let scenario = format!(
        "{TWO}phases:\n- {{ name: warmup, for: 1s, scale: 50% }}\n- {{ name: main, for: 1s, rate: 200/s }}\n\
                            - {{ name: rest, for: 300ms, scale: 0% }}\n- {{ name: down, for: 1s, scale: 99%..0% }}\n"
    );
    run(async {
        let target = RunningTarget::start();
        let engine = engine(plan(&scenario, target.http, target.admin), None, false);
        let session = engine.session();
        let mut seen = Vec::new();
        let finished = finished(engine, |tick| seen.push(tick.status.phase)).await;
        // 37.5 and 12.5 gaps, 150 and 50, none, 37.125 and 12.375. Slots are due when a gap begins, those of b in its middle.
        let by_phase: Vec<u64> = finished.phases.iter().map(|phase| phase.planned).collect();
        assert_eq!(by_phase, [38 + 12, 150 + 50, 0, 37 + 13]);
        assert!(!finished.is_interrupted && !finished.is_continuous && finished.cut_short.is_none());
        assert_eq!(finished.planned_for, Duration::from_millis(3_300));
        let theirs: Account = serde_json::from_str(&get(target.admin, &shared::account::path(session))).unwrap();
        let received: Vec<u64> = ["a", "b"].iter().map(|name| theirs.operations[*name].received).collect();
        let sent: Vec<u64> = finished.accounts.iter().map(|account| account.sent).collect();
        assert_eq!(received, sent);
        target.stop().await;
    });
}

#[test]
fn a_pause_is_silent_and_nothing_is_made_up_for() {
    run(async {
        let target = RunningTarget::start();
        let engine = engine(plan(ONE, target.http, target.admin), Some(2), false);
        let control = engine.control();
        let mut in_pause = Vec::new();
        let finished = finished(engine, |tick| match (tick.status.motion, in_pause.len()) {
            (Motion::Runs, 0) => control.pause().unwrap(),
            (Motion::Paused, 2) => {
                in_pause.push(tick.interval.planned);
                assert_eq!(tick.status.per_second, 0.0);
                control.resume().unwrap();
            }
            (Motion::Paused, _) => in_pause.push(tick.interval.planned),
            _ => {}
        })
        .await;
        // The first interval has the moment before the pause took hold.
        assert_eq!(in_pause[1..], [0, 0]);
        // 399.5 gaps in two seconds, however long the pause was.
        assert_eq!(planned(&finished), 400);
        assert_eq!(finished.planned_for, Duration::from_secs(2));
        assert!(finished.took >= Duration::from_secs(4), "{:?}", finished.took);
        target.stop().await;
    });
}

#[test]
fn a_rate_is_changed_without_losing_or_repeating_a_slot() {
    let numbers = Arc::new(Mutex::new(Vec::new()));
    let heard = Arc::clone(&numbers);
    let server = ScriptedServer::start(move |_, head| {
        let value = head.lines().find_map(|line| line.strip_prefix("x-cload: ")).unwrap();
        heard.lock().unwrap().push(Identity::from_header(value.as_bytes()).unwrap().id.seq);
        Step::Answer(ok(head, ""))
    });
    let scenario = format!("{ONE}arrival: poisson\nmax_lag: 1m\n");
    run(async {
        let engine = engine(plan(&scenario, server.address, server.address), Some(4), false);
        let control = engine.control();
        let status = control.status();
        let mut ticks = 0;
        let finished = finished(engine, |_| {
            ticks += 1;
            match ticks {
                1 => {
                    control.rate("400/s".parse().unwrap()).unwrap();
                    assert_eq!(status.borrow().per_second, 400.0);
                }
                2 => {
                    control.scale("25%".parse().unwrap()).unwrap();
                    assert_eq!(status.borrow().per_second, 100.0);
                }
                _ => {}
            }
        })
        .await;
        assert!(ticks > 2, "{ticks}");
        let account = &finished.accounts[0];
        let mut numbers = numbers.lock().unwrap().clone();
        numbers.sort_unstable();
        let dropped: u64 = account.dropped.iter().sum();
        assert_eq!(numbers.len() as u64 + dropped, account.planned);
        assert!(numbers.windows(2).all(|pair| pair[0] < pair[1]), "a number was used twice");
        assert!(numbers.last().is_some_and(|last| *last < account.planned));
        // 800 on average, if the changes come in time.
        assert!((600..1_600).contains(&account.planned), "{}", account.planned);
    });
}

#[test]
fn one_operation_is_switched_off_and_on_and_has_a_rate_of_its_own() {
    run(async {
        let target = RunningTarget::start();
        let engine = engine(plan(TWO, target.http, target.admin), None, false);
        let control = engine.control();
        let (a, b) = ("a".parse().unwrap(), "b".parse().unwrap());
        let mut seen = Vec::new();
        let finished = finished(engine, |tick| {
            seen.push(tick.by_operation.iter().map(|account| account.planned).collect::<Vec<_>>());
            match seen.len() {
                1 => control.enable(b, false).unwrap(),
                3 => {
                    assert!(!tick.status.operations[1].is_enabled);
                    control.operation_rate(a, "1/h".parse().unwrap()).unwrap();
                    control.enable(b, true).unwrap();
                }
                5 => control.stop().unwrap(),
                _ => {}
            }
        })
        .await;
        assert!(finished.is_continuous && !finished.is_interrupted);
        assert!(seen[0][1] > 0 && seen[2][0] > 0 && seen[2][1] == 0, "{seen:?}");
        assert!(seen[4][0] <= 1 && seen[4][1] > 0, "{seen:?}");
        assert_eq!(control.pause().unwrap_err(), "the run is over");
        target.stop().await;
    });
}

#[test]
fn a_paused_run_starts_at_its_instant() {
    run(async {
        let target = RunningTarget::start();
        let engine = engine(plan(ONE, target.http, target.admin), Some(1), true);
        let control = engine.control();
        let mut status = control.status();
        let start = async {
            status.wait_for(|status| status.is_paused()).await.unwrap();
            tokio::time::sleep(Duration::from_millis(300)).await;
            let at = Instant::now() + Duration::from_millis(700);
            control.start_at(at).unwrap();
            status.wait_for(|status| status.motion == Motion::Runs).await.unwrap();
            assert!(Instant::now() >= at);
        };
        let (finished, ()) = tokio::join!(finished(engine, |_| ()), start);
        assert_eq!(planned(&finished), 200);
        assert!(finished.took >= Duration::from_secs(2) - Duration::from_millis(100), "{:?}", finished.took);
        assert_eq!(finished.planned_for, Duration::from_secs(1));
        target.stop().await;
    });
}

const GATED: &str = "phases:\n- { name: warmup, for: 500ms, scale: 50% }\n\
                     - { name: main, for: 1s, gate: 'availability >= 99% over 1s', gate_timeout: TIMEOUT }\n";

#[test]
fn a_gate_is_waited_for_under_the_load_before_it() {
    run(async {
        let target = RunningTarget::start();
        let scenario = format!("{ONE}{}", GATED.replace("TIMEOUT", "1m"));
        let mut engine = engine(plan(&scenario, target.http, target.admin), None, false);
        let mut asked = 0;
        engine.judged_by(Box::new(move |condition, tick| {
            assert_eq!(condition, "availability >= 99% over 1s");
            assert!(tick.interval.planned > 0 && tick.status.waits_for.is_some());
            asked += 1;
            if asked < 2 { Gate::Shut("too few requests".to_owned()) } else { Gate::Open }
        }));
        let finished = finished(engine, |_| ()).await;
        assert_eq!(finished.cut_short, None);
        assert!(!finished.is_interrupted && !finished.is_continuous);
        // At least two seconds of warm-up, and exactly one of the rest.
        assert!(finished.phases[0].planned >= 199, "{}", finished.phases[0].planned);
        assert!((199..=200).contains(&finished.phases[1].planned), "{}", finished.phases[1].planned);
        target.stop().await;
    });
}

#[test]
fn a_gate_that_stays_shut_ends_the_run_and_says_so() {
    run(async {
        let target = RunningTarget::start();
        let scenario = format!("{ONE}{}", GATED.replace("TIMEOUT", "1s"));
        let mut engine = engine(plan(&scenario, target.http, target.admin), None, false);
        engine.judged_by(Box::new(|_, _| Gate::Shut("98.7%".to_owned())));
        let finished = finished(engine, |_| ()).await;
        assert_eq!(
            finished.cut_short.as_deref(),
            Some("phase main never began: availability >= 99% over 1s did not hold within 1s (98.7%)")
        );
        assert!(finished.phases[0].planned > 0);
        assert_eq!(finished.phases[1].planned, 0);
        target.stop().await;
    });
}

#[test]
fn bursts_and_replays_arrive_as_written_and_a_replay_ends_the_run() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("day.csv");
    std::fs::write(&file, "offset_s,operation\n0.10,a\n0.10,a\n# noise\n0.5,b\n1.2,a\n").unwrap();
    run(async {
        let target = RunningTarget::start();
        let scenario = format!(
            "target: t\narrival: \"replay({})\"\nmix:\n- {{ name: a, http: {{}} }}\n- {{ name: b, http: {{}} }}\n",
            file.display()
        );
        let replayed = finished(engine(plan(&scenario, target.http, target.admin), None, false), |_| ()).await;
        assert_eq!(replayed.accounts.iter().map(|account| account.planned).collect::<Vec<_>>(), [3, 1]);
        assert!(!replayed.is_continuous && !replayed.is_interrupted);
        let scenario =
            "target: t\nrate: 100/s\nmix: [{ name: a, weight: 1, arrival: \"burst(30, 1ms)\", http: {} }]".to_owned();
        let burst = finished(engine(plan(&scenario, target.http, target.admin), Some(1), false), |_| ()).await;
        assert_eq!(planned(&burst), 4 * 30);
        target.stop().await;
    });
}
