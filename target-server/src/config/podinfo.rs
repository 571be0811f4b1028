//! podinfo's flags and variables, as far as they are not ours already, and those that we add to its endpoints.
//!
//! Each flag is podinfo's by name, form and default, and its variable is `PODINFO_` and the name. What a flag means for a
//! listener or a bound that has a flag of ours is decided in [`settle`]; the rest is read where it takes effect.

mod settle;
mod standing;
mod value;

use std::path::PathBuf;
use std::time::Duration;

use clap::{ArgAction, Args, ValueEnum};

pub use standing::Standing;
pub use value::{Host, Secret};
use value::{parse_host, parse_path, parse_prefix, parse_switch};

use super::parse_duration;

/// podinfo's flags.
#[derive(Clone, Debug, Args)]
#[command(next_help_heading = "podinfo")]
pub struct PodinfoConfig {
    /// Address or `localhost` where HTTP, HTTPS and gRPC listen; all if empty. An address flag of ours wins
    #[arg(long, env = "PODINFO_HOST", value_name = "HOST", default_value = "", value_parser = parse_host)]
    pub host: Host,

    /// What stands in front of every endpoint's path
    #[arg(long, env = "PODINFO_PREFIX", value_name = "PATH", default_value = "/", value_parser = parse_prefix)]
    pub prefix: String,

    /// Port of HTTPS, with the certificate of --cert-path; 0 for none
    #[arg(long, env = "PODINFO_SECURE_PORT", value_name = "PORT", default_value_t = 0)]
    pub secure_port: u16,

    /// Port of the admin listener; 0 leaves it where --admin-address says
    #[arg(long, env = "PODINFO_PORT_METRICS", value_name = "PORT", default_value_t = 0)]
    pub port_metrics: u16,

    /// Port of gRPC; 0 for none. Without this flag --grpc-address says
    #[arg(long, env = "PODINFO_GRPC_PORT", value_name = "PORT", default_value_t = 0)]
    pub grpc_port: u16,

    /// Name of the service that gRPC's health check knows beside the empty one
    #[arg(long, env = "PODINFO_GRPC_SERVICE_NAME", value_name = "NAME", default_value = "podinfo")]
    pub grpc_service_name: String,

    /// What is logged: debug, info, warn, error, fatal or panic; anything else means info. --log-level wins
    #[arg(long, env = "PODINFO_LEVEL", value_name = "LEVEL", default_value = "info")]
    pub level: String,

    /// Where `/echo` sends the body on to, instead of answering with it; may be repeated
    #[arg(long, env = "PODINFO_BACKEND_URL", value_name = "URLS", value_delimiter = ',')]
    pub backend_url: Vec<String>,

    /// How long one call of a backend may take
    #[arg(long, env = "PODINFO_HTTP_CLIENT_TIMEOUT", value_name = "DURATION", default_value = "2m", value_parser = parse_duration)]
    pub http_client_timeout: Duration,

    /// Sets --head-timeout, and --idle-timeout to twice as much; 0 sets neither. It never cuts short a delay that was asked for
    #[arg(long, env = "PODINFO_HTTP_SERVER_TIMEOUT", value_name = "DURATION", default_value = "30s", value_parser = parse_duration)]
    pub http_server_timeout: Duration,

    /// Sets --shutdown-timeout, which begins after the drain delay
    #[arg(long, env = "PODINFO_SERVER_SHUTDOWN_TIMEOUT", value_name = "DURATION", default_value = "5s", value_parser = parse_duration)]
    pub server_shutdown_timeout: Duration,

    /// Folder that `/store` writes to
    #[arg(long, env = "PODINFO_DATA_PATH", value_name = "FOLDER", default_value = "/data", value_parser = parse_path)]
    pub data_path: PathBuf,

    /// Folder whose files `/configs` shows, and where the file of --config is looked for; none if empty
    #[arg(long, env = "PODINFO_CONFIG_PATH", value_name = "FOLDER", default_value = "", value_parser = parse_path)]
    pub config_path: PathBuf,

    /// Name of a YAML file in --config-path with the values of flags, by name; a flag or a variable wins over it
    #[arg(long, env = "PODINFO_CONFIG", value_name = "NAME", default_value = "config.yaml", value_parser = parse_path)]
    pub config: PathBuf,

    /// Folder with `tls.crt` and `tls.key`, for --secure-port; read again when they change
    #[arg(long, env = "PODINFO_CERT_PATH", value_name = "FOLDER", default_value = "/data/cert", value_parser = parse_path)]
    pub cert_path: PathBuf,

    /// Folder whose `index.html` or `vue.html` is served in place of the page that is part of the program; read at every
    /// request
    #[arg(long, env = "PODINFO_UI_PATH", value_name = "FOLDER", default_value = "", value_parser = parse_path)]
    pub ui_path: PathBuf,

    /// Address of the picture that the index names
    #[arg(long, env = "PODINFO_UI_LOGO", value_name = "URL", default_value = DEFAULT_LOGO)]
    pub ui_logo: String,

    /// Colour that the index names and that `/echo` sends as `x-color`
    #[arg(long, env = "PODINFO_UI_COLOR", value_name = "COLOUR", default_value = "#34577c")]
    pub ui_color: String,

    /// Greeting of the index
    #[arg(long, env = "PODINFO_UI_MESSAGE", value_name = "TEXT", default_value = MESSAGE)]
    pub ui_message: String,

