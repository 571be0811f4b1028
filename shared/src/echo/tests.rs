//! What both sides must mean alike: content, flips, strikes, contradictions.

use super::{Content, Corruption, Strike};
use crate::fault::{Fault, Separator, Verdict};

fn verdict(spec: &str) -> Verdict {
    Fault::parse(spec, Separator::Space).unwrap().roll(7, "key", 0)
}

#[test]
fn the_content_follows_mode_and_size() {
    assert_eq!(Content::of(&verdict("")), Content::Echo);
    assert_eq!(Content::of(&verdict("mode=upper")), Content::Upper);
    assert_eq!(Content::of(&verdict("mode=discard")), Content::Nothing);
    for spec in ["size=100", "mode=source size=100", "mode=chargen size=100"] {
        let Content::Made(payload) = Content::of(&verdict(spec)) else { panic!("{spec}") };
        assert_eq!(payload.size_bytes(), 100, "{spec}");
    }
    let Content::Made(endless) = Content::of(&verdict("mode=source")) else { panic!() };
    assert_eq!(endless.slice(1 << 40, 10).len(), 10);
}

#[test]
fn flips_are_the_same_however_the_payload_is_cut_and_undo_themselves() {
    assert_eq!(Corruption::of(&verdict("")), None);
    let corruption = Corruption::of(&verdict("corrupt=true")).unwrap();
    let original: Vec<u8> = (0..5000_u32).map(|i| i as u8).collect();
    let mut whole = original.clone();
    corruption.flip(0, &mut whole);
    let differing = whole.iter().zip(&original).filter(|(a, b)| a != b).count();
    assert_eq!(differing, 5, "one byte per started KiB");
    for cut in [1, 7, 1023, 1024, 1025, 4999] {
        let mut pieces = original.clone();
        for (n, piece) in pieces.chunks_mut(cut).enumerate() {
            corruption.flip((n * cut) as u64, piece);
        }
        assert_eq!(pieces, whole, "in pieces of {cut}");
    }
    corruption.flip(0, &mut whole);
    assert_eq!(whole, original);
}

#[test]
fn a_fault_strikes_where_it_says() {
    for (spec, strike) in [
        ("delay=1s", None),
        ("fault=reset", Some(Strike::Head)),
        ("fault=garbage", Some(Strike::Head)),
        ("fault=abort", Some(Strike::Byte(0))),
        ("fault=abort at=10", Some(Strike::Byte(10))),
        ("fault=reset at=50%", Some(Strike::Byte(100))),
        ("fault=reset at=after(1s)", Some(Strike::End)),
    ] {
        assert_eq!(Strike::of(&verdict(spec), Some(200)), strike, "{spec}");
    }
    assert_eq!(Strike::of(&verdict("fault=reset at=50%"), None), Some(Strike::End));
}
