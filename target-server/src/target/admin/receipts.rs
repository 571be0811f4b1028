//! `GET /receipts/{session}/{operation}?seq=1,2,5-9`: which of these requests arrived here.
//!
//! Invariant: whoever asked gets to know who answers, also if nothing is known: several instances stand behind one address.

use std::sync::Arc;

use axum::extract::rejection::PathRejection;
use axum::extract::{Path, RawQuery, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use axum::{Json, Router};
use serde::Serialize;
use shared::identity::NameError;
use shared::receipt::{Receipts, SeqError, parse_seqs};
use tokio::time::Instant;

use super::answer::{Mistake, Problem};
use super::intake::parameters;
use crate::sessions::Sessions;

struct Desk {
    sessions: Sessions,
    server: String,
    /// Names this life of the process.
    boot: String,
    started: Instant,
}

/// 200 with what is known; 404, with the same and an error beside it, if nothing of the operation is held; 400 if the question
/// is none.
pub(super) fn routes(sessions: Sessions, server: String, boot: String) -> Router {
    let desk = Desk { sessions, server, boot, started: Instant::now() };
    Router::new().route("/receipts/{session}/{operation}", get(receipts)).with_state(Arc::new(desk))
}

/// What is answered where nothing is held: `from` says whether that means that nothing arrived.
#[derive(Serialize)]
struct Nothing {
    error: Mistake,
    #[serde(flatten)]
    receipts: Receipts,
}

async fn receipts(
    State(desk): State<Arc<Desk>>,
    path: Result<Path<(String, String)>, PathRejection>,
    RawQuery(query): RawQuery,
) -> Result<Response, Problem> {
    let bad_path =
        |field, reason: &str, expected| Problem::new(StatusCode::BAD_REQUEST, "bad_path", field, reason, expected);
    let escapes = "the percent escapes do not decode to UTF-8";
    let Path((session, operation)) = path.map_err(|_| bad_path("path", escapes, NameError::EXPECTED))?;
    let name = |field, text: &str| {
        let reason = format!("{text:?} is no name");
        text.parse().map_err(|_: NameError| bad_path(field, &reason, NameError::EXPECTED))
    };
    let (session, operation) = (name("session", &session)?, name("operation", &operation)?);
    let [seqs] = parameters(query.as_deref(), ["seq"])?;
    let refused =
        |reason: &str| Problem::new(StatusCode::BAD_REQUEST, "bad_parameter", "seq", reason, SeqError::EXPECTED);
    let seqs = seqs.ok_or_else(|| refused("no request is asked about"))?;
    let seqs = parse_seqs(&seqs).map_err(|error| refused(&error.to_string()))?;

    let found = desk.sessions.receipts(session, operation, &seqs);
    let is_held = found.is_ok();
    let found = found.unwrap_or_else(|nothing| nothing);
    let receipts = Receipts {
        server: desk.server.clone(),
        boot: desk.boot.clone(),
        uptime_seconds: desk.started.elapsed().as_secs_f64(),
        seen: found.seen,
        duplicate: found.duplicate,
        from: found.from,
    };
    if is_held {
        return Ok(Json(receipts).into_response());
    }
    let error = Mistake {
        code: "not_found",
        field: "operation".to_owned(),
        reason: "nothing of this operation of this session is held here".to_owned(),
        expected: "a session and an operation of which requests arrived lately".to_owned(),
        limit: None,
    };
    Ok((StatusCode::NOT_FOUND, Json(Nothing { error, receipts })).into_response())
}
