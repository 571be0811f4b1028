//! gRPC's deadline: how it travels, and which answers cannot be in time.
//!
//! Both sides must call the same call DEADLINE_EXCEEDED. A client that gives up resets its stream, and a server may learn of
//! that before its own clock says so, or answer in the same moment. So the rule is one function of what was asked for,
//! [`is_unavoidable`], and where only the clock can decide, [`DEADLINE_SLACK`] says how close is close enough.

use std::time::Duration;

use crate::fault::{At, FaultKind, Read, TrailersAt, Verdict};

/// The metadata key of the deadline, relative to the arrival of the request (gRPC over HTTP/2, "Requests").
pub const HEADER_TIMEOUT: &str = "grpc-timeout";

/// A reset that comes at most this long before the target's own timer is the client's deadline, not its leaving: the
/// client's clock began earlier, by the time the request was on its way and in its queues.
pub const DEADLINE_SLACK: Duration = Duration::from_millis(100);

/// Most digits of a timeout on the wire.
const DIGITS_MAX: usize = 8;
const AMOUNT_MAX: u128 = 99_999_999;

/// Units on the wire, finest first, in nanoseconds.
const UNITS: [(u8, u64); 6] = [
    (b'n', 1),
    (b'u', 1_000),
    (b'm', 1_000_000),
    (b'S', 1_000_000_000),
    (b'M', 60_000_000_000),
    (b'H', 3_600_000_000_000),
];

/// Reads `grpc-timeout`: 1 to 8 digits and a unit. Beyond `u64` nanoseconds (584 years) it saturates. Nothing if it is no
/// timeout; a server must refuse such a request rather than serve it without a deadline.
pub fn parse_timeout(value: &[u8]) -> Option<Duration> {
    let (unit, digits) = value.split_last()?;
    let (_, unit_ns) = UNITS.iter().find(|(name, _)| name == unit)?;
    if !(1..=DIGITS_MAX).contains(&digits.len()) || !digits.iter().all(u8::is_ascii_digit) {
        return None;
    }
    let amount = digits.iter().fold(0_u64, |sum, digit| sum * 10 + u64::from(digit - b'0'));
    Some(Duration::from_nanos(amount.saturating_mul(*unit_ns)))
}

/// Writes `grpc-timeout` in the finest unit that has room for it, rounded up: a server never gives up before its client.
pub fn print_timeout(timeout: Duration) -> String {
    let ns = timeout.as_nanos();
    let amount = |unit_ns: u64| ns.div_ceil(u128::from(unit_ns));
    let fitting = UNITS.iter().find(|(_, unit_ns)| amount(*unit_ns) <= AMOUNT_MAX);
    let (unit, unit_ns) = fitting.unwrap_or(&UNITS[UNITS.len() - 1]);
    format!("{}{}", amount(*unit_ns).min(AMOUNT_MAX), char::from(*unit))
}

/// What an answer consists of, as far as its duration depends on it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Shape {
    /// Bytes of the request's body, length prefixes included: what `read=rate(..)` paces.
    pub request_bytes: u64,
    /// Messages of the answer, if it runs to its end.
    pub messages: u64,
    /// Their bytes together, length prefixes included: what `rate` paces.
    pub bytes: u64,
}

/// The least time an answer takes to its end, by what was asked for: delays, pauses between messages, pacing, and CPU
/// time. [`Duration::MAX`] for a hang, which has no end.
///
/// A status that [is alone](is_lone) has no messages whatever the shape says; the delays stay the same.
pub fn asked_time(verdict: &Verdict, shape: Shape) -> Duration {
    let read = match verdict.read {
        Read::Rate(rate) => paced(shape.request_bytes, rate),
        Read::All | Read::None | Read::First(_) => Duration::ZERO,
    };
    let head = verdict.cpu.saturating_add(read).saturating_add(verdict.delay);
    if verdict.fault == Some(FaultKind::Hang) {
        return Duration::MAX;
    }
    let (messages, bytes) = if is_lone(verdict) { (0, 0) } else { (shape.messages, shape.bytes) };
    let whole = |messages: u64, bytes: u64| {
        let pauses = match verdict.chunk_delay.is_zero() {
            true => Duration::ZERO,
            false => (1..messages).fold(Duration::ZERO, |sum, i| sum.saturating_add(verdict.chunk_delay.nth(i))),
        };
        let pace = verdict.rate_bytes_per_s.map_or(Duration::ZERO, |rate| paced(bytes, rate));
        // Where both hold a message back, the longer one does; over all of them that is at least the longer sum.
        head.saturating_add(verdict.body_delay).saturating_add(pauses.max(pace))
    };
    match (verdict.fault, verdict.at) {
        (None, _) => whole(messages, bytes).saturating_add(verdict.end_delay),
        (Some(_), At::Head) => head,
        (Some(_), At::Body) => head.saturating_add(verdict.body_delay),
        (Some(_), At::After(time)) => time,
        // In the midst: the pauses before that are not known without the messages' sizes, the pace is.
        (Some(_), At::Bytes(at)) => whole(0, at.min(bytes)),
        (Some(_), At::Percent(percent)) => whole(0, (bytes as f64 * percent / 100.0) as u64),
    }
}

