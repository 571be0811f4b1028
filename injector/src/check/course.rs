//! Phases and arrivals in words.

use std::time::Duration;

use shared::units::{counted, print_duration};

use super::{Line, about, period};
use crate::plan::{Operation, Phase, Plan};
use crate::rounded::trimmed;
use crate::schedule::{Arrival, Scale, Spacing};

/// How the slots of an operation are spaced.
pub(super) fn spacing(operation: &Operation) -> String {
    let gap = about(period(operation.rate));
    let Arrival { spacing, shape } = &operation.arrival;
    let spacing = match spacing {
        Spacing::Uniform => format!("one every {gap}, the first after {}", about(operation.phase)),
        Spacing::Poisson => format!("at random, one every {gap} on average"),
        Spacing::Burst { size, within } => {
            let every = about(period(operation.rate).saturating_mul(size.get()));
            format!(
                "{size} within {}, every {every}, the first after {}",
                print_duration(*within),
                about(operation.phase)
            )
        }
        Spacing::Replay(recording) => {
            let (requests, length) = (counted(recording.count(), "request"), about(recording.length()));
            let then = if recording.repeats() { "then again" } else { "then no more" };
            format!("{requests} over {length} as written down, {then}")
        }
    };
    match shape {
        Some(shape) => format!("{spacing}, at 100%; {shape}"),
        None => spacing,
    }
}

/// The phases, if the file has any.
pub(super) fn lines(plan: &Plan) -> Vec<Line> {
    if let [only] = &plan.phases[..]
        && only.length.is_none()
    {
        return Vec::new();
    }
    let mut lines: Vec<Line> = plan.phases.iter().map(|phase| ("phase", self::phase(plan, phase))).collect();
    lines.extend(plan.length(None).map(|length| ("length", self::length(plan, length))));
    lines
}

/// How long it is in all, and what that comes to.
fn length(plan: &Plan, length: Duration) -> String {
    let length = print_duration(length);
    match plan.expected(None) {
        Some(requests) => format!("{length} in all, about {} come due", counted(requests.round() as u64, "request")),
        None => format!("{length} in all"),
    }
}

fn phase(plan: &Plan, phase: &Phase) -> String {
    let length =
        phase.length.map_or("until told to stop".to_owned(), |length| format!("for {}", print_duration(length)));
    let mut text = format!("{}: {length}, {}", phase.name, load(plan, phase));
    if let Some(gate) = &phase.gate {
        text.push_str(&format!(
            "; begins when {} holds, waited for at most {}",
            gate.condition,
            print_duration(gate.timeout)
        ));
    }
    text
}

fn load(plan: &Plan, phase: &Phase) -> String {
    let in_all = phase.per_second_in_all(plan);
    let [from_per_s, to_per_s] = [in_all.0, in_all.1].map(|rate| format!("{}/s", trimmed(rate, 3)));
    let of = phase.rate.map_or("the rate".to_owned(), |rate| format!("{rate}"));
    match phase.scale {
        (Scale::ZERO, Scale::ZERO) => "nothing is sent".to_owned(),
        (Scale::FULL, Scale::FULL) if phase.rate.is_some() => format!("at {of} ({from_per_s} in all)"),
        (from, to) if from == to => format!("at {from} of {of} ({from_per_s} in all)"),
        (from, to) => format!("from {from} to {to} of {of} ({from_per_s} to {to_per_s} in all)"),
    }
}
