//! Which connection a request takes, and when one is retired, run by the engine against a server that counts.

use std::cell::Cell;
use std::collections::BTreeMap;
use std::rc::Rc;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use super::rotation::Shares;
use super::{Permits, Pump};
use crate::fixture::{Act, H2Server, closed, failures, inject, plan};

/// Requests by the number of their connection.
type Counts = Arc<Mutex<BTreeMap<usize, u64>>>;

async fn counting(delay: Duration) -> (H2Server, Counts) {
    let counts = Counts::default();
    let count = Arc::clone(&counts);
    let server = H2Server::start(None, move |connection, _| {
        *count.lock().unwrap().entry(connection).or_default() += 1;
        Act::Echo(delay)
    });
    (server.await, counts)
}

fn scenario(server: &H2Server, rate: &str, keys: &str) -> String {
    let address = server.address;
    format!(
        "target: {address}\nmax_lag: 5s\nmix:\n- {{ name: a, rate: {rate}, timeout: 2s, {keys}, http: {{ version: 2 }} }}\n"
    )
}

#[tokio::test]
async fn every_connection_is_used_however_low_the_rate_is() {
    // Answers at once, forty a second: a single connection could carry them all.
    for (streams, workers) in [(1, 1), (3, 1), (3, 2)] {
        let (server, counts) = counting(Duration::ZERO).await;
        let keys = format!("connection: pooled(4), streams: {streams}");
        let account = inject(&scenario(&server, "40/s", &keys), workers, Duration::from_secs(1)).await;
        assert_eq!((failures(&account), account.success, account.connections), (vec![], 40, 4));
        assert_eq!(closed(&account), [("end", 4)]);
        let counts = counts.lock().unwrap();
        assert!(counts.len() == 4 && counts.values().all(|n| (8..=12).contains(n)), "{streams} {workers}: {counts:?}");
    }
}

#[tokio::test]
async fn a_rotating_connection_carries_what_it_drew() {
    let (server, counts) = counting(Duration::ZERO).await;
    let text = scenario(&server, "300/s", "connection: 'rotating(max_requests=20, connections=1)', streams: 4");
    let operation = plan(&text).operations.remove(0);
    let shares = Shares::new(operation.connection.limits().unwrap(), operation.seed, 0);
    let account = inject(&text, 1, Duration::from_secs(1)).await;
    assert_eq!((failures(&account), account.success), (vec![], 300));
    let (mut left, mut expected) = (300, Vec::new());
    while left > 0 {
        let carried = left.min(shares.next().requests());
        expected.push(carried);
        left -= carried;
    }
    // Each is full before the next one is opened, whichever lanes were on it.
    assert_eq!(counts.lock().unwrap().values().copied().collect::<Vec<_>>(), expected);
    assert_eq!(account.connections, expected.len() as u64);
    let retired = closed(&account)[0];
    assert!(retired.0 == "max_requests" && retired.1 + 1 >= account.connections, "{:?}", closed(&account));
}

#[tokio::test]
async fn none_is_closed_under_a_request() {
    // Each request outlives the connection's age: the age ends it behind the request, and never in the middle.
    let (server, _) = counting(Duration::from_millis(100)).await;
    for limits in ["max_age=10ms", "max_requests=1", "max_age=10ms, max_requests=2"] {
        let keys = format!("connection: 'rotating({limits}, connections=2)', streams: 3");
        let account = inject(&scenario(&server, "50/s", &keys), 1, Duration::from_millis(600)).await;
        assert_eq!((failures(&account), account.success), (vec![], 30), "{limits}");
        let ends = closed(&account);
        assert!(ends.iter().all(|(end, _)| end.starts_with("max_")), "{limits}: {ends:?}");
        assert!(account.connections >= 10, "{limits}: {ends:?}");
    }
}

/// Wants a permit each time it is woken, or nothing any more.
struct Waiter {
    permits: Rc<Permits>,
    wants: bool,
    had: Cell<u32>,
}

impl Pump for Waiter {
    fn pump_again(self: Rc<Self>) {
        if self.wants {
            match self.permits.take() {
                true => self.had.set(self.had.get() + 1),
                false => self.permits.queue.borrow_mut().push_back(self.clone()),
            }
        }
    }
}

#[test]
fn a_permit_goes_to_the_first_that_still_wants_it() {
    let permits = Permits::new(1);
    let waiters = [false, false, true, true].map(|wants| {
        let waiter = Rc::new(Waiter { permits: Rc::clone(&permits), wants, had: Cell::new(0) });
        permits.queue.borrow_mut().push_back(Rc::clone(&waiter) as Rc<dyn Pump>);
        waiter
    });
    assert!(permits.take() && !permits.take());
    permits.give_back();
    let had = || waiters.each_ref().map(|waiter| waiter.had.get());
    assert_eq!((had(), permits.are_free()), ([0, 0, 1, 0], false));
    permits.give_back();
    assert_eq!((had(), permits.are_free()), ([0, 0, 1, 1], false));
    permits.give_back();
    assert!(permits.are_free(), "nobody wants it, and it is not lost");
}
