//! One greppable line per second while a run is under way. Pure.

use std::time::Duration;

use shared::outcome::ErrorClass;

use crate::account::Durations;
use crate::course::{Motion, Status};
use crate::engine::Tick;
use crate::table::ms;

/// The line for one interval: what was planned in it, what finished in it, and what is still under way.
pub fn line(tick: &Tick<'_>) -> String {
    let interval = tick.interval;
    let in_flight: i64 = tick.total.iter().map(|account| account.in_flight).sum();
    let finished = interval.finished_total();
    let ok = match finished {
        0 => "-".to_owned(),
        _ => format!("{:.1}%", interval.success as f64 * 100.0 / finished as f64),
    };
    let mut text = format!(
        "{}s  {:>6}/s  ok {ok:>6}  response p50 {:>7} p99 {:>7} ms  server p99 {:>7} ms  lag p99 {:>6} ms  in flight {:>4}",
        seconds(tick.elapsed),
        per_second(interval.planned, tick.length),
        quantile(&interval.response, 0.5),
        quantile(&interval.response, 0.99),
        quantile(&interval.server, 0.99),
        quantile(&interval.lag, 0.99),
        in_flight,
    );
    text.push_str(&doing(tick.status));
    if interval.dropped_total() > 0 {
        text.push_str(&format!("  dropped {}", interval.dropped_total()));
    }
    for class in ErrorClass::ALL {
        let count = interval.failures[class.index()];
        if count > 0 {
            text.push_str(&format!("  {} {count}", class.as_str()));
        }
    }
    text
}

/// The phase if there are several, and whether the run stands still.
fn doing(status: &Status) -> String {
    let phase = if status.phases > 1 { format!("  phase {}", status.phase) } else { String::new() };
    let stands = match status.motion {
        Motion::Runs | Motion::Over => String::new(),
        Motion::Paused => "  paused".to_owned(),
        Motion::Starts(at) => format!("  starts at {}s", seconds(at).trim_start()),
    };
    let waits = status.waits_for.map_or_else(String::new, |next| format!("  waits for the gate of {next}"));
    format!("{phase}{stands}{waits}")
}

/// Whole seconds, but for the end of a run that is between two.
fn seconds(elapsed: Duration) -> String {
    let seconds = elapsed.as_secs_f64();
    let is_whole = (seconds - seconds.round()).abs() < WHOLE_S;
    if is_whole { format!("{:>5}", seconds.round()) } else { format!("{seconds:>5.1}") }
}

/// A tick that is late by less than this is of its second.
const WHOLE_S: f64 = 0.1;

/// What was planned in an interval, as a rate. A tick is never quite a second after the one before it; what was planned in
/// about one is the figure.
fn per_second(planned: u64, length: Duration) -> u64 {
    let seconds = length.as_secs_f64();
    if (seconds - 1.0).abs() < WHOLE_S || seconds <= 0.0 { planned } else { (planned as f64 / seconds).round() as u64 }
}

fn quantile(durations: &Durations, quantile: f64) -> String {
    ms(durations.quantile(quantile).map(|d| u64::try_from(d.as_micros()).unwrap_or(u64::MAX)))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::account::{Finished, OperationAccount, Started};
    use shared::outcome::{Code, DropReason, Outcome};

    fn status(motion: Motion, phases: usize) -> Status {
        Status {
            motion,
            phase: shared::identity::Name::from_static("warmup"),
            phase_index: 0,
            phases,
            waits_for: None,
            since: Duration::ZERO,
            until: None,
            scale: crate::schedule::Scale::FULL,
            per_second: 0.0,
            operations: Vec::new(),
        }
    }

    #[test]
    fn a_line_says_the_phase_and_that_the_run_stands_still() {
        let next = Some(shared::identity::Name::from_static("main"));
        for (status, words) in [
            (status(Motion::Runs, 1), ""),
            (status(Motion::Paused, 1), "  paused"),
            (status(Motion::Runs, 2), "  phase warmup"),
            (status(Motion::Starts(Duration::from_secs(7)), 2), "  phase warmup  starts at 7s"),
            (Status { waits_for: next, ..status(Motion::Runs, 2) }, "  phase warmup  waits for the gate of main"),
        ] {
            assert_eq!(doing(&status), words);
        }
    }

    #[test]
    fn a_line_says_what_the_second_was_like() {
        let mut account = OperationAccount::default();
        for _ in 0..4 {
            account.scheduled();
            account.started(&Started { lag: Duration::from_micros(80), wait: Duration::ZERO });
        }
        for outcome in [Outcome::Success(Code::Http(200)), Outcome::Failure(Code::NONE, ErrorClass::Reset)] {
            account.finished(&Finished {
                outcome,
                response: Duration::from_millis(2),
                service: Duration::from_millis(2),
                server: Some(Duration::from_micros(30)),
                network: None,
                backend: None,
                is_declared: false,
                by_rule: false,
                sent_bytes: 0,
                received_bytes: 0,
            });
        }
        account.dropped(DropReason::Limit, Duration::from_micros(80));
        let total = [account.clone()];
        let second = Duration::from_secs(1);
        let status = status(Motion::Runs, 1);
        let tick = Tick {
            elapsed: Duration::from_millis(2_998),
            length: second,
            interval: &account,
            by_operation: &total,
            total: &total,
            status: &status,
        };
        assert_eq!(
            line(&tick),
            "    3s       4/s  ok  50.0%  response p50   2.000 p99   2.000 ms  server p99   0.030 ms  \
             lag p99  0.080 ms  in flight    1  dropped 1  reset 1"
        );
        let (elapsed, length) = (Duration::from_millis(3_250), Duration::from_millis(250));
        let rest = line(&Tick { elapsed, length, ..tick });
        assert!(rest.starts_with("  3.2s      16/s  ok  50.0%"), "{rest}");
    }
}
