//! Where each protocol is served.

use std::fmt;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::str::FromStr;

use clap::Args;
use shared::protocol::{HTTPS_PORT, Protocol};

use super::{any, parse_address};

/// Where one protocol is served, if it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Listen {
    /// Not at all.
    Off,
    /// Here; port 0 takes a free one.
    At(SocketAddr),
}

impl Listen {
    /// The address, unless it is off.
    pub fn address(self) -> Option<SocketAddr> {
        match self {
            Listen::Off => None,
            Listen::At(address) => Some(address),
        }
    }
}

impl FromStr for Listen {
    type Err = String;

    fn from_str(text: &str) -> Result<Listen, String> {
        if text == "off" {
            return Ok(Listen::Off);
        }
        parse_address(text).map(Listen::At).map_err(|error| error + ", or off")
    }
}

impl fmt::Display for Listen {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Listen::Off => f.write_str("off"),
            Listen::At(address) => address.fmt(f),
        }
    }
}

/// The listeners beside HTTP's and the admin's.
#[derive(Clone, Debug, Args)]
#[command(next_help_heading = "Protocols")]
pub struct ListenerConfig {
    /// Where gRPC is served, as it is on the HTTP address too: `address:port`, `:port`, `port` or `off`
    #[arg(long, env = "CLOAD_GRPC_ADDRESS", value_name = "ADDRESS", default_value_t = default(Protocol::Grpc.default_port()))]
    pub grpc_address: Listen,

    /// Where HTTPS is served, HTTP/2 and gRPC included, if there is a certificate (`--tls-cert`); or `off`
    #[arg(long, env = "CLOAD_HTTPS_ADDRESS", value_name = "ADDRESS", default_value_t = default(HTTPS_PORT))]
    pub https_address: Listen,

    /// Where the TCP echo is served; or `off`
    #[arg(long, env = "CLOAD_TCP_ADDRESS", value_name = "ADDRESS", default_value_t = default(Protocol::Tcp.default_port()))]
    pub tcp_address: Listen,

    /// Where the UDP echo is served; or `off`
    #[arg(long, env = "CLOAD_UDP_ADDRESS", value_name = "ADDRESS", default_value_t = default(Protocol::Udp.default_port()))]
    pub udp_address: Listen,

    /// Where DNS is served, over UDP and TCP; or `off`
    #[arg(long, env = "CLOAD_DNS_ADDRESS", value_name = "ADDRESS", default_value_t = default(Protocol::DnsUdp.default_port()))]
    pub dns_address: Listen,

    /// Certificate chain of HTTPS, and of gRPC's own port where a client speaks TLS, PEM; read again when the file changes
    #[arg(long, env = "CLOAD_TLS_CERT", value_name = "FILE", requires = "tls_key")]
    pub tls_cert: Option<PathBuf>,

    /// Private key of the certificate, PEM; read again when the file changes
    #[arg(long, env = "CLOAD_TLS_KEY", value_name = "FILE", requires = "tls_cert")]
    pub tls_key: Option<PathBuf>,

    /// Authorities whose client certificates are accepted, PEM; with it a client without one is refused
    #[arg(long, env = "CLOAD_TLS_CLIENT_CA", value_name = "FILE", requires = "tls_cert")]
    pub tls_client_ca: Option<PathBuf>,
}

const fn default(port: u16) -> Listen {
    Listen::At(any(port))
}
