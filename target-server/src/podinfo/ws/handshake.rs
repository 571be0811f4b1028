//! The handshake of a WebSocket (RFC 6455, section 4.2): from a request's fields to those of a 101, or to a refusal.

use data_encoding::BASE64;
use http::header::{
    CONNECTION, HOST, HeaderName, ORIGIN, SEC_WEBSOCKET_ACCEPT, SEC_WEBSOCKET_KEY, SEC_WEBSOCKET_VERSION, UPGRADE,
};
use http::{HeaderMap, HeaderValue, Method, StatusCode};
use ring::digest;

use crate::headers;
use crate::podinfo::Plain;

/// The one version there is (RFC 6455, section 4.1).
const VERSION: HeaderValue = HeaderValue::from_static("13");
/// What a key is joined with before it is hashed (RFC 6455, section 1.3).
const KEY_SUFFIX: &str = "258EAFA5-E914-47DA-95CA-C5AB0DC85B11";
/// A key is as many random bytes (RFC 6455, section 4.1).
const KEY_BYTES: usize = 16;

/// The fields of the 101 to a request for a WebSocket; `host` is whom the request names. HTTP/1.1 only: elsewhere there is
/// no `Upgrade`, and the request is refused as any that is plain.
///
/// # Errors
/// podinfo's refusals: 400 for what is no such request, 405 for a method other than GET, 403 for a page of another origin.
pub(crate) fn accept(method: &Method, headers: &HeaderMap, host: Option<&str>) -> Result<HeaderMap, Plain> {
    if !names(headers, CONNECTION, "upgrade") || !names(headers, UPGRADE, "websocket") {
        return Err(refusal(StatusCode::BAD_REQUEST));
    }
    if method != Method::GET {
        return Err(refusal(StatusCode::METHOD_NOT_ALLOWED));
    }
    if !names(headers, SEC_WEBSOCKET_VERSION, "13") {
        return Err(refusal(StatusCode::BAD_REQUEST));
    }
    if !is_own_origin(headers, host) {
        return Err(refusal(StatusCode::FORBIDDEN));
    }
    let key = headers.get(SEC_WEBSOCKET_KEY).and_then(|key| key.to_str().ok());
    let is_key = |key: &&str| BASE64.decode(key.as_bytes()).is_ok_and(|bytes| bytes.len() == KEY_BYTES);
    let key = key.filter(is_key).ok_or_else(|| refusal(StatusCode::BAD_REQUEST))?;

    let hash = digest::digest(&digest::SHA1_FOR_LEGACY_USE_ONLY, format!("{key}{KEY_SUFFIX}").as_bytes());
    let accepted = BASE64.encode(hash.as_ref());
    Ok(HeaderMap::from_iter([
        (UPGRADE, HeaderValue::from_static("websocket")),
        (CONNECTION, HeaderValue::from_static("Upgrade")),
        (SEC_WEBSOCKET_ACCEPT, accepted.try_into().expect("base64 is a field's value")),
    ]))
}

/// The answer where no connection can become a WebSocket: why it was refused, or that this is no place for one.
pub(crate) fn not_upgraded(method: &Method, headers: &HeaderMap) -> Plain {
    let host = headers.get(HOST).and_then(|host| host.to_str().ok());
    accept(method, headers, host).err().unwrap_or_else(|| refusal(StatusCode::BAD_REQUEST))
}

/// Whether one of the words between commas, of all fields of that name, is this one, in any case.
fn names(fields: &HeaderMap, name: HeaderName, word: &str) -> bool {
    headers::items(fields, name).any(|found| found.eq_ignore_ascii_case(word))
}

/// Whether no page sent it, or one from here. Browsers let any page open a WebSocket to anywhere, and tell whose it is.
fn is_own_origin(headers: &HeaderMap, host: Option<&str>) -> bool {
    let Some(origin) = headers.get(ORIGIN) else { return true };
    let authority = origin.to_str().ok().and_then(|origin| origin.split_once("://")).map(|(_, authority)| authority);
    authority.zip(host).is_some_and(|(authority, host)| authority.eq_ignore_ascii_case(host))
}

