//! Is it what was asked? Worked out before the call begins, compared as messages come, decided when it has ended.

use std::rc::Rc;

use bytes::Bytes;
use http::StatusCode;
use prost_reflect::{DynamicMessage, ReflectMessage as _, Value};
use shared::fault::Limits;
use shared::identity::RequestId;
use shared::outcome::{Code, ErrorClass, Outcome};

use super::exchange::End;
use super::frame::Unframed;
use super::status::{DEADLINE_EXCEEDED, Said, of_http};
use crate::driver::{Ending, H2End};
use crate::plan::{ContentExpectation, GrpcCall, GrpcEnd, Held, Messages, Replies, Reply};

/// What every client accepts of one message unless told otherwise, in bytes: the limit that `fault=oversize` is about.
const USUAL_MESSAGE_BYTES: usize = 4 << 20;
/// What a message may have beside the largest payload that can be asked for.
const BESIDE_PAYLOAD_BYTES: usize = 64 << 10;

/// What the calls of an operation have in common.
pub(super) struct Sought {
    pub(super) call: GrpcCall,
    pub(super) messages: Messages,
    /// How a call ends that asks for nothing.
    plain: (GrpcEnd, Replies),
}

impl Sought {
    pub(super) fn new(call: GrpcCall, messages: Messages) -> Sought {
        let plain = call.expected(&messages, &call.predict(""));
        Sought { call, messages, plain }
    }
}

/// What the answer to one call should be, and what is seen of it.
pub struct Wanted {
    sought: Rc<Sought>,
    end: GrpcEnd,
    replies: Replies,
    n_messages: u64,
    /// Whether every message so far holds what was predicted.
    predicted_matches: bool,
    /// Whether every message so far holds what the file expects.
    expected_matches: bool,
    /// The id that the answer names.
    id: Option<RequestId>,
}

/// What a call that has ended was like, beside what was asked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Answered {
    end: End,
    id_matches: Option<bool>,
}

impl Wanted {
    pub(super) fn new(sought: &Rc<Sought>, id: RequestId) -> Wanted {
        let (end, replies) = if sought.call.fault.is_empty() {
            sought.plain.clone()
        } else {
            sought.call.expected(&sought.messages, &sought.call.predict(&id.to_string()))
        };
        Wanted {
            sought: Rc::clone(sought),
            end,
            replies,
            n_messages: 0,
            predicted_matches: true,
            expected_matches: true,
            id: None,
        }
    }

    /// The longest message to accept. Larger than usual, because larger ones can be asked for; but who asks for one that is
    /// over the usual limit wants to see it refused.
    pub(super) fn message_max_bytes(&self) -> usize {
        let asked_max = usize::try_from(Limits::default().size_max_bytes).expect("16 MiB");
        if self.end == GrpcEnd::Oversize { USUAL_MESSAGE_BYTES } else { asked_max + BESIDE_PAYLOAD_BYTES }
    }

    pub(super) fn said(&mut self, said: &Said) {
        self.id = said.id;
    }

    /// Takes the next message of the answer.
    pub(super) fn take(&mut self, message: Bytes) {
        let n = self.n_messages;
        self.n_messages += 1;
        if let Some(expected) = &self.sought.messages.expected {
            let decoded = DynamicMessage::decode(self.sought.messages.output.clone(), message.clone());
            self.expected_matches &= decoded.is_ok_and(|decoded| holds(&decoded, expected));
        }
        let own = self.sought.messages.own.filter(|_| self.sought.call.expect.content == ContentExpectation::Predicted);
        if let Some(own) = own {
            let held = own.read(message);
            let saw = held.as_ref().and_then(|held| held.received).zip(self.replies.received);
            self.predicted_matches &= saw.is_none_or(|(says, sent)| says == sent);
            self.predicted_matches &= match (held, self.replies.nth(n)) {
                (None, _) => false,
                (Some(held), _) if held.index.is_some_and(|index| index != n) => false,
                (Some(_), Reply::Unknown) => true,
                (Some(Held { payload, .. }), Reply::Echo(bytes)) => payload == *bytes,
                (Some(Held { payload, .. }), Reply::Made(made)) => {
                    payload.len() as u64 == made.size_bytes() && made.matcher().push(&payload).is_ok()
                }
                (Some(Held { sum, .. }), Reply::Sum(bytes)) => sum == Some(*bytes),
            };
        }
    }

    pub(super) fn answered(&self, end: End, id: RequestId) -> Answered {
        Answered { end, id_matches: self.id.map(|echoed| echoed == id) }
    }

    /// The verdict on how the call ended.
    pub(super) fn judge(&self, ending: Ending<Answered>) -> Outcome<ErrorClass> {
        let none = |class| Outcome::Failure(Code::NONE, class);
        // Where the file names statuses the call must end in one of them: a proxy that turns a reset into UNAVAILABLE is what
        // such a scenario looks for.
        let wanted = self.sought.call.expect.status.is_none().then_some(self.end);
        match (wanted, ending) {
            (_, Ending::Failed(class)) => none(class),
            (_, Ending::Answered(answered)) => self.judge_end(wanted, &answered),
            (Some(GrpcEnd::H2(asked)), Ending::H2(end)) if asked == end => Outcome::Success(Code::NONE),
            (Some(GrpcEnd::Reset), Ending::Reset)
            | (Some(GrpcEnd::Malformed), Ending::Malformed)
            | (Some(GrpcEnd::Hang), Ending::TimedOut) => Outcome::Success(Code::NONE),
            (_, Ending::Reset | Ending::H2(H2End::RstStream(_))) => none(ErrorClass::Reset),
            (_, Ending::Closed | Ending::H2(H2End::GoAway(_))) => none(ErrorClass::Closed),
            (_, Ending::Malformed) => none(ErrorClass::Protocol),
            (_, Ending::TimedOut) => none(ErrorClass::Timeout),
        }
    }

