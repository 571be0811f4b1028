//! Who opens, who waits, who takes over.

mod peer;

use std::net::Ipv4Addr;
use std::rc::Rc;
use std::sync::Arc;
use std::time::Duration;

use shared::red::Labels;
use shared::red::client::{ClientOperation, ClientRed};
use tokio::net::TcpListener;
use tokio::task::{LocalSet, spawn_local, yield_now};
use tokio::time::timeout;

use self::peer::Peer;
use super::*;
use crate::account::{Ledger, OperationAccount};
use crate::fixture::{Act, Frames, H2Server, Then, closed, plan};
use crate::lanes::rotation::Shares;

/// The trunks of an operation with these keys, and what lanes need beside them.
struct Bench {
    trunks: Trunks,
    names: Names,
    counter: Counter,
    account: RefCell<[OperationAccount; 1]>,
}

impl Bench {
    fn new(keys: &str) -> Rc<Bench> {
        Bench::with(keys, |_| ())
    }

    /// With something about the trunks that is not the plan's.
    fn with(keys: &str, change: impl FnOnce(&mut Trunks)) -> Rc<Bench> {
        let plan = plan(&format!("mix: [{{ name: a, rate: 1/s, {keys}, http: {{ version: 2 }} }}]\n"));
        let labels = Labels {
            source: plan.source,
            protocol: plan.operations[0].protocol(),
            operation: plan.operations[0].name,
            injected: false,
        };
        let shares = plan.operations[0].connection.limits().map(|limits| Arc::new(Shares::new(limits, 7, 0)));
        let red = ClientRed::new(&[ClientOperation { labels, rate_per_s: 1.0, expected: Vec::new() }], 1);
        let counter = Counter { series: red.series(0, 0), ledger: Arc::new(Ledger::new(1)), operation: 0, shares };
        let names = Names::asking(None, Duration::from_secs(1)).unwrap();
        let mut trunks = Trunks::new(&plan.operations[0]);
        change(&mut trunks);
        Rc::new(Bench { trunks, names, counter, account: RefCell::default() })
    }

    async fn join(&self, marks: &Marks) -> Result<Berth, ErrorClass> {
        self.trunks.join(&self.names, marks, &self.counter).await
    }

    fn account(&self) -> OperationAccount {
        self.counter.ledger.take(&mut *self.account.borrow_mut());
        self.account.borrow()[0].clone()
    }

    fn connections(&self) -> u64 {
        self.account().connections
    }
}

fn local<T>(test: impl Future<Output = T>) -> T {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    LocalSet::new().block_on(&runtime, test)
}

#[test]
fn lanes_that_come_together_share_one_opening() {
    local(async {
        let server = H2Server::start(None, |_, _| Act::Echo(Duration::ZERO)).await;
        let bench = Bench::new(&format!("target: {}, connection: pooled(2), streams: 3", server.address));
        let lanes: Vec<_> = (0..6)
            .map(|_| {
                let bench = Rc::clone(&bench);
                spawn_local(async move {
                    let marks = Marks::default();
                    let berth = bench.join(&marks).await.unwrap();
                    (berth, marks.resolving.get().is_some())
                })
            })
            .collect();
        let mut openers = 0;
        let mut berths = Vec::new();
        for lane in lanes {
            let (berth, has_opened) = lane.await.unwrap();
            openers += usize::from(has_opened);
            berths.push(berth);
        }
        assert_eq!((openers, bench.connections()), (2, 2));
        assert!(bench.trunks.shared.iter().all(|trunk| trunk.lanes.get() == 3));
        // The last lane takes the connection with it.
        let connections: Vec<_> = berths.iter().map(|berth| Rc::downgrade(&berth.connection)).collect();
        drop(berths);
        assert!(connections.iter().all(|connection| connection.upgrade().is_none()));
        assert!(bench.trunks.shared.iter().all(|trunk| trunk.lanes.get() == 0));
    });
}

