//! The command line of `injector`: what is asked, checked, turned into a [`Job`]. The only place that reads the
//! environment.

mod control;
mod fault;
mod outputs;
mod probe;
mod report;
mod scenario;
mod threshold;
mod ui;

use std::net::SocketAddr;
use std::num::NonZeroU32;
use std::path::PathBuf;
use std::time::Duration;

use clap::{Args, Parser, Subcommand};
use shared::identity::Source;
use shared::manual::Manual;
use shared::protocol::INJECTOR_ADMIN_PORT;
use shared::units::parse_duration;

pub use self::control::{ControlArgs, ControlCommand, InjectorArgs};
pub use self::fault::{AdminArgs, ApplyArgs, FaultArgs, FaultCommand, Identified, Power, WaitArgs};
pub use self::outputs::OutputArgs;
pub use self::probe::ProbeArgs;
pub use self::report::ReportArgs;
use self::scenario::ScenarioArgs;
pub use self::scenario::{CheckArgs, NewArgs};
pub use self::threshold::ThresholdArgs;
pub use self::ui::UiArgs;
use crate::compat::{Compat, Tags};
use crate::engine::Options;
use crate::pacer::Quantum;
use crate::plan::{
    Address, Keepalive, NameServer, Overrides, Plan, Ports, Resolve, Select, Sources, WrittenArrival, in_flight, seed,
};
use crate::preflight::{System, raise_descriptor_limit};
use crate::rate::Rate;
use crate::scenario::Scenario;
use crate::session::Job;
use crate::verdict::Exit;

/// Drives scripted mixes of requests against a target, open loop, and accounts for every one on both sides.
///
/// Exit codes: 0 passed, 1 a probe's call failed, or a rule or a change was refused, 2 usage, 97 target or admin port unreachable,
/// 98 the run is not valid, 99 thresholds crossed or a result worse than another, 104 invalid scenario, 105 a finite run was
/// interrupted.
#[derive(Debug, Parser)]
#[command(name = "injector", version, max_term_width = 100)]
pub struct Cli {
    /// Least severity that is logged to standard error: error, warn, info, debug, trace.
    #[arg(long, env = "CLOAD_LOG_LEVEL", default_value = "info", global = true)]
    pub log_level: tracing::Level,
    /// What to do.
    #[command(subcommand)]
    pub command: Command,
}

/// What to do.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Run a scenario, for a while or until told to stop.
    Run(RunArgs),
    /// Say what a scenario means, in words and numbers, and refuse what cannot work. Sends nothing.
    Check(CheckArgs),
    /// Write a scenario to start from, with comments.
    New(NewArgs),
    /// Print the JSON Schema of scenario files.
    Schema,
    /// Call once, or a few times, and say what came: exit code 0 if it was right, 1 if not.
    Probe(ProbeArgs),
    /// Pause, resume, start, stop or change a run that is under way, or say how it stands.
    Control(ControlArgs),
    /// Rules that make the target misbehave for a while, on every replica or on none.
    Fault(FaultArgs),
    /// Tell a saved result, compare two, or add up shards of one run.
    Report(ReportArgs),
    /// For packagers.
    #[command(flatten)]
    Manual(Manual),
}

/// `injector run`.
#[derive(Debug, Args)]
pub struct RunArgs {
    #[command(flatten)]
    scenario: ScenarioArgs,
    #[command(flatten)]
    pub(crate) run: LengthArgs,
    /// Where /metrics, /livez, /readyz, /version and the API are served; port 0 lets the system choose.
    #[arg(long, env = "CLOAD_ADMIN_ADDRESS", default_value_t = SocketAddr::from(([0, 0, 0, 0], INJECTOR_ADMIN_PORT)))]
    admin_address: SocketAddr,
    #[command(flatten)]
    outputs: OutputArgs,
    #[command(flatten)]
    api: ApiArgs,
    /// Serve /metrics this long after the result, so that the last figures are scraped; a signal ends it. Two scrape
    /// intervals are enough.
    #[arg(long, value_name = "DURATION", env = "CLOAD_LINGER", value_parser = some_time)]
    linger: Option<Duration>,
    #[command(flatten)]
    ui: UiArgs,
    #[command(flatten)]
    compat: CompatArgs,
}

/// Who may change the run; shared with the pair.
#[derive(Debug, Args)]
pub struct ApiArgs {
    /// File with the token that a change on the admin port needs (start, stop, pause, rate, ..); without one nobody changes
    /// anything there. Read again with every change.
    #[arg(long, env = "CLOAD_API_TOKEN_FILE", value_name = "FILE")]
    pub api_token_file: Option<PathBuf>,
}