/// The status as text, and the version that would be understood.
fn refusal(status: StatusCode) -> Plain {
    let text = format!("{}\n", status.canonical_reason().unwrap_or_default());
    let plain = Plain::of(status, "text/plain; charset=utf-8", text).with(SEC_WEBSOCKET_VERSION, VERSION);
    Plain { error: Some(shared::outcome::ServerError::BadRequest), ..plain }
}

#[cfg(test)]
mod tests {
    use super::*;

    const FIELDS: [(&str, &str); 5] = [
        ("host", "here:9898"),
        ("connection", "Upgrade"),
        ("upgrade", "websocket"),
        ("sec-websocket-version", "13"),
        // The example of RFC 6455, section 1.3.
        ("sec-websocket-key", "dGhlIHNhbXBsZSBub25jZQ=="),
    ];

    /// The good request with some fields replaced; none where the new value is empty.
    fn asked(method: &str, replaced: &[(&str, &str)]) -> Result<HeaderMap, Plain> {
        let mut headers = HeaderMap::new();
        for (name, value) in FIELDS.iter().chain(replaced) {
            let name: HeaderName = name.parse().unwrap();
            headers.remove(&name);
            if !value.is_empty() {
                headers.insert(name, value.parse().unwrap());
            }
        }
        let host = headers.get("host").map(|host| host.to_str().unwrap().to_owned());
        accept(&method.parse().unwrap(), &headers, host.as_deref())
    }

    #[test]
    fn a_good_request_is_accepted() {
        for replaced in [
            &[][..],
            &[("connection", "keep-alive, upgrade")],
            &[("upgrade", "h2c, WebSocket")],
            &[("origin", "http://here:9898")],
            &[("origin", "https://HERE:9898")],
        ] {
            let fields = asked("GET", replaced).unwrap();
            assert_eq!(fields["upgrade"], "websocket");
            assert_eq!(fields["connection"], "Upgrade");
            assert_eq!(fields["sec-websocket-accept"], "s3pPLMBiTxaQ9kYGzzhZRbK+xOo=");
            assert_eq!(fields.len(), 3);
        }
    }

    #[test]
    fn every_other_request_is_refused() {
        for (method, name, value, status) in [
            ("GET", "connection", "", 400),
            ("GET", "connection", "keep-alive", 400),
            ("GET", "upgrade", "", 400),
            ("GET", "upgrade", "h2c", 400),
            ("POST", "upgrade", "", 400),
            ("POST", "host", "here", 405),
            ("GET", "sec-websocket-version", "", 400),
            ("GET", "sec-websocket-version", "8", 400),
            ("GET", "sec-websocket-key", "", 400),
            ("GET", "sec-websocket-key", "x", 400),
            ("GET", "sec-websocket-key", "AAAA", 400),
            ("GET", "origin", "http://there", 403),
            ("GET", "origin", "http://here", 403),
            ("GET", "origin", "http://here:9898.there", 403),
            ("GET", "origin", "null", 403),
            ("GET", "origin", "here:9898", 403),
        ] {
            let refused = asked(method, &[(name, value)]).unwrap_err();
            assert_eq!(refused.status.as_u16(), status, "{method} {name}: {value}");
            let text = match status {
                400 => "Bad Request\n",
                403 => "Forbidden\n",
                _ => "Method Not Allowed\n",
            };
            assert_eq!(refused.body, text);
            assert_eq!(refused.headers["sec-websocket-version"], "13");
            assert_eq!(refused.headers["content-type"], "text/plain; charset=utf-8");
            assert_eq!(refused.headers["x-content-type-options"], "nosniff");
            assert_eq!(refused.error, Some(shared::outcome::ServerError::BadRequest));
        }
        assert_eq!(asked("GET", &[("host", ""), ("origin", "http://here")]).unwrap_err().status, 403);
    }
}
