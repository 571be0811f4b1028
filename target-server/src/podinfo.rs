//! podinfo's endpoints: what each route answers when nothing is asked of it.
//!
//! Knows no protocol: it is handed a request that was routed, and returns an answer that is still to be shaped.

mod cache;
mod json;
mod state;
mod store;
mod swagger;
pub(crate) mod token;
pub(crate) mod ws;

use std::net::IpAddr;

use bytes::Bytes;
use http::header::{CONTENT_SECURITY_POLICY, CONTENT_TYPE, HeaderName, HeaderValue, X_CONTENT_TYPE_OPTIONS};
use http::{HeaderMap, Method, StatusCode};
use shared::fault::Verdict;
use shared::outcome::ServerError;
use shared::route::Route;

/// Largest request body that an endpoint takes.
pub(crate) const BODY_MAX_BYTES: usize = 10 << 20;

/// One per target.
#[derive(Debug, Default)]
pub(crate) struct Podinfo;

/// A request as routed.
#[derive(Debug)]
pub(crate) struct Asked<'a> {
    pub(crate) route: Route,
    /// Decoded, without the prefix.
    pub(crate) path: &'a str,
    pub(crate) method: &'a Method,
    pub(crate) headers: &'a HeaderMap,
    pub(crate) client: IpAddr,
    /// Whole, at most [`BODY_MAX_BYTES`].
    pub(crate) body: Bytes,
    /// What is asked of the answer.
    pub(crate) verdict: &'a Verdict,
}

/// A plain answer.
#[derive(Debug)]
pub(crate) struct Plain {
    pub(crate) status: StatusCode,
    /// The content type, and the route's own.
    pub(crate) headers: HeaderMap,
    pub(crate) body: Bytes,
    /// Why it is not what was asked for, if it is not.
    pub(crate) error: Option<ServerError>,
}

impl Podinfo {
    /// The answer of a route.
    pub(crate) async fn answer(&self, asked: Asked<'_>) -> Plain {
        let body = shared::route::body(asked.route, asked.path, asked.verdict).unwrap_or_default();
        Plain { status: StatusCode::OK, headers: HeaderMap::new(), body: body.into(), error: None }
    }
}

impl Plain {
    /// A status and nothing else.
    pub(crate) fn empty(status: StatusCode) -> Plain {
        Plain { status, headers: HeaderMap::new(), body: Bytes::new(), error: None }
    }

    /// Content that is what it says it is: no browser is to guess another type.
    pub(crate) fn of(status: StatusCode, content_type: &'static str, body: impl Into<Bytes>) -> Plain {
        let headers = [
            (CONTENT_TYPE, HeaderValue::from_static(content_type)),
            (X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff")),
        ];
        Plain { headers: HeaderMap::from_iter(headers), body: body.into(), ..Plain::empty(status) }
    }

    /// A stranger's bytes, given back: whatever they are, a browser must neither show nor run them.
    pub(crate) fn raw(status: StatusCode, body: Bytes) -> Plain {
        let nothing = HeaderValue::from_static("default-src 'none'");
        Plain::of(status, "application/octet-stream", body).with(CONTENT_SECURITY_POLICY, nothing)
    }

    /// The same with one more field.
    pub(crate) fn with(mut self, name: HeaderName, value: HeaderValue) -> Plain {
        self.headers.insert(name, value);
        self
    }
}
