//! Where a request goes: `host`, `host:port`, `http://host:port`, `https://host:port`, with IPv6 in brackets.

use std::fmt;
use std::net::{IpAddr, Ipv6Addr};
use std::str::FromStr;

use shared::protocol::{HTTPS_PORT, Protocol};

/// A host by number or by name.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Host {
    /// An address: nothing to resolve.
    Ip(IpAddr),
    /// A name, in lower case as the name system compares it; a dot at the end makes it absolute.
    Name(String),
}

/// What stands before an address, and says whether TLS does.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Scheme {
    /// `http://`: plain.
    Http,
    /// `https://`: over TLS.
    Https,
}

impl Scheme {
    /// Whether it asks for TLS.
    pub const fn is_secure(self) -> bool {
        matches!(self, Scheme::Https)
    }
}

/// An address as written: the port may be left to the protocol.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Address {
    /// `http://` or `https://`, when one is written; without, `tls` decides.
    pub scheme: Option<Scheme>,
    /// Which machine.
    pub host: Host,
    /// Which port, when one is written.
    pub port: Option<u16>,
}

/// The port of each protocol where an address has none: the protocol's own, unless told otherwise.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Ports {
    plain: [Option<u16>; Protocol::ALL.len()],
    https: Option<u16>,
}

impl Ports {
    /// The port of a protocol, plain or behind TLS.
    pub fn of(&self, protocol: Protocol, is_secure: bool) -> u16 {
        if is_secure && is_behind_https(protocol) {
            return self.https.unwrap_or(HTTPS_PORT);
        }
        self.plain[protocol.index()].unwrap_or(protocol.default_port())
    }

    /// From now on this one, without TLS.
    pub fn set(&mut self, protocol: Protocol, port: u16) {
        self.plain[protocol.index()] = Some(port);
    }

    /// Whether it was told where HTTPS is.
    pub(super) fn has_https(&self) -> bool {
        self.https.is_some()
    }

    /// From now on this one for everything that is behind HTTPS.
    pub fn set_https(&mut self, port: u16) {
        self.https = Some(port);
    }
}

/// Whether the target tells it from others behind one port with TLS, by ALPN and by content.
pub(super) fn is_behind_https(protocol: Protocol) -> bool {
    matches!(protocol, Protocol::Http | Protocol::Http2 | Protocol::Grpc)
}

/// Where to connect.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Endpoint {
    /// Which machine.
    pub host: Host,
    /// Which port, never 0.
    pub port: u16,
}

impl Address {
    /// The endpoint, with `default_port` where none is written.
    pub fn endpoint(&self, default_port: u16) -> Endpoint {
        Endpoint { host: self.host.clone(), port: self.port.unwrap_or(default_port) }
    }
}

impl Endpoint {
    /// Whether packets surely stay on this machine: judged by the text alone, without resolving.
    pub fn is_loopback(&self) -> bool {
        match &self.host {
            Host::Ip(ip) => ip.is_loopback(),
            Host::Name(name) => {
                let name = name.strip_suffix('.').unwrap_or(name);
                // RFC 6761, 6.3: these names are loopback everywhere.
                name == "localhost" || name.ends_with(".localhost")
            }
        }
    }
}

impl FromStr for Address {
    type Err = AddressError;

    fn from_str(text: &str) -> Result<Address, AddressError> {
        let wrong = |reason: String| AddressError { text: text.to_owned(), reason };
        let (scheme, rest) = match text.split_once("://") {
            None => (None, text),
            Some(("http", rest)) => (Some(Scheme::Http), rest),
            Some(("https", rest)) => (Some(Scheme::Https), rest),
            Some((scheme, _)) => {
                return Err(wrong(format!("scheme {scheme:?} is not supported by this version: http, https")));
            }
        };
        for scheme in ["http", "https"] {
            let rest = rest.strip_prefix(scheme).filter(|rest| rest.starts_with("//") || rest.starts_with(":/"));
            if let Some(rest) = rest {
                let host = rest.trim_start_matches([':', '/']);
                return Err(wrong(format!("did you mean {scheme}://{host}?")));
            }
        }
        // A browser's copied address ends in a slash; anything longer is a path and belongs to the operation.
        let rest = if scheme.is_some() { rest.strip_suffix('/').unwrap_or(rest) } else { rest };
        if rest.contains('/') {
            return Err(wrong("a path does not belong here: write it as path of the operation".to_owned()));
        }
        let (host, port) = match rest.strip_prefix('[') {
            Some(bracketed) => {
                let (ip, after) = bracketed.split_once(']').ok_or_else(|| wrong("\"[\" without \"]\"".to_owned()))?;
                let ip: Ipv6Addr = ip.parse().map_err(|_| wrong(format!("{ip:?} is not an IPv6 address")))?;
                let port = match after.strip_prefix(':') {
                    None if after.is_empty() => None,
                    None => return Err(wrong(format!("{after:?} after the address: write [{ip}]:port"))),
                    Some(port) => Some(port),
                };
                (Host::Ip(IpAddr::V6(ip)), port)
            }
            None if rest.matches(':').count() > 1 => {
                return Err(wrong(format!("an IPv6 address goes in brackets: [{rest}]")));
            }
            None => {
                let (host, port) = rest.split_once(':').map_or((rest, None), |(host, port)| (host, Some(port)));
                (host_name(host).map_err(wrong)?, port)
            }
        };
        let port = match port {
            None => None,
            Some(digits) => Some(
                digits
                    .parse::<u16>()
                    .ok()
                    .filter(|port| *port > 0 && digits.bytes().all(|byte| byte.is_ascii_digit()))
                    .ok_or_else(|| wrong(format!("{digits:?} is not a port: 1 to 65535")))?,
            ),
        };
        Ok(Address { scheme, host, port })
    }
}

/// An IPv4 address, or a name of DNS's letters and lengths (RFC 1035, 2.3.4). `_` is let in: service names carry it.
fn host_name(text: &str) -> Result<Host, String> {
    if let Ok(ip) = text.parse() {
        return Ok(Host::Ip(IpAddr::V4(ip)));
    }
    let labels = text.strip_suffix('.').unwrap_or(text);
    let label_is_valid = |label: &str| {
        (1..=63).contains(&label.len())
            && label.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_'))
            && !label.starts_with('-')
            && !label.ends_with('-')
    };
    // A name whose last label is a number reads as a mistyped IPv4 address, and resolvers differ on it.
    let ends_in_number = labels.rsplit('.').next().is_some_and(|last| last.bytes().all(|byte| byte.is_ascii_digit()));
    if labels.len() > 253 || ends_in_number || !labels.split('.').all(label_is_valid) {
        return Err(format!("{text:?} is not a host: a name such as target-server, or an address"));
    }
    Ok(Host::Name(text.to_ascii_lowercase()))
}

impl fmt::Display for Host {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Host::Ip(IpAddr::V6(ip)) => write!(f, "[{ip}]"),
            Host::Ip(ip) => ip.fmt(f),
            Host::Name(name) => f.write_str(name),
        }
    }
}

/// `host:port`, as in a `Host` header.
impl fmt::Display for Endpoint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}", self.host, self.port)
    }
}

/// Why a text is not an address.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{text:?}: {reason}")]
pub struct AddressError {
    text: String,
    reason: String,
}
