//! Bodies: the length asked for, the bytes both sides expect, no byte let through that is not one of them.

use proptest::prelude::*;

use super::*;

const SYNTHETIC: [Body; 5] = [Body::Random, Body::Zero, Body::Text, Body::Seq, Body::Json];

fn bytes(body: Body, size: u64, chunk: u64) -> Vec<u8> {
    Payload::new(body, size, 7, "ab12.1").unwrap().chunks(chunk).flatten().copied().collect()
}

#[test]
fn every_size_is_exact() {
    for body in SYNTHETIC {
        for size in (0..80).chain([65_535, 65_536, 65_537, 131_071, 131_072, 131_073, 300_000]) {
            assert_eq!(bytes(body, size, 64 << 10).len() as u64, size, "{body:?}");
        }
    }
    assert_eq!(Payload::new(Body::Echo, 10, 0, ""), None);
}

#[test]
fn content_is_what_the_word_says() {
    assert_eq!(bytes(Body::Seq, 30, 7), b"abcdefghijklmnopqrstuvwxyzabcd");
    assert_eq!(bytes(Body::Zero, 5, 2), [0; 5]);
    assert!(bytes(Body::Text, 100_000, 9_999).iter().all(|byte| byte.is_ascii_graphic() || b" \n".contains(byte)));
    assert!(String::from_utf8(bytes(Body::Seq, 200_000, 1 << 20)).unwrap()[199_990..].starts_with("yzab"));
}

#[test]
fn json_is_valid_at_every_size() {
    for size in (1..200).chain([131_072 + 11, 500_000]) {
        let document: serde_json::Value = serde_json::from_slice(&bytes(Body::Json, size, 1000)).unwrap();
        assert!(document.is_object() || (size < 11 && document.is_number()), "{size}");
    }
}

#[test]
fn random_is_incompressible_and_differs_between_requests() {
    let random = bytes(Body::Random, 1 << 20, 64 << 10);
    let mut counts = [0_u32; 256];
    random[..128 << 10].iter().for_each(|&byte| counts[usize::from(byte)] += 1);
    let entropy_bits: f64 =
        counts.iter().map(|&n| f64::from(n) / f64::from(128 << 10)).map(|share| -share * share.log2()).sum();
    assert!(entropy_bits > 7.99, "{entropy_bits}");
    // No four bytes of one window come back nearby, so a dictionary has nothing to refer to.
    let window = &random[..4096];
    let repeats =
        window.windows(4).enumerate().filter(|(i, four)| window[i + 1..].windows(4).any(|other| other == *four));
    assert!(repeats.count() < 3);

    let other: Vec<u8> = Payload::new(Body::Random, 64, 7, "ab12.2").unwrap().chunks(64).flatten().copied().collect();
    assert_ne!(other, random[..64]);
}

#[test]
fn chunks_are_served_from_the_block_itself() {
    let payload = Payload::new(Body::Random, 10_000, 7, "k").unwrap();
    let (again, once) = (payload.slice(100, 50), payload.slice(100, 50));
    assert!(std::ptr::eq(once, again), "a copy was made");
}

#[test]
fn matcher_names_the_first_wrong_byte() {
    for body in SYNTHETIC {
        let payload = Payload::new(body, 200_000, 7, "k").unwrap();
        let sent: Vec<u8> = payload.chunks(4096).flatten().copied().collect();
        for wrong_at in [0, 1, 9, 131_071, 131_072, 199_998, 199_999] {
            let mut received = sent.clone();
            received[wrong_at] ^= 0x80;
            let mut matcher = payload.matcher();
            let result = received.chunks(777).try_for_each(|chunk| matcher.push(chunk));
            assert_eq!(result, Err(Mismatch { offset: wrong_at as u64 }), "{body:?}");
            assert_eq!(matcher.push(b""), result, "a mismatch stays one");
            assert_eq!(matcher.finish(), result);
        }
        let mut short = payload.matcher();
        short.push(&sent[..199_999]).unwrap();
        assert_eq!(short.finish(), Err(Mismatch { offset: 199_999 }));
        let mut long = payload.matcher();
        long.push(&sent).unwrap();
        assert_eq!(long.finish(), Ok(()));
        assert_eq!(long.push(b"x"), Err(Mismatch { offset: 200_000 }));
    }
}

#[test]
fn a_gibibyte_needs_no_buffer() {
    const GIB: u64 = 1 << 30;
    for body in SYNTHETIC {
        let payload = Payload::new(body, GIB, 7, "k").unwrap();
        let mut end = 0;
        while let run @ 1.. = payload.slice(GIB - 3 + end, 100).len() as u64 {
            end += run;
        }
        assert_eq!((end, payload.slice(u64::MAX / 2, 1).len()), (3, 0), "{body:?}");
    }
}

proptest! {
    #[test]
    fn any_cut_matches(
        body in prop::sample::select(&SYNTHETIC[..]), size in 0_u64..300_000, sent in 1_u64..70_000, read in 1_usize..70_000,
    ) {
        let payload = Payload::new(body, size, 1, "k").unwrap();
        let received: Vec<u8> = payload.chunks(sent).flatten().copied().collect();
        let mut matcher = payload.matcher();
        for chunk in received.chunks(read) {
            prop_assert_eq!(matcher.push(chunk), Ok(()));
        }
        prop_assert_eq!(matcher.finish(), Ok(()));
    }
}
