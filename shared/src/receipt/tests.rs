//! Questions are read as they were asked, refused with the part that is wrong, and answered without a guess.

use std::collections::BTreeSet;

use proptest::prelude::*;

use super::*;

fn asked(seqs: &[u64]) -> String {
    path(Name::from_static("7mo6bn72"), Name::from_static("web-ok"), seqs)
}

#[test]
fn neighbours_are_asked_about_as_ranges() {
    for (seqs, expected) in [
        (&[][..], ""),
        (&[7], "7"),
        (&[1, 2], "1-2"),
        (&[9, 1, 5, 2, 6, 7, 8, 2], "1-2,5-9"),
        (&[0, 2, 4], "0,2,4"),
        (&[u64::MAX, 0, u64::MAX - 1], "0,18446744073709551614-18446744073709551615"),
    ] {
        assert_eq!(asked(seqs), format!("/receipts/7mo6bn72/web-ok?seq={expected}"));
    }
}

#[test]
fn a_bad_question_is_refused_with_the_part_that_is_wrong() {
    let no_number = |part: &str| SeqError::NoNumber(part.to_owned());
    let too_many = |part: &str| SeqError::TooMany(part.to_owned());
    for (text, expected) in [
        ("", no_number("")),
        ("1,,2", no_number("")),
        ("1,x", no_number("x")),
        ("+1", no_number("+1")),
        ("-1", no_number("-1")),
        ("1-", no_number("1-")),
        ("1-2-3", no_number("1-2-3")),
        ("1, 2", no_number(" 2")),
        ("18446744073709551616", no_number("18446744073709551616")),
        ("4,9-8", SeqError::Reversed("9-8".to_owned())),
        ("0-1024", too_many("0-1024")),
        ("0-1023,0", too_many("0")),
        ("0-18446744073709551615", too_many("0-18446744073709551615")),
    ] {
        assert_eq!(parse_seqs(text), Err(expected), "{text}");
    }
    assert_eq!(parse_seqs(&"9".repeat(9000)), Err(no_number(&"9".repeat(48))), "no error repeats a whole query");
    assert_eq!(parse_seqs("0-1023").unwrap().len(), SEQS_MAX);
    assert_eq!(
        parse_seqs("3,x").unwrap_err().to_string() + "; " + SeqError::EXPECTED,
        "\"x\" is no number and no range of numbers; at most 1024 numbers, and ranges of them, such as 1,2,5-9"
    );
    assert!(SeqError::EXPECTED.contains(&SEQS_MAX.to_string()));
}

#[test]
fn what_cannot_be_known_is_no_no() {
    let said = |from| Receipts {
        server: "pod-1/node-1/-".to_owned(),
        boot: "00c0ffee00c0ffee".to_owned(),
        uptime_seconds: 12.5,
        seen: vec![64, 70],
        duplicate: vec![70],
        from,
    };
    let of = |from, seq| said(from).of(seq);
    assert_eq!([63, 64, 65, 70].map(|seq| of(64, seq)), {
        [Receipt::Unknown, Receipt::Arrived, Receipt::NotArrived, Receipt::Arrived]
    });
    assert_eq!([0, u64::MAX].map(|seq| of(FROM_NONE, seq)), [Receipt::Unknown; 2]);
    let text = serde_json::to_string(&said(FROM_NONE)).unwrap();
    assert_eq!(serde_json::from_str::<Receipts>(&text).unwrap(), said(FROM_NONE));
}

#[test]
fn events_are_where_their_index_says() {
    assert_eq!(Event::ALL.map(Event::index), [0, 1, 2]);
}

proptest! {
    #[test]
    fn a_question_is_read_as_it_was_asked(seqs in proptest::collection::vec(prop_oneof![0..200_u64, any::<u64>()], 1..300)) {
        let path = asked(&seqs);
        let (_, text) = path.split_once("?seq=").unwrap();
        let once: BTreeSet<u64> = seqs.into_iter().collect();
        prop_assert_eq!(parse_seqs(text), Ok(once.into_iter().collect()));
    }

    #[test]
    fn nothing_that_is_asked_panics_or_unfolds_without_end(text in "[0-9,x -]{0,60}") {
        if let Ok(seqs) = parse_seqs(&text) {
            prop_assert!((1..=SEQS_MAX).contains(&seqs.len()));
        }
    }
}
