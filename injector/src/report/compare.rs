//! Two results set against each other, operation by operation: what is better, what is worse, and for what there is no
//! evidence. Pure.
//!
//! Invariants:
//! - A figure is better or worse only if its whole interval is beyond what is tolerated, in that direction.
//! - The confidence is that of the whole report: among equal runs of independent requests, one in so many reports calls
//!   anything different at all, however many operations there are (Bonferroni).
//! - What cannot be compared is named, and what there is no data of never passes.

use serde::Serialize;

use super::caveats;
use super::stats::{self, Estimate};
use crate::summary::{Latency, Side, Summary};
use crate::verdict::Exit;

/// Version of the JSON.
const SCHEMA: u32 = 1;
/// Quantiles of response times that are judged.
const QUANTILES: [(&str, f64); 3] = [("p50", 0.5), ("p90", 0.9), ("p99", 0.99)];

/// What it takes to call something different.
#[derive(Clone, Copy, Debug, Serialize)]
pub struct Bounds {
    /// Of the whole report: 0.95 is 95 %.
    pub confidence: f64,
    /// Share by which a duration may grow or shrink.
    pub tolerance: f64,
    /// And microseconds by which it may.
    pub tolerance_us: f64,
    /// Difference of two shares of right requests that is tolerated: 0.001 is 0.1 percentage points.
    pub tolerance_success: f64,
}

/// One of the two runs.
#[derive(Debug, Serialize)]
pub struct Run {
    /// The file.
    pub file: String,
    /// As in the result, like all that follows.
    pub session: String,
    /// The scenario's file.
    pub scenario: String,
    /// Version of the program.
    pub version: String,
    /// The machine's name.
    pub host: String,
    /// When it began.
    pub started_unix_s: Option<f64>,
    /// How long it was.
    pub planned_for_s: f64,
    /// Its own verdict.
    pub verdict: String,
}

/// What became of a figure.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Change {
    /// Certainly better, by more than is tolerated.
    Better,
    /// Certainly worse, by more than is tolerated.
    Worse,
    /// Neither is certain.
    NoEvidence,
    /// One of the two has none.
    NoData,
}

impl Change {
    /// In words.
    pub fn as_str(self) -> &'static str {
        match self {
            Change::Better => "better",
            Change::Worse => "WORSE",
            Change::NoEvidence => "no evidence",
            Change::NoData => "no data",
        }
    }
}

/// One figure of both.
#[derive(Debug, Serialize)]
pub struct Figure {
    /// `success` (a share) or a quantile of the response time (in microseconds).
    pub name: &'static str,
    /// `ratio` or `us`.
    pub unit: &'static str,
    /// In the first.
    pub a: Option<Estimate>,
    /// In the second.
    pub b: Option<Estimate>,
    /// The second minus the first.
    pub difference: Option<Estimate>,
    /// What that means.
    pub change: Change,
}

/// What is told and not judged, for whoever looks for a cause. Pairs are of the first and the second.
#[derive(Debug, Serialize)]
pub struct Told {
    /// Requests planned per second.
    pub planned_per_s: [f64; 2],
    /// Requests per second that were right.
    pub success_per_s: [f64; 2],
    /// 99th percentile of the target's own time.
    pub server_p99_us: [Option<u64>; 2],
    /// 99th percentile of the path's share.
    pub network_p99_us: [Option<u64>; 2],
    /// 99th percentile of the injector's own lateness.
    pub lag_p99_us: [Option<u64>; 2],
}

/// One operation of both, or all together.
#[derive(Debug, Serialize)]
pub struct Row {
    /// Its name; `total` comes last.
    pub name: String,
    /// What is judged.
    pub figures: Vec<Figure>,
    /// What is not.
    pub told: Told,
}

/// Two runs compared.
#[derive(Debug, Serialize)]
pub struct Comparison {
    /// Version of this structure.
    pub schema: u32,
    /// The first run, which the second is measured by.
    pub a: Run,
    /// The second.
    pub b: Run,
    /// What it took to call something different.
    pub bounds: Bounds,
    /// `regression`, `no_regression`, or `not_comparable`.
    pub result: &'static str,
    /// The process's exit code.
    pub exit_code: u8,
    /// What is worse, as `web p99`.
    pub regressions: Vec<String>,
    /// What is better.
    pub improvements: Vec<String>,
    /// What to know before believing any of it.
    pub caveats: Vec<String>,
    /// Operations that only the first has.
    pub only_in_a: Vec<String>,
    /// Operations that only the second has.
    pub only_in_b: Vec<String>,
    /// Each operation that both have, in the first one's order, and the total.
    pub operations: Vec<Row>,
    #[serde(skip)]
    exit: Exit,
}

impl Comparison {
    /// How the process should end.
    pub fn exit(&self) -> Exit {
        self.exit
    }
}

