//! What an HTTP operation means, for `injector check`.

use std::collections::BTreeMap;

use shared::fault::Status;

use super::outcomes::{Outcomes, Shares};
use super::{ends_and_delays, key, of, predicted, properties, with};
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

/// What the predicted requests come to, by turns of these.
pub(super) fn outcomes(calls: &[&HttpCall]) -> Outcomes {
    let (mut ends, answers, delays) = ends_and_delays(predicted(calls.iter().map(|call| &call.fault)), |n| {
        let call = of(calls, n);
        let verdict = call.predict(&key(n));
        let end = call.expected_end(&verdict);
        (verdict, end)
    });
    let first = of(calls, 0);
    let codes = match &first.expect.status {
        StatusExpectation::AnyOf(codes) => {
            ends = Shares::certain(&ExpectedEnd::Answer.to_string());
            Some(Shares::Said(codes.iter().map(u16::to_string).collect()))
        }
        StatusExpectation::Predicted => answers.then(|| Shares::Of(statuses(calls))),
    };
    let is_checked = answers || first.expect.status != StatusExpectation::Predicted;
    Outcomes {
        ends,
        is_counted: true,
        codes: codes.map(|codes| ("status", codes)),
        delays,
        checked: is_checked.then(|| format!("status, {}", properties(&first.expect))),
    }
}

/// The statuses of answers, with their exact probabilities.
fn statuses(calls: &[&HttpCall]) -> BTreeMap<String, f64> {
    let mut probabilities: BTreeMap<String, f64> = BTreeMap::new();
    for call in calls {
        for choice in call.fault.status_choices() {
            let status = choice.status.and_then(Status::http).unwrap_or(PLAIN_STATUS);
            *probabilities.entry(status.to_string()).or_default() += choice.probability / calls.len() as f64;
        }
    }
    probabilities
}
