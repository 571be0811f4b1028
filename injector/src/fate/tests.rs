//! Each fate, as fake admin ports lead to it.

mod claims;

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use axum::Json;
use axum::http::StatusCode;
use shared::account::{Account, OperationAccount as TargetAccount};
use shared::identity::{Name, Session};
use shared::receipt::{FROM_NONE, Receipts};

use super::elsewhere::Elsewhere;
use super::excuse::Excuse;
use super::inquest::Inquest;
use super::replicas::Replicas;
use super::*;
use crate::account::OperationAccount;
use crate::difference::Figures;
use crate::engine::{Engine, Options};
use crate::names::Names;
use crate::pacer::Quantum;
use crate::plan::{Endpoint, Host, Overrides, Plan};
use crate::preflight::System;
use crate::scenario::Scenario;
use crate::target::Told;

const OLD: f64 = 3600.0;

/// What a fake process answers from now on.
#[derive(Clone)]
struct Fake {
    address: SocketAddr,
    answer: Arc<Mutex<(u16, Receipts)>>,
}

impl Fake {
    async fn start(boot: &str, seen: &[u64]) -> Fake {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let answer = Arc::new(Mutex::new((200, receipts(boot, OLD, seen, 0))));
        let held = Arc::clone(&answer);
        let routes = axum::Router::new().fallback(async move || {
            let (status, receipts) = held.lock().unwrap().clone();
            (StatusCode::from_u16(status).unwrap(), Json(receipts))
        });
        tokio::spawn(async move { axum::serve(listener, routes).await });
        Fake { address, answer }
    }

    fn answers(&self, status: u16, receipts: Receipts) {
        *self.answer.lock().unwrap() = (status, receipts);
    }
}

fn receipts(boot: &str, uptime_seconds: f64, seen: &[u64], from: u64) -> Receipts {
    Receipts { server: "a/b/c".into(), boot: boot.into(), uptime_seconds, seen: seen.into(), duplicate: vec![], from }
}

fn operation() -> Name {
    Name::from_static("op")
}

fn replicas(admin: SocketAddr) -> Replicas {
    let endpoint = Endpoint { host: Host::Ip(admin.ip()), port: admin.port() };
    let names = Names::asking(None, Duration::from_secs(1)).unwrap();
    Replicas::new(Session::from_static("abcd2345"), endpoint, names)
}

/// What becomes of request 7, begun at this instant.
async fn fate(replicas: &Replicas, started: Instant) -> Verdict {
    replicas.ask(operation(), &[7]).await.of(&Lost::now(7, started))
}

/// A port that refuses connections for as long as the socket is held.
fn refusing() -> (tokio::net::TcpSocket, SocketAddr) {
    let socket = tokio::net::TcpSocket::new_v4().unwrap();
    socket.bind(SocketAddr::from(([127, 0, 0, 1], 0))).unwrap();
    let address = socket.local_addr().unwrap();
    (socket, address)
}

#[tokio::test]
async fn one_process_says_what_became_of_it() {
    let lost = Verdict::RequestLost;
    let cases = [
        ("seen", 200, receipts("boot", OLD, &[7], 0), Verdict::ResponseLost),
        ("seen, though much is forgotten", 200, receipts("boot", OLD, &[7], 9), Verdict::ResponseLost),
        ("not seen", 200, receipts("boot", OLD, &[6, 8], 0), lost),
        ("the oldest it knows", 200, receipts("boot", OLD, &[], 7), lost),
        ("forgotten", 200, receipts("boot", OLD, &[], 8), Verdict::Unknown(Doubt::Forgotten)),
        ("nothing known of the session", 404, receipts("boot", OLD, &[], 0), lost),
        (
            "a session that may be forgotten",
            404,
            receipts("boot", OLD, &[], FROM_NONE),
            Verdict::Unknown(Doubt::Forgotten),
        ),
        ("no receipts", 500, receipts("boot", OLD, &[], 0), Verdict::Unknown(Doubt::Unreachable)),
        ("another process", 200, receipts("anew", 0.0, &[], 0), Verdict::Unknown(Doubt::Restarted)),
        ("another process, which has seen it", 200, receipts("anew", 0.0, &[7], 0), Verdict::ResponseLost),
        ("an age that is none", 200, receipts("anew", -1.0, &[], 0), Verdict::Unknown(Doubt::Restarted)),
    ];
    for (case, status, answer, verdict) in cases {
        let fake = Fake::start("boot", &[]).await;
        let replicas = replicas(fake.address);
        replicas.meet(operation()).await;
        assert!(replicas.are_known() && replicas.gone_at().is_none());
        let started = Instant::now();
        fake.answers(status, answer);
        assert_eq!(fate(&replicas, started).await, verdict, "{case}");
        assert_eq!(replicas.gone_at().is_some(), case.starts_with("an"), "{case}");
    }
}

