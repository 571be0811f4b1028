//! What may be claimed, and of whom: who was asked, who is gone, and what was broken off.

use futures_util::FutureExt as _;
use shared::instance::Instance;
use shared::outcome::{Code, Outcome};

use super::*;
use crate::fate::excuse::unaccounted;
use crate::target;

/// This side's account of an operation, with so many answers by a server.
fn answered_by(server: &str, count: u64) -> OperationAccount {
    let mut account = OperationAccount { planned: count, sent: count, success: count, ..OperationAccount::default() };
    let server = Instance::read(server.as_bytes());
    let right = Outcome::Success(Code::Http(200));
    (0..count).for_each(|_| account.by_backend.count(server.as_ref(), right));
    account
}

#[tokio::test]
async fn who_answered_and_was_never_asked_makes_all_of_it_unknown() {
    for (server, verdicts) in [("a/b/c", [1, 1, 0]), ("stranger", [0, 1, 1])] {
        let fake = Fake::start("boot", &[8]).await;
        let (inquest, unanswered) = inquest(fake.address);
        inquest.open().await;
        let ours = [answered_by(server, 1), answered_by("plain", 1)];
        inquest.heard().note(&ours);
        (7..=8).for_each(|seq| unanswered.remember(0, Lost::now(seq, Instant::now())));
        inquest.sweep(Instant::now()).await;
        let (fates, _) = inquest.close(&ours, Some(&Told::default())).await;
        assert_eq!(Fate::ALL.map(|fate| fates[0].of(fate)), verdicts, "{server}");
        assert_eq!(fates[0].is_disclaimed, server == "stranger");
        assert_eq!(fates[0].doubts().get("unasked").copied().unwrap_or(0), verdicts[2]);
        assert!(!fates[1].is_disclaimed, "nothing is claimed of it anyway");
    }
    // Heard of only after the verdict.
    let fake = Fake::start("boot", &[]).await;
    let (inquest, unanswered) = inquest(fake.address);
    inquest.open().await;
    unanswered.remember(0, Lost::now(7, Instant::now()));
    unanswered.remember(0, Lost { kind: Kind::Wrong, ..Lost::now(8, Instant::now()) });
    inquest.sweep(Instant::now()).await;
    let (fates, _) = inquest.close(&[answered_by("stranger", 1)], None).await;
    assert_eq!(Fate::ALL.map(|fate| fates[0].of(fate)), [0, 0, 1]);
    assert_eq!(Fate::ALL.map(|fate| fates[0].of_wrong(fate)), [0, 0, 1]);
}

#[tokio::test]
async fn processes_that_answer_in_turn_at_one_address_are_no_restart() {
    let fake = Fake::start("one", &[]).await;
    let (inquest, unanswered) = inquest(fake.address);
    inquest.open().await;
    unanswered.remember(0, Lost::now(7, Instant::now()));
    fake.answers(200, receipts("two", OLD, &[], 0));
    inquest.sweep(Instant::now()).await;
    let (fates, has_restarted) = inquest.close(&[answered_by("a/b/c", 1)], Some(&Told::default())).await;
    assert!(!has_restarted && fates[0].is_disclaimed);
    assert_eq!(fates[0].doubts(), BTreeMap::from([("unasked", 1)]));
}

#[tokio::test]
async fn one_process_at_two_addresses_is_one() {
    let (first, second) = (Fake::start("one", &[7]).await, Fake::start("one", &[7]).await);
    let both = replicas(first.address);
    both.meet(operation()).await;
    both.met(second.address, "one");
    let told = both.ask(operation(), &[7]).await;
    assert_eq!((both.count(), told.elsewhere()), (1, 0));
    let twice = Lost { sendings: 2, ..Lost::now(7, Instant::now()) };
    assert_eq!(told.of(&twice), Verdict::RequestLost, "one of the two sendings");
}

#[tokio::test]
async fn who_is_first_met_and_is_younger_than_its_address_may_have_been_another() {
    for (uptime_s, has_lost) in [(OLD, false), (0.0, true)] {
        let fake = Fake::start("one", &[]).await;
        fake.answers(500, receipts("one", OLD, &[], 0));
        let replicas = replicas(fake.address);
        replicas.meet(operation()).await;
        assert!(!replicas.are_known());
        fake.answers(200, receipts("one", uptime_s, &[], 0));
        replicas.meet_new(operation()).await;
        assert_eq!((replicas.count(), replicas.gone_at().is_some()), (1, has_lost));
        assert_eq!(replicas.has_lost("a/b/c"), has_lost);
    }
}

#[tokio::test]
async fn what_is_broken_off_while_it_is_asked_about_is_asked_again() {
    let fake = Fake::start("boot", &[7]).await;
    let (inquest, unanswered) = inquest(fake.address);
    inquest.open().await;
    unanswered.remember(0, Lost::now(7, Instant::now()));
    // Polled once: the question is out, and nobody waits for its answer.
    assert!(inquest.sweep(Instant::now()).now_or_never().is_none());
    assert_eq!(unanswered.newest(Kind::Unanswered), None);
    inquest.last().await;
    inquest.give_up();
    let (fates, _) = inquest.close(&[], None).await;
    assert_eq!(Fate::ALL.map(|fate| fates[0].of(fate)), [0, 1, 0]);
}

#[test]
fn a_process_that_is_gone_excuses_what_came_from_it_and_what_came_from_nobody() {
    let mut ours = answered_by("gone", 10);
    ours.merge(&answered_by("there", 100));
    ours.merge(&OperationAccount { interrupted: 1, ..OperationAccount::default() });
    let mut fates = Fates::default();
    fates.count(Verdict::Unknown(Doubt::Restarted), 3);
    let row = |server: &str, has_restarted| target::Replica {
        address: SocketAddr::from(([127, 0, 0, 1], 1)),
        server: server.to_owned(),
        has_restarted,
        asked: Instant::now(),
        said: Ok(Account::default()),
    };
    let told = |replicas| Told { replicas, ..Told::default() };
    let of = |told: &Told, lost: &str| unaccounted(&ours, &fates, told, |server| server == lost);
    assert_eq!(of(&told(vec![row("there", false)]), ""), 14, "who has not told");
    assert_eq!(of(&told(vec![row("there", false), row("gone", true)]), ""), 14, "who began anew");
    assert_eq!(of(&told(vec![row("there", false), row("gone", false)]), "gone"), 14, "as its receipts say");
    assert_eq!(of(&told(vec![row("there", false), row("gone", false)]), ""), 4);
}

#[test]
fn what_waits_takes_no_more_room_than_there_is() {
    let unanswered = Unanswered::new(1);
    let start = Instant::now();
    for seq in 0..1_000_000 {
        unanswered.remember(0, Lost::now(seq, start));
    }
    assert!(unanswered.lock(0, Kind::Unanswered).lost.capacity() <= 2 * WAITING_MAX);
    let (taken, overflow) = unanswered.take(0, Kind::Unanswered, Instant::now());
    assert_eq!(overflow, 1_000_000 - WAITING_MAX as u64);
    unanswered.put_back(0, Kind::Unanswered, taken);
    assert_eq!(unanswered.take(0, Kind::Unanswered, Instant::now()).0[0].seq, 0, "in its old place");
}