/// Whether the answer is an error status without messages: where `trailers` says so, and by itself unless a number of
/// messages was asked for, which then come first. A fault in the body needs a body.
pub fn is_lone(verdict: &Verdict) -> bool {
    let is_error = verdict.status.is_some_and(|status| status.is_error());
    let is_alone = match verdict.trailers_at {
        Some(TrailersAt::Only) => true,
        Some(TrailersAt::After) => false,
        None => verdict.count.is_none(),
    };
    is_error && is_alone && verdict.fault.is_none()
}

/// Whether a client that resets its stream after this time does so because of its deadline: close to it by no more than
/// [`DEADLINE_SLACK`], and by no more than half of it.
pub fn is_due(elapsed: Duration, deadline: Duration) -> bool {
    elapsed.saturating_add(DEADLINE_SLACK.min(deadline / 2)) >= deadline
}

/// Whether an answer of this shape must exceed the deadline, so that DEADLINE_EXCEEDED is what was asked for.
pub fn is_unavoidable(verdict: &Verdict, shape: Shape, deadline: Option<Duration>) -> bool {
    deadline.is_some_and(|deadline| asked_time(verdict, shape) >= deadline)
}

fn paced(bytes: u64, rate_bytes_per_s: u64) -> Duration {
    let ns = u128::from(bytes) * 1_000_000_000 / u128::from(rate_bytes_per_s.max(1));
    Duration::from_nanos(u64::try_from(ns).unwrap_or(u64::MAX))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fault::{Fault, Separator};
    use proptest::prelude::*;

    #[test]
    fn reads_what_the_protocol_allows() {
        for (text, timeout) in [
            ("1H", Some(Duration::from_secs(3600))),
            ("2M", Some(Duration::from_secs(120))),
            ("3S", Some(Duration::from_secs(3))),
            ("250m", Some(Duration::from_millis(250))),
            ("7u", Some(Duration::from_micros(7))),
            ("0n", Some(Duration::ZERO)),
            ("99999999H", Some(Duration::from_nanos(u64::MAX))),
            ("", None),
            ("m", None),
            ("5", None),
            ("5s", None),
            ("-5S", None),
            ("+5S", None),
            ("1.5S", None),
            ("123456789n", None),
        ] {
            assert_eq!(parse_timeout(text.as_bytes()), timeout, "{text:?}");
        }
    }

    #[test]
    fn writes_the_finest_unit_that_fits() {
        for (timeout, text) in [
            (Duration::ZERO, "0n"),
            (Duration::from_millis(50), "50000000n"),
            (Duration::from_millis(250), "250000u"),
            (Duration::from_secs(5), "5000000u"),
            (Duration::from_secs(100), "100000m"),
            (Duration::new(100, 1), "100001m"),
            (Duration::MAX, "99999999H"),
        ] {
            assert_eq!(print_timeout(timeout), text);
        }
    }

    proptest! {
        #[test]
        fn what_is_written_is_read_and_never_shorter(ns: u64) {
            let timeout = Duration::from_nanos(ns);
            let read = parse_timeout(print_timeout(timeout).as_bytes()).unwrap();
            prop_assert!(read >= timeout && read <= timeout.saturating_add(timeout / 1_000_000));
        }

        #[test]
        fn any_bytes_are_a_timeout_or_none(bytes: Vec<u8>) {
            let _ = parse_timeout(&bytes);
        }
    }

    #[test]
    fn a_reset_close_to_the_deadline_is_the_deadline() {
        let ms = Duration::from_millis;
        for (elapsed, deadline, due) in
            [(0, 50, false), (24, 50, false), (25, 50, true), (899, 1000, false), (900, 1000, true), (1, 0, true)]
        {
            assert_eq!(is_due(ms(elapsed), ms(deadline)), due, "{elapsed} of {deadline}");
        }
    }

    #[test]
    fn the_least_time_is_what_was_asked_for() {
        let shape = Shape { request_bytes: 1000, messages: 3, bytes: 3000 };
        for (spec, ms) in [
            ("", 0),
            ("delay=20ms&body_delay=10ms&end_delay=5ms", 35),
            ("cpu=7ms", 7),
            ("chunk_delay=100ms&count=3", 200),
            ("status=UNAVAILABLE&chunk_delay=100ms&count=3&trailers=only", 0),
            ("status=UNAVAILABLE&chunk_delay=100ms", 0),
            ("status=UNAVAILABLE&chunk_delay=100ms&count=3", 200),
            ("rate=1000", 3000),
            ("read=rate(1000)", 1000),
            ("delay=10ms&fault=badhead&body_delay=1s", 10),
            ("fault=nostatus&at=body&body_delay=1s", 1000),
            ("delay=1s&fault=abort&at=after(30ms)", 30),
            ("rate=1000&fault=abort&at=1500", 1500),
            ("rate=1000&fault=abort&at=50%", 1500),
        ] {
            let verdict = Fault::parse(spec, Separator::Ampersand).unwrap().roll(0, "k", 0);
            assert_eq!(asked_time(&verdict, shape), Duration::from_millis(ms), "{spec}");
            let deadline = |ms: u64| Some(Duration::from_millis(ms));
            assert!(ms == 0 || is_unavoidable(&verdict, shape, deadline(ms)), "{spec}");
            assert!(!is_unavoidable(&verdict, shape, deadline(ms + 1)), "{spec}");
            assert!(!is_unavoidable(&verdict, shape, None), "{spec}");
        }
        let hang = Fault::parse("fault=hang", Separator::Ampersand).unwrap().roll(0, "k", 0);
        assert!(is_unavoidable(&hang, shape, Some(Duration::from_secs(3600))));
    }
}
