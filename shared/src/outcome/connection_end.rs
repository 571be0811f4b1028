//! Why a connection ended, in closed words.
//!
//! Exactly one per connection that was opened, so that opened = ended + open at every instant. The first reason that
//! somebody knows stands: what follows from it (a request that breaks off because its connection was reset) is no reason of
//! its own.

use std::io;

/// Why an open connection (or source port) is open no more (label `reason`).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum ConnectionEnd {
    /// Its request is over and was the only one it was made for, or had asked for the connection's end.
    Request,
    /// It has carried its share of requests.
    MaxRequests,
    /// It was old enough.
    MaxAge,
    /// The peer closed it in order while no request was on it.
    PeerClosed,
    /// The peer reset it while no request was on it.
    PeerReset,
    /// The peer had said that it would end it: `connection: close`, GOAWAY, words while nothing was asked.
    Said,
    /// The peer did not answer when it was asked whether it is still there: a PING of HTTP/2, the kernel's probes.
    Ping,
    /// The request on it failed without an answer, or ran into its timeout.
    Failed,
    /// Its address left the name, a new look-up was due, or a reload changed its operation.
    Retargeted,
    /// The run is over.
    End,
}

impl ConnectionEnd {
    /// Every reason; `ALL[r.index()] == r`.
    pub const ALL: [ConnectionEnd; 10] = [
        ConnectionEnd::Request,
        ConnectionEnd::MaxRequests,
        ConnectionEnd::MaxAge,
        ConnectionEnd::PeerClosed,
        ConnectionEnd::PeerReset,
        ConnectionEnd::Said,
        ConnectionEnd::Ping,
        ConnectionEnd::Failed,
        ConnectionEnd::Retargeted,
        ConnectionEnd::End,
    ];

    /// The label value.
    pub const fn as_str(self) -> &'static str {
        match self {
            ConnectionEnd::Request => "request",
            ConnectionEnd::MaxRequests => "max_requests",
            ConnectionEnd::MaxAge => "max_age",
            ConnectionEnd::PeerClosed => "peer_closed",
            ConnectionEnd::PeerReset => "peer_reset",
            ConnectionEnd::Said => "said",
            ConnectionEnd::Ping => "ping",
            ConnectionEnd::Failed => "failed",
            ConnectionEnd::Retargeted => "retargeted",
            ConnectionEnd::End => "end",
        }
    }

    /// Position in [`ConnectionEnd::ALL`].
    pub const fn index(self) -> usize {
        self as usize
    }

    /// What reading from an idle connection came to: so many bytes, or an error. Total.
    ///
    /// Bytes that nobody asked for are a farewell: servers say 408 before they close what was idle for too long.
    pub fn while_idle(read: &Result<usize, io::Error>) -> ConnectionEnd {
        match read {
            Ok(0) => ConnectionEnd::PeerClosed,
            Ok(_) => ConnectionEnd::Said,
            Err(error) => match error.kind() {
                // TLS without a farewell of its own.
                io::ErrorKind::UnexpectedEof => ConnectionEnd::PeerClosed,
                // The kernel gave up asking; an ICMP message that came meanwhile takes the word's place.
                io::ErrorKind::TimedOut | io::ErrorKind::HostUnreachable | io::ErrorKind::NetworkUnreachable => {
                    ConnectionEnd::Ping
                }
                _ => ConnectionEnd::PeerReset,
            },
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_idle_connection_ends_for_one_reason() {
        use io::ErrorKind::{ConnectionReset, HostUnreachable, InvalidData, TimedOut, UnexpectedEof};
        let failed = |kind: io::ErrorKind| Err(io::Error::from(kind));
        let cases = [
            (Ok(0), "peer_closed"),
            (Ok(1), "said"),
            (failed(UnexpectedEof), "peer_closed"),
            (failed(ConnectionReset), "peer_reset"),
            (failed(TimedOut), "ping"),
            (failed(HostUnreachable), "ping"),
            (failed(InvalidData), "peer_reset"),
        ];
        for (read, word) in cases {
            assert_eq!(ConnectionEnd::while_idle(&read).as_str(), word, "{read:?}");
        }
    }
}
