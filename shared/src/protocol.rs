//! The closed list of protocols the pair speaks.
//!
//! Everything that differs by protocol hangs off this list: label values, registries, the test battery. A new protocol
//! starts with a variant here, and the compiler then names every `match` that has to learn it.

use crate::code::Code;
use crate::fault::Dialect;

/// A protocol as it appears in the label `protocol`, on both sides.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Protocol {
    /// HTTP/1.1 (RFC 9112), over TCP or TLS.
    Http,
    /// HTTP/2 (RFC 9113) without gRPC, over TCP or TLS.
    Http2,
    /// gRPC over HTTP/2.
    Grpc,
    /// The TCP echo.
    Tcp,
    /// The UDP echo.
    Udp,
    /// DNS over UDP (RFC 1035).
    DnsUdp,
    /// DNS over TCP (RFC 7766).
    DnsTcp,
}

impl Protocol {
    /// Every protocol, in label order; `ALL[p.index()] == p`.
    pub const ALL: [Protocol; 7] = [
        Protocol::Http,
        Protocol::Http2,
        Protocol::Grpc,
        Protocol::Tcp,
        Protocol::Udp,
        Protocol::DnsUdp,
        Protocol::DnsTcp,
    ];

    /// The label value: lower case, stable across releases.
    pub const fn as_str(self) -> &'static str {
        match self {
            Protocol::Http => "http",
            Protocol::Http2 => "http2",
            Protocol::Grpc => "grpc",
            Protocol::Tcp => "tcp",
            Protocol::Udp => "udp",
            Protocol::DnsUdp => "dns_udp",
            Protocol::DnsTcp => "dns_tcp",
        }
    }

    /// Position in [`Protocol::ALL`], for arrays indexed by protocol.
    pub const fn index(self) -> usize {
        self as usize
    }

    /// The port a target listens on when nothing else is said; podinfo's where it has one.
    pub const fn default_port(self) -> u16 {
        match self {
            Protocol::Http | Protocol::Http2 => 9898,
            Protocol::Grpc => 9999,
            Protocol::Tcp | Protocol::Udp => 9007,
            Protocol::DnsUdp | Protocol::DnsTcp => 1053,
        }
    }

    /// Whether a request is a datagram and nobody connects.
    pub const fn is_datagram(self) -> bool {
        matches!(self, Protocol::Udp | Protocol::DnsUdp)
    }

    /// How it can misbehave.
    pub const fn dialect(self) -> Dialect {
        match self {
            Protocol::Http => Dialect::Http1,
            Protocol::Http2 => Dialect::Http2,
            Protocol::Grpc => Dialect::Grpc,
            Protocol::Tcp => Dialect::Tcp,
            Protocol::Udp => Dialect::Udp,
            Protocol::DnsUdp | Protocol::DnsTcp => Dialect::Dns,
        }
    }

    /// The code of an answer to a request that asks for nothing.
    pub const fn plain_code(self) -> Code {
        match self {
            Protocol::Http | Protocol::Http2 => Code::Http(200),
            Protocol::Grpc => Code::GRPC_OK,
            Protocol::Tcp | Protocol::Udp => Code::Echo,
            Protocol::DnsUdp | Protocol::DnsTcp => Code::NOERROR,
        }
    }
}

/// The port of HTTPS when nothing else is said: HTTP/1.1, HTTP/2 and gRPC behind TLS.
pub const HTTPS_PORT: u16 = 9899;

/// The port of the target's admin listener when nothing else is said: podinfo's metrics port.
pub const ADMIN_PORT: u16 = 9797;

/// The port of the injector's admin listener when nothing else is said.
pub const INJECTOR_ADMIN_PORT: u16 = 9798;

#[cfg(test)]
mod tests {
    use super::Protocol;
    use std::collections::HashSet;

    #[test]
    fn index_points_back_into_all_and_no_two_share_a_word() {
        let words: HashSet<&str> = Protocol::ALL.iter().map(|protocol| protocol.as_str()).collect();
        assert_eq!(words.len(), Protocol::ALL.len());
        for protocol in Protocol::ALL {
            assert_eq!(Protocol::ALL[protocol.index()], protocol);
        }
    }
}
