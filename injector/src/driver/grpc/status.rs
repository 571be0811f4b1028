//! What the head and the trailers of an answer say.

use std::time::Duration;

use http::{HeaderMap, StatusCode};
use shared::identity::{HEADER_IDENTITY, HEADER_SERVER, HEADER_SERVER_TIMING, Identity, RequestId};
use shared::instance::Instance;

use crate::driver::Declared;
use crate::driver::timing::server_timing;

/// gRPC's code for an answer whose status cannot be told.
pub(super) const UNKNOWN: u8 = 2;
/// gRPC's code for an answer that did not come in time.
pub(super) const DEADLINE_EXCEEDED: u8 = 4;
/// The highest code.
const CODE_MAX: u8 = 16;

/// What one block of fields says of the call as a whole; head and trailers may each say a part.
#[derive(Clone, Debug, Default, PartialEq)]
pub(super) struct Said {
    /// `grpc-status`.
    pub(super) code: Option<u8>,
    /// The id echoed in `x-cload`.
    pub(super) id: Option<RequestId>,
    /// The target's own time to the first byte.
    pub(super) server: Option<Duration>,
    /// The delay that was asked for, as far as it lies before the first byte.
    pub(super) asked: Option<Duration>,
    /// Who answers.
    pub(super) backend: Option<Instance>,
    /// What it declares of a fault beside the one that was asked for.
    pub(super) declared: Declared,
}

impl Said {
    pub(super) fn of(fields: &HeaderMap) -> Said {
        let value = |name: &str| fields.get(name).map(|value| value.as_bytes());
        let timing = value(HEADER_SERVER_TIMING);
        Said {
            code: value("grpc-status").map(code),
            id: value(HEADER_IDENTITY).and_then(Identity::echoed_id),
            server: timing.and_then(|value| server_timing(value, "cload")),
            asked: timing.and_then(|value| server_timing(value, "cload-fault")),
            backend: value(HEADER_SERVER).and_then(Instance::read),
            declared: Declared::of_headers(fields),
        }
    }

    /// Both together; where both say something, the later one counts.
    pub(super) fn then(self, later: Said) -> Said {
        Said {
            code: later.code.or(self.code),
            id: later.id.or(self.id),
            server: later.server.or(self.server),
            asked: later.asked.or(self.asked),
            backend: later.backend.or(self.backend),
            declared: if later.declared.is_any() { later.declared } else { self.declared },
        }
    }
}

/// A number nobody knows means UNKNOWN, and so does what is no number.
fn code(value: &[u8]) -> u8 {
    let digits = value.iter().all(u8::is_ascii_digit).then(|| std::str::from_utf8(value).ok()).flatten();
    digits.and_then(|text| text.parse().ok()).filter(|code| *code <= CODE_MAX).unwrap_or(UNKNOWN)
}

/// Whether a head is that of a gRPC answer: 200, and `application/grpc` with whatever follows it.
pub(super) fn is_grpc(status: StatusCode, fields: &HeaderMap) -> bool {
    let content_type = fields.get(http::header::CONTENT_TYPE).map_or(&b""[..], |value| value.as_bytes());
    let rest = content_type.strip_prefix(b"application/grpc");
    status == StatusCode::OK && rest.is_some_and(|rest| matches!(rest.first(), None | Some(b'+' | b';' | b' ')))
}

/// The gRPC code that an HTTP status stands for where there is no other (grpc, "HTTP to gRPC Status Code Mapping"): what
/// every client makes of the answer of a proxy that speaks no gRPC.
pub(super) fn of_http(status: StatusCode) -> u8 {
    match status.as_u16() {
        400 => 13,
        401 => 16,
        403 => 7,
        404 => 12,
        429 | 502 | 503 | 504 => 14,
        _ => UNKNOWN,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn fields(pairs: &[(&'static str, &str)]) -> HeaderMap {
        pairs.iter().map(|(name, value)| (name.parse().unwrap(), value.parse().unwrap())).collect()
    }

    #[test]
    fn only_a_known_number_is_a_code() {
        for (text, expected) in
            [("0", 0), ("16", 16), ("17", 2), ("99999", 2), ("-1", 2), ("+1", 2), ("", 2), ("OK", 2)]
        {
            assert_eq!(code(text.as_bytes()), expected, "{text:?}");
        }
        assert_eq!(Said::of(&fields(&[])).code, None);
    }

    #[test]
    fn what_the_trailers_say_counts_and_the_head_fills_the_gaps() {
        let head = Said::of(&fields(&[("grpc-status", "2"), ("server-timing", "cload;dur=1.5, cload-fault;dur=20")]));
        let both = head.then(Said::of(&fields(&[("grpc-status", "14"), ("x-cload", "id=abcd2345.7")])));
        assert_eq!(both.code, Some(14));
        assert_eq!(both.id.map(|id| id.to_string()).as_deref(), Some("abcd2345.7"));
        assert_eq!((both.server, both.asked), (Some(Duration::from_micros(1500)), Some(Duration::from_millis(20))));
    }

    #[test]
    fn a_head_that_is_not_grpcs_stands_for_a_code() {
        for (status, content_type, is) in [
            (200, "application/grpc", true),
            (200, "application/grpc+proto", true),
            (200, "application/grpc; x=y", true),
            (200, "application/grpc-web", false),
            (200, "text/html", false),
            (503, "application/grpc", false),
        ] {
            let status = StatusCode::from_u16(status).unwrap();
            assert_eq!(is_grpc(status, &fields(&[("content-type", content_type)])), is, "{status} {content_type}");
        }
        assert!(!is_grpc(StatusCode::OK, &HeaderMap::new()));
        for (status, code) in [(400, 13), (401, 16), (403, 7), (404, 12), (429, 14), (503, 14), (500, 2), (200, 2)] {
            assert_eq!(of_http(StatusCode::from_u16(status).unwrap()), code, "{status}");
        }
    }
}
