//! What became of every planned request, on this side: counts that add up, and HDR histograms for reports.
//!
//! The identity: `planned = success + failure + dropped(late) + dropped(limit) + interrupted + in flight`. `in_flight` is
//! counted up and down by itself and not derived, so that the identity is a check and not a definition.

mod backends;
mod durations;
mod ledger;
mod names;
mod parts;
mod recent;
mod rules;

use std::collections::BTreeMap;
use std::time::Duration;

use shared::instance::Instance;
use shared::outcome::{Code, ConnectionEnd, DropReason, ErrorClass, Outcome};

pub use self::backends::{Backends, Seen};
pub use self::durations::Durations;
pub use self::ledger::Ledger;
pub use self::names::{ADDRESS_ROWS_MAX, AddressAccount, Addresses, NameAccount};
pub use self::parts::Parts;
pub(crate) use self::recent::Recent;
pub use self::rules::{OTHER_RULES, RuleHits};
use crate::fate::Fates;
use crate::signature::Sign;

/// The account of one operation.
#[derive(Clone, Debug, Default)]
pub struct OperationAccount {
    /// Slots that came due.
    pub planned: u64,
    /// Requests that were what was asked for.
    pub success: u64,
    /// Failed requests by [`ErrorClass::index`].
    pub failures: [u64; ErrorClass::ALL.len()],
    /// Requests of whose answer a rule of the target says that it had a hand in it.
    pub by_rule: u64,
    /// Of those, the ones that failed.
    pub failed_by_rule: u64,
    /// Which rules these were.
    pub rules: RuleHits,
    /// The first failure of each class in words, by [`ErrorClass::index`].
    pub examples: [Option<String>; ErrorClass::ALL.len()],
    /// Requests never started, by [`DropReason::index`].
    pub dropped: [u64; DropReason::ALL.len()],
    /// Requests cut off by the end of the run.
    pub interrupted: u64,
    /// Planned requests without a result yet. Negative in an interval that finished more than it planned.
    pub in_flight: i64,
    /// Requests that reached an established connection.
    pub sent: u64,
    /// Complete answers by code, right or wrong.
    pub codes: BTreeMap<Code, u64>,
    /// Answers by the server that gave them, as they say.
    pub by_backend: Backends,
    /// Complete answers that were not right.
    pub answered_wrong: u64,
    /// Requests that were to have no answer, and had none.
    pub silent: u64,
    /// What became of the requests that were sent and failed without an answer; filled in at the end of the run.
    pub fates: Fates,
    /// From the planned instant to the end.
    pub response: Durations,
    /// From the start of the attempt to the end.
    pub service: Durations,
    /// The target's own time, as it reports it: answered requests only, without asked delays.
    pub server: Durations,
    /// Latency of the path: first byte minus the target's time and the asked delay.
    pub network: Durations,
    /// Our own lateness: from the planned instant to the release, and from a free lane to its turn on the thread.
    pub lag: Durations,
    /// From the release to a free lane: the target was slow, or a bound is too small.
    pub wait: Durations,
    /// Between the messages of a stream, the first after the request; empty where a call has one.
    pub messages: Durations,
    /// Parts of the service time, where a threshold asks for one.
    pub parts: Parts,
    /// Payload bytes sent.
    pub sent_bytes: u64,
    /// Payload bytes received.
    pub received_bytes: u64,
    /// Connections opened.
    pub connections: u64,
    /// Segments over TCP that our kernel had to send again.
    pub retransmits: u64,
    /// Requests whose times show a timer of the kernel, by [`Sign::index`].
    pub signs: [u64; Sign::ALL.len()],
    /// Those that ended, by [`ConnectionEnd::index`].
    pub connections_closed: [u64; ConnectionEnd::ALL.len()],
    /// Queries over TCP that followed a truncated answer: the target received one for each beside those sent.
    pub fallbacks: u64,
    /// What happened to its name.
    pub names: NameAccount,
}

/// A request that begins, as it is accounted.
#[derive(Clone, Copy, Debug)]
pub struct Started {
    /// Our own lateness.
    pub lag: Duration,
    /// How long it waited for a lane.
    pub wait: Duration,
}

/// One finished request, as it is accounted.
#[derive(Clone, Copy, Debug)]
pub struct Finished {
    /// Our verdict.
    pub outcome: Outcome<ErrorClass>,
    /// From the planned instant to the end.
    pub response: Duration,
    /// From the start of the attempt to the end.
    pub service: Duration,
    /// The target's own time, if it reported one.
    pub server: Option<Duration>,
    /// The path's share, if the target reported its own.
    pub network: Option<Duration>,
    /// Who answered, as the answer says.
    pub backend: Option<Instance>,
    /// The answer declared that a fault was done by a rule, or not done: the label `injected`, whatever was asked for.
    pub is_declared: bool,
    /// A rule of the target had a hand in it, as the answer says.
    pub by_rule: bool,
    /// Payload bytes sent.
    pub sent_bytes: u64,
    /// Payload bytes received.
    pub received_bytes: u64,
}

impl OperationAccount {
    /// A slot came due and was taken up.
    pub fn scheduled(&mut self) {
        self.planned += 1;
        self.in_flight += 1;
    }

    /// Its request begins.
    pub fn started(&mut self, started: &Started) {
        self.lag.record(started.lag);
        self.wait.record(started.wait);
    }

    /// A slot that was taken up this late was given up.
    pub fn dropped(&mut self, reason: DropReason, lag: Duration) {
        self.dropped[reason.index()] += 1;
        self.in_flight -= 1;
        self.lag.record(lag);
    }

