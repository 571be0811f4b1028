//! What a scenario means, in words and numbers: the answer of `injector check FILE`.
//!
//! Probabilities and delays are counted over requests predicted one by one, with the very draws the target will make. That
//! covers every combination of choices, gates and distributions, and cannot disagree with what will happen.

mod course;
mod dns;
mod echo;
mod grpc;
mod http;
mod names;

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::time::Duration;

use shared::fault::Verdict;
use shared::units::{print_duration, print_size};

use crate::plan::{
    Call, ConnectionLimits, ConnectionPolicy, ContentExpectation, Expect, ExpectedEnd, JITTER, Operation, Plan,
    RequestBody, SizeExpectation, Tls,
};
use crate::rate::Rate;

/// Requests predicted per operation: enough to show a choice of 0.1 %, done in milliseconds.
const PREDICTED: u32 = 10_000;

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
        (
            "name server",
            plan.nameserver.map_or_else(|| "the first of /etc/resolv.conf".to_owned(), |at| at.to_string()),
        ),
        ("max lag", print_duration(plan.max_lag)),
        (
            "in flight",
            format!("up to {} if every request times out; limit {}", plan.demand.in_flight, plan.max_in_flight),
        ),
        ("descriptors", format!("up to {}", plan.demand.descriptors)),
    ];
    lines.extend(course::lines(plan));
    for demand in &plan.demand.endpoints {
        lines.push(("local ports", format!("up to {} to {}", demand.ports, demand.endpoint)));
    }
    lines
}

/// A key and what it means.
type Line = (&'static str, String);

fn details(plan: &Plan, operation: &Operation) -> Vec<Line> {
    let (request, asks, outcomes) = match &operation.call {
        Call::Http(call) => (http::request(operation, call), call.fault_text.clone(), http::outcomes(call)),
        Call::Grpc(call) => (grpc::request(operation, call), call.fault_text.clone(), grpc::outcomes(call)),
        Call::Tcp(call) | Call::Udp(call) => (echo::request(operation, call), echo::asks(call), echo::outcomes(call)),
        Call::Dns(call) => (dns::request(operation, call), dns::asks(call), dns::outcomes(call)),
    };
    let mut lines = vec![("rate", rate(plan, operation)), ("connection", connection(operation))];
    if !operation.protocol().is_datagram() {
        lines.push(("keepalive", keepalive(operation)));
    }
    lines.extend(names::lines(operation));
    lines.extend([("timeout", print_duration(operation.timeout)), ("request", request)]);
    lines.extend(operation.tls.as_ref().map(|how| ("tls", tls(how))));
    lines.extend(asks.map(|asks| ("asks", asks)));
    lines.extend(outcomes);
    lines
}

fn rate(plan: &Plan, operation: &Operation) -> String {
    let share = percent(operation.rate.per_second() / plan.per_second());
    format!("{} ({share} of all): {}", operation.rate, course::spacing(operation))
}

fn period(rate: Rate) -> Duration {
    Duration::try_from_secs_f64(1.0 / rate.per_second()).unwrap_or(Duration::MAX)
}

fn connection(operation: &Operation) -> String {
    match operation.connection {
        ConnectionPolicy::Fresh => format!("fresh: {} new connections", operation.rate),
        ConnectionPolicy::Pooled { connections } if operation.call.has_streams() => {
            format!("pooled: {connections} kept, with up to {} requests at once on each", operation.streams)
        }
        ConnectionPolicy::Pooled { connections } => format!("pooled: {connections} kept, least recently used first"),
        ConnectionPolicy::Rotating { connections, limits } => {
            let shared = match operation.call.has_streams() {
                true => format!(", with up to {} requests at once on each", operation.streams),
                false => String::new(),
            };
            format!("rotating: {connections} kept{shared}, each closed after {}", at_most(limits))
        }
    }
}

fn keepalive(operation: &Operation) -> String {
    match operation.keepalive {
        Some(silence) => format!("a connection that is silent for {} is asked", print_duration(silence)),
        None => "off: a silent connection is never asked".to_owned(),
    }
}

/// Between which bounds a connection's own limits are drawn.
fn at_most(limits: ConnectionLimits) -> String {
    let requests = limits.max_requests().map(|most| match most.get() / JITTER {
        0 => format!("{most} requests"),
        less => format!("{} to {most} requests", most.get() - less),
    });
    let age = limits.max_age().map(|most| format!("{} to {}", about(most - most / JITTER), about(most)));
    [requests, age].into_iter().flatten().collect::<Vec<_>>().join(" or ")
}

fn with(body: &RequestBody) -> String {
    match body {
        RequestBody::Empty => String::new(),
        body => format!(" with {}", size(body.size_bytes())),
    }
}

fn tls(tls: &Tls) -> String {
    let shown = if tls.shows_certificate { "; shows a certificate of its own" } else { "" };
    if !tls.is_verified {
        return format!("NOT VERIFIED: whoever answers is believed to be the target (verify: false){shown}");
    }
    format!("the target must be {}, trusted by {}{shown}", tls.server_name(), tls.trusted_by())
}

/// How predicted requests end, whether any ends with an answer, and how long they are asked to take.
fn ends_and_delays(
    predict: impl Fn(&str) -> Verdict,
    end: impl Fn(&Verdict) -> ExpectedEnd,
) -> (String, bool, Option<String>) {
    let mut ends: BTreeMap<ExpectedEnd, u32> = BTreeMap::new();
    let mut delays = Vec::with_capacity(PREDICTED as usize);
    for n in 0..PREDICTED {
        let verdict = predict(&format!("check.{n}"));
        *ends.entry(end(&verdict)).or_default() += 1;
        delays.push(verdict.asked_delay());
    }
    let answers = ends.contains_key(&ExpectedEnd::Answer);
    let counted = if ends.len() > 1 { format!(" (of {PREDICTED} predicted)") } else { String::new() };
    let ends = ends.into_iter().map(|(end, n)| (end, f64::from(n) / f64::from(PREDICTED)));
    (shares(ends) + &counted, answers, self::delays(delays))
}

/// The delays of predicted requests, if there are any.
fn delays(mut delays: Vec<Duration>) -> Option<String> {
    delays.sort_unstable();
    let (least, most) = (delays.first().copied().unwrap_or_default(), delays.last().copied().unwrap_or_default());
    if most.is_zero() {
        return None;
    }
    if least == most {
        return Some(print_duration(most));
    }
    let quantile = |per_mille: usize| about(delays[(delays.len() - 1) * per_mille / 1_000]);
    let (p50, p90, p99) = (quantile(500), quantile(900), quantile(990));
    Some(format!("p50 {p50}, p90 {p90}, p99 {p99}, longest of {PREDICTED} {}", about(most)))
}

/// What is compared of an answer, beside its code.
fn properties(expect: &Expect) -> String {
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
    format!("{length}, {content}, {id}")
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
