//! What an HTTP request says about itself: who sent it, and what it asks for.

use http::header::{ACCEPT_ENCODING, HOST, TE};
use http::request::Parts;
use http::{HeaderMap, Method, Version};
use shared::carrier;
use shared::fault::{Dialect, Fault, Key, Limits, SpecErrorCode, SpecErrors};
use shared::identity::{Identity, Name};

use super::routing::Way;
use crate::asked::Own;
use crate::headers;

/// One request as understood.
pub(super) struct Ask {
    /// Who sent it, if it says so in valid words.
    pub(super) identity: Option<Identity>,
    /// The mix entry, or the route.
    pub(super) operation: Name,
    /// What it asks for.
    pub(super) own: Result<Own, SpecErrors>,
}

impl Ask {
    /// Reads all three carriers; whoever is more specific wins, key by key: header, then query, then path. What is spared
    /// or leads nowhere asks for nothing, whatever it says.
    pub(super) fn read(parts: &Parts, way: &Way, dialect: Dialect, limits: &Limits) -> Ask {
        let identity = headers::identity(&parts.headers);
        let query = parts.uri.query();
        let (name, heard) = match way {
            Way::Echo => ("echo", Some((parts.uri.path(), query))),
            Way::Own(routed) => {
                let heard = (routed.path.as_str(), query.filter(|_| routed.hears_query));
                (routed.route.label(parts.method.as_str()), Some(heard).filter(|_| !routed.route.is_spared()))
            }
            Way::Nowhere(_) => ("unmatched", None),
        };
        let operation = identity.map_or_else(|| Name::from_static(name), |identity| identity.operation);
        let own = heard.map(|(path, query)| own(path, query, parts, dialect, limits));
        Ask { identity, operation, own: own.unwrap_or_else(|| Ok(Own::default())) }
    }
}

fn own(path: &str, query: Option<&str>, parts: &Parts, dialect: Dialect, limits: &Limits) -> Result<Own, SpecErrors> {
    let words = joined(query.map(carrier::query).transpose(), headers::fault(&parts.headers).transpose());
    let (path, words) = match (carrier::path(path).transpose(), words) {
        (Ok(path), Ok(words)) => (path, words.filter(|words| !words.is_empty())),
        (Err(errors), Err(more)) => return Err(errors.and(more)),
        (Err(errors), Ok(_)) | (Ok(_), Err(errors)) => return Err(errors),
    };
    let own = Own::new(path, words);
    if let Some(fault) = own.seen() {
        fits(&fault, parts, dialect, limits)?;
    }
    Ok(own)
}

/// Both carriers in one.
fn joined(
    query: Result<Option<Fault>, SpecErrors>,
    header: Result<Option<Fault>, SpecErrors>,
) -> Result<Option<Fault>, SpecErrors> {
    match (query, header) {
        (Ok(Some(query)), Ok(Some(header))) => Ok(Some(query.overridden_by(header))),
        (Ok(query), Ok(header)) => Ok(query.or(header)),
        (Err(errors), Err(more)) => Err(errors.and(more)),
        (Err(errors), Ok(_)) | (Ok(_), Err(errors)) => Err(errors),
    }
}

/// Whether this request can get this fault.
pub(super) fn fits(fault: &Fault, parts: &Parts, dialect: Dialect, limits: &Limits) -> Result<(), SpecErrors> {
    fault.check(dialect, limits)?;
    if fault.keys().any(|key| key == Key::Trailer) && !takes_trailers(parts) {
        return Err(fault.error_at(
            Key::Trailer,
            SpecErrorCode::Conflict,
            "the request does not say that it accepts trailers",
            "the request header TE: trailers, on HTTP/1.1 or HTTP/2",
        ));
    }
    Ok(())
}

/// RFC 9110, section 6.5.1: trailers are for clients that say they take them, and HTTP/1.0 has no place for them.
fn takes_trailers(parts: &Parts) -> bool {
    parts.version >= Version::HTTP_11
        && headers::items(&parts.headers, TE).any(|token| token.eq_ignore_ascii_case("trailers"))
}

/// RFC 9110, section 12.5.3: `gzip` or `*` with a weight above 0.
pub(super) fn accepts_gzip(fields: &HeaderMap) -> bool {
    headers::items(fields, ACCEPT_ENCODING).any(|item| {
        let (coding, parameters) = item.split_once(';').unwrap_or((item, ""));
        let weight = parameters.trim().strip_prefix("q=").map_or(1.0, |q| q.trim().parse().unwrap_or(0.0));
        let coding = coding.trim();
        (coding.eq_ignore_ascii_case("gzip") || coding == "*") && weight > 0.0
    })
}

/// RFC 9112, section 3.2: a request of HTTP/1.1 names its host, even where the target is a whole URL.
pub(super) fn is_nameless(parts: &Parts) -> bool {
    parts.version == Version::HTTP_11 && !parts.headers.contains_key(HOST)
}

/// CONNECT asks for a tunnel, and this is no proxy.
pub(super) fn is_refused(method: &Method) -> bool {
    method == Method::CONNECT
}

#[cfg(test)]
mod tests {
    use super::*;

    fn field(name: http::HeaderName, value: &str) -> HeaderMap {
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
            assert_eq!(accepts_gzip(&field(ACCEPT_ENCODING, value)), accepted, "{value:?}");
        }
        assert!(!accepts_gzip(&HeaderMap::new()));
    }
}
