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
        assert_eq!(expected_end(&fault(spec).roll(0, "k", 0)), end, "{spec}");
    }
}

/// Should the language grow a fault for HTTP/1.1, this fails until the table above has it.
#[test]
fn faults_of_other_protocols_are_refused_and_end_in_an_answer() {
    let words = [
        "hang",
        "empty",
        "reset",
        "abort",
        "badchunk",
        "garbage",
        "badhead",
        "clen(+1)",
        "h2rst(8)",
        "goaway(0)",
        "nostatus",
        "oversize",
        "drop",
        "tc",
        "badid",
        "badq",
        "lame",
        "cut",
        "dup",
        "late",
    ];
    for word in words {
        let spec = fault(&format!("fault={word}&size=1KiB"));
        let verdict = spec.roll(0, "k", 0);
        let kind: FaultKind = verdict.fault.unwrap();
        let is_http1 = kind.dialects().contains(&Dialect::Http1);
        assert_eq!(spec.check(Dialect::Http1, &Limits::default()).is_ok(), is_http1, "{word}");
        assert_eq!(expected_end(&verdict) != ExpectedEnd::Answer, is_http1, "{word}");
    }
}

#[test]
fn index_points_back_into_all() {
    for end in ExpectedEnd::ALL {
        assert_eq!(ExpectedEnd::ALL[end.index()], end);
        assert!(!end.as_str().is_empty());
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
