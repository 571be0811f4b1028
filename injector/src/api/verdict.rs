//! `/api/v1/verdict`: whether the last while was good enough, for whoever rolls out, breaks things, or waits.
//!
//! The tools that ask have needs that conflict, which is why the status of a bad verdict is the asker's choice: Argo Rollouts
//! takes anything but 2xx for an error of the measurement, Litmus and Chaos Mesh read nothing but the status.
//!
//! No data never passes, and every number is a number: without data the worst there is.

use std::sync::Arc;
use std::time::Duration;

use axum::extract::{RawQuery, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use axum::{Json, Router};
use serde::Serialize;
use shared::admin::intake::{NothingSaid, parameters};
use shared::admin::problem::Problem;
use shared::units::{parse_duration, parse_percent, print_duration};

use super::board::{Board, Seen, window};
use super::status::{Quantiles, rfc3339};
use super::{WINDOW, bad};
use crate::account::Durations;
use crate::threshold::{Bound, Condition, Judgement, Metric, Span, judge};

pub(super) fn routes(board: &Arc<Board>) -> Router {
    // As Argo Rollouts and Chaos Mesh may ask; a body says nothing.
    Router::new().route("/api/v1/verdict", get(answer).post(answer).put(answer)).with_state(Arc::clone(board))
}

/// Every parameter.
pub(super) const PARAMETERS: [&str; 12] = [
    "window",
    "scenario",
    "operation",
    "max_error_ratio",
    "max_p50",
    "max_p90",
    "max_p99",
    "min_requests",
    "require_injected",
    "exclude_injected",
    "condition",
    "fail_status",
];

/// What is judged if no limit is named: a verdict on nothing would always be good.
const DEFAULT_ERROR_RATIO: f64 = 0.01;
/// Most conditions of one question.
const CONDITIONS_MAX: usize = 8;

async fn answer(
    State(board): State<Arc<Board>>,
    RawQuery(query): RawQuery,
    _: NothingSaid,
) -> Result<Response, Problem> {
    let ask = Ask::new(&board, parameters(query.as_deref(), PARAMETERS)?)?;
    let verdict = ask.verdict(&board);
    let status = if verdict.pass { StatusCode::OK } else { ask.fail_status };
    Ok((status, Json(verdict)).into_response())
}

/// What is asked.
pub(super) struct Ask {
    window: Duration,
    /// Their places in the plan.
    operations: Vec<usize>,
    excludes_injected: bool,
    max_error_ratio: Option<f64>,
    /// By [`QUANTILES`].
    max_latency: [Option<Duration>; 3],
    min_requests: u64,
    require_injected: Option<u64>,
    conditions: Vec<Bound>,
    fail_status: StatusCode,
}

const QUANTILES: [&str; 3] = ["p50", "p90", "p99"];

/// What was found.
#[derive(Debug, Serialize)]
pub(super) struct Verdict {
    pub(super) pass: bool,
    pub(super) state: Found,
    window_seconds: f64,
    requests: u64,
    errors: u64,
    injected: u64,
    error_ratio: f64,
    latency_seconds: Quantiles,
    checks: Vec<Check>,
    reasons: Vec<String>,
    as_of: String,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum Found {
    Pass,
    Fail,
    NoData,
}

#[derive(Debug, Serialize)]
struct Check {
    name: String,
    op: &'static str,
    limit: f64,
    #[serde(skip_serializing_if = "Option::is_none")]
    value: Option<f64>,
    pass: bool,
}

impl Verdict {
    /// In one line.
    pub(super) fn line(&self) -> String {
        let said = if self.reasons.is_empty() { String::new() } else { format!(": {}", self.reasons.join("; ")) };
        let state = match self.state {
            Found::Pass => "pass",
            Found::Fail => "fail",
            Found::NoData => "no data",
        };
        format!("{state}{said} ({} requests, {} errors in {:.0} s)\n", self.requests, self.errors, self.window_seconds)
    }
}

impl Ask {
    /// From the parameters' values, in the order of [`PARAMETERS`].
    ///
    /// # Errors
    /// The first parameter that cannot be meant.
    pub(super) fn new(board: &Board, values: [Option<String>; PARAMETERS.len()]) -> Result<Ask, Problem> {
        let [
            window_text,
            scenario,
            operation,
            max_error_ratio,
            p50,
            p90,
            p99,
            min_requests,
            require_injected,
            exclude_injected,
            condition,
            fail_status,
        ] = values;
        scenario.map_or(Ok(()), |scenario| board.is_scenario(&scenario))?;
        let operations = board.operations(operation.as_deref())?;
        let [p50, p90, p99] = [("max_p50", p50), ("max_p90", p90), ("max_p99", p99)]
            .map(|(name, text)| text.map(|text| limit(name, &text)).transpose());
        let count = |name: &str, text: &str| {
            let number = text.parse().ok().filter(|_| text.bytes().all(|byte| byte.is_ascii_digit()));
            number.ok_or_else(|| bad(name, &format!("{text:?} is no number of requests"), "a whole number such as 100"))
        };
        let mut ask = Ask {
            window: window(window_text.as_deref().unwrap_or(WINDOW))?,
            excludes_injected: match exclude_injected.as_deref() {
                None | Some("false") => false,
                Some("true") => true,
                Some(text) => {
                    return Err(bad("exclude_injected", &format!("{text:?} is neither"), "true or false"));
                }
            },
            max_error_ratio: max_error_ratio.map(|text| ratio(&text)).transpose()?,
            max_latency: [p50?, p90?, p99?],
            min_requests: min_requests.map_or(Ok(1), |text| count("min_requests", &text))?.max(1),
            require_injected: require_injected.map(|text| count("require_injected", &text)).transpose()?,
            conditions: conditions(board, condition.as_deref().unwrap_or_default())?,
            fail_status: match fail_status.as_deref() {
                None | Some("200") => StatusCode::OK,
                Some("412") => StatusCode::PRECONDITION_FAILED,
                Some("503") => StatusCode::SERVICE_UNAVAILABLE,
                Some(text) => {
                    return Err(bad("fail_status", &format!("{text:?} is not offered"), "200, 412 or 503"));
                }
            },
            operations,
        };
        let plan = board.plan();
        ask.operations.retain(|place| !ask.excludes_injected || !plan.operations[*place].injected);
        for bound in &mut ask.conditions {
            bound.keep(|place| ask.operations.contains(&place));
            if bound.operations().is_empty() {
                let reason = format!("{}: none of the operations that are asked for is of that kind", bound.condition);
                return Err(bad("condition", &reason, "a condition on one of them"));
            }
        }
        let has_limit = ask.max_error_ratio.is_some()
            || ask.max_latency.iter().any(Option::is_some)
            || ask.require_injected.is_some()
            || !ask.conditions.is_empty();
        if !has_limit {
            ask.max_error_ratio = Some(DEFAULT_ERROR_RATIO);
        }
        Ok(ask)
    }

    /// Looks, and judges.
    pub(super) fn verdict(&self, board: &Board) -> Verdict {
        self.judge(board, &board.look(self.window))
    }

    fn judge(&self, board: &Board, seen: &Seen) -> Verdict {
        let plan = board.plan();
        let (mut requests, mut errors, mut injected) = (0, 0, 0);
        let mut durations = Durations::default();
        for place in &self.operations {
            let account = &seen.accounts[*place];
            // A request that was dropped has failed for whoever wanted it.
            requests += account.placed_total();
            errors += account.failed() + account.dropped_total();
            let is_asked = plan.operations[*place].injected;
            injected += if is_asked { account.finished_total() } else { account.by_rule };
            if self.excludes_injected {
                requests -= account.by_rule;
                errors -= account.failed_by_rule;
            }
            durations.merge(&account.response);
        }
        // Who got no answer waited at least as long as anybody would have.
        let worst = plan.longest_timeout().as_secs_f64();
        let latency = Quantiles::of(&durations).unwrap_or(Quantiles { p50: worst, p90: worst, p99: worst });
        let error_ratio = if requests == 0 { 1.0 } else { errors as f64 / requests as f64 };

        let mut checks = vec![Check::at_least("requests", requests, self.min_requests)];
        let has_data = checks[0].pass;
        checks.extend(self.max_error_ratio.map(|limit| Check::at_most("error_ratio", error_ratio, limit)));
        for ((name, limit), value) in
            QUANTILES.into_iter().zip(self.max_latency).zip([latency.p50, latency.p90, latency.p99])
        {
            checks.extend(limit.map(|limit| Check::at_most(name, value, limit.as_secs_f64())));
        }
        checks.extend(self.require_injected.map(|least| Check::at_least("injected", injected, least)));
        let span = Span { accounts: &seen.accounts, fates: None, compared: &seen.compared, length: seen.active };
        let mut is_unknown = false;
        let mut has_failed = checks.iter().any(|check| !check.pass);
        for bound in &self.conditions {
            let (measured, judgement) = judge(bound, &span, &mut durations);
            is_unknown |= judgement == Judgement::Unknown;
            has_failed |= matches!(judgement, Judgement::Fails | Judgement::Empty);
            checks.push(Check {
                name: bound.condition.to_string(),
                op: bound.condition.comparison.as_str(),
                limit: bound.condition.limit.value(),
                value: measured.value,
                pass: judgement == Judgement::Holds,
            });
        }
        let state = match (has_data, has_failed, is_unknown) {
            (false, ..) => Found::NoData,
            (true, true, _) => Found::Fail,
            (true, false, true) => Found::NoData,
            (true, false, false) => Found::Pass,
        };
        Verdict {
            pass: state == Found::Pass,
            state,
            window_seconds: seen.length.as_secs_f64(),
            requests,
            errors,
            injected,
            error_ratio,
            latency_seconds: latency,
            reasons: checks.iter().filter(|check| !check.pass).map(Check::words).collect(),
            checks,
            as_of: rfc3339(seen.as_of),
        }
    }
}

impl Check {
    fn at_most(name: &str, value: f64, limit: f64) -> Check {
        Check { name: name.to_owned(), op: "<=", limit, value: Some(value), pass: value <= limit }
    }

    fn at_least(name: &str, value: u64, limit: u64) -> Check {
        let pass = value >= limit;
        Check { name: name.to_owned(), op: ">=", limit: limit as f64, value: Some(value as f64), pass }
    }

    /// Why it does not hold.
    fn words(&self) -> String {
        let sign = if self.op == "<=" { ">" } else { "<" };
        match (self.value, self.name.contains(' ')) {
            (Some(value), true) => format!("{}: it is {value}", self.name),
            (Some(value), false) => format!("{} {value} {sign} {}", self.name, self.limit),
            (None, _) => format!("{}: no data", self.name),
        }
    }
}

/// `0.01` or `1%`.
fn ratio(text: &str) -> Result<f64, Problem> {
    let is_plain = text.bytes().all(|byte| byte.is_ascii_digit() || byte == b'.');
    let ratio = match text.strip_suffix('%') {
        Some(_) => parse_percent(text).ok().map(|share| share.fraction()),
        None => text.parse().ok().filter(|_| is_plain),
    };
    let ratio = ratio.filter(|ratio| (0.0..=1.0).contains(ratio));
    ratio.ok_or_else(|| bad("max_error_ratio", &format!("{text:?} is no share"), "0 to 1, or 0% to 100%"))
}

fn limit(name: &str, text: &str) -> Result<Duration, Problem> {
    parse_duration(text).map_err(|error| bad(name, &error.reason, error.expected))
}

/// As thresholds are written, with `;` between them.
fn conditions(board: &Board, text: &str) -> Result<Vec<Bound>, Problem> {
    const EXPECTED: &str = "conditions as thresholds are written, such as path_loss < 0.1% or network p(99) < 5ms";
    let refuse = |one: &str, why: &str| bad("condition", &format!("{one}: {why}"), EXPECTED);
    let written = text.split(';').map(str::trim).filter(|one| !one.is_empty());
    let read = |one: &str| {
        let condition: Condition = one
            .parse()
            .map_err(|why: crate::threshold::Refused| refuse(one, &format!("at character {}: {why}", why.at + 1)))?;
        if let Some(over) = condition.over {
            let why = format!("a window of its own; window={} says it", print_duration(over));
            return Err(refuse(one, &why));
        }
        if condition.metric == Metric::Vus {
            return Err(refuse(one, "not known of a window; /api/v1/status has in_flight"));
        }
        condition.bind(&board.plan().operations).map_err(|why| refuse(one, &why))
    };
    let conditions = written.map(read).collect::<Result<Vec<Bound>, Problem>>()?;
    if conditions.len() > CONDITIONS_MAX {
        let reason = format!("{} conditions", conditions.len());
        return Err(bad("condition", &reason, &format!("at most {CONDITIONS_MAX}")));
    }
    Ok(conditions)
}
