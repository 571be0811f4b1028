//! What our own services answer: how a call ends, with how many messages, and what is in them. Pure.

use bytes::Bytes;
use prost::Message as _;
use shared::deadline::{Shape, is_lone, is_unavoidable};
use shared::fault::{Body, FaultKind, H2Code, Key, Read, Verdict};
use shared::payload::Payload;
use shared::proto::cload::v1 as cload;
use shared::proto::grpc::testing;

use super::{GrpcCall, GrpcEnd, GrpcMethod, Messages};
use crate::plan::expect::H2End;

/// gRPC's code for an answer that did not come in time.
pub(super) const DEADLINE_EXCEEDED: u8 = 4;
const UNIMPLEMENTED: u8 = 12;
/// What stands before each message on the wire.
const PREFIX_BYTES: u64 = 5;

/// A method whose answers are predicted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Own {
    /// `cload.v1.Target/Unary`.
    Unary,
    /// `cload.v1.Target/ServerStream`.
    ServerStream,
    /// `cload.v1.Target/ClientStream`.
    ClientStream,
    /// `cload.v1.Target/BidiStream`.
    BidiStream,
    /// `grpc.testing.TestService`'s methods of one message each way.
    TestUnary,
    /// `grpc.testing.TestService/StreamingOutputCall`.
    TestOutput,
    /// `grpc.testing.TestService`'s methods that list the messages they want, both ways.
    TestDuplex,
    /// `grpc.testing.TestService/StreamingInputCall`.
    TestInput,
    /// `grpc.testing.TestService/EmptyCall`.
    TestEmpty,
    /// `grpc.testing.TestService/UnimplementedCall`.
    TestUnimplemented,
}

/// What one message of an answer carries.
#[derive(Clone, Debug, PartialEq)]
pub enum Reply {
    /// Nobody can tell.
    Unknown,
    /// These bytes: the request's own.
    Echo(Bytes),
    /// A payload that both sides can make.
    Made(Payload),
    /// So many payload bytes in all its requests.
    Sum(u64),
}

/// The messages of an answer.
#[derive(Clone, Debug, PartialEq)]
pub struct Replies {
    /// How many; nothing if nobody can tell.
    pub count: Option<u64>,
    /// In order; the last one stands for all that follow. Never empty.
    kinds: Vec<Reply>,
    /// The messages and payload bytes of the request that every reply says it has seen, where that can be told.
    pub(crate) received: Option<(u64, u64)>,
}

impl Replies {
    /// So many messages, and nobody can tell what is in them.
    fn unknown(count: Option<u64>) -> Replies {
        Replies { count, kinds: vec![Reply::Unknown], received: None }
    }

    fn of(kinds: Vec<Reply>) -> Replies {
        let count = Some(kinds.len() as u64);
        Replies { count, kinds: if kinds.is_empty() { vec![Reply::Unknown] } else { kinds }, received: None }
    }

    /// What the n-th message carries, counted from 0.
    pub fn nth(&self, n: u64) -> &Reply {
        let last = self.kinds.len() - 1;
        &self.kinds[usize::try_from(n).unwrap_or(last).min(last)]
    }

    /// Bytes of all payloads together, as far as they are known.
    fn bytes(&self) -> u64 {
        let of = |reply: &Reply| match reply {
            Reply::Unknown | Reply::Sum(_) => 0,
            Reply::Echo(bytes) => bytes.len() as u64,
            Reply::Made(payload) => payload.size_bytes(),
        };
        let listed: u64 = self.kinds.iter().map(of).sum();
        let more = self.count.unwrap_or(0).saturating_sub(self.kinds.len() as u64);
        listed.saturating_add(of(self.nth(u64::MAX)).saturating_mul(more))
    }
}

