//! What a gRPC operation means, for `injector check`.

use std::collections::BTreeMap;

use shared::outcome::Code;

use super::outcomes::{Outcomes, Shares};
use super::{key, of, predicted, size};
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

/// What the predicted calls come to, by turns of these.
pub(super) fn outcomes(calls: &[&GrpcCall]) -> Outcomes {
    let mut ends: BTreeMap<String, u32> = BTreeMap::new();
    let mut delays = Vec::new();
    for n in predicted(calls.iter().map(|call| &call.fault)) {
        let call = of(calls, n);
        let verdict = call.predict(&key(n));
        if let Ok(messages) = &call.messages {
            *ends.entry(call.expected(messages, &verdict).0.to_string()).or_default() += 1;
        }
        delays.push(verdict.asked_delay());
    }
    let first = of(calls, 0);
    let ends = match &first.expect.status {
        Some(codes) => Shares::Said(codes.iter().map(|code| Code::Grpc(*code).label()).collect()),
        None if ends.is_empty() => Shares::certain("not known before the server was asked"),
        None => Shares::counted(ends),
    };
    Outcomes { ends, is_counted: true, codes: None, delays, checked: Some(checked(first)) }
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
