//! What became of a request, in closed words.
//!
//! Every enum here is `Copy`, has `ALL`, `as_str` and `index`, so that label sets are arrays and handles are resolved
//! once. The classifiers are total: every input has an answer, and none of them is "unknown".

mod connection_end;

use std::io;

pub use self::connection_end::ConnectionEnd;
pub use crate::code::Code;
use crate::protocol::Protocol;

/// Why a request failed, as the client saw it: exactly one per failed attempt (label `error`).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum ErrorClass {
    /// No name server answered in time.
    DnsTimeout,
    /// The name does not exist, or has no address.
    DnsNxdomain,
    /// The name server answered SERVFAIL.
    DnsServfail,
    /// Any other failure of the look-up.
    DnsOther,
    /// The peer's kernel refused the connection.
    ConnectRefused,
    /// The connection was not established in time.
    ConnectTimeout,
    /// No route, or an ICMP unreachable.
    ConnectUnreachable,
    /// The TLS handshake failed.
    Tls,
    /// The request could not be written.
    Send,
    /// Connected, but no complete answer in time.
    Timeout,
    /// The connection was reset before the answer was complete.
    Reset,
    /// The connection was closed in order before the answer was complete.
    Closed,
    /// The answer breaks the protocol's grammar.
    Protocol,
    /// A complete answer with a code that was not asked for and that says "failed" (4xx, 5xx).
    Status,
    /// A complete answer that is not what was asked for: other code, length, content or id.
    Validation,
    /// Our own fault (descriptors, ports, memory): never burns the user's budget.
    Internal,
}

impl ErrorClass {
    /// Every class, in label order; `ALL[e.index()] == e`.
    pub const ALL: [ErrorClass; 16] = [
        ErrorClass::DnsTimeout,
        ErrorClass::DnsNxdomain,
        ErrorClass::DnsServfail,
        ErrorClass::DnsOther,
        ErrorClass::ConnectRefused,
        ErrorClass::ConnectTimeout,
        ErrorClass::ConnectUnreachable,
        ErrorClass::Tls,
        ErrorClass::Send,
        ErrorClass::Timeout,
        ErrorClass::Reset,
        ErrorClass::Closed,
        ErrorClass::Protocol,
        ErrorClass::Status,
        ErrorClass::Validation,
        ErrorClass::Internal,
    ];

    /// The label value.
    pub const fn as_str(self) -> &'static str {
        match self {
            ErrorClass::DnsTimeout => "dns_timeout",
            ErrorClass::DnsNxdomain => "dns_nxdomain",
            ErrorClass::DnsServfail => "dns_servfail",
            ErrorClass::DnsOther => "dns_other",
            ErrorClass::ConnectRefused => "connect_refused",
            ErrorClass::ConnectTimeout => "connect_timeout",
            ErrorClass::ConnectUnreachable => "connect_unreachable",
            ErrorClass::Tls => "tls",
            ErrorClass::Send => "send",
            ErrorClass::Timeout => "timeout",
            ErrorClass::Reset => "reset",
            ErrorClass::Closed => "closed",
            ErrorClass::Protocol => "protocol",
            ErrorClass::Status => "status",
            ErrorClass::Validation => "validation",
            ErrorClass::Internal => "internal",
        }
    }

    /// Position in [`ErrorClass::ALL`].
    pub const fn index(self) -> usize {
        self as usize
    }

    /// Whether the attempt ended before a byte of the request could leave this host: such a request was planned but
    /// never sent, and the target cannot have seen it.
    pub const fn is_before_sending(self) -> bool {
        matches!(
            self,
            ErrorClass::DnsTimeout
                | ErrorClass::DnsNxdomain
                | ErrorClass::DnsServfail
                | ErrorClass::DnsOther
                | ErrorClass::ConnectRefused
                | ErrorClass::ConnectTimeout
                | ErrorClass::ConnectUnreachable
                | ErrorClass::Tls
                | ErrorClass::Internal
        )
    }

    /// The class of an I/O error while a connection is being made.
    pub fn of_connect(error: &io::Error) -> ErrorClass {
        match error.kind() {
            io::ErrorKind::ConnectionRefused => ErrorClass::ConnectRefused,
            // A peer that resets during the handshake refuses us in other words.
            io::ErrorKind::ConnectionReset | io::ErrorKind::ConnectionAborted => ErrorClass::ConnectRefused,
            io::ErrorKind::TimedOut => ErrorClass::ConnectTimeout,
            io::ErrorKind::HostUnreachable | io::ErrorKind::NetworkUnreachable | io::ErrorKind::NetworkDown => {
                ErrorClass::ConnectUnreachable
            }
            // Out of descriptors, ports or memory, a forbidden address: nothing the path did.
            _ => ErrorClass::Internal,
        }
    }

    /// The class of an I/O error while the request is being written.
    pub fn of_send(error: &io::Error) -> ErrorClass {
        match error.kind() {
            io::ErrorKind::ConnectionReset | io::ErrorKind::ConnectionAborted => ErrorClass::Reset,
            io::ErrorKind::TimedOut => ErrorClass::Timeout,
            io::ErrorKind::InvalidData => ErrorClass::Tls,
            _ => ErrorClass::Send,
        }
    }

    /// The class of an I/O error while the answer is being read. Called only for errors, never for an orderly end.
    pub fn of_receive(error: &io::Error) -> ErrorClass {
        match error.kind() {
            io::ErrorKind::ConnectionReset
            | io::ErrorKind::ConnectionAborted
            | io::ErrorKind::BrokenPipe
            | io::ErrorKind::NotConnected => ErrorClass::Reset,
            io::ErrorKind::UnexpectedEof => ErrorClass::Closed,
            // The kernel gave up on an established connection (TCP_USER_TIMEOUT, keep-alive).
            io::ErrorKind::TimedOut => ErrorClass::Timeout,
            io::ErrorKind::HostUnreachable | io::ErrorKind::NetworkUnreachable => ErrorClass::ConnectUnreachable,
            // No socket says so, but TLS does: an alert behind the handshake, such as the refusal of a client's certificate.
            io::ErrorKind::InvalidData => ErrorClass::Tls,
            _ => ErrorClass::Internal,
        }
    }
}

