//! `/hooks/flagger/..`: a verdict as Flagger's webhooks want it, which read the status and one line of text.
//!
//! - Parameters come by the URL, or by `metadata` of the body, which wins. What is unknown is refused: a limit with a slip of
//!   the pen in its name would let everything pass.
//! - Never 204, which Flagger counts as a failure, and no 5xx, whose text it drops.

use std::collections::BTreeMap;
use std::sync::Arc;

use axum::Router;
use axum::extract::{RawQuery, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use axum::routing::post;
use serde::Deserialize;
use shared::admin::intake::{Body, parameters};
use shared::admin::problem::Problem;

use super::bad;
use super::board::Board;
use super::verdict::{Ask, Found, PARAMETERS, Verdict};

pub(super) fn routes(board: &Arc<Board>) -> Router {
    Router::new()
        .route("/hooks/flagger/verdict", post(verdict))
        .route("/hooks/flagger/rollback", post(rollback))
        .with_state(Arc::clone(board))
}

/// What Flagger sends; the canary's name, namespace, phase and checksum are its own matter.
#[derive(Debug, Default, Deserialize)]
struct Hook {
    #[serde(default)]
    metadata: Option<BTreeMap<String, String>>,
}

type Asked = Result<Option<Body<Hook>>, Problem>;

/// 200 lets the rollout go on; 412 does not.
async fn verdict(State(board): State<Arc<Board>>, RawQuery(query): RawQuery, hook: Asked) -> Response {
    match look(&board, query.as_deref(), hook) {
        Ok(found) if found.pass => (StatusCode::OK, found.line()).into_response(),
        Ok(found) => (StatusCode::PRECONDITION_FAILED, found.line()).into_response(),
        Err(problem) => (problem.status(), format!("{}\n", problem.line())).into_response(),
    }
}

/// The other way round: 200 rolls back. Where nothing is known nothing is rolled back: the other hook holds the rollout up.
async fn rollback(State(board): State<Arc<Board>>, RawQuery(query): RawQuery, hook: Asked) -> Response {
    match look(&board, query.as_deref(), hook) {
        Ok(found) if found.state == Found::Fail => (StatusCode::OK, found.line()).into_response(),
        Ok(found) => (StatusCode::FORBIDDEN, found.line()).into_response(),
        Err(problem) => (problem.status(), format!("{}\n", problem.line())).into_response(),
    }
}

fn look(board: &Board, query: Option<&str>, hook: Asked) -> Result<Verdict, Problem> {
    let mut values = parameters(query, PARAMETERS)?;
    let hook = hook?.map(|Body(hook)| hook).unwrap_or_default();
    for (name, value) in hook.metadata.unwrap_or_default() {
        match PARAMETERS.iter().position(|known| *known == name) {
            // The status is the hook's.
            Some(at) if name != "fail_status" => values[at] = Some(value),
            _ => {
                let field = format!("metadata.{name}");
                let known = PARAMETERS.into_iter().filter(|known| *known != "fail_status");
                let known: Vec<&str> = known.collect();
                return Err(bad(&field, "there is no such parameter", &known.join(", ")));
            }
        }
    }
    Ok(Ask::new(board, values)?.verdict(board))
}
