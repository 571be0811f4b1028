//! Phases: what the load is like for a while, one after the other, and what must hold before the next.

use std::collections::HashSet;
use std::time::Duration;

use serde_saphyr::Spanned;
use shared::identity::Name;
use shared::units::{parse_duration, print_duration};

use super::Plan;
use super::compile::Found;
use crate::course::Course;
use crate::rate::Rate;
use crate::scenario::{Problem, Written, WrittenPhase, position};
use crate::schedule::{Arrival, Scale, Shape};

/// Most phases of a plan: the bound on the label `phase`.
pub const PHASES_MAX: usize = 32;
/// How long a gate may stay shut, if nothing else is said.
const GATE_TIMEOUT: Duration = Duration::from_secs(60);
/// The longest phase, and the longest wait for a gate.
const LENGTH_MAX: Duration = Duration::from_secs(366 * 86_400);

/// What the load is like for a while.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Phase {
    /// The label `phase`.
    pub name: Name,
    /// How long it lasts; nothing: until the run is stopped. Only the last may have none.
    pub length: Option<Duration>,
    /// Of what is configured, at its beginning and at its end: a straight line between them. Default: 100 %.
    pub scale: (Scale, Scale),
    /// The rate of the weighted operations together, before the scale. Default: the plan's.
    pub rate: Option<Rate>,
    /// What must hold before it begins, as written; until then the phase before goes on. The first has none.
    pub gate: Option<Gate>,
}

/// What must hold before a phase begins.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Gate {
    /// A threshold, in its own language.
    pub condition: String,
    /// How long may be waited for it, after the phase before is over. Then the run ends, and is not valid.
    pub timeout: Duration,
}

impl Phase {
    /// What a plan without phases has.
    pub(super) fn only() -> Phase {
        let name = Name::from_static("main");
        Phase { name, length: None, scale: (Scale::FULL, Scale::FULL), rate: None, gate: None }
    }

    /// Whether its scale is not the same all the time.
    pub fn is_slope(&self) -> bool {
        self.scale.0 != self.scale.1
    }

    /// Its scale over its time, if it is not the same all the time.
    pub(crate) fn slope(&self) -> Option<Shape> {
        let length = self.length.filter(|_| self.is_slope())?;
        Shape::ramp(self.scale.0, self.scale.1, length)
    }
}

/// The most that an operation is ever asked for.
pub(super) fn peak(phases: &[Phase], rate: Rate, share: Option<(u64, u64)>, arrival: &Arrival) -> Rate {
    let highest = arrival.shape.as_ref().map_or(Scale::FULL, |shape| shape.highest());
    let asked = phases.iter().filter_map(|phase| {
        let common = phase.rate.zip(share).and_then(|(common, (part, whole))| common.share(part, whole));
        let scale = phase.scale.0.max(phase.scale.1).of(highest);
        common.unwrap_or(rate).share(scale.thousandths().into(), Scale::FULL.thousandths().into())
    });
    asked.max_by(|a, b| a.per_second().total_cmp(&b.per_second())).unwrap_or(rate)
}

/// The phases of a file; at least one.
pub(super) fn compile(found: &mut Found, written: &Written) -> Vec<Phase> {
    let Some(list) = &written.phases else { return vec![Phase::only()] };
    if list.value.is_empty() {
        found.add(list.referenced, "phases", "no phases; leave the key out for one that lasts for ever");
        return vec![Phase::only()];
    }
    if let Some(over) = list.value.get(PHASES_MAX) {
        let message = format!("{} phases are over the limit of {PHASES_MAX}", list.value.len());
        found.add(over.referenced, "phases", message);
    }
    let mut names = HashSet::new();
    let last = list.value.len() - 1;
    let mut phases = Vec::new();
    for (index, entry) in list.value.iter().enumerate() {
        let subject = subject(index, &entry.value);
        if !names.insert(entry.value.name.value.as_str()) {
            found.add(entry.value.name.referenced, &format!("{subject}: name"), "another phase has the same name");
        }
        phases.push(phase(found, &subject, entry, (index, last)));
    }
    if let (Some(rate), false) = (rate_of(list), written.mix.value.iter().any(|entry| entry.value.weight.is_some())) {
        found.add(rate.referenced, "phases: rate", "no operation has a weight to share it by; use scale");
    }
    phases
}