/// Why the target could not do what it was asked (label `error` on the server side).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum ServerError {
    /// The client left before the answer was complete.
    Aborted,
    /// The answer could not be written for another reason.
    Write,
    /// A defect of ours: a panic, an exhausted resource.
    Internal,
    /// The request could not be understood: malformed, or a fault spec that does not parse.
    BadRequest,
    /// Refused because a bound of ours was reached.
    Overload,
}

impl ServerError {
    /// Every class, in label order; `ALL[e.index()] == e`.
    pub const ALL: [ServerError; 5] = [
        ServerError::Aborted,
        ServerError::Write,
        ServerError::Internal,
        ServerError::BadRequest,
        ServerError::Overload,
    ];

    /// The label value.
    pub const fn as_str(self) -> &'static str {
        match self {
            ServerError::Aborted => "aborted",
            ServerError::Write => "write",
            ServerError::Internal => "internal",
            ServerError::BadRequest => "bad_request",
            ServerError::Overload => "overload",
        }
    }

    /// Position in [`ServerError::ALL`].
    pub const fn index(self) -> usize {
        self as usize
    }
}

/// A part of one request's time, as the client sees it (label `phase`).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Phase {
    /// Name to addresses.
    Dns,
    /// TCP handshake.
    Connect,
    /// TLS handshake.
    Tls,
    /// To the last byte of the request: from the first, or on a new connection from its being ready.
    Request,
    /// Last byte of the request to first byte of the answer; nothing of it, if the answer was first.
    FirstByte,
    /// First byte of the answer to the end.
    Body,
}

impl Phase {
    /// Every phase, in the order of time; `ALL[p.index()] == p`.
    pub const ALL: [Phase; 6] = [Phase::Dns, Phase::Connect, Phase::Tls, Phase::Request, Phase::FirstByte, Phase::Body];

    /// The label value.
    pub const fn as_str(self) -> &'static str {
        match self {
            Phase::Dns => "dns",
            Phase::Connect => "connect",
            Phase::Tls => "tls",
            Phase::Request => "request",
            Phase::FirstByte => "first_byte",
            Phase::Body => "body",
        }
    }

    /// Whether requests of this protocol have such a phase: datagrams need no connection, and the echo and DNS no TLS.
    pub const fn is_of(self, protocol: Protocol) -> bool {
        match self {
            Phase::Connect => !matches!(protocol, Protocol::Udp | Protocol::DnsUdp),
            Phase::Tls => matches!(protocol, Protocol::Http | Protocol::Http2 | Protocol::Grpc),
            Phase::Dns | Phase::Request | Phase::FirstByte | Phase::Body => true,
        }
    }

    /// Position in [`Phase::ALL`].
    pub const fn index(self) -> usize {
        self as usize
    }
}

