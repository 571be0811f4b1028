//! Logs on standard error, in the form the operator chose. Standard output is for the addresses alone.

use tracing_subscriber::EnvFilter;
use tracing_subscriber::fmt::fmt;

use crate::config::{Config, LogFormat};

/// Starts logging. A process that embeds the target and logs already keeps what it has.
pub fn start(config: &Config) {
    // The level was parsed with the other flags.
    let filter = EnvFilter::try_new(&config.log_level).unwrap_or_default();
    let builder = fmt().with_env_filter(filter).with_writer(std::io::stderr);
    let started = match config.log_format {
        LogFormat::Text => builder.with_ansi(false).try_init(),
        LogFormat::Json => builder.json().flatten_event(true).try_init(),
    };
    if let Err(error) = started {
        tracing::debug!(%error, "somebody else logs");
    }
}
