//! What is known of a request when rules are asked about it.

use std::net::IpAddr;

use http::HeaderMap;
use shared::protocol::Protocol;

/// One request, or one connection of an echo.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Facts<'a> {
    pub(crate) protocol: Protocol,
    /// In canonical form: an IPv4 address is never written as IPv6.
    pub(crate) client: IpAddr,
    pub(crate) detail: Detail<'a>,
}

/// What only some protocols have.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Detail<'a> {
    /// HTTP/1.1 and HTTP/2.
    Http {
        method: &'a str,
        /// Decoded, without the query.
        path: &'a str,
        /// As sent: a port and upper case do not matter.
        host: Option<&'a str>,
        headers: &'a HeaderMap,
    },
    /// gRPC.
    Grpc {
        /// `package.Service/Method`.
        method: &'a str,
        headers: &'a HeaderMap,
    },
    /// TCP and UDP, which show nothing before they are answered.
    Echo,
    /// DNS over either transport.
    Dns {
        /// Lower case, without the final dot.
        name: &'a str,
        /// Such as `AAAA`, upper case.
        kind: &'a str,
    },
}
