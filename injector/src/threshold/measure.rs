//! The figure that a condition is about, of an account of a window or of a run, and what it says. Pure.

use std::time::Duration;

use shared::outcome::{Code, ErrorClass, Fate};

use super::{Bound, Condition, Key, Metric, Statistic};
use crate::account::{Durations, OperationAccount};
use crate::difference::Difference;
use crate::fate::Fates;

/// What the accounts of both sides said of an operation when they were last set against each other.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Compared {
    /// Requests by which they differ for no known reason.
    pub unexplained: u64,
    /// Requests that arrived once more than they were sent.
    pub duplicates: u64,
}

impl From<&Difference> for Compared {
    fn from(difference: &Difference) -> Compared {
        Compared { unexplained: difference.unexplained, duplicates: difference.duplicates }
    }
}

/// What is judged: a window, or a run so far.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Span<'a> {
    /// By operation in the plan's order.
    pub(crate) accounts: &'a [OperationAccount],
    /// Fates, where they are not yet in the accounts.
    pub(crate) fates: Option<&'a [Fates]>,
    /// By operation; shorter, or nothing, where the sides were not compared.
    pub(crate) compared: &'a [Option<Compared>],
    /// How long requests were planned in it.
    pub(crate) length: Duration,
}

/// A figure.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Measured {
    /// In the unit of [`Limit::value`](super::Limit::value); nothing if there is no data at all.
    pub(crate) value: Option<f64>,
    /// How many it is made of.
    pub(crate) samples: u64,
    /// Requests that came to an end, or were dropped, in the span: each might have been a sample.
    pub(crate) placed: u64,
}

/// What a figure says of its condition.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Judgement {
    /// It holds.
    Holds,
    /// It does not.
    Fails,
    /// Requests came to an end, and fewer than half of them, and too few, gave a sample: what should be there is not.
    Empty,
    /// Too little was asked for, or came to an end: nothing can be said.
    Unknown,
}

/// The figure, and what it says.
pub(crate) fn judge(bound: &Bound, span: &Span<'_>, scratch: &mut Durations) -> (Measured, Judgement) {
    let condition = &bound.condition;
    let measured = measure(bound, span, scratch);
    let needs = condition.needs();
    let judgement = match measured.value {
        Some(value) if measured.samples >= needs => match condition.comparison.holds(value, condition.limit.value()) {
            true => Judgement::Holds,
            false => Judgement::Fails,
        },
        // At the edges of a window some requests are still under way, and others were before it: what is missing for that
        // reason is not missing.
        _ if measured.placed < needs || condition.metric.is_of_run() => Judgement::Unknown,
        _ if measured.samples == 0 || measured.samples < measured.placed / 2 => Judgement::Empty,
        _ => Judgement::Unknown,
    };
    (measured, judgement)
}