    fn judge_end(&self, wanted: Option<GrpcEnd>, answered: &Answered) -> Outcome<ErrorClass> {
        match (wanted, answered.end) {
            (Some(GrpcEnd::NoStatus), End::NoStatus)
            // In mid-answer, h2 reads a reset without an error as its end.
            | (Some(GrpcEnd::H2(H2End::RstStream(0))), End::NoStatus)
            | (Some(GrpcEnd::BadHead), End::BadHead(_))
            | (Some(GrpcEnd::Oversize), End::Unframed(Unframed::TooLong)) => Outcome::Success(Code::NONE),
            (None | Some(GrpcEnd::Status(_)), End::Status(code)) => self.judge_status(code, answered),
            (Some(GrpcEnd::Status(DEADLINE_EXCEEDED)), End::Deadline) => {
                Outcome::Success(Code::Grpc(DEADLINE_EXCEEDED))
            }
            (None, End::Deadline) if self.is_right(DEADLINE_EXCEEDED) => Outcome::Success(Code::Grpc(DEADLINE_EXCEEDED)),
            (_, End::Status(code)) => Outcome::Failure(Code::Grpc(code), ErrorClass::Validation),
            (_, End::Deadline) => Outcome::Failure(Code::Grpc(DEADLINE_EXCEEDED), ErrorClass::Timeout),
            (_, End::NoStatus | End::Unframed(_)) => Outcome::Failure(Code::NONE, ErrorClass::Protocol),
            // A proxy's failure, or something that speaks no gRPC.
            (_, End::BadHead(status)) => {
                let class = if status == StatusCode::OK { ErrorClass::Protocol } else { ErrorClass::Status };
                Outcome::Failure(Code::Grpc(of_http(status)), class)
            }
        }
    }

    fn is_right(&self, code: u8) -> bool {
        match &self.sought.call.expect.status {
            Some(codes) => codes.contains(&code),
            None => self.end == GrpcEnd::Status(code),
        }
    }

    fn judge_status(&self, code: u8, answered: &Answered) -> Outcome<ErrorClass> {
        let expect = &self.sought.call.expect;
        let label = Code::Grpc(code);
        if !self.is_right(code) {
            let class = match code {
                DEADLINE_EXCEEDED => ErrorClass::Timeout,
                0 => ErrorClass::Validation,
                _ => ErrorClass::Status,
            };
            return Outcome::Failure(label, class);
        }
        // Another answer than the predicted one comes from somebody else, and has no content to compare with.
        let is_the_targets = self.end == GrpcEnd::Status(code);
        let count = expect.messages.or(self.replies.count.filter(|_| is_the_targets));
        let is_right = count.is_none_or(|count| count == self.n_messages)
            && self.expected_matches
            && (self.predicted_matches || !is_the_targets)
            && answered.id_matches.unwrap_or(!expect.id);
        if is_right { Outcome::Success(label) } else { Outcome::Failure(label, ErrorClass::Validation) }
    }

    /// What was asked, and what came.
    pub(super) fn explain(&self, ending: Ending<Answered>) -> String {
        let expect = &self.sought.call.expect;
        let asked = match &expect.status {
            Some(codes) => {
                let names: Vec<String> = codes.iter().map(|code| Code::Grpc(*code).label()).collect();
                names.join(" or ")
            }
            None => self.end.to_string(),
        };
        let count = expect.messages.or(self.replies.count);
        let messages = count.map_or_else(String::new, |count| format!(" with {count} messages"));
        let got = match ending {
            Ending::Answered(answered) => self.explain_answer(&answered),
            Ending::H2(end) => end.to_string(),
            Ending::Reset => "a reset".to_owned(),
            Ending::Closed => "a closed connection".to_owned(),
            Ending::Malformed => "bytes that are no HTTP/2".to_owned(),
            Ending::TimedOut => "nothing complete in time".to_owned(),
            Ending::Failed(class) => class.as_str().to_owned(),
        };
        format!("asked {asked}{messages}, got {got}")
    }

    fn explain_answer(&self, answered: &Answered) -> String {
        let mut got = match answered.end {
            End::Status(code) => Code::Grpc(code).label(),
            End::NoStatus => "an end without a status".to_owned(),
            End::BadHead(status) => format!("HTTP status {} and no gRPC", status.as_u16()),
            End::Unframed(why) => why.to_string(),
            End::Deadline => "nothing before the deadline".to_owned(),
        };
        got.push_str(&format!(" with {} messages", self.n_messages));
        let expect = &self.sought.call.expect;
        let flaws = [
            (!self.predicted_matches, ", of which not all hold the payload asked for"),
            (!self.expected_matches, ", of which not all hold what expect says"),
            (answered.id_matches == Some(false), ", the answer to another request"),
            (answered.id_matches.is_none() && expect.id, ", without the request's id"),
        ];
        flaws.iter().filter(|(applies, _)| *applies).for_each(|(_, words)| got.push_str(words));
        got
    }
}

/// Whether a message holds every field of another with the same value; messages inside may hold more, too.
fn holds(message: &DynamicMessage, expected: &DynamicMessage) -> bool {
    message.descriptor() == expected.descriptor()
        && expected.fields().all(|(field, value)| match (value, &*message.get_field(&field)) {
            (Value::Message(expected), Value::Message(inner)) => holds(inner, expected),
            (expected, value) => expected == value,
        })
}

#[cfg(test)]
mod tests;
