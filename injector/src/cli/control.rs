//! `injector control`: its flags.

use std::path::PathBuf;
use std::time::Duration;

use clap::{Args, Subcommand};

use super::some_time;
use crate::api;
use crate::plan::{Address, NameServer};
use crate::rate::Rate;
use crate::schedule::Scale;

/// `injector control`.
#[derive(Debug, Args)]
pub struct ControlArgs {
    /// What to do.
    #[command(subcommand)]
    pub command: ControlCommand,
    /// Which injector.
    #[command(flatten)]
    pub injector: InjectorArgs,
}

/// What to do with a run.
#[derive(Debug, Subcommand)]
pub enum ControlCommand {
    /// Say how it stands.
    Status,
    /// Start what waits with --paused.
    Start {
        /// When: 2026-01-31T12:00:00Z, or milliseconds since 1970; at once if nothing is said.
        #[arg(long, value_name = "INSTANT", value_parser = api::instant)]
        at: Option<String>,
    },
    /// Send nothing until resumed; the clock of its length stands still.
    Pause,
    /// Go on.
    Resume,
    /// End it, with its report.
    Stop,
    /// Change the rate of the mix, or of one operation: 20/s.
    Rate {
        /// Such as 20/s or 600/m.
        rate: Rate,
        /// Only of this one.
        #[arg(long, value_name = "NAME")]
        operation: Option<String>,
    },
    /// Send this much of what is configured: 50%, 200%.
    Scale {
        /// From 0% to 10000%.
        scale: Scale,
    },
    /// Switch an operation on.
    Enable {
        /// Which.
        operation: String,
    },
    /// Switch an operation off; the others keep their rates.
    Disable {
        /// Which.
        operation: String,
    },
}

/// Which injector, and by what right.
#[derive(Debug, Args)]
pub struct InjectorArgs {
    /// Its admin port: host or host:port; 9798 without a port.
    #[arg(
        long = "injector",
        env = "CLOAD_INJECTOR",
        value_name = "ADDRESS",
        default_value = "localhost",
        global = true
    )]
    pub(crate) address: Address,
    /// The name server to ask, instead of the first of /etc/resolv.conf: 10.96.0.10 or 127.0.0.1:5353.
    #[arg(long, env = "CLOAD_NAMESERVER", value_name = "ADDRESS", global = true)]
    pub(crate) nameserver: Option<NameServer>,
    /// File with the token of its --api-token-file.
    #[arg(long, env = "CLOAD_API_TOKEN_FILE", value_name = "FILE", global = true)]
    pub(crate) token_file: Option<PathBuf>,
    /// Longest time for the question.
    #[arg(long, value_name = "DURATION", default_value = "5s", value_parser = some_time, global = true)]
    pub(crate) request_timeout: Duration,
    /// The answer as JSON instead of text.
    #[arg(long, global = true)]
    pub(crate) json: bool,
}
