//! Is it what was asked? Worked out before the query is sent, decided when it has ended; pure.

use std::sync::Arc;

use shared::dnsanswer::{End, Shape};
use shared::fault::{FaultKind, Verdict};
use shared::identity::RequestId;
use shared::outcome::{Code, ErrorClass, Outcome};

use super::query::Stray;
use crate::driver::Ending;
use crate::plan::DnsCall;

/// What the answer was like.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Answered {
    /// The response code.
    pub code: Code,
    /// Records in the answer section.
    pub answers: usize,
    /// Size of the message.
    pub size_bytes: u64,
    /// It says that there is more than fits.
    pub is_truncated: bool,
    /// What is wrong with it beside its code.
    pub flaw: Option<&'static str>,
}

/// What the answer to one query should be.
pub struct Wanted {
    pub(super) call: Arc<DnsCall>,
    /// The text of its id.
    pub(super) id: String,
    pub(super) verdict: Verdict,
    pub(super) shape: Shape,
    pub(super) question_bytes: usize,
    /// Messages that came and were no answer to this query, by [`Stray`].
    pub(super) strays: [u32; Stray::ALL.len()],
    end: End,
}

impl Wanted {
    pub(super) fn new(call: &Arc<DnsCall>, id: RequestId) -> Wanted {
        Wanted::of(Arc::clone(call), id.to_string())
    }

    fn of(call: Arc<DnsCall>, id: String) -> Wanted {
        let verdict = if call.fault.is_empty() { Verdict::default() } else { call.predict(&id) };
        let (shape, end) = (call.shape(&verdict), call.end(&verdict));
        // Where the file names the code, somebody on the path may answer instead.
        let end = if call.expect.rcodes.is_empty() { end } else { End::Answer };
        Wanted { call, id, verdict, shape, question_bytes: 0, strays: Default::default(), end }
    }

    /// From here on it is asked again over TCP, if the file says so.
    pub(super) fn falls_back(&mut self) -> bool {
        let Some(again) = &self.call.fallback else { return false };
        let again = Wanted::of(Arc::clone(again), std::mem::take(&mut self.id));
        *self = Wanted { question_bytes: self.question_bytes, strays: self.strays, ..again };
        true
    }

    /// The verdict on how the query ended.
    pub(super) fn judge(&self, ending: Ending<Answered>) -> Outcome<ErrorClass> {
        match (self.end, ending) {
            (_, Ending::Failed(class)) => Outcome::Failure(Code::NONE, class),
            (End::Answer, Ending::Answered(answered)) => self.judge_answer(&answered),
            (End::Silence, Ending::TimedOut) if self.is_silence_as_asked() => Outcome::Success(Code::NONE),
            (End::Reset, Ending::Reset) | (End::Closed, Ending::Closed) | (End::Malformed, Ending::Malformed) => {
                Outcome::Success(Code::NONE)
            }
            (_, Ending::Answered(answered)) => Outcome::Failure(answered.code, ErrorClass::Validation),
            (_, Ending::Reset) => Outcome::Failure(Code::NONE, ErrorClass::Reset),
            (_, Ending::Closed) => Outcome::Failure(Code::NONE, ErrorClass::Closed),
            (_, Ending::Malformed | Ending::H2(_)) => Outcome::Failure(Code::NONE, ErrorClass::Protocol),
            (_, Ending::TimedOut) => Outcome::Failure(Code::NONE, ErrorClass::Timeout),
        }
    }

    /// A silence that was to be broken by a message nobody takes was not: a lost datagram must not pass for it.
    fn is_silence_as_asked(&self) -> bool {
        let stray = match self.verdict.fault {
            Some(FaultKind::BadId) => Stray::OtherId,
            Some(FaultKind::BadQ) => Stray::OtherQuestion,
            Some(FaultKind::BadCase) => Stray::OtherCase,
            Some(FaultKind::Qr0) => Stray::IsQuery,
            Some(FaultKind::Empty | FaultKind::Cut(_)) => Stray::Short,
            _ => return true,
        };
        self.strays[stray as usize] > 0
    }

    fn judge_answer(&self, answered: &Answered) -> Outcome<ErrorClass> {
        let code = answered.code;
        let rcodes = &self.call.expect.rcodes;
        let is_right = match rcodes.is_empty() {
            true => code == Code::Rcode(self.shape.rcode),
            false => rcodes.iter().any(|rcode| Code::Rcode(*rcode) == code),
        };
        match answered.flaw {
            _ if !is_right && code.is_error() => Outcome::Failure(code, ErrorClass::Status),
            None if is_right => Outcome::Success(code),
            _ => Outcome::Failure(code, ErrorClass::Validation),
        }
    }

    /// What was asked, and what came.
    pub(super) fn explain(&self, ending: Ending<Answered>) -> String {
        let asked = match self.end {
            End::Answer if self.call.expect.rcodes.is_empty() => Code::Rcode(self.shape.rcode).label(),
            End::Answer => {
                let names: Vec<String> =
                    self.call.expect.rcodes.iter().map(|code| Code::Rcode(*code).label()).collect();
                names.join(" or ")
            }
            End::Silence => "no answer".to_owned(),
            End::Reset => "a reset".to_owned(),
            End::Closed => "a closed connection".to_owned(),
            End::Malformed => "a message that cannot be read".to_owned(),
        };
        let got = match ending {
            Ending::Answered(answered) => {
                let flaw = answered.flaw.map_or_else(String::new, |flaw| format!(", {flaw}"));
                format!("{} with {} answers in {} bytes{flaw}", answered.code, answered.answers, answered.size_bytes)
            }
            Ending::Reset => "a reset".to_owned(),
            Ending::Closed => "a closed connection".to_owned(),
            Ending::Malformed | Ending::H2(_) => "a message that cannot be read".to_owned(),
            Ending::TimedOut => "no answer in time".to_owned(),
            Ending::Failed(class) => class.as_str().to_owned(),
        };
        let mut words = format!("asked {asked} over {}, got {got}", self.call.transport.as_str());
        let strays = Stray::ALL.iter().filter(|stray| self.strays[**stray as usize] > 0);
        for (n, stray) in strays.enumerate() {
            let lead = if n == 0 { "; passed over: " } else { ", " };
            words += &format!("{lead}{} {}", self.strays[*stray as usize], stray.as_str());
        }
        words
    }
}
