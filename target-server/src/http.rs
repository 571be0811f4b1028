//! The HTTP family: HTTP/1.1 and HTTP/2 on one port, told apart by what comes, with TLS or without.
//!
//! HTTP/1.1 is our own loop over hyper's connections, because broken answers need the socket and idle connections must cost
//! little; HTTP/2 (`two`) is our own loop over h2's, because faults need its frames. What a request asks for and what it
//! gets is one mechanism for both; gRPC is handed to whoever is named when this is built.
//!
//! Data walks one way: door → accept → ask → verdict → act → record.

mod act;
mod answer;
mod ask;
mod body;
mod connection;
mod door;
mod endpoint;
mod exchange;
mod gzip;
mod incoming;
mod intake;
mod memory;
mod open;
mod opening;
mod refusal;
mod routing;
mod service;
mod shape;
mod socket;
mod source;
mod strike;
mod two;
mod websocket;
mod wire;

#[cfg(test)]
mod tests;

use std::sync::Arc;

use http::HeaderValue;
use hyper::server::conn::http1;

use crate::core::Core;
use crate::h2conn::Handler;
use crate::podinfo::{Podinfo, RequestMetrics};
pub(crate) use door::{Door, Secured};
pub(crate) use routing::Routing;

/// Largest head of a request: eight times the longest fault spec, and what most proxies let through.
const HEAD_MAX_BYTES: usize = 16 << 10;
/// Most that hyper buffers in either direction of one connection: bounds what a fast sender or a slow reader can hold.
const BUFFER_MAX_BYTES: usize = 64 << 10;

/// What all HTTP connections share.
pub(crate) struct Http {
    pub(crate) core: Arc<Core>,
    /// The value of `x-cload-server`.
    pub(crate) place: HeaderValue,
    routing: Routing,
    podinfo: Podinfo,
    /// What podinfo's dashboards read.
    metrics: RequestMetrics,
    parked: memory::Parked,
    builder: http1::Builder,
    /// Who serves the streams that speak gRPC.
    grpc: Handler,
}

impl Http {
    /// Errors: the place is no header value.
    pub(crate) fn new(
        core: Arc<Core>,
        grpc: Handler,
        routing: Routing,
        podinfo: Podinfo,
        metrics: RequestMetrics,
    ) -> Result<Http, http::header::InvalidHeaderValue> {
        let mut builder = http1::Builder::new();
        // The number of fields stays at hyper's default of 100: any other is kept on the heap, per request.
        // Its head timeout is off because we have our own, which costs no timer per request.
        builder.max_header_size(HEAD_MAX_BYTES).max_buf_size(BUFFER_MAX_BYTES).header_read_timeout(None);
        let place = HeaderValue::from_str(&core.place)?;
        Ok(Http { core, place, routing, podinfo, metrics, parked: memory::Parked::default(), builder, grpc })
    }

    /// Gives memory back that connections no longer use, for ever.
    pub(crate) async fn keep_small(self: Arc<Http>) {
        self.parked.watch().await;
    }
}
