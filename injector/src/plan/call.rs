//! What an operation sends, by protocol.

use shared::fault::{Fault, Verdict};
use shared::outcome::Code;
use shared::protocol::Protocol;

use super::{Alpn, EchoCall, Expect, ExpectedEnd, HttpCall};

/// The request of an operation and what is right about its answer.
#[derive(Clone, Debug)]
pub enum Call {
    /// An HTTP request.
    Http(HttpCall),
    /// A TCP echo.
    Tcp(EchoCall),
    /// A UDP echo.
    Udp(EchoCall),
}

impl Call {
    /// What it speaks.
    pub fn protocol(&self) -> Protocol {
        match self {
            Call::Http(call) => call.version.protocol(),
            Call::Tcp(_) => Protocol::Tcp,
            Call::Udp(_) => Protocol::Udp,
        }
    }

    /// What to agree on in a TLS handshake; nothing where there is no TLS.
    pub fn alpn(&self) -> Option<Alpn> {
        match self {
            Call::Http(call) => Some(call.version.alpn()),
            Call::Tcp(_) | Call::Udp(_) => None,
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
            Call::Tcp(_) | Call::Udp(_) => None,
        }
    }

    /// What is asked of the target.
    pub fn fault(&self) -> &Fault {
        match self {
            Call::Http(call) => &call.fault,
            Call::Tcp(call) | Call::Udp(call) => &call.fault,
        }
    }

    /// What makes an answer right.
    pub fn expect(&self) -> &Expect {
        match self {
            Call::Http(call) => &call.expect,
            Call::Tcp(call) | Call::Udp(call) => &call.expect,
        }
    }

    /// What the target will decide for the request with this key if it is idle.
    pub fn predict(&self, key: &str) -> Verdict {
        match self {
            Call::Http(call) => call.predict(key),
            Call::Tcp(call) | Call::Udp(call) => call.predict(key),
        }
    }

    /// How a call with this verdict should end.
    pub fn expected_end(&self, verdict: &Verdict) -> ExpectedEnd {
        match self {
            Call::Http(call) => call.expected_end(verdict),
            Call::Tcp(call) | Call::Udp(call) => call.expected_end(verdict),
        }
    }

    /// The codes a right answer may have, [`Code::NONE`] for what leaves no answer not among them.
    pub fn expected_codes(&self) -> Vec<Code> {
        match self {
            Call::Http(call) => call.expected_codes(),
            Call::Tcp(_) | Call::Udp(_) => vec![Code::Echo],
        }
    }
}
