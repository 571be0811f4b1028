//! What an operator can set: every flag, its environment variable, its default and why.
//!
//! The only place that reads the environment. Everything is validated before a socket opens: a value that cannot be
//! meant is refused with exit code 2, naming the flag and what would have worked. [`Config::load`] is the way in: it
//! alone hears all sources and brings podinfo's flags into ours.

mod admin;
mod dns;
mod file;
mod listeners;
mod load;
mod podinfo;

use std::net::{IpAddr, Ipv6Addr, SocketAddr};
use std::time::Duration;

use clap::{Args, Parser, ValueEnum};
use shared::fault::{Limits, SPEC_MAX_BYTES};
use shared::protocol::{ADMIN_PORT, Protocol};
use shared::units;

pub use admin::AdminConfig;
pub use dns::{Cidr, DnsConfig};
pub use listeners::{Listen, ListenerConfig};
pub use load::{Loaded, command};
pub(crate) use podinfo::DEFAULT_LOGO;
pub use podinfo::{BackendErrors, DelayUnit, Host, PodinfoConfig, Secret, Standing};

/// A target whose status, delay, size and misbehaviour any caller sets per request.
///
/// Without a fault spec it echoes, over HTTP, gRPC, TCP and UDP, and answers DNS with records. Ask for more in the query
/// (`/?status=503:5&delay=20ms..80ms`), in the header or metadata `x-cload-fault: status=503; delay=1s`, on the paths
/// `/status/503` and `/delay/2`, in a first line `CL/1 delay=1s`, or in a name such as `x7k2m9qa.rcsrv.f.cload.test`.
#[derive(Clone, Debug, Parser)]
// The last of two alike is heard, as podinfo has it: charts append the flags of their users.
#[command(name = "target-server", version, max_term_width = 120, args_override_self = true)]
pub struct Config {
    /// Where HTTP/1.1 and HTTP/2 are served, gRPC included: `address:port`, `:port` or `port`; port 0 takes a free one, which
    /// is printed
    #[arg(long, env = "CLOAD_HTTP_ADDRESS", value_name = "ADDRESS", default_value_t = any(Protocol::Http.default_port()),
        value_parser = parse_address)]
    pub http_address: SocketAddr,

    /// Port of HTTP on the addresses of --host: short for `--http-address :PORT`, which wins; 0 takes a free one, unlike
    /// podinfo, where it means none
    #[arg(long, env = "CLOAD_PORT", value_name = "PORT")]
    pub port: Option<u16>,

    /// Where `/metrics`, `/livez`, `/readyz`, `/version`, `/faults`, `/account/{session}` and `/receipts/..` are served; never
    /// the traffic listener
    #[arg(long, env = "CLOAD_ADMIN_ADDRESS", value_name = "ADDRESS", default_value_t = any(ADMIN_PORT),
        value_parser = parse_address)]
    pub admin_address: SocketAddr,

    /// Worker threads [default: the cores this process may use]
    #[arg(long, env = "CLOAD_THREADS", value_name = "COUNT", value_parser = clap::value_parser!(u16).range(1..=1024))]
    pub threads: Option<u16>,

    /// Instance name in `x-cload-server` [default: the host name]
    #[arg(long, env = "CLOAD_POD", value_name = "NAME", value_parser = parse_place)]
    pub pod: Option<String>,

    /// Node name in `x-cload-server`
    #[arg(long, env = "CLOAD_NODE", value_name = "NAME", default_value = UNKNOWN_PLACE, value_parser = parse_place)]
    pub node: String,

    /// Name of the availability zone in `x-cload-server`
    #[arg(long, env = "CLOAD_ZONE", value_name = "NAME", default_value = UNKNOWN_PLACE, value_parser = parse_place)]
    pub zone: String,

    /// How long to keep serving, not ready, after the first signal: the time a load balancer needs to look away. 0s suits
    /// a shell
    #[arg(long, env = "CLOAD_DRAIN_DELAY", value_name = "DURATION", default_value = "3s", value_parser = parse_duration)]
    pub drain_delay: Duration,

    /// How long requests in flight may take to end after that; what is left is cut, and the exit code is 1
    #[arg(long, alias = "drain-timeout", env = "CLOAD_SHUTDOWN_TIMEOUT", value_name = "DURATION", default_value = "10s",
        value_parser = parse_duration)]
    pub shutdown_timeout: Duration,

    /// Form of the log lines on standard error
    #[arg(long, env = "CLOAD_LOG_FORMAT", value_name = "FORMAT", default_value = "text")]
    pub log_format: LogFormat,

    /// What is logged: off, error, warn, info, debug, trace, or directives such as `info,target_server=debug`
    #[arg(long, env = "CLOAD_LOG_LEVEL", value_name = "LEVEL", default_value = "info", value_parser = parse_log_level)]
    pub log_level: String,

    /// Whose paths are served beside the language's: those of podinfo, where a stranger that asks for nothing gets what
    /// podinfo would answer, or none, where every path is an echo
    #[arg(long, env = "CLOAD_COMPAT", value_name = "WHOSE", default_value = "podinfo")]
    pub compat: Compat,

    /// Who may change it, and for how long.
    #[command(flatten)]
    pub admin: AdminConfig,

    /// Where the other protocols are served.
    #[command(flatten)]
    pub listeners: ListenerConfig,

    /// What DNS answers.
    #[command(flatten)]
    pub dns: DnsConfig,

    /// Bounds of the connections.
    #[command(flatten)]
    pub connections: ConnectionConfig,

    /// What the fault language may ask for.
    #[command(flatten)]
    pub faults: FaultConfig,

    /// podinfo's flags.
    #[command(flatten)]
    pub podinfo: PodinfoConfig,
}

