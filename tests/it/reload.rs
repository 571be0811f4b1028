//! A scenario that is read again while it is run: numbers go on, nothing is sent twice or forgotten, connections of what
//! stays stay, and both sides say the same.

mod program;

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::num::NonZeroU32;
use std::sync::{Arc, Mutex};

use injector::account::OperationAccount;
use injector::engine::{Engine, Finished, Options, Reloader};
use injector::pacer::Quantum;
use injector::plan::Plan;
use shared::account::Account;
use shared::identity::{Identity, session_from_bits};
use tokio_util::sync::CancellationToken;

use crate::fixture::{RunningTarget, ScriptedServer, Step, assert_accounted, eventually, ok, plan, plan_for_all, run};
use crate::process::get;

/// With two workers, so that they have to agree, and until somebody stops it.
fn engine(plan: Plan) -> Engine {
    let options = Options { length: None, is_paused: false, workers: NonZeroU32::new(2), quantum: Quantum::Precise };
    Engine::new(plan, options, session_from_bits(rand::random()))
}

/// Runs it while somebody does something with it, and then stops it.
async fn run_while<F: Future<Output = ()>>(engine: Engine, work: impl FnOnce(Reloader) -> F) -> Finished {
    let (control, reloader) = (engine.control(), engine.reloader());
    let work = async {
        work(reloader).await;
        control.stop().unwrap();
    };
    let (finished, ()) = tokio::join!(engine.run(CancellationToken::new(), |_| ()), work);
    let finished = finished.unwrap();
    finished.accounts.iter().for_each(assert_accounted);
    finished
}

fn by_name(finished: &Finished) -> BTreeMap<&str, &OperationAccount> {
    finished.plan.operations.iter().map(|operation| operation.name.as_str()).zip(&finished.accounts).collect()
}

fn scenario(head: &str, operations: &[&str]) -> String {
    let mix: String = operations.iter().map(|operation| format!("- {{ {operation} }}\n")).collect();
    format!("target: t\nrate: 200/s\ntimeout: 20s\n{head}mix:\n{mix}")
}

/// Numbers as a server hears them, by operation.
#[derive(Clone, Default)]
struct Heard(Arc<Mutex<BTreeMap<String, Vec<u64>>>>);

impl Heard {
    fn server(&self) -> ScriptedServer {
        let heard = self.clone();
        ScriptedServer::start(move |_, head| {
            let value = head.lines().find_map(|line| line.strip_prefix("x-cload: ")).unwrap();
            let Identity { operation, id, .. } = Identity::from_header(value.as_bytes()).unwrap();
            heard.0.lock().unwrap().entry(operation.to_string()).or_default().push(id.seq);
            Step::Answer(ok(head, ""))
        })
    }

    fn count(&self, operation: &str) -> usize {
        self.0.lock().unwrap().get(operation).map_or(0, Vec::len)
    }

    /// Until some more requests of an operation have come.
    async fn more(&self, operation: &str) {
        let before = self.count(operation);
        eventually("more requests come", async || match self.count(operation) {
            now if now > before + 3 => Ok(()),
            now => Err(now),
        })
        .await;
    }
}

