//! `injector fault`: its flags.

mod apply;

use std::path::PathBuf;
use std::time::Duration;

use clap::{ArgGroup, Args, Subcommand, ValueEnum};

pub use self::apply::ApplyArgs;
use super::some_time;
use crate::fault::{State, Time};
use crate::plan::{Address, NameServer};

/// `injector fault`.
#[derive(Debug, Args)]
pub struct FaultArgs {
    /// What to do with rules.
    #[command(subcommand)]
    pub command: FaultCommand,
}

/// What to do with rules.
#[derive(Debug, Subcommand)]
pub enum FaultCommand {
    /// Install a rule on every replica, or on none; a rule of that id is replaced.
    Apply(Box<ApplyArgs>),
    /// Show the rules of every replica, those that are over for a while too.
    List {
        /// Only rules in this state.
        #[arg(long)]
        state: Option<State>,
        /// Only rules of this owner.
        #[arg(long)]
        owner: Option<String>,
        /// Which targets.
        #[command(flatten)]
        admin: AdminArgs,
    },
    /// Give a rule more time, from now on.
    Renew {
        /// Which rule.
        #[command(flatten)]
        rule: Identified,
        /// How long from now: 2m.
        #[arg(long)]
        ttl: Time,
        /// Which targets.
        #[command(flatten)]
        admin: AdminArgs,
    },
    /// End a rule, or all of an owner. Right also if there is none.
    #[command(group(ArgGroup::new("which").required(true).args(["id", "owner"])))]
    Remove {
        /// The rule.
        id: Option<String>,
        /// All rules of this owner.
        #[arg(long)]
        owner: Option<String>,
        /// Which targets.
        #[command(flatten)]
        admin: AdminArgs,
    },
    /// Wait until a rule has struck.
    Wait {
        /// Which rule.
        #[command(flatten)]
        rule: Identified,
        /// Strikes, on all replicas together.
        #[arg(long, value_name = "COUNT")]
        injected: u64,
        /// How long.
        #[command(flatten)]
        wait: WaitArgs,
        /// Which targets.
        #[command(flatten)]
        admin: AdminArgs,
    },
    /// Suspend every rule (off), or let them strike again (on); without a word, say which it is.
    Switch {
        /// Which.
        power: Option<Power>,
        /// How long it stays off, at most; 1h if nothing is said.
        #[arg(long, requires = "power")]
        ttl: Option<Time>,
        /// Which targets.
        #[command(flatten)]
        admin: AdminArgs,
    },
    /// What happened to rules: installed, renewed, expired, removed.
    Events {
        /// Only what happened after this revision.
        #[arg(long, value_name = "REVISION", default_value_t = 0)]
        since: u64,
        /// Which targets.
        #[command(flatten)]
        admin: AdminArgs,
    },
}

impl FaultCommand {
    /// Whom it asks.
    pub(crate) fn admin(&self) -> &AdminArgs {
        match self {
            FaultCommand::Apply(args) => &args.admin,
            FaultCommand::List { admin, .. }
            | FaultCommand::Renew { admin, .. }
            | FaultCommand::Remove { admin, .. }
            | FaultCommand::Wait { admin, .. }
            | FaultCommand::Switch { admin, .. }
            | FaultCommand::Events { admin, .. } => admin,
        }
    }
}

/// Whether rules strike.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Power {
    /// They do.
    On,
    /// None does.
    Off,
}

/// Which rule.
#[derive(Debug, Args)]
pub struct Identified {
    /// The rule.
    #[arg(value_name = "ID")]
    pub(crate) id: String,
}

/// How long to wait.
#[derive(Debug, Args)]
pub struct WaitArgs {
    /// Longest wait for the strikes.
    #[arg(long, value_name = "DURATION", default_value = "30s", value_parser = some_time, requires = "injected")]
    pub(crate) timeout: Duration,
}

/// Which targets, and by what right.
#[derive(Debug, Args)]
pub struct AdminArgs {
    /// Admin ports of the targets: host or host:port, several with commas. A name stands for all its addresses: give the
    /// headless Service, so that every replica is asked.
    #[arg(
        long,
        env = "CLOAD_ADMIN",
        value_name = "ADDRESS",
        value_delimiter = ',',
        default_value = "localhost",
        help_heading = "Targets"
    )]
    pub(crate) admin: Vec<Address>,
    /// The name server to ask, instead of the first of /etc/resolv.conf: 10.96.0.10 or 127.0.0.1:5353.
    #[arg(long, env = "CLOAD_NAMESERVER", value_name = "ADDRESS", help_heading = "Targets")]
    pub(crate) nameserver: Option<NameServer>,
    /// Only this one of those addresses, as the list shows it.
    #[arg(long, value_name = "ADDRESS", help_heading = "Targets")]
    pub(crate) replica: Option<Address>,
    /// File with the targets' admin token.
    #[arg(long, env = "CLOAD_ADMIN_TOKEN_FILE", value_name = "FILE", help_heading = "Targets")]
    pub(crate) token_file: Option<PathBuf>,
    /// Longest time for one question to one replica.
    #[arg(long, value_name = "DURATION", default_value = "5s", value_parser = some_time, help_heading = "Targets")]
    pub(crate) request_timeout: Duration,
    /// One JSON object instead of text.
    #[arg(long)]
    pub(crate) json: bool,
}

#[cfg(test)]
mod tests {
    use clap::Parser;

    use crate::cli::Cli;

    #[test]
    fn a_flag_that_would_mean_nothing_is_refused() {
        let cases = [
            ("apply x --timeout 5s", "--wait-injected"),
            ("apply x --percent 5 --every 2", "--every"),
            ("apply x --percent 101", "over 100"),
            ("apply x --ttl 5", "has no unit"),
            ("apply x --fault stat=1", "stat"),
            ("apply x --header name", "name=value"),
            ("remove", "--owner"),
            ("remove x --owner y", "--owner"),
            ("wait x", "--injected"),
            ("switch --ttl 5m", "<POWER>"),
            ("list --state gone", "pending"),
            ("list --admin http://h/path", "path"),
        ];
        for (flags, words) in cases {
            let error = Cli::try_parse_from(["injector", "fault"].into_iter().chain(flags.split(' '))).unwrap_err();
            assert!(error.to_string().contains(words), "{flags}: {error}");
        }
    }
}
