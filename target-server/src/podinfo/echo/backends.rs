//! The backends of an echo: all are asked at once, and their answers stand in the order of the flags.
//!
//! Invariants:
//! - One backend's failure is a text in its place of the list; it never costs the others theirs.
//! - Every call ends within the timeout, and all of them when the asker leaves.
//! - Credentials in a URL are shown to nobody, neither in an answer nor in the log.

use bytes::Bytes;
use futures_util::future::join_all;
use http::StatusCode;
use http::header::{HeaderMap, HeaderName};
use rustls::RootCertStore;
use url::{ParseError, Url};

use super::call::Caller;
use crate::podinfo::Plain;
use crate::podinfo::headers::stamp;
use crate::podinfo::options::{BACKENDS_MAX, BackendErrors, Options, OptionsError};

/// What ties a call to the request that it is made for. podinfo passes on the first seven, and the last three where it
/// traces itself; here they always go through, since a trace that ends at us would be of no use.
const PASSED_ON: [HeaderName; 10] = [
    HeaderName::from_static("x-request-id"),
    HeaderName::from_static("x-b3-traceid"),
    HeaderName::from_static("x-b3-spanid"),
    HeaderName::from_static("x-b3-parentspanid"),
    HeaderName::from_static("x-b3-sampled"),
    HeaderName::from_static("x-b3-flags"),
    HeaderName::from_static("x-ot-span-context"),
    HeaderName::from_static("traceparent"),
    HeaderName::from_static("tracestate"),
    HeaderName::from_static("baggage"),
];

/// Whom an echo asks.
pub(super) struct Backends {
    list: Vec<Backend>,
    caller: Caller,
    errors: BackendErrors,
}

/// One backend, as shown and as understood.
struct Backend {
    /// As written, but for credentials.
    shown: String,
    url: Result<Url, Unusable>,
}

/// Why a text is nobody's address.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Unusable {
    /// Not of a URL's form. podinfo leaves an empty text in its place.
    NoUrl,
    /// No scheme, or none that is spoken here.
    Scheme,
}

/// What came of one backend.
struct Said {
    text: String,
    is_failure: bool,
}

impl Backends {
    /// # Errors
    /// If there are too many, or one has a certificate to show and there is nothing to check it by.
    pub(super) fn new(options: &Options, roots: Option<RootCertStore>) -> Result<Backends, OptionsError> {
        let refused = |value: &str, reason: String| OptionsError { flag: "--backend-url", value: shown(value), reason };
        if let Some(beyond) = options.backends.get(BACKENDS_MAX) {
            return Err(refused(beyond, format!("expected at most {BACKENDS_MAX} backends")));
        }
        let list: Vec<_> = options.backends.iter().map(|written| Backend::new(written)).collect();
        let secured = list.iter().find(|backend| backend.url.as_ref().is_ok_and(|url| url.scheme() == "https"));
        let caller = Caller::new(options.http_client_timeout, roots);
        let caller = match (caller, secured) {
            (Ok(caller), _) => caller,
            (Err(reason), Some(backend)) => return Err(refused(&backend.shown, reason)),
            // Nobody needs them, unless a plain backend sends us on to a secured one, which then fails and says so.
            (Err(_), None) => Caller::new(options.http_client_timeout, Some(RootCertStore::empty()))
                .map_err(|reason| refused(&list[0].shown, reason))?,
        };
        Ok(Backends { list, caller, errors: options.backend_errors })
    }

    /// 200 with one text per backend, or the status that the operator prefers where some failed.
    pub(super) async fn answer(&self, headers: &HeaderMap, body: Bytes) -> Plain {
        let mut passed = HeaderMap::new();
        for name in &PASSED_ON {
            // All of several: `tracestate` may be spread over fields.
            for value in headers.get_all(name) {
                passed.append(name.clone(), value.clone());
            }
        }
        stamp(&mut passed);
        let calls = self.list.iter().map(|backend| backend.ask(&self.caller, &passed, body.clone()));
        let said = join_all(calls).await;
        let failures = said.iter().filter(|said| said.is_failure).count();
        let status = match self.errors {
            BackendErrors::Status if failures == said.len() => StatusCode::BAD_GATEWAY,
            BackendErrors::Status if failures > 0 => StatusCode::MULTI_STATUS,
            _ => StatusCode::OK,
        };
        let texts: Vec<_> = said.iter().map(|said| &said.text).collect();
        Plain::json(status, &texts)
    }
}

