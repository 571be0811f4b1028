//! The result of a run as data: what the table prints and `--json` writes.
//!
//! The JSON is an interface: fields are added, never renamed. `schema` counts incompatible changes. What is saved is read
//! again by [`crate::report`]: keys that are not known are passed over, and those that came later default to nothing.

mod backends;
mod environment;
mod latency;
mod lateness;
mod names;
mod phases;
mod print;
mod replicas;
mod rules;
mod side;
mod thresholds;
mod unanswered;

use std::collections::BTreeMap;
use std::net::IpAddr;

use serde::{Deserialize, Serialize};
use shared::account::{Account, OperationAccount as TargetAccount};
use shared::identity::Name;

pub(crate) use self::backends::listed;
pub use self::backends::{Backends, NameBackends};
pub use self::environment::Environment;
pub use self::latency::Latency;
pub use self::names::{Address, Names};
pub use self::phases::Phase;
use self::replicas::replicas;
pub use self::replicas::{Replica, Row as ReplicaRow};
pub use self::rules::Rules;
pub use self::side::Side;
pub use self::thresholds::{ThresholdResult, ThresholdState};
pub use self::unanswered::Unanswered;
use crate::account::OperationAccount;
use crate::difference::{Difference, Figures};
use crate::engine;
use crate::plan::Plan;
use crate::preflight::Finding;
use crate::scenario;
use crate::target::Told;
use crate::threshold::{Compared, Report};
use crate::timeline;
use crate::verdict::{Ended, Exit, verdict};

/// Version of the JSON.
pub const SCHEMA: u32 = 1;
/// What the JSON looks like, as a JSON Schema.
pub const JSON_SCHEMA: &str = include_str!("summary/result.schema.json");

/// A whole run.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Summary {
    /// Version of this structure.
    pub schema: u32,
    /// Version of the program.
    #[serde(default)]
    pub version: String,
    /// Who injected.
    #[serde(default)]
    pub source: String,
    /// The run.
    #[serde(default)]
    pub session: String,
    /// What was run: the scenario's file.
    #[serde(default)]
    pub scenario: String,
    /// Its text, without what looks like a secret.
    #[serde(default)]
    pub scenario_text: String,
    /// When its first slot was, in seconds since 1970; nothing if it had none.
    #[serde(default)]
    pub started_unix_s: Option<f64>,
    /// Seconds during which requests were planned.
    pub planned_for_s: f64,
    /// Seconds from the first slot to the last result.
    #[serde(default)]
    pub took_s: f64,
    /// Threads that sent.
    #[serde(default)]
    pub workers: u32,
    /// The machine that sent.
    #[serde(default)]
    pub environment: Environment,
    /// What this machine could do before the run; whoever looked fills it in.
    #[serde(default)]
    pub preflight: Vec<Finding>,
    /// How often the scenario was read again and taken up while it was run.
    #[serde(default)]
    pub reloads: u64,
    /// The judgement on the run.
    pub verdict: Judgement,
    /// What became of each threshold, in the scenario's order.
    #[serde(default)]
    pub thresholds: Vec<ThresholdResult>,
    /// All operations together.
    pub total: Side,
    /// By operation, in the scenario's order.
    pub operations: Vec<Operation>,
    /// By phase, in the scenario's order, all operations together; none if there is only one.
    #[serde(default)]
    pub phases: Vec<Phase>,
    /// Servers that answered, against the addresses of their names.
    #[serde(default)]
    pub backends: Vec<NameBackends>,
    /// Who was asked for an account, and who answered, by name.
    #[serde(default)]
    pub replicas: Vec<Replica>,
    /// The target instance that gave its account.
    #[serde(default)]
    pub target: Option<String>,
    /// Why the target's account is missing.
    #[serde(default)]
    pub target_error: Option<String>,
    /// The run as a time series; nothing of several runs added up. Whoever kept it fills it in.
    #[serde(default)]
    pub timeline: Option<timeline::Figures>,
}

/// Whether the run may be believed.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Judgement {
    /// In one word.
    pub result: String,
    /// The process's exit code.
    pub exit_code: u8,
    /// Why, most important first.
    #[serde(default)]
    pub reasons: Vec<String>,
}

