//! What an operation sends, by protocol.

use shared::fault::Fault;
use shared::outcome::Code;
use shared::protocol::Protocol;

use super::{DnsCall, HttpCall};

/// The request of an operation and what is right about its answer.
#[derive(Clone, Debug)]
pub enum Call {
    /// An HTTP request.
    Http(HttpCall),
    /// A DNS query.
    Dns(DnsCall),
}

impl Call {
    /// What it speaks.
    pub fn protocol(&self) -> Protocol {
        match self {
            Call::Http(_) => Protocol::Http,
            Call::Dns(call) => call.protocol(),
        }
    }

    /// The HTTP request, if it is one.
    pub fn http(&self) -> Option<&HttpCall> {
        match self {
            Call::Http(call) => Some(call),
            Call::Dns(_) => None,
        }
    }

    /// What is asked of the target.
    pub fn fault(&self) -> &Fault {
        match self {
            Call::Http(call) => &call.fault,
            Call::Dns(call) => &call.fault,
        }
    }

    /// The codes a right answer may have, [`Code::NONE`] for what leaves no answer not among them.
    pub fn expected_codes(&self) -> Vec<Code> {
        match self {
            Call::Http(call) => call.expected_codes(),
            Call::Dns(call) => call.expected_codes(),
        }
    }
}
