//! A run in one sentence: whether all is well, and if not whose doing it is: the injector's, the path's, the target's, or that of
//! whoever asked for faults. Pure.
//!
//! Invariants:
//! - No data is not good, and neither is a run that is over or stands still: each has its own words.
//! - What the injector did itself comes first: then nothing can be said of the others.
//! - Nobody is blamed by guessing. A request without an answer is the path's once the receipts say that it never arrived;
//!   until then it is the path's or the target's.

mod tally;

use std::time::Duration;

use serde::Serialize;
use shared::units::counted;

use self::tally::Tally;
use crate::account::{Durations, OperationAccount};
use crate::verdict::{Exit, LAG_P99_MAX, SPOILT_SHARE_MAX};

/// From this share of failures on a run is not well; below it there is something to see.
const FAILED_SHARE_BAD: f64 = 0.01;

/// How it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Level {
    /// Nothing can be said.
    None,
    /// All is well.
    Good,
    /// Well enough, and there is something to see; or not well, as somebody asked for.
    Warn,
    /// Not well.
    Bad,
}

/// Whose doing.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Blame {
    /// Ours.
    Injector,
    /// Between both.
    Path,
    /// Theirs.
    Target,
    /// One of these two.
    PathOrTarget,
    /// Whoever asked for faults.
    Asked,
}

impl Blame {
    const fn as_str(self) -> &'static str {
        match self {
            Blame::Injector => "the injector",
            Blame::Path => "the path",
            Blame::Target => "the target",
            Blame::PathOrTarget => "the path or the target",
            Blame::Asked => "as asked for",
        }
    }
}

/// What is said of a run.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub(crate) struct Headline {
    /// How it is.
    pub(crate) level: Level,
    /// Whose doing that is, where somebody's.
    pub(crate) blame: Option<Blame>,
    /// In a few words.
    pub(crate) title: String,
    /// In a sentence.
    pub(crate) text: String,
    /// What else there is, most important first.
    pub(crate) reasons: Vec<String>,
}

/// What the run does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum State<'a> {
    /// It is to be started.
    Waiting,
    /// It plans requests.
    Running,
    /// It does not.
    Paused,
    /// It will plan no more.
    Draining,
    /// It has come to its end, with that, for these reasons.
    Over(Exit, &'a [String]),
}

/// One operation of late.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Part<'a> {
    /// What it did in the window.
    pub(crate) account: &'a OperationAccount,
    /// Requests by which both sides differ for no known reason.
    pub(crate) unexplained: u64,
    /// Requests that fault rules of the target struck of late, and of which no answer could say so.
    pub(crate) undeclared: u64,
}

/// A threshold that does not hold.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Crossed<'a> {
    /// As it is written.
    pub(crate) text: &'a str,
    /// It is on the whole run: what made it fail may be long over.
    pub(crate) is_of_run: bool,
}

/// What a headline is made from.
#[derive(Clone, Debug)]
pub(crate) struct Sight<'a> {
    /// What the run does.
    pub(crate) state: State<'a>,
    /// Slots that came due since the start.
    pub(crate) planned: u64,
    /// What was looked at: so long, up to now.
    pub(crate) window: Duration,
    /// By operation.
    pub(crate) parts: Vec<Part<'a>>,
    /// Thresholds that do not hold now.
    pub(crate) crossed: Vec<Crossed<'a>>,
}

impl Headline {
    /// Of what was seen.
    pub(crate) fn of(sight: &Sight<'_>) -> Headline {
        match sight.state {
            State::Over(exit, reasons) => over(exit, reasons),
            State::Waiting => none("Waiting to be started", "Nothing is sent before that.".to_owned()),
            State::Paused => none("Paused", "Nothing is planned, and nothing can be said of the path.".to_owned()),
            State::Draining => {
                none("Ending", "Nothing more is planned; the last requests come to their end.".to_owned())
            }
            State::Running => running(sight),
        }
    }
}

fn none(title: &str, text: String) -> Headline {
    Headline { level: Level::None, blame: None, title: title.to_owned(), text, reasons: Vec::new() }
}

fn over(exit: Exit, reasons: &[String]) -> Headline {
    let (level, blame, word) = match exit {
        Exit::Passed => (Level::Good, None, "passed"),
        Exit::Interrupted => (Level::Warn, None, "interrupted before its end"),
        Exit::Invalid => (Level::Bad, None, "not to be believed"),
        Exit::Thresholds => (Level::Bad, None, "thresholds do not hold"),
        other => (Level::Bad, None, other.as_str()),
    };
    let text = match reasons.first() {
        Some(first) => sentence(first),
        None => "Nothing is sent any more; the figures are final.".to_owned(),
    };
    let reasons = reasons.iter().skip(1).map(|reason| sentence(reason)).collect();
    Headline { level, blame, title: format!("The run is over: {word}"), text, reasons }
}

