//! Rows and remarks, from figures alone.

use shared::account::Account;
use shared::outcome::{Code, ErrorClass, Outcome};

use super::*;
use crate::fate::{Doubt, Verdict};

const RIGHT: Outcome<ErrorClass> = Outcome::Success(Code::Http(200));

/// This side's account of an operation with so many right answers by each server; nothing for none named.
fn ours(answers: &[(Option<&str>, u64)]) -> OperationAccount {
    let mut account = OperationAccount::default();
    for (server, count) in answers {
        let server = server.and_then(|server| Instance::read(server.as_bytes()));
        (0..*count).for_each(|_| account.by_backend.count(server.as_ref(), RIGHT));
    }
    account
}

/// What a replica says of one operation.
fn theirs(last: u8, server: &str, answered: u64, duplicates: u64) -> target::Replica {
    let part = TargetAccount {
        received: answered,
        duplicates,
        answered: BTreeMap::from([("200".to_owned(), answered)]),
        ..Default::default()
    };
    let operations = BTreeMap::from([("web".to_owned(), part)]);
    let account = Account { server: server.to_owned(), boot: server.to_owned(), operations, ..Account::default() };
    replica(last, server, Ok(account))
}

fn replica(last: u8, server: &str, said: Result<Account, String>) -> target::Replica {
    let address = SocketAddr::from(([127, 0, 0, last], 9797));
    target::Replica {
        address,
        server: server.to_owned(),
        has_restarted: false,
        asked: tokio::time::Instant::now(),
        said,
    }
}

fn told(replicas: Vec<target::Replica>) -> Told {
    Told { replicas, ..Told::default() }
}

fn remarks(told: &Told, account: &OperationAccount) -> Vec<String> {
    let rows = replicas(Some(told), &[("web", account)]);
    rows.into_iter()
        .flat_map(|row| row.remarks.into_iter().map(move |words| format!("{}: {words}", row.server)))
        .collect()
}

#[test]
fn replicas_that_agree_are_not_remarked_on() {
    let told =
        told(vec![theirs(2, "a/-/-", 3, 0), theirs(3, "b:1/-/-", 2, 0), replica(4, "c/-/-", Ok(Account::default()))]);
    let account = ours(&[(Some("a/-/-"), 3), (Some("b_1/-/-"), 2)]);
    let rows = replicas(Some(&told), &[("web", &account)]);
    let figures = rows.iter().map(|row| (row.server.as_str(), row.total.client.answered, row.total.difference));
    assert_eq!(figures.collect::<Vec<_>>(), [("a/-/-", 3, Some(0)), ("b_1/-/-", 2, Some(0)), ("c/-/-", 0, None)]);
    assert!(rows.iter().all(|row| row.remarks.is_empty()), "{rows:#?}");
}

#[test]
fn what_a_replica_answered_more_is_explained_where_it_can_be() {
    let case = |answered, duplicates, change: fn(&mut OperationAccount)| {
        let mut account = ours(&[(Some("a"), 3), (Some("b"), 3)]);
        change(&mut account);
        remarks(&told(vec![theirs(2, "a", 3, 0), theirs(3, "b", answered, duplicates)]), &account).concat()
    };
    let more = |count, why: &str| format!("b: web: answered {count} more than this side saw from it: {why}");
    assert_eq!(case(6, 0, |a| a.fates.count(Verdict::ResponseLost, 3)), more(3, "3 answers lost"));
    assert_eq!(case(5, 2, |_| ()), more(2, "2 arrived there twice"));
    let both = "1 arrived there twice, 2 answers lost";
    assert_eq!(case(6, 1, |a| a.fates.count(Verdict::ResponseLost, 2)), more(3, both));
    assert_eq!(case(4, 0, |a| a.by_backend.count(None, RIGHT)), more(1, "1 answers without a name"));
    assert_eq!(case(5, 0, |a| a.interrupted = 2), more(2, "2 cut off, or of no known fate"));
    let several = |a: &mut OperationAccount| {
        a.fates.count(Verdict::Unknown(Doubt::Forgotten), 4);
        a.fates.count(Verdict::ResponseLost, 1);
    };
    let words = "2 of the 1 answers lost, 4 cut off, or of no known fate";
    assert_eq!(case(5, 0, several), more(2, words));
    assert_eq!(case(5, 0, |a| a.fates.elsewhere = 2), more(2, "2 sent again to it"));
    assert_eq!(case(4, 0, |_| ()), more(1, "1 for no known reason"));
    let fewer = "b: web: answered 1 fewer than this side saw from it: for no known reason; does something else answer in its name?";
    assert_eq!(case(2, 0, |_| ()), fewer);
}

#[test]
fn who_cannot_be_asked_and_who_was_not_are_rows_too() {
    let told = told(vec![theirs(2, "a", 3, 0), replica(3, "b", Err("not within 2s".to_owned())), {
        replica(4, "", Err("refused".to_owned()))
    }]);
    let account = ours(&[(Some("a"), 3), (Some("b"), 5), (Some("x"), 2)]);
    let expected = [
        "b: not within 2s; 5 answers came from it",
        "x: at none of the addresses that were asked; 2 answers came from it",
        ": refused; 0 answers came from it",
    ];
    assert_eq!(remarks(&told, &account), expected);
    let rows = replicas(Some(&told), &[("web", &account)]);
    assert_eq!(rows[1].total.difference, None, "of what it did not say nothing is missing");
}

#[test]
fn processes_of_one_name_are_one_row() {
    let told = told(vec![theirs(2, "a", 3, 0), theirs(3, "a", 4, 0)]);
    let account = ours(&[(Some("a"), 7)]);
    let rows = replicas(Some(&told), &[("web", &account)]);
    assert_eq!((rows.len(), rows[0].addresses.len(), rows[0].total.difference), (1, 2, Some(0)));
    assert_eq!(rows[0].remarks, ["2 processes have this name; --pod gives each its own"]);
}

#[test]
fn without_any_account_there_are_the_servers_that_answered() {
    let rows = replicas(None, &[("web", &ours(&[(Some("a"), 3), (None, 2)]))]);
    assert_eq!((rows.len(), &*rows[0].server, rows[0].total.server), (1, "a", None));
    assert!(rows[0].remarks.is_empty());
}
