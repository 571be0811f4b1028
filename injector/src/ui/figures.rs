//! What happened in a span of a run, reduced to the numbers that are shown. Pure.

use std::time::Duration;

use serde::{Serialize, Serializer};
use shared::outcome::{DropReason, ErrorClass};

use crate::account::{Durations, OperationAccount};

/// A span that is off a whole second by less than this is of that second: a tick is never quite a second after the one
/// before it, and what was planned between two is the figure.
const WHOLE_S: f64 = 0.1;

/// How requests went, counted.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Counts {
    /// Slots that came due.
    pub(crate) planned: u64,
    /// Requests that were what was asked for.
    pub(crate) success: u64,
    /// Failed requests by [`ErrorClass::index`].
    pub(crate) failures: [u64; ErrorClass::ALL.len()],
    /// Requests never started, by [`DropReason::index`].
    pub(crate) dropped: [u64; DropReason::ALL.len()],
    /// Requests with a hand of a rule of the target in the answer, and those of them that failed.
    pub(crate) by_rule: (u64, u64),
}

impl Counts {
    pub(crate) fn of(account: &OperationAccount) -> Counts {
        let OperationAccount { planned, success, failures, dropped, by_rule, failed_by_rule, .. } = *account;
        Counts { planned, success, failures, dropped, by_rule: (by_rule, failed_by_rule) }
    }

    pub(crate) fn failed(&self) -> u64 {
        self.failures.iter().sum()
    }

    pub(crate) fn finished(&self) -> u64 {
        self.success + self.failed()
    }

    pub(crate) fn dropped_total(&self) -> u64 {
        self.dropped.iter().sum()
    }

    /// Whether requests went wrong or were never sent.
    pub(crate) fn is_troubled(&self) -> bool {
        self.failed() + self.dropped_total() > 0
    }

    /// Everything that went wrong in closed words, each with how often; what did not occur is left out.
    pub(crate) fn troubles(&self) -> impl Iterator<Item = (Trouble, u64)> + '_ {
        Trouble::all().map(|trouble| (trouble, self.count(trouble))).filter(|(_, count)| *count > 0)
    }

    pub(crate) fn count(&self, trouble: Trouble) -> u64 {
        match trouble {
            Trouble::Failed(class) => self.failures[class.index()],
            Trouble::Dropped(reason) => self.dropped[reason.index()],
        }
    }

    /// Of the requests with a result, how many were right; nothing if none has one.
    pub(crate) fn success_share(&self) -> Option<f64> {
        (self.finished() > 0).then(|| self.success as f64 / self.finished() as f64)
    }
}

/// What can go wrong with a request on this side.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Trouble {
    Failed(ErrorClass),
    Dropped(DropReason),
}

impl Trouble {
    pub(crate) const COUNT: usize = ErrorClass::ALL.len() + DropReason::ALL.len();

    pub(crate) fn all() -> impl Iterator<Item = Trouble> {
        ErrorClass::ALL.map(Trouble::Failed).into_iter().chain(DropReason::ALL.map(Trouble::Dropped))
    }

    /// One word, as in labels and keys.
    pub(crate) fn as_str(self) -> &'static str {
        match self {
            Trouble::Failed(class) => class.as_str(),
            Trouble::Dropped(DropReason::Late) => "dropped_late",
            Trouble::Dropped(DropReason::Limit) => "dropped_limit",
        }
    }
}

/// Where durations lie.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub(crate) struct Quantiles {
    pub(crate) count: u64,
    #[serde(rename = "p50_us", serialize_with = "us")]
    pub(crate) p50: Option<Duration>,
    #[serde(rename = "p90_us", serialize_with = "us")]
    pub(crate) p90: Option<Duration>,
    #[serde(rename = "p99_us", serialize_with = "us")]
    pub(crate) p99: Option<Duration>,
    #[serde(rename = "max_us", serialize_with = "us")]
    pub(crate) max: Option<Duration>,
}

fn us<S: Serializer>(duration: &Option<Duration>, serializer: S) -> Result<S::Ok, S::Error> {
    micros(*duration).serialize(serializer)
}

/// In microseconds.
pub(crate) fn micros(duration: Option<Duration>) -> Option<u64> {
    duration.map(|duration| u64::try_from(duration.as_micros()).unwrap_or(u64::MAX))
}

