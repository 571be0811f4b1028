//! Any bytes as a TCP command line, a UDP datagram, an answer line: a value or an error, and back again.
//!
//! `shared/src/carrier/line/tests.rs` and `shared/src/reply/tests.rs` hold the same properties for those without a fuzzer.
#![no_main]

use libfuzzer_sys::fuzz_target;
use shared::carrier::{Line, command, compose_line, line};
use shared::fault::{Dialect, Limits, Separator};
use shared::reply::{Answer, REPLY_MAX_BYTES, Refusal};

fuzz_target!(|data: &[u8]| {
    let _ = Answer::parse_line(data);
    let text = command(data).map_or(data, |(line, _)| line);
    let Line { identity, fault } = line(text, Separator::Space);
    match fault {
        Ok(fault) => {
            for dialect in [Dialect::Tcp, Dialect::Udp] {
                let _ = fault.check(dialect, &Limits::default());
            }
            // Units and escapes may make it longer than a line may be.
            if let Ok(text) = compose_line(identity, &fault, Separator::Space) {
                assert_eq!(line(text.as_bytes(), Separator::Space), Line { identity, fault: Ok(fault) });
            }
        }
        Err(errors) => {
            let refusal = Refusal::of(&errors);
            let line = refusal.line();
            assert!(line.len() <= REPLY_MAX_BYTES);
            assert_eq!(Answer::parse_line(line.as_bytes()), Ok(Answer::Err(refusal)));
        }
    }
});