impl Own {
    pub(super) fn of(method: &GrpcMethod) -> Option<Own> {
        Some(match (method.service.as_str(), method.name.as_str()) {
            ("cload.v1.Target", "Unary") => Own::Unary,
            ("cload.v1.Target", "ServerStream") => Own::ServerStream,
            ("cload.v1.Target", "ClientStream") => Own::ClientStream,
            ("cload.v1.Target", "BidiStream") => Own::BidiStream,
            ("grpc.testing.TestService", "EmptyCall") => Own::TestEmpty,
            ("grpc.testing.TestService", "UnaryCall" | "CacheableUnaryCall") => Own::TestUnary,
            ("grpc.testing.TestService", "StreamingInputCall") => Own::TestInput,
            ("grpc.testing.TestService", "StreamingOutputCall") => Own::TestOutput,
            ("grpc.testing.TestService", "FullDuplexCall" | "HalfDuplexCall") => Own::TestDuplex,
            ("grpc.testing.TestService", "UnimplementedCall") => Own::TestUnimplemented,
            _ => return None,
        })
    }

    /// The field that `size` fills, as a message in JSON would name it.
    pub(super) fn sized(self, payload: Bytes) -> Option<Vec<u8>> {
        let ballast = |body: Bytes| Some(testing::Payload { body, ..testing::Payload::default() });
        Some(match self {
            Own::Unary | Own::ServerStream | Own::ClientStream | Own::BidiStream => {
                cload::Request { payload, ..cload::Request::default() }.encode_to_vec()
            }
            Own::TestUnary => {
                testing::SimpleRequest { payload: ballast(payload), ..Default::default() }.encode_to_vec()
            }
            Own::TestOutput | Own::TestDuplex => {
                testing::StreamingOutputCallRequest { payload: ballast(payload), ..Default::default() }.encode_to_vec()
            }
            Own::TestInput => {
                testing::StreamingInputCallRequest { payload: ballast(payload), ..Default::default() }.encode_to_vec()
            }
            Own::TestEmpty | Own::TestUnimplemented => return None,
        })
    }

    /// The fault that rides in the first message.
    pub(super) fn fault_in(self, first: &[u8]) -> Option<String> {
        let is_cload = matches!(self, Own::Unary | Own::ServerStream | Own::ClientStream | Own::BidiStream);
        let request = is_cload.then(|| cload::Request::decode(first).ok()).flatten()?;
        (!request.fault.is_empty()).then_some(request.fault)
    }

    /// Whether the target can do on this method what a key asks for.
    pub(super) fn can(self, key: Key) -> bool {
        match key {
            Key::Size | Key::Body => !matches!(self, Own::TestInput | Own::TestEmpty | Own::TestUnimplemented),
            Key::Count => matches!(self, Own::ServerStream | Own::BidiStream | Own::TestOutput),
            _ => true,
        }
    }

