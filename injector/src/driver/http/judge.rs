//! Is it what was asked? Worked out before the request is sent, decided when it has ended; pure.
//!
//! Each property is asserted at this end although the target promises it: a target that silently ignored `size` must not
//! look healthy.

use std::sync::Arc;

use shared::fault::{Body, FaultKind, Read, Verdict};
use shared::identity::RequestId;
use shared::outcome::{Code, ErrorClass, Outcome};
use shared::payload::Payload;

use super::{Content, Ending, H2End};
use crate::plan::{ContentExpectation, ExpectedEnd, HttpCall, HttpVersion, Method, SizeExpectation, StatusExpectation};

/// What a complete answer was like, beside what was asked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Answered {
    /// The status; never [`Code::NONE`].
    pub code: Code,
    /// Body bytes.
    pub size_bytes: u64,
    /// Whether every body byte is the one that was asked for, as far as any came.
    pub content_matches: bool,
    /// Whether the answer names this very request; nothing if it names none.
    pub id_matches: Option<bool>,
    /// Bytes behind the end of the answer.
    pub surplus_bytes: u64,
}

/// What the answer to one request should be.
pub struct Wanted {
    version: HttpVersion,
    end: ExpectedEnd,
    /// The status the target should answer with.
    predicted: u16,
    /// Statuses accepted instead of the predicted one.
    any_of: Option<Arc<[u16]>>,
    size_bytes: Option<u64>,
    /// The size and content above hold only if the predicted status came.
    only_if_predicted: bool,
    content: Content,
    content_matches: bool,
    id: bool,
    /// Whether the connection is to end with it.
    is_last: bool,
    /// By how many bytes the announced length is to be too short.
    short_by: Option<u64>,
}

impl Wanted {
    /// For the request with this id, which carries `body`.
    pub(super) fn new(call: &HttpCall, any_of: Option<Arc<[u16]>>, body: &Arc<[u8]>, id: RequestId) -> Wanted {
        let verdict = if call.fault.is_empty() { Verdict::default() } else { call.predict(&id.to_string()) };
        let predicted = verdict.status.and_then(|status| status.http()).unwrap_or(call.plain_status());
        let has_no_body = call.method == Method::Head || matches!(predicted, 204 | 304);
        let certain = is_certain(&verdict);
        let own = own(call, &verdict, body);
        let predicted_size_bytes = match verdict.size_bytes {
            _ if has_no_body => Some(0),
            _ if !certain => None,
            Some(size_bytes) => Some(size_bytes),
            None => own.as_ref().map(|own| own.len() as u64),
        };
        let size_bytes = match call.expect.size {
            SizeExpectation::Predicted => predicted_size_bytes,
            SizeExpectation::Exactly(size_bytes) => Some(size_bytes),
            SizeExpectation::Any => None,
        };
        let content = match (call.expect.content, verdict.size_bytes) {
            (ContentExpectation::Any, _) => Content::Any,
            _ if has_no_body || !certain => Content::Any,
            (ContentExpectation::Predicted, None) => own.map_or(Content::Any, |body| Content::Echo { body, seen: 0 }),
            (ContentExpectation::Predicted, Some(size_bytes)) => {
                let payload = Payload::new(verdict.body, size_bytes, verdict.seed, &verdict.key);
                // Without one the body is an echo, and a size beside an echo is refused when the plan is made.
                payload.map_or(Content::Any, |payload| Content::Payload(payload.matcher()))
            }
        };
        Wanted {
            version: call.version,
            end: if any_of.is_some() { ExpectedEnd::Answer } else { call.expected_end(&verdict) },
            predicted,
            only_if_predicted: call.expect.status != StatusExpectation::Predicted,
            any_of,
            size_bytes,
            content,
            content_matches: true,
            id: call.expect.id,
            is_last: verdict.close,
            short_by: match verdict.fault {
                Some(FaultKind::Clen(difference @ ..0)) => Some(difference.unsigned_abs()),
                _ => None,
            },
        }
    }

    /// Whether a whole answer is to come, and nothing behind it.
    pub(super) fn is_answer(&self) -> bool {
        self.end == ExpectedEnd::Answer
    }

    /// Whether the answer is asked to be the connection's last.
    pub(super) fn is_last(&self) -> bool {
        self.is_last
    }

    /// Takes the next piece of the answer's body.
    pub(super) fn take(&mut self, piece: &[u8]) {
        self.content_matches &= self.content.take(piece);
    }

    /// Whether every piece so far was right.
    pub(super) fn content_matches(&self) -> bool {
        self.content_matches
    }

