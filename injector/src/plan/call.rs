//! What an operation sends, by protocol.

use shared::fault::Fault;
use shared::outcome::Code;
use shared::protocol::Protocol;

use super::{Alpn, DnsCall, EchoCall, GrpcCall, HttpCall};

/// The request of an operation and what is right about its answer.
#[derive(Clone, Debug)]
pub enum Call {
    /// An HTTP request.
    Http(HttpCall),
    /// A gRPC call; boxed, because it is twice as large.
    Grpc(Box<GrpcCall>),
    /// A TCP echo.
    Tcp(EchoCall),
    /// A UDP echo.
    Udp(EchoCall),
    /// A DNS query.
    Dns(DnsCall),
}

impl Call {
    /// What it speaks.
    pub fn protocol(&self) -> Protocol {
        match self {
            Call::Http(call) => call.version.protocol(),
            Call::Grpc(_) => Protocol::Grpc,
            Call::Tcp(_) => Protocol::Tcp,
            Call::Udp(_) => Protocol::Udp,
            Call::Dns(call) => call.protocol(),
        }
    }

    /// What to agree on in a TLS handshake; nothing where there is no TLS.
    pub fn alpn(&self) -> Option<Alpn> {
        match self {
            Call::Http(call) => Some(call.version.alpn()),
            Call::Grpc(_) => Some(Alpn::Http2),
            Call::Tcp(_) | Call::Udp(_) | Call::Dns(_) => None,
        }
    }

    /// Whether one connection carries several requests at once.
    pub fn has_streams(&self) -> bool {
        matches!(self.protocol(), Protocol::Http2 | Protocol::Grpc)
    }

    /// The HTTP request, if it is one.
    pub fn http(&self) -> Option<&HttpCall> {
        match self {
            Call::Http(call) => Some(call),
            _ => None,
        }
    }

    /// The gRPC call, if it is one.
    pub fn grpc(&self) -> Option<&GrpcCall> {
        match self {
            Call::Grpc(call) => Some(call),
            _ => None,
        }
    }

    /// The echo, if it is one, over either.
    pub fn echo(&self) -> Option<&EchoCall> {
        match self {
            Call::Tcp(call) | Call::Udp(call) => Some(call),
            _ => None,
        }
    }

    /// The query, if it is one.
    pub fn dns(&self) -> Option<&DnsCall> {
        match self {
            Call::Dns(call) => Some(call),
            _ => None,
        }
    }

    /// Whether a truncated answer is asked for again, over TCP.
    pub fn falls_back(&self) -> bool {
        matches!(self, Call::Dns(call) if call.fallback.is_some())
    }

    /// Whether its requests say who they are, so that the target can say what it has seen of them.
    pub fn carries_id(&self) -> bool {
        match self {
            Call::Http(call) => !call.is_plain,
            Call::Grpc(_) => true,
            Call::Tcp(call) | Call::Udp(call) => !call.is_plain,
            Call::Dns(call) => !call.is_plain(),
        }
    }

    /// Bytes of its content, which is kept ready.
    pub fn content_bytes(&self) -> u64 {
        match self {
            Call::Http(call) => call.body.size_bytes(),
            Call::Grpc(call) => call
                .messages
                .as_ref()
                .map_or(0, |messages| messages.requests.iter().map(|message| message.len() as u64).sum()),
            Call::Tcp(call) | Call::Udp(call) => call.body.size_bytes(),
            Call::Dns(_) => 0,
        }
    }

    /// What is asked of the target.
    pub fn fault(&self) -> &Fault {
        match self {
            Call::Http(call) => &call.fault,
            Call::Grpc(call) => &call.fault,
            Call::Tcp(call) | Call::Udp(call) => &call.fault,
            Call::Dns(call) => &call.fault,
        }
    }

    /// The codes a right answer may have, [`Code::NONE`] for what leaves no answer not among them.
    pub fn expected_codes(&self) -> Vec<Code> {
        match self {
            Call::Http(call) => call.expected_codes(),
            Call::Grpc(call) => call.expected_codes(),
            Call::Tcp(_) | Call::Udp(_) => vec![Code::Echo],
            Call::Dns(call) => call.expected_codes(),
        }
    }
}
