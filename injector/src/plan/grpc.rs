//! A gRPC operation: the method, its messages, and what is right about its answer.
//!
//! A message can be turned into bytes only with the descriptors of its method. Those of our own services, of health and of
//! reflection are built in; a method that is none of these stays [`GrpcCall::open`] until the server was asked (see
//! `reflection`), before the run starts.

mod ask;
mod expectation;
mod fit;
mod metadata;
mod own;
mod request;

use std::fmt;
use std::time::Duration;

use bytes::Bytes;
use prost_reflect::{DynamicMessage, MessageDescriptor};
use shared::fault::{Fault, Verdict};
use shared::outcome::Code;

use super::expect::{ContentExpectation, H2End};

pub use fit::{Misfit, Open};
pub(crate) use own::Held;
pub use own::{Own, Replies, Reply};
pub(super) use request::compile;

/// How long behind its deadline a call still waits for the target's own word that it is over, so that both sides record
/// the same. The target's clock starts later, by the time the request is on its way.
pub const DEADLINE_GRACE: Duration = shared::deadline::DEADLINE_SLACK;

/// The call of an operation and what is right about its answer.
#[derive(Clone, Debug)]
pub struct GrpcCall {
    /// What is called.
    pub method: GrpcMethod,
    /// The file's own metadata, in its order: valid names and values, none of those the injector writes itself.
    pub metadata: Vec<(String, String)>,
    /// Everything asked of the target, as it will understand metadata and message together.
    pub fault: Fault,
    /// The value of the metadata `x-cload-fault`; `None` when nothing is asked.
    pub fault_text: Option<String>,
    /// After which time, from the first byte, the call is over on both sides.
    pub deadline: Option<Duration>,
    /// What makes an answer right.
    pub expect: GrpcExpect,
    /// The messages, if the method's descriptor is known; else what is needed to make them.
    pub messages: Result<Messages, Open>,
}

/// Everything that takes the method's descriptor.
#[derive(Clone, Debug)]
pub struct Messages {
    /// Encoded, in order; exactly one unless the client streams.
    pub requests: Vec<Bytes>,
    /// Whether there may be any number of answers.
    pub server_streams: bool,
    /// Whether there may be any number of requests.
    pub client_streams: bool,
    /// What an answer is.
    pub output: MessageDescriptor,
    /// What each message of the answer must hold.
    pub expected: Option<DynamicMessage>,
    /// What is known of the method's answers; nothing if it is not ours.
    pub own: Option<Own>,
}

/// A method by its full name.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct GrpcMethod {
    /// `cload.v1.Target`.
    pub service: String,
    /// `Unary`.
    pub name: String,
}

impl fmt::Display for GrpcMethod {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.service, self.name)
    }
}

/// What makes an answer right. All of it is checked.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct GrpcExpect {
    /// Statuses that are right; nothing: the one the fault language rolls for this call, without any, OK.
    pub status: Option<Vec<u8>>,
    /// How many messages the answer has; nothing: as predicted.
    pub messages: Option<u64>,
    /// Their content, as far as it can be predicted.
    pub content: ContentExpectation,
    /// Whether the answer must repeat the request's id.
    pub id: bool,
}

/// How the client sees a call end when everything works, asked misbehaviour included.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum GrpcEnd {
    /// With this status.
    Status(u8),
    /// In order, without a status.
    NoStatus,
    /// By a head that is not gRPC's.
    BadHead,
    /// By a message over the limit of every client.
    Oversize,
    /// By this frame.
    H2(H2End),
    /// By a reset connection.
    Reset,
    /// By bytes that are no HTTP/2.
    Malformed,
    /// Silence until the client's own timeout.
    Hang,
}

impl fmt::Display for GrpcEnd {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            GrpcEnd::Status(code) => Code::Grpc(*code).fmt(f),
            GrpcEnd::NoStatus => f.write_str("no status"),
            GrpcEnd::BadHead => f.write_str("bad head"),
            GrpcEnd::Oversize => f.write_str("oversize"),
            GrpcEnd::H2(end) => end.fmt(f),
            GrpcEnd::Reset => f.write_str("reset"),
            GrpcEnd::Malformed => f.write_str("malformed"),
            GrpcEnd::Hang => f.write_str("hang"),
        }
    }
}

impl GrpcCall {
    /// What the target will decide for the call with this key (the text of its id) if it is idle.
    ///
    /// A pure function of the call and the key: the seed is part of the spec that is sent.
    pub fn predict(&self, key: &str) -> Verdict {
        self.fault.roll(0, key, 0)
    }

    /// The statuses a right answer may have.
    pub(super) fn expected_codes(&self) -> Vec<Code> {
        if let Some(codes) = &self.expect.status {
            return codes.iter().copied().map(Code::Grpc).collect();
        }
        let choices = self.fault.status_choices().into_iter();
        let mut codes: Vec<Code> =
            choices.map(|choice| Code::Grpc(choice.status.and_then(|status| status.grpc()).unwrap_or(0))).collect();
        if self.deadline.is_some() && !self.fault.is_empty() && !codes.contains(&Code::Grpc(own::DEADLINE_EXCEEDED)) {
            codes.push(Code::Grpc(own::DEADLINE_EXCEEDED));
        }
        codes
    }
}
