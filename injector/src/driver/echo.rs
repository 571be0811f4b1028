//! What the TCP and UDP echo have in common: the command line before it is sent, and the judgement when it has ended.
//!
//! Each property is asserted at this end although the target promises it, the flipped bits of `corrupt` included: what else
//! differs was done by the path.

#[cfg(test)]
mod tests;

use std::io::Write as _;
use std::sync::Arc;

use shared::carrier::TCP_PREFIX;
use shared::echo::{Content as Answers, Corruption, Strike};
use shared::fault::{Read, Verdict};
use shared::identity::RequestId;
use shared::instance::Instance;
use shared::outcome::{Code, ErrorClass, Outcome};
use shared::reply::Answer;

use super::content::Content;
use super::{Declared, Ending, IdentityTemplate, Marks};
use crate::plan::{ContentExpectation, EchoCall, Endpoint, ExpectedEnd, Operation, SizeExpectation};
use crate::socket::Guard;

/// An operation's request, ready to be sent.
pub struct Prepared {
    pub(super) endpoint: Endpoint,
    pub(super) guard: Guard,
    pub(super) body: Arc<[u8]>,
    call: EchoCall,
    upper: Arc<[u8]>,
    /// The command line up to the sequence number; nothing if there is none.
    before_seq: Vec<u8>,
    after_seq: Vec<u8>,
}

/// What the answer line may say of its times and its server, over what stands in the command line anyway: an answer over
/// UDP has no more room than its query. A longer name than a cluster usually has is left out of the answer.
const ROOM_FOR_MARKS_BYTES: usize = 48 + 128;

impl Prepared {
    pub(super) fn new(operation: &Operation, call: &EchoCall, identity: IdentityTemplate) -> Prepared {
        let body: Arc<[u8]> = call.body.bytes().into();
        let upper = body.to_ascii_uppercase().into();
        let (mut before_seq, mut after_seq) = (Vec::new(), Vec::new());
        if !call.is_plain {
            let who = format!("source={} op={}", identity.source, operation.name);
            let asked = call.fault_text();
            before_seq.extend_from_slice(TCP_PREFIX);
            before_seq.extend_from_slice(format!("{who} id={}.", identity.session).as_bytes());
            if !asked.is_empty() {
                after_seq.push(b' ');
                after_seq.extend_from_slice(asked.as_bytes());
            }
            let room = if operation.protocol().is_datagram() { ROOM_FOR_MARKS_BYTES } else { 0 };
            let missing = room.saturating_sub(who.len() + asked.len());
            after_seq.extend(std::iter::repeat_n(b' ', missing));
            after_seq.push(b'\n');
        }
        let (endpoint, guard) = (operation.endpoint.clone(), Guard::of(operation));
        Prepared { endpoint, guard, body, call: call.clone(), upper, before_seq, after_seq }
    }

    /// Puts the command line of a request in place of what is in `head`.
    pub(super) fn write_head(&self, id: RequestId, head: &mut Vec<u8>) {
        head.clear();
        if self.call.is_plain {
            return;
        }
        head.extend_from_slice(&self.before_seq);
        write!(head, "{}", id.seq).expect("a Vec takes every byte");
        head.extend_from_slice(&self.after_seq);
    }
}

/// What a complete answer was like, beside what was asked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Answered {
    /// Payload bytes.
    pub size_bytes: u64,
    /// Whether every payload byte is the one that was asked for.
    pub content_matches: bool,
    /// Whether the answer names this very request; nothing if it names none.
    pub id_matches: Option<bool>,
    /// Bytes behind the end of the answer.
    pub surplus_bytes: u64,
    /// The target says that it did not understand.
    pub is_refused: bool,
}

