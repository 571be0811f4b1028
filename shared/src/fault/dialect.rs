//! The protocols as far as the fault language tells them apart.

/// How a protocol can misbehave. Finer than the label `protocol` in one place (HTTP/2 cannot break what HTTP/1.1 can)
/// and coarser in another (a DNS answer is the same over UDP and TCP).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Dialect {
    /// HTTP/1.1.
    Http1,
    /// HTTP/2 without gRPC.
    Http2,
    /// gRPC.
    Grpc,
    /// The TCP echo.
    Tcp,
    /// The UDP echo.
    Udp,
    /// DNS over UDP or TCP.
    Dns,
}

impl Dialect {
    /// Every dialect.
    pub const ALL: [Dialect; 6] =
        [Dialect::Http1, Dialect::Http2, Dialect::Grpc, Dialect::Tcp, Dialect::Udp, Dialect::Dns];

    /// The name used in error messages.
    pub const fn as_str(self) -> &'static str {
        match self {
            Dialect::Http1 => "HTTP/1.1",
            Dialect::Http2 => "HTTP/2",
            Dialect::Grpc => "gRPC",
            Dialect::Tcp => "TCP",
            Dialect::Udp => "UDP",
            Dialect::Dns => "DNS",
        }
    }
}
