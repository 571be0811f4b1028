//! What the target's admin listener answers beyond what both programs do: the accounts of sessions.

use axum::extract::{Path, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use axum::{Json, Router};
use serde_json::json;
use shared::identity::Session;

use crate::sessions::Sessions;

/// `GET /account/{session}`: 200 with the account, 404 if nothing of the session arrived here or it was forgotten, 400 if
/// the name is none.
pub(super) fn accounts(sessions: Sessions, server: String) -> Router {
    Router::new().route("/account/{session}", get(account)).with_state((sessions, server))
}

async fn account(State((sessions, server)): State<(Sessions, String)>, Path(session): Path<String>) -> Response {
    let session: Session = match session.parse() {
        Ok(session) => session,
        Err(error) => return refuse(StatusCode::BAD_REQUEST, &error.to_string()),
    };
    match sessions.account(session, &server) {
        Some(account) => Json(account).into_response(),
        None => refuse(StatusCode::NOT_FOUND, "nothing of this session arrived here, or it was forgotten since"),
    }
}

fn refuse(status: StatusCode, reason: &str) -> Response {
    (status, Json(json!({ "error": reason }))).into_response()
}
