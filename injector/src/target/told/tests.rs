//! Answers of replicas put together.

use shared::account::OperationAccount;

use super::*;

fn at(last: u8) -> SocketAddr {
    SocketAddr::from(([127, 0, 0, last], 9797))
}

fn account(boot: &str, received: u64) -> Account {
    let operations = BTreeMap::from([("web".to_owned(), OperationAccount { received, ..Default::default() })]);
    Account { server: format!("pod-{boot}/-/-"), boot: boot.to_owned(), operations, ..Account::default() }
}

fn asked(last: u8, said: Result<Said, String>) -> Asked {
    let asked = Instant::now();
    // A process that has just begun.
    let answered = asked + Duration::from_secs(1);
    Asked { address: at(last), is_named: true, asked, answered, said }
}

fn held(last: u8, boot: &str, received: u64) -> Asked {
    asked(last, Ok(Said { account: account(boot, received), is_certain: true }))
}

fn nothing(last: u8, boot: &str) -> Asked {
    let account = Account { operations: BTreeMap::new(), ..account(boot, 0) };
    asked(last, Ok(Said { account, is_certain: true }))
}

fn forgotten(last: u8, boot: &str) -> Asked {
    let nothing = nothing(last, boot);
    Asked { said: nothing.said.map(|said| Said { is_certain: false, ..said }), ..nothing }
}

fn silent(last: u8, is_named: bool) -> Asked {
    Asked { is_named, ..asked(last, Err("not within 2s".to_owned())) }
}

fn met(who: &[(u8, &str)]) -> Met {
    Met::of(who.iter().map(|(last, boot)| nothing(*last, boot)).collect())
}

fn received(told: &Told) -> u64 {
    told.account.operations["web"].received
}

#[test]
fn what_all_say_is_added_up_and_kept_apart() {
    let told =
        together(vec![held(2, "a", 3), forgotten(3, "b"), held(4, "c", 4)], &met(&[(2, "a"), (3, "b")])).unwrap();
    assert_eq!((received(&told), &*told.account.server), (7, "pod-a/-/-, pod-c/-/-"));
    assert!(told.is_whole() && told.gone_at.is_none(), "who came later has not begun anew");
    let servers: Vec<_> = told.replicas.iter().map(|replica| (replica.address, &*replica.server)).collect();
    assert_eq!(servers, [(at(2), "pod-a/-/-"), (at(3), "pod-b/-/-"), (at(4), "pod-c/-/-")]);
}

#[test]
fn one_process_at_two_addresses_counts_once() {
    let told = together(vec![held(2, "a", 3), held(3, "a", 3)], &Met::default()).unwrap();
    assert_eq!((received(&told), told.replicas.len(), told.is_whole()), (3, 1, true));
}

#[test]
fn who_does_not_answer_is_missing_if_the_name_has_it_and_gone_if_not() {
    let before = met(&[(2, "a"), (3, "b")]);
    let told = together(vec![held(2, "a", 3), silent(3, true)], &before).unwrap();
    assert!(!told.is_whole() && told.gone_at.is_none());
    assert_eq!((&*told.replicas[1].server, told.replicas[1].said.is_err()), ("pod-b/-/-", true), "as it was met");
    let told = together(vec![held(2, "a", 3), silent(3, false)], &before).unwrap();
    assert!(told.is_whole() && told.gone_at.is_some() && told.replicas[1].has_restarted);
}

#[test]
fn another_life_at_an_address_is_a_restart() {
    let told = together(vec![held(2, "a", 3), held(3, "c", 1)], &met(&[(2, "a"), (3, "b")])).unwrap();
    assert!(told.is_whole() && told.gone_at.is_some());
    assert_eq!([0, 1].map(|at| told.replicas[at].has_restarted), [false, true]);
}

#[test]
fn without_any_account_the_first_reason_is_told() {
    let why = |asked| together(asked, &Met::default()).unwrap_err();
    assert_eq!(why(vec![silent(2, true), forgotten(3, "b")]), "not within 2s");
    assert_eq!(why(vec![forgotten(3, "b")]), "it has nothing of the session, or has forgotten it");
    assert_eq!(why(Vec::new()), "no replica");
}

