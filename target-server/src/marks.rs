//! What every answer says of itself, whoever frames it:
//! - `x-cload-server: <pod>/<node>/<zone>`;
//! - `server-timing: cload;dur=<ms>` is the target's own time from the request's head to the answer's head, neither asked
//!   for nor spent waiting for the request's body; `cload-fault;dur=<ms>`, if any, is what was asked for and waited before
//!   the answer's head (`delay`, `cpu`, pacing of `read`). The client's time to the first byte minus both is the path's;
//! - `x-cload: id=<session>.<seq>` repeats the request's id;
//! - `x-cload-fault: <verdict>` if this answer is worse than a plain one on purpose, and then `x-cload-rule: <id>` if a rule
//!   had a hand in it.

use std::io::Write as _;
use std::time::Duration;

use http::HeaderMap;
use http::header::{HeaderName, HeaderValue};
use shared::identity::RequestId;

use crate::faults::{Decision, Mark};
use crate::headers::{FAULT, IDENTITY};
use crate::record::Call;

const SERVER: HeaderName = HeaderName::from_static(shared::identity::HEADER_SERVER);
const SERVER_TIMING: HeaderName = HeaderName::from_static(shared::identity::HEADER_SERVER_TIMING);
const RULE: HeaderName = HeaderName::from_static(shared::carrier::HEADER_RULE);

/// Puts the marks of this moment into an answer's head. `place` is the value of `x-cload-server`.
pub(crate) fn put(
    headers: &mut HeaderMap,
    place: &HeaderValue,
    call: &Call,
    id: Option<RequestId>,
    decision: Option<&Decision>,
) {
    headers.insert(SERVER, place.clone());
    headers.insert(SERVER_TIMING, timing(call.own(), call.asked()));
    if let Some(id) = id {
        headers.insert(IDENTITY, short(format_args!("id={id}")));
    }
    put_fault(headers, decision);
}

/// What was decided about a fault, if anything: where it is known later than the head, it stands in the trailers too.
pub(crate) fn put_fault(headers: &mut HeaderMap, decision: Option<&Decision>) {
    let Some(decision) = decision else { return };
    let mark = match decision.mark {
        Mark::None => return,
        Mark::Verdict => HeaderValue::from_str(&decision.verdict.to_string()).ok(),
        Mark::Overflow => Some(HeaderValue::from_static("overflow")),
        Mark::Disabled => Some(HeaderValue::from_static("disabled")),
        Mark::Forbidden => Some(HeaderValue::from_static("forbidden")),
    };
    if let Some(rule) = &decision.rule {
        headers.extend(HeaderValue::from_str(rule.id().as_str()).map(|id| (RULE, id)));
    }
    if let Some(mark) = mark {
        headers.insert(FAULT, mark);
    }
}

fn timing(own: Duration, asked: Duration) -> HeaderValue {
    if asked.is_zero() {
        short(format_args!("cload;dur={}", Ms(own)))
    } else {
        short(format_args!("cload;dur={}, cload-fault;dur={}", Ms(own), Ms(asked)))
    }
}

/// Milliseconds with three decimals, rounded down.
struct Ms(Duration);

impl std::fmt::Display for Ms {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let us = self.0.as_micros();
        write!(f, "{}.{:03}", us / 1000, us % 1000)
    }
}

/// A short value, formatted without a `String` on the way.
fn short(text: std::fmt::Arguments<'_>) -> HeaderValue {
    let mut buffer = [0_u8; 128];
    let mut rest = &mut buffer[..];
    // Names are at most 32 bytes and numbers at most 20 digits: this fits, and would be cut if it did not.
    let _ = rest.write_fmt(text);
    let left = rest.len();
    let written = buffer.len() - left;
    HeaderValue::from_bytes(&buffer[..written]).expect("names and numbers are visible ASCII")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn timing_says_both_parts_in_milliseconds() {
        let us = Duration::from_micros;
        assert_eq!(timing(us(12), Duration::ZERO), "cload;dur=0.012");
        assert_eq!(timing(us(1_234_567), us(20_001)), "cload;dur=1234.567, cload-fault;dur=20.001");
    }

    #[test]
    fn the_longest_id_fits() {
        let id = RequestId { session: "abcdefghijklmnopqrstuvwxyz012345".parse().unwrap(), seq: u64::MAX };
        assert_eq!(short(format_args!("id={id}")), format!("id={id}"));
    }
}