/// What the answer to one request should be.
pub struct Wanted {
    pub(super) end: ExpectedEnd,
    /// Nothing if the request does not say who it is.
    id: Option<RequestId>,
    id_is_required: bool,
    /// The length that is right, if one is.
    size_bytes: Option<u64>,
    /// The length after which the answer is whole.
    pub(super) whole_bytes: u64,
    /// It is broken only when all of it has come.
    pub(super) breaks_at_end: bool,
    /// No request can follow on its connection.
    pub(super) is_last: bool,
    /// The target takes the whole request.
    pub(super) is_read: bool,
    /// Answers that are to come: UDP's `dup`.
    pub(super) copies: u8,
    pub(super) content: Content,
    corruption: Option<Corruption>,
    /// What the target did not understand, in its words.
    refusal: Option<String>,
}

/// What an answer line says of this request.
pub(super) enum Line {
    /// Its payload follows.
    Ours { id_matches: Option<bool> },
    /// The answer to an earlier request of this run.
    Earlier,
    /// The target did not understand.
    Refused,
    /// No line of ours.
    Malformed,
}

impl Wanted {
    pub(super) fn new(prepared: &Prepared, id: RequestId) -> Wanted {
        let call = &prepared.call;
        let verdict = if call.fault.is_empty() { Verdict::default() } else { call.predict(&id.to_string()) };
        let sent_bytes = prepared.body.len() as u64;
        let read_bytes = match verdict.read {
            Read::All | Read::Rate(_) => sent_bytes,
            Read::None => 0,
            Read::First(bytes) => bytes.min(sent_bytes),
        };
        let echo = |body: &Arc<[u8]>| (Content::Echo { body: Arc::clone(body), seen: 0 }, read_bytes);
        let (content, whole_bytes) = match Answers::of(&verdict) {
            Answers::Echo => echo(&prepared.body),
            Answers::Upper => echo(&prepared.upper),
            Answers::Nothing => (Content::Any, 0),
            Answers::Made(payload) => (Content::Payload(payload.matcher()), payload.size_bytes()),
        };
        let breaks_at_end = match Strike::of(&verdict, Some(whole_bytes)) {
            None | Some(Strike::Head) => false,
            Some(Strike::Byte(bytes)) => bytes >= whole_bytes,
            Some(Strike::End) => true,
        };
        Wanted {
            end: call.expected_end(&verdict),
            id: (!call.is_plain).then_some(id),
            id_is_required: call.expect.id && !call.is_plain,
            size_bytes: match call.expect.size {
                SizeExpectation::Predicted => Some(whole_bytes),
                SizeExpectation::Exactly(size_bytes) => Some(size_bytes),
                SizeExpectation::Any => None,
            },
            whole_bytes,
            breaks_at_end,
            is_last: verdict.close || read_bytes < sent_bytes,
            is_read: read_bytes == sent_bytes,
            copies: if verdict.dup { 2 } else { 1 },
            content: match call.expect.content {
                ContentExpectation::Predicted => content,
                ContentExpectation::Any => Content::Any,
            },
            corruption: Corruption::of(&verdict),
            refusal: None,
        }
    }

    /// Whether the request says who it is.
    pub(super) fn is_identified(&self) -> bool {
        self.id.is_some()
    }

    /// Reads the answer line, and marks the times it tells.
    pub(super) fn line(&mut self, line: &[u8], marks: &Marks) -> Line {
        let id = match Answer::parse_line(line) {
            Err(_) => return Line::Malformed,
            Ok(Answer::Err(refusal)) => {
                self.refusal = Some(refusal.to_string());
                return Line::Refused;
            }
            Ok(Answer::Brief(id)) => id,
            Ok(Answer::Ok(reply)) => {
                if self.is_ours(reply.id) != Some(false) {
                    marks.server.set(Some(reply.own));
                    marks.asked.set(Some(reply.asked));
                    marks.backend.set(Instance::read(reply.server.as_bytes()));
                    marks.declare(&Declared::of_reply(&reply));
                }
                reply.id
            }
        };
        let session = |id: &RequestId| Some(id.session) == self.id.map(|own| own.session);
        let is_earlier = id.and_then(|id| RequestId::from_bytes(id.as_bytes())).is_some_and(|id| session(&id));
        match self.is_ours(id) {
            Some(false) if is_earlier => Line::Earlier,
            id_matches => Line::Ours { id_matches },
        }
    }