/// How long and how to run; shared with the pair.
#[derive(Debug, Args)]
pub struct LengthArgs {
    /// Plan requests for this long (30s, 10m, 1h30m), then report; without it, until SIGINT or SIGTERM (the pair: 20s).
    #[arg(long = "for", visible_alias = "duration", value_name = "DURATION", env = "CLOAD_FOR", value_parser = some_time)]
    pub length: Option<Duration>,
    /// Wait to be started: everything is ready, nothing is sent until the admin port is told to start.
    #[arg(long = "paused", env = "CLOAD_PAUSED")]
    pub is_paused: bool,
    /// Threads that send; by default one up to 2000 requests per second, else one per core.
    #[arg(long, env = "CLOAD_WORKERS", value_parser = workers)]
    pub workers: Option<NonZeroU32>,
    /// How often a worker may wake up for its schedule.
    #[arg(long, env = "CLOAD_QUANTUM", value_enum, default_value_t = Quantum::Precise)]
    pub quantum: Quantum,
}

/// Metrics beside our own; shared with the pair.
#[derive(Debug, Args)]
pub struct CompatArgs {
    /// Export the metrics of another tool as well, for dashboards and alerts made for it. They have URLs in labels.
    #[arg(long, env = "CLOAD_COMPAT", value_name = "WHOSE", value_enum, default_value_t)]
    compat: Compat,
    /// Labels that all of those metrics carry, at most 16: team=payments,stage=test.
    #[arg(long, env = "CLOAD_COMPAT_TAGS", value_name = "NAME=VALUE,..", requires = "compat")]
    compat_tags: Option<Tags>,
}

impl CompatArgs {
    /// The labels of k6's metrics, if those are asked for.
    pub fn k6(&self) -> Option<Tags> {
        (self.compat == Compat::K6).then(|| self.compat_tags.clone().unwrap_or_default())
    }
}

impl LengthArgs {
    /// As the engine takes it.
    pub fn options(&self) -> Options {
        Options { length: self.length, is_paused: self.is_paused, workers: self.workers, quantum: self.quantum }
    }
}

/// Flags that say where; they win over the scenario file.
#[derive(Debug, Args)]
struct TargetArgs {
    /// Where requests go: host, host:port, http://host:port or https://host:port. The port is that of HTTP; the other
    /// protocols have their own.
    #[arg(long, env = "CLOAD_TARGET")]
    target: Option<Address>,
    /// The target's admin port, which gives its account; by default the target's host, port 9797.
    #[arg(long, env = "CLOAD_TARGET_ADMIN")]
    target_admin: Option<Address>,
}

/// Flags that say how much and how; they win over the scenario file. Shared with the pair, which knows its target.
#[derive(Debug, Args)]
pub struct LoadArgs {
    /// Rate of the whole mix, such as 10/s, 600/m or 0.5/s.
    #[arg(long, env = "CLOAD_RATE")]
    pub rate: Option<Rate>,
    /// How requests are spaced: uniform, poisson, burst(100, 5ms), ramp(0%..100%, 1m), sine(50%, 10m) or steps(50%: 1m, 100%).
    #[arg(long, env = "CLOAD_ARRIVAL")]
    pub arrival: Option<WrittenArrival>,
    /// Longest time for one request, connecting included.
    #[arg(long, env = "CLOAD_TIMEOUT", value_parser = some_time)]
    pub timeout: Option<Duration>,
    /// The silence after which a connection's peer is asked whether it is still there, or off; 10s without a word.
    #[arg(long, env = "CLOAD_KEEPALIVE")]
    pub keepalive: Option<Keepalive>,
    /// Drop a request that could not be started this long after its planned instant; by default the timeout.
    #[arg(long, env = "CLOAD_MAX_LAG", value_parser = some_time)]
    pub max_lag: Option<Duration>,
    /// Most requests in flight at once; by default twice what a hanging target would hold.
    #[arg(long, env = "CLOAD_MAX_IN_FLIGHT", value_parser = in_flight)]
    pub max_in_flight: Option<NonZeroU32>,
    /// Who injects, for the label `source`: <namespace>/<release>.
    #[arg(long, env = "CLOAD_SOURCE")]
    pub source: Option<Source>,
    /// The name server to ask, instead of the first of /etc/resolv.conf: 10.96.0.10 or 127.0.0.1:5353.
    #[arg(long, env = "CLOAD_NAMESERVER", value_name = "ADDRESS")]
    pub nameserver: Option<NameServer>,
    /// When the target's name is looked up: per_connection, ttl, interval(30s) or once.
    #[arg(long, env = "CLOAD_RESOLVE")]
    pub resolve: Option<Resolve>,
    /// Which of its addresses is taken: rr (in turn), random, or all, each with connections of its own.
    #[arg(long, env = "CLOAD_SELECT")]
    pub select: Option<Select>,
    /// Addresses of this machine that connections come from, in turn: 127.0.1.0/28 or 10.0.0.7,10.0.0.8.
    #[arg(long, env = "CLOAD_SOURCE_ADDRESSES", value_name = "ADDRESSES")]
    pub source_addresses: Option<Sources>,
    /// Seed of everything that is drawn.
    #[arg(long, env = "CLOAD_SEED", value_parser = seed)]
    pub seed: Option<u64>,
    /// What the run has to meet.
    #[command(flatten)]
    pub thresholds: ThresholdArgs,
}