/// Compares `b` with `a`, each with the name to call it by.
pub fn compare(a: (&str, &Summary), b: (&str, &Summary), bounds: &Bounds) -> Comparison {
    let ((name_a, a), (name_b, b)) = (a, b);
    let alone = caveats::alone(a, b);
    let mut caveats = caveats::of_runs(a, b);
    let mut pairs: Vec<(&str, &Side, &Side)> = Vec::new();
    for one in &a.operations {
        let Some(other) = b.operations.iter().find(|other| other.name == one.name) else { continue };
        match caveats::not_the_same(one, other) {
            Some(why) => caveats.push(why),
            None => {
                caveats.extend(caveats::of_operations(one, other));
                pairs.push((&one.name, &one.client, &other.client));
            }
        }
    }
    match caveats::not_the_same_mix(a, b, &alone) {
        Some(why) => caveats.push(why),
        // Of one operation the total is the same once more.
        None if pairs.len() > 1 => pairs.push(("total", &a.total, &b.total)),
        None => {}
    }
    let figures = pairs.len() * (QUANTILES.len() + 1);
    let alpha = (1.0 - bounds.confidence) / figures.max(1) as f64;
    let row = |(name, one, other): (&str, &Side, &Side)| Row {
        name: name.to_owned(),
        figures: judged(one, other, bounds, alpha),
        told: Told::new((one, a.planned_for_s), (other, b.planned_for_s)),
    };
    let operations: Vec<Row> = pairs.into_iter().map(row).collect();
    let named = |change: Change| {
        let of = operations.iter().flat_map(|row| row.figures.iter().map(|figure| (&row.name, figure)));
        of.filter(|(_, figure)| figure.change == change)
            .map(|(name, figure)| format!("{name} {}", figure.name))
            .collect()
    };
    let (regressions, improvements): (Vec<String>, Vec<String>) = (named(Change::Worse), named(Change::Better));
    let blank: Vec<String> = named(Change::NoData);
    if !blank.is_empty() {
        caveats.push(format!("no data in one of the two: {}", blank.join(", ")));
    }
    if operations.is_empty() {
        caveats.push("nothing can be compared: the two have no operation in common".to_owned());
    }
    let is_comparable =
        !operations.is_empty() && blank.is_empty() && caveats::is_believed(a) && caveats::is_believed(b);
    let (result, exit) = match (regressions.is_empty(), is_comparable) {
        (false, _) => ("regression", Exit::Regressed),
        (true, false) => ("not_comparable", Exit::Invalid),
        (true, true) => ("no_regression", Exit::Passed),
    };
    let [only_in_a, only_in_b] = alone;
    Comparison {
        schema: SCHEMA,
        a: Run::new(name_a, a),
        b: Run::new(name_b, b),
        bounds: *bounds,
        result,
        exit_code: exit.code(),
        regressions,
        improvements,
        caveats,
        only_in_a,
        only_in_b,
        operations,
        exit,
    }
}

fn judged(a: &Side, b: &Side, bounds: &Bounds, alpha: f64) -> Vec<Figure> {
    let [share_a, share_b] = [a, b].map(|side| stats::share(side.success, side.wanted(), alpha));
    let mut figures = vec![figure("success", "ratio", share_a, share_b, |a, b| {
        let difference = stats::difference(a, b, 1.0);
        match difference {
            Estimate { high, .. } if high < -bounds.tolerance_success => Change::Worse,
            Estimate { low, .. } if low > bounds.tolerance_success => Change::Better,
            _ => Change::NoEvidence,
        }
    })];
    for (name, q) in QUANTILES {
        let [a, b] = [a, b].map(|side| stats::quantile(&side.response.histogram, q, alpha));
        figures.push(figure(name, "us", a, b, |a, b| match () {
            () if is_longer(a, b, bounds) => Change::Worse,
            () if is_longer(b, a, bounds) => Change::Better,
            () => Change::NoEvidence,
        }));
    }
    figures
}

fn figure(
    name: &'static str,
    unit: &'static str,
    a: Option<Estimate>,
    b: Option<Estimate>,
    judge: impl FnOnce(&Estimate, &Estimate) -> Change,
) -> Figure {
    let both = a.as_ref().zip(b.as_ref());
    // Without data in both there is nothing to miss: an operation so slow that none of its requests came due.
    let without = if a.is_none() && b.is_none() { Change::NoEvidence } else { Change::NoData };
    let change = both.map_or(without, |(a, b)| judge(a, b));
    Figure { name, unit, a, b, difference: both.map(|(a, b)| stats::difference(a, b, 1.0)), change }
}

/// Whether `b` is certainly longer than `a`, by more than is tolerated.
fn is_longer(a: &Estimate, b: &Estimate, bounds: &Bounds) -> bool {
    stats::difference(a, b, 1.0 + bounds.tolerance).low > 0.0 && stats::difference(a, b, 1.0).low > bounds.tolerance_us
}

impl Run {
    pub(super) fn new(file: &str, run: &Summary) -> Run {
        Run {
            file: file.to_owned(),
            session: run.session.clone(),
            scenario: run.scenario.clone(),
            version: run.version.clone(),
            host: run.environment.host.clone(),
            started_unix_s: run.started_unix_s,
            planned_for_s: run.planned_for_s,
            verdict: run.verdict.result.clone(),
        }
    }
}

impl Told {
    fn new((a, a_s): (&Side, f64), (b, b_s): (&Side, f64)) -> Told {
        let per_s = |count: fn(&Side) -> u64| [(a, a_s), (b, b_s)].map(|(side, s)| count(side) as f64 / s.max(1e-9));
        let p99 = |of: fn(&Side) -> &Latency| [a, b].map(|side| of(side).p99_us);
        Told {
            planned_per_s: per_s(|side| side.planned),
            success_per_s: per_s(|side| side.success),
            server_p99_us: p99(|side| &side.server),
            network_p99_us: p99(|side| &side.network),
            lag_p99_us: p99(|side| &side.lag),
        }
    }
}
