//! Whether a run may be believed, and how the process says so: the exit code and its reasons. Pure.

use std::time::Duration;

use shared::outcome::{DropReason, ErrorClass};
use shared::units::counted;

use crate::account::OperationAccount;

/// How the process ends; the numbers are k6's where k6 has one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Exit {
    /// The run is valid and its thresholds hold; or a continuous run was told to stop while they held.
    Passed,
    /// A probe's call was not what it should be, a replica refused a rule or was not struck as often as was waited for, or a
    /// run refused to be changed.
    Failed,
    /// The command line is wrong, or an address that it serves or a file that it writes cannot be had.
    Usage,
    /// The target cannot be reached at the start.
    Unreachable,
    /// The run says nothing about the path: no data, or the generator could not keep its plan.
    Invalid,
    /// A threshold does not hold, and the run can tell.
    Thresholds,
    /// The scenario is wrong, cannot be read, or does not go with the flags.
    Scenario,
    /// A finite run was stopped before its end.
    Interrupted,
    /// A result is worse than the one that it was compared with.
    Regressed,
}

impl Exit {
    /// The process's exit code.
    pub const fn code(self) -> u8 {
        match self {
            Exit::Passed => 0,
            Exit::Failed => 1,
            Exit::Usage => 2,
            Exit::Unreachable => 97,
            Exit::Invalid => 98,
            Exit::Regressed => 99,
            Exit::Thresholds => 99,
            Exit::Scenario => 104,
            Exit::Interrupted => 105,
        }
    }

    /// One word for reports.
    pub const fn as_str(self) -> &'static str {
        match self {
            Exit::Passed => "passed",
            Exit::Failed => "failed",
            Exit::Usage => "usage",
            Exit::Unreachable => "unreachable",
            Exit::Invalid => "invalid",
            Exit::Thresholds => "thresholds",
            Exit::Scenario => "scenario",
            Exit::Interrupted => "interrupted",
            Exit::Regressed => "regressed",
        }
    }
}

/// A result's one word as a person reads it: the word itself is an interface, and says little by itself.
pub(crate) fn in_words(result: &str) -> &str {
    match result {
        "thresholds" => "thresholds do not hold",
        "invalid" => "not valid, says nothing of the path",
        other => other,
    }
}

/// Share of an operation's plan that the injector itself may spoil, in any way, in a valid run.
pub(crate) const SPOILT_SHARE_MAX: f64 = 0.001;
/// Lateness of our own that a valid run may have at its 99th percentile. Lateness is part of the response time, so a
/// little of it is only noise there; this much would be the figure itself.
pub(crate) const LAG_P99_MAX: Duration = Duration::from_millis(250);

/// How a run ended.
#[derive(Clone, Copy, Debug, Default)]
pub struct Ended<'a> {
    /// It had no planned length.
    pub is_continuous: bool,
    /// It was told to stop before its planned length.
    pub is_interrupted: bool,
    /// Requests by which the two sides differ for no known reason; 0 also if it cannot be known.
    pub unexplained: u64,
    /// Why the two sides, or some of them, were not set against each other; nothing if they were.
    pub not_compared: Option<&'a str>,
    /// Why it was ended before everything was planned, if nobody asked for that.
    pub cut_short: Option<&'a str>,
    /// Why no request could come due, whatever the time; nothing: load was planned.
    pub unloaded: Option<&'a str>,
    /// Thresholds that do not hold, each in a sentence.
    pub crossed: &'a [String],
    /// One of them ended it.
    pub is_aborted: bool,
    /// That the generator was at its own end; nothing if it was not.
    pub saturation: Option<&'a str>,
    /// What ended it against everybody's will.
    pub error: Option<&'a str>,
}

