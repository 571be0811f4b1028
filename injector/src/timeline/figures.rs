//! A timeline as data: what is saved in a result, served to a page and embedded in a report. A column per figure, because a
//! chart draws columns and names stand only once.
//!
//! The JSON is an interface, as that of the whole result: columns are added, never renamed, and what is missing is nothing.
//! A column of counts in which nothing was counted, or of times of which none was taken, is left out.

use std::collections::BTreeMap;
use std::time::Duration;

use serde::{Deserialize, Serialize};
use shared::outcome::{DropReason, ErrorClass};

use super::Point;
use super::marks::Mark;
use super::part::Part;
use super::sketch::{Sketch, heat_bounds_ms};

/// A whole run. Every column that is there has as many values as there are points.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Figures {
    /// How long a point is, in seconds; the last one may be shorter.
    pub step_s: u64,
    /// When each point starts, in seconds since the first slot.
    pub start_s: Vec<f64>,
    /// How long each is, in seconds.
    pub length_s: Vec<f64>,
    /// Up to where each bucket of a heat map goes, in milliseconds; there is one more, which has no end.
    pub heat_bounds_ms: Vec<f64>,
    /// All operations together.
    pub total: Line,
    /// By operation, in the scenario's order.
    pub operations: Vec<Line>,
    /// Phases, pauses, and whatever else held for a while.
    pub marks: Vec<Mark>,
}

/// One operation, or all of them.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Line {
    /// Its name; of all together, nothing.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub name: String,
    /// Slots that came due.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub planned: Vec<u64>,
    /// Requests that reached a connection.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub sent: Vec<u64>,
    /// Requests that were what was asked for.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub success: Vec<u64>,
    /// Requests that were not.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub failure: Vec<u64>,
    /// Failures by class; classes that did not occur are left out.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub errors: BTreeMap<String, Vec<u64>>,
    /// Never started: the injector was late.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub dropped_late: Vec<u64>,
    /// Never started: nothing was free.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub dropped_limit: Vec<u64>,
    /// Cut off by the end of the run.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub interrupted: Vec<u64>,
    /// Requests whose answer says that a rule of the target had a hand in it.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub by_rule: Vec<u64>,
    /// Without a result at the end of a second; the most of a point.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub in_flight: Vec<i64>,
    /// Planned instant to end.
    #[serde(skip_serializing_if = "Quantiles::is_none")]
    pub response: Quantiles,
    /// Start of sending to end.
    #[serde(skip_serializing_if = "Quantiles::is_none")]
    pub service: Quantiles,
    /// The target's own time, as it reports it.
    #[serde(skip_serializing_if = "Quantiles::is_none")]
    pub server: Quantiles,
    /// The path's share.
    #[serde(skip_serializing_if = "Quantiles::is_none")]
    pub network: Quantiles,
    /// The injector's own lateness: 99th percentile, in milliseconds.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub lag_p99_ms: Vec<Option<f64>>,
    /// Response times by bucket, point by point: how many are in each from the shortest on, where `-n` stands for `n` buckets
    /// without any, and nothing follows the last one that has some.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub heat: Vec<Vec<i64>>,
}

/// Of the durations of each point, in milliseconds, to 3 % and never shorter than they were; nothing where there were none.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Quantiles {
    /// Median.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub p50_ms: Vec<Option<f64>>,
    /// 90th percentile.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub p90_ms: Vec<Option<f64>>,
    /// 99th percentile.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub p99_ms: Vec<Option<f64>>,
    /// Longest.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub max_ms: Vec<Option<f64>>,
}

impl Quantiles {
    /// Whether there were no durations at all.
    pub fn is_none(&self) -> bool {
        self.p50_ms.is_empty()
    }

    fn of<'a>(sketches: impl Iterator<Item = Option<&'a Sketch>>) -> Quantiles {
        let mut quantiles = Quantiles::default();
        let Quantiles { p50_ms, p90_ms, p99_ms, max_ms } = &mut quantiles;
        let mut is_any = false;
        for sketch in sketches {
            let found = sketch.and_then(|sketch| sketch.quantiles_us([0.5, 0.9, 0.99]));
            is_any |= found.is_some();
            p50_ms.push(found.map(|([p50, _, _], _)| ms(p50)));
            p90_ms.push(found.map(|([_, p90, _], _)| ms(p90)));
            p99_ms.push(found.map(|([_, _, p99], _)| ms(p99)));
            max_ms.push(found.map(|(_, longest)| ms(longest)));
        }
        if is_any { quantiles } else { Quantiles::default() }
    }
}