    fn is_ours(&self, id: Option<&str>) -> Option<bool> {
        let named = id.map(|id| RequestId::from_bytes(id.as_bytes()));
        named.map(|named| named.is_some() && named == self.id)
    }

    /// Compares a piece of the payload that begins at this offset.
    pub(super) fn matches(&self, content: &mut Content, offset: u64, piece: &[u8]) -> bool {
        match self.corruption {
            None => content.take(piece),
            Some(corruption) => {
                let mut piece = piece.to_vec();
                corruption.flip(offset, &mut piece);
                content.take(&piece)
            }
        }
    }

    /// The verdict on how the request ended.
    pub(super) fn judge(&self, ending: Ending<Answered>) -> Outcome<ErrorClass> {
        match (self.end, ending) {
            (_, Ending::Failed(class)) => Outcome::Failure(Code::NONE, class),
            (_, Ending::Answered(answered)) if answered.is_refused => Outcome::Failure(Code::NONE, ErrorClass::Status),
            (ExpectedEnd::Answer, Ending::Answered(answered)) => self.judge_answer(&answered),
            (ExpectedEnd::Reset, Ending::Reset)
            | (ExpectedEnd::Closed, Ending::Closed)
            | (ExpectedEnd::Hang, Ending::TimedOut)
            | (ExpectedEnd::Malformed, Ending::Malformed) => Outcome::Success(Code::NONE),
            (_, Ending::Answered(_)) => Outcome::Failure(Code::Echo, ErrorClass::Validation),
            (_, Ending::Reset) => Outcome::Failure(Code::NONE, ErrorClass::Reset),
            (_, Ending::Closed) => Outcome::Failure(Code::NONE, ErrorClass::Closed),
            (_, Ending::Malformed | Ending::H2(_)) => Outcome::Failure(Code::NONE, ErrorClass::Protocol),
            (_, Ending::TimedOut) => Outcome::Failure(Code::NONE, ErrorClass::Timeout),
        }
    }

    fn judge_answer(&self, answered: &Answered) -> Outcome<ErrorClass> {
        let size_is_right = self.size_bytes.is_none_or(|wanted| wanted == answered.size_bytes);
        let id_is_right = answered.id_matches.unwrap_or(!self.id_is_required);
        if answered.surplus_bytes > 0 {
            Outcome::Failure(Code::Echo, ErrorClass::Protocol)
        } else if size_is_right && id_is_right && answered.content_matches {
            Outcome::Success(Code::Echo)
        } else {
            Outcome::Failure(Code::Echo, ErrorClass::Validation)
        }
    }

    /// What was asked, and what came.
    pub(super) fn explain(&self, ending: Ending<Answered>) -> String {
        let size = self.size_bytes.map_or_else(String::new, |bytes| format!(" of {bytes} bytes"));
        let asked = match (self.end, self.copies) {
            (ExpectedEnd::Answer, 1) => format!("an answer{size}"),
            (ExpectedEnd::Answer, _) => format!("two answers{size}"),
            (end, _) => end.to_string(),
        };
        let got = match ending {
            Ending::Answered(answered) if answered.is_refused => {
                format!("a refusal: {}", self.refusal.as_deref().unwrap_or_default())
            }
            Ending::Answered(answered) => {
                let mut got = format!("{} bytes", answered.size_bytes);
                let flaws = [
                    (!answered.content_matches, " that are not those asked for"),
                    (answered.id_matches == Some(false), ", the answer to another request"),
                    (answered.id_matches.is_none() && self.id_is_required, ", without the request's id"),
                    (answered.surplus_bytes > 0, " and more behind the end"),
                ];
                flaws.iter().filter(|(applies, _)| *applies).for_each(|(_, words)| got.push_str(words));
                got
            }
            Ending::Reset => "a reset".to_owned(),
            Ending::Closed => "a closed connection or an empty datagram".to_owned(),
            Ending::Malformed | Ending::H2(_) => "bytes that are no answer line".to_owned(),
            Ending::TimedOut => "nothing complete in time".to_owned(),
            Ending::Failed(class) => class.as_str().to_owned(),
        };
        format!("asked {asked}, got {got}")
    }
}