/// Why a planned request was never sent (label `reason`).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum DropReason {
    /// The injector itself was late: the slot was older than `max_lag` before it could be released.
    Late,
    /// No connection or permit became free within `max_lag`, or `max_in_flight` was reached.
    Limit,
}

impl DropReason {
    /// Every reason; `ALL[r.index()] == r`.
    pub const ALL: [DropReason; 2] = [DropReason::Late, DropReason::Limit];

    /// The label value.
    pub const fn as_str(self) -> &'static str {
        match self {
            DropReason::Late => "late",
            DropReason::Limit => "limit",
        }
    }

    /// Position in [`DropReason::ALL`].
    pub const fn index(self) -> usize {
        self as usize
    }
}

/// What became of a request that was sent and got no complete answer (label `fate`).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Fate {
    /// It never arrived at the target.
    RequestLost,
    /// It arrived, and the answer did not come back.
    ResponseLost,
    /// It cannot be told.
    Unknown,
}

impl Fate {
    /// Every fate; `ALL[f.index()] == f`.
    pub const ALL: [Fate; 3] = [Fate::RequestLost, Fate::ResponseLost, Fate::Unknown];

    /// The label value.
    pub const fn as_str(self) -> &'static str {
        match self {
            Fate::RequestLost => "request_lost",
            Fate::ResponseLost => "response_lost",
            Fate::Unknown => "unknown",
        }
    }

    /// Position in [`Fate::ALL`].
    pub const fn index(self) -> usize {
        self as usize
    }
}

/// The judgement of one side on one request, with the code in both arms: success and code can never disagree.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Outcome<E> {
    /// It is what was asked for; [`Code::NONE`] when no answer was asked for (a scripted reset).
    Success(Code),
    /// It is not; the code is what was answered all the same, or none.
    Failure(Code, E),
}

impl<E: Copy> Outcome<E> {
    /// Whether it succeeded.
    pub fn is_success(self) -> bool {
        matches!(self, Outcome::Success(_))
    }

    /// The protocol's answer.
    pub fn code(self) -> Code {
        match self {
            Outcome::Success(code) | Outcome::Failure(code, _) => code,
        }
    }

    /// The error, if it failed.
    pub fn error(self) -> Option<E> {
        match self {
            Outcome::Success(_) => None,
            Outcome::Failure(_, error) => Some(error),
        }
    }

    /// The label value of `result`.
    pub fn as_str(self) -> &'static str {
        if self.is_success() { SUCCESS } else { FAILURE }
    }
}

/// The label value of `result` for [`Outcome::Success`].
pub const SUCCESS: &str = "success";
/// The label value of `result` for [`Outcome::Failure`].
pub const FAILURE: &str = "failure";

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::HashSet;

    /// Every closed list: the index points back, and no two words are alike.
    macro_rules! closed_list {
        ($($name:ident $kind:ty;)*) => {$(
            #[test]
            fn $name() {
                let words: HashSet<_> = <$kind>::ALL.iter().map(|v| v.as_str()).collect();
                assert_eq!(words.len(), <$kind>::ALL.len(), "two values share a word");
                for value in <$kind>::ALL {
                    assert_eq!(<$kind>::ALL[value.index()], value);
                }
            }
        )*};
    }

    closed_list! {
        error_classes ErrorClass;
        server_errors ServerError;
        phases Phase;
        drop_reasons DropReason;
        fates Fate;
        connection_ends ConnectionEnd;
    }

    #[test]
    fn classifiers_are_total_and_keep_our_own_faults_apart() {
        use io::ErrorKind::*;
        let cases = [
            (ConnectionRefused, ErrorClass::ConnectRefused, ErrorClass::Internal),
            (ConnectionReset, ErrorClass::ConnectRefused, ErrorClass::Reset),
            (TimedOut, ErrorClass::ConnectTimeout, ErrorClass::Timeout),
            (NetworkUnreachable, ErrorClass::ConnectUnreachable, ErrorClass::ConnectUnreachable),
            (AddrNotAvailable, ErrorClass::Internal, ErrorClass::Internal),
            (UnexpectedEof, ErrorClass::Internal, ErrorClass::Closed),
            (BrokenPipe, ErrorClass::Internal, ErrorClass::Reset),
            (InvalidData, ErrorClass::Internal, ErrorClass::Tls),
            (OutOfMemory, ErrorClass::Internal, ErrorClass::Internal),
        ];
        for (kind, connect, receive) in cases {
            let error = io::Error::from(kind);
            assert_eq!(ErrorClass::of_connect(&error), connect, "connect {kind:?}");
            assert_eq!(ErrorClass::of_receive(&error), receive, "receive {kind:?}");
        }
    }
}