/// The verdict on a run, from the account of each operation and of all together. The reasons are sentences, most important
/// first; a continuous run that was told to stop passes all the same, and they say what it was like.
pub fn verdict(
    operations: &[(&str, &OperationAccount)],
    total: &OperationAccount,
    ended: Ended<'_>,
) -> (Exit, Vec<String>) {
    let mut reasons: Vec<String> =
        ended.error.map(|error| format!("a worker ended early: {error}")).into_iter().collect();
    reasons.extend(ended.cut_short.map(str::to_owned));
    if !total.adds_up() {
        reasons.push(format!(
            "the accounts do not add up ({} planned): a defect of the injector, please report it",
            total.planned
        ));
    }
    if total.planned == 0 {
        let why = ended
            .unloaded
            .unwrap_or("the run ended before the first one was, or was paused or switched off until then");
        reasons.push(format!("no request came due: {why}"));
    } else if total.answered() + total.success == 0 {
        reasons.push(format!("not one of {} requests was answered: no data never passes", total.planned));
    }
    if ended.unexplained > 0 {
        reasons.push(format!(
            "the accounts of both sides differ by {} for no known reason: something on the path answers or repeats \
             requests unseen, or it is a defect",
            counted(ended.unexplained, "request")
        ));
    }
    for (name, account) in operations {
        reasons.extend(spoilt(name, account));
    }
    if let Some(lag) = total.lag.quantile(0.99).filter(|lag| *lag > LAG_P99_MAX) {
        reasons.push(format!("generator saturated: it was {} ms late at the 99th percentile", lag.as_millis()));
    }
    reasons.extend(ended.saturation.map(str::to_owned));
    let exit = match ended {
        Ended { error: Some(_), .. } | Ended { cut_short: Some(_), .. } => Exit::Invalid,
        Ended { is_interrupted: true, is_aborted: false, .. } => Exit::Interrupted,
        Ended { crossed: [_, ..], .. } if is_own_fault(operations, total) => Exit::Invalid,
        Ended { crossed: [_, ..], .. } => Exit::Thresholds,
        Ended { is_continuous: true, .. } => Exit::Passed,
        _ if reasons.is_empty() => Exit::Passed,
        _ => Exit::Invalid,
    };
    let crossed = ended.crossed.iter().cloned();
    match exit {
        Exit::Thresholds => drop(reasons.splice(0..0, crossed)),
        _ => reasons.extend(crossed),
    }
    // No reason not to believe in what this side saw, so it comes last and changes nothing.
    reasons.extend(ended.not_compared.map(|why| format!("the two sides were not compared: {why}")));
    (exit, reasons)
}

/// Whether the injector did not do what was planned: then nothing can be said of the path, and neither whether a threshold
/// holds. Everything else that spoils a run is the path's or the target's doing, or may be: of that a threshold that does not
/// hold says more than that the run is not valid.
fn is_own_fault(operations: &[(&str, &OperationAccount)], total: &OperationAccount) -> bool {
    let is_spoilt = |(_, account): &(&str, &OperationAccount)| {
        let own = account.dropped[DropReason::Late.index()] + account.failures[ErrorClass::Internal.index()];
        own as f64 > account.planned as f64 * SPOILT_SHARE_MAX
    };
    let is_late = total.lag.quantile(0.99).is_some_and(|lag| lag > LAG_P99_MAX);
    total.planned == 0 || !total.adds_up() || is_late || operations.iter().any(is_spoilt)
}

/// What the injector, or a bound of the plan, spoilt of one operation, if it was too much.
fn spoilt(name: &str, account: &OperationAccount) -> Option<String> {
    let late = account.dropped[DropReason::Late.index()];
    let limit = account.dropped[DropReason::Limit.index()];
    let internal = account.failures[ErrorClass::Internal.index()];
    if (late + limit + internal) as f64 <= account.planned as f64 * SPOILT_SHARE_MAX {
        return None;
    }
    let mut parts = Vec::new();
    if late > 0 {
        parts.push(format!(
            "{late} could not be released in time (generator saturated: lower the rate, or give it more cores)"
        ));
    }
    if limit > 0 {
        parts.push(format!(
            "{limit} found no free connection within max_lag ({}; the path or the target is too slow for this plan, or \
             connection or max_in_flight too small for it)",
            busy(account)
        ));
    }
    if internal > 0 {
        parts.push(format!("{internal} failed inside the injector (descriptors, ports or memory)"));
    }
    Some(format!("{name}: of {} requests, {}", account.planned, parts.join("; ")))
}

/// What the connections were busy with, as far as failures tell.
fn busy(account: &OperationAccount) -> String {
    let worst = ErrorClass::ALL.into_iter().max_by_key(|class| account.failures[class.index()]);
    let Some((class, count)) = worst.map(|class| (class, account.failures[class.index()])).filter(|(_, n)| *n > 0)
    else {
        return "all were busy, and no request failed".to_owned();
    };
    let with = match class {
        ErrorClass::DnsNxdomain | ErrorClass::DnsTimeout | ErrorClass::DnsServfail | ErrorClass::DnsOther => {
            "in looking up the name"
        }
        ErrorClass::ConnectRefused | ErrorClass::ConnectTimeout | ErrorClass::ConnectUnreachable => "in connecting",
        ErrorClass::Tls => "in TLS handshakes",
        _ => "behind the connect",
    };
    format!("all were busy, and most failures were {with}: {} {count}", class.as_str())
}

#[cfg(test)]
mod tests;