#[test]
fn another_lane_takes_over_from_an_opener_that_gives_up() {
    local(async {
        // A handshake that is never answered: TLS to a listener that accepts and is silent.
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.unwrap();
        let address = listener.local_addr().unwrap();
        let bench =
            Bench::new(&format!("target: {address}, tls: {{ verify: false }}, connection: pooled(1), streams: 2"));
        let marks = [Marks::default(), Marks::default()];
        let mut first = Box::pin(bench.join(&marks[0]));
        let mut second = Box::pin(bench.join(&marks[1]));
        assert!(timeout(Duration::from_millis(1), &mut first).await.is_err());
        let (held, _) = listener.accept().await.unwrap();
        assert!(timeout(Duration::from_millis(1), &mut second).await.is_err());
        assert!(marks[1].started().is_none(), "it only waits");
        drop(first);
        // The second connection is the second lane's, with marks of its own.
        let accepted = async { drop((listener.accept().await.unwrap(), yield_now().await)) };
        let (ended, ()) = tokio::join!(second, accepted);
        assert_eq!(ended.err(), Some(ErrorClass::Tls), "accepted and closed");
        assert!(marks[1].connected.get().is_some());
        drop(held);
    });
}

#[test]
fn who_waited_learns_of_the_failure_and_does_not_count_it() {
    local(async {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.unwrap();
        let address = listener.local_addr().unwrap();
        let bench =
            Bench::new(&format!("target: {address}, tls: {{ verify: false }}, connection: pooled(1), streams: 3"));
        let marks = [Marks::default(), Marks::default(), Marks::default()];
        let closing = async { drop(listener.accept().await.unwrap()) };
        let (a, b, c, ()) = tokio::join!(bench.join(&marks[0]), bench.join(&marks[1]), bench.join(&marks[2]), closing);
        for (ended, marks) in [a, b, c].into_iter().zip(&marks) {
            assert_eq!(ended.err(), Some(ErrorClass::Tls));
            assert!(marks.why().is_some_and(|why| why.contains("handshake")), "{:?}", marks.why());
        }
        assert_eq!(marks.iter().filter(|marks| marks.resolving.get().is_some()).count(), 1, "only one tried");
        assert!(marks.iter().all(|marks| marks.stages().connected.is_some()), "the others waited for its handshake");
    });
}

#[test]
fn a_connection_that_is_over_is_not_joined_again() {
    local(async {
        let server = H2Server::start(None, |connection, _| match connection {
            0 => Act::Abrupt(h2::Reason::NO_ERROR),
            _ => Act::Echo(Duration::ZERO),
        })
        .await;
        let bench = Bench::new(&format!("target: {}, connection: pooled(1), streams: 2", server.address));
        let marks = Marks::default();
        let mut first = bench.join(&marks).await.unwrap();
        let sent = first.send(request(), true).await.unwrap();
        let error = sent.response.await.unwrap_err();
        assert!(matches!(first.ending::<()>(&error, &marks), Ending::H2(crate::driver::H2End::GoAway(0))), "{error}");
        first.lost().await;
        assert!(!first.is_usable());
        // The first lane has not left yet; who comes now gets a new connection on the same trunk.
        let mut second = bench.join(&marks).await.unwrap();
        assert!(second.is_usable() && bench.connections() == 2);
        assert_eq!(second.send(request(), true).await.unwrap().response.await.unwrap().status(), 200);
    });
}

fn request() -> http::Request<()> {
    http::Request::get("http://localhost/").body(()).unwrap()
}

#[test]
fn a_share_is_the_connections_and_not_a_lanes() {
    local(async {
        let server = H2Server::start(None, |_, _| Act::Echo(Duration::ZERO)).await;
        let keys = "connection: 'rotating(max_requests=3, connections=1)', streams: 5";
        let bench = Bench::new(&format!("target: {}, {keys}", server.address));
        let marks = Marks::default();
        let mut berths = Vec::new();
        for _ in 0..5 {
            berths.push(bench.join(&marks).await.unwrap());
        }
        // Three have places on the first, and the fourth opened another, which the fifth shares.
        assert_eq!(bench.connections(), 2);
        let first = Rc::as_ptr(&berths[0].connection);
        let on_first = berths.iter().filter(|berth| Rc::as_ptr(&berth.connection) == first).count();
        assert_eq!(on_first, 3);
        let mut sent = Vec::new();
        for berth in &mut berths {
            sent.push(berth.send(request(), true).await.unwrap());
        }
        // Whoever waits on it learns that it is to be closed; what is under way comes to its end all the same.
        assert_eq!(berths[0].lost().await, ConnectionEnd::MaxRequests);
        assert!(berths[3].is_usable());
        for sent in sent {
            assert_eq!(sent.response.await.unwrap().status(), 200);
        }
        drop(berths);
        eventually(|| closed(&bench.account()) == [("max_requests", 1), ("end", 1)]).await;
    });
}

