//! Any bytes as the EDNS option, of a query and of an answer: a value or an error, and back again.
//!
//! `shared/src/carrier/line/tests.rs` and `shared/src/reply/tests.rs` hold the same properties for those without a fuzzer.
#![no_main]

use libfuzzer_sys::fuzz_target;
use shared::carrier::{Line, compose_line, dns, line};
use shared::fault::{Dialect, Limits, Separator};
use shared::reply::Reply;

fuzz_target!(|data: &[u8]| {
    let _ = Reply::parse_option(data);
    let Line { identity, fault } = line(data, Separator::Semicolon);
    match fault {
        Ok(fault) => {
            let _ = fault.check(Dialect::Dns, &Limits::default());
            if let Ok(text) = compose_line(identity, &fault, Separator::Semicolon) {
                assert_eq!(line(text.as_bytes(), Separator::Semicolon), Line { identity, fault: Ok(fault) });
            }
        }
        Err(errors) => assert!(dns::error_text(&errors).len() <= 255),
    }
});