#[test]
fn that_nothing_arrived_anywhere_is_an_account_too() {
    let told = together(vec![nothing(2, "a"), nothing(3, "b")], &met(&[(2, "a"), (3, "b")])).unwrap();
    assert!(told.is_whole() && told.gone_at.is_none() && told.account.operations.is_empty());
    let told = together(vec![nothing(2, "a"), silent(3, true)], &Met::default()).unwrap();
    assert!(!told.is_whole(), "the other may have all of it");
}

#[test]
fn who_was_met_later_counts_as_well_and_who_is_gone_is_not_asked_for_ever() {
    let mut met = met(&[(2, "a"), (3, "b")]);
    met.keep(&together(vec![held(2, "a", 1), held(3, "b", 1), held(4, "c", 1)], &met).unwrap());
    assert_eq!((met.who.len(), met.gone_at.is_some()), (3, false));
    let without = Asked { is_named: false, ..silent(4, false) };
    met.keep(&together(vec![held(2, "a", 1), silent(3, true), without], &met).unwrap());
    assert_eq!((met.who.len(), met.gone_at.is_some()), (2, true), "one that is in the name may come back");
    met.keep(&together(vec![held(2, "d", 1), held(3, "b", 1)], &met).unwrap());
    let told = together(vec![held(2, "d", 1), held(3, "b", 1)], &met).unwrap();
    assert!(told.gone_at.is_some(), "what it counted is gone for good");
    assert_eq!([0, 1].map(|at| told.replicas[at].has_restarted), [true, false]);
}

#[test]
fn who_was_there_before_the_last_word_of_the_other_answers_in_turn_with_it() {
    let before = met(&[(2, "a")]);
    let of_age = |uptime_seconds| {
        let Asked { said: Ok(said), .. } = held(2, "b", 1) else { unreachable!("it has an account") };
        let account = Account { uptime_seconds, ..said.account };
        together(vec![asked(2, Ok(Said { account, ..said }))], &before).unwrap()
    };
    let told = of_age(0.5);
    assert!(told.is_whole() && !told.is_shared && told.gone_at.is_some(), "it began after that");
    let told = of_age(60.0);
    assert!(!told.is_whole() && told.is_shared && told.gone_at.is_none() && !told.replicas[0].has_restarted);
    let mut met = before.clone();
    met.keep(&told);
    assert!(together(vec![held(2, "b", 1)], &met).unwrap().is_shared, "for good");
}

#[test]
fn more_than_can_be_asked_are_kept_as_far_as_there_is_room_and_who_is_gone_makes_some() {
    let wide = |n: usize, boot: &str| {
        let [.., high, low] = n.to_be_bytes();
        let address = SocketAddr::from(([127, 1, high, low], 9797));
        Asked { address, ..held(2, &format!("{boot}{n}"), 1) }
    };
    let mut met = Met::default();
    met.keep(&together((0..REPLICAS_MAX + 4).map(|n| wide(n, "a")).collect(), &met).unwrap());
    assert_eq!(met.who.len(), REPLICAS_MAX);
    // The first are gone, and others come behind them.
    let silent = |n| Asked { is_named: false, said: Err("refused".to_owned()), ..wide(n, "a") };
    let now = (0..8).map(silent).chain((8..REPLICAS_MAX + 4).map(|n| wide(n, "a"))).collect();
    met.keep(&together(now, &met).unwrap());
    assert_eq!(met.who.len(), REPLICAS_MAX - 4, "whatever order they answer in");
}

#[test]
fn what_was_forgotten_before_the_run_began_is_nothing_of_it() {
    let began = Some(Instant::now());
    let met = Met { began, ..met(&[(2, "a")]) };
    let of = |received, forgotten_seconds| {
        let account = match received {
            0 => Account { operations: BTreeMap::new(), ..account("a", 0) },
            received => account("a", received),
        };
        let account = Account { forgotten_seconds: Some(forgotten_seconds), ..account };
        together(vec![asked(2, Ok(Said { account, is_certain: true }))], &met)
    };
    for received in [0, 3] {
        assert!(of(received, 60.0).unwrap().is_whole(), "a target of many sessions has always forgotten some");
    }
    let told = of(3, 0.5).unwrap();
    assert!(!told.is_whole() && told.missing.unwrap().contains("has forgotten"));
    assert!(of(0, 0.5).is_err(), "nobody knows anything");
}
