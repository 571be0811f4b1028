//! The result of a run as data: what the table prints and `--json` writes.
//!
//! The JSON is an interface: fields are added, never renamed. `schema` counts incompatible changes.

mod backends;
mod latency;
mod names;
mod phases;
mod replicas;
mod rules;
mod unanswered;

use std::collections::BTreeMap;
use std::net::IpAddr;

use serde::Serialize;
use shared::account::{Account, OperationAccount as TargetAccount};
use shared::identity::Name;
use shared::outcome::{ConnectionEnd, DropReason, ErrorClass};

pub(crate) use self::backends::listed;
pub use self::backends::{Backends, NameBackends};
pub use self::latency::Latency;
pub use self::names::{Address, Names};
pub use self::phases::Phase;
use self::replicas::replicas;
pub use self::replicas::{Replica, Row as ReplicaRow};
pub use self::rules::Rules;
pub use self::unanswered::Unanswered;
use crate::account::OperationAccount;
use crate::difference::{Difference, Figures};
use crate::engine;
use crate::plan::Plan;
use crate::signature::Sign;
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
    /// How often the scenario was read again and taken up while it was run.
    pub reloads: u64,
    /// The judgement on the run.
    pub verdict: Judgement,
    /// All operations together.
    pub total: Side,
    /// By operation, in the scenario's order.
    pub operations: Vec<Operation>,
    /// By phase, in the scenario's order, all operations together; none if there is only one.
    pub phases: Vec<Phase>,
    /// Servers that answered, against the addresses of their names.
    pub backends: Vec<NameBackends>,
    /// Who was asked for an account, and who answered, by name.
    pub replicas: Vec<Replica>,
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
    /// The name, or address, that it is sent to.
    pub host: String,
    /// What it speaks.
    pub protocol: &'static str,
    /// Its planned rate, per second.
    pub rate_per_s: f64,
    /// Whether it asks for a fault.
    pub injected: bool,
    /// Whether the scenario was read again and has it no more.
    pub left: bool,
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
    pub signs: BTreeMap<&'static str, u64>,
    /// Those that ended, by reason; reasons that did not occur are left out. At the end of a run the sum is `connections`.
    pub connections_closed: BTreeMap<&'static str, u64>,
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

impl Summary {
    /// Of a finished run, with the target's account or why there is none, and which addresses each name has.
    pub fn new(
        plan: &Plan,
        session: &str,
        workers: u32,
        finished: &engine::Finished,
        target: Result<Told, String>,
        addresses: &BTreeMap<String, Vec<IpAddr>>,
    ) -> Summary {
        let mut total = OperationAccount::default();
        for account in &finished.accounts {
            total.merge(account);
        }
        let names = plan.operations.iter().map(|operation| operation.name.as_str());
        let accounts: Vec<_> = names.zip(&finished.accounts).collect();
        let error = finished.error.as_ref().map(ToString::to_string);
        let identified = plan.operations.iter().zip(&accounts).filter(|(operation, _)| operation.call.carries_id());
        let identified: Vec<_> = identified.map(|(_, account)| *account).collect();
        let replicas = replicas(target.as_ref().ok(), &identified);
        let differences = plan.operations.iter().zip(&finished.accounts).map(|(operation, account)| {
            let told = target.as_ref().ok().filter(|told| told.is_whole() && operation.call.carries_id())?;
            // Who answered and was never asked has an account of its own.
            if account.fates.is_disclaimed {
                return None;
            }
            let has_restarted = finished.has_restarted || told.gone_at.is_some();
            Some(Difference::new(&Figures::from(account), &of_target(&told.account, &operation.name), has_restarted))
        });
        let differences: Vec<Option<Difference>> = differences.collect();
        let not_compared = not_compared(target.as_ref().map_err(String::as_str), &identified);
        let (target, target_error) = match target {
            Ok(told) => (Some(told.account), None),
            Err(error) => (None, Some(error)),
        };
        let ended = Ended {
            is_continuous: finished.is_continuous,
            is_interrupted: finished.is_interrupted,
            unexplained: differences.iter().flatten().map(|difference| difference.unexplained).sum(),
            not_compared: not_compared.as_deref(),
            cut_short: finished.cut_short.as_deref(),
            error: error.as_deref(),
        };
        let (exit, reasons) = verdict(&accounts, &total, ended);
        let operations = plan.operations.iter().zip(&finished.accounts).zip(differences).zip(&finished.left);
        let operations = operations.map(|(((operation, account), difference), &left)| {
            let server = target.as_ref().map(|account| of_target(account, &operation.name));
            Operation {
                name: operation.name.to_string(),
                host: operation.endpoint.host.to_string(),
                protocol: operation.protocol().as_str(),
                rate_per_s: operation.rate.per_second(),
                injected: operation.injected,
                left,
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
            reloads: finished.reloads,
            verdict: Judgement { result: exit.as_str(), exit_code: exit.code(), reasons, exit },
            total: Side::from(&total),
            operations: operations.collect(),
            phases: Phase::list(plan, &finished.phases),
            backends: NameBackends::of(plan, &finished.accounts, addresses),
            replicas,
            target: target.map(|account| account.server),
            target_error,
        }
    }

    /// How the process should end.
    pub fn exit(&self) -> Exit {
        self.verdict.exit
    }
}

/// Why the accounts of operations that say who they are, or of some of them, were not set against each other, in words.
fn not_compared(target: Result<&Told, &str>, identified: &[(&str, &OperationAccount)]) -> Option<String> {
    if identified.is_empty() {
        return None;
    }
    let told = match target {
        Ok(told) => told,
        Err(error) => return Some(error.to_owned()),
    };
    let disclaimed = identified.iter().filter(|(_, account)| account.fates.is_disclaimed);
    let disclaimed: Vec<&str> = disclaimed.map(|(name, _)| *name).collect();
    match (&told.missing, &disclaimed[..]) {
        (Some(missing), _) => Some(missing.clone()),
        (None, []) => None,
        (None, names) => Some(format!("servers that were never asked answered {}", names.join(", "))),
    }
}

/// The target has no entry for an operation of which nothing arrived: that is a zero, not a blank.
pub(crate) fn of_target(account: &Account, operation: &Name) -> TargetAccount {
    account.operations.get(operation.as_str()).cloned().unwrap_or_default()
}

impl From<&OperationAccount> for Side {
    fn from(account: &OperationAccount) -> Side {
        let signs = Sign::ALL.into_iter().map(|sign| (sign.as_str(), account.signs[sign.index()]));
        let errors = ErrorClass::ALL.map(|class| (class.as_str(), account.failures[class.index()]));
        let ends = ConnectionEnd::ALL.map(|end| (end.as_str(), account.connections_closed[end.index()]));
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
        let wanted = self.success + self.failure + self.dropped_late + self.dropped_limit;
        (wanted > 0).then(|| self.success as f64 / wanted as f64)
    }
}
