//! What holds for every spec and every text.

use proptest::prelude::*;

use super::any;
use crate::carrier;
use crate::fault::{Dialect, Fault, Limits, Separator};

proptest! {
    #![proptest_config(ProptestConfig { cases: 400, ..ProptestConfig::default() })]

    #[test]
    fn print_then_parse_is_identity(fault in any::fault(), separator in any::separator()) {
        let text = fault.to_text(separator);
        // Escapes and units may make the print longer than what was read.
        if text.len() <= crate::fault::SPEC_MAX_BYTES {
            prop_assert_eq!(&Fault::parse(&text, separator).unwrap(), &fault, "{}", text);
            prop_assert_eq!(Fault::parse(&text, separator).unwrap().to_text(separator), text);
        }
    }

    #[test]
    fn a_query_carries_what_was_asked(fault in any::fault()) {
        let every_byte = |text: &str| text.bytes().map(|byte| match byte {
            b'&' | b'=' => char::from(byte).to_string(),
            _ => format!("%{byte:02x}"),
        }).collect::<String>();
        // A canonical text is escaped where it is free: decoding it twice would be once too often.
        let twice = fault.to_string().contains('%').then_some(fault.to_query());
        for query in [fault.to_query(), twice.unwrap_or_else(|| every_byte(&fault.to_string()))] {
            if query.len() <= crate::fault::SPEC_MAX_BYTES {
                prop_assert_eq!(&carrier::query(&query).unwrap(), &fault, "{}", query);
            }
        }
    }

    #[test]
    fn a_verdict_is_a_spec_that_rolls_to_itself(fault in any::fault(), seed: u64, key in "[a-z0-9.]{0,12}", load in 0_u64..99) {
        let verdict = fault.roll(seed, &key, load);
        let text = verdict.to_string();
        if text.len() <= crate::fault::SPEC_MAX_BYTES {
            let again = Fault::parse(&text, Separator::Semicolon).unwrap();
            let other_key = if verdict.key.is_empty() { "" } else { "elsewhere" };
            let rolled = again.roll(seed ^ 1, other_key, load + 7);
            prop_assert_eq!(&rolled, &verdict, "{}", text);
            let pauses = |v: &crate::fault::Verdict| (0..5).map(|i| v.chunk_delay.nth(i)).collect::<Vec<_>>();
            prop_assert_eq!(pauses(&rolled), pauses(&verdict));
        }
    }

    #[test]
    fn a_roll_is_a_pure_function(fault in any::fault(), seed: u64) {
        prop_assert_eq!(fault.roll(seed, "k", 3), fault.clone().roll(seed, "k", 3));
    }

    #[test]
    fn merging_keeps_the_winner_whole(loser in any::fault(), winner in any::fault()) {
        let merged = loser.clone().overridden_by(winner.clone());
        prop_assert_eq!(merged.clone().overridden_by(winner.clone()), merged.clone());
        prop_assert_eq!(Fault::default().overridden_by(winner.clone()), winner.clone());
        prop_assert_eq!(loser.clone().overridden_by(Fault::default()), loser.clone());
        let keys = |fault: &Fault| fault.keys().collect::<std::collections::BTreeSet<_>>();
        prop_assert_eq!(keys(&merged), &keys(&loser) | &keys(&winner));
    }

    #[test]
    fn checks_never_panic(fault in any::fault()) {
        for dialect in Dialect::ALL {
            if let Err(errors) = fault.check(dialect, &Limits::default()) {
                prop_assert!(errors.iter().all(|error| !error.expected.is_empty() && !error.reason.is_empty()));
            }
        }
    }

    #[test]
    fn what_never_injects_never_does(fault in any::fault(), seed: u64) {
        if !fault.injects() {
            prop_assert!(!fault.roll(seed, "k", 0).injects());
        }
    }

    #[test]
    fn any_text_is_a_fault_or_an_error(
        noise in ".{0,60}",
        near in "((status|delay|size|at|fault|header|read|gzip|p|id)=[a-z0-9(),:.%&= -]{0,20}[&; ]){0,4}",
        separator in any::separator(),
    ) {
        for text in [noise, near] {
            match Fault::parse(&text, separator) {
                Ok(fault) => prop_assert_eq!(Fault::parse(&fault.to_text(separator), separator), Ok(fault)),
                Err(errors) => for error in &errors {
                    prop_assert!(error.position <= text.len());
                    let found = &text[error.position..];
                    prop_assert!(found.starts_with(&error.value) || text.contains('%'), "{} in {}", error, text);
                },
            }
        }
    }
}
