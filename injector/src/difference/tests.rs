//! Every explanation by itself, and each beyond its bound.

use std::collections::BTreeMap;

use shared::outcome::{Code, Fate};

use super::*;
use tokio::time::Instant;

use crate::fate::{Doubt, Kind, Lost, Verdict};

fn both(sent: u64, answered: u64, received: u64, answered_there: u64) -> (OperationAccount, TargetAccount) {
    let client = OperationAccount { sent, codes: BTreeMap::from([(Code::Http(200), answered)]), ..Default::default() };
    let answered = BTreeMap::from([("200".to_owned(), answered_there)]);
    (client, TargetAccount { received, answered, ..Default::default() })
}

type Change = fn(&mut OperationAccount, &mut TargetAccount);

#[test]
fn what_is_counted_explains_and_no_more() {
    let nothing: Change = |_, _| ();
    let cases: [(&str, [u64; 4], Change, u64); 22] = [
        ("both the same", [10, 10, 10, 10], nothing, 0),
        ("three never arrived, and nobody knows", [10, 7, 7, 7], nothing, 3),
        ("three were lost", [10, 7, 7, 7], |c, _| c.fates.count(Verdict::RequestLost, 3), 0),
        ("lost, and yet received", [10, 7, 10, 7], |c, _| c.fates.count(Verdict::RequestLost, 3), 3),
        ("answers lost", [10, 7, 10, 10], |c, _| c.fates.count(Verdict::ResponseLost, 3), 0),
        ("answers lost of nobody", [10, 7, 10, 10], nothing, 3),
        ("sent again", [10, 10, 13, 13], |_, s| s.duplicates = 3, 0),
        ("sent again, to a process that cannot tell", [10, 10, 13, 13], |_, s| s.late = 3, 0),
        ("one more than sent again", [10, 10, 14, 14], |_, s| s.duplicates = 3, 1),
        ("cut off", [10, 7, 8, 8], |c, _| c.interrupted = 3, 0),
        ("unknown", [10, 7, 8, 8], |c, _| c.fates.count(Verdict::Unknown(Doubt::Unreachable), 2), 0),
        ("answered by another", [10, 10, 7, 7], |c, _| c.answered_wrong = 3, 0),
        ("an answer here, an abort there", [10, 10, 10, 9], |_, s| s.unanswered = 1, 0),
        ("to be without answer, and lost on the way", [10, 7, 9, 7], |c, _| c.silent = 3, 0),
        ("answered by the path", [10, 10, 7, 7], |c, _| answered_by_path(c, 3), 0),
        ("answered by the path, and yet received", [10, 10, 10, 10], |c, _| answered_by_path(c, 3), 3),
        ("answered wrongly, but by the target", [10, 10, 7, 7], |c, _| answered_wrong(c, Verdict::ResponseLost, 3), 3),
        ("sent to another replica as well", [10, 10, 13, 13], |c, _| c.fates.elsewhere = 3, 0),
        ("asked again over TCP", [10, 10, 13, 13], |c, s| (c.fallbacks, s.duplicates) = (3, 3), 0),
        ("asked again over TCP, of another replica", [10, 10, 13, 13], |c, _| c.fallbacks = 3, 0),
        ("asked again over TCP, and one was lost", [10, 9, 12, 12], |c, s| lost_again(c, s, 2), 0),
        ("the same, and another came twice", [10, 9, 13, 13], |c, s| lost_again(c, s, 3), 0),
    ];
    for (case, [sent, answered, received, there], change, unexplained) in cases {
        let (mut client, mut server) = both(sent, answered, received, there);
        change(&mut client, &mut server);
        let difference = Difference::new(&Figures::from(&client), &server, false);
        assert_eq!(difference.unexplained, unexplained, "{case}: {difference:?}");
    }
}

/// The first answer is truncated and none of the account's: three were asked again over TCP, of which one got lost.
fn lost_again(client: &mut OperationAccount, server: &mut TargetAccount, duplicates: u64) {
    client.fallbacks = 3;
    client.fates.count_one(&Lost { sendings: 2, ..Lost::now(7, Instant::now()) }, Verdict::RequestLost);
    server.duplicates = duplicates;
}

fn answered_wrong(client: &mut OperationAccount, verdict: Verdict, count: u64) {
    client.answered_wrong = count;
    client.fates.count_many(Kind::Wrong, verdict, count);
}

fn answered_by_path(client: &mut OperationAccount, count: u64) {
    answered_wrong(client, Verdict::RequestLost, count);
}

#[test]
fn a_process_that_is_gone_took_its_account_along_but_invents_nothing() {
    for (excused, received, unexplained) in [(8, 2, 0), (10, 2, 0), (5, 2, 3), (10, 12, 2)] {
        let (mut client, server) = both(10, 10, received, received.min(10));
        client.fates.excused = excused;
        let difference = Difference::new(&Figures::from(&client), &server, true);
        assert_eq!(difference.unexplained, unexplained, "{excused}, {received}: {difference:?}");
    }
}

#[test]
fn words_name_every_part() {
    let (mut client, mut server) = both(10, 6, 9, 8);
    client.fates.count(Verdict::RequestLost, 2);
    client.fates.count(Verdict::ResponseLost, 2);
    server.duplicates = 1;
    let difference = Difference::new(&Figures::from(&client), &server, false);
    assert_eq!((client.fates.of(Fate::RequestLost), difference.unexplained), (2, 0));
    assert_eq!(
        difference.words().unwrap(),
        "the target received 1 fewer and answered 2 more than this side: 2 requests lost, 2 answers lost, 1 arrived twice"
    );
    let (client, server) = both(10, 10, 10, 10);
    assert_eq!(Difference::new(&Figures::from(&client), &server, false).words(), None);
    for ([sent, answered, received, there], words) in [
        ([10, 8, 10, 8], "the target received and answered as many as this side says: 2 answers lost"),
        ([10, 8, 10, 10], "the target received as many and answered 2 more than this side: 2 answers lost"),
        ([10, 8, 9, 8], "the target answered as many and received 1 fewer than this side: 2 answers lost"),
    ] {
        let (mut client, server) = both(sent, answered, received, there);
        client.fates.count(Verdict::ResponseLost, 2);
        let difference = Difference::new(&Figures::from(&client), &server, false);
        assert_eq!(
            (difference.words().as_deref(), difference.is_even()),
            (Some(words), words.contains("this side says"))
        );
    }
}

#[test]
fn while_a_run_is_under_way_what_is_on_its_way_is_no_difference() {
    // Ten ended before the target was asked; six more were sent since, of which it may have seen any number.
    let (before, _) = both(12, 10, 0, 0);
    let (after, _) = both(25, 22, 0, 0);
    let figures = Figures::from(&after).since(&Figures::from(&before), (18, 15), Fates::default());
    for (received, answered, unexplained) in [(10, 10, 0), (18, 18, 0), (14, 12, 0), (9, 9, 1), (19, 18, 1)] {
        let (_, server) = both(0, 0, received, answered);
        assert_eq!(Difference::new(&figures, &server, false).unexplained, unexplained, "{received}, {answered}");
    }
}
