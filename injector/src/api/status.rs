//! `GET /api/v1/status`: how the run stands. `docs/api.md` says what every key means.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use axum::extract::{RawQuery, State};
use axum::routing::get;
use axum::{Json, Router};
use serde::Serialize;
use shared::admin::intake::parameters;
use shared::admin::problem::Problem;
use shared::outcome::Fate;

use super::WINDOW;
use super::board::{Board, LastError, Totals, window};
use crate::account::{Durations, OperationAccount};
use crate::course::{self, Motion, OperationStatus};
use crate::live::Agreement;
use crate::plan::Operation;
use crate::threshold::Standing;

pub(super) fn routes(board: &Arc<Board>) -> Router {
    Router::new().route("/api/v1/status", get(show)).with_state(Arc::clone(board))
}

async fn show(State(board): State<Arc<Board>>, RawQuery(query): RawQuery) -> Result<Json<Status>, Problem> {
    let [asked] = parameters(query.as_deref(), ["window"])?;
    Ok(Json(status(&board, window(asked.as_deref().unwrap_or(WINDOW))?)))
}

/// The run, now.
#[derive(Debug, Serialize)]
pub(super) struct Status {
    version: &'static str,
    session: String,
    scenario: String,
    source: String,
    state: &'static str,
    elapsed_seconds: f64,
    phase: PhaseStatus,
    scale: String,
    set_by_hand: Vec<String>,
    starts_at: Option<String>,
    rate: Rates,
    window_seconds: f64,
    totals: Counts,
    unexplained: Option<u64>,
    thresholds: Vec<ThresholdStatus>,
    operations: Vec<One>,
    as_of: String,
}

#[derive(Debug, Serialize)]
struct PhaseStatus {
    name: String,
    number: usize,
    of: usize,
    since_seconds: f64,
    until_seconds: Option<f64>,
    waits_for: Option<String>,
}

#[derive(Debug, Serialize)]
struct Rates {
    planned: f64,
    achieved: f64,
}

#[derive(Debug, Default, Serialize)]
struct Counts {
    planned: u64,
    success: u64,
    failed: u64,
    dropped_late: u64,
    dropped_limit: u64,
    interrupted: u64,
    in_flight: i64,
}

#[derive(Debug, Serialize)]
struct ThresholdStatus {
    threshold: String,
    result: &'static str,
    value: Option<f64>,
    samples: u64,
    crossings: u64,
}

#[derive(Debug, Serialize)]
struct One {
    name: String,
    protocol: &'static str,
    injected: bool,
    enabled: bool,
    left: bool,
    configured: Option<String>,
    rate: Rates,
    totals: Counts,
    success_ratio: Option<f64>,
    latency_seconds: Latencies,
    unexplained: Option<u64>,
    fates: BTreeMap<&'static str, u64>,
    target: Option<Target>,
    last_errors: Vec<Error>,
}

/// What both sides had counted since the start when the target was last asked.
#[derive(Debug, Serialize)]
struct Target {
    asked_seconds_ago: f64,
    sent: u64,
    received: u64,
    answered: u64,
    answered_there: u64,
    by_rule: u64,
}

impl From<Agreement> for Target {
    fn from(one: Agreement) -> Target {
        let Agreement { at, sent, received, answered, answered_there, by_rule } = one;
        Target { asked_seconds_ago: at.elapsed().as_secs_f64(), sent, received, answered, answered_there, by_rule }
    }
}

#[derive(Debug, Serialize)]
struct Latencies {
    response: Option<Quantiles>,
    service: Option<Quantiles>,
    server: Option<Quantiles>,
    network: Option<Quantiles>,
    lag: Option<Quantiles>,
}

/// Of durations, in seconds.
#[derive(Debug, Serialize)]
pub(super) struct Quantiles {
    pub(super) p50: f64,
    pub(super) p90: f64,
    pub(super) p99: f64,
}

impl Quantiles {
    /// Nothing if there were none.
    pub(super) fn of(durations: &Durations) -> Option<Quantiles> {
        let quantile = |q: f64| durations.quantile(q).map(|duration| duration.as_secs_f64());
        Some(Quantiles { p50: quantile(0.5)?, p90: quantile(0.9)?, p99: quantile(0.99)? })
    }
}

#[derive(Debug, Serialize)]
struct Error {
    error: &'static str,
    text: String,
    at_seconds: f64,
}