impl Backend {
    fn new(written: &str) -> Backend {
        let url = match Url::parse(written) {
            Ok(url) if matches!(url.scheme(), "http" | "https") => Ok(url),
            // To Go a colon without a scheme before it is no URL at all; anything else without one is a relative one.
            Err(ParseError::RelativeUrlWithoutBase) if written.starts_with(':') => Err(Unusable::NoUrl),
            Ok(_) | Err(ParseError::RelativeUrlWithoutBase) => Err(Unusable::Scheme),
            Err(_) => Err(Unusable::NoUrl),
        };
        let shown = shown(written);
        if url.is_err() {
            tracing::warn!(url = shown, "a backend cannot be asked; expected a URL such as http://name:port/path");
        }
        Backend { shown, url }
    }

    async fn ask(&self, caller: &Caller, headers: &HeaderMap, body: Bytes) -> Said {
        let shown = &self.shown;
        let (text, is_failure) = match &self.url {
            Err(Unusable::NoUrl) => (String::new(), true),
            Err(Unusable::Scheme) => {
                (format!("backend {shown} call failed its scheme is neither http nor https"), true)
            }
            Ok(url) => match caller.post(url, headers, body).await {
                Ok((status, _)) if status.as_u16() >= 400 => {
                    (format!("backend {shown} response status code {}", status.as_u16()), true)
                }
                Ok((_, answer)) => (String::from_utf8_lossy(&answer).into_owned(), false),
                Err(reason) => (format!("backend {shown} call failed {reason}"), true),
            },
        };
        Said { text, is_failure }
    }
}

/// The text without user and password.
fn shown(written: &str) -> String {
    let is_scheme = |text: &str| text.chars().all(|c| c.is_ascii_alphanumeric() || "+-.".contains(c));
    let authority_at =
        written.split_once("://").filter(|(scheme, _)| is_scheme(scheme)).map_or(0, |(s, _)| s.len() + 3);
    let (scheme, rest) = written.split_at(authority_at);
    let Some(url) = Url::parse(written).ok().filter(Url::has_host) else {
        // Where the credentials of what is no address end is anybody's guess: not after the last `@`.
        return format!("{scheme}{}", rest.rsplit('@').next().unwrap_or_default());
    };
    if url.username().is_empty() && url.password().is_none() {
        return written.to_owned();
    }
    let mut bare = url;
    // Neither can fail for a URL that has them.
    let _ = (bare.set_username(""), bare.set_password(None));
    let authority = rest.split(['/', '\\', '?', '#']).next().unwrap_or_default();
    let kept = authority.rfind('@').map(|at| format!("{scheme}{}", &rest[at + 1..]));
    // A URL may be written in ways that are not looked for here, such as without slashes: then it is shown as understood.
    kept.filter(|kept| Url::parse(kept).as_ref() == Ok(&bare)).unwrap_or_else(|| bare.into())
}

#[cfg(test)]
mod tests {
    use super::shown;

    #[test]
    fn a_url_is_shown_as_written_but_for_credentials() {
        for (written, expected) in [
            ("http://a", "http://a"),
            ("HTTP://A:80/x@y?u=b:c@d#@", "HTTP://A:80/x@y?u=b:c@d#@"),
            ("http://secret:secret@a", "http://a"),
            ("https://secret@a:443/x@y?@", "https://a:443/x@y?@"),
            ("http://:secret@[::1]:80?x", "http://[::1]:80?x"),
            ("http://secret:se@cret@a/", "http://a/"),
            ("http://secret:@a#x", "http://a#x"),
            // Ways to write it that parsers understand.
            ("http:secret:secret@a/x", "http://a/x"),
            ("http:\\\\secret:secret@a/?to=b://c", "http://a/?to=b://c"),
            ("http:///secret:secret@a/", "http://a/"),
            (" http://secret:secret@a/x", "http://a/x"),
            ("ht\ttp://sec\tret:secret@a/x", "http://a/x"),
            // No address that can be asked.
            ("word", "word"),
            (":", ":"),
            ("ftp://x/a@b", "ftp://x/a@b"),
            ("ftp://secret:secret@x/a@b", "ftp://x/a@b"),
            ("secret:secret@a:80/x", "a:80/x"),
            ("//secret:secret@a/x", "a/x"),
            ("http://secret:sec/ret@a", "http://a"),
            ("http://secret:secret@[::1", "http://[::1"),
            ("http://secret:secret@a:99999/x", "http://a:99999/x"),
        ] {
            assert_eq!(shown(written), expected, "{written:?}");
        }
    }

    proptest::proptest! {
        #[test]
        fn no_text_shows_a_password(before in "(http|ftp|[a-z]{0,3})[:/\\\\]{0,3}", host in "[a-z:/?#@\\[\\]]{0,8}") {
            let written = format!("{before}user:PASSWORD@{host}");
            let is_credential = url::Url::parse(&written).map_or(true, |url| url.password() == Some("PASSWORD"));
            proptest::prop_assert!(!is_credential || !shown(&written).contains("PASSWORD"), "{written} {}", shown(&written));
        }
    }
}
