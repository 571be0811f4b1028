//! A `grpc` entry of the file: the call, checked before anything is sent.

use std::time::Duration;

use serde_saphyr::{Location, Spanned};
use shared::carrier;
use shared::fault::{Fault, FaultKind, Key, Limits, Separator};
use shared::units::{parse_size, print_duration, print_size};

use super::ask::ask;
use super::expectation::expectation;
use super::fit::{Open, Requests, built_in};
use super::metadata::metadata;
use super::{DEADLINE_GRACE, GrpcCall, GrpcMethod, Own};
use crate::plan::compile::{Found, duration, yes_or_no};
use crate::plan::expect::least_time;
use crate::scenario::WrittenGrpc;

/// What is called where the file names nothing.
const DEFAULT_METHOD: &str = "cload.v1.Target/Unary";
/// Longest full name of a method.
const METHOD_BYTES_MAX: usize = 512;
/// Most messages of one request.
const MESSAGES_MAX: usize = 10_000;

/// Reads a `grpc` entry. Always gives a call; whether it may be used, `found` knows.
pub(in crate::plan) fn compile(
    found: &mut Found,
    subject: &str,
    written: &Spanned<WrittenGrpc>,
    seed: u64,
    timeout: Duration,
) -> GrpcCall {
    let grpc = &written.value;
    let part = |key: &str| format!("{subject}.{key}");
    let name = found.read(grpc.method.as_ref(), &part("method"), method);
    let method = name.unwrap_or_else(|| method(DEFAULT_METHOD).expect("the default is a method"));
    let metadata = metadata(found, subject, &grpc.metadata);
    let deadline = deadline(found, subject, grpc, timeout);
    let reflection = found.read(grpc.reflection.as_ref(), &part("reflection"), yes_or_no);

    let open = Open {
        method_at: grpc.method.as_ref().map_or(written.referenced, |text| text.referenced),
        requests: requests(found, subject, grpc),
        expected: grpc.expect.as_ref().and_then(|expect| expect.value.message.clone()),
    };
    let is_built_in = built_in().get_service_by_name(&method.service).is_some();
    let messages = match reflection {
        Some(true) => Err(open),
        None if !is_built_in => Err(open),
        Some(false) | None => open.fit(&method, built_in()).map_err(|misfit| {
            let hint = if is_built_in { "" } else { ", and reflection: false forbids to ask the server" };
            found.add(misfit.at, &part(misfit.key), format!("{}{hint}", misfit.message));
            open
        }),
    };
    let first = messages.as_ref().ok().and_then(|messages| messages.own.zip(messages.requests.first()));
    let in_message = first.and_then(|(own, first)| own.fault_in(first));
    let in_message = in_message.and_then(|text| carrier::header(&text).ok()).unwrap_or_default();
    refuse_keys(found, &part("fault"), grpc, &method);
    let sent = ask(found, subject, grpc.fault.as_ref(), in_message, seed);

    let is_own = Own::of(&method).is_some();
    let expect = expectation(found, &part("expect"), grpc.expect.as_ref(), is_own);
    let call = GrpcCall { method, metadata, fault: sent.fault, fault_text: sent.text, deadline, expect, messages };
    let at = grpc.fault.as_ref().map_or(written.referenced, |text| text.referenced);
    refuse_hopeless(found, &part("fault"), at, &call, timeout);
    call
}

/// Refuses what the target cannot do on this method: sizes where there is no payload, numbers where there is one answer.
fn refuse_keys(found: &mut Found, subject: &str, grpc: &WrittenGrpc, method: &GrpcMethod) {
    let Some(text) = &grpc.fault else { return };
    let Ok(fault) = Fault::parse(&text.value, Separator::Ampersand) else { return };
    let own = Own::of(method);
    for key in fault.keys() {
        let can = own.map_or(!matches!(key, Key::Size | Key::Body | Key::Count), |own| own.can(key));
        if !can {
            found.add(text.referenced, subject, format!("the answers of {method} have no {}", key.as_str()));
        }
    }
}