#[tokio::test]
async fn after_a_restart_only_older_requests_are_in_doubt() {
    let fake = Fake::start("boot", &[]).await;
    let replicas = replicas(fake.address);
    replicas.meet(operation()).await;
    let before = Instant::now();
    fake.answers(200, receipts("anew", 0.0, &[], 0));
    assert_eq!(fate(&replicas, before).await, Verdict::Unknown(Doubt::Restarted));
    assert_eq!(fate(&replicas, Instant::now()).await, Verdict::RequestLost);
    assert_eq!(fate(&replicas, before).await, Verdict::Unknown(Doubt::Restarted), "still, later");
}

#[tokio::test]
async fn everybody_who_was_there_is_asked() {
    let (first, second) = (Fake::start("one", &[]).await, Fake::start("two", &[7]).await);
    let both = replicas(first.address);
    both.meet(operation()).await;
    both.met(second.address, "two");
    assert_eq!(fate(&both, Instant::now()).await, Verdict::ResponseLost, "the other has seen it");
    second.answers(200, receipts("two", OLD, &[], 0));
    assert_eq!(fate(&both, Instant::now()).await, Verdict::RequestLost, "none has");
    second.answers(500, receipts("two", OLD, &[], 0));
    first.answers(200, receipts("one", OLD, &[7], 0));
    assert_eq!(fate(&both, Instant::now()).await, Verdict::ResponseLost, "one yes is enough");
}

#[tokio::test]
async fn who_left_the_name_and_is_gone_took_along_what_it_knew() {
    let fake = Fake::start("one", &[]).await;
    let (_held, gone) = refusing();
    let both = replicas(fake.address);
    both.meet(operation()).await;
    both.met(gone, "two");
    let before = Instant::now();
    assert_eq!(fate(&both, before).await, Verdict::Unknown(Doubt::Restarted));
    assert_eq!(fate(&both, Instant::now()).await, Verdict::RequestLost);
}

#[tokio::test]
async fn nobody_there_is_no_answer() {
    let (_held, nobody) = refusing();
    let replicas = replicas(nobody);
    replicas.meet(operation()).await;
    assert!(!replicas.are_known());
    assert_eq!(fate(&replicas, Instant::now()).await, Verdict::Unknown(Doubt::Unreachable));
}

#[test]
fn what_waits_is_bounded_and_what_is_beyond_is_counted() {
    let unanswered = Unanswered::new(2);
    let start = Instant::now();
    for seq in 0..WAITING_MAX as u64 + 3 {
        unanswered.remember(1, Lost::now(seq, start));
    }
    assert_eq!(unanswered.take(0, Kind::Unanswered, Instant::now()), (Vec::new(), 0));
    assert_eq!(
        unanswered.take(1, Kind::Unanswered, start - Duration::from_secs(1)),
        (Vec::new(), 3),
        "none has waited that long"
    );
    for first in (0..WAITING_MAX).step_by(SEQS_MAX) {
        let (lost, overflow) = unanswered.take(1, Kind::Unanswered, Instant::now());
        assert_eq!((lost.len(), lost[0].seq, overflow), (SEQS_MAX, first as u64, 0), "as many as one question has");
    }
    assert_eq!(unanswered.newest(Kind::Unanswered), None);
}