/// What is known of a run that goes on, the most telling first.
fn running(sight: &Sight<'_>) -> Headline {
    if sight.planned == 0 {
        return none("No data yet", "The first request is not due yet.".to_owned());
    }
    let tally = Tally::of(&sight.parts);
    let latencies = Latencies::of(&sight.parts);
    if tally.placed == 0 {
        let text = format!("Nothing came to an end in {}.", last(sight.window));
        return none(if tally.finished_ever(sight) { "No data" } else { "No data yet" }, text);
    }
    let mut found: Vec<Headline> = [
        own(&tally, &latencies),
        unreachable(&tally, sight),
        unexplained(sight),
        failing(&tally, sight),
        crossed(sight, &tally, &latencies),
        asked(&tally),
    ]
    .into_iter()
    .flatten()
    .collect();
    if found.is_empty() {
        return well(&tally, &latencies, sight);
    }
    // The order is that of importance, but what is bad comes before what is only to be seen.
    found.sort_by_key(|one| one.level != Level::Bad);
    let mut first = found.remove(0);
    first.reasons.extend(found.into_iter().map(|other| other.text));
    first
}

fn of(level: Level, blame: Blame, text: String) -> Headline {
    let title = match (level, blame) {
        (Level::Bad, Blame::Asked) => "Not well, as asked for".to_owned(),
        (Level::Bad, Blame::Injector) => "Not to be believed: the injector is at its end".to_owned(),
        (Level::Bad, blame) => format!("Not well: {}", blame.as_str()),
        (_, Blame::Asked) => "Faults, as asked for".to_owned(),
        (_, blame) => format!("Almost well: {}", blame.as_str()),
    };
    Headline { level, blame: Some(blame), title, text, reasons: Vec::new() }
}

fn own(tally: &Tally, latencies: &Latencies) -> Option<Headline> {
    let mut parts = Vec::new();
    if tally.late > 0 {
        parts.push(format!("released {} too late", requests(tally.late)));
    }
    if tally.internal > 0 {
        parts.push(format!("could not send {} (descriptors, ports or memory)", requests(tally.internal)));
    }
    if let Some(lag) = latencies.lag_p99.filter(|lag| *lag > LAG_P99_MAX) {
        parts.push(format!("was {} late at the 99th percentile", ms(lag)));
    }
    let is_late = latencies.lag_p99.is_some_and(|lag| lag > LAG_P99_MAX);
    let is_spoilt = is_late || (tally.late + tally.internal) as f64 > tally.placed as f64 * SPOILT_SHARE_MAX;
    let (level, what) = match is_spoilt {
        true => (Level::Bad, "the figures say little of the path"),
        false => (Level::Warn, "too few to spoil the figures"),
    };
    let text = format!("The injector {}: {what}.", parts.join(" and "));
    (!parts.is_empty()).then(|| of(level, Blame::Injector, text))
}

fn unreachable(tally: &Tally, sight: &Sight<'_>) -> Option<Headline> {
    let is_all = tally.unsent > 0 && tally.unsent == tally.finished;
    is_all.then(|| {
        let text = format!(
            "None of {} in {} got a connection: {}.",
            requests(tally.finished),
            last(sight.window),
            tally.worst_unsent.as_str()
        );
        Headline { title: "Target unreachable".to_owned(), ..of(Level::Bad, Blame::Path, text) }
    })
}

fn unexplained(sight: &Sight<'_>) -> Option<Headline> {
    let count: u64 = sight.parts.iter().map(|part| part.unexplained).sum();
    let text = format!(
        "The accounts of both sides differ by {} for no known reason: something on the path answers or repeats requests unseen.",
        requests(count)
    );
    (count > 0).then(|| of(Level::Bad, Blame::Path, text))
}

fn failing(tally: &Tally, sight: &Sight<'_>) -> Option<Headline> {
    // Those that are already told of say who is to blame.
    let failed = tally.failed - tally.internal + tally.limit;
    if failed == 0 || tally.unsent > 0 && tally.unsent == tally.finished {
        return None;
    }
    let share = failed as f64 / tally.placed as f64;
    let level = if share >= FAILED_SHARE_BAD { Level::Bad } else { Level::Warn };
    let (blame, words) = tally.blame();
    // Who asks for faults sees what was asked for.
    let level = if blame == Blame::Asked { Level::Warn } else { level };
    let text = format!(
        "{} of {} in {} failed ({}): {words}.",
        percent(share),
        requests(tally.placed),
        last(sight.window),
        tally.worst_in_words()
    );
    let title = format!("{} fail, as asked for", percent(share));
    let headline = of(level, blame, text);
    Some(if blame == Blame::Asked { Headline { title, ..headline } } else { headline })
}

