//! What is a sign and what is not; and that the metric's buckets tell the signs apart.

use shared::red::PHASE_BUCKETS_S;

use super::*;

/// Phases and what they took, in milliseconds.
type Took = &'static [(Phase, u64)];

fn ms(ms: u64) -> Duration {
    Duration::from_millis(ms)
}

/// The signs of a request whose phases took so long.
fn found(of: Took, network_ms: Option<u64>, resent: u32) -> Vec<Sign> {
    let mut phases = Phases::default();
    for (phase, duration_ms) in of {
        phases[phase.index()] = Some(ms(*duration_ms));
    }
    let signs = |code| signs(code, &phases, network_ms.map(ms), resent).collect();
    assert_eq!(signs(Code::NONE), Vec::new(), "without an answer: {of:?}");
    signs(Code::Http(200))
}

#[test]
fn a_duration_and_a_segment_sent_again_make_a_sign() {
    use Phase::{Body, Connect, Dns, FirstByte, Tls};
    use Sign::{LookupRepeated, SegmentResent, SynLostOften, SynLostOnce, SynLostTwice};
    // The phases, the path's share, segments sent again, the signs.
    let cases: [(Took, Option<u64>, u32, &[Sign]); 24] = [
        (&[(Connect, 1)], Some(1), 0, &[]),
        (&[(Connect, 1003)], Some(1), 1, &[SynLostOnce]),
        (&[(Connect, 1200)], Some(150), 1, &[SynLostOnce]),
        (&[(Connect, 1003)], Some(1), 0, &[]),
        (&[(Connect, 949)], Some(1), 1, &[]),
        // Before Linux 6.5, and since.
        (&[(Connect, 3010)], Some(1), 2, &[SynLostTwice]),
        (&[(Connect, 2010)], Some(1), 2, &[SynLostTwice]),
        (&[(Connect, 3010)], Some(1), 3, &[SynLostOften]),
        (&[(Connect, 7100)], Some(1), 3, &[SynLostOften]),
        (&[(FirstByte, 204)], Some(204), 1, &[SegmentResent]),
        (&[(FirstByte, 405)], Some(405), 2, &[SegmentResent]),
        (&[(FirstByte, 204)], Some(204), 0, &[]),
        (&[(FirstByte, 50)], Some(50), 1, &[]),
        // Asked for, and a segment sent again without anybody waiting for it.
        (&[(FirstByte, 800)], Some(30), 1, &[]),
        (&[(FirstByte, 800)], Some(230), 1, &[SegmentResent]),
        (&[(FirstByte, 800)], None, 1, &[SegmentResent]),
        (&[(Connect, 1), (Tls, 230)], Some(2), 1, &[SegmentResent]),
        (&[(Body, 5000)], Some(2), 1, &[]),
        (&[(Connect, 1003)], Some(205), 2, &[SynLostOnce, SegmentResent]),
        (&[(Connect, 1003)], Some(205), 1, &[SynLostOnce]),
        (&[(Dns, 5004)], Some(1), 0, &[LookupRepeated]),
        (&[(Dns, 4000)], Some(1), 0, &[]),
        (&[(Dns, 9000)], Some(1), 0, &[]),
        (&[(Connect, u64::MAX)], Some(u64::MAX), u32::MAX, &[SynLostOften]),
    ];
    for (phases, network_ms, resent, signs) in cases {
        assert_eq!(found(phases, network_ms, resent), signs, "{phases:?} {network_ms:?} {resent}");
    }
}

/// The bucket that a duration falls into: how many bounds are below it.
fn bucket(ms: u64) -> usize {
    let seconds = Duration::from_millis(ms).as_secs_f64();
    PHASE_BUCKETS_S.partition_point(|bound| *bound < seconds)
}

#[test]
fn the_buckets_tell_each_timer_from_its_neighbours() {
    // What a phase takes in ms with a round trip of up to 150 ms and a timer that is an eighth late, from and to: the kernel's
    // wheel of timers is no more exact than that.
    let connect: [(&str, u64, u64); 5] = [
        ("a far peer", 0, 400),
        ("one SYN", 1000, 1250),
        ("two, since Linux 6.5", 2000, 2400),
        ("two, before", 3000, 3375),
        ("three, before", 7000, 8000),
    ];
    let first_byte: [(&str, u64, u64); 4] = [
        ("another continent", 51, 199),
        ("a delayed ACK", 40, 50),
        ("a segment sent again by a timer, once to thrice", 201, 950),
        ("four times", 1600, 1900),
    ];
    let dns = [("a look-up over the wide", 0, 400), ("a resolver that asked again", 5000, 5200)];
    for phase in [&connect[..], &first_byte, &dns] {
        for (name, from_ms, to_ms) in phase {
            let others = phase.iter().filter(|(other, ..)| other != name);
            for (other, other_from_ms, other_to_ms) in others {
                let is_apart = bucket(*to_ms) < bucket(*other_from_ms) || bucket(*other_to_ms) < bucket(*from_ms);
                assert!(is_apart, "{name} and {other} share a bucket");
            }
        }
    }
    for (name, from_ms, to_ms) in [connect[1], connect[2], connect[3], dns[1]] {
        assert_eq!(bucket(from_ms), bucket(to_ms), "{name} has a bucket of its own");
    }
    for bound in [SYN_MIN, SEGMENT_MIN, *LOOKUP.end()] {
        assert!(PHASE_BUCKETS_S.contains(&bound.as_secs_f64()), "{bound:?} ends no bucket");
    }
}

#[test]
fn signs_are_counted_by_their_place_and_said_in_words() {
    for (index, sign) in Sign::ALL.into_iter().enumerate() {
        assert_eq!(sign.index(), index);
    }
    assert_eq!(Sign::SynLostOnce.words(3), "3 connects of about 1 s: the first SYN was lost, or its answer");
    let words = "1 request waited 200 ms or more, and a segment was sent again meanwhile: it was lost, or its acknowledgement was \
                 late because the other side hung";
    assert_eq!(Sign::SegmentResent.words(1), words);
}