/// An engine that sends nothing, and its inquest: operation 0 says who it is, operation 1 does not.
fn inquest(admin: SocketAddr) -> (Inquest, Arc<Unanswered>) {
    let text =
        "target: t\nmix:\n- { name: op, rate: 1/s, http: {} }\n- { name: plain, rate: 1/s, http: { plain: true } }\n";
    let scenario = Scenario::parse("test", text).unwrap_or_else(|problems| panic!("{problems}"));
    let address = admin.to_string().parse().unwrap();
    let overrides = Overrides { target: Some(address), ..Overrides::default() };
    let system = System::read().unwrap();
    let mut plan = Plan::new(&scenario, &overrides, &system).unwrap_or_else(|problems| panic!("{problems}"));
    plan.admin = Endpoint { host: Host::Ip(admin.ip()), port: admin.port() };
    let options = Options { length: None, is_paused: false, workers: None, quantum: Quantum::Precise };
    let engine = Engine::new(plan, options, Session::from_static("abcd2345"));
    let names = Names::asking(None, Duration::from_secs(1)).unwrap();
    let inquest = Inquest::new(
        engine.plan(),
        engine.session(),
        names,
        engine.unanswered(),
        engine.red(),
        tokio::sync::watch::channel(Vec::new()).1,
    );
    (inquest, engine.unanswered())
}

#[tokio::test]
async fn every_request_left_gets_one_fate() {
    let fake = Fake::start("boot", &[2, 3]).await;
    let (inquest, unanswered) = inquest(fake.address);
    inquest.open().await;
    let start = Instant::now();
    (0..4).for_each(|seq| unanswered.remember(0, Lost::now(seq, start)));
    (0..5).for_each(|seq| unanswered.remember(1, Lost::now(seq, start)));
    inquest.sweep(Instant::now()).await;
    let (fates, has_restarted) = inquest.close(&[], None).await;
    assert!(!has_restarted);
    assert_eq!(Fate::ALL.map(|fate| fates[0].of(fate)), [2, 2, 0]);
    assert_eq!((fates[1].total(), fates[1].doubts()), (5, BTreeMap::from([("anonymous", 5)])));
}

#[tokio::test]
async fn who_does_not_answer_is_asked_again_and_given_up_at_the_end() {
    let fake = Fake::start("boot", &[]).await;
    let (inquest, unanswered) = inquest(fake.address);
    inquest.open().await;
    fake.answers(500, receipts("boot", OLD, &[], 0));
    unanswered.remember(0, Lost::now(7, Instant::now()));
    inquest.sweep(Instant::now()).await;
    assert!(unanswered.newest(Kind::Unanswered).is_some(), "it waits for the next question");
    fake.answers(200, receipts("boot", OLD, &[7], 0));
    unanswered.remember(0, Lost::now(8, Instant::now()));
    inquest.sweep(Instant::now()).await;
    fake.answers(500, receipts("boot", OLD, &[], 0));
    (9..=11).for_each(|seq| unanswered.remember(0, Lost::now(seq, Instant::now())));
    inquest.sweep(Instant::now()).await;
    inquest.give_up();
    let (fates, _) = inquest.close(&[], None).await;
    assert_eq!(Fate::ALL.map(|fate| fates[0].of(fate)), [1, 1, 3]);
    assert_eq!(fates[0].doubts(), BTreeMap::from([("unreachable", 3)]));
}

#[tokio::test]
async fn a_number_that_two_processes_have_seen_is_counted_once_each_time_it_is_looked_for() {
    let (first, second) = (Fake::start("one", &[5, 70, 2000]).await, Fake::start("two", &[70, 2000, 4999]).await);
    let both = replicas(first.address);
    let mut elsewhere = Elsewhere::default();
    elsewhere.look(&both, operation(), 5000).await;
    assert_eq!(elsewhere.total(), 0, "there is nobody else");
    both.meet(operation()).await;
    both.met(second.address, "two");
    for _ in 0..2 {
        elsewhere.look(&both, operation(), 5000).await;
        assert_eq!(elsewhere.total(), 2);
    }
    first.answers(200, receipts("one", OLD, &[5, 70, 2000, 4999, 4999, 8000], 0));
    elsewhere.look(&both, operation(), 9000).await;
    assert_eq!(elsewhere.total(), 3, "a later look finds what came since, and counts nothing again");
    second.answers(500, receipts("two", OLD, &[8000], 0));
    elsewhere.look(&both, operation(), 9000).await;
    assert_eq!(elsewhere.total(), 3, "who does not answer changes nothing");
    second.answers(200, receipts("two", OLD, &[8000], 0));
    elsewhere.look(&both, operation(), 9000).await;
    assert_eq!(elsewhere.total(), 3, "4999 is of yesterday, and 8000 is new");
}

