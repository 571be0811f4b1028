//! What the target's admin listener answers beyond what both programs do: the accounts and receipts of sessions, and the fault
//! rules.
//!
//! Invariants:
//! - Whatever may change something passes the guard first, also where there is no such route.
//! - Every answer about rules is `application/json`, and an error names what would have been accepted.
//! - Every change is logged with who made it: by whoever does it, in a span that names the client.

mod answer;
mod events;
mod intake;
mod protect;
mod ready;
mod receipts;
mod rules;
mod switch;

use std::collections::hash_map::RandomState;
use std::hash::BuildHasher as _;
use std::sync::Arc;

use axum::extract::{DefaultBodyLimit, Path, State};
use axum::http::StatusCode;
use axum::middleware;
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use axum::{Json, Router};
use serde_json::json;
use shared::account::{Account, NoAccount};
use shared::admin::Readiness;
use shared::identity::Session;
use tokio::time::Instant;

use crate::rules::Rules;
use crate::sessions::Sessions;
use shared::admin::guard::ChangeGuard;

/// Where the rules stand a second time, for tools that expect a version in the path.
const ALIAS: &str = "/admin/v1";

/// `common`, which both programs serve, with what only a target has. To be served with the addresses of its clients
/// (`ConnectInfo`).
pub(super) fn router(
    common: Router,
    accounts: Router,
    rules: &Arc<Rules>,
    readiness: Readiness,
    guard: ChangeGuard,
) -> Router {
    let faults = rules::routes(rules).merge(switch::routes(rules)).merge(events::routes(rules));
    common
        .merge(accounts)
        .merge(ready::routes(readiness))
        .nest(ALIAS, faults.clone())
        .merge(faults)
        .fallback(answer::no_route)
        .method_not_allowed_fallback(answer::no_method)
        .layer(DefaultBodyLimit::max(intake::BODY_MAX_BYTES))
        .layer(middleware::from_fn_with_state(guard, protect::protect))
}

/// `GET /healthz`: what podinfo's own listener of this kind answers, and what `/healthz` on the traffic listener says: 503 only
/// where `--unhealthy` asks for it.
pub(super) fn health(is_unhealthy: bool) -> Router {
    let said = if is_unhealthy { (StatusCode::SERVICE_UNAVAILABLE, "unhealthy") } else { (StatusCode::OK, "OK") };
    Router::new().route("/healthz", get(async move || said))
}

/// What is known of sessions: their accounts, and which of their requests arrived.
pub(super) fn sessions(sessions: &Sessions, server: &str) -> Router {
    // No secret: the standard library's random keys will do.
    let boot = format!("{:016x}", RandomState::new().hash_one(std::process::id()));
    let accounts = accounts(sessions.clone(), server.to_owned(), boot.clone());
    accounts.merge(receipts::routes(sessions.clone(), server.to_owned(), boot))
}

/// `GET /account/{session}`: 200 with the account, 404 if nothing of the session arrived here or it was forgotten, 400 if
/// the name is none. With 404 it says who has nothing: several instances stand behind one name.
fn accounts(sessions: Sessions, server: String, boot: String) -> Router {
    Router::new().route("/account/{session}", get(account)).with_state((sessions, server, boot, Instant::now()))
}

async fn account(
    State((sessions, server, boot, started)): State<(Sessions, String, String, Instant)>,
    Path(session): Path<String>,
) -> Response {
    let session: Session = match session.parse() {
        Ok(session) => session,
        Err(error) => return refuse(StatusCode::BAD_REQUEST, &error.to_string()),
    };
    let uptime_seconds = started.elapsed().as_secs_f64();
    match sessions.account(session) {
        Some(account) => Json(Account { server, boot, uptime_seconds, ..account }).into_response(),
        None => {
            let forgotten_seconds = sessions.forgotten_seconds();
            let is_certain = forgotten_seconds.is_none();
            let error = if is_certain {
                "nothing of this session arrived here"
            } else {
                "nothing of this session arrived here, or it was forgotten since"
            };
            let nothing =
                NoAccount { error: error.to_owned(), server, boot, uptime_seconds, is_certain, forgotten_seconds };
            (StatusCode::NOT_FOUND, Json(nothing)).into_response()
        }
    }
}

fn refuse(status: StatusCode, reason: &str) -> Response {
    (status, Json(json!({ "error": reason }))).into_response()
}

#[cfg(test)]
mod tests;
