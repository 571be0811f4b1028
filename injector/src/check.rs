//! What a scenario means, in words and numbers: the answer of `injector check FILE`.
//!
//! Probabilities and delays are counted over requests predicted one by one, with the very draws the target will make. That
//! covers every combination of choices, gates and distributions, and cannot disagree with what will happen.

mod dns;

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::time::Duration;

use shared::fault::Status;
use shared::units::{print_duration, print_size};

use crate::plan::{
    Call, ConnectionPolicy, ContentExpectation, ExpectedEnd, HttpCall, Operation, Plan, RequestBody, SizeExpectation,
    StatusExpectation, expected_end,
};
use crate::rate::Rate;
use crate::schedule::Arrival;

/// Requests predicted per operation: enough to show a choice of 0.1 %, done in milliseconds.
const PREDICTED: u32 = 10_000;

/// What the target answers when no status is asked for.
const PLAIN_STATUS: u16 = 200;

/// The longest line.
const COLUMNS: usize = 100;

/// Describes a plan, as lines of at most 100 columns.
pub fn describe(plan: &Plan) -> String {
    let mut text = String::new();
    for (key, value) in summary(plan) {
        line(&mut text, "", key, &value);
    }
    for operation in &plan.operations {
        text.push('\n');
        text.push_str(operation.name.as_str());
        text.push('\n');
        for (key, value) in details(plan, operation) {
            line(&mut text, "  ", key, &value);
        }
    }
    text
}

fn summary(plan: &Plan) -> Vec<(&'static str, String)> {
    let mut lines = vec![
        ("operations", plan.operations.len().to_string()),
        ("rate", format!("{}/s in all", decimal(plan.per_second(), 3))),
        ("source", plan.source.to_string()),
        ("seed", plan.seed.to_string()),
        ("admin", plan.admin.to_string()),
        ("max lag", print_duration(plan.max_lag)),
        (
            "in flight",
            format!("up to {} if every request times out; limit {}", plan.demand.in_flight, plan.max_in_flight),
        ),
        ("descriptors", format!("up to {}", plan.demand.descriptors)),
    ];
    for demand in &plan.demand.endpoints {
        lines.push(("local ports", format!("up to {} to {}", demand.ports, demand.endpoint)));
    }
    lines
}

fn details(plan: &Plan, operation: &Operation) -> Vec<(&'static str, String)> {
    let mut lines = vec![
        ("rate", rate(plan, operation)),
        ("connection", connection(operation)),
        ("timeout", print_duration(operation.timeout)),
    ];
    match &operation.call {
        Call::Http(call) => {
            lines.push(("request", request(operation, call)));
            lines.extend(call.fault_text.as_ref().map(|fault| ("asks", fault.clone())));
            lines.extend(outcomes(call));
        }
        Call::Dns(call) => lines.extend(dns::details(operation, call)),
    }
    lines
}

fn rate(plan: &Plan, operation: &Operation) -> String {
    let share = percent(operation.rate.per_second() / plan.per_second());
    let spacing = match operation.arrival {
        Arrival::Uniform => {
            format!("one every {}, the first after {}", about(period(operation.rate)), about(operation.phase))
        }
        Arrival::Poisson => format!("at random, one every {} on average", about(period(operation.rate))),
    };
    format!("{} ({share} of all): {spacing}", operation.rate)
}

fn period(rate: Rate) -> Duration {
    Duration::try_from_secs_f64(1.0 / rate.per_second()).unwrap_or(Duration::MAX)
}

fn connection(operation: &Operation) -> String {
    match operation.connection {
        ConnectionPolicy::Fresh => format!("fresh: {} new connections", operation.rate),
        ConnectionPolicy::Pooled { connections } => format!("pooled: {connections} kept, least recently used first"),
    }
}

fn request(operation: &Operation, call: &HttpCall) -> String {
    let body = match &call.body {
        RequestBody::Empty => String::new(),
        body => format!(" with {}", size(body.size_bytes())),
    };
    format!("{} http://{}{}{body}", call.method, operation.endpoint, call.path)
}

/// What the predicted requests come to.
fn outcomes(call: &HttpCall) -> Vec<(&'static str, String)> {
    let mut ends: BTreeMap<usize, u32> = BTreeMap::new();
    let mut delays = Vec::with_capacity(PREDICTED as usize);
    for n in 0..PREDICTED {
        let verdict = call.predict(&format!("check.{n}"));
        *ends.entry(expected_end(&verdict).index()).or_default() += 1;
        delays.push(verdict.asked_delay());
    }
    let answers = ends.contains_key(&ExpectedEnd::Answer.index());
    let ends = ends.into_iter().map(|(end, n)| (ExpectedEnd::ALL[end].as_str(), f64::from(n) / f64::from(PREDICTED)));
    let counted = if ends.len() > 1 { format!(" (of {PREDICTED} predicted)") } else { String::new() };
    let mut lines = vec![("ends", shares(ends) + &counted)];
    match &call.expect.status {
        StatusExpectation::AnyOf(codes) => {
            let codes: Vec<String> = codes.iter().map(u16::to_string).collect();
            lines =
                vec![("ends", "answer".to_owned()), ("status", format!("{} (as the file says)", codes.join(" or ")))];
        }
        StatusExpectation::Predicted if answers => lines.push(("status", statuses(call))),
        StatusExpectation::Predicted => {}
    }
    lines.extend(delay(delays));
    if answers || call.expect.status != StatusExpectation::Predicted {
        lines.push(("checked", checked(call)));
    }
    lines
}

