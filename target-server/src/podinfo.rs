//! podinfo's endpoints: what each route answers when nothing is asked of it.
//!
//! Knows no protocol: it is handed a request that was routed, and returns an answer that is still to be shaped.

#[cfg_attr(not(test), expect(dead_code, reason = "HTTP does not count into it yet"))]
pub(crate) mod request_metrics;

use std::net::IpAddr;

use bytes::Bytes;
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

/// podinfo's form of an error, with the status it speaks of.
pub(crate) fn failed(status: StatusCode, message: &str) -> Plain {
    let body = format!("{{\n  \"code\": {},\n  \"message\": \"{message}\"\n}}", status.as_u16());
    Plain { status, headers: HeaderMap::new(), body: body.into(), error: None }
}
