//! Who may change a running target, and for how long.

use std::path::PathBuf;
use std::time::Duration;

use clap::Args;

use super::parse_duration;
use crate::rules::TTL_MAX;

/// Changes on the admin listener.
#[derive(Clone, Debug, Args)]
#[command(next_help_heading = "Admin")]
pub struct AdminConfig {
    /// File with the token that a change on the admin listener needs (`Authorization: Bearer`), 16 to 4096 visible characters;
    /// read again for each change. Without one, changes are allowed only where the admin listener is on the loopback
    #[arg(long, env = "CLOAD_ADMIN_TOKEN_FILE", value_name = "FILE")]
    pub admin_token_file: Option<PathBuf>,

    /// Longest time to live of a fault rule, 1s to 1h; whoever needs it longer renews it
    #[arg(long, env = "CLOAD_MAX_RULE_TTL", value_name = "DURATION", default_value = "1h", value_parser = parse_ttl_max)]
    pub max_rule_ttl: Duration,
}

fn parse_ttl_max(text: &str) -> Result<Duration, String> {
    let ttl = parse_duration(text)?;
    let fits = (Duration::from_secs(1)..=TTL_MAX).contains(&ttl);
    if fits { Ok(ttl) } else { Err("expected 1s to 1h".to_owned()) }
}