fn method(text: &str) -> Result<GrpcMethod, String> {
    let wrong = || format!("{text:?} is not a method: package.Service/Method, such as {DEFAULT_METHOD}");
    let (service, name) = text.strip_prefix('/').unwrap_or(text).split_once('/').ok_or_else(wrong)?;
    let is_name = |text: &str| {
        !text.is_empty()
            && text
                .split('.')
                .all(|part| !part.is_empty() && part.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_'))
    };
    if text.len() > METHOD_BYTES_MAX || !is_name(service) || !is_name(name) || name.contains('.') {
        return Err(wrong());
    }
    Ok(GrpcMethod { service: service.to_owned(), name: name.to_owned() })
}

fn deadline(found: &mut Found, subject: &str, grpc: &WrittenGrpc, timeout: Duration) -> Option<Duration> {
    let subject = format!("{subject}.deadline");
    let deadline = found.read(grpc.deadline.as_ref(), &subject, duration)?;
    let least = deadline.saturating_add(DEADLINE_GRACE);
    if let (true, Some(text)) = (timeout < least, &grpc.deadline) {
        let message = format!(
            "the timeout of {} would be over before the deadline is answered; at least {} is needed",
            print_duration(timeout),
            print_duration(least)
        );
        found.add(text.referenced, &subject, message);
    }
    Some(deadline)
}

fn requests(found: &mut Found, subject: &str, grpc: &WrittenGrpc) -> Requests {
    let size = found.read(grpc.size.as_ref(), &format!("{subject}.size"), size);
    let written: Vec<(&str, Location)> = [
        ("message", grpc.message.as_ref().map(|json| json.referenced)),
        ("messages", grpc.messages.as_ref().map(|list| list.referenced)),
        ("size", grpc.size.as_ref().map(|text| text.referenced)),
    ]
    .into_iter()
    .filter_map(|(key, at)| Some((key, at?)))
    .collect();
    if let [(first, _), (second, at), ..] = written.as_slice() {
        found.add(*at, &format!("{subject}.{second}"), format!("{first} and {second} exclude each other"));
    }
    match (&grpc.messages, size, &grpc.size) {
        (Some(list), _, _) => {
            if let Some(over) = list.value.get(MESSAGES_MAX) {
                let message = format!("{} messages are over the limit of {MESSAGES_MAX}", list.value.len());
                found.add(over.referenced, &format!("{subject}.messages"), message);
            }
            Requests::Many(list.referenced, list.value.clone())
        }
        (None, Some(size_bytes), Some(text)) => Requests::Sized(text.referenced, size_bytes),
        _ => Requests::One(grpc.message.clone()),
    }
}

/// What the target can be asked to send is also what it is asked to take.
fn size(text: &str) -> Result<u64, String> {
    let size_bytes = parse_size(text).map_err(|error| error.to_string())?;
    let limit = Limits::default().size_max_bytes;
    if size_bytes > limit {
        return Err(format!("{} is over the limit of {}", print_size(size_bytes), print_size(limit)));
    }
    Ok(size_bytes)
}

/// Calls predicted before a plan is said to be hopeless: one that works once in ten thousand times is not.
const PREDICTED: u32 = 10_000;

/// Refuses what the fault makes impossible: an answer in time. A deadline that strikes is an answer.
fn refuse_hopeless(found: &mut Found, subject: &str, at: Location, call: &GrpcCall, timeout: Duration) {
    if call.fault.is_empty() || call.deadline.is_some() || call.expect.status.is_some() {
        return;
    }
    let mut predicted = (0..PREDICTED).map(|n| call.predict(&format!("check.{n}")));
    let is_too_slow =
        |verdict: shared::fault::Verdict| least_time(&verdict) >= timeout && verdict.fault != Some(FaultKind::Hang);
    if predicted.all(is_too_slow) {
        let (least, timeout) = (least_time(&call.predict("check.0")), print_duration(timeout));
        let message = format!(
            "no call can succeed: the fault takes {} or so and the timeout is {timeout}; lower the one, raise the other, or \
             give a deadline to be exceeded",
            print_duration(least)
        );
        found.add(at, subject, message);
    }
}
