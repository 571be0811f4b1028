//! What a TCP or UDP echo means, for `injector check`.

use super::{Line, ends_and_delays, properties, with};
use crate::plan::{EchoCall, Operation};

pub(super) fn request(operation: &Operation, call: &EchoCall) -> String {
    let kind = if call.is_plain { "plain echo" } else { "echo" };
    format!("{kind} {}://{}{}", call.protocol.as_str(), operation.endpoint, with(&call.body))
}

pub(super) fn asks(call: &EchoCall) -> Option<String> {
    Some(call.fault_text()).filter(|text| !text.is_empty())
}

/// What the predicted requests come to.
pub(super) fn outcomes(call: &EchoCall) -> Vec<Line> {
    let (ends, answers, delay) = ends_and_delays(|key| call.predict(key), |verdict| call.expected_end(verdict));
    let checked = answers.then(|| properties(&call.expect));
    let lines = [("ends", Some(ends)), ("delay", delay), ("checked", checked)];
    lines.into_iter().filter_map(|(key, value)| Some((key, value?))).collect()
}
