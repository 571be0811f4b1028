//! What an HTTP request says about itself: who sent it, and what it asks for.

use http::header::{ACCEPT_ENCODING, TE};
use http::request::Parts;
use http::{HeaderMap, Method, Version};
use shared::carrier::{self, HEADER_FAULT};
use shared::fault::{Dialect, Fault, Key, Limits, Source, SpecError, SpecErrorCode, SpecErrors};
use shared::identity::{HEADER_IDENTITY, Identity, Name};

/// One request as understood.
pub(super) struct Ask {
    /// Who sent it, if it says so in valid words.
    pub(super) identity: Option<Identity>,
    /// The mix entry, or the route.
    pub(super) operation: Name,
    /// The fault, nothing if none is asked for.
    pub(super) fault: Result<Option<Fault>, SpecErrors>,
}

impl Ask {
    /// Reads all three carriers; whoever is more specific wins, key by key: header, then query, then path.
    pub(super) fn read(parts: &Parts, dialect: Dialect, limits: &Limits) -> Ask {
        let identity = parts.headers.get(HEADER_IDENTITY).and_then(|value| Identity::from_header(value.as_bytes()));
        let operation = match &identity {
            Some(identity) => identity.operation,
            None => route(parts.uri.path()),
        };
        Ask { identity, operation, fault: fault(parts, dialect, limits) }
    }
}

/// The bounded name of a route.
fn route(path: &str) -> Name {
    Name::from_static(if path.starts_with("/status/") {
        "status"
    } else if path.starts_with("/delay/") {
        "delay"
    } else {
        "echo"
    })
}

fn fault(parts: &Parts, dialect: Dialect, limits: &Limits) -> Result<Option<Fault>, SpecErrors> {
    let asks = [carrier::path(parts.uri.path()), parts.uri.query().map(carrier::query), header(&parts.headers)];
    let mut asked: Result<Option<Fault>, SpecErrors> = Ok(None);
    for ask in asks.into_iter().flatten() {
        asked = match (asked, ask) {
            (Ok(None), Ok(fault)) => Ok(Some(fault)),
            (Ok(Some(held)), Ok(fault)) => Ok(Some(held.overridden_by(fault))),
            (Err(held), Err(more)) => Err(held.and(more)),
            (Err(errors), Ok(_)) | (Ok(_), Err(errors)) => Err(errors),
        };
    }
    let Some(fault) = asked?.filter(|fault| !fault.is_empty()) else { return Ok(None) };
    fault.check(dialect, limits)?;
    if fault.keys().any(|key| key == Key::Trailer) && !takes_trailers(parts) {
        return Err(fault.error_at(
            Key::Trailer,
            SpecErrorCode::Conflict,
            "the request does not say that it accepts trailers",
            "the request header TE: trailers, on HTTP/1.1 or HTTP/2",
        ));
    }
    Ok(Some(fault))
}

/// The header carrier. More than one is refused rather than guessed at: proxies reorder and join repeated fields.
fn header(headers: &HeaderMap) -> Option<Result<Fault, SpecErrors>> {
    let mut values = headers.get_all(HEADER_FAULT).iter();
    let value = values.next()?;
    if let Some(second) = values.next() {
        let second = String::from_utf8_lossy(second.as_bytes()).into_owned();
        return Some(Err(refusal(
            SpecErrorCode::Conflict,
            second,
            "the header occurs more than once",
            "one x-cload-fault header",
        )));
    }
    Some(match std::str::from_utf8(value.as_bytes()) {
        Ok(text) => carrier::header(text),
        Err(_) => {
            let value = String::from_utf8_lossy(value.as_bytes()).into_owned();
            Err(refusal(SpecErrorCode::InvalidParameter, value, "the value is no UTF-8", "ASCII text"))
        }
    })
}

/// What is wrong with the header as a whole.
fn refusal(code: SpecErrorCode, value: String, reason: &str, expected: &str) -> SpecErrors {
    SpecErrors::from(SpecError {
        code,
        parameter: String::new(),
        value,
        source: Source::Header,
        position: 0,
        reason: reason.to_owned(),
        expected: expected.to_owned(),
        limit: None,
    })
}

/// RFC 9110, section 6.5.1: trailers are for clients that say they take them, and HTTP/1.0 has no place for them.
fn takes_trailers(parts: &Parts) -> bool {
    parts.version >= Version::HTTP_11 && lists(&parts.headers, TE, |token| token.eq_ignore_ascii_case("trailers"))
}

/// RFC 9110, section 12.5.3: `gzip` or `*` with a weight above 0.
pub(super) fn accepts_gzip(headers: &HeaderMap) -> bool {
    lists(headers, ACCEPT_ENCODING, |item| {
        let (coding, parameters) = item.split_once(';').unwrap_or((item, ""));
        let weight = parameters.trim().strip_prefix("q=").map_or(1.0, |q| q.trim().parse().unwrap_or(0.0));
        let coding = coding.trim();
        (coding.eq_ignore_ascii_case("gzip") || coding == "*") && weight > 0.0
    })
}

fn lists(headers: &HeaderMap, name: http::HeaderName, wanted: impl Fn(&str) -> bool) -> bool {
    let values = headers.get_all(name);
    values
        .iter()
        .filter_map(|value| value.to_str().ok())
        .flat_map(|value| value.split(','))
        .any(|item| wanted(item.trim()))
}

/// CONNECT asks for a tunnel, and this is no proxy.
pub(super) fn is_refused(method: &Method) -> bool {
    method == Method::CONNECT
}

#[cfg(test)]
mod tests {
    use super::*;

    fn headers(name: http::HeaderName, value: &str) -> HeaderMap {
        HeaderMap::from_iter([(name, value.parse().unwrap())])
    }

    #[test]
    fn gzip_is_accepted_by_name_or_star_with_a_weight() {
        for (value, accepted) in [
            ("gzip", true),
            ("deflate, GZIP;q=0.5", true),
            ("br;q=1.0, *;q=0.1", true),
            ("gzip;q=0", false),
            ("gzip; q=0.0", false),
            ("identity", false),
            ("", false),
            ("gzipped", false),
        ] {
            assert_eq!(accepts_gzip(&headers(ACCEPT_ENCODING, value)), accepted, "{value:?}");
        }
        assert!(!accepts_gzip(&HeaderMap::new()));
    }
}
