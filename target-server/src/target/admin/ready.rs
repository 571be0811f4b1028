//! `POST /readyz/disable` and `/readyz/enable`: an operator's word on readiness, beside the process's own.

use axum::extract::State;
use axum::routing::post;
use axum::{Json, Router};
use serde_json::{Value, json};
use shared::admin::Readiness;

/// Both answer 200 with `{"ready":..,"held":..}`: what `/readyz` says from now on, and whether an operator holds it back.
pub(super) fn routes(readiness: Readiness) -> Router {
    Router::new().route("/readyz/enable", post(enable)).route("/readyz/disable", post(disable)).with_state(readiness)
}

async fn enable(State(readiness): State<Readiness>) -> Json<Value> {
    hold(&readiness, false)
}

async fn disable(State(readiness): State<Readiness>) -> Json<Value> {
    hold(&readiness, true)
}

fn hold(readiness: &Readiness, held: bool) -> Json<Value> {
    if readiness.is_held() != held {
        readiness.hold(held);
        tracing::info!(held, "readiness changed");
    }
    Json(json!({ "ready": readiness.is_ready(), "held": held }))
}
