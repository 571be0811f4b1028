//! What makes an answer right, and how a call should end.
//!
//! By default an answer is right if it equals what was asked: the target's draws are predictable, so the verdict of each
//! request is known before it is sent. An `expect` in the file overrides that property by property: `fault: status=503`
//! through a proxy that retries may well be expected to give 200.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use shared::fault::{At, Dialect, FaultKind, H2Code, Verdict};
use shared::units::print_duration;

/// What makes an answer right. All of it is checked; the default predicts everything.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Expect {
    /// The status.
    pub status: StatusExpectation,
    /// The length of the content.
    pub size: SizeExpectation,
    /// The bytes of the content.
    pub content: ContentExpectation,
    /// Whether the answer must repeat the request's id.
    pub id: bool,
}

impl Expect {
    /// Of a server that is not ours: a plain success, whatever it holds.
    pub fn of_anyone() -> Expect {
        Expect { size: SizeExpectation::Any, content: ContentExpectation::Any, id: false, ..Expect::default() }
    }
}

impl Default for Expect {
    fn default() -> Expect {
        Expect {
            status: StatusExpectation::Predicted,
            size: SizeExpectation::Predicted,
            content: ContentExpectation::Predicted,
            id: true,
        }
    }
}

/// The statuses that are right.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum StatusExpectation {
    /// The one the fault language rolls for this request; without any, 200.
    Predicted,
    /// Any of these, whatever was rolled. The call must then end in an answer, even if a broken end was asked for: a proxy
    /// that turns a reset into 502 is what such a scenario looks for.
    AnyOf(Vec<u16>),
}

impl StatusExpectation {
    /// The statuses to accept instead of the predicted one, as every request shares them.
    pub(crate) fn any_of(&self) -> Option<Arc<[u16]>> {
        match self {
            StatusExpectation::Predicted => None,
            StatusExpectation::AnyOf(codes) => Some(codes.as_slice().into()),
        }
    }
}

/// The length that is right.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SizeExpectation {
    /// What was asked for: the rolled size, without one the length of the request's own content.
    Predicted,
    /// This many bytes.
    Exactly(u64),
    /// Any length.
    Any,
}

/// The content that is right.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ContentExpectation {
    /// The rolled payload, without one the request's own content. An answer whose status was not the predicted one but was
    /// expected ([`StatusExpectation::AnyOf`]) comes from somebody else, and has no content to compare with.
    Predicted,
    /// Any bytes.
    Any,
}

/// How the client sees a call end when everything works, asked misbehaviour included.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum ExpectedEnd {
    /// A whole, well-formed answer.
    Answer,
    /// A connection reset.
    Reset,
    /// The connection closed before the answer was whole, or before it began.
    Closed,
    /// What is no answer of the protocol that is spoken.
    Malformed,
    /// Silence until the client's own timeout, from the start or in mid-answer.
    Hang,
    /// This frame, and no whole answer.
    H2(H2End),
}

/// How a peer ends one stream, or all of them, by a code (RFC 9113, section 7) and not by the connection underneath.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum H2End {
    /// RST_STREAM with this code.
    RstStream(u32),
    /// GOAWAY with this code, and no answer.
    GoAway(u32),
}

/// For reports.
impl fmt::Display for ExpectedEnd {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            ExpectedEnd::Answer => f.write_str("answer"),
            ExpectedEnd::Reset => f.write_str("reset"),
            ExpectedEnd::Closed => f.write_str("closed"),
            ExpectedEnd::Malformed => f.write_str("malformed"),
            ExpectedEnd::Hang => f.write_str("hang"),
            ExpectedEnd::H2(end) => end.fmt(f),
        }
    }
}

/// `RST_STREAM(CANCEL)`; a code that has no name by its number.
impl fmt::Display for H2End {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (frame, code) = match *self {
            H2End::RstStream(code) => ("RST_STREAM", code),
            H2End::GoAway(code) => ("GOAWAY", code),
        };
        match H2Code::name(code) {
            Some(name) => write!(f, "{frame}({name})"),
            None => write!(f, "{frame}({code})"),
        }
    }
}

