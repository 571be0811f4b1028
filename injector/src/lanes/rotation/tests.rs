//! What connections draw, and when a share is spent.

use std::collections::HashSet;

use super::*;
use crate::fixture::plan;

/// The limits that a scenario's `connection` writes.
fn limits(written: &str) -> ConnectionLimits {
    let text = format!("target: localhost\nmix: [{{ name: a, rate: 1/s, connection: '{written}', http: {{}} }}]\n");
    plan(&text).operations[0].connection.limits().unwrap()
}

fn draws(written: &str, seed: u64, worker: u32, n: usize) -> Vec<Share> {
    let shares = Shares::new(limits(written), seed, worker);
    (0..n).map(|_| shares.next()).collect()
}

#[test]
fn limits_are_drawn_from_the_last_fifth_and_never_beyond_it() {
    let drawn = draws("rotating(max_requests=100, max_age=5m)", 7, 0, 10_000);
    let requests: HashSet<u64> = drawn.iter().map(|share| share.requests).collect();
    assert_eq!(requests, (80..=100).collect(), "all of them, and no other");
    let ages: Vec<Duration> = drawn.iter().map(|share| share.age.unwrap()).collect();
    let (least, most) = (ages.iter().min().unwrap(), ages.iter().max().unwrap());
    assert!(*least >= Duration::from_secs(240) && *most <= Duration::from_secs(300), "{least:?} {most:?}");
    assert!(*least < Duration::from_secs(241) && *most > Duration::from_secs(299), "{least:?} {most:?}");
}

#[test]
fn the_same_seed_worker_and_number_draw_the_same() {
    let written = "rotating(max_requests=1000)";
    assert_eq!(draws(written, 7, 0, 5), draws(written, 7, 0, 5));
    assert_ne!(draws(written, 7, 0, 5), draws(written, 8, 0, 5));
    assert_ne!(draws(written, 7, 0, 5), draws(written, 7, 1, 5), "workers do not retire theirs in step");
}

#[test]
fn small_limits_leave_nothing_to_draw() {
    for most in [1, 2, 4] {
        let drawn = draws(&format!("rotating(max_requests={most})"), 7, 0, 100);
        assert!(drawn.iter().all(|share| share.requests == most && share.age.is_none()), "{drawn:?}");
    }
}

#[test]
fn a_share_is_spent_by_requests_or_by_age() {
    let start = Instant::now();
    let at = |ms| move || start + Duration::from_millis(ms);
    let share = Share { requests: 3, age: Some(Duration::from_millis(100)) };
    let spent = Spent::first_of(share, start);
    assert_eq!(spent.take(at(0)), Ok(()));
    assert_eq!((spent.over(at(99)), spent.over(at(100))), (None, Some(ConnectionEnd::MaxAge)));
    assert_eq!(spent.take(at(100)), Err(ConnectionEnd::MaxAge));
    assert_eq!(spent.take(at(99)), Ok(()), "a place that was refused is not taken");
    assert_eq!(spent.take(at(99)), Err(ConnectionEnd::MaxRequests));
    assert_eq!(spent.over(at(200)), Some(ConnectionEnd::MaxRequests), "the first reason, if both hold");
    let only = Spent::first_of(Share { requests: 1, age: None }, start);
    assert_eq!(only.over(|| unreachable!("nobody asks the clock")), Some(ConnectionEnd::MaxRequests));
}
