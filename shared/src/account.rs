//! The target's account of one session: what `GET /account/<session>` on the target's admin port answers, and what the
//! injector sets beside its own figures.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::identity::Session;
use crate::red::Histogram;

/// Where the account of a session is read.
pub fn path(session: Session) -> String {
    format!("/account/{session}")
}

/// What one target instance saw of one session.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Account {
    /// The instance, as in `x-cload-server`.
    pub server: String,
    /// Its life, drawn at random when it started: another one knows nothing of what this one counted.
    #[serde(default)]
    pub boot: String,
    /// How long that lasts so far.
    #[serde(default)]
    pub uptime_seconds: f64,
    /// How long ago it last forgot a session before this one came, which may have been this one; none: it never did.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub forgotten_seconds: Option<f64>,
    /// By operation name.
    #[serde(default)]
    pub operations: BTreeMap<String, OperationAccount>,
}

/// What a target that has no account of a session says beside its 404.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct NoAccount {
    /// The same in words.
    pub error: String,
    /// As in [`Account`].
    #[serde(default)]
    pub server: String,
    /// As in [`Account`].
    #[serde(default)]
    pub boot: String,
    /// As in [`Account`].
    #[serde(default)]
    pub uptime_seconds: f64,
    /// Whether nothing of the session can have arrived in this life. Otherwise it may have been forgotten.
    #[serde(default)]
    pub is_certain: bool,
    /// As in [`Account`]: of a session that began since, nothing was forgotten.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub forgotten_seconds: Option<f64>,
}

/// What became of the requests of one operation, on the target's side. Every received request is in exactly one of
/// `answered`, `unanswered`, `failed` and `in_flight`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct OperationAccount {
    /// Request heads that arrived whole.
    pub received: u64,
    /// Of those, the ones whose number had arrived before: something on the path sent them twice.
    #[serde(default)]
    pub duplicates: u64,
    /// Of those, the ones whose number came so late that nobody knows whether it had arrived before.
    #[serde(default)]
    pub late: u64,
    /// Complete answers handed to the kernel, by code, as in the label `code`.
    pub answered: BTreeMap<String, u64>,
    /// Requests deliberately left without a complete answer, because they asked for it (`reset`, `hang`, ...).
    pub unanswered: u64,
    /// Requests that ended against the target's will, by error (`aborted`, `write`, ...).
    pub failed: BTreeMap<String, u64>,
    /// Requests still being worked on.
    pub in_flight: u64,
    /// Of those that ended, the ones that a rule of the target had a hand in: what became of them is not what they asked
    /// for, and yet no accident.
    #[serde(default)]
    pub by_rule: u64,
    /// Bytes of answer bodies handed to the kernel.
    pub sent_bytes: u64,
    /// The time of those that ended, without what they asked for: the target's own, as in
    /// `continuous_load_server_processing_duration_seconds`.
    #[serde(default)]
    pub own_time: Durations,
}

/// Durations between the bounds of every histogram of durations, so that two of them add up number by number.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Durations {
    /// All together, in nanoseconds.
    pub sum_ns: u64,
    /// How many in each bucket of [`crate::red::DURATION_BUCKETS_S`], and last those above. Empty: none were kept.
    pub buckets: Vec<u64>,
}

impl Durations {
    /// What was recorded so far.
    pub fn of(recorded: &Histogram) -> Durations {
        let (buckets, sum_ns) = recorded.figures();
        Durations { sum_ns, buckets }
    }

    /// How many there are.
    pub fn count(&self) -> u64 {
        self.buckets.iter().sum()
    }

    /// Adds another instance's figures.
    fn merge(&mut self, other: &Durations) {
        self.sum_ns += other.sum_ns;
        // An account that knows of none has no buckets at all.
        self.buckets.resize(self.buckets.len().max(other.buckets.len()), 0);
        self.buckets.iter_mut().zip(&other.buckets).for_each(|(sum, part)| *sum += part);
    }
}

impl OperationAccount {
    /// Adds another instance's figures.
    pub fn merge(&mut self, other: &OperationAccount) {
        self.received += other.received;
        self.duplicates += other.duplicates;
        self.late += other.late;
        self.unanswered += other.unanswered;
        self.in_flight += other.in_flight;
        self.by_rule += other.by_rule;
        self.sent_bytes += other.sent_bytes;
        self.own_time.merge(&other.own_time);
        for (sums, parts) in [(&mut self.answered, &other.answered), (&mut self.failed, &other.failed)] {
            for (word, count) in parts {
                *sums.entry(word.clone()).or_default() += count;
            }
        }
    }

    /// Complete answers, whatever their code.
    pub fn answered_total(&self) -> u64 {
        self.answered.values().sum()
    }

    /// Requests that ended against the target's will, whatever the error.
    pub fn failed_total(&self) -> u64 {
        self.failed.values().sum()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn survives_json() {
        let account = Account {
            server: "pod-1/node-1/zone-1".into(),
            boot: "5b1f0c9d2e7a4468".into(),
            uptime_seconds: 512.25,
            forgotten_seconds: Some(3.5),
            operations: BTreeMap::from([(
                "web-ok".into(),
                OperationAccount {
                    received: 10,
                    duplicates: 1,
                    late: 3,
                    answered: BTreeMap::from([("200".into(), 7), ("503".into(), 1)]),
                    unanswered: 1,
                    failed: BTreeMap::from([("aborted".into(), 1)]),
                    in_flight: 0,
                    by_rule: 2,
                    sent_bytes: 600,
                    own_time: Durations { sum_ns: 7_500_000, buckets: vec![9, 0, 1] },
                },
            )]),
        };
        let text = serde_json::to_string(&account).unwrap();
        assert_eq!(serde_json::from_str::<Account>(&text).unwrap(), account);
        assert_eq!(account.operations["web-ok"].answered_total(), 8);
        assert_eq!(account.operations["web-ok"].failed_total(), 1);
        assert_eq!(account.operations["web-ok"].own_time.count(), 10);
        let mut twice = account.operations["web-ok"].clone();
        twice.merge(&account.operations["web-ok"]);
        assert_eq!((twice.received, twice.answered_total(), twice.failed_total(), twice.duplicates), (20, 16, 2, 2));
        assert_eq!(twice.own_time.count(), 20);
    }
}
