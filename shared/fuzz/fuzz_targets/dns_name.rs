//! Any labels as a DNS name: a place in the zone, a spec or errors; and a spec survives being said in labels again.
//!
//! `shared/src/carrier/dns/tests.rs` holds the same properties for those without a fuzzer.
#![no_main]

use libfuzzer_sys::fuzz_target;
use shared::carrier::dns::{self, NameAsk, Zone};
use shared::fault::{Dialect, Limits};

const TAIL: [&[u8]; 3] = [b"f", b"cload", b"test"];

fuzz_target!(|data: &[u8]| {
    let zone = Zone::default();
    let lower = data.to_ascii_lowercase();
    let labels: Vec<&[u8]> = lower.split(|byte| *byte == b'.').collect();
    let _ = dns::name(&labels, &zone);
    let armed: Vec<&[u8]> = [&b"x1234"[..]].into_iter().chain(labels).chain(TAIL).collect();
    let NameAsk::Armed { fault, .. } = dns::name(&armed, &zone) else { panic!("the nonce is there") };
    match fault {
        Ok(fault) => {
            let _ = fault.check(Dialect::Dns, &Limits::default());
            let said = dns::fault_labels(&fault).expect("what came from labels can be said in labels");
            let said = said.iter().map(String::as_bytes);
            let again: Vec<&[u8]> = [&b"x1234"[..]].into_iter().chain(said).chain(TAIL).collect();
            let expected = NameAsk::Armed { nonce: "1234", identity: None, fault: Ok(fault) };
            assert_eq!(dns::name(&again, &zone), expected);
        }
        Err(errors) => assert!(dns::error_text(&errors).len() <= 255),
    }
});
