//! podinfo's endpoints: what its paths answer, whatever HTTP version asks.

use std::net::IpAddr;

use bytes::Bytes;
use http::{HeaderMap, Method, StatusCode};
use shared::fault::Verdict;
use shared::outcome::ServerError;
use shared::route::Route;

pub(crate) mod info;
pub(crate) mod token;

/// A decoded request.
pub(crate) struct Asked<'a> {
    pub(crate) route: Route,
    /// Decoded, prefix stripped.
    pub(crate) path: &'a str,
    pub(crate) method: &'a Method,
    pub(crate) headers: &'a HeaderMap,
    pub(crate) client: IpAddr,
    /// Whole, [`BODY_MAX_BYTES`] at most.
    pub(crate) body: Bytes,
    pub(crate) verdict: &'a Verdict,
}

/// An answer before the fault's status, delay and size.
pub(crate) struct Plain {
    pub(crate) status: StatusCode,
    pub(crate) headers: HeaderMap,
    pub(crate) body: Bytes,
    /// Why it is not what was asked for, for the record.
    pub(crate) error: Option<ServerError>,
}

/// Largest body that is read whole.
pub(crate) const BODY_MAX_BYTES: usize = 10 << 20;
