//! `injector fault apply`: a rule's flags say the same as its file and win over it.

use std::collections::BTreeMap;
use std::path::PathBuf;

use clap::Args;
use serde_json::Number;
use shared::units::parse_percent;

use super::{AdminArgs, WaitArgs};
use crate::fault::{Matches, Ramp, Rule, Spec, Time};
use crate::scenario::OneOrMany;

/// `injector fault apply`.
#[derive(Debug, Args)]
pub struct ApplyArgs {
    /// The rule's id.
    id: Option<String>,
    /// The rule (JSON or YAML); - for standard input.
    #[arg(short = 'f', long, value_name = "FILE")]
    pub(crate) file: Option<PathBuf>,
    /// What to do, in the fault language: "status=503:50&delay=200ms".
    #[arg(long, value_name = "SPEC")]
    fault: Option<Spec>,
    /// How long it lasts: 5m. Every rule ends.
    #[arg(long)]
    ttl: Option<Time>,
    /// Pause before it begins.
    #[arg(long, value_name = "DURATION")]
    start_after: Option<Time>,
    /// Strike this share of what matches: 25, 0.5.
    #[arg(long, value_parser = percent, conflicts_with = "every")]
    percent: Option<Number>,
    /// Strike every so many-th request that matches.
    #[arg(long, value_name = "N")]
    every: Option<u64>,
    /// With --every: leave so many out first.
    #[arg(long, value_name = "N")]
    offset: Option<u64>,
    /// End after so many strikes.
    #[arg(long, value_name = "N")]
    max_hits: Option<u64>,
    /// Grow from nothing to the full share in this time.
    #[arg(long, value_name = "DURATION")]
    ramp: Option<Time>,
    /// Which of two rules is asked first: the one with the higher.
    #[arg(long)]
    priority: Option<i64>,
    /// Who answers for it.
    #[arg(long)]
    owner: Option<String>,
    /// Why.
    #[arg(long)]
    reason: Option<String>,
    /// Seed of what is drawn.
    #[arg(long)]
    seed: Option<u64>,
    /// Win over what a request asks for itself.
    #[arg(long)]
    override_request: bool,
    /// Then wait until it has struck so often, on all replicas together.
    #[arg(id = "injected", long = "wait-injected", value_name = "COUNT")]
    pub(crate) wait_injected: Option<u64>,
    #[command(flatten)]
    pub(crate) wait: WaitArgs,
    #[command(flatten)]
    pub(crate) admin: AdminArgs,
    // Last: its heading would be that of what follows.
    #[command(flatten)]
    matches: MatchArgs,
}

/// Which requests: those that fit all that is given.
#[derive(Debug, Args)]
#[command(next_help_heading = "Which requests")]
struct MatchArgs {
    /// http, http2, grpc, tcp, udp, dns_udp, dns_tcp, or * for all; several with commas. The target wants it said.
    #[arg(long, value_delimiter = ',')]
    protocol: Vec<String>,
    /// Path: exact, with *, or re:EXPRESSION.
    #[arg(long)]
    path: Option<String>,
    /// HTTP method; several with commas.
    #[arg(long, value_delimiter = ',')]
    method: Vec<String>,
    /// Host header.
    #[arg(long)]
    host: Option<String>,
    /// Header field (HTTP) or metadata (gRPC); may be repeated, all must be there.
    #[arg(long, value_name = "NAME=VALUE", value_parser = header)]
    header: Vec<(String, String)>,
    /// package.Service/Method.
    #[arg(long)]
    grpc_method: Option<String>,
    /// Name of a DNS question.
    #[arg(long)]
    dns_name: Option<String>,
    /// Type of a DNS question; several with commas.
    #[arg(long, value_delimiter = ',')]
    dns_type: Vec<String>,
    /// Network of the client; several with commas.
    #[arg(long, value_name = "CIDR", value_delimiter = ',')]
    source: Vec<String>,
}

impl ApplyArgs {
    /// What the flags say of the rule.
    pub(crate) fn rule(&self) -> Rule {
        Rule {
            id: self.id.clone(),
            owner: self.owner.clone(),
            reason: self.reason.clone(),
            ttl: self.ttl,
            start_after: self.start_after,
            priority: self.priority,
            matches: self.matches.matches(),
            percent: self.percent.clone(),
            every: self.every,
            offset: self.offset,
            max_hits: self.max_hits,
            ramp: self.ramp.map(|over| Ramp { from: Number::from(0), over }),
            seed: self.seed,
            fault: self.fault.clone(),
            override_request: self.override_request.then_some(true),
        }
    }
}

impl MatchArgs {
    fn matches(&self) -> Matches {
        let several = |texts: &Vec<String>| (!texts.is_empty()).then(|| OneOrMany(texts.clone()));
        let headers: BTreeMap<String, String> = self.header.iter().cloned().collect();
        Matches {
            protocol: several(&self.protocol),
            path: self.path.clone(),
            method: several(&self.method),
            host: self.host.clone(),
            headers: (!headers.is_empty()).then_some(headers),
            grpc_method: self.grpc_method.clone(),
            dns_name: self.dns_name.clone(),
            dns_type: several(&self.dns_type),
            source: several(&self.source),
        }
    }
}

/// A share as JSON writes it.
fn percent(text: &str) -> Result<Number, String> {
    parse_percent(text).map_err(|error| error.to_string())?;
    let number = text.strip_suffix('%').unwrap_or(text);
    number.parse().map_err(|_| format!("{text:?} is not a number; expected one such as 25 or 0.5"))
}

fn header(text: &str) -> Result<(String, String), String> {
    let (name, value) = text.split_once('=').ok_or_else(|| format!("{text:?} has no \"=\"; expected name=value"))?;
    Ok((name.trim().to_owned(), value.trim().to_owned()))
}
