//! `GET /events?since=REVISION`: what happened to the rules, for whoever comes by later.

use std::sync::Arc;

use axum::extract::{RawQuery, State};
use axum::http::StatusCode;
use axum::routing::get;
use axum::{Json, Router};

use super::answer::Problem;
use super::intake::parameters;
use crate::rules::{Events, Rules};

pub(super) fn routes(rules: &Arc<Rules>) -> Router {
    Router::new().route("/events", get(events)).with_state(Arc::clone(rules))
}

/// All that is remembered unless `since` says how much is known already.
async fn events(State(rules): State<Arc<Rules>>, RawQuery(query): RawQuery) -> Result<Json<Events>, Problem> {
    let [since] = parameters(query.as_deref(), ["since"])?;
    let since = since.as_deref().unwrap_or("0");
    let since = since.parse().map_err(|_| {
        let reason = format!("{since:?} is no revision");
        Problem::new(StatusCode::BAD_REQUEST, "bad_parameter", "since", &reason, "a revision that was answered before")
    })?;
    Ok(Json(rules.events(since)))
}
