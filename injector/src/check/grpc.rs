//! What a gRPC operation means, for `injector check`.

use std::collections::BTreeMap;

use shared::outcome::Code;
use shared::units::print_duration;

use super::{Line, PREDICTED, delays, shares, size};
use crate::plan::{ContentExpectation, Endpoint, GrpcCall, Messages, Operation};

pub(super) fn request(operation: &Operation, call: &GrpcCall) -> String {
    let scheme = if operation.tls.is_some() { "grpcs" } else { "grpc" };
    let Endpoint { host, port } = &operation.endpoint;
    let what = match &call.messages {
        Ok(messages) => sent(messages),
        Err(_) => "the server's reflection says what its messages are, when a run starts".to_owned(),
    };
    format!("{} at {scheme}://{host}:{port}: {what}", call.method)
}

fn sent(messages: &Messages) -> String {
    let bytes: usize = messages.requests.iter().map(bytes::Bytes::len).sum();
    let requests = match messages.requests.len() {
        1 => "one message".to_owned(),
        n => format!("{n} messages"),
    };
    let answers = if messages.server_streams { ", answered by a stream" } else { "" };
    format!("{requests} of {} in all{answers}", size(bytes as u64))
}

/// What the predicted calls come to.
pub(super) fn outcomes(call: &GrpcCall) -> Vec<Line> {
    let mut lines = Vec::new();
    if let Some(deadline) = call.deadline {
        lines.push(("deadline", print_duration(deadline)));
    }
    let verdicts: Vec<_> = (0..PREDICTED).map(|n| call.predict(&format!("check.{n}"))).collect();
    if let Some(codes) = &call.expect.status {
        let codes: Vec<String> = codes.iter().map(|code| Code::Grpc(*code).label()).collect();
        lines.push(("ends", format!("{} (as the file says)", codes.join(" or "))));
    } else if let Ok(messages) = &call.messages {
        let mut ends: BTreeMap<String, u32> = BTreeMap::new();
        for verdict in &verdicts {
            *ends.entry(call.expected(messages, verdict).0.to_string()).or_default() += 1;
        }
        let counted = if ends.len() > 1 { format!(" (of {PREDICTED} predicted)") } else { String::new() };
        let ends = ends.into_iter().map(|(end, n)| (end, f64::from(n) / f64::from(PREDICTED)));
        lines.push(("ends", shares(ends) + &counted));
    }
    let delay = delays(verdicts.iter().map(|verdict| verdict.asked_delay()).collect());
    lines.extend(delay.map(|delay| ("delay", delay)));
    lines.push(("checked", checked(call)));
    lines
}

fn checked(call: &GrpcCall) -> String {
    let mut parts = vec!["status".to_owned()];
    let messages = call.messages.as_ref().ok();
    match call.expect.messages {
        Some(count) => parts.push(format!("{count} messages")),
        None => parts.push("number of messages".to_owned()),
    }
    if messages.is_some_and(|messages| messages.own.is_some()) {
        let is_verified = call.expect.content == ContentExpectation::Predicted;
        parts.push(if is_verified { "payload byte by byte" } else { "any payload" }.to_owned());
    }
    if messages.is_some_and(|messages| messages.expected.is_some()) {
        parts.push("the fields of expect".to_owned());
    }
    parts.push(if call.expect.id { "id repeated" } else { "any id" }.to_owned());
    parts.join(", ")
}
