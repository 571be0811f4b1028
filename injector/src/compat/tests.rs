//! What instants come to in k6's words.

use proptest::prelude::*;

use super::*;

const MS: Duration = Duration::from_millis(1);

/// Marks at these milliseconds after `t0`: look-up, connecting, connected, secured, sending, sent, first byte.
fn marks(t0: Instant, at_ms: [Option<u32>; 7]) -> Marks {
    let marks = Marks::default();
    let cells = [
        &marks.resolving,
        &marks.connecting,
        &marks.connected,
        &marks.secured,
        &marks.sending,
        &marks.sent,
        &marks.first_byte,
    ];
    for (cell, ms) in cells.into_iter().zip(at_ms) {
        cell.set(ms.map(|ms| t0 + MS * ms));
    }
    marks
}

#[test]
fn every_kind_of_end_has_its_parts() {
    let t0 = Instant::now();
    // The marks, and: blocked, connecting, TLS, sending, waiting, receiving, for an attempt that is over after 100 ms.
    let cases = [
        (
            "fresh, over TLS",
            [Some(5), Some(7), Some(10), Some(20), Some(20), Some(21), Some(60)],
            [20, 3, 10, 1, 39, 40],
        ),
        ("reused", [None, None, None, None, Some(4), Some(5), Some(60)], [4, 0, 0, 1, 55, 40]),
        ("refused", [Some(1), Some(2), None, None, None, None, None], [100, 0, 0, 0, 0, 0]),
        ("no handshake", [Some(1), Some(2), Some(9), None, None, None, None], [100, 7, 0, 0, 0, 0]),
        ("silence", [None, None, None, None, Some(10), Some(11), None], [10, 0, 0, 1, 89, 0]),
        ("a body that nobody reads", [None, None, None, None, Some(10), None, None], [10, 0, 0, 90, 0, 0]),
        ("answered early", [None, None, None, None, Some(10), Some(50), Some(20)], [10, 0, 0, 10, 0, 80]),
    ];
    for (what, at_ms, wanted) in cases {
        let trail = trail(&marks(t0, at_ms), t0, t0 + MS * 100);
        let Trail { blocked, connecting, tls_handshaking, sending, waiting, receiving } = trail;
        let parts = [blocked, connecting, tls_handshaking, sending, waiting, receiving];
        assert_eq!(parts.map(|part| part.as_millis()), wanted, "{what}");
    }
}

proptest! {
    #[test]
    fn blocked_and_the_parts_of_a_sent_request_cover_its_time_once(
        at_ms in prop::array::uniform7(prop::option::of(0..100_u32)),
        sending in 0..50_u32,
    ) {
        let t0 = Instant::now();
        let [resolving, connecting, connected, secured, _, sent, first_byte] = at_ms;
        let later = |ms: Option<u32>| ms.map(|ms| ms.max(sending));
        let all = [resolving, connecting, connected, secured, Some(sending), later(sent), later(first_byte)];
        let trail = trail(&marks(t0, all), t0, t0 + MS * 100);
        let sum = trail.blocked + trail.sending + trail.waiting + trail.receiving;
        prop_assert_eq!(sum, MS * 100);
    }
}

#[test]
fn tags_are_bounded_and_distinct() {
    let many: Vec<String> = (0..=TAGS_MAX).map(|n| format!("a{n}=x")).collect();
    assert_eq!(many[1..].join(",").parse::<Tags>().map(|tags| tags.0.len()), Ok(TAGS_MAX));
    for (text, remedy) in [(many.join(",").as_str(), "16"), ("a=1,a=2", "one is accepted"), ("a=1,b", "team=payments")]
    {
        let error = text.parse::<Tags>().unwrap_err();
        assert!(error.contains(remedy), "{error}");
    }
    assert_eq!("".parse::<Tags>(), Ok(Tags::default()));
}