fn rate_of(list: &Spanned<Vec<Spanned<WrittenPhase>>>) -> Option<&Spanned<String>> {
    list.value.iter().find_map(|entry| entry.value.rate.as_ref())
}

fn subject(index: usize, written: &WrittenPhase) -> String {
    match written.name.value.as_str() {
        "" => format!("phase {}", index + 1),
        name => format!("phase {name:?}"),
    }
}

fn phase(found: &mut Found, subject: &str, entry: &Spanned<WrittenPhase>, (index, last): (usize, usize)) -> Phase {
    let written = &entry.value;
    let part = |key: &str| format!("{subject}: {key}");
    let name = found.read(Some(&written.name), &part("name"), str::parse::<Name>);
    let length = found.read(written.length.as_ref(), &part("for"), length);
    if written.length.is_none() && index < last {
        found.add(entry.referenced, subject, "needs a length, as others follow; write for: 1m");
    }
    let scale = found.read(written.scale.as_ref(), &part("scale"), scale).unwrap_or((Scale::FULL, Scale::FULL));
    if let (Some(text), true) = (&written.scale, scale.0 != scale.1) {
        match (&written.length, length) {
            (None, _) => {
                found.add(text.referenced, &part("scale"), "from one to another needs a length; write for: 1m")
            }
            (_, Some(length)) if Shape::ramp(scale.0, scale.1, length).is_none() => {
                found.add(text.referenced, &part("scale"), "from one to another may take a week at most");
            }
            _ => {}
        }
    }
    let rate = found.read(written.rate.as_ref(), &part("rate"), str::parse::<Rate>);
    let timeout = found.read(written.gate_timeout.as_ref(), &part("gate_timeout"), self::length);
    match (&written.gate, &written.gate_timeout) {
        (Some(gate), _) if index == 0 => {
            found.add(gate.referenced, &part("gate"), "the first phase has none before it that could be judged");
        }
        (None, Some(text)) => found.add(text.referenced, &part("gate_timeout"), "there is no gate to wait for"),
        _ => {}
    }
    let gate = written
        .gate
        .as_ref()
        .map(|condition| Gate { condition: condition.value.clone(), timeout: timeout.unwrap_or(GATE_TIMEOUT) });
    Phase { name: name.unwrap_or(Phase::only().name), length, scale, rate, gate }
}

/// Whether every operation can be sent as the phases say; the first that cannot.
pub(super) fn fit(written: &Written, plan: &Plan) -> Option<Problem> {
    let list = written.phases.as_ref();
    let problem = |index: usize, message: String| {
        let entry = list.and_then(|list| list.value.get(index));
        let location = entry.map_or(written.mix.referenced, |entry| entry.referenced);
        let subject = entry.map_or("mix".to_owned(), |entry| subject(index, &entry.value));
        Problem { location: position(location), subject, message }
    };
    let bent = plan.operations.iter().find(|operation| !operation.arrival.bends());
    let slope = plan.phases.iter().position(Phase::is_slope);
    if let (Some(operation), Some(index)) = (bent, slope) {
        let name = operation.name.as_str();
        return Some(problem(
            index,
            format!(
                "scale goes from one to another, which the arrival of {name} cannot follow: only uniform or poisson can"
            ),
        ));
    }
    Course::check(plan).err().map(|(index, message)| problem(index, message))
}

fn length(text: &str) -> Result<Duration, String> {
    let length = parse_duration(text).map_err(|error| error.to_string())?;
    if length.is_zero() || length > LENGTH_MAX {
        let (written, most) = (print_duration(length), print_duration(LENGTH_MAX));
        return Err(format!("{written} is out of range; expected more than 0 and at most {most}"));
    }
    Ok(length)
}

/// `25%`, or `0%..100%`.
pub(super) fn scale(text: &str) -> Result<(Scale, Scale), String> {
    let scale = |text: &str| text.trim().parse::<Scale>().map_err(|error| error.to_string());
    match text.split_once("..") {
        Some((from, to)) => Ok((scale(from)?, scale(to)?)),
        None => scale(text).map(|scale| (scale, scale)),
    }
}