/// The run as it stands; quantiles and achieved rates are of the last `window`.
pub(super) fn status(board: &Board, window: Duration) -> Status {
    let seen = board.look(window);
    let course = board.control.status().borrow().clone();
    let known = board.known();
    let mut totals = Counts::default();
    known.totals.iter().for_each(|one| totals.add(one));
    let plan = board.plan();
    // What a reload has just brought may not be on the board yet.
    let operations = course.operations.iter().zip(&plan.operations).zip(&seen.accounts).enumerate();
    let operations = operations.map(|(at, ((running, operation), account))| {
        let unexplained = known.compared.get(at).copied().flatten().map(|compared| compared.unexplained);
        let errors = known.errors.get(at).map(Vec::as_slice).unwrap_or_default();
        let counts = known.totals.get(at).cloned().unwrap_or_default();
        let target = known.agreed.get(at).copied().flatten();
        let one = one(operation, running, (account, seen.length), &counts, unexplained, errors);
        One { target: target.map(Target::from), ..one }
    });
    let operations: Vec<One> = operations.collect();
    let unexplained: Vec<u64> = operations.iter().filter_map(|one| one.unexplained).collect();
    Status {
        version: env!("CARGO_PKG_VERSION"),
        session: board.session.as_str().to_owned(),
        scenario: board.scenario.clone(),
        source: plan.source.to_string(),
        state: state(&course, totals.planned, known.is_finished),
        elapsed_seconds: known.told.map_or(0.0, |(_, elapsed)| elapsed.as_secs_f64()),
        phase: PhaseStatus {
            name: course.phase.to_string(),
            number: course.phase_index + 1,
            of: course.phases,
            since_seconds: course.since.as_secs_f64(),
            until_seconds: course.until.map(|until| until.as_secs_f64()),
            waits_for: course.waits_for.map(|name| name.to_string()),
        },
        scale: course.scale.to_string(),
        set_by_hand: course.set_by_hand(),
        // To the nearest millisecond: the way over this process's own clock takes or gives a little.
        starts_at: board
            .control
            .starts_in()
            .map(|ahead| rfc3339(SystemTime::now() + ahead + Duration::from_micros(500))),
        rate: Rates { planned: course.per_second, achieved: operations.iter().map(|one| one.rate.achieved).sum() },
        window_seconds: seen.length.as_secs_f64(),
        totals,
        unexplained: (!unexplained.is_empty()).then(|| unexplained.iter().sum()),
        thresholds: known.thresholds.iter().map(threshold).collect(),
        operations,
        as_of: rfc3339(seen.as_of),
    }
}

fn one(
    operation: &Operation,
    running: &OperationStatus,
    (account, length): (&OperationAccount, Duration),
    counts: &Totals,
    unexplained: Option<u64>,
    errors: &[LastError],
) -> One {
    let mut totals = Counts::default();
    totals.add(counts);
    One {
        name: operation.name.to_string(),
        protocol: operation.protocol().as_str(),
        injected: operation.injected,
        enabled: running.is_enabled,
        left: running.is_left,
        configured: running.rate.map(|rate| rate.to_string()),
        rate: Rates { planned: running.per_second, achieved: achieved(account, length) },
        totals,
        success_ratio: success_ratio(account),
        latency_seconds: Latencies {
            response: Quantiles::of(&account.response),
            service: Quantiles::of(&account.service),
            server: Quantiles::of(&account.server),
            network: Quantiles::of(&account.network),
            lag: Quantiles::of(&account.lag),
        },
        unexplained,
        fates: Fate::ALL.into_iter().map(|fate| (fate.as_str(), account.fates.of(fate))).collect(),
        target: None,
        last_errors: errors.iter().map(Error::from).collect(),
    }
}

impl Counts {
    fn add(&mut self, totals: &Totals) {
        self.planned += totals.planned;
        self.success += totals.success;
        self.failed += totals.failed;
        self.dropped_late += totals.late;
        self.dropped_limit += totals.limit;
        self.interrupted += totals.interrupted;
        self.in_flight += totals.in_flight;
    }
}

impl From<&LastError> for Error {
    fn from(error: &LastError) -> Error {
        Error { error: error.class.as_str(), text: error.words.clone(), at_seconds: error.at.as_secs_f64() }
    }
}

fn threshold(standing: &Standing) -> ThresholdStatus {
    ThresholdStatus {
        threshold: standing.text.clone(),
        result: match standing.holds {
            Some(true) => "holds",
            Some(false) => "crossed",
            None => "no_data",
        },
        value: standing.value,
        samples: standing.samples,
        crossings: standing.crossings,
    }
}

/// What the run does, in a word. Whoever waits to be started has planned nothing yet; what is paused has.
pub(super) fn state(course: &course::Status, planned: u64, is_finished: bool) -> &'static str {
    match course.motion {
        _ if is_finished => "over",
        Motion::Over => "draining",
        Motion::Runs => "running",
        Motion::Paused | Motion::Starts(_) if planned == 0 => "waiting",
        Motion::Paused | Motion::Starts(_) => "paused",
    }
}

/// Requests that came to an end, per second.
fn achieved(account: &OperationAccount, length: Duration) -> f64 {
    if length.is_zero() { 0.0 } else { account.finished_total() as f64 / length.as_secs_f64() }
}

/// Of what came to an end or was dropped, the same as `availability`.
fn success_ratio(account: &OperationAccount) -> Option<f64> {
    let placed = account.placed_total();
    (placed > 0).then(|| account.success as f64 / placed as f64)
}

/// A moment in UTC: `2026-01-31T12:00:00.250Z`.
pub(super) fn rfc3339(at: SystemTime) -> String {
    humantime::format_rfc3339_millis(at).to_string()
}
