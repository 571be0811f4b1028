//! What the injector's admin listener answers beside metrics and probes: how the run stands, whether it is good enough for
//! whoever rolls out or breaks something, and changes of the load by who has the token.
//!
//! Invariants:
//! - Reading changes nothing and waits for nobody: it is answered from the [`Board`], which holds what the run last told.
//! - No data never passes.
//! - Whatever may change the run passes the guard first. Without a token nobody may.
//! - Every answer of `/api` is `application/json` to the letter, and an error names what would have been accepted. Hooks and
//!   plain values are `text/plain`.

mod board;
mod change;
mod hooks;
mod instant;
mod live;
mod page;
mod status;
mod value;
mod verdict;

use std::sync::Arc;

use axum::Router;
use axum::extract::DefaultBodyLimit;
use axum::http::StatusCode;
use shared::admin::guard::ChangeGuard;
use shared::admin::intake::BODY_MAX_BYTES;
use shared::admin::problem::{Problem, no_method};

pub(crate) use self::board::Board;
pub(crate) use self::instant::written as instant;

/// The window of a question that names none.
const WINDOW: &str = "60s";

/// `common`, which both programs serve, with what only an injector has. To be served with the addresses of its clients
/// (`ConnectInfo`).
pub(crate) fn router(common: Router, board: &Arc<Board>, guard: ChangeGuard) -> Router {
    common
        .merge(page::routes())
        .merge(live::routes(board))
        .merge(status::routes(board))
        .merge(verdict::routes(board))
        .merge(value::routes(board))
        .merge(hooks::routes(board))
        .merge(change::routes(board, guard))
        .fallback(no_route)
        .method_not_allowed_fallback(no_method)
        .layer(DefaultBodyLimit::max(BODY_MAX_BYTES))
}

async fn no_route() -> Problem {
    Problem::new(
        StatusCode::NOT_FOUND,
        "not_found",
        "path",
        "there is nothing here",
        "/, /api/v1/live, /api/v1/status, /api/v1/verdict, /api/v1/value, POST /api/v1/{start,stop,pause,resume,rate,scale}, \
         POST /api/v1/operations/{name}, POST /hooks/flagger/{verdict,rollback}, /metrics, /livez, /readyz, /version",
    )
}

/// A parameter that cannot be meant.
fn bad(parameter: &str, reason: &str, expected: &str) -> Problem {
    Problem::new(StatusCode::BAD_REQUEST, "bad_parameter", parameter, reason, expected)
}

#[cfg(test)]
mod tests;
