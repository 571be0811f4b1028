//! A condition held against the operations of a plan: what can never be judged is refused here, before any traffic.

use std::collections::BTreeSet;
use std::time::Duration;

use shared::protocol::Protocol;
use shared::units::print_duration;

use super::measure::{Judgement, Span, judge};
use super::{Condition, Filter, Key, Kind, Metric};
use crate::account::Durations;
use crate::compat;
use crate::history::History;
use crate::plan::{Call, Operation};

/// The window of a gate that names none: of the whole run it would be too late for what is wanted now.
pub const GATE_WINDOW: Duration = Duration::from_secs(10);

/// A condition, and the operations it is about.
#[derive(Clone, Debug)]
pub struct Bound {
    /// What has to hold.
    pub condition: Condition,
    /// Their places in the plan, in order; at least one.
    pub(super) operations: Vec<usize>,
}

impl Condition {
    /// Whether it is about the durations of k6, which are kept only if somebody asks for them.
    pub fn wants_parts(&self) -> bool {
        self.metric.kind() == Kind::Trend && self.metric.part().is_some()
    }

    /// Holds it against the operations of a plan.
    ///
    /// # Errors
    /// In words: if there is no such operation, or if the rate is too low for the window.
    pub fn bind(self, operations: &[Operation]) -> Result<Bound, String> {
        for filter in &self.filters {
            known(filter, operations)?;
        }
        let speaks = |operation: &Operation| match self.metric {
            Metric::GrpcReqDuration => matches!(operation.call, Call::Grpc(_)),
            metric if metric.is_of_http() => matches!(operation.call, Call::Http(_)),
            Metric::PathLoss | Metric::Duplicates | Metric::Unexplained => operation.call.carries_id(),
            _ => true,
        };
        let fits = |operation: &Operation| self.filters.iter().all(|filter| filter.fits(operation));
        let picked = operations.iter().enumerate().filter(|(_, operation)| speaks(operation) && fits(operation));
        let picked: Vec<usize> = picked.map(|(place, _)| place).collect();
        if picked.is_empty() {
            let filters: Vec<String> = self.filters.iter().map(ToString::to_string).collect();
            let which = if filters.is_empty() { String::new() } else { format!(" with {}", filters.join(" ")) };
            let what = match self.metric {
                Metric::GrpcReqDuration => "speaks gRPC",
                metric if metric.is_of_http() => "speaks HTTP",
                Metric::PathLoss | Metric::Duplicates | Metric::Unexplained => {
                    "sends requests that say who they are, so nothing can be known of what became of them"
                }
                _ => "fits",
            };
            return Err(format!("no operation{which} {what}, so there would never be data"));
        }
        let bound = Bound { condition: self, operations: picked };
        bound.enough(operations)?;
        Ok(bound)
    }
}

/// Whether there is what a filter names.
fn known(filter: &Filter, operations: &[Operation]) -> Result<(), String> {
    let called = |operation: &Operation| compat::method_and_url(operation);
    let known: BTreeSet<String> = match filter.key {
        Key::Operation => operations.iter().map(|operation| operation.name.to_string()).collect(),
        Key::Protocol => Protocol::ALL.iter().map(|protocol| protocol.as_str().to_owned()).collect(),
        Key::Method => operations.iter().filter_map(called).map(|(method, _)| method).collect(),
        Key::Url => operations.iter().filter_map(called).map(|(_, url)| url).collect(),
        // Looked at when they were read.
        Key::Injected | Key::ExpectedResponse | Key::Status => return Ok(()),
    };
    let Some(value) = filter.values.iter().find(|value| !known.contains(*value)) else { return Ok(()) };
    let known: Vec<String> = known.into_iter().collect();
    Err(format!("there is no {} {value:?}; there are {}", filter.key.name(), known.join(", ")))
}

impl Bound {
    /// Whether a window can have as many samples as the condition needs.
    fn enough(&self, operations: &[Operation]) -> Result<(), String> {
        let (Some(over), needs) = (self.condition.over, self.condition.needs()) else { return Ok(()) };
        let per_second: f64 = self.operations.iter().map(|place| operations[*place].rate.per_second()).sum();
        let expected = per_second * over.as_secs_f64();
        if expected + 1e-9 >= needs as f64 {
            return Ok(());
        }
        let longer = Duration::from_secs((needs as f64 / per_second).ceil().min(1e9) as u64);
        let fewer = (expected.floor() as u64).max(1);
        let remedy = match longer <= crate::history::REACH {
            true => format!("over {} would do, or min {fewer} samples", print_duration(longer)),
            false => format!("a higher rate would do, or min {fewer} samples"),
        };
        Err(format!(
            "{} of these requests come due in {}, and it needs {needs} of them to mean something: {remedy}",
            (expected * 10.0).round() / 10.0,
            print_duration(over)
        ))
    }

    /// Whether it holds in the latest window, [`GATE_WINDOW`] if it names none; nothing if that cannot be told: the window
    /// is not yet full, or has too few samples.
    pub fn holds(&self, history: &History) -> Option<bool> {
        let over = self.condition.over.unwrap_or(GATE_WINDOW);
        if !is_full(history, over) {
            return None;
        }
        let mut accounts = Vec::new();
        history.window_into(over, &mut accounts);
        let length = history.active_in(over);
        let span = Span { accounts: &accounts, fates: None, compared: &[], length };
        match judge(self, &span, &mut Durations::default()).1 {
            Judgement::Holds => Some(true),
            Judgement::Fails | Judgement::Empty => Some(false),
            Judgement::Unknown => None,
        }
    }

    /// The places in the plan of the operations that it is about.
    pub(crate) fn operations(&self) -> &[usize] {
        &self.operations
    }

    /// Leaves only the operations in these places of the plan.
    pub(crate) fn keep(&mut self, keeps: impl Fn(usize) -> bool) {
        self.operations.retain(|place| keeps(*place));
    }
}

/// Whether the history holds a whole window, but for half a slice.
pub(super) fn is_full(history: &History, over: Duration) -> bool {
    let slice = if over > crate::history::FINE { crate::history::COARSE_SLICE } else { Duration::from_millis(500) };
    history.reach() + slice / 2 >= over
}