/// The delays of the predicted requests, if there are any.
fn delay(mut delays: Vec<Duration>) -> Option<(&'static str, String)> {
    delays.sort_unstable();
    let (least, most) = (delays.first().copied().unwrap_or_default(), delays.last().copied().unwrap_or_default());
    if least == most && !most.is_zero() {
        return Some(("delay", print_duration(most)));
    }
    (!most.is_zero()).then(|| {
        let quantile = |per_mille: usize| about(delays[(delays.len() - 1) * per_mille / 1_000]);
        (
            "delay",
            format!(
                "p50 {}, p90 {}, p99 {}, longest of {PREDICTED} {}",
                quantile(500),
                quantile(900),
                quantile(990),
                about(most)
            ),
        )
    })
}

fn checked(call: &HttpCall) -> String {
    let expect = &call.expect;
    let length = match expect.size {
        SizeExpectation::Predicted => "size as asked".to_owned(),
        SizeExpectation::Exactly(bytes) => format!("size {}", size(bytes)),
        SizeExpectation::Any => "any size".to_owned(),
    };
    let content = match expect.content {
        ContentExpectation::Predicted => "content byte by byte",
        ContentExpectation::Any => "any content",
    };
    let id = if expect.id { "id repeated" } else { "any id" };
    format!("status, {length}, {content}, {id}")
}

/// The statuses of answers, with their exact probabilities.
fn statuses(call: &HttpCall) -> String {
    let mut probabilities: BTreeMap<u16, f64> = BTreeMap::new();
    for choice in call.fault.status_choices() {
        let status = choice.status.and_then(Status::http).unwrap_or(PLAIN_STATUS);
        *probabilities.entry(status).or_default() += choice.probability;
    }
    shares(probabilities)
}

/// `200 95%, 503 5%`; a certainty stands alone.
fn shares<T: ToString>(shares: impl IntoIterator<Item = (T, f64)>) -> String {
    let shares: Vec<(String, f64)> = shares.into_iter().map(|(value, share)| (value.to_string(), share)).collect();
    if let [(only, _)] = shares.as_slice() {
        return only.clone();
    }
    let parts: Vec<String> = shares.iter().map(|(value, share)| format!("{value} {}", percent(*share))).collect();
    parts.join(", ")
}

/// Two decimals, so that a rare choice does not read as 0 %.
fn percent(share: f64) -> String {
    format!("{}%", decimal(share * 100.0, 2))
}

fn decimal(number: f64, decimals: usize) -> String {
    let text = format!("{number:.decimals$}");
    text.trim_end_matches('0').trim_end_matches('.').to_owned()
}

fn size(bytes: u64) -> String {
    let text = print_size(bytes);
    if text.bytes().all(|byte| byte.is_ascii_digit()) { format!("{text} bytes") } else { text }
}

/// A duration to three digits.
fn about(duration: Duration) -> String {
    let ns = duration.as_nanos();
    let unit = 10_u128.pow(ns.checked_ilog10().unwrap_or(0).saturating_sub(2));
    let rounded = (ns + unit / 2) / unit * unit;
    print_duration(Duration::from_nanos(u64::try_from(rounded).unwrap_or(u64::MAX)))
}

const KEY_WIDTH: usize = 13;

/// `key  value`, the value broken over several lines where it does not fit one.
fn line(text: &mut String, indent: &str, key: &str, value: &str) {
    let room = COLUMNS - indent.len() - KEY_WIDTH;
    let mut key = key;
    let mut rest: Vec<char> = value.chars().collect();
    loop {
        let cut = if rest.len() <= room {
            rest.len()
        } else {
            // At a space if there is one; a path or a spec without any is cut where the line ends.
            rest[..room].iter().rposition(|&c| c == ' ').map_or(room, |space| space + 1)
        };
        let tail = rest.split_off(cut);
        let shown: String = rest.into_iter().collect();
        writeln!(text, "{indent}{key:<KEY_WIDTH$}{}", shown.trim_end()).expect("a String takes every character");
        if tail.is_empty() {
            return;
        }
        (key, rest) = ("", tail);
    }
}

#[cfg(test)]
mod tests;