    /// A taken-up slot was cut off by the end of the run.
    pub fn interrupted(&mut self) {
        self.interrupted += 1;
        self.in_flight -= 1;
    }

    /// A request has its result.
    pub fn finished(&mut self, finished: &Finished) {
        self.in_flight -= 1;
        match finished.outcome.error() {
            None => self.success += 1,
            Some(error) => self.failures[error.index()] += 1,
        }
        if finished.by_rule {
            self.by_rule += 1;
            self.failed_by_rule += u64::from(!finished.outcome.is_success());
        }
        self.by_backend.count(finished.backend.as_ref(), finished.outcome);
        let code = finished.outcome.code();
        if code == Code::NONE {
            self.silent += u64::from(finished.outcome.is_success());
        } else {
            *self.codes.entry(code).or_default() += 1;
            self.answered_wrong += u64::from(!finished.outcome.is_success());
        }
        self.response.record(finished.response);
        self.service.record(finished.service);
        if let Some(server) = finished.server {
            self.server.record(server);
        }
        if let Some(network) = finished.network {
            self.network.record(network);
        }
        self.sent_bytes += finished.sent_bytes;
        self.received_bytes += finished.received_bytes;
    }

    /// Failed requests of any class.
    pub fn failed(&self) -> u64 {
        self.failures.iter().sum()
    }

    /// Requests with a result.
    pub fn finished_total(&self) -> u64 {
        self.success + self.failed()
    }

    /// Requests never started, for any reason.
    pub fn dropped_total(&self) -> u64 {
        self.dropped.iter().sum()
    }

    /// Complete answers, right or wrong.
    pub fn answered(&self) -> u64 {
        self.codes.values().sum()
    }

    /// Connections that are open; of an interval, by how many more they became.
    pub fn connections_open(&self) -> i128 {
        i128::from(self.connections) - i128::from(self.connections_closed.iter().sum::<u64>())
    }

    /// Requests that have a result or were dropped: of what was wanted, all that is known how it went.
    pub fn placed_total(&self) -> u64 {
        self.finished_total() + self.dropped_total()
    }

    /// Whether every planned request is in exactly one place.
    pub fn adds_up(&self) -> bool {
        let placed = self.placed_total() + self.interrupted;
        i128::from(self.planned) == i128::from(placed) + i128::from(self.in_flight)
    }

    /// All its histograms but [`Parts`].
    pub(crate) fn durations(&self) -> impl Iterator<Item = &Durations> {
        let OperationAccount { response, service, server, network, lag, wait, messages, .. } = self;
        [response, service, server, network, lag, wait, messages].into_iter()
    }

    /// The same, in the same order.
    pub(crate) fn durations_mut(&mut self) -> impl Iterator<Item = &mut Durations> {
        let OperationAccount { response, service, server, network, lag, wait, messages, .. } = self;
        [response, service, server, network, lag, wait, messages].into_iter()
    }

    /// Forgets all, and keeps the memory of the histograms.
    pub(crate) fn clear(&mut self) {
        self.durations_mut().for_each(Durations::clear);
        self.parts.clear();
        self.codes.clear();
        self.by_backend.clear();
        self.rules.clear();
        self.failures = Default::default();
        self.examples = Default::default();
        self.dropped = Default::default();
        self.connections_closed = Default::default();
        let counts = [
            &mut self.planned,
            &mut self.success,
            &mut self.by_rule,
            &mut self.failed_by_rule,
            &mut self.interrupted,
            &mut self.sent,
            &mut self.answered_wrong,
            &mut self.silent,
            &mut self.sent_bytes,
            &mut self.received_bytes,
            &mut self.connections,
            &mut self.fallbacks,
            &mut self.retransmits,
        ];
        counts.into_iter().chain(&mut self.signs).for_each(|count| *count = 0);
        self.in_flight = 0;
        self.fates = Fates::default();
        self.names = NameAccount::default();
    }

    /// Adds another's figures: of another worker, or of the next interval.
    pub fn merge(&mut self, other: &OperationAccount) {
        self.planned += other.planned;
        self.success += other.success;
        self.by_rule += other.by_rule;
        self.failed_by_rule += other.failed_by_rule;
        self.rules.merge(&other.rules);
        for (mine, theirs) in self.failures.iter_mut().zip(other.failures) {
            *mine += theirs;
        }
        for (mine, theirs) in self.examples.iter_mut().zip(&other.examples) {
            if mine.is_none() {
                mine.clone_from(theirs);
            }
        }
        for (mine, theirs) in self.dropped.iter_mut().zip(other.dropped) {
            *mine += theirs;
        }
        self.interrupted += other.interrupted;
        self.in_flight += other.in_flight;
        self.sent += other.sent;
        self.answered_wrong += other.answered_wrong;
        self.silent += other.silent;
        self.fates.merge(&other.fates);
        for (code, count) in &other.codes {
            *self.codes.entry(*code).or_default() += count;
        }
        self.by_backend.merge(&other.by_backend);
        self.durations_mut().zip(other.durations()).for_each(|(mine, theirs)| mine.merge(theirs));
        self.parts.merge(&other.parts);
        self.sent_bytes += other.sent_bytes;
        self.received_bytes += other.received_bytes;
        self.connections += other.connections;
        for (mine, theirs) in self.connections_closed.iter_mut().zip(other.connections_closed) {
            *mine += theirs;
        }
        self.fallbacks += other.fallbacks;
        self.retransmits += other.retransmits;
        for (mine, theirs) in self.signs.iter_mut().zip(other.signs) {
            *mine += theirs;
        }
        self.names.merge(&other.names);
    }
}

#[cfg(test)]
mod tests;