/// Until it is so, at most ten seconds.
async fn eventually(is_so: impl Fn() -> bool) {
    let seen = timeout(Duration::from_secs(10), async {
        while !is_so() {
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
    });
    seen.await.expect("in time");
}

/// Asks soon, and waits briefly.
fn impatient(trunks: &mut Trunks) {
    let soon = Duration::from_millis(50);
    (trunks.guard.silence, trunks.guard.answer) = (Some(soon), 2 * soon);
}

#[test]
fn a_peer_that_answers_no_ping_is_dead_idle_or_busy() {
    for is_busy in [false, true] {
        local(async {
            let server = Frames::start(Frames::preface(), Then::Hold);
            let bench = Bench::with(&format!("target: {}, connection: pooled(1)", server.address), impatient);
            let marks = Marks::default();
            let mut berth = bench.join(&marks).await.unwrap();
            let sent = if is_busy { Some(berth.send(request(), true).await.unwrap()) } else { None };
            let end = timeout(Duration::from_secs(10), berth.lost()).await.expect("noticed");
            assert_eq!((end, berth.is_usable()), (ConnectionEnd::Ping, false));
            if let Some(sent) = sent {
                let error = sent.response.await.unwrap_err();
                assert_eq!(berth.ending::<()>(&error, &marks), Ending::TimedOut, "{error}");
                assert_eq!(marks.why().unwrap(), "no answer to a PING");
            }
            drop(berth);
            assert_eq!(closed(&bench.account()), [("ping", 1)]);
        });
    }
}

#[test]
fn a_peer_that_answers_pings_is_left_alone() {
    local(async {
        let server = H2Server::start(None, |_, _| Act::Echo(Duration::from_millis(500))).await;
        let bench = Bench::with(&format!("target: {}, connection: pooled(1)", server.address), impatient);
        let marks = Marks::default();
        let mut berth = bench.join(&marks).await.unwrap();
        // Silent for ten times as long as it takes to ask, and for more than may be asked.
        let sent = berth.send(request(), true).await.unwrap();
        let Sent { response, busy, .. } = sent;
        assert_eq!(response.await.unwrap().status(), 200);
        assert!(berth.is_usable());
        drop((busy, berth));
        eventually(|| closed(&bench.account()) == [("end", 1)]).await;
    });
}

#[test]
fn a_peer_that_only_says_that_it_is_there_is_asked_twice_and_again_after_an_answer() {
    local(async {
        let peer = Peer::start();
        peer.chats(true);
        let bench = Bench::with(&format!("target: {}, connection: pooled(1)", peer.address), impatient);
        let mut berth = bench.join(&Marks::default()).await.unwrap();
        for rounds in 1..=2 {
            eventually(|| peer.asked() == 2 * rounds).await;
            // Servers count what they are asked until they answer a request; what else they say is no excuse.
            let said = peer.said();
            eventually(|| peer.said() >= said + 10).await;
            assert_eq!(peer.asked(), 2 * rounds);
            let sent = berth.send(request(), true).await.unwrap();
            assert_eq!(sent.response.await.unwrap().status(), 200);
            berth.ear().answered();
        }
        assert!(berth.is_usable());
    });
}

#[test]
fn a_program_that_hangs_when_it_may_not_be_asked_any_more_costs_a_timeout_and_then_the_connection() {
    local(async {
        let peer = Peer::start();
        let bench = Bench::with(&format!("target: {}, connection: pooled(1)", peer.address), impatient);
        let mut berth = bench.join(&Marks::default()).await.unwrap();
        eventually(|| berth.ear().is_spent()).await;
        peer.hangs();
        let sent = berth.send(request(), true).await.unwrap();
        assert!(timeout(Duration::from_millis(100), berth.lost()).await.is_err(), "as long as there is a request");
        drop(sent);
        assert_eq!((berth.lost().await, berth.is_usable()), (ConnectionEnd::Failed, false));
        drop(berth);
        eventually(|| closed(&bench.account()) == [("failed", 1)]).await;
    });
}

#[test]
fn a_request_without_an_answer_from_a_peer_that_speaks_costs_nothing_else() {
    local(async {
        let peer = Peer::start();
        peer.answers(false);
        let bench = Bench::with(&format!("target: {}, connection: pooled(1)", peer.address), impatient);
        let mut berth = bench.join(&Marks::default()).await.unwrap();
        eventually(|| berth.ear().is_spent()).await;
        let sent = berth.send(request(), true).await.unwrap();
        peer.chats(true);
        let reads = berth.ear().reads();
        eventually(|| berth.ear().reads() > reads).await;
        drop(sent);
        assert!(berth.is_usable() && berth.ear().is_spent());
    });
}
