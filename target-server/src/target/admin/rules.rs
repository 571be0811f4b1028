//! `/faults`: rules installed, shown, renewed and removed.
//!
//! Invariants:
//! - What may be sent twice means the same the second time: PUT, and every DELETE, which is 200 also where nothing is left
//!   to remove, so that a rollback may run again. Never 204: Flagger counts it as a failure.

use std::sync::Arc;

use axum::extract::{OriginalUri, RawQuery, State};
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use axum::{Json, Router};
use serde::Deserialize;
use serde_json::{Value, json};

use super::answer::Problem;
use super::intake::{Body, Id, NoQuery, duration, parameters};
use crate::rules::{Listing, Preview, Rules, State as Stage, View, Written};

type Shared = State<Arc<Rules>>;

pub(super) fn routes(rules: &Arc<Rules>) -> Router {
    Router::new()
        .route("/faults", get(list).post(add).delete(remove_owned))
        .route("/faults/{id}", get(show).put(put).delete(remove))
        .route("/faults/{id}/renew", post(renew))
        .route("/faults:validate", post(validate))
        .with_state(Arc::clone(rules))
}

/// 201 and where it is; 409 if a live rule has the id.
async fn add(
    State(rules): Shared,
    OriginalUri(uri): OriginalUri,
    _: NoQuery,
    Body(written): Body<Written>,
) -> Result<Response, Problem> {
    let view = rules.add(written)?;
    let place = format!("{}/{}", uri.path(), view.rule.id.as_deref().unwrap_or_default());
    Ok(created(place, view))
}

/// 201 if there was none, 200 if there was one.
async fn put(
    State(rules): Shared,
    OriginalUri(uri): OriginalUri,
    Id(id): Id,
    _: NoQuery,
    Body(mut written): Body<Written>,
) -> Result<Response, Problem> {
    if let Some(other) = written.id.take().filter(|other| other != id.as_str()) {
        let reason = format!("{other:?} is not the id in the path");
        return Err(Problem::new(StatusCode::BAD_REQUEST, "bad_rule", "id", &reason, &format!("{id}, or no id here")));
    }
    written.id = Some(id.as_str().to_owned());
    let (is_new, view) = rules.put(written)?;
    Ok(if is_new { created(uri.path().to_owned(), view) } else { Json(view).into_response() })
}

fn created(place: String, view: View) -> Response {
    (StatusCode::CREATED, [(header::LOCATION, place)], Json(view)).into_response()
}

async fn validate(State(rules): Shared, _: NoQuery, Body(written): Body<Written>) -> Result<Json<Preview>, Problem> {
    Ok(Json(rules.validate(&written)?))
}

async fn list(State(rules): Shared, RawQuery(query): RawQuery) -> Result<Json<Listing>, Problem> {
    let [state, owner] = parameters(query.as_deref(), ["state", "owner"])?;
    let state = state.map(|text| stage(&text)).transpose()?;
    Ok(Json(rules.list(state, owner.as_deref())))
}

fn stage(text: &str) -> Result<Stage, Problem> {
    Stage::ALL.into_iter().find(|stage| stage.as_str() == text).ok_or_else(|| {
        let reason = format!("{text:?} is no state of a rule");
        let expected = Stage::ALL.map(Stage::as_str).join(", ");
        Problem::new(StatusCode::BAD_REQUEST, "bad_parameter", "state", &reason, &expected)
    })
}

async fn show(State(rules): Shared, Id(id): Id, _: NoQuery) -> Result<Json<View>, Problem> {
    rules.get(&id).map(Json).ok_or_else(|| {
        let reason = format!("there is no rule {id}, or it ended long ago");
        Problem::new(StatusCode::NOT_FOUND, "not_found", "id", &reason, "an id that GET /faults lists")
    })
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Renewal {
    ttl: String,
}

/// 404 once the rule is over: a lease that ran out is not taken up again unseen.
async fn renew(
    State(rules): Shared,
    Id(id): Id,
    _: NoQuery,
    Body(Renewal { ttl }): Body<Renewal>,
) -> Result<Json<View>, Problem> {
    Ok(Json(rules.renew(&id, duration("ttl", &ttl)?)?))
}

async fn remove(State(rules): Shared, Id(id): Id, _: NoQuery) -> Result<Json<Value>, Problem> {
    Ok(Json(json!({ "removed": rules.remove(&id)? })))
}

/// 400 without an owner: to remove everything is `POST /reset`, and nobody should come upon it by leaving something out.
async fn remove_owned(State(rules): Shared, RawQuery(query): RawQuery) -> Result<Json<Value>, Problem> {
    let [owner] = parameters(query.as_deref(), ["owner"])?;
    let owner = owner.filter(|owner| !owner.is_empty()).ok_or_else(|| {
        let (reason, expected) = ("an owner is needed", "?owner=NAME, or POST /reset for the rules of all");
        Problem::new(StatusCode::BAD_REQUEST, "bad_parameter", "owner", reason, expected)
    })?;
    Ok(Json(json!({ "removed": rules.remove_owned(&owner) })))
}
