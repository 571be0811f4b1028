//! What a scenario means, in words and numbers: the answer of `injector check FILE`.
//!
//! Probabilities and delays are counted over requests predicted one by one, with the very draws the target will make. That
//! covers every combination of choices, gates and distributions, and cannot disagree with what will happen.

mod course;
mod dns;
mod echo;
mod grpc;
mod http;
mod json;
mod names;
mod numbers;
mod outcomes;

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::ops::Range;
use std::time::Duration;

use shared::fault::{Fault, Verdict};
use shared::units::{print_duration, print_size};

use self::outcomes::{Outcomes, Shares};
use crate::plan::{
    Call, ConnectionLimits, ConnectionPolicy, ContentExpectation, Expect, ExpectedEnd, JITTER, Operation, Plan,
    RequestBody, RowOrder, Rows, SizeExpectation, Tls,
};
use crate::preflight::Finding;
use crate::rate::Rate;
use crate::rounded;

/// Requests predicted per operation: enough to show a choice of 0.1 %, done in milliseconds.
const PREDICTED: u32 = 10_000;

/// The longest line.
const COLUMNS: usize = 100;

/// Describes a plan and what this machine can do of it, as JSON with a line feed behind it.
pub fn json(plan: &Plan, findings: &[Finding]) -> String {
    let mut told = json::of(plan);
    told["machine"] = serde_json::json!(findings);
    format!("{told:#}\n")
}

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

/// Describes what this machine can do of it, as lines of at most 100 columns.
pub fn machine(findings: &[Finding]) -> String {
    let mut text = "\nthis machine\n".to_owned();
    for Finding { check, says, remedy } in findings {
        line(&mut text, "  ", check, says);
        if let Some(remedy) = remedy {
            line(&mut text, "  ", "  warning", remedy);
        }
    }
    text
}

fn summary(plan: &Plan) -> Vec<(&'static str, String)> {
    let mut lines = vec![
        ("operations", plan.operations.len().to_string()),
        ("rate", format!("{}/s in all", rounded::trimmed(plan.per_second(), 3))),
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
    lines.extend(plan.thresholds.iter().map(|(threshold, _)| ("threshold", threshold.to_string())));
    lines.extend(plan.doubts(None).into_iter().map(|doubt| ("  warning", doubt)));
    for demand in &plan.demand.endpoints {
        lines.push(("local ports", format!("up to {} to {}", demand.ports, demand.endpoint)));
    }
    lines
}

/// A key and what it means.
type Line = (&'static str, String);

/// The request in words, what it asks of the target, and what becomes of it.
fn told(operation: &Operation) -> (String, Option<String>, Outcomes) {
    // All rows are of one kind.
    let calls = operation.calls();
    match &operation.call {
        Call::Http(call) => {
            let calls: Vec<_> = calls.iter().filter_map(Call::http).collect();
            (http::request(operation, call), call.fault_text.clone(), http::outcomes(&calls))
        }
        Call::Grpc(call) => {
            let calls: Vec<_> = calls.iter().filter_map(Call::grpc).collect();
            (grpc::request(operation, call), call.fault_text.clone(), grpc::outcomes(&calls))
        }
        Call::Tcp(call) | Call::Udp(call) => {
            let calls: Vec<_> = calls.iter().filter_map(Call::echo).collect();
            (echo::request(operation, call), echo::asks(call), echo::outcomes(&calls))
        }
        Call::Dns(call) => {
            let calls: Vec<_> = calls.iter().filter_map(Call::dns).collect();
            (dns::request(operation, call), dns::asks(call), dns::outcomes(&calls))
        }
    }
}

fn details(plan: &Plan, operation: &Operation) -> Vec<Line> {
    let (request, asks, outcomes) = told(operation);
    let mut lines = vec![("rate", rate(plan, operation)), ("connection", connection(operation))];
    if !operation.protocol().is_datagram() {
        lines.push(("keepalive", keepalive(operation)));
    }
    lines.extend(names::lines(operation));
    lines.push(("timeout", print_duration(operation.timeout)));
    lines.extend(operation.rows.as_ref().map(|rows| ("rows", self::rows(rows))));
    lines.push(("request", request));
    lines.extend(operation.tls.as_ref().map(|how| ("tls", tls(how))));
    lines.extend(asks.map(|asks| ("asks", asks)));
    if let Call::Grpc(call) = &operation.call {
        lines.extend(call.deadline.map(|deadline| ("deadline", print_duration(deadline))));
    }
    lines.extend(outcomes.lines());
    lines.extend(traffic(operation).map(|traffic| ("content", traffic)));
    lines
}

/// Where the rows are from and which is next; the request that is shown is the first's.
fn rows(rows: &Rows) -> String {
    let order = match rows.order {
        RowOrder::Next => "in turn",
        RowOrder::Random => "drawn from the seed",
    };
    let count = rows.calls.len();
    let plural = if count == 1 { "" } else { "s" };
    format!("{count} row{plural} of {} ({}), {order}; the first is shown, all are predicted", rows.set, rows.from)
}

/// Bytes of content a second, if there are any.
fn traffic(operation: &Operation) -> Option<String> {
    let numbers::Traffic { sent_bytes_per_s, received_bytes_per_s } = numbers::traffic(operation);
    if sent_bytes_per_s == 0.0 && received_bytes_per_s.unwrap_or(0.0) == 0.0 {
        return None;
    }
    let back = match received_bytes_per_s {
        Some(bytes) => format!("{}/s back", rounded::size(bytes)),
        None => "answers of unknown length back".to_owned(),
    };
    Some(format!("{}/s there, {back}, without heads", rounded::size(sent_bytes_per_s)))
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
    predicted: Range<u32>,
    predict: impl Fn(u32) -> (Verdict, ExpectedEnd),
) -> (Shares, bool, Vec<Duration>) {
    let mut ends: BTreeMap<String, u32> = BTreeMap::new();
    let mut delays = Vec::new();
    let mut answers = false;
    for n in predicted {
        let (verdict, end) = predict(n);
        answers |= end == ExpectedEnd::Answer;
        *ends.entry(end.to_string()).or_default() += 1;
        delays.push(verdict.asked_delay());
    }
    (Shares::counted(ends), answers, delays)
}

/// The requests to predict: where nothing is asked for, all of a row are alike.
fn predicted<'a>(faults: impl ExactSizeIterator<Item = &'a Fault>) -> Range<u32> {
    let rows = u32::try_from(faults.len()).unwrap_or(PREDICTED);
    let mut faults = faults;
    0..if faults.all(Fault::is_empty) { rows } else { PREDICTED.max(rows) }
}

/// Of several rows, the one that the `n`-th predicted request takes: all of them alike often.
fn of<'a, T>(calls: &[&'a T], n: u32) -> &'a T {
    calls[n as usize % calls.len()]
}

/// The name of the `n`-th predicted request.
fn key(n: u32) -> String {
    format!("check.{n}")
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

/// Two decimals, so that a rare choice does not read as 0 %.
fn percent(share: f64) -> String {
    format!("{}%", rounded::trimmed(share * 100.0, 2))
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