#[test]
fn every_number_is_sent_once_through_many_reloads() {
    const A: [&str; 4] = [
        "name: a, weight: 3, connection: pooled(4), http: {}",
        "name: a, weight: 1, connection: pooled(1), http: { path: /a }",
        "name: a, weight: 2, connection: fresh, arrival: poisson, http: {}",
        "name: a, rate: 170/s, connection: pooled(3), http: {}",
    ];
    const B: [&str; 3] = [
        "name: b, weight: 1, connection: pooled(2), http: {}",
        "name: b, rate: 55.5/s, connection: pooled(2), arrival: \"burst(5, 10ms)\", http: {}",
        "name: b, weight: 1, connection: pooled(2), arrival: poisson, http: { path: /b }",
    ];
    let heard = Heard::default();
    let server = heard.server();
    let at = |n: usize| {
        let c = format!("name: c{}, weight: 1, connection: pooled(2), http: {{}}", n % 3);
        let operations = match n % 4 {
            0 => vec![A[n % A.len()], B[n % B.len()]],
            1 => vec![B[n % B.len()], A[n % 3], &c],
            2 => vec![A[(n / 2) % A.len()], &c],
            _ => vec![&c, A[n % 3]],
        };
        plan(&scenario("max_lag: 1m\n", &operations), server.address, server.address)
    };
    run(async {
        let finished = run_while(engine(at(0)), async |reloader| {
            heard.more("a").await;
            for n in 1..30 {
                reloader.reload(at(n)).await.unwrap();
                heard.more("a").await;
            }
        })
        .await;
        assert_eq!(finished.reloads, 29);
        assert_eq!(finished.left.iter().filter(|left| **left).count(), 2, "a, b and one c are there");
        let held = heard.0.lock().unwrap().clone();
        for (name, account) in by_name(&finished) {
            let mut numbers = held[name].clone();
            numbers.sort_unstable();
            assert!(numbers.windows(2).all(|pair| pair[0] < pair[1]), "{name}: a number was used twice");
            assert!(numbers.last().is_some_and(|last| *last < account.planned), "{name}: {numbers:?} {account:?}");
            let unsent = account.dropped.iter().sum::<u64>() + account.interrupted;
            assert!(account.planned - unsent <= numbers.len() as u64, "{name}: a number was left out: {account:?}");
        }
    });
}

#[test]
fn what_stays_keeps_its_connections() {
    let heard = Heard::default();
    let server = heard.server();
    let plan = |head: &str, operations: &[&str]| plan(&scenario(head, operations), server.address, server.address);
    let a = "name: a, weight: 3, connection: pooled(4), http: {}";
    run(async {
        let finished = run_while(engine(plan("", &[a])), async |reloader| {
            heard.more("a").await;
            reloader.reload(plan("phases: [{ name: main, scale: 50% }]\n", &[a])).await.unwrap();
            heard.more("a").await;
            reloader
                .reload(plan("", &[&a.replace("3,", "1, arrival: poisson,"), "name: b, weight: 9, http: {}"]))
                .await
                .unwrap();
            heard.more("b").await;
            heard.more("a").await;
        })
        .await;
        let accounts = by_name(&finished);
        assert!(accounts["a"].failures.iter().all(|count| *count == 0), "{:?}", accounts["a"]);
        assert!(accounts["a"].connections <= 4, "{:?}", accounts["a"]);
    });
}

#[test]
fn both_sides_count_what_came_went_and_changed() {
    let all = "name: web, weight: 2, connection: pooled(2), http: {}";
    let operations = [
        vec![all, "name: echo, weight: 1, tcp: { size: 64 }"],
        vec![all, "name: rpc, weight: 1, grpc: {}", "name: look, weight: 1, dns: { name: ok }"],
        vec![
            "name: web, weight: 1, http: { fault: \"status=503\", expect: { status: 503 } }",
            "name: echo, weight: 1, tcp: { size: 32 }",
        ],
        vec!["name: web, weight: 1, http: { fault: \"delay=200ms\" }", "name: gram, weight: 1, udp: {}"],
        vec![all],
    ];
    run(async {
        let target = crate::lifecycle::target(&[]);
        let (_process, addresses) = target;
        let plan = |n: usize| plan_for_all(&scenario("", &operations[n % operations.len()]), &addresses);
        let engine = engine(plan(0));
        let (session, red) = (engine.session(), engine.red());
        let finished = run_while(engine, async |reloader| {
            let sent = || (red.progress(0).0, red.progress(1).0);
            for n in 1..12 {
                let before = sent();
                eventually("requests are sent", async || match sent() {
                    now if now.0 > before.0 + 5 => Ok(()),
                    now => Err(now),
                })
                .await;
                reloader.reload(plan(n)).await.unwrap();
            }
        })
        .await;
        let names: Vec<&str> = by_name(&finished).into_keys().collect();
        assert_eq!(names, ["echo", "gram", "look", "rpc", "web"]);
        let mut theirs = Account::default();
        eventually("the target has recorded everything", async || {
            theirs = serde_json::from_str(&get(addresses.admin, &shared::account::path(session))).unwrap();
            let in_flight: u64 = theirs.operations.values().map(|theirs| theirs.in_flight).sum();
            if in_flight == 0 { Ok(()) } else { Err(in_flight) }
        })
        .await;
        for (name, ours) in by_name(&finished) {
            assert!(ours.planned > 0, "{name}");
            let theirs = &theirs.operations[name];
            assert_eq!((theirs.duplicates, theirs.late), (0, 0), "{name}: a number was used twice");
            if ours.interrupted == 0 && ours.failures.iter().all(|count| *count == 0) {
                assert_eq!(
                    (theirs.received, theirs.answered_total()),
                    (ours.sent, ours.answered()),
                    "{name}: {ours:?}"
                );
            }
        }
    });
}

