//! The ring against a set that forgets nothing.

use std::collections::HashMap;

use proptest::prelude::*;

use super::*;

/// Numbers as an injector sends them, in order but for a few, and as nobody would.
fn arrivals() -> impl Strategy<Value = Vec<u64>> {
    let step = prop_oneof![
        8 => (0..4_u64).prop_map(|ahead| (0, ahead)),
        3 => (0..200_u64).prop_map(|back| (back, 0)),
        2 => (0..3 * NUMBERS).prop_map(|ahead| (0, ahead)),
        2 => (0..3 * NUMBERS).prop_map(|back| (back, 0)),
        1 => Just((0, u64::MAX / 3)),
    ];
    let steps = proptest::collection::vec(step, 1..400);
    (0..2 * NUMBERS, steps).prop_map(|(mut at, steps)| {
        let mut numbers = vec![at];
        for (back, ahead) in steps {
            at = at.saturating_sub(back).saturating_add(ahead);
            numbers.push(at);
        }
        numbers
    })
}

proptest! {
    #[test]
    fn it_says_what_a_set_says_of_all_that_it_reaches(numbers in arrivals(), may_be_forgotten: bool) {
        let mut ring = Ring::new(may_be_forgotten);
        let mut model: HashMap<u64, u32> = HashMap::new();
        let floor = if may_be_forgotten { numbers[0] } else { 0 };
        let mut newest = 0;
        for &seq in &numbers {
            let from = if model.is_empty() { floor } else { ring.from() };
            let event = ring.note(seq);
            if event == Event::Late {
                prop_assert!(seq < from, "{} is held, from {}", seq, from);
                continue;
            }
            let times = model.entry(seq).or_default();
            *times += 1;
            prop_assert_eq!(event, if *times == 1 { Event::Unique } else { Event::Duplicate });
            newest = newest.max(seq);
            prop_assert!(ring.from() >= from, "nobody remembers again");
            prop_assert!(ring.from() >= floor);
            prop_assert!(ring.from() <= floor.max(newest.saturating_sub(NUMBERS - WORD_BITS)), "from {}", ring.from());
        }
        let near = |seq: u64| [seq.saturating_sub(NUMBERS), seq.saturating_sub(1), seq, seq.saturating_add(1), seq.saturating_add(NUMBERS)];
        let mut seqs: Vec<u64> = numbers.iter().copied().flat_map(near).chain([0, ring.from(), u64::MAX]).collect();
        seqs.sort_unstable();
        seqs.dedup();
        let found = ring.find(&seqs);
        let expected = |least| seqs.iter().copied().filter(|seq| *seq >= found.from && model.get(seq) >= Some(least)).collect::<Vec<_>>();
        prop_assert_eq!(&found.seen, &expected(&1));
        prop_assert_eq!(&found.duplicate, &expected(&2));
    }
}

#[test]
fn the_highest_number_there_is_is_a_number() {
    let mut ring = Ring::new(false);
    assert_eq!([u64::MAX, u64::MAX, 0].map(|seq| ring.note(seq)), [Event::Unique, Event::Duplicate, Event::Late]);
    let found = ring.find(&[0, u64::MAX - NUMBERS, u64::MAX - 1, u64::MAX]);
    assert_eq!(found, Found { seen: vec![u64::MAX], duplicate: vec![u64::MAX], from: u64::MAX - NUMBERS + 1 });
}

#[test]
fn what_comes_in_on_the_way_is_empty() {
    let mut ring = Ring::new(false);
    for seq in 0..NUMBERS {
        ring.note(seq);
    }
    assert_eq!(ring.note(5), Event::Duplicate);
    // As far ahead as the ring is long: the places are the same, the numbers are not.
    assert_eq!(ring.note(2 * NUMBERS - 1), Event::Unique);
    let found = ring.find(&[5, NUMBERS, NUMBERS + 5, 2 * NUMBERS - 1, 2 * NUMBERS + 5]);
    assert_eq!(found, Found { seen: vec![2 * NUMBERS - 1], duplicate: Vec::new(), from: NUMBERS });
}
