//! A TCP or UDP echo: what is sent, and what is right about its answer.

use std::time::Duration;

use serde_saphyr::Spanned;
use shared::carrier::{TCP_LINE_MAX_BYTES, compose_line};
use shared::fault::{Fault, FaultKind, Key, Limits, Separator, Verdict};
use shared::identity::{Identity, Name, RequestId, Source};
use shared::protocol::Protocol;

use super::body::body;
use super::compile::{Found, yes_or_no};
use super::expect::{Expect, ExpectedEnd, PREDICTED, expected_end, too_slow};
use super::{Method, RequestBody, http};
use crate::scenario::{Text, WrittenEcho};

/// What is sent if the file names neither a size nor a text.
const DEFAULT_SIZE_BYTES: u64 = 64;
/// The longest datagram over IPv4: 65 535 less the headers of IP and UDP.
const DATAGRAM_MAX_BYTES: u64 = 65_507;

/// The request of an operation and what is right about its answer.
#[derive(Clone, Debug)]
pub struct EchoCall {
    /// Tcp or Udp.
    pub protocol: Protocol,
    /// The payload.
    pub body: RequestBody,
    /// Everything asked of the target, the frame of a TCP exchange included.
    pub fault: Fault,
    /// Nothing but the payload is sent: for echo servers that are not ours.
    pub is_plain: bool,
    /// What makes an answer right; its status is always the predicted one.
    pub expect: Expect,
}

impl EchoCall {
    /// What the target will decide for the request with this key (the text of its id) if it is idle.
    pub fn predict(&self, key: &str) -> Verdict {
        self.fault.roll(0, key, 0)
    }

    /// How a call with this verdict should end. Over UDP a broken connection is silence.
    pub fn expected_end(&self, verdict: &Verdict) -> ExpectedEnd {
        match (self.protocol, verdict.fault) {
            (Protocol::Udp, Some(FaultKind::Reset)) => ExpectedEnd::Hang,
            (Protocol::Udp, _) if verdict.loss => ExpectedEnd::Hang,
            _ => expected_end(verdict, self.protocol.dialect()),
        }
    }

    /// The fault as it stands in the command line.
    pub fn fault_text(&self) -> String {
        self.fault.to_text(Separator::Space)
    }
}

/// Reads a `tcp` or `udp` entry. Always gives a call; whether it may be used, `found` knows.
pub(super) fn compile(
    found: &mut Found,
    subject: &str,
    written: &Spanned<WrittenEcho>,
    protocol: Protocol,
    seed: u64,
    timeout: Duration,
) -> EchoCall {
    let echo = &written.value;
    let part = |key: &str| format!("{subject}.{key}");
    let is_plain = found.read(echo.plain.as_ref(), &part("plain"), yes_or_no);
    let is_plain = is_plain.unwrap_or(false);
    let line_bytes = if is_plain { 0 } else { TCP_LINE_MAX_BYTES as u64 };
    let max_bytes = match protocol {
        Protocol::Udp => DATAGRAM_MAX_BYTES - line_bytes,
        _ => Limits::default().size_max_bytes,
    };
    let body = match (&echo.body, &echo.size) {
        (None, None) => RequestBody::Generated { size_bytes: DEFAULT_SIZE_BYTES },
        (text, size) => body(found, subject, text.as_ref(), ("size", size.as_ref()), max_bytes),
    };
    if is_plain && body.size_bytes() == 0 {
        found.add(written.referenced, subject, "a plain echo of nothing has no answer; send at least one byte");
    }
    if let (true, Some(fault)) = (is_plain, &echo.fault) {
        found.add(fault.referenced, &part("fault"), "a plain echo asks for nothing; leave plain or the fault out");
    }
    let fault = match is_plain {
        true => Fault::default(),
        false => asked(found, &part("fault"), written, protocol, &body, seed),
    };
    if let Some(status) = echo.expect.as_ref().and_then(|expect| expect.value.status.as_ref()) {
        found.add(status.referenced, &part("expect.status"), "an echo has no status");
    }
    let expect = echo.expect.as_ref();
    let expect =
        expect.map(|expect| http::expectation(found, &part("expect"), expect, Method::Post, Expect::default()));
    let call = EchoCall { protocol, body, fault, is_plain, expect: expect.unwrap_or_default() };
    refuse_hopeless(found, &part("fault"), written, &call, timeout);
    call
}

/// Keys that frame the exchange, which is the injector's own affair.
const OWN_KEYS: [Key; 3] = [Key::Id, Key::Bytes, Key::Ack];

/// What the target is asked for: refused where it would refuse, with the seed that makes its draws predictable.
fn asked(
    found: &mut Found,
    subject: &str,
    written: &Spanned<WrittenEcho>,
    protocol: Protocol,
    body: &RequestBody,
    seed: u64,
) -> Fault {
    let text: Option<&Text> = written.value.fault.as_ref();
    let at = text.map_or(written.referenced, |text| text.referenced);
    let mut refuse = |errors: &shared::fault::SpecErrors| errors.iter().for_each(|error| found.add(at, subject, error));
    let parse = |text: &str| Fault::parse(text, Separator::Ampersand);
    let own = |text: String| parse(&text).expect("a key of ours with a whole number");
    let mut fault = match text.map_or(Ok(Fault::default()), |text| parse(&text.value)) {
        Ok(fault) => fault,
        Err(errors) => {
            refuse(&errors);
            return Fault::default();
        }
    };
    if let Some(key) = fault.keys().find(|key| OWN_KEYS.contains(key)) {
        found.add(at, subject, format!("{} is written by the injector itself", key.as_str()));
        return Fault::default();
    }
    if !fault.is_empty() && fault.seed().is_none() {
        fault = fault.overridden_by(own(format!("seed={seed}")));
    }
    if protocol == Protocol::Tcp {
        fault = fault.overridden_by(own(format!("bytes={}", body.size_bytes())));
    }
    if let Err(errors) = fault.check(protocol.dialect(), &Limits::default()) {
        refuse(&errors);
        return Fault::default();
    }
    if let Err(error) = compose_line(Some(longest_identity()), &fault, Separator::Space) {
        found.add(at, subject, error);
        return Fault::default();
    }
    fault
}

/// Whoever sends it, the line has to fit.
fn longest_identity() -> Identity {
    let name = Name::from_static("a-name-of-the-longest-length--32");
    Identity {
        source: Source::new(name, Some(name)),
        operation: name,
        id: RequestId { session: Name::from_static("eightchr"), seq: u64::MAX },
    }
}

fn refuse_hopeless(
    found: &mut Found,
    subject: &str,
    written: &Spanned<WrittenEcho>,
    call: &EchoCall,
    timeout: Duration,
) {
    let Some(text) = &written.value.fault else { return };
    let mut predicted = (0..PREDICTED).map(|n| call.predict(&format!("check.{n}")));
    let sent_bytes = call.body.size_bytes();
    let is_longer = |verdict: Verdict| verdict.size_bytes.is_some_and(|bytes| bytes > sent_bytes);
    if call.protocol == Protocol::Udp && predicted.any(is_longer) {
        let message = format!("an answer over UDP is never longer than what was sent: size of at most {sent_bytes}");
        found.add(text.referenced, subject, message);
    }
    if let Some(message) = too_slow(timeout, |key| call.predict(key), |verdict| call.expected_end(verdict)) {
        found.add(text.referenced, subject, message);
    }
}

#[cfg(test)]
mod tests {
    #[test]
    fn the_longest_identity_is_one() {
        assert_eq!(super::longest_identity().operation.as_str().len(), shared::identity::Name::LEN_MAX);
    }
}