impl Figures {
    pub(super) fn new(step: Duration, points: &[Point], names: &[String], marks: Vec<Mark>) -> Figures {
        let operations = points.iter().map(|point| point.operations.len()).max().unwrap_or_default();
        let operations = (0..operations).map(|at| {
            let name = names.get(at).cloned().unwrap_or_default();
            Line::of(name, || points.iter().map(move |point| point.operations.get(at)))
        });
        Figures {
            step_s: step.as_secs(),
            start_s: points.iter().map(|point| seconds(point.from)).collect(),
            length_s: points.iter().map(|point| seconds(point.until - point.from)).collect(),
            heat_bounds_ms: heat_bounds_ms(),
            total: Line::of(String::new(), || points.iter().map(|point| Some(&point.total))),
            operations: operations.collect(),
            marks,
        }
    }

    /// How many points there are.
    pub fn points(&self) -> usize {
        self.start_s.len()
    }
}

impl Line {
    /// `parts` are those of one operation, point by point; nothing where there was none yet.
    fn of<'a, I: Iterator<Item = Option<&'a Part>>>(name: String, parts: impl Fn() -> I) -> Line {
        let counts = |count: &dyn Fn(&Part) -> u64| {
            let counts: Vec<u64> = parts().map(|part| part.map_or(0, count)).collect();
            if counts.iter().all(|count| *count == 0) { Vec::new() } else { counts }
        };
        let quantiles = |sketch: fn(&Part) -> &Sketch| Quantiles::of(parts().map(|part| part.map(sketch)));
        let errors = ErrorClass::ALL
            .into_iter()
            .map(|class| (class.as_str().to_owned(), counts(&|part| part.failures[class.index()])));
        let lag = parts().map(|part| Some(ms(part?.lag.quantiles_us([0.99])?.0[0])));
        let in_flight: Vec<i64> = parts().map(|part| part.map_or(0, |part| part.in_flight)).collect();
        let heat: Vec<Vec<i64>> =
            parts().map(|part| part.map(|part| part.response.heat()).unwrap_or_default()).collect();
        Line {
            name,
            planned: counts(&|part| part.planned),
            sent: counts(&|part| part.sent),
            success: counts(&|part| part.success),
            failure: counts(&|part| part.failures.iter().sum()),
            errors: errors.filter(|(_, counts)| !counts.is_empty()).collect(),
            dropped_late: counts(&|part| part.dropped[DropReason::Late.index()]),
            dropped_limit: counts(&|part| part.dropped[DropReason::Limit.index()]),
            interrupted: counts(&|part| part.interrupted),
            by_rule: counts(&|part| part.by_rule),
            in_flight: if in_flight.iter().all(|count| *count == 0) { Vec::new() } else { in_flight },
            response: quantiles(|part| &part.response),
            service: quantiles(|part| &part.service),
            server: quantiles(|part| &part.server),
            network: quantiles(|part| &part.network),
            lag_p99_ms: some(lag.collect()),
            heat: if heat.iter().all(Vec::is_empty) { Vec::new() } else { heat },
        }
    }
}

/// A column, if there is anything in it.
fn some(column: Vec<Option<f64>>) -> Vec<Option<f64>> {
    if column.iter().all(Option::is_none) { Vec::new() } else { column }
}

/// Milliseconds to four digits: what is kept has no more, and a run has thousands of these.
fn ms(us: u64) -> f64 {
    let digits = us.checked_ilog10().unwrap_or_default() + 1;
    let unit = 10_u64.pow(digits.saturating_sub(4));
    // Rounded up: never shorter than it was.
    (us.div_ceil(unit) * unit) as f64 / 1e3
}

/// To the millisecond.
fn seconds(duration: Duration) -> f64 {
    (duration.as_secs_f64() * 1e3).round() / 1e3
}
