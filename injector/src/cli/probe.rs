//! `injector probe`: its flags.

use std::num::NonZeroU32;
use std::path::PathBuf;
use std::time::Duration;

use clap::Args;

use super::some_time;
use crate::plan::NameServer;
use crate::probe::ProbeUrl;

/// `injector probe`.
#[derive(Clone, Debug, Args)]
pub struct ProbeArgs {
    /// What to call: http://host/path, https://, grpc://host/package.Service/Method, grpcs://, tcp://host, udp://host,
    /// dns://server/name?type=A. Without a port, the protocol's own. Without a method gRPC asks for the server's health,
    /// of the service if the path names one; without a name DNS asks for one of the target's own zone.
    pub url: ProbeUrl,

    /// How many calls, one after the other.
    #[arg(short = 'n', long, value_name = "COUNT", default_value = "1")]
    pub count: NonZeroU32,

    /// Pause between two calls.
    #[arg(long, value_name = "DURATION", default_value = "0s", value_parser = shared::units::parse_duration)]
    pub interval: Duration,

    /// Longest time for one call, connecting included.
    #[arg(long, env = "CLOAD_TIMEOUT", value_name = "DURATION", default_value = "5s", value_parser = some_time)]
    pub timeout: Duration,

    /// The name server to ask, instead of the first of /etc/resolv.conf: 10.96.0.10 or 127.0.0.1:5353.
    #[arg(long, env = "CLOAD_NAMESERVER", value_name = "ADDRESS")]
    pub nameserver: Option<NameServer>,

    /// Further attempts of a call that failed, at most; each waits --retry-delay first, the first attempt does not wait.
    #[arg(long, value_name = "COUNT", default_value_t = 0)]
    pub retry: u32,

    /// Pause before a further attempt.
    #[arg(long, value_name = "DURATION", default_value = "1s", value_parser = shared::units::parse_duration)]
    pub retry_delay: Duration,

    /// Keep the connection for the next call; by default each opens its own.
    #[arg(long)]
    pub keep_alive: bool,

    /// What to ask of the target, in the fault language: "status=503:20&delay=50ms". The answer must be what it predicts.
    #[arg(long, value_name = "SPEC")]
    pub fault: Option<String>,

    /// The right code, or several: 200, UNAVAILABLE, NXDOMAIN. By default that of a plain success, or what --fault predicts.
    #[arg(long, value_name = "CODE", value_delimiter = ',')]
    pub expect: Vec<String>,

    /// Check that the answer is the target's own: it repeats the request's id, and its content is what was asked for. Always
    /// done with --fault.
    #[arg(long)]
    pub verify: bool,

    /// Speak to a server that is not a target-server, where that is not the default: a plain TCP or UDP echo.
    #[arg(long, conflicts_with_all = ["fault", "verify"])]
    pub plain: bool,

    /// HTTP method.
    #[arg(short = 'X', long, value_name = "METHOD")]
    pub method: Option<String>,

    /// Header field (HTTP) or metadata (gRPC), "name: value"; may be repeated.
    #[arg(short = 'H', long = "header", value_name = "NAME:VALUE", value_parser = header)]
    pub headers: Vec<(String, String)>,

    /// Request body (HTTP), or message as JSON (gRPC).
    #[arg(short = 'd', long, value_name = "TEXT")]
    pub data: Option<String>,

    /// So many bytes to send (64, 10KiB) instead of --data.
    #[arg(long, value_name = "SIZE", conflicts_with = "data")]
    pub size: Option<String>,

    /// Speak HTTP/2.
    #[arg(long)]
    pub http2: bool,

    /// Authorities to trust instead of the system's, PEM.
    #[arg(long, value_name = "FILE")]
    pub ca: Option<PathBuf>,

    /// Do not verify the server's certificate.
    #[arg(short = 'k', long)]
    pub insecure: bool,

    /// The name the certificate must have, if not that of the URL.
    #[arg(long, value_name = "NAME")]
    pub server_name: Option<String>,

    /// Client certificate, PEM.
    #[arg(long, value_name = "FILE", requires = "key")]
    pub cert: Option<PathBuf>,

    /// Key of the client certificate, PEM.
    #[arg(long, value_name = "FILE", requires = "cert")]
    pub key: Option<PathBuf>,

    /// DNS record type, unless the URL says it.
    #[arg(long = "type", value_name = "TYPE")]
    pub record_type: Option<String>,

    /// Ask DNS over TCP.
    #[arg(long)]
    pub tcp: bool,

    /// One JSON object per call instead of a line of text.
    #[arg(long)]
    pub json: bool,
}

fn header(text: &str) -> Result<(String, String), String> {
    let (name, value) =
        text.split_once(':').ok_or_else(|| format!("{text:?} has no colon; expected \"name: value\""))?;
    Ok((name.trim().to_owned(), value.trim().to_owned()))
}
