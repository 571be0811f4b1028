//! The backends of an echo: all are asked at once, and their answers stand in the order of the flags.
//!
//! Invariants:
//! - One backend's failure is a text in its place of the list; it never costs the others theirs.
//! - Every call ends within the timeout, and all of them when the asker leaves.

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

/// One backend, as written and as understood.
struct Backend {
    written: String,
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
        let refused =
            |value: &str, reason: String| OptionsError { flag: "--backend-url", value: value.to_owned(), reason };
        if let Some(beyond) = options.backends.get(BACKENDS_MAX) {
            return Err(refused(beyond, format!("expected at most {BACKENDS_MAX} backends")));
        }
        let list: Vec<_> = options.backends.iter().map(|written| Backend::new(written)).collect();
        let secured = list.iter().find(|backend| backend.url.as_ref().is_ok_and(|url| url.scheme() == "https"));
        let caller = Caller::new(options.http_client_timeout, roots);
        let caller = match (caller, secured) {
            (Ok(caller), _) => caller,
            (Err(reason), Some(backend)) => return Err(refused(&backend.written, reason)),
            // Nobody needs them, unless a plain backend sends us on to a secured one, which then fails and says so.
            (Err(_), None) => Caller::new(options.http_client_timeout, Some(RootCertStore::empty()))
                .map_err(|reason| refused(&list[0].written, reason))?,
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
        if url.is_err() {
            tracing::warn!(url = written, "a backend cannot be asked; expected a URL such as http://name:port/path");
        }
        Backend { written: written.to_owned(), url }
    }

    async fn ask(&self, caller: &Caller, headers: &HeaderMap, body: Bytes) -> Said {
        let written = &self.written;
        let (text, is_failure) = match &self.url {
            Err(Unusable::NoUrl) => (String::new(), true),
            Err(Unusable::Scheme) => {
                (format!("backend {written} call failed its scheme is neither http nor https"), true)
            }
            Ok(url) => match caller.post(url, headers, body).await {
                Ok((status, _)) if status.as_u16() >= 400 => {
                    (format!("backend {written} response status code {}", status.as_u16()), true)
                }
                Ok((_, answer)) => (String::from_utf8_lossy(&answer).into_owned(), false),
                Err(reason) => (format!("backend {written} call failed {reason}"), true),
            },
        };
        Said { text, is_failure }
    }
}