/// One operation on both sides.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Operation {
    /// Its name.
    pub name: String,
    /// The name, or address, that it is sent to.
    #[serde(default)]
    pub host: String,
    /// What it speaks.
    #[serde(default)]
    pub protocol: String,
    /// Its planned rate, per second.
    #[serde(default)]
    pub rate_per_s: f64,
    /// Whether it asks for a fault.
    #[serde(default)]
    pub injected: bool,
    /// Whether the scenario was read again and has it no more.
    #[serde(default)]
    pub left: bool,
    /// What the injector saw.
    pub client: Side,
    /// What the target saw, if it told.
    #[serde(default)]
    pub server: Option<TargetAccount>,
    /// What fault rules of the target did to it, from both sides together.
    #[serde(default)]
    pub rules: Rules,
    /// Both sides set against each other; nothing if a part of the target's side is missing, or its requests say not who
    /// they are.
    #[serde(default)]
    pub difference: Option<Difference>,
}

impl Summary {
    /// Of a finished run, with the target's account or why there is none, and which addresses each name has; and how the
    /// process should end. `thresholds` judges them, once it is known what both sides said. When and where it ran is for the
    /// caller to fill in.
    pub fn new(
        plan: &Plan,
        session: &str,
        workers: u32,
        finished: &engine::Finished,
        target: Result<Told, String>,
        addresses: &BTreeMap<String, Vec<IpAddr>>,
        thresholds: impl FnOnce(&[Option<Compared>]) -> Vec<Report>,
    ) -> (Summary, Exit) {
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
        let compared: Vec<_> = differences.iter().map(|one| one.as_ref().map(Compared::from)).collect();
        let thresholds: Vec<_> = thresholds(&compared).iter().map(ThresholdResult::from).collect();
        let not_compared = not_compared(target.as_ref().map_err(String::as_str), &identified);
        let (target, target_error) = match target {
            Ok(told) => (Some(told.account), None),
            Err(error) => (None, Some(error)),
        };
        let crossed = thresholds.iter().filter(|one| one.result != ThresholdState::Holds);
        let crossed: Vec<String> = crossed.map(ThresholdResult::reason).collect();
        let ended = Ended {
            is_continuous: finished.is_continuous,
            is_interrupted: finished.is_interrupted,
            unexplained: differences.iter().flatten().map(|difference| difference.unexplained).sum(),
            not_compared: not_compared.as_deref(),
            cut_short: finished.cut_short.as_deref(),
            saturation: finished.saturation.as_deref(),
            unloaded: if finished.planned_for.is_zero() { Some(NEVER_BEGAN) } else { plan.silence() },
            error: error.as_deref(),
            crossed: &crossed,
            is_aborted: thresholds.iter().any(|one| one.aborted),
        };
        let (exit, reasons) = verdict(&accounts, &total, ended);
        let operations = plan.operations.iter().zip(&finished.accounts).zip(differences).zip(&finished.left);
        let operations = operations.map(|(((operation, account), difference), &left)| {
            let server = target.as_ref().map(|account| of_target(account, &operation.name));
            Operation {
                name: operation.name.to_string(),
                host: operation.endpoint.host.to_string(),
                protocol: operation.protocol().as_str().to_owned(),
                rate_per_s: operation.rate.per_second(),
                injected: operation.injected,
                left,
                client: Side::from(account),
                rules: Rules::new(account, server.as_ref()),
                server,
                difference,
            }
        });
        let summary = Summary {
            schema: SCHEMA,
            version: env!("CARGO_PKG_VERSION").to_owned(),
            source: plan.source.to_string(),
            session: session.to_owned(),
            scenario: String::new(),
            scenario_text: scenario::shown(plan.sources.text()),
            started_unix_s: None,
            planned_for_s: finished.planned_for.as_secs_f64(),
            took_s: finished.took.as_secs_f64(),
            workers,
            environment: Environment::default(),
            preflight: Vec::new(),
            reloads: finished.reloads,
            verdict: Judgement { result: exit.as_str().to_owned(), exit_code: exit.code(), reasons },
            thresholds,
            total: Side::from(&total),
            operations: operations.collect(),
            phases: Phase::list(plan, &finished.phases),
            backends: NameBackends::of(plan, &finished.accounts, addresses),
            replicas,
            target: target.map(|account| account.server),
            target_error,
            timeline: None,
        };
        (summary, exit)
    }

    /// As it is saved.
    pub fn to_json(&self) -> Vec<u8> {
        print::print(self)
    }
}

const NEVER_BEGAN: &str = "the run was ended before it began";

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