#[test]
fn what_cannot_be_changed_is_refused_and_the_run_goes_on() {
    let heard = Heard::default();
    let server = heard.server();
    let plan = |head: &str, operation: &str| plan(&scenario(head, &[operation]), server.address, server.address);
    let a = "name: a, weight: 1, connection: pooled(2), http: {}";
    let refused = [
        ("source: other/injector\n", a, "source was local/injector and would be other/injector"),
        ("nameserver: 127.0.0.1\n", a, "nameserver"),
        ("max_in_flight: 1\n", a, "2 workers"),
        ("phases: [{ name: warmup, for: 1s }, { name: main }]\n", a, "phases main"),
        ("", "name: a, weight: 1, tcp: {}", "another name"),
        ("", "name: a, weight: 1, http: { plain: true }", "who they are"),
    ];
    run(async {
        let finished = run_while(engine(plan("", a)), async |reloader| {
            heard.more("a").await;
            for (head, operation, words) in refused {
                let message = reloader.reload(plan(head, operation)).await.unwrap_err();
                assert!(message.contains(words), "{message}");
            }
            let elsewhere = SocketAddr::from(([127, 0, 0, 2], 9));
            let moved = crate::fixture::plan(&scenario("", &[a]), server.address, elsewhere);
            let message = reloader.reload(moved).await.unwrap_err();
            assert!(message.contains(&format!("admin: {} keeps it", server.address)), "{message}");
            heard.more("a").await;
        })
        .await;
        assert_eq!((finished.reloads, finished.accounts.len()), (0, 1));
    });
}

#[test]
fn a_paused_run_is_reloaded_and_stays_paused() {
    run(async {
        let target = RunningTarget::start();
        let plan = |operations: &[&str]| plan(&scenario("", operations), target.http, target.admin);
        let engine = engine(plan(&["name: a, weight: 1, http: {}"]));
        let control = engine.control();
        control.pause().unwrap();
        let red = engine.red();
        let status = control.status();
        let finished = run_while(engine, async |reloader| {
            reloader.reload(plan(&["name: b, weight: 1, http: {}"])).await.unwrap();
            let seen = status.borrow().clone();
            assert!(seen.is_paused() && seen.operations[0].is_left && !seen.operations[1].is_left);
            assert_eq!((red.progress(0).0, red.progress(1).0), (0, 0));
            control.resume().unwrap();
            eventually("it sends", async || if red.progress(1).0 > 3 { Ok(()) } else { Err(red.progress(1)) }).await;
        })
        .await;
        assert_eq!(finished.accounts[0].planned, 0, "nobody of that name ever sent");
        target.stop().await;
    });
}