    /// Accepted and without effect: HTTP/2 without TLS is always served
    #[arg(long, env = "PODINFO_H2C", value_name = "SWITCH", default_value = "false", value_parser = parse_switch,
        action = ArgAction::Set, num_args = 0..=1, require_equals = true, default_missing_value = "true")]
    pub h2c: bool,

    /// Delay every request by a random time; probes, metrics and what controls the target excepted
    #[arg(long, env = "PODINFO_RANDOM_DELAY", value_name = "SWITCH", default_value = "false", value_parser = parse_switch,
        action = ArgAction::Set, num_args = 0..=1, require_equals = true, default_missing_value = "true")]
    pub random_delay: bool,

    /// Unit of the two flags below
    #[arg(long, env = "PODINFO_RANDOM_DELAY_UNIT", value_name = "UNIT", default_value = "s")]
    pub random_delay_unit: DelayUnit,

    /// Shortest random delay
    #[arg(long, env = "PODINFO_RANDOM_DELAY_MIN", value_name = "NUMBER", default_value_t = 0)]
    pub random_delay_min: u32,

    /// What a random delay stays below; the same as the shortest for a delay that is always that
    #[arg(long, env = "PODINFO_RANDOM_DELAY_MAX", value_name = "NUMBER", default_value_t = 5)]
    pub random_delay_max: u32,

    /// Answer one request in three with 500, 400 or 409; probes, metrics and what controls the target excepted
    #[arg(long, env = "PODINFO_RANDOM_ERROR", value_name = "SWITCH", default_value = "false", value_parser = parse_switch,
        action = ArgAction::Set, num_args = 0..=1, require_equals = true, default_missing_value = "true")]
    pub random_error: bool,

    /// Answer `/healthz` with 503
    #[arg(long, env = "PODINFO_UNHEALTHY", value_name = "SWITCH", default_value = "false", value_parser = parse_switch,
        action = ArgAction::Set, num_args = 0..=1, require_equals = true, default_missing_value = "true")]
    pub unhealthy: bool,

    /// Answer `/readyz` with 503 until `/readyz/enable` is called
    #[arg(long, env = "PODINFO_UNREADY", value_name = "SWITCH", default_value = "false", value_parser = parse_switch,
        action = ArgAction::Set, num_args = 0..=1, require_equals = true, default_missing_value = "true")]
    pub unready: bool,

    /// Keep this many cores busy until the end; no more than there are
    #[arg(long, env = "PODINFO_STRESS_CPU", value_name = "COUNT", default_value_t = 0)]
    pub stress_cpu: u16,

    /// Hold this much memory until the end, in millions of bytes
    #[arg(long, env = "PODINFO_STRESS_MEMORY", value_name = "MEGABYTES", default_value_t = 0)]
    pub stress_memory: u32,

    /// Redis that `/cache` keeps its values in, such as `redis://redis:6379`; none if empty
    #[arg(long, env = "PODINFO_CACHE_SERVER", value_name = "URL", default_value = "")]
    pub cache_server: String,

    /// Accepted and without effect, which is logged: no traces are exported
    #[arg(long, env = "PODINFO_OTEL_SERVICE_NAME", value_name = "NAME", default_value = "")]
    pub otel_service_name: String,

    /// Serve `/env`, which shows the environment of the process, secrets included
    #[arg(long, env = "CLOAD_ALLOW_ENV", value_name = "SWITCH", default_value = "false", value_parser = parse_switch,
        action = ArgAction::Set, num_args = 0..=1, require_equals = true, default_missing_value = "true")]
    pub allow_env: bool,

    /// Serve `/panic`, which ends the process
    #[arg(long, env = "CLOAD_ALLOW_PANIC", value_name = "SWITCH", default_value = "false", value_parser = parse_switch,
        action = ArgAction::Set, num_args = 0..=1, require_equals = true, default_missing_value = "true")]
    pub allow_panic: bool,

    /// File with the key that `/token` signs with; wins over the variable PODINFO_JWT_SECRET
    #[arg(long, env = "CLOAD_JWT_SECRET_FILE", value_name = "FILE")]
    pub jwt_secret_file: Option<PathBuf>,

    /// What `/echo` says when backends failed: ok is 200, as podinfo has it; status is 502 if all did and 207 if some did
    #[arg(long, env = "CLOAD_BACKEND_ERRORS", value_name = "HOW", default_value = "ok")]
    pub backend_errors: BackendErrors,

    /// The key of the variable PODINFO_JWT_SECRET. No flag, as in podinfo: every process of a host sees the others' flags.
    #[arg(skip)]
    pub jwt_secret: Option<Secret>,

    /// The environment of the process, `NAME=value` in its own order, if `/env` may show it.
    #[arg(skip)]
    pub environment: Option<Vec<String>>,
}

/// podinfo's picture: clients compare what the index says.
pub(crate) const DEFAULT_LOGO: &str = "https://raw.githubusercontent.com/stefanprodan/podinfo/gh-pages/cuddle_clap.gif";
/// Ours, since the version in it would be a wrong one.
const MESSAGE: &str = concat!("greetings from continuous-load v", env!("CARGO_PKG_VERSION"));

/// Which status an echo has whose backends failed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum BackendErrors {
    /// 200: only the body tells.
    Ok,
    /// 502 if all failed, 207 if some did.
    Status,
}

/// What random delays are counted in.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum DelayUnit {
    /// Seconds.
    S,
    /// Milliseconds.
    Ms,
}

#[cfg(test)]
mod tests;
