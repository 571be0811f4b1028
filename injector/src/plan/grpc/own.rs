//! What our own services answer: how a call ends, with how many messages, and what is in them. Pure.

use bytes::Bytes;
use prost::Message as _;
use shared::deadline::{Shape, is_unavoidable};
use shared::fault::{Body, FaultKind, TrailersAt, Verdict};
use shared::payload::Payload;
use shared::proto::cload::v1 as cload;
use shared::proto::grpc::testing;

use super::{GrpcCall, GrpcEnd, GrpcMethod, Messages};

/// gRPC's code for an answer that did not come in time.
pub(super) const DEADLINE_EXCEEDED: u8 = 4;

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
    /// `grpc.testing.TestService`'s methods that list the messages they want.
    TestOutput,
    /// `grpc.testing.TestService/StreamingInputCall`.
    TestInput,
    /// `grpc.testing.TestService/EmptyCall`.
    TestEmpty,
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
}

impl Replies {
    fn unknown() -> Replies {
        Replies { count: None, kinds: vec![Reply::Unknown] }
    }

    fn of(kinds: Vec<Reply>) -> Replies {
        let count = Some(kinds.len() as u64);
        Replies { count, kinds: if kinds.is_empty() { vec![Reply::Unknown] } else { kinds } }
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
            ("grpc.testing.TestService", "StreamingOutputCall" | "FullDuplexCall" | "HalfDuplexCall") => {
                Own::TestOutput
            }
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
            Own::TestUnary => testing::SimpleRequest { payload: ballast(payload), ..Default::default() }.encode_to_vec(),
            Own::TestOutput => {
                testing::StreamingOutputCallRequest { payload: ballast(payload), ..Default::default() }.encode_to_vec()
            }
            Own::TestInput => {
                testing::StreamingInputCallRequest { payload: ballast(payload), ..Default::default() }.encode_to_vec()
            }
            Own::TestEmpty => return None,
        })
    }

    /// The fault that rides in the first message.
    pub(super) fn fault_in(self, first: &[u8]) -> Option<String> {
        let is_cload = matches!(self, Own::Unary | Own::ServerStream | Own::ClientStream | Own::BidiStream);
        let request = is_cload.then(|| cload::Request::decode(first).ok()).flatten()?;
        (!request.fault.is_empty()).then_some(request.fault)
    }

    /// What a plain answer to these requests holds.
    fn plain(self, requests: &[Bytes]) -> Vec<Reply> {
        let echo = |bytes: &Bytes| {
            Reply::Echo(cload::Request::decode(bytes.clone()).map(|request| request.payload).unwrap_or_default())
        };
        let size = |size: i32| Reply::Made(zeros(u64::try_from(size).unwrap_or(0)));
        match self {
            Own::Unary | Own::ServerStream | Own::BidiStream => requests.iter().map(echo).collect(),
            // All that came, in one.
            Own::ClientStream => {
                let mut all = Vec::new();
                for request in requests {
                    if let Reply::Echo(bytes) = echo(request) {
                        all.extend_from_slice(&bytes);
                    }
                }
                vec![Reply::Echo(all.into())]
            }
            Own::TestEmpty => vec![Reply::Unknown],
            Own::TestUnary => {
                let asked = requests.first().and_then(|bytes| testing::SimpleRequest::decode(bytes.clone()).ok());
                vec![size(asked.map_or(0, |asked| asked.response_size))]
            }
            Own::TestInput => {
                let of = |bytes: &Bytes| {
                    let request = testing::StreamingInputCallRequest::decode(bytes.clone()).ok()?;
                    Some(request.payload?.body.len() as u64)
                };
                vec![Reply::Sum(requests.iter().filter_map(of).sum())]
            }
            Own::TestOutput => {
                let listed = |bytes: &Bytes| {
                    let request = testing::StreamingOutputCallRequest::decode(bytes.clone()).unwrap_or_default();
                    request.response_parameters.into_iter().map(|wanted| size(wanted.size))
                };
                requests.iter().flat_map(listed).collect()
            }
        }
    }

    /// The status that the request itself asks for, in the way of the interop suite.
    fn asked_status(self, requests: &[Bytes]) -> Option<u8> {
        let asked = |bytes: &Bytes| match self {
            Own::TestUnary => testing::SimpleRequest::decode(bytes.clone()).ok()?.response_status,
            Own::TestOutput => testing::StreamingOutputCallRequest::decode(bytes.clone()).ok()?.response_status,
            _ => None,
        };
        let code = requests.iter().filter_map(asked).map(|status| status.code).find(|code| *code != 0)?;
        Some(u8::try_from(code).ok().filter(|code| *code <= 16).unwrap_or(2))
    }

    /// What is in a message of the answer: its payload, or the sum it tells. Nothing if it cannot be read.
    pub(crate) fn read(self, message: Bytes) -> Option<Held> {
        Some(match self {
            Own::Unary | Own::ServerStream | Own::ClientStream | Own::BidiStream => {
                Held::Payload(cload::Reply::decode(message).ok()?.payload)
            }
            Own::TestUnary => {
                Held::Payload(testing::SimpleResponse::decode(message).ok()?.payload.unwrap_or_default().body)
            }
            Own::TestOutput => {
                let answer = testing::StreamingOutputCallResponse::decode(message).ok()?;
                Held::Payload(answer.payload.unwrap_or_default().body)
            }
            Own::TestInput => {
                let answer = testing::StreamingInputCallResponse::decode(message).ok()?;
                Held::Sum(u64::try_from(answer.aggregated_payload_size).ok()?)
            }
            Own::TestEmpty => Held::Payload(Bytes::new()),
        })
    }
}

