//! The result of a run as data: what the table prints and `--json` writes.
//!
//! The JSON is an interface: fields are added, never renamed. `schema` counts incompatible changes.

use std::collections::BTreeMap;
use std::time::Duration;

use serde::Serialize;
use shared::account::{Account, OperationAccount as TargetAccount};
use shared::identity::Name;
use shared::outcome::{DropReason, ErrorClass, Fate};

use crate::account::{Durations, OperationAccount};
use crate::difference::{Difference, Figures};
use crate::engine;
use crate::fate::Fates;
use crate::plan::Plan;
use crate::target::Told;
use crate::verdict::{Ended, Exit, verdict};

/// Version of the JSON.
const SCHEMA: u32 = 1;

/// A whole run.
#[derive(Debug, Serialize)]
pub struct Summary {
    /// Version of this structure.
    pub schema: u32,
    /// Version of the program.
    pub version: &'static str,
    /// Who injected.
    pub source: String,
    /// The run.
    pub session: String,
    /// Seconds during which requests were planned.
    pub planned_for_s: f64,
    /// Seconds from the first slot to the last result.
    pub took_s: f64,
    /// Threads that sent.
    pub workers: u32,
    /// The judgement on the run.
    pub verdict: Judgement,
    /// All operations together.
    pub total: Side,
    /// By operation, in the scenario's order.
    pub operations: Vec<Operation>,
    /// The target instance that gave its account.
    pub target: Option<String>,
    /// Why the target's account is missing.
    pub target_error: Option<String>,
}

/// Whether the run may be believed.
#[derive(Debug, Serialize)]
pub struct Judgement {
    /// In one word.
    pub result: &'static str,
    /// The process's exit code.
    pub exit_code: u8,
    /// Why, most important first.
    pub reasons: Vec<String>,
    #[serde(skip)]
    pub(crate) exit: Exit,
}

/// One operation on both sides.
#[derive(Debug, Serialize)]
pub struct Operation {
    /// Its name.
    pub name: String,
    /// What it speaks.
    pub protocol: &'static str,
    /// Its planned rate, per second.
    pub rate_per_s: f64,
    /// Whether it asks for a fault.
    pub injected: bool,
    /// What the injector saw.
    pub client: Side,
    /// What the target saw, if it told.
    pub server: Option<TargetAccount>,
    /// What fault rules of the target did to it, from both sides together.
    pub rules: Rules,
    /// Both sides set against each other; nothing if a part of the target's side is missing, or its requests say not who
    /// they are.
    pub difference: Option<Difference>,
}

/// What fault rules of the target did to an operation. A client cannot tell a reset or a lost datagram of theirs from one of
/// the path, so only both accounts together say how many failures are theirs.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Rules {
    /// Requests that they had a hand in, as the target counts. Without its account: as the answers say.
    pub hits: u64,
    /// Of those, the ones whose answer said so.
    pub declared: u64,
    /// Failures of the injector's that they explain: those whose answer said so, and of the others that reached the target
    /// at most as many as were hit without saying so.
    pub failures: u64,
}

impl Rules {
    fn new(client: &OperationAccount, server: Option<&TargetAccount>) -> Rules {
        let declared = client.by_rule;
        let hits = server.map_or(declared, |server| server.by_rule.max(declared));
        let is_sent = |class: &ErrorClass| !class.is_before_sending() && *class != ErrorClass::Internal;
        let sent: u64 = ErrorClass::ALL.iter().filter(|c| is_sent(c)).map(|class| client.failures[class.index()]).sum();
        let undeclared = (hits - declared).min(sent.saturating_sub(client.failed_by_rule));
        Rules { hits, declared, failures: client.failed_by_rule + undeclared }
    }
}

/// The injector's account, in figures. `planned = success + failure + dropped_late + dropped_limit + interrupted +
/// in_flight`.
#[derive(Debug, Serialize)]
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
    pub errors: BTreeMap<&'static str, u64>,
    /// The first failure of each class, in words.
    pub examples: BTreeMap<&'static str, String>,
    /// Complete answers by code.
    pub codes: BTreeMap<String, u64>,
    /// Payload bytes sent.
    pub sent_bytes: u64,
    /// Payload bytes received.
    pub received_bytes: u64,
    /// Connections opened.
    pub connections: u64,
    /// Pooled connections that the peer ended while idle.
    pub connections_lost: u64,
    /// Asked again over TCP, because the answer was truncated: the target received as many more.
    pub fallbacks: u64,
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

/// A distribution of durations, in microseconds.
#[derive(Debug, Serialize)]
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

/// What became of unanswered requests. `total = request_lost + response_lost + unknown`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Unanswered {
    /// How many there were.
    pub total: u64,
    /// Never arrived at the target.
    pub request_lost: u64,
    /// Arrived, and the answer did not come back.
    pub response_lost: u64,
    /// It cannot be told.
    pub unknown: u64,
    /// Why not: `restarted`, `unreachable`, `forgotten`, `overflow`, `anonymous`; reasons that did not occur are left out.
    pub reasons: BTreeMap<&'static str, u64>,
}

impl From<&Fates> for Unanswered {
    fn from(fates: &Fates) -> Unanswered {
        Unanswered {
            total: fates.total(),
            request_lost: fates.of(Fate::RequestLost),
            response_lost: fates.of(Fate::ResponseLost),
            unknown: fates.of(Fate::Unknown),
            reasons: fates.doubts(),
        }
    }
}