impl LoadArgs {
    /// As the plan takes them, against this target.
    pub fn overrides(&self, target: Option<Address>, admin: Option<Address>) -> Overrides {
        Overrides {
            target,
            admin,
            ports: Ports::default(),
            rate: self.rate,
            arrival: self.arrival.clone(),
            timeout: self.timeout,
            keepalive: self.keepalive,
            max_lag: self.max_lag,
            max_in_flight: self.max_in_flight,
            source: self.source,
            seed: self.seed,
            nameserver: self.nameserver,
            resolve: self.resolve,
            select: self.select,
            sources: self.source_addresses.clone(),
            thresholds: self.thresholds.all(),
        }
    }
}

impl RunArgs {
    /// The job, or everything that is wrong with it.
    ///
    /// # Errors
    /// The text to print and the exit code.
    pub fn job(&self) -> Result<Job, (Exit, String)> {
        let found = self.scenario.find()?;
        found.notes.iter().for_each(|note| tracing::warn!("{note}"));
        let (plan, options) = (self.scenario.plan(&found)?, self.run.options());
        plan.doubts(options.length).iter().for_each(|doubt| tracing::warn!("{doubt}"));
        Ok(Job {
            name: found.name().to_owned(),
            ui: self.ui.setup(plan.length(options.length), self.outputs.is_stdout_taken())?,
            origin: self.scenario.origin(&found),
            plan,
            options,
            admin_address: self.admin_address,
            outputs: self.outputs.outputs(),
            api_token_file: self.api.api_token_file.clone(),
            linger: self.linger,
            k6: self.compat.k6().map(|tags| found.tags.unwrap_or(tags)),
        })
    }
}

/// What a variable holds, for `${NAME}` in scenario files.
pub fn environment(name: &str) -> Option<String> {
    std::env::var(name).ok()
}

/// Gives a scenario its meaning on this machine.
///
/// # Errors
/// Everything that is wrong with it, and the exit code.
pub fn plan(scenario: &Scenario, overrides: &Overrides) -> Result<Plan, (Exit, String)> {
    let system = raise_descriptor_limit().and_then(|_| System::read());
    let system = system.map_err(|error| (Exit::Invalid, format!("this machine's limits: {error}")))?;
    Plan::new(scenario, overrides, &system).map_err(|problems| (Exit::Scenario, problems.to_string()))
}

/// A number of threads.
fn workers(text: &str) -> Result<NonZeroU32, String> {
    text.parse().map_err(|_| format!("{text:?} is not a number of threads; 1 or more would be"))
}

/// A duration that is not zero.
fn some_time(text: &str) -> Result<Duration, String> {
    match parse_duration(text) {
        Ok(Duration::ZERO) => Err("zero is no length of time; 30s or 10m would be".to_owned()),
        Ok(duration) => Ok(duration),
        Err(error) => Err(format!("{}; expected {}", error.reason, error.expected)),
    }
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory;

    use super::*;

    #[test]
    fn the_command_line_is_sound() {
        Cli::command().debug_assert();
    }

    #[test]
    fn a_bad_flag_names_itself_and_what_would_work() {
        let cases = [
            (&["--for", "30"][..], "--for", "30s"),
            (&["--for", "0s"], "--for", "30s or 10m"),
            (&["--rate", "10"], "--rate", "10/s"),
            (&["--target", "http://a/b"], "--target", "path"),
            (&["--source", "Team/x"], "--source", "a-z"),
            (&["--arrival", "uniorm"], "--arrival", "poisson"),
            (&["--workers", "0"], "--workers", "\"0\" is not a number of threads; 1 or more"),
            (&["--seed", "x"], "--seed", "\"x\" is not a seed: a whole number from 0"),
            (&["--max-in-flight", "0"], "--max-in-flight", "a number of requests: 1 to"),
            (&["--duration", "5"], "--for", "30s"),
            (&["--linger", "5"], "--linger", "30s"),
            (&["--compat", "podinfo"], "--compat", "k6"),
            (&["--compat-tags", "team=x"], "--compat", "required"),
            (&["--compat", "k6", "--compat-tags", "type=x"], "--compat-tags", "another"),
            (&["--compat-tags", "9=x"], "--compat-tags", "begins"),
        ];
        for (flags, name, remedy) in cases {
            let words = ["injector", "run", "file.yaml"].iter().chain(flags);
            let error = Cli::try_parse_from(words).unwrap_err().to_string();
            assert!(error.contains(name) && error.contains(remedy), "{flags:?}: {error}");
        }
    }
}
