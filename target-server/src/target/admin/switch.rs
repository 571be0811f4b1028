//! `/switch` and `/reset`: everything off, for a while or for good.

use std::sync::Arc;

use axum::extract::State;
use axum::routing::{get, post};
use axum::{Json, Router};
use serde::Deserialize;
use serde_json::{Value, json};

use super::answer::Problem;
use super::intake::{Body, NoQuery, duration};
use crate::rules::{Rules, SwitchView};

pub(super) fn routes(rules: &Arc<Rules>) -> Router {
    Router::new().route("/switch", get(show).put(switch)).route("/reset", post(reset)).with_state(Arc::clone(rules))
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Wanted {
    enabled: bool,
    ttl: Option<String>,
}

async fn show(State(rules): State<Arc<Rules>>, _: NoQuery) -> Json<SwitchView> {
    Json(rules.switch_view())
}

async fn switch(
    State(rules): State<Arc<Rules>>,
    _: NoQuery,
    Body(Wanted { enabled, ttl }): Body<Wanted>,
) -> Result<Json<SwitchView>, Problem> {
    let period = ttl.as_deref().map(|ttl| duration("ttl", ttl)).transpose()?;
    Ok(Json(rules.switch(enabled, period)?))
}

/// Removes every rule; the switch stays as it is.
async fn reset(State(rules): State<Arc<Rules>>, _: NoQuery) -> Json<Value> {
    Json(json!({ "removed": rules.reset() }))
}
