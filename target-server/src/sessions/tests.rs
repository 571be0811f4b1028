//! What is counted adds up, what is bounded stays so, and what was forgotten is not said to be lost.

use std::time::Duration;

use shared::red::DURATION_BUCKETS_S;

use super::*;

const OP: &str = "op";

fn session(i: usize) -> Session {
    format!("s{i}").parse().unwrap()
}

#[tokio::test(start_paused = true)]
async fn the_session_idle_longest_makes_room() {
    let sessions = Sessions::default();
    let op = Name::from_static("op");
    for i in 0..SESSIONS_MAX {
        sessions.book(session(i), op, Instant::now()).received(Instant::now(), None);
        tokio::time::advance(Duration::from_secs(1)).await;
    }
    sessions.book(session(0), op, Instant::now()).received(Instant::now(), None);
    sessions.book(session(SESSIONS_MAX), op, Instant::now());
    assert!(sessions.account(session(0)).is_some(), "used again since");
    assert!(sessions.account(session(1)).is_none(), "idle longest");
    assert!(sessions.account(session(SESSIONS_MAX)).is_some());
}

#[tokio::test(start_paused = true)]
async fn operations_beyond_the_bound_are_counted_as_other() {
    let sessions = Sessions::default();
    for i in 0..OPERATIONS_MAX + 10 {
        let book = sessions.book(session(0), format!("op{i}").parse().unwrap(), Instant::now());
        let expected = (i < OPERATIONS_MAX).then_some(Event::Unique);
        assert_eq!(book.received(Instant::now(), Some(7)), expected, "numbers of several operations prove nothing");
    }
    let receipts = |op: &str| sessions.receipts(session(0), op.parse().unwrap(), &[7]);
    assert_eq!(receipts("op0").unwrap().seen, [7]);
    assert_eq!(receipts("other"), Ok(Found::nothing(FROM_NONE)));
    assert_eq!(receipts("op70"), Err(Found::nothing(FROM_NONE)), "it was counted as `other`");
    let account = sessions.account(session(0)).unwrap();
    assert_eq!(account.operations.len(), OPERATIONS_MAX + 1);
    assert_eq!(account.operations["other"].received, 10);
}

#[tokio::test(start_paused = true)]
async fn every_request_is_in_exactly_one_place() {
    let book = Book::new(Instant::now(), None);
    for _ in 0..5 {
        book.received(Instant::now(), None);
    }
    let ending = |sent_bytes| Ending { sent_bytes, own: Duration::from_micros(100 * sent_bytes) };
    book.answered(Code::Http(200), ending(10));
    book.answered(Code::Http(503), ending(1));
    book.unanswered(ending(4));
    book.failed(ServerError::Aborted, ending(2));
    let account = book.account();
    assert_eq!(account.answered, [("200".to_owned(), 1), ("503".to_owned(), 1)].into());
    assert_eq!(account.failed, [("aborted".to_owned(), 1)].into());
    assert_eq!((account.received, account.unanswered, account.in_flight, account.sent_bytes), (5, 1, 1, 17));
    let ended = account.answered_total() + account.unanswered + account.failed_total();
    assert_eq!(account.received, ended + account.in_flight);
    assert_eq!((account.own_time.count(), account.own_time.sum_ns), (ended, 1_700_000));
    assert_eq!(account.own_time.buckets[..6], [1, 1, 1, 0, 1, 0]);
    assert_eq!(account.own_time.buckets.len(), DURATION_BUCKETS_S.len() + 1);
}

fn noted(sessions: &Sessions, name: usize, seq: u64) -> Option<Event> {
    sessions.book(session(name), OP.parse().unwrap(), Instant::now()).received(Instant::now(), Some(seq))
}

fn asked(sessions: &Sessions, name: usize, seqs: &[u64]) -> Result<Found, Found> {
    sessions.receipts(session(name), OP.parse().unwrap(), seqs)
}

#[tokio::test(start_paused = true)]
async fn a_number_that_arrives_again_is_a_duplicate() {
    let sessions = Sessions::default();
    let arrive = |seq| noted(&sessions, 0, seq).unwrap();
    assert_eq!([3, 4, 3, 3, 0].map(arrive), {
        [Event::Unique, Event::Unique, Event::Duplicate, Event::Duplicate, Event::Unique]
    });
    assert_eq!([100_000, 5].map(arrive), [Event::Unique, Event::Late]);
    let account = &sessions.account(session(0)).unwrap().operations[OP];
    assert_eq!((account.received, account.duplicates, account.late), (7, 2, 1));
}

#[tokio::test(start_paused = true)]
async fn what_never_was_here_and_what_was_forgotten_are_told_apart() {
    let sessions = Sessions::default();
    assert_eq!(asked(&sessions, 0, &[1]), Err(Found::nothing(0)), "it did not arrive");
    for name in 0..SESSIONS_MAX {
        noted(&sessions, name, 1);
        tokio::time::advance(Duration::from_secs(1)).await;
    }
    assert_eq!(sessions.receipts(session(0), Name::from_static("new"), &[1]), Err(Found::nothing(0)));
    noted(&sessions, SESSIONS_MAX, 5);
    assert_eq!(asked(&sessions, 0, &[1]), Err(Found::nothing(FROM_NONE)), "its account made room");
    let late_comer = Found { seen: vec![5], duplicate: Vec::new(), from: 0 };
    assert_eq!(asked(&sessions, SESSIONS_MAX, &[1, 5, 6]), Ok(late_comer), "whoever made room for it is another");
    tokio::time::advance(Duration::from_secs(2)).await;
    assert_eq!(sessions.forgotten_seconds(), Some(2.0));
    noted(&sessions, 0, 9);
    assert_eq!(noted(&sessions, 0, 1), Some(Event::Late), "it came back");
    tokio::time::advance(Duration::from_secs(3)).await;
    let forgotten = |name| sessions.account(session(name)).unwrap().forgotten_seconds;
    assert_eq!([0, SESSIONS_MAX, 2].map(forgotten), [Some(5.0), None, None], "as it was when each came");
    assert_eq!(asked(&sessions, 2, &[1, 2]), Ok(Found { seen: vec![1], duplicate: Vec::new(), from: 0 }), "it stayed");
}

#[tokio::test(start_paused = true)]
async fn receipts_are_bounded_in_all_and_freed_with_their_session() {
    let sessions = Sessions::default();
    for i in 0..=RINGS_MAX {
        let op = format!("op{}", i % OPERATIONS_MAX).parse().unwrap();
        let book = sessions.book(session(i / OPERATIONS_MAX), op, Instant::now());
        assert_eq!(book.received(Instant::now(), Some(1)).is_some(), i < RINGS_MAX, "{i}");
    }
    let last = session(RINGS_MAX / OPERATIONS_MAX);
    assert_eq!(sessions.receipts(last, Name::from_static("op0"), &[1]), Ok(Found::nothing(FROM_NONE)));
    assert_eq!(sessions.account(last).unwrap().operations["op0"].received, 1, "its account is kept all the same");
    tokio::time::advance(Duration::from_secs(1)).await;
    for i in 0..SESSIONS_MAX {
        sessions.book(format!("t{i}").parse().unwrap(), OP.parse().unwrap(), Instant::now());
    }
    assert_eq!(noted(&sessions, 0, 1), Some(Event::Unique), "those that made room gave their rings back");
}