/// How a call with this verdict should end over HTTP and the TCP echo, unless its method is HEAD.
///
/// A fault that is asked for strikes: one that is timed keeps the answer open until its time has come, one that is placed
/// beyond the end of the body strikes at its end. Only an answer without any body could end before, and the plan refuses
/// faults that strike in the body of an answer to HEAD.
pub fn expected_end(verdict: &Verdict, dialect: Dialect) -> ExpectedEnd {
    let Some(kind) = verdict.fault else { return ExpectedEnd::Answer };
    match (kind, dialect) {
        (FaultKind::Hang, _) => ExpectedEnd::Hang,
        (FaultKind::Reset, _) => ExpectedEnd::Reset,
        (FaultKind::Abort, Dialect::Http2) => ExpectedEnd::H2(H2End::RstStream(H2Code::INTERNAL_ERROR.get())),
        (FaultKind::Empty | FaultKind::Abort, _) => ExpectedEnd::Closed,
        (FaultKind::H2Rst(code), _) => ExpectedEnd::H2(H2End::RstStream(code.get())),
        // Without an error it is an announcement: streams under way, this one too, come to their ends.
        (FaultKind::Goaway(H2Code::NO_ERROR), _) => ExpectedEnd::Answer,
        (FaultKind::Goaway(code), _) => ExpectedEnd::H2(H2End::GoAway(code.get())),
        // More announced than sent: the client waits for the rest and finds the connection closed.
        (FaultKind::Clen(1..), Dialect::Http1) => ExpectedEnd::Closed,
        // Less announced than sent: what follows the announced length is no answer to anything. Over HTTP/2, where frames
        // tell the end, each difference is an error of the stream.
        (FaultKind::Clen(_) | FaultKind::BadChunk | FaultKind::Garbage | FaultKind::BadHead, _) => {
            ExpectedEnd::Malformed
        }
        // Kinds of other protocols: no plan holds them, Fault::check refuses them over HTTP.
        (
            FaultKind::NoStatus
            | FaultKind::Oversize
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
            | FaultKind::Late,
            _,
        ) => ExpectedEnd::Answer,
    }
}

/// Requests predicted before a plan is called hopeless: one that works once in ten thousand times is not.
pub(super) const PREDICTED: u32 = 10_000;

/// Why no request can succeed, if none can: every answer takes longer than the timeout. Asked hangs are meant to outlast it.
pub(super) fn too_slow(
    timeout: Duration,
    predict: impl Fn(&str) -> Verdict,
    end: impl Fn(&Verdict) -> ExpectedEnd,
) -> Option<String> {
    let mut predicted = (0..PREDICTED).map(|n| predict(&format!("check.{n}")));
    let is_too_slow = |verdict: Verdict| least_time(&verdict) >= timeout && end(&verdict) != ExpectedEnd::Hang;
    predicted.all(is_too_slow).then(|| {
        let (least, timeout) = (print_duration(least_time(&predict("check.0"))), print_duration(timeout));
        format!(
            "no request can succeed: the fault takes {least} or so and the timeout is {timeout}; lower the one or raise the other"
        )
    })
}

/// The least time the target takes if it does what the verdict says.
pub(super) fn least_time(verdict: &Verdict) -> Duration {
    match (verdict.fault, verdict.at) {
        (None, _) => verdict.asked_delay().saturating_add(body_time(verdict)),
        (Some(_), At::After(strike)) => strike,
        (Some(_), At::Head) => verdict.delay,
        (Some(_), At::Body | At::Bytes(_) | At::Percent(_)) => verdict.delay.saturating_add(verdict.body_delay),
    }
}

/// What a byte rate and the gaps between chunks add, where the size is known.
fn body_time(verdict: &Verdict) -> Duration {
    let size_bytes = verdict.size_bytes.or(verdict.payload_bytes).unwrap_or(0);
    let trickle = verdict.rate_bytes_per_s.map_or(Duration::ZERO, |rate| {
        Duration::try_from_secs_f64(size_bytes as f64 / rate.max(1) as f64).unwrap_or(Duration::MAX)
    });
    let chunks = verdict.chunk_bytes.map_or(1, |chunk| size_bytes.div_ceil(chunk.max(1)));
    let n_gaps = if verdict.chunk_delay.is_zero() { 0 } else { chunks.saturating_sub(1).min(GAPS_MAX) };
    // "Before each chunk but the first": the gap before chunk i is the i-th draw.
    let gaps = (1..=n_gaps).map(|i| verdict.chunk_delay.nth(i)).fold(Duration::ZERO, Duration::saturating_add);
    trickle.max(gaps)
}

/// Gaps that are added up: 16 MiB in chunks of one byte have 16 million, and a bound from below may stop early.
const GAPS_MAX: u64 = 1_000;
