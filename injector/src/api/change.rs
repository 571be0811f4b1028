//! `POST /api/v1/..`: changes of the run by who has the token. The answer is the run as it stands then.
//!
//! 409: the run is not in a state for it. 422: it was understood, and cannot be done.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::SystemTime;

use axum::extract::{ConnectInfo, Path, Request, State};
use axum::http::{Method, StatusCode};
use axum::middleware::{self, Next};
use axum::response::{IntoResponse, Response};
use axum::routing::post;
use axum::{Json, Router};
use serde::Deserialize;
use shared::admin::guard::ChangeGuard;
use shared::admin::intake::{Body, NoQuery};
use shared::admin::problem::Problem;
use tokio::time::Instant;

use super::WINDOW;
use super::board::{Board, window};
use super::instant::{self, WallInstant};
use super::status::{Status, status};
use crate::course::Motion;

pub(super) fn routes(board: &Arc<Board>, guard: ChangeGuard) -> Router {
    Router::new()
        .route("/api/v1/start", post(start))
        .route("/api/v1/stop", post(stop))
        .route("/api/v1/pause", post(pause))
        .route("/api/v1/resume", post(resume))
        .route("/api/v1/rate", post(rate))
        .route("/api/v1/scale", post(scale))
        .route("/api/v1/operations/{name}", post(operation))
        .with_state(Arc::clone(board))
        .layer(middleware::from_fn_with_state(guard, protect))
}

/// The guard before everything but reading, which has no route here.
async fn protect(
    State(guard): State<ChangeGuard>,
    ConnectInfo(client): ConnectInfo<SocketAddr>,
    request: Request,
    next: Next,
) -> Response {
    if request.method() != Method::POST {
        return next.run(request).await;
    }
    match guard.allows(request.headers(), client.ip().to_canonical()) {
        Ok(()) => {
            let path = request.uri().path().to_owned();
            let answer = next.run(request).await;
            if answer.status().is_success() {
                tracing::info!(%client, path, "the run was changed");
            }
            answer
        }
        Err(refusal) => Problem::from(refusal).into_response(),
    }
}

type Changed = Result<Json<Status>, Problem>;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Start {
    at: Option<WallInstant>,
}

async fn start(State(board): State<Arc<Board>>, _: NoQuery, body: Option<Body<Start>>) -> Changed {
    let control = &board.control;
    let done = match body.and_then(|Body(start)| start.at) {
        None => control.resume(),
        Some(at) => {
            let ahead = at.ahead(SystemTime::now()).map_err(|why| unable("at", &why, instant::EXPECTED))?;
            // No instant of the past, however short ago it was when this began.
            if ahead.is_zero() { control.resume() } else { control.start_at(Instant::now() + ahead) }
        }
    };
    now(&board, done.map_err(|why| state(&why, "a run that waits or is paused")))
}

async fn stop(State(board): State<Arc<Board>>, _: NoQuery) -> Changed {
    let done = board.control.stop();
    now(&board, done.map_err(|why| state(&why, "a run that is not over")))
}

async fn pause(State(board): State<Arc<Board>>, _: NoQuery) -> Changed {
    let done = board.control.pause();
    now(&board, done.map_err(|why| state(&why, "a run that is running")))
}

async fn resume(State(board): State<Arc<Board>>, _: NoQuery) -> Changed {
    let done = board.control.resume();
    now(&board, done.map_err(|why| state(&why, "a run that waits or is paused")))
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Rate {
    rate: String,
}

async fn rate(State(board): State<Arc<Board>>, _: NoQuery, Body(Rate { rate }): Body<Rate>) -> Changed {
    let rate = parsed("rate", &rate, RATE)?;
    let done = board.control.rate(rate);
    now(&board, done.map_err(|why| kept(&board, "rate", &why, RATE)))
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Scale {
    scale: String,
}

async fn scale(State(board): State<Arc<Board>>, _: NoQuery, Body(Scale { scale }): Body<Scale>) -> Changed {
    let scale = parsed("scale", &scale, SCALE)?;
    let done = board.control.scale(scale);
    now(&board, done.map_err(|why| kept(&board, "scale", &why, SCALE)))
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Wanted {
    rate: Option<String>,
    enabled: Option<bool>,
}

async fn operation(
    State(board): State<Arc<Board>>,
    Path(path): Path<String>,
    _: NoQuery,
    Body(Wanted { rate, enabled }): Body<Wanted>,
) -> Changed {
    let plan = board.plan();
    let operations = &plan.operations;
    let Some(operation) = operations.iter().find(|operation| operation.name.as_str() == path) else {
        let known: Vec<&str> = operations.iter().map(|operation| operation.name.as_str()).collect();
        let reason = format!("there is no operation {path:?}");
        return Err(Problem::new(StatusCode::NOT_FOUND, "not_found", "name", &reason, &known.join(", ")));
    };
    if rate.is_none() && enabled.is_none() {
        return Err(unable("", "it says nothing to change", "rate, enabled, or both"));
    }
    if let Some(text) = rate {
        let rate = parsed("rate", &text, RATE)?;
        let done = board.control.operation_rate(operation.name, rate);
        done.map_err(|why| kept(&board, "rate", &why, RATE))?;
    }
    if let Some(enabled) = enabled {
        let done = board.control.enable(operation.name, enabled);
        done.map_err(|why| kept(&board, "enabled", &why, "true or false"))?;
    }
    now(&board, Ok(()))
}

const RATE: &str = "a rate such as 20/s or 600/m";
const SCALE: &str = "a share of the configured rate such as 50% or 200%";

fn parsed<T: std::str::FromStr<Err: std::fmt::Display>>(field: &str, text: &str, expected: &str) -> Result<T, Problem> {
    text.parse().map_err(|why: T::Err| unable(field, &why.to_string(), expected))
}

/// The run, after a change that worked.
fn now(board: &Board, done: Result<(), Problem>) -> Changed {
    done?;
    Ok(Json(status(board, window(WINDOW)?)))
}

fn unable(field: &str, reason: &str, expected: &str) -> Problem {
    Problem::new(StatusCode::UNPROCESSABLE_ENTITY, "bad_value", field, reason, expected)
}

fn state(reason: &str, expected: &str) -> Problem {
    Problem::new(StatusCode::CONFLICT, "bad_state", "state", reason, expected)
}

/// A value that the run cannot have, or any value, if the run is over.
fn kept(board: &Board, field: &str, why: &str, expected: &str) -> Problem {
    match board.control.status().borrow().motion {
        Motion::Over => state(why, "a run that is not over"),
        _ => unable(field, why, expected),
    }
}