#[tokio::test(start_paused = true)]
async fn a_restart_excuses_what_was_sent_before_it_and_no_more() {
    let figures = |sent| [Figures::from(&OperationAccount { sent, ..OperationAccount::default() })];
    let second = Duration::from_secs(1);
    let mut excuse = Excuse::default();
    assert_eq!(excuse.of(0, None, 10), 0, "nobody has restarted");
    let start = Instant::now();
    for n in 1..=3 {
        tokio::time::advance(second).await;
        excuse.look(&figures(n * 100), None);
    }
    // Noticed late. What is seen after two seconds was counted before that, so only what is seen next has it all.
    let restart = Some(start + Duration::from_millis(1500));
    assert_eq!(excuse.of(0, restart, 350), 300, "looked up when it is asked for");
    excuse.look(&figures(400), restart);
    assert_eq!((excuse.of(0, restart, 450), excuse.of(0, restart, 200)), (300, 200));
    for n in 5..100 {
        tokio::time::advance(second).await;
        excuse.look(&figures(n * 100), restart);
    }
    assert_eq!(excuse.of(0, restart, 9_900), 300, "still");
    tokio::time::advance(second).await;
    let again = Some(Instant::now());
    excuse.look(&figures(9_950), again);
    assert_eq!(excuse.of(0, again, 9_960), 9_960, "the next figures will tell");
    tokio::time::advance(second).await;
    excuse.look(&figures(10_000), again);
    assert_eq!(excuse.of(0, again, 20_000), 10_000);
}

#[tokio::test]
async fn what_arrives_after_it_was_called_lost_is_found_when_the_accounts_do_not_fit() {
    let fake = Fake::start("boot", &[]).await;
    for (received, fates, late) in [(1, [0, 1, 0], 1), (0, [1, 0, 0], 0)] {
        fake.answers(200, receipts("boot", OLD, &[], 0));
        let (inquest, unanswered) = inquest(fake.address);
        inquest.open().await;
        unanswered.remember(0, Lost::now(7, Instant::now()));
        inquest.sweep(Instant::now()).await;
        fake.answers(200, receipts("boot", OLD, if received == 1 { &[7] } else { &[] }, 0));
        let ours = OperationAccount { planned: 1, sent: 1, ..OperationAccount::default() };
        let answered = BTreeMap::from([("200".to_owned(), received)]);
        let theirs = TargetAccount { received, answered, ..TargetAccount::default() };
        let account = Account { operations: BTreeMap::from([("op".to_owned(), theirs)]), ..Account::default() };
        let told = Told { account, ..Told::default() };
        let (found, has_restarted) = inquest.close(&[ours], Some(&told)).await;
        assert_eq!((Fate::ALL.map(|fate| found[0].of(fate)), found[0].late), (fates, late));
        assert!(!has_restarted);
    }
}

#[tokio::test]
async fn of_wrong_answers_it_is_told_whether_the_target_ever_had_the_request() {
    let fake = Fake::start("boot", &[2, 3]).await;
    let (inquest, unanswered) = inquest(fake.address);
    inquest.open().await;
    let wrong = |seq| Lost { kind: Kind::Wrong, ..Lost::now(seq, Instant::now()) };
    (0..4).for_each(|seq| unanswered.remember(0, wrong(seq)));
    // Sent twice, and seen once.
    unanswered.remember(0, Lost { sendings: 2, ..Lost::now(3, Instant::now()) });
    inquest.sweep(Instant::now()).await;
    let (fates, _) = inquest.close(&[], None).await;
    assert_eq!(Fate::ALL.map(|fate| fates[0].of_wrong(fate)), [2, 2, 0]);
    assert_eq!((Fate::ALL.map(|fate| fates[0].of(fate)), fates[0].lost_again), ([1, 0, 0], 1));
}