/// Form of the log lines.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum LogFormat {
    /// For people.
    Text,
    /// For machines: one object per line.
    Json,
}

/// Whose paths are served.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Compat {
    /// podinfo's.
    Podinfo,
    /// Nobody's.
    None,
}

/// Bounds of the connections.
#[derive(Clone, Debug, Args)]
#[command(next_help_heading = "Connections")]
pub struct ConnectionConfig {
    /// Connections open at once, of all listeners together; one more is refused in its protocol's own words, HTTP's by 503,
    /// and closed. An idle one costs about 3 KiB here and 5 KiB in
    /// the kernel, an active one 20 KiB [default: what RLIMIT_NOFILE allows, at most 100000]
    #[arg(long, env = "CLOAD_MAX_CONNECTIONS", value_name = "COUNT", value_parser = clap::value_parser!(u32).range(1..))]
    pub max_connections: Option<u32>,

    /// Connections the kernel may hold that were not accepted yet; it takes no more than `net.core.somaxconn`
    #[arg(long, env = "CLOAD_BACKLOG", value_name = "COUNT", default_value_t = 4096,
        value_parser = clap::value_parser!(u16).range(1..))]
    pub backlog: u16,

    /// How long the head of a request, a command line, a DNS query over TCP or a TLS handshake may take once it has begun;
    /// then the connection is closed, HTTP/1.1's after a 408
    #[arg(long, env = "CLOAD_HEAD_TIMEOUT", value_name = "DURATION", default_value = "30s", value_parser = parse_bound)]
    pub head_timeout: Duration,

    /// How long a connection, or a request on it that asked for nothing that takes time, may stand still before it is
    /// closed; longer than load balancers keep theirs (60s to 350s), so that they, not we, close first and no request meets
    /// a closing socket
    #[arg(long, env = "CLOAD_IDLE_TIMEOUT", value_name = "DURATION", default_value = "10m", value_parser = parse_bound)]
    pub idle_timeout: Duration,
}

/// What the fault language may ask for.
#[derive(Clone, Debug, Args)]
#[command(next_help_heading = "Faults")]
pub struct FaultConfig {
    /// Whose faults are injected: those that requests ask for and those of rules (on), of one of them, or none. Specs are
    /// read and checked all the same; an answer that goes without says `x-cload-fault: disabled`
    #[arg(long, env = "CLOAD_FAULTS", value_name = "SWITCH", default_value = "on")]
    pub faults: Switch,