    /// The replies to these requests; `made` is the payload asked for by the fault.
    fn replies(self, requests: &[Bytes], made: Option<Payload>, verdict: &Verdict) -> Replies {
        // Only a part of the request is there to be echoed, or counted.
        let is_whole = matches!(verdict.read, Read::All | Read::Rate(_));
        let payloads =
            || requests.iter().map(|bytes| cload::Request::decode(bytes.clone()).unwrap_or_default().payload);
        let echo = |payload| if is_whole { Reply::Echo(payload) } else { Reply::Unknown };
        let or_made = |reply: Reply| made.map_or(reply, Reply::Made);
        let zeros = |size: i32| or_made(Reply::Made(zeros(u64::try_from(size).unwrap_or(0))));
        let received = is_whole.then(|| (requests.len() as u64, payloads().map(|payload| payload.len() as u64).sum()));
        match self {
            Own::Unary => Replies { received, ..Replies::of(payloads().map(echo).map(or_made).collect()) },
            Own::ServerStream => {
                let replies = Replies::of(payloads().map(echo).map(or_made).collect());
                Replies { received, count: Some(verdict.count.unwrap_or(1)), ..replies }
            }
            // It counts; there is no one message that it could echo.
            Own::ClientStream => Replies { received, ..Replies::of(vec![or_made(echo(Bytes::new()))]) },
            Own::BidiStream => {
                let replies = Replies::of(payloads().map(echo).map(or_made).collect());
                Replies { count: verdict.count.or(replies.count.filter(|_| is_whole)), ..replies }
            }
            Own::TestEmpty | Own::TestUnimplemented => Replies::unknown(Some(1)),
            Own::TestUnary => {
                let asked = requests.first().and_then(|bytes| testing::SimpleRequest::decode(bytes.clone()).ok());
                Replies::of(vec![zeros(asked.map_or(0, |asked| asked.response_size))])
            }
            Own::TestInput if !is_whole => Replies::unknown(Some(1)),
            Own::TestInput => {
                let of = |bytes: &Bytes| {
                    let request = testing::StreamingInputCallRequest::decode(bytes.clone()).ok()?;
                    Some(request.payload?.body.len() as u64)
                };
                Replies::of(vec![Reply::Sum(requests.iter().filter_map(of).sum())])
            }
            Own::TestDuplex if !is_whole => Replies::unknown(None),
            Own::TestOutput | Own::TestDuplex => {
                let listed = |bytes: &Bytes| {
                    let request = testing::StreamingOutputCallRequest::decode(bytes.clone()).unwrap_or_default();
                    let mut sizes: Vec<i32> = request.response_parameters.iter().map(|wanted| wanted.size).collect();
                    if let Some(count) = verdict.count {
                        sizes.resize(usize::try_from(count).unwrap_or(usize::MAX), 0);
                    } else if made.is_some() && sizes.is_empty() {
                        sizes.push(0);
                    }
                    sizes
                };
                Replies::of(requests.iter().flat_map(listed).map(zeros).collect())
            }
        }
    }

    /// The status that the request itself asks for, in the way of the interop suite.
    fn asked_status(self, requests: &[Bytes]) -> Option<u8> {
        if self == Own::TestUnimplemented {
            return Some(UNIMPLEMENTED);
        }
        let asked = |bytes: &Bytes| match self {
            Own::TestUnary => testing::SimpleRequest::decode(bytes.clone()).ok()?.response_status,
            Own::TestOutput | Own::TestDuplex => {
                testing::StreamingOutputCallRequest::decode(bytes.clone()).ok()?.response_status
            }
            _ => None,
        };
        let code = requests.iter().filter_map(asked).map(|status| status.code).find(|code| *code != 0)?;
        Some(u8::try_from(code).ok().filter(|code| *code <= 16).unwrap_or(2))
    }

    /// What is in a message of the answer; nothing if it cannot be read.
    pub(crate) fn read(self, message: Bytes) -> Option<Held> {
        let of =
            |payload: Option<testing::Payload>| Held { payload: payload.unwrap_or_default().body, ..Held::default() };
        Some(match self {
            Own::Unary | Own::ServerStream | Own::ClientStream | Own::BidiStream => {
                let reply = cload::Reply::decode(message).ok()?;
                let received = Some((reply.messages_received, reply.bytes_received));
                Held { payload: reply.payload, index: Some(reply.index), sum: None, received }
            }
            Own::TestUnary => of(testing::SimpleResponse::decode(message).ok()?.payload),
            Own::TestOutput | Own::TestDuplex => {
                of(testing::StreamingOutputCallResponse::decode(message).ok()?.payload)
            }
            Own::TestInput => {
                let sum = testing::StreamingInputCallResponse::decode(message).ok()?.aggregated_payload_size;
                Held { sum: u64::try_from(sum).ok(), ..Held::default() }
            }
            Own::TestEmpty | Own::TestUnimplemented => Held::default(),
        })
    }
}

