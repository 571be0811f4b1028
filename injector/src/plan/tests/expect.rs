//! How calls should end.

use shared::fault::{Dialect, Fault, FaultKind, Limits, Separator};

use super::*;

fn fault(spec: &str) -> Fault {
    Fault::parse(spec, Separator::Ampersand).unwrap_or_else(|errors| panic!("{spec}: {errors}"))
}

#[test]
fn every_fault_of_http1_has_its_end() {
    for (spec, end) in [
        ("", ExpectedEnd::Answer),
        ("status=503&delay=1s&close=true", ExpectedEnd::Answer),
        ("fault=hang", ExpectedEnd::Hang),
        ("fault=hang&at=body", ExpectedEnd::Hang),
        ("fault=empty", ExpectedEnd::Closed),
        ("fault=reset", ExpectedEnd::Reset),
        ("fault=reset&at=512&size=1KiB", ExpectedEnd::Reset),
        ("fault=abort&size=1KiB", ExpectedEnd::Closed),
        ("fault=abort&at=50%&size=1KiB", ExpectedEnd::Closed),
        ("fault=badchunk&size=1KiB", ExpectedEnd::Malformed),
        ("fault=garbage", ExpectedEnd::Malformed),
        ("fault=badhead", ExpectedEnd::Malformed),
        ("fault=clen(+5)&size=1KiB", ExpectedEnd::Closed),
        ("fault=clen(-5)&size=1KiB", ExpectedEnd::Malformed),
        // The gate says no: a plain answer.
        ("fault=reset&p=0", ExpectedEnd::Answer),
        ("fault=reset:0", ExpectedEnd::Answer),
        // A timed fault waits for its time, and one placed beyond the body strikes at its end.
        ("fault=reset&at=after(1s)", ExpectedEnd::Reset),
        ("fault=abort&at=after(1s)&size=1KiB", ExpectedEnd::Closed),
        ("fault=reset&at=1MiB", ExpectedEnd::Reset),
    ] {
        assert_eq!(expected_end(&fault(spec).roll(0, "k", 0), HttpVersion::Http1), end, "{spec}");
    }
}

#[test]
fn every_fault_of_http2_has_its_end() {
    let rst_stream = |code| ExpectedEnd::H2(H2End::RstStream(code));
    for (spec, end) in [
        ("", ExpectedEnd::Answer),
        ("status=503&delay=1s", ExpectedEnd::Answer),
        ("fault=hang", ExpectedEnd::Hang),
        ("fault=h2rst(REFUSED_STREAM)", rst_stream(7)),
        ("fault=h2rst(0)&at=body&size=1KiB", rst_stream(0)),
        ("fault=abort&size=1KiB", rst_stream(2)),
        ("fault=goaway(ENHANCE_YOUR_CALM)&allow_conn=1", ExpectedEnd::H2(H2End::GoAway(11))),
        ("fault=goaway(NO_ERROR)&allow_conn=1", ExpectedEnd::Answer),
        ("fault=reset&allow_conn=1", ExpectedEnd::Reset),
        ("fault=garbage&allow_conn=1", ExpectedEnd::Malformed),
        ("fault=clen(+5)&size=1KiB", ExpectedEnd::Malformed),
        ("fault=clen(-5)&size=1KiB", ExpectedEnd::Malformed),
    ] {
        let fault = fault(spec);
        assert!(fault.check(Dialect::Http2, &Limits::default()).is_ok(), "{spec}");
        assert_eq!(expected_end(&fault.roll(0, "k", 0), HttpVersion::Http2), end, "{spec}");
    }
}

/// Should the language grow a fault for HTTP, this fails until the tables above have it.
#[test]
fn faults_of_other_protocols_are_refused_and_end_in_an_answer() {
    let words = "hang empty reset abort badchunk garbage badhead clen(+1) h2rst(8) goaway(1) nostatus oversize drop tc \
                 badid badq lame cut dup late";
    for (version, dialect) in [(HttpVersion::Http1, Dialect::Http1), (HttpVersion::Http2, Dialect::Http2)] {
        for word in words.split_whitespace() {
            let spec = fault(&format!("fault={word}&size=1KiB"));
            let verdict = spec.roll(0, "k", 0);
            let kind: FaultKind = verdict.fault.unwrap();
            let is_spoken = kind.dialects().contains(&dialect);
            let spec = if is_spoken && dialect == Dialect::Http2 {
                fault(&format!("fault={word}&size=1KiB&allow_conn=1"))
            } else {
                spec
            };
            assert_eq!(spec.check(dialect, &Limits::default()).is_ok(), is_spoken, "{word}");
            if is_spoken {
                assert_ne!(expected_end(&verdict, version), ExpectedEnd::Answer, "{word}");
            }
        }
    }
}

#[test]
fn the_least_time_is_what_the_target_cannot_undercut() {
    for (spec, least_ms) in [
        ("", 0),
        ("delay=100ms&body_delay=20ms&end_delay=3ms", 123),
        ("size=10KiB&rate=1KiB&delay=1ms", 10_001),
        ("size=10&chunk=1&chunk_delay=200ms", 1_800),
        ("size=10&chunk_delay=200ms", 0),
        ("fault=reset&delay=100ms&body_delay=20ms&end_delay=3ms", 100),
        ("fault=reset&at=body&delay=100ms&body_delay=20ms&end_delay=3ms", 120),
        ("fault=reset&at=after(2s)&delay=100ms", 2_000),
        ("fault=reset&at=after(1s)&delay=5s", 1_000),
    ] {
        let least = crate::plan::expect::least_time(&fault(spec).roll(0, "k", 0));
        assert_eq!(least, Duration::from_millis(least_ms), "{spec}");
    }
}