impl Quantiles {
    fn of(durations: &Durations) -> Quantiles {
        Quantiles {
            count: durations.count(),
            p50: durations.quantile(0.5),
            p90: durations.quantile(0.9),
            p99: durations.quantile(0.99),
            max: durations.max(),
        }
    }
}

/// One operation, or all, in a span.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub(crate) struct Figures {
    /// How long the span is.
    pub(crate) length: Duration,
    pub(crate) counts: Counts,
    pub(crate) response: Quantiles,
    pub(crate) service: Quantiles,
    pub(crate) server: Quantiles,
    pub(crate) network: Quantiles,
    pub(crate) lag: Quantiles,
    pub(crate) wait: Quantiles,
}

impl Figures {
    pub(crate) fn of(account: &OperationAccount, length: Duration) -> Figures {
        Figures {
            length,
            counts: Counts::of(account),
            response: Quantiles::of(&account.response),
            service: Quantiles::of(&account.service),
            server: Quantiles::of(&account.server),
            network: Quantiles::of(&account.network),
            lag: Quantiles::of(&account.lag),
            wait: Quantiles::of(&account.wait),
        }
    }

    /// Of all together.
    pub(crate) fn of_all<'a>(accounts: impl IntoIterator<Item = &'a OperationAccount>, length: Duration) -> Figures {
        let mut sum = OperationAccount::default();
        for account in accounts {
            sum.durations_mut().zip(account.durations()).for_each(|(mine, theirs)| mine.merge(theirs));
            sum.planned += account.planned;
            sum.success += account.success;
            sum.by_rule += account.by_rule;
            sum.failed_by_rule += account.failed_by_rule;
            let counts = sum.failures.iter_mut().zip(account.failures);
            counts.chain(sum.dropped.iter_mut().zip(account.dropped)).for_each(|(mine, theirs)| *mine += theirs);
        }
        Figures::of(&sum, length)
    }

    /// Requests that came due, per second.
    pub(crate) fn planned_per_s(&self) -> f64 {
        per_second(self.counts.planned, self.length)
    }

    /// Requests that had a result, per second.
    pub(crate) fn finished_per_s(&self) -> f64 {
        per_second(self.counts.finished(), self.length)
    }
}

fn per_second(count: u64, length: Duration) -> f64 {
    let seconds = length.as_secs_f64();
    let whole = seconds.round();
    let seconds = if whole > 0.0 && (seconds - whole).abs() < WHOLE_S { whole } else { seconds };
    if seconds > 0.0 { count as f64 / seconds } else { 0.0 }
}

/// Whole seconds, but for the end of a run that is between two.
pub(crate) fn seconds(elapsed: Duration) -> String {
    let seconds = elapsed.as_secs_f64();
    let is_whole = (seconds - seconds.round()).abs() < WHOLE_S;
    if is_whole { format!("{}", seconds.round()) } else { format!("{seconds:.1}") }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_rate_is_what_came_due_between_two_ticks() {
        let cases = [(4, 1_000, 4.0), (4, 998, 4.0), (4, 1_040, 4.0), (4, 250, 16.0), (95, 9_990, 9.5), (0, 0, 0.0)];
        for (count, ms, rate) in cases {
            assert_eq!(per_second(count, Duration::from_millis(ms)), rate, "{count} in {ms} ms");
        }
    }

    #[test]
    fn seconds_are_whole_but_for_the_last() {
        for (ms, text) in [(2_998, "3"), (3_250, "3.2"), (0, "0"), (60_040, "60")] {
            assert_eq!(seconds(Duration::from_millis(ms)), text);
        }
    }

    #[test]
    fn every_trouble_has_a_word_and_is_counted() {
        let words: Vec<&str> = Trouble::all().map(Trouble::as_str).collect();
        assert_eq!(words.len(), Trouble::COUNT);
        let mut counts = Counts::default();
        assert!(!counts.is_troubled() && counts.success_share().is_none());
        counts.dropped[DropReason::Limit.index()] = 3;
        counts.failures[ErrorClass::Reset.index()] = 1;
        counts.success = 3;
        let said: Vec<_> = counts.troubles().map(|(trouble, count)| (trouble.as_str(), count)).collect();
        assert_eq!(said, [("reset", 1), ("dropped_limit", 3)]);
        assert_eq!((counts.success_share(), counts.is_troubled()), (Some(0.75), true));
    }
}
