//! Phases and arrivals in words.

use shared::units::{counted, print_duration};

use super::{Line, about, period};
use crate::plan::{Operation, Phase, Plan};
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
    plan.phases.iter().map(|phase| ("phase", self::phase(phase))).collect()
}

fn phase(phase: &Phase) -> String {
    let length =
        phase.length.map_or("until told to stop".to_owned(), |length| format!("for {}", print_duration(length)));
    let mut text = format!("{}: {length}, {}", phase.name, load(phase));
    if let Some(gate) = &phase.gate {
        text.push_str(&format!(
            "; begins when {} holds, waited for at most {}",
            gate.condition,
            print_duration(gate.timeout)
        ));
    }
    text
}

fn load(phase: &Phase) -> String {
    let of = phase.rate.map_or("the rate".to_owned(), |rate| format!("{rate}"));
    match phase.scale {
        (Scale::ZERO, Scale::ZERO) => "nothing is sent".to_owned(),
        (Scale::FULL, Scale::FULL) if phase.rate.is_some() => format!("at {of}"),
        (from, to) if from == to => format!("at {from} of {of}"),
        (from, to) => format!("from {from} to {to} of {of}"),
    }
}