fn crossed(sight: &Sight<'_>, tally: &Tally, latencies: &Latencies) -> Option<Headline> {
    let first = sight.crossed.iter().find(|one| !one.is_of_run).or(sight.crossed.first())?;
    let (blame, why) = match (latencies.network_p99, latencies.server_p99) {
        _ if tally.by_rule > 0 => (Blame::Asked, "fault rules of the target have a hand in it".to_owned()),
        // Their times are the longest there are, and no answer of theirs says where they were lost.
        _ if tally.failed > 0 => (tally.blame().0, "requests that failed have a part in it".to_owned()),
        (Some(path), Some(server)) if path >= server => {
            (Blame::Path, format!("the path takes {} at the 99th percentile, the target {}", ms(path), ms(server)))
        }
        (Some(path), Some(server)) => {
            (Blame::Target, format!("the target takes {} at the 99th percentile, the path {}", ms(server), ms(path)))
        }
        _ => (Blame::PathOrTarget, "answers do not say how long the target took".to_owned()),
    };
    let more = match sight.crossed.len() {
        1 => String::new(),
        all => format!(" and {} more", all - 1),
    };
    let text = &first.text;
    if first.is_of_run {
        let text = format!("Since the start a threshold does not hold: {text}{more}.");
        let title = "Not well: a threshold does not hold".to_owned();
        return Some(Headline { level: Level::Bad, blame: None, title, text, reasons: Vec::new() });
    }
    Some(of(Level::Bad, blame, format!("A threshold does not hold: {text}{more}; {why}.")))
}

fn asked(tally: &Tally) -> Option<Headline> {
    let text = format!("Fault rules of the target had a hand in {}.", requests(tally.by_rule));
    // Where they are what failed, that has been said.
    let is_told = tally.failed_by_rule == tally.by_rule && tally.blame().0 == Blame::Asked;
    (tally.by_rule > 0 && !is_told).then(|| of(Level::Warn, Blame::Asked, text))
}

fn well(tally: &Tally, latencies: &Latencies, sight: &Sight<'_>) -> Headline {
    let mut text = format!("All {} of {} were right", requests(tally.finished), last(sight.window));
    if let Some(response) = latencies.response_p99 {
        text.push_str(&format!("; 99 % took at most {}", ms(response)));
    }
    if let Some(network) = latencies.network_p99 {
        text.push_str(&format!(", the path’s share at most {}", ms(network)));
    }
    text.push('.');
    Headline { level: Level::Good, blame: None, title: "Well".to_owned(), text, reasons: Vec::new() }
}

/// Of all operations together.
struct Latencies {
    response_p99: Option<Duration>,
    network_p99: Option<Duration>,
    server_p99: Option<Duration>,
    lag_p99: Option<Duration>,
}

impl Latencies {
    fn of(parts: &[Part<'_>]) -> Latencies {
        let p99 = |durations: fn(&OperationAccount) -> &Durations| {
            let mut sum = Durations::default();
            parts.iter().for_each(|part| sum.merge(durations(part.account)));
            sum.quantile(0.99)
        };
        Latencies {
            response_p99: p99(|account| &account.response),
            network_p99: p99(|account| &account.network),
            server_p99: p99(|account| &account.server),
            lag_p99: p99(|account| &account.lag),
        }
    }
}

fn requests(count: u64) -> String {
    counted(count, "request")
}

fn last(window: Duration) -> String {
    format!("the last {:.0} s", window.as_secs_f64())
}

fn ms(duration: Duration) -> String {
    format!("{} ms", crate::table::ms(crate::ui::micros(Some(duration))))
}

/// Never 0 where there is something, never all where something is missing.
fn percent(share: f64) -> String {
    match share * 100.0 {
        100.0 => "100 %".to_owned(),
        few @ ..0.1 => format!("{:.2} %", few.max(0.01)),
        some @ ..10.0 => format!("{some:.1} %"),
        many => format!("{:.0} %", many.min(99.0)),
    }
}

/// A reason as a sentence of its own.
fn sentence(reason: &str) -> String {
    let mut letters = reason.chars();
    let first = letters.next().map(|letter| letter.to_uppercase().to_string()).unwrap_or_default();
    format!("{first}{}.", letters.as_str())
}

#[cfg(test)]
mod tests;
