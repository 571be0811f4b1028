//! The guard before everything that may change something, whichever route that is.
//!
//! Invariants:
//! - A new route is guarded unless it is a GET or named here.
//! - What is logged of a change stands in the span `change`, which names the client.

use std::net::SocketAddr;

use axum::extract::{ConnectInfo, Request, State};
use axum::http::Method;
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use tracing::Instrument as _;

use super::answer::Problem;
use shared::admin::guard::ChangeGuard;

/// What takes a body and changes nothing.
const DRY: [&str; 2] = ["/faults:validate", "/admin/v1/faults:validate"];

/// Refuses changes that the guard does not allow.
pub(super) async fn protect(
    State(guard): State<ChangeGuard>,
    ConnectInfo(client): ConnectInfo<SocketAddr>,
    request: Request,
    next: Next,
) -> Response {
    let reads = [Method::GET, Method::HEAD].contains(request.method()) || DRY.contains(&request.uri().path());
    if reads {
        return next.run(request).await;
    }
    match guard.allows(request.headers(), client.ip().to_canonical()) {
        // Whatever changes is logged where it changes; here is known whose doing it is.
        Ok(()) => next.run(request).instrument(tracing::info_span!("change", %client)).await,
        Err(refusal) => Problem::from(refusal).into_response(),
    }
}
