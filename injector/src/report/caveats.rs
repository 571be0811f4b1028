//! What stands between two results and a fair comparison: said, never passed over. Pure.

use std::collections::BTreeSet;

use crate::summary::{Operation, Summary};

/// Difference of two rates or lengths, as a share of the first, that is worth a word.
const SHARE: f64 = 0.01;
/// Operations that only one of them has: first those of `a`, then those of `b`.
pub(super) fn alone(a: &Summary, b: &Summary) -> [Vec<String>; 2] {
    [(a, b), (b, a)].map(|(here, there)| {
        let others: BTreeSet<&str> = there.operations.iter().map(|operation| operation.name.as_str()).collect();
        let alone = here.operations.iter().filter(|operation| !others.contains(operation.name.as_str()));
        alone.map(|operation| operation.name.clone()).collect()
    })
}

/// What is different about the two runs, beside their figures.
pub(super) fn of_runs(a: &Summary, b: &Summary) -> Vec<String> {
    let mut caveats = Vec::new();
    for (name, run) in [("A", a), ("B", b)] {
        let verdict = &run.verdict;
        if !is_believed(run) {
            caveats.push(format!("{name} is not to be believed: {} (exit code {})", verdict.result, verdict.exit_code));
        }
        caveats.extend(verdict.reasons.iter().map(|reason| format!("{name}: {reason}")));
        caveats.extend(run.lateness().map(|words| format!("{name}: {words}")));
    }
    let mut differ = |what: &str, a: String, b: String| {
        if a != b {
            caveats.push(format!("different {what}: {a} in A, {b} in B"));
        }
    };
    differ("programs", a.version.clone(), b.version.clone());
    // What an older file does not say is not known to be different.
    let (here, there) = (&a.environment, &b.environment);
    if here.cores > 0 && there.cores > 0 {
        differ("machines", format!("{} cores", here.cores), format!("{} cores", there.cores));
        differ("kernels", here.kernel.clone(), there.kernel.clone());
    }
    if is_apart(a.planned_for_s, b.planned_for_s) {
        differ("lengths", format!("{:.1} s", a.planned_for_s), format!("{:.1} s", b.planned_for_s));
    }
    differ("numbers of workers", a.workers.to_string(), b.workers.to_string());
    caveats
}

/// Whether a run's own verdict lets its figures stand for the path.
pub(super) fn is_believed(run: &Summary) -> bool {
    // Interrupted is shorter, and crossed thresholds are figures; anything else is no measurement.
    matches!(run.verdict.exit_code, 0 | 99 | 105)
}

/// Why one operation of two runs is not one thing; nothing if it is.
pub(super) fn not_the_same(a: &Operation, b: &Operation) -> Option<String> {
    if a.protocol != b.protocol {
        return Some(format!("{}: not compared: {} in A, {} in B", a.name, a.protocol, b.protocol));
    }
    let asks = |operation: &Operation| if operation.injected { "asks for a fault" } else { "asks for none" };
    (a.injected != b.injected).then(|| format!("{}: not compared: {} in A, {} in B", a.name, asks(a), asks(b)))
}

/// What is different about an operation that can be compared all the same.
pub(super) fn of_operations(a: &Operation, b: &Operation) -> Vec<String> {
    let mut caveats = Vec::new();
    if is_apart(a.rate_per_s, b.rate_per_s) {
        caveats.push(format!("{}: different rates: {:.2}/s in A, {:.2}/s in B", a.name, a.rate_per_s, b.rate_per_s));
    }
    if a.rules.hits != b.rules.hits {
        let (a_hits, b_hits) = (a.rules.hits, b.rules.hits);
        caveats.push(format!("{}: fault rules of the target hit {a_hits} requests in A, {b_hits} in B", a.name));
    }
    caveats
}

/// Why all operations together are two different things; nothing if they are one.
pub(super) fn not_the_same_mix(a: &Summary, b: &Summary, alone: &[Vec<String>; 2]) -> Option<String> {
    if alone.iter().any(|names| !names.is_empty()) {
        return Some("total: not compared: the mixes have different operations".to_owned());
    }
    let rate = |run: &Summary| run.operations.iter().map(|operation| operation.rate_per_s).sum::<f64>();
    let (all_a, all_b) = (rate(a), rate(b));
    let differs = |one: &Operation| {
        let other = b.operations.iter().find(|other| other.name == one.name);
        other.is_none_or(|other| {
            is_apart(one.rate_per_s / all_a, other.rate_per_s / all_b) || not_the_same(one, other).is_some()
        })
    };
    let name = a.operations.iter().find(|one| differs(one)).map(|one| one.name.as_str())?;
    Some(format!("total: not compared: {name} is a different share of it, or another thing"))
}

fn is_apart(a: f64, b: f64) -> bool {
    (a - b).abs() > SHARE * a.abs()
}