impl Summary {
    /// Of a finished run, with the target's account or why there is none.
    pub fn new(
        plan: &Plan,
        session: &str,
        workers: u32,
        finished: &engine::Finished,
        target: Result<Told, String>,
    ) -> Summary {
        let mut total = OperationAccount::default();
        for account in &finished.accounts {
            total.merge(account);
        }
        let names = plan.operations.iter().map(|operation| operation.name.as_str());
        let accounts: Vec<_> = names.zip(&finished.accounts).collect();
        let error = finished.error.as_ref().map(ToString::to_string);
        let (target, target_error) = match target {
            Ok(told) => (Some(told), None),
            Err(error) => (None, Some(error)),
        };
        let differences = plan.operations.iter().zip(&finished.accounts).map(|(operation, account)| {
            let told = target.as_ref().filter(|told| told.is_whole && operation.call.carries_id())?;
            Some(Difference::new(
                &Figures::from(account),
                &of_target(&told.account, &operation.name),
                finished.has_restarted,
            ))
        });
        let differences: Vec<Option<Difference>> = differences.collect();
        let target = target.map(|told| told.account);
        let ended = Ended {
            is_continuous: finished.is_continuous,
            is_interrupted: finished.is_interrupted,
            unexplained: differences.iter().flatten().map(|difference| difference.unexplained).sum(),
            error: error.as_deref(),
        };
        let (exit, reasons) = verdict(&accounts, &total, ended);
        let operations = plan.operations.iter().zip(&finished.accounts).zip(differences);
        let operations = operations.map(|((operation, account), difference)| {
            let server = target.as_ref().map(|account| of_target(account, &operation.name));
            Operation {
                name: operation.name.to_string(),
                protocol: operation.protocol().as_str(),
                rate_per_s: operation.rate.per_second(),
                injected: operation.injected,
                client: Side::from(account),
                rules: Rules::new(account, server.as_ref()),
                server,
                difference,
            }
        });
        Summary {
            schema: SCHEMA,
            version: env!("CARGO_PKG_VERSION"),
            source: plan.source.to_string(),
            session: session.to_owned(),
            planned_for_s: finished.planned_for.as_secs_f64(),
            took_s: finished.took.as_secs_f64(),
            workers,
            verdict: Judgement { result: exit.as_str(), exit_code: exit.code(), reasons, exit },
            total: Side::from(&total),
            operations: operations.collect(),
            target: target.map(|account| account.server),
            target_error,
        }
    }

    /// How the process should end.
    pub fn exit(&self) -> Exit {
        self.verdict.exit
    }
}

/// The target has no entry for an operation of which nothing arrived: that is a zero, not a blank.
pub(crate) fn of_target(account: &Account, operation: &Name) -> TargetAccount {
    account.operations.get(operation.as_str()).cloned().unwrap_or_default()
}

impl From<&OperationAccount> for Side {
    fn from(account: &OperationAccount) -> Side {
        let errors = ErrorClass::ALL.map(|class| (class.as_str(), account.failures[class.index()]));
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
                .filter_map(|class| Some((class.as_str(), account.examples[class.index()].clone()?)))
                .collect(),
            codes: account.codes.iter().map(|(code, count)| (code.label(), *count)).collect(),
            sent_bytes: account.sent_bytes,
            received_bytes: account.received_bytes,
            connections: account.connections,
            connections_lost: account.connections_lost,
            fallbacks: account.fallbacks,
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
        let wanted = self.success + self.failure + self.dropped_late + self.dropped_limit;
        (wanted > 0).then(|| self.success as f64 / wanted as f64)
    }
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn failures_are_the_rules_as_far_as_both_accounts_say_so() {
        // Declared, of those failed; failed without an answer, failed before the target saw anything; hits that it counted.
        let cases = [
            ("no rules", (0, 0, 3, 2), Some(0), (0, 0, 0)),
            ("declared and failed", (5, 5, 0, 0), Some(5), (5, 5, 5)),
            ("declared and passed: a delay", (5, 0, 0, 0), Some(5), (5, 5, 0)),
            ("resets, which no answer declares", (0, 0, 4, 0), Some(4), (4, 0, 4)),
            ("both, and failures of others", (5, 5, 9, 3), Some(9), (9, 5, 9)),
            ("hits that did not fail", (5, 5, 1, 3), Some(9), (9, 5, 6)),
            ("the target said nothing", (5, 5, 4, 0), None, (5, 5, 5)),
            ("another instance was asked", (5, 5, 4, 0), Some(2), (5, 5, 5)),
        ];
        for (case, (declared, failed, unanswered, unsent), told, (hits, said, failures)) in cases {
            let mut client = OperationAccount { by_rule: declared, failed_by_rule: failed, ..Default::default() };
            client.failures[ErrorClass::Status.index()] = failed;
            client.failures[ErrorClass::Reset.index()] = unanswered;
            client.failures[ErrorClass::ConnectRefused.index()] = unsent;
            let server = told.map(|by_rule| TargetAccount { by_rule, ..Default::default() });
            let expected = Rules { hits, declared: said, failures };
            assert_eq!(Rules::new(&client, server.as_ref()), expected, "{case}");
        }
    }
}
