//! Phases of attempts that came any distance, and what is left for the path.

use proptest::prelude::*;

use super::*;

/// Instants by their place, in milliseconds since the beginning.
type Marked = &'static [(usize, u32)];
/// Phases in milliseconds, by their index.
type InMs = [Option<u32>; 6];

const MS: Duration = Duration::from_millis(1);

/// The instants in the order of time, by their place: look-up, connect, connected, secured, sending, sent, first byte.
fn marked(at_ms: &[(usize, u32)], begin: Instant) -> Marks {
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
    for (place, at_ms) in at_ms {
        cells[*place].set(Some(begin + *at_ms * MS));
    }
    marks
}

#[test]
fn each_phase_is_where_it_was_spent() {
    let begin = Instant::now();
    let cases: [(&str, Marked, InMs); 11] = [
        ("nothing of its own", &[], [None; 6]),
        ("looking up", &[(0, 0)], [Some(100), None, None, None, None, None]),
        ("connecting", &[(0, 0), (1, 2)], [Some(2), Some(98), None, None, None, None]),
        ("securing", &[(0, 0), (1, 2), (2, 7)], [Some(2), Some(5), Some(93), None, None, None]),
        (
            "all",
            &[(0, 0), (1, 2), (2, 7), (3, 20), (4, 21), (5, 22), (6, 60)],
            [Some(2), Some(5), Some(13), Some(2), Some(38), Some(40)],
        ),
        (
            "all without TLS",
            &[(0, 0), (1, 2), (2, 7), (4, 7), (5, 8), (6, 60)],
            [Some(2), Some(5), None, Some(1), Some(52), Some(40)],
        ),
        ("a datagram", &[(0, 0), (1, 2), (4, 3), (5, 4), (6, 60)], [Some(2), None, None, Some(2), Some(56), Some(40)]),
        ("a kept connection", &[(4, 0), (5, 1), (6, 60)], [None, None, None, Some(1), Some(59), Some(40)]),
        ("no answer", &[(4, 0), (5, 1)], [None, None, None, Some(1), Some(99), None]),
        (
            "answered before it was written",
            &[(4, 0), (5, 80), (6, 60)],
            [None, None, None, Some(60), Some(0), Some(40)],
        ),
        ("answered and never written", &[(4, 0), (6, 60)], [None, None, None, Some(60), Some(0), Some(40)]),
    ];
    for (case, at_ms, expected) in cases {
        let phases = phases(&marked(at_ms, begin), begin + 100 * MS);
        assert_eq!(phases, expected.map(|ms| ms.map(|ms| ms * MS)), "{case}");
    }
}

#[test]
fn the_path_is_what_neither_the_target_nor_the_asker_is() {
    let begin = Instant::now();
    // First byte after 60 ms of sending; connecting took 20.
    let marks = || marked(&[(0, 0), (1, 2), (2, 20), (4, 20), (5, 21), (6, 80)], begin);
    let cases: [(Option<Duration>, Option<Duration>, Option<u32>); 6] = [
        (None, None, None),
        (None, Some(MS), None),
        (Some(10 * MS), None, Some(50)),
        (Some(10 * MS), Some(45 * MS), Some(5)),
        (Some(61 * MS), None, Some(0)),
        (Some(Duration::MAX), Some(Duration::MAX), Some(0)),
    ];
    for (server, asked, expected) in cases {
        let marks = marks();
        marks.server.set(server);
        marks.asked.set(asked);
        assert_eq!(network(&marks), expected.map(|ms| ms * MS), "{server:?} {asked:?}");
    }
    let silent = marked(&[(4, 0), (5, 1)], begin);
    silent.server.set(Some(MS));
    assert_eq!(network(&silent), None, "no answer, no path");
}

proptest! {
    /// Instants that pass in order, any of them not at all, and an answer at any time.
    #[test]
    fn phases_add_up_to_the_service_time(
        steps in proptest::collection::vec(proptest::option::weighted(0.8, 0_u32..1000), 7),
        came_far in 0_usize..8,
        is_new: bool,
        early_ms in 0_u32..3000,
    ) {
        let begin = Instant::now();
        let mut at_ms = 0;
        let mut places = Vec::new();
        for (place, step) in steps.iter().enumerate().take(came_far) {
            // A kept connection begins with sending; whoever comes there has come past what a connection needs.
            let is_needed = place == 4 || is_new && place <= 2;
            let exists = (is_new || place >= 4) && (is_needed || step.is_some());
            at_ms += step.unwrap_or(0);
            if exists {
                places.push((place, at_ms));
            }
        }
        if let Some(first) = places.iter_mut().find(|(place, _)| *place == 6) {
            // Never before the request began, but perhaps before it was written.
            first.1 = first.1.saturating_sub(early_ms);
        }
        let sending = places.iter().find(|(place, _)| *place == 4).map(|(_, at)| *at);
        if let (Some(first), Some(sending)) = (places.iter_mut().find(|(place, _)| *place == 6), sending) {
            first.1 = first.1.max(sending);
        }
        let marks = marked(&places, begin);
        let end = begin + (at_ms + 5) * MS;
        let sum: Duration = phases(&marks, end).into_iter().flatten().sum();
        let service = marks.started().map_or(Duration::ZERO, |started| end - started);
        prop_assert_eq!(sum, service);
    }
}
