//! One operation, or all together, as the injector saw it, in figures.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use shared::outcome::{ConnectionEnd, DropReason, ErrorClass};

use super::{Backends, Latency, Names, Unanswered};
use crate::account::OperationAccount;
use crate::signature::Sign;

/// The injector's account, in figures. `planned = success + failure + dropped_late + dropped_limit + interrupted +
/// in_flight`.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct Side {
    /// Slots that came due.
    pub planned: u64,
    /// Requests that reached a connection.
    pub sent: u64,
    /// Complete answers, right or wrong.
    pub answered: u64,
    /// Requests that were what was asked for.
    pub success: u64,
    /// Requests that were not.
    pub failure: u64,
    /// Never started: the injector was late.
    pub dropped_late: u64,
    /// Never started: nothing was free.
    pub dropped_limit: u64,
    /// Cut off by the end of the run.
    pub interrupted: u64,
    /// Without a result; 0 at the end.
    pub in_flight: i64,
    /// Requests whose answer says that a rule of the target had a hand in it.
    pub by_rule: u64,
    /// Of those, the ones that failed.
    pub failure_by_rule: u64,
    /// What became of the requests that were sent and failed without an answer.
    pub unanswered: Unanswered,
    /// Failures by class; classes that did not occur are left out.
    pub errors: BTreeMap<String, u64>,
    /// The first failure of each class, in words.
    pub examples: BTreeMap<String, String>,
    /// Complete answers by code.
    pub codes: BTreeMap<String, u64>,
    /// Answers by the server that gave them.
    pub by_backend: Backends,
    /// Payload bytes sent.
    pub sent_bytes: u64,
    /// Payload bytes received.
    pub received_bytes: u64,
    /// Connections opened.
    pub connections: u64,
    /// Segments over TCP that the injector's kernel had to send again.
    pub retransmits: u64,
    /// Requests whose times show a timer of the kernel, by what it means; what did not occur is left out.
    pub signs: BTreeMap<String, u64>,
    /// Those that ended, by reason; reasons that did not occur are left out. At the end of a run the sum is `connections`.
    pub connections_closed: BTreeMap<String, u64>,
    /// Asked again over TCP, because the answer was truncated: the target received as many more.
    pub fallbacks: u64,
    /// What happened to the target's name.
    pub names: Names,
    /// Planned instant to end.
    pub response: Latency,
    /// Start of sending to end.
    pub service: Latency,
    /// The target's own time, as it reports it.
    pub server: Latency,
    /// The path's share.
    pub network: Latency,
    /// Between the messages of streams.
    pub messages: Latency,
    /// The injector's own lateness.
    pub lag: Latency,
    /// From the release to a free connection.
    pub wait: Latency,
}

impl From<&OperationAccount> for Side {
    fn from(account: &OperationAccount) -> Side {
        let signs = Sign::ALL.into_iter().map(|sign| (sign.as_str().to_owned(), account.signs[sign.index()]));
        let errors = ErrorClass::ALL.map(|class| (class.as_str().to_owned(), account.failures[class.index()]));
        let ends = ConnectionEnd::ALL.map(|end| (end.as_str().to_owned(), account.connections_closed[end.index()]));
        Side {
            planned: account.planned,
            sent: account.sent,
            answered: account.answered(),
            success: account.success,
            failure: account.failed(),
            dropped_late: account.dropped[DropReason::Late.index()],
            dropped_limit: account.dropped[DropReason::Limit.index()],
            interrupted: account.interrupted,
            in_flight: account.in_flight,
            by_rule: account.by_rule,
            failure_by_rule: account.failed_by_rule,
            unanswered: Unanswered::from(&account.fates),
            errors: errors.into_iter().filter(|(_, count)| *count > 0).collect(),
            examples: ErrorClass::ALL
                .into_iter()
                .filter_map(|class| Some((class.as_str().to_owned(), account.examples[class.index()].clone()?)))
                .collect(),
            codes: account.codes.iter().map(|(code, count)| (code.label(), *count)).collect(),
            by_backend: Backends::from(&account.by_backend),
            sent_bytes: account.sent_bytes,
            received_bytes: account.received_bytes,
            connections: account.connections,
            retransmits: account.retransmits,
            signs: signs.filter(|(_, count)| *count > 0).collect(),
            connections_closed: ends.into_iter().filter(|(_, count)| *count > 0).collect(),
            fallbacks: account.fallbacks,
            names: Names::from(&account.names),
            response: Latency::from(&account.response),
            service: Latency::from(&account.service),
            server: Latency::from(&account.server),
            network: Latency::from(&account.network),
            messages: Latency::from(&account.messages),
            lag: Latency::from(&account.lag),
            wait: Latency::from(&account.wait),
        }
    }
}

impl Side {
    /// Share of the planned requests that were right; nothing if there were none. What was dropped was wanted and not had;
    /// what the end of the run cut off is nobody's failure.
    pub fn success_ratio(&self) -> Option<f64> {
        (self.wanted() > 0).then(|| self.success as f64 / self.wanted() as f64)
    }

    /// Requests that are held against what is to be reached: all but those that the end of the run cut off.
    pub fn wanted(&self) -> u64 {
        self.success + self.failure + self.dropped_late + self.dropped_limit
    }
}