/// What a message of an answer holds.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Held {
    pub(crate) payload: Bytes,
    /// Which message of the answer it says it is.
    pub(crate) index: Option<u64>,
    /// The payload bytes it says it has seen.
    pub(crate) sum: Option<u64>,
    /// The messages and payload bytes it says it has seen.
    pub(crate) received: Option<(u64, u64)>,
}

fn zeros(size_bytes: u64) -> Payload {
    Payload::new(Body::Zero, size_bytes, 0, "").expect("zeros are made, not echoed")
}

impl GrpcCall {
    /// How a call with this verdict should end, and what comes before.
    pub fn expected(&self, messages: &Messages, verdict: &Verdict) -> (GrpcEnd, Replies) {
        let made = verdict
            .size_bytes
            .and_then(|size_bytes| Payload::new(verdict.body, size_bytes, verdict.seed, &verdict.key));
        let mut replies = match messages.own {
            Some(own) => own.replies(&messages.requests, made, verdict),
            None => Replies::unknown((!messages.server_streams).then_some(1)),
        };
        let shape = Shape {
            request_bytes: messages.requests.iter().map(|request| PREFIX_BYTES + request.len() as u64).sum(),
            messages: replies.count.unwrap_or(1),
            bytes: replies.bytes().saturating_add(PREFIX_BYTES * replies.count.unwrap_or(1)),
        };
        // Without an error it is an announcement: streams under way, this one too, come to their ends.
        let fault = verdict.fault.filter(|kind| *kind != FaultKind::Goaway(H2Code::NO_ERROR));
        let asked = verdict.status.and_then(|status| status.grpc()).filter(|code| *code != 0);
        let by_message = messages.own.and_then(|own| own.asked_status(&messages.requests));
        let status = asked.or(by_message).unwrap_or(0);
        let end = match fault {
            _ if is_unavoidable(verdict, shape, self.deadline) => GrpcEnd::Status(DEADLINE_EXCEEDED),
            None => GrpcEnd::Status(status),
            Some(kind) => expected_end(kind),
        };
        let is_whole = fault.is_none() && end == GrpcEnd::Status(status);
        let is_lone = if fault == verdict.fault {
            is_lone(verdict)
        } else {
            is_lone(&Verdict { fault: None, ..verdict.clone() })
        };
        if !is_whole || asked.is_none() && by_message.is_some() && messages.own == Some(Own::TestDuplex) {
            // What comes before the failure is up to where it strikes.
            replies.count = None;
        } else if is_lone || asked.is_none() && by_message.is_some() && !messages.server_streams {
            replies.count = Some(0);
        }
        (end, replies)
    }
}

fn expected_end(kind: FaultKind) -> GrpcEnd {
    match kind {
        FaultKind::Hang => GrpcEnd::Hang,
        FaultKind::Empty | FaultKind::NoStatus => GrpcEnd::NoStatus,
        FaultKind::Reset => GrpcEnd::Reset,
        FaultKind::Abort => GrpcEnd::H2(H2End::RstStream(H2Code::INTERNAL_ERROR.get())),
        FaultKind::H2Rst(code) => GrpcEnd::H2(H2End::RstStream(code.get())),
        FaultKind::Goaway(code) => GrpcEnd::H2(H2End::GoAway(code.get())),
        FaultKind::Garbage => GrpcEnd::Malformed,
        FaultKind::BadHead => GrpcEnd::BadHead,
        FaultKind::Oversize => GrpcEnd::Oversize,
        // Kinds of other protocols: no plan holds them, Fault::check refuses them over gRPC.
        FaultKind::BadChunk
        | FaultKind::Clen(_)
        | FaultKind::Drop
        | FaultKind::Tc
        | FaultKind::TcForced
        | FaultKind::BadCase
        | FaultKind::Qr0
        | FaultKind::NoAa
        | FaultKind::BadId
        | FaultKind::BadQ
        | FaultKind::Lame
        | FaultKind::Cut(_)
        | FaultKind::Dup
        | FaultKind::Late => GrpcEnd::Status(0),
    }
}
