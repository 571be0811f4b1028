//! What a TCP or UDP echo means, for `injector check`.

use super::outcomes::Outcomes;
use super::{ends_and_delays, key, of, predicted, properties, with};
use crate::plan::{EchoCall, Operation};

pub(super) fn request(operation: &Operation, call: &EchoCall) -> String {
    let kind = if call.is_plain { "plain echo" } else { "echo" };
    format!("{kind} {}://{}{}", call.protocol.as_str(), operation.endpoint, with(&call.body))
}

pub(super) fn asks(call: &EchoCall) -> Option<String> {
    Some(call.fault_text()).filter(|text| !text.is_empty())
}

/// What the predicted requests come to, by turns of these.
pub(super) fn outcomes(calls: &[&EchoCall]) -> Outcomes {
    let (ends, answers, delays) = ends_and_delays(predicted(calls.iter().map(|call| &call.fault)), |n| {
        let call = of(calls, n);
        let verdict = call.predict(&key(n));
        let end = call.expected_end(&verdict);
        (verdict, end)
    });
    let checked = answers.then(|| properties(&of(calls, 0).expect));
    Outcomes { ends, is_counted: true, codes: None, delays, checked }
}
