//! Where a target listens.

use std::fmt;
use std::net::SocketAddr;

use shared::protocol::Protocol;

/// Where a target listens. Displayed as one line per listener, `listening protocol=<name> address=<address>`; a listener
/// that is off has none.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Addresses {
    /// HTTP/1.1, HTTP/2 and gRPC.
    pub http: SocketAddr,
    /// The same behind TLS.
    pub https: Option<SocketAddr>,
    /// gRPC.
    pub grpc: Option<SocketAddr>,
    /// The TCP echo.
    pub tcp: Option<SocketAddr>,
    /// The UDP echo.
    pub udp: Option<SocketAddr>,
    /// DNS, over UDP and TCP.
    pub dns: Option<SocketAddr>,
    /// The admin listener.
    pub admin: SocketAddr,
}

impl Addresses {
    /// Where this protocol is served without TLS, if it is.
    pub fn of(&self, protocol: Protocol) -> Option<SocketAddr> {
        match protocol {
            Protocol::Http | Protocol::Http2 => Some(self.http),
            Protocol::Grpc => self.grpc,
            Protocol::Tcp => self.tcp,
            Protocol::Udp => self.udp,
            Protocol::DnsUdp | Protocol::DnsTcp => self.dns,
        }
    }

    /// By the name of the listener, in the order in which they are printed.
    pub fn named(&self) -> impl Iterator<Item = (&'static str, SocketAddr)> {
        let all = [
            ("http", Some(self.http)),
            ("https", self.https),
            ("grpc", self.grpc),
            ("tcp", self.tcp),
            ("udp", self.udp),
            ("dns", self.dns),
            ("admin", Some(self.admin)),
        ];
        all.into_iter().filter_map(|(name, address)| Some((name, address?)))
    }
}

impl fmt::Display for Addresses {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.named().try_for_each(|(name, address)| writeln!(f, "listening protocol={name} address={address}"))
    }
}
