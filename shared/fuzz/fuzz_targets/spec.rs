//! Any bytes, through any carrier, are a fault or errors; never a panic, and a fault survives being printed.
//!
//! `shared/src/fault/tests/properties.rs` holds the same properties for those without a fuzzer.
#![no_main]

use libfuzzer_sys::fuzz_target;
use shared::carrier;
use shared::fault::{Dialect, Fault, Limits, Separator};

fuzz_target!(|data: &[u8]| {
    let Ok(text) = std::str::from_utf8(data) else { return };
    for separator in [Separator::Ampersand, Separator::Semicolon, Separator::Space] {
        probe(Fault::parse(text, separator).ok());
    }
    probe(carrier::query(text).ok());
    probe(carrier::header(text).ok());
    probe(carrier::path(text).and_then(Result::ok));
});

fn probe(fault: Option<Fault>) {
    let Some(fault) = fault else { return };
    for dialect in Dialect::ALL {
        // The answer does not matter, only that there is one.
        let _ = fault.check(dialect, &Limits::default());
    }
    round_trip(&fault);
    let verdict = fault.roll(1, "fuzz.1", 3);
    round_trip(&verdict.to_fault());
    assert_eq!(verdict.to_fault().roll(2, "fuzz.1", 4), verdict);
}

/// Unless escapes made it longer than a spec may be.
fn round_trip(fault: &Fault) {
    for separator in [Separator::Ampersand, Separator::Semicolon, Separator::Space] {
        let text = fault.to_text(separator);
        if text.len() <= shared::fault::SPEC_MAX_BYTES {
            assert_eq!(Fault::parse(&text, separator).as_ref(), Ok(fault), "{text}");
        }
    }
}
