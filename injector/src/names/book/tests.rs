//! When is asked, in simulated time, and what an answer changes.

use std::sync::atomic::{AtomicU64, Ordering};

use prometheus::core::Collector as _;
use shared::outcome::Code;
use shared::red::Labels;
use shared::red::client::ClientOperation;
use tokio::time::sleep;

use super::super::asker::Answer;
use super::*;
use crate::account::{Ledger, NameAccount, OperationAccount};
use crate::fixture::plan;

const SECOND: Duration = Duration::from_secs(1);

/// An entry that one operation uses, and where that is counted.
struct Bench {
    entry: Arc<Entry>,
    red: ClientRed,
    ledger: Arc<Ledger>,
}

impl Bench {
    fn new(resolve: Resolve) -> Bench {
        let plan = plan("target: far\nmix: [{ name: a, rate: 1/s, http: {} }]\n");
        let operation = &plan.operations[0];
        let labels =
            Labels { source: plan.source, protocol: operation.protocol(), operation: operation.name, injected: false };
        let red = ClientRed::new(&[ClientOperation { labels, rate_per_s: 1.0, expected: Vec::new() }], 1);
        red.has_name(0);
        let ledger = Arc::new(Ledger::new(1));
        let counter = Counter { series: red.series(0, 0), ledger: Arc::clone(&ledger), operation: 0, shares: None };
        let users = vec![User { counter, red: red.clone() }];
        Bench {
            entry: Arc::new(Entry {
                users: Mutex::new(Users { users, ..Users::default() }),
                ..Entry::new("far", resolve)
            }),
            red,
            ledger,
        }
    }

    fn account(&self) -> NameAccount {
        let mut accounts = [OperationAccount::default()];
        self.ledger.take(&mut accounts);
        let [account] = accounts;
        account.names
    }

    /// The gauge, if there is one.
    fn addresses(&self) -> Option<f64> {
        let families = self.red.collect();
        let family = families.iter().find(|family| family.name() == "continuous_load_client_name_addresses").unwrap();
        family.get_metric().first().map(|metric| metric.get_gauge().get_value())
    }
}

fn found(last: &[u8], ttl_s: u64) -> Looked {
    let addresses = last.iter().map(|n| IpAddr::from([10, 0, 0, *n]));
    Looked { code: Code::NOERROR, found: Ok(Answer::new(addresses, Duration::from_secs(ttl_s))) }
}

fn failed(class: ErrorClass) -> Looked {
    Looked { code: Code::NONE, found: Err(class) }
}

/// How often is asked within so many seconds, if each answer is this one.
async fn asked(resolve: Resolve, seconds: u64, answer: Looked) -> u64 {
    let bench = Bench::new(resolve);
    let asked = Arc::new(AtomicU64::new(0));
    let counted = Arc::clone(&asked);
    let ask = move || {
        counted.fetch_add(1, Ordering::Relaxed);
        std::future::ready(answer.clone())
    };
    let keeping = tokio::spawn(keep(Arc::clone(&bench.entry), ask));
    sleep(Duration::from_secs(seconds) - Duration::from_millis(1)).await;
    keeping.abort();
    let asked = asked.load(Ordering::Relaxed);
    assert_eq!(bench.account().lookups.values().sum::<u64>(), asked);
    asked
}

