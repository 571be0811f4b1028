//! A distribution in the result of a run.

use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::account::Durations;

/// A distribution of durations, in microseconds.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Latency {
    /// How many.
    pub count: u64,
    /// Median; nothing if there were none. So are the others.
    pub p50_us: Option<u64>,
    /// 90th percentile.
    pub p90_us: Option<u64>,
    /// 99th percentile.
    pub p99_us: Option<u64>,
    /// 99.9th percentile.
    pub p999_us: Option<u64>,
    /// Longest.
    pub max_us: Option<u64>,
    /// Every value that occurred, to three digits, with how often: add the counts of two runs to merge them.
    pub histogram: Vec<(u64, u64)>,
}

impl From<&Durations> for Latency {
    fn from(durations: &Durations) -> Latency {
        let us = |duration: Option<Duration>| duration.map(|d| u64::try_from(d.as_micros()).unwrap_or(u64::MAX));
        Latency {
            count: durations.count(),
            p50_us: us(durations.quantile(0.5)),
            p90_us: us(durations.quantile(0.9)),
            p99_us: us(durations.quantile(0.99)),
            p999_us: us(durations.quantile(0.999)),
            max_us: us(durations.max()),
            histogram: durations.recorded_us(),
        }
    }
}
