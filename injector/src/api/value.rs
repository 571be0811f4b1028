//! `/api/v1/value`: one figure of the last while, as a number and nothing else, or as JSON if that is asked for.

use std::sync::Arc;

use axum::extract::{RawQuery, State};
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use axum::{Json, Router};
use serde::Serialize;
use shared::admin::intake::parameters;
use shared::admin::problem::Problem;

use super::board::{Board, Seen, window};
use super::status::rfc3339;
use super::{WINDOW, bad};
use crate::account::Durations;
use crate::threshold::{Condition, Measured, Metric, Span, Statistic, measure};

pub(super) fn routes(board: &Arc<Board>) -> Router {
    Router::new().route("/api/v1/value", get(answer)).with_state(Arc::clone(board))
}

/// One minus `availability`, under the name that it has in a verdict.
const ERROR_RATIO: &str = "error_ratio";

/// A figure.
#[derive(Debug, Serialize)]
struct Value {
    metric: String,
    /// Never null: without data there is no such answer.
    value: f64,
    unit: &'static str,
    samples: u64,
    window_seconds: f64,
    as_of: String,
}

async fn answer(
    State(board): State<Arc<Board>>,
    headers: HeaderMap,
    RawQuery(query): RawQuery,
) -> Result<Response, Problem> {
    let [metric, window_text, operation] = parameters(query.as_deref(), ["metric", "window", "operation"])?;
    let Some(metric) = metric else {
        return Err(bad("metric", "it is missing", "a figure such as error_ratio, p(99), path_loss or rate"));
    };
    let window = window(window_text.as_deref().unwrap_or(WINDOW))?;
    let (asked, is_inverted) = if metric == ERROR_RATIO { ("availability", true) } else { (metric.as_str(), false) };
    let figure = figure(asked)?;
    let operations = board.operations(operation.as_deref())?;
    let mut bound = figure.bind(&board.plan().operations).map_err(|why| refuse(&metric, &why))?;
    bound.keep(|place| operations.contains(&place));
    let Seen { accounts, length, active, compared, as_of } = board.look(window);
    let span = Span { accounts: &accounts, fates: None, compared: &compared, length: active };
    let Measured { value, samples, .. } = measure(&bound, &span, &mut Durations::default());
    let is_json = headers.get(header::ACCEPT).is_some_and(|accept| accept.as_bytes().starts_with(b"application/json"));
    let Some(value) = value.filter(|value| value.is_finite()) else {
        let no_data = "no data: nothing of this came to an end in the window";
        if is_json {
            return Err(Problem::new(StatusCode::SERVICE_UNAVAILABLE, "no_data", "metric", no_data, "a longer window"));
        }
        return Ok((StatusCode::SERVICE_UNAVAILABLE, format!("{no_data}\n")).into_response());
    };
    let value = if is_inverted { 1.0 - value } else { value };
    if !is_json {
        // To the letter: some tools take a body for a number, and a line end for a part of it.
        return Ok(([(header::CONTENT_TYPE, "text/plain")], value.to_string()).into_response());
    }
    let unit = unit(bound.condition.metric, bound.condition.statistic);
    let (window_seconds, as_of) = (length.as_secs_f64(), rfc3339(as_of));
    Ok(Json(Value { metric, value, unit, samples, window_seconds, as_of }).into_response())
}

/// A figure as thresholds name it, without a limit.
fn figure(text: &str) -> Result<Condition, Problem> {
    let figure = Condition::figure(text).map_err(|why| refuse(text, &format!("at character {}: {why}", why.at + 1)))?;
    if figure.over.is_some() || figure.min_samples.is_some() {
        return Err(refuse(text, "over and min are not taken here; window=60s says how long"));
    }
    if figure.metric == Metric::Vus {
        return Err(refuse(text, "not known of a window; /api/v1/status has in_flight"));
    }
    Ok(figure)
}

fn refuse(metric: &str, why: &str) -> Problem {
    bad(
        "metric",
        &format!("{metric}: {why}"),
        "error_ratio, or a figure as thresholds name it: p(99), network p(99), availability, failed count",
    )
}

fn unit(metric: Metric, statistic: Statistic) -> &'static str {
    match statistic {
        Statistic::Share => "ratio",
        Statistic::PerSecond if matches!(metric, Metric::DataSent | Metric::DataReceived) => "bytes per second",
        Statistic::PerSecond => "per second",
        Statistic::Count if matches!(metric, Metric::DataSent | Metric::DataReceived) => "bytes",
        Statistic::Count | Statistic::Value => "count",
        _ => "seconds",
    }
}