#[tokio::test(start_paused = true)]
async fn each_policy_asks_as_often_as_it_says() {
    let silence = failed(ErrorClass::DnsTimeout);
    for (resolve, answer, in_100_s) in [
        (Resolve::Once, found(&[1], 1), 1),
        (Resolve::Once, silence.clone(), 100),
        (Resolve::Interval(10 * SECOND), found(&[1], 1), 10),
        (Resolve::Interval(10 * SECOND), silence.clone(), 10),
        // A second ahead of a TTL of 26; a tenth ahead of one of 5.
        (Resolve::Ttl, found(&[1], 26), 4),
        (Resolve::Ttl, found(&[1], 5), 23),
        // No shorter than a second.
        (Resolve::Ttl, found(&[1], 0), 112),
        (Resolve::Ttl, found(&[1], u64::from(u32::MAX)), 1),
        (Resolve::Ttl, silence, 100),
        (Resolve::PerConnection, found(&[1], 1), 20),
    ] {
        let words = format!("{resolve} {answer:?}");
        assert_eq!(asked(resolve, 100, answer).await, in_100_s, "{words}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_huge_ttl_is_heeded_for_an_hour() {
    assert_eq!(asked(Resolve::Ttl, 3_590, found(&[1], 604_800)).await, 1);
    assert_eq!(asked(Resolve::Ttl, 3_700, found(&[1], 604_800)).await, 2);
}

#[tokio::test(start_paused = true)]
async fn nobody_asks_beside_connections_that_do() {
    let bench = Bench::new(Resolve::PerConnection);
    let keeping = tokio::spawn(keep(Arc::clone(&bench.entry), || std::future::ready(found(&[1], 1))));
    for _ in 0..30 {
        sleep(SECOND).await;
        bench.entry.learn(&found(&[1], 1), Instant::now());
    }
    assert_eq!(bench.account().lookups[&Code::NOERROR], 1, "the first");
    sleep(WATCH + SECOND).await;
    assert_eq!(bench.account().lookups[&Code::NOERROR], 1, "and again when nobody else does");
    keeping.abort();
}

#[tokio::test(start_paused = true)]
async fn answers_replace_what_is_known_and_failures_do_not() {
    let bench = Bench::new(Resolve::Ttl);
    let mut known = bench.entry.subscribe();
    let mut learn = |looked: Looked| {
        bench.entry.learn(&looked, Instant::now());
        let known = known.borrow_and_update().clone();
        (
            known.addresses.map(|addresses| addresses.len()),
            known.failure.map(|failure| failure.class),
            bench.account().changes,
            bench.addresses(),
        )
    };
    assert_eq!(learn(failed(ErrorClass::DnsTimeout)), (None, Some(ErrorClass::DnsTimeout), 0, None));
    assert_eq!(learn(found(&[1, 2], 1)), (Some(2), None, 0, Some(2.0)), "the first is no change");
    assert_eq!(learn(found(&[2, 1], 1)), (Some(2), None, 0, Some(2.0)), "nor is another order");
    assert_eq!(learn(failed(ErrorClass::DnsServfail)), (Some(2), Some(ErrorClass::DnsServfail), 0, Some(2.0)));
    assert_eq!(learn(found(&[1, 3], 1)), (Some(2), None, 1, Some(2.0)), "as many, but others");
    assert_eq!(learn(failed(ErrorClass::DnsNxdomain)), (Some(0), Some(ErrorClass::DnsNxdomain), 1, Some(0.0)));
    assert_eq!(learn(found(&[1], 1)), (Some(1), None, 1, Some(1.0)));
}

#[tokio::test(start_paused = true)]
async fn an_answer_is_stale_when_its_time_is_over_or_the_next_did_not_come() {
    for (resolve, stale_after_s) in [
        (Resolve::Ttl, [Some(5), Some(5)]),
        (Resolve::Interval(SECOND), [None, Some(2)]),
        (Resolve::Once, [None, None]),
        (Resolve::PerConnection, [None, None]),
    ] {
        let bench = Bench::new(resolve);
        let start = Instant::now();
        let stale = || bench.entry.known.borrow().stale_from.map(|from| (from - start).as_secs());
        bench.entry.learn(&found(&[1], 5), start);
        assert_eq!(stale(), stale_after_s[0], "{resolve}");
        for failure_s in [2, 4] {
            bench.entry.learn(&failed(ErrorClass::DnsServfail), start + failure_s * SECOND);
            assert_eq!(stale(), stale_after_s[1], "{resolve}: from the first failure on");
        }
    }
}

#[test]
fn operations_of_one_name_and_policy_share_its_entry() {
    let plan = plan(
        "target: far\nmix:\n- { name: a, rate: 1/s, http: {} }\n- { name: b, rate: 1/s, connection: fresh, http: {} }\n\
         - { name: c, rate: 1/s, resolve: ttl, http: {} }\n- { name: d, rate: 1/s, target: 127.0.0.1, http: {} }\n\
         - { name: e, rate: 1/s, connection: fresh, target: near, http: {} }\n",
    );
    let labels = plan.operations.iter().map(|operation| ClientOperation {
        labels: Labels {
            source: plan.source,
            protocol: operation.protocol(),
            operation: operation.name,
            injected: false,
        },
        rate_per_s: 1.0,
        expected: Vec::new(),
    });
    let red = ClientRed::new(&labels.collect::<Vec<_>>(), 1);
    let ledger = Arc::new(Ledger::new(5));
    let counter =
        |operation| Counter { series: red.series(operation, 0), ledger: Arc::clone(&ledger), operation, shares: None };
    let book = Book::default();
    let entries = || {
        let entries = lock(&book.0).all.clone().into_iter();
        let entry = |entry: Arc<Entry>| {
            let users = lock(&entry.users);
            (entry.name.clone(), users.users.len(), users.is_watched)
        };
        entries.map(entry).collect::<Vec<_>>()
    };
    let is = |name: &str, users, is_watched| (name.to_owned(), users, is_watched);
    book.follow(&plan, &[], &red, counter);
    assert_eq!(entries(), [is("far", 2, true), is("far", 1, true), is("near", 1, false)]);
    let far = book.of(0).unwrap();
    assert!(book.of(3).is_none() && Arc::ptr_eq(&far, &book.of(1).unwrap()));
    // A reload: what is still needed stays, with what is known of it; what is not, goes.
    book.follow(&plan, &[true, false, true, false, false], &red, counter);
    assert_eq!(entries(), [is("far", 1, false), is("near", 1, false)]);
    assert!(book.of(0).is_none() && Arc::ptr_eq(&far, &book.of(1).unwrap()));
}