    /// The verdict on how the request ended.
    pub(super) fn judge(&self, ending: Ending<Answered>) -> Outcome<ErrorClass> {
        match (self.end, ending) {
            (_, Ending::Failed(class)) => Outcome::Failure(Code::NONE, class),
            (ExpectedEnd::Answer, Ending::Answered(answered)) => self.judge_answer(&answered),
            (ExpectedEnd::Reset, Ending::Reset)
            | (ExpectedEnd::Closed, Ending::Closed)
            | (ExpectedEnd::Hang, Ending::TimedOut)
            | (ExpectedEnd::Malformed, Ending::Malformed) => Outcome::Success(Code::NONE),
            // Too short a Content-Length: the answer looks complete, and the rest of it hangs behind.
            (ExpectedEnd::Malformed, Ending::Answered(answered)) if self.is_short_as_asked(&answered) => {
                Outcome::Success(Code::NONE)
            }
            (_, Ending::Answered(answered)) => Outcome::Failure(answered.code, ErrorClass::Validation),
            (_, Ending::Reset) => Outcome::Failure(Code::NONE, ErrorClass::Reset),
            (_, Ending::Closed) => Outcome::Failure(Code::NONE, ErrorClass::Closed),
            (ExpectedEnd::H2(wanted), Ending::H2(got)) if wanted == got => Outcome::Success(Code::NONE),
            (_, Ending::H2(H2End::RstStream(_))) => Outcome::Failure(Code::NONE, ErrorClass::Reset),
            (_, Ending::H2(H2End::GoAway(_))) => Outcome::Failure(Code::NONE, ErrorClass::Closed),
            (_, Ending::Malformed) => Outcome::Failure(Code::NONE, ErrorClass::Protocol),
            (_, Ending::TimedOut) => Outcome::Failure(Code::NONE, ErrorClass::Timeout),
        }
    }

    /// What was asked, and what came.
    pub(super) fn explain(&self, ending: Ending<Answered>) -> String {
        let asked = match (self.end, &self.any_of) {
            (ExpectedEnd::Answer, Some(codes)) => format!("one of {codes:?}"),
            (ExpectedEnd::Answer, None) => self.predicted.to_string(),
            (end, _) => end.to_string(),
        };
        let size = self.size_bytes.map_or_else(String::new, |bytes| format!(" with {bytes} bytes"));
        let got = match ending {
            Ending::Answered(answered) => {
                let mut got = format!("{} with {} bytes", answered.code, answered.size_bytes);
                let flaws = [
                    (!answered.content_matches, " that are not those asked for"),
                    (answered.id_matches == Some(false), ", the answer to another request"),
                    (answered.id_matches.is_none() && self.id, ", without the request's id"),
                    (answered.surplus_bytes > 0, " and more behind its end"),
                ];
                flaws.iter().filter(|(applies, _)| *applies).for_each(|(_, words)| got.push_str(words));
                got
            }
            Ending::Reset => "a reset".to_owned(),
            Ending::Closed => "a closed connection".to_owned(),
            Ending::Malformed => format!("what is no {} answer", self.version.as_str()),
            Ending::H2(end) => end.to_string(),
            Ending::TimedOut => "nothing complete in time".to_owned(),
            Ending::Failed(class) => class.as_str().to_owned(),
        };
        format!("asked {asked}{size}, got {got}")
    }

    fn judge_answer(&self, answered: &Answered) -> Outcome<ErrorClass> {
        let code = answered.code;
        if answered.surplus_bytes > 0 {
            return Outcome::Failure(code, ErrorClass::Protocol);
        }
        let status_is_right = match &self.any_of {
            Some(codes) => codes.iter().any(|right| Code::Http(*right) == code),
            None => code == Code::Http(self.predicted),
        };
        if !status_is_right {
            let class = if code.is_error() { ErrorClass::Status } else { ErrorClass::Validation };
            return Outcome::Failure(code, class);
        }
        let is_the_targets = !self.only_if_predicted || code == Code::Http(self.predicted);
        let size_is_right = self.size_bytes.is_none_or(|wanted| wanted == answered.size_bytes);
        if !self.id_is_right(answered) || is_the_targets && !(size_is_right && answered.content_matches) {
            return Outcome::Failure(code, ErrorClass::Validation);
        }
        Outcome::Success(code)
    }

    fn id_is_right(&self, answered: &Answered) -> bool {
        answered.id_matches.unwrap_or(!self.id)
    }

    /// The asked answer in every respect, but for its announced length.
    fn is_short_as_asked(&self, answered: &Answered) -> bool {
        let wanted = self.size_bytes.zip(self.short_by).map(|(size_bytes, short_by)| size_bytes - short_by);
        answered.code == Code::Http(self.predicted) && self.id_is_right(answered) && wanted == Some(answered.size_bytes)
    }
}

/// The body of an answer of no size that was asked for, if it can be told in advance.
fn own(call: &HttpCall, verdict: &Verdict, body: &Arc<[u8]>) -> Option<Arc<[u8]>> {
    let Some(route) = call.route else { return Some(Arc::clone(body)) };
    match route.content() {
        shared::route::Content::Echo => Some(Arc::clone(body)),
        shared::route::Content::Known => {
            let path = call.path.split('?').next().unwrap_or_default();
            shared::route::body(route, path, verdict).map(|body| body.into_bytes().into())
        }
        shared::route::Content::Own => None,
    }
}

/// Whether the body can be told in advance: not if it is compressed on the way, nor if only a part of the request's body
/// is there to be echoed.
fn is_certain(verdict: &Verdict) -> bool {
    let echoes = verdict.size_bytes.is_none() || verdict.body == Body::Echo;
    !verdict.gzip && (!echoes || verdict.read == Read::All || matches!(verdict.read, Read::Rate(_)))
}

#[cfg(test)]
mod tests;