/// The figure; what it is compared with does not matter.
pub(crate) fn measure(bound: &Bound, span: &Span<'_>, scratch: &mut Durations) -> Measured {
    let condition = &bound.condition;
    let accounts = || bound.operations.iter().filter_map(|place| span.accounts.get(*place));
    let sum = |count: &dyn Fn(&OperationAccount) -> u64| accounts().map(count).sum::<u64>();
    let planned = sum(&|account| account.planned);
    let finished = sum(&OperationAccount::finished_total);
    let failed = sum(&OperationAccount::failed);
    let dropped = sum(&OperationAccount::dropped_total);
    let placed = sum(&OperationAccount::placed_total);
    let of = |value: f64, samples: u64| Measured { value: (samples > 0).then_some(value), samples, placed };
    let share = |part: u64, whole: u64| of(part as f64 / whole as f64, whole);
    // How many, how many a second, or which share of these.
    let amount = |count: u64, whole: u64| match condition.statistic {
        Statistic::Share => share(count, whole),
        Statistic::PerSecond if span.length.is_zero() => of(0.0, 0),
        Statistic::PerSecond => of(count as f64 / span.length.as_secs_f64(), whole),
        _ => of(count as f64, whole),
    };
    match condition.metric {
        Metric::Availability => share(sum(&|account| account.success), placed),
        Metric::Failed | Metric::HttpReqFailed => amount(failed, finished),
        Metric::Checks => share(sum(&|account| account.success), finished),
        Metric::ScriptErrors => share(sum(&|account| account.failures[ErrorClass::Internal.index()]), finished),
        Metric::Dropped | Metric::DroppedIterations => amount(dropped, planned),
        Metric::PathLoss => amount(lost(bound, span), sum(&|account| account.sent)),
        Metric::Rate | Metric::Iterations => amount(finished, planned),
        Metric::HttpReqs => amount(sum(&|account| http_requests(condition, account)), planned),
        Metric::DataSent => amount(sum(&|account| account.sent_bytes), planned),
        Metric::DataReceived => amount(sum(&|account| account.received_bytes), planned),
        Metric::Vus => {
            let in_flight: i64 = accounts().map(|account| account.in_flight).sum();
            of(in_flight.max(0) as f64, planned)
        }
        Metric::Unexplained | Metric::Duplicates => {
            let compared = bound.operations.iter().map(|place| span.compared.get(*place).copied().flatten());
            let count = |compared: Compared| match condition.metric {
                Metric::Unexplained => compared.unexplained,
                _ => compared.duplicates,
            };
            let sum = compared.map(|compared| compared.map(count)).sum::<Option<u64>>();
            Measured { value: sum.map(|sum| sum as f64), samples: sum.map_or(0, |_| planned), placed }
        }
        _ => times(condition, accounts(), scratch, placed),
    }
}

/// Requests that, or whose answers, did not arrive. What could not be found out counts: it is not known to have arrived.
fn lost(bound: &Bound, span: &Span<'_>) -> u64 {
    let fates = bound.operations.iter().filter_map(|place| match span.fates {
        Some(fates) => fates.get(*place),
        None => span.accounts.get(*place).map(|account| &account.fates),
    });
    fates.map(|fates| fates.total() + fates.of_wrong(Fate::RequestLost)).sum()
}

/// HTTP requests with a result, of the statuses and kinds asked for.
fn http_requests(condition: &Condition, account: &OperationAccount) -> u64 {
    let finished = account.finished_total();
    if let Some(filter) = condition.filters.iter().find(|filter| filter.key == Key::Status) {
        let statuses = filter.values.iter().filter_map(|value| value.parse().ok());
        let with: u64 = statuses.map(|status| account.codes.get(&Code::Http(status)).copied().unwrap_or(0)).sum();
        return if filter.is_negated { finished.saturating_sub(with) } else { with };
    }
    match condition.expected() {
        Some(true) => account.success,
        Some(false) => account.failed(),
        None => finished,
    }
}

fn times<'a>(
    condition: &Condition,
    accounts: impl Iterator<Item = &'a OperationAccount>,
    scratch: &mut Durations,
    placed: u64,
) -> Measured {
    scratch.clear();
    for account in accounts {
        let single = match condition.metric {
            Metric::Service | Metric::IterationDuration | Metric::GroupDuration => &account.service,
            Metric::Server => &account.server,
            Metric::Network => &account.network,
            Metric::Lag => &account.lag,
            Metric::Wait => &account.wait,
            Metric::Message => &account.messages,
            metric => match metric.part() {
                None => &account.response,
                Some(part) => {
                    let expected = condition.expected();
                    for outcome in [true, false].into_iter().filter(|outcome| expected.is_none_or(|is| is == *outcome))
                    {
                        account.parts.of(outcome, part).into_iter().for_each(|durations| scratch.merge(durations));
                    }
                    continue;
                }
            },
        };
        scratch.merge(single);
    }
    let value = match condition.statistic {
        Statistic::Percentile(p) => scratch.quantile(p / 100.0),
        Statistic::Median => scratch.quantile(0.5),
        Statistic::Mean => scratch.mean(),
        Statistic::Min => scratch.min(),
        _ => scratch.max(),
    };
    Measured { value: value.map(|value| value.as_secs_f64()), samples: scratch.count(), placed }
}