    /// Networks whose clients may ask for faults in their requests; others are served without, and told so by
    /// `x-cload-fault: forbidden`. Paths such as /status/503 are open to everybody
    #[arg(
        long,
        env = "CLOAD_FAULT_CIDRS",
        value_name = "CIDR",
        value_delimiter = ',',
        default_value = "127.0.0.0/8,10.0.0.0/8,172.16.0.0/12,192.168.0.0/16,169.254.0.0/16,100.64.0.0/10,::1/128,fc00::/7,fe80::/10"
    )]
    pub fault_cidrs: Vec<Cidr>,

    /// Seed of the draws of specs that name none; the same request then has the same fate on every replica
    #[arg(long, env = "CLOAD_SEED", value_name = "NUMBER", default_value_t = 0)]
    pub seed: u64,

    /// Requests with an active fault at once; one more is served without it, marked `overflow`
    #[arg(long, env = "CLOAD_FAULTS_MAX", value_name = "COUNT", default_value_t = 4096)]
    pub faults_max: u32,

    /// The same per client address
    #[arg(long, env = "CLOAD_FAULTS_MAX_PER_CLIENT", value_name = "COUNT", default_value_t = 512)]
    pub faults_max_per_client: u32,

    /// Memory that `mem=` may hold in all
    #[arg(long, env = "CLOAD_MEM_TOTAL_MAX", value_name = "SIZE", default_value = "256MiB", value_parser = parse_size)]
    pub mem_total_max: u64,

    /// Longest single delay
    #[arg(long, env = "CLOAD_DELAY_MAX", value_name = "DURATION", default_value = "60s", value_parser = parse_duration)]
    pub delay_max: Duration,

    /// Longest `fault=hang`
    #[arg(long, env = "CLOAD_HANG_MAX", value_name = "DURATION", default_value = "10m", value_parser = parse_duration)]
    pub hang_max: Duration,

    /// Largest `size`, and the largest echo that is held in memory for a broken answer
    #[arg(long, env = "CLOAD_SIZE_MAX", value_name = "SIZE", default_value = "16MiB", value_parser = parse_size)]
    pub size_max: u64,

    /// Most CPU time of one `cpu=`
    #[arg(long, env = "CLOAD_CPU_MAX", value_name = "DURATION", default_value = "1s", value_parser = parse_duration)]
    pub cpu_max: Duration,

    /// Most memory of one `mem=`
    #[arg(long, env = "CLOAD_MEM_MAX", value_name = "SIZE", default_value = "64MiB", value_parser = parse_size)]
    pub mem_max: u64,

    /// Longest fault spec; 2KiB is also the most
    #[arg(long, env = "CLOAD_SPEC_MAX", value_name = "SIZE", default_value = "2KiB", value_parser = parse_spec_max)]
    pub spec_max: u64,
}

/// Whose faults are injected.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Switch {
    /// Everybody's.
    On,
    /// Those that requests ask for.
    RequestOnly,
    /// Those of rules.
    RulesOnly,
    /// Nobody's.
    Off,
}

/// What stands for a part of `x-cload-server` that nobody told us.
const UNKNOWN_PLACE: &str = "-";

impl Config {
    /// The defaults, listening on free ports of the loopback only: a target for a test or a pair in one process.
    pub fn loopback() -> Config {
        let free = SocketAddr::from(([127, 0, 0, 1], 0));
        // The environment of whoever embeds us is not ours to read, so that every default is spelled out in one place
        // only: the flags above, parsed from a command line that says nothing else.
        let mut config = Config::defaults();
        config.http_address = free;
        config.admin_address = free;
        // No load balancer has to look away.
        config.drain_delay = Duration::ZERO;
        let listeners = &mut config.listeners;
        for address in [
            &mut listeners.grpc_address,
            &mut listeners.https_address,
            &mut listeners.tcp_address,
            &mut listeners.udp_address,
            &mut listeners.dns_address,
        ] {
            *address = Listen::At(free);
        }
        config
    }

