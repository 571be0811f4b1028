//! What an HTTP operation means, for `injector check`.

use std::collections::BTreeMap;

use shared::fault::Status;

use super::{Line, ends_and_delays, properties, shares, with};
use crate::plan::{ExpectedEnd, HttpCall, HttpVersion, Operation, StatusExpectation};

/// The status of an answer that nobody asked to be another.
const PLAIN_STATUS: u16 = 200;

pub(super) fn request(operation: &Operation, call: &HttpCall) -> String {
    let scheme = if operation.tls.is_some() { "https" } else { "http" };
    let version = match call.version {
        HttpVersion::Http1 => String::new(),
        version => format!(" over {}", version.as_str()),
    };
    format!("{} {scheme}://{}{}{}{version}", call.method, operation.endpoint, call.path, with(&call.body))
}

/// What the predicted requests come to.
pub(super) fn outcomes(call: &HttpCall) -> Vec<Line> {
    let (mut ends, answers, delay) = ends_and_delays(|key| call.predict(key), |verdict| call.expected_end(verdict));
    let status = match &call.expect.status {
        StatusExpectation::AnyOf(codes) => {
            ends = ExpectedEnd::Answer.to_string();
            let codes: Vec<String> = codes.iter().map(u16::to_string).collect();
            Some(format!("{} (as the file says)", codes.join(" or ")))
        }
        StatusExpectation::Predicted => answers.then(|| statuses(call)),
    };
    let is_checked = answers || call.expect.status != StatusExpectation::Predicted;
    let checked = is_checked.then(|| format!("status, {}", properties(&call.expect)));
    let lines = [("ends", Some(ends)), ("status", status), ("delay", delay), ("checked", checked)];
    lines.into_iter().filter_map(|(key, value)| Some((key, value?))).collect()
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