/// What a message of an answer holds.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Held {
    Payload(Bytes),
    Sum(u64),
}

fn zeros(size_bytes: u64) -> Payload {
    Payload::new(Body::Zero, size_bytes, 0, "").expect("zeros are made, not echoed")
}

impl GrpcCall {
    /// How a call with this verdict should end, and what comes before.
    pub fn expected(&self, messages: &Messages, verdict: &Verdict) -> (GrpcEnd, Replies) {
        let mut replies = match messages.own {
            Some(own) => replies(own, &messages.requests, verdict),
            None if messages.server_streams => Replies::unknown(),
            None => Replies { count: Some(1), kinds: vec![Reply::Unknown] },
        };
        let shape = Shape {
            request_bytes: messages.requests.iter().map(|request| 5 + request.len() as u64).sum(),
            messages: replies.count.unwrap_or(1),
            bytes: replies.bytes().saturating_add(5 * replies.count.unwrap_or(1)),
        };
        let asked = messages.own.and_then(|own| own.asked_status(&messages.requests));
        let status = verdict.status.and_then(|status| status.grpc()).or(asked).unwrap_or(0);
        let end = match verdict.fault {
            _ if is_unavoidable(verdict, shape, self.deadline) => GrpcEnd::Status(DEADLINE_EXCEEDED),
            None => GrpcEnd::Status(status),
            Some(kind) => expected_end(kind, status),
        };
        if end != GrpcEnd::Status(0) && messages.client_streams | messages.server_streams {
            // What came before the failure is up to where it struck.
            replies = Replies { count: None, ..replies };
        } else if end != GrpcEnd::Status(0) || verdict.trailers_at == Some(TrailersAt::Only) {
            replies = Replies { count: Some(0), ..replies };
        }
        (end, replies)
    }
}

fn expected_end(kind: FaultKind, status: u8) -> GrpcEnd {
    match kind {
        FaultKind::Hang => GrpcEnd::Hang,
        FaultKind::Empty | FaultKind::NoStatus => GrpcEnd::NoStatus,
        FaultKind::Reset => GrpcEnd::Reset,
        FaultKind::Abort => GrpcEnd::RstStream(u32::from(h2::Reason::INTERNAL_ERROR)),
        FaultKind::H2Rst(code) => GrpcEnd::RstStream(code.get()),
        // The streams under way end in peace.
        FaultKind::Goaway(code) if code.get() == 0 => GrpcEnd::Status(status),
        FaultKind::Goaway(code) => GrpcEnd::GoAway(code.get()),
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
        | FaultKind::Late => GrpcEnd::Status(status),
    }
}

fn replies(own: Own, requests: &[Bytes], verdict: &Verdict) -> Replies {
    let mut replies = Replies::of(own.plain(requests));
    if let Some(size_bytes) = verdict.size_bytes
        && let Some(payload) = Payload::new(verdict.body, size_bytes, verdict.seed, &verdict.key)
        && !matches!(own, Own::TestEmpty | Own::TestInput)
    {
        replies.kinds.fill(Reply::Made(payload));
    }
    if let (Own::ServerStream, Some(count)) = (own, verdict.count) {
        replies.count = Some(count);
    }
    replies
}