    fn defaults() -> Config {
        use clap::{CommandFactory, FromArgMatches};
        let command = Config::command().mut_args(|arg| arg.env(clap::builder::Resettable::Reset));
        let matches = command.get_matches_from(["target-server"]);
        Config::from_arg_matches(&matches).expect("the defaults are valid: a test parses them")
    }

    /// What `x-cload-server` says: `<pod>/<node>/<zone>`.
    pub fn place(&self) -> String {
        let pod = self.pod.clone().or_else(host_name).unwrap_or_else(|| UNKNOWN_PLACE.to_owned());
        format!("{pod}/{}/{}", self.node, self.zone)
    }
}

impl FaultConfig {
    /// The language's limits with what the operator changed.
    pub fn limits(&self) -> Limits {
        Limits {
            delay_max: self.delay_max,
            hang_max: self.hang_max,
            size_max_bytes: self.size_max,
            cpu_max: self.cpu_max,
            mem_max_bytes: self.mem_max,
            spec_max_bytes: usize::try_from(self.spec_max).unwrap_or(usize::MAX),
            ..Limits::default()
        }
    }
}

/// All addresses of both families.
const fn any(port: u16) -> SocketAddr {
    SocketAddr::new(IpAddr::V6(Ipv6Addr::UNSPECIFIED), port)
}

fn host_name() -> Option<String> {
    let name = nix::unistd::gethostname().ok()?.into_string().ok()?;
    parse_place(&name).ok()
}

fn parse_address(text: &str) -> Result<SocketAddr, String> {
    let port = text.strip_prefix(':').unwrap_or(text);
    if let Ok(port) = port.parse() {
        return Ok(any(port));
    }
    text.parse().map_err(|_| "expected an address and port such as 127.0.0.1:9898, [::]:9898, :9898 or 9898".to_owned())
}

fn parse_duration(text: &str) -> Result<Duration, String> {
    units::parse_duration(text).map_err(|error| error.to_string())
}

/// A duration that bounds something: without any, everything would be over its bound at once.
fn parse_bound(text: &str) -> Result<Duration, String> {
    match parse_duration(text)? {
        Duration::ZERO => Err("0 would end everything at once; expected a duration such as 30s or 10m".to_owned()),
        bound => Ok(bound),
    }
}

/// The language itself has a limit, which both sides share: no parser reads more.
fn parse_spec_max(text: &str) -> Result<u64, String> {
    match parse_size(text)? {
        bytes if bytes > SPEC_MAX_BYTES as u64 => Err(format!("expected at most {SPEC_MAX_BYTES} bytes")),
        bytes => Ok(bytes),
    }
}

fn parse_size(text: &str) -> Result<u64, String> {
    units::parse_size(text).map_err(|error| error.to_string())
}

/// A part of a header value that is split at slashes.
fn parse_place(text: &str) -> Result<String, String> {
    let fits = |byte: u8| byte.is_ascii_alphanumeric() || b"._-:".contains(&byte);
    if (1..=128).contains(&text.len()) && text.bytes().all(fits) {
        Ok(text.to_owned())
    } else {
        Err("expected 1 to 128 of the characters A-Z a-z 0-9 . _ - :".to_owned())
    }
}

fn parse_log_level(text: &str) -> Result<String, String> {
    // A bare word that is no level would be taken for a module's name, and nothing else would be logged.
    let is_level = |word: &str| word.parse::<tracing_subscriber::filter::LevelFilter>().is_ok();
    let is_known = text.split(',').all(|directive| directive.contains('=') || is_level(directive.trim()));
    match text.parse::<tracing_subscriber::filter::EnvFilter>() {
        Ok(_) if is_known => Ok(text.to_owned()),
        _ => {
            Err("expected off, error, warn, info, debug, trace, or directives such as info,target_server=debug"
                .to_owned())
        }
    }
}

#[cfg(test)]
mod tests;
