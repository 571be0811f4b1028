//! What is said of runs of every kind.

use shared::outcome::{DropReason, ErrorClass};

use super::*;
use crate::fate::Verdict;

/// Ten seconds in which so many were right, and so many ended in each of these ways.
fn account(success: u64, failures: &[(ErrorClass, u64)]) -> OperationAccount {
    let mut account = OperationAccount { success, ..OperationAccount::default() };
    for (class, count) in failures {
        account.failures[class.index()] += count;
    }
    account.planned = account.finished_total();
    for _ in 0..account.finished_total() {
        account.response.record(Duration::from_micros(3_400));
        account.network.record(Duration::from_micros(3_100));
        account.server.record(Duration::from_micros(200));
        account.lag.record(Duration::from_micros(70));
    }
    account
}

fn with(mut account: OperationAccount, change: impl FnOnce(&mut OperationAccount)) -> OperationAccount {
    change(&mut account);
    account
}

fn said(account: &OperationAccount, unexplained: u64, crossed: &[&str]) -> Headline {
    Headline::of(&Sight {
        state: State::Running,
        planned: 1_000,
        window: Duration::from_secs(10),
        parts: vec![Part { account, unexplained, undeclared: 0 }],
        crossed: crossed.iter().map(|text| Crossed { text, is_of_run: text.starts_with("availability") }).collect(),
    })
}

#[test]
fn whose_doing_it_is() {
    use Blame::{Asked, Injector, Path, PathOrTarget, Target};
    use ErrorClass::{ConnectRefused, Internal, Reset, Status, Timeout};
    use Level::{Bad, Good, None as Nothing, Warn};
    let lost = |account| with(account, |account| account.fates.count(Verdict::RequestLost, 20));
    let arrived = |account| with(account, |account| account.fates.count(Verdict::ResponseLost, 20));
    let rules = |by: u64, failed: u64| move |a: &mut OperationAccount| (a.by_rule, a.failed_by_rule) = (by, failed);
    let dropped = |reason: DropReason, n: u64| move |a: &mut OperationAccount| a.dropped[reason.index()] = n;
    let late = |a: &mut OperationAccount| (0..200).for_each(|_| a.lag.record(Duration::from_millis(400)));
    let slow = |a: &mut OperationAccount| (0..200).for_each(|_| a.server.record(Duration::from_millis(9)));
    let cases = [
        (
            "all right",
            account(100, &[]),
            (Good, None),
            "Well",
            "All 100 requests of the last 10 s were right; 99 % took at most 3.",
        ),
        ("nothing came", account(0, &[]), (Nothing, None), "No data", "Nothing came to an end in the last 10 s."),
        (
            "few 503",
            account(1_000, &[(Status, 1)]),
            (Warn, Some(Target)),
            "Almost well: the target",
            "0.10 % of 1001 requests",
        ),
        (
            "many 503",
            account(80, &[(Status, 20)]),
            (Bad, Some(Target)),
            "Not well: the target",
            "20 % of 100 requests in the last 10 s failed (status): its answers",
        ),
        (
            "503 by rule",
            with(account(80, &[(Status, 20)]), rules(20, 20)),
            (Warn, Some(Asked)),
            "20 % fail, as asked for",
            "say that fault rules of the target did it",
        ),
        (
            "delay by rule",
            with(account(80, &[]), rules(20, 0)),
            (Warn, Some(Asked)),
            "Faults, as asked for",
            "a hand in 20 requests",
        ),
        (
            "some refused",
            account(80, &[(ConnectRefused, 20)]),
            (Bad, Some(Path)),
            "Not well: the path",
            "no connection could be made",
        ),
        (
            "all refused",
            account(0, &[(ConnectRefused, 20)]),
            (Bad, Some(Path)),
            "Target unreachable",
            "got a connection: connect_refused.",
        ),
        (
            "timeouts",
            account(80, &[(Timeout, 20)]),
            (Bad, Some(PathOrTarget)),
            "Not well: the path or the target",
            "receipts are being asked",
        ),
        (
            "lost on the way",
            lost(account(80, &[(Timeout, 20)])),
            (Bad, Some(Path)),
            "Not well: the path",
            "they never arrived",
        ),
        (
            "lost on the way back",
            arrived(account(80, &[(Reset, 20)])),
            (Bad, Some(PathOrTarget)),
            "Not well: the path or the target",
            "they arrived",
        ),
        (
            "nothing was free",
            with(account(80, &[]), dropped(DropReason::Limit, 20)),
            (Bad, Some(PathOrTarget)),
            "Not well",
            "(dropped: nothing was free for them)",
        ),
        (
            "released late",
            with(account(80, &[]), dropped(DropReason::Late, 20)),
            (Bad, Some(Injector)),
            "Not to be believed",
            "released 20 requests too late",
        ),
        (
            "one released late",
            with(account(2_000, &[]), dropped(DropReason::Late, 1)),
            (Warn, Some(Injector)),
            "Almost well",
            "too few to spoil",
        ),
        ("lagging", with(account(100, &[]), late), (Bad, Some(Injector)), "Not to be believed", "was 4"),
        (
            "no descriptors",
            account(80, &[(Internal, 20), (Status, 3)]),
            (Bad, Some(Injector)),
            "Not to be believed",
            "could not send 20",
        ),
    ];
    for (case, account, (level, blame), title, text) in cases {
        let headline = said(&account, 0, &[]);
        assert_eq!((headline.level, headline.blame), (level, blame), "{case}: {headline:?}");
        assert!(headline.title.starts_with(title) && headline.text.contains(text), "{case}: {headline:?}");
    }
    let crossed = ["p(99) < 1ms", "p(50) < 1ms"];
    let headline = said(&account(100, &[]), 0, &crossed);
    assert_eq!((headline.level, headline.blame), (Bad, Some(Path)));
    assert!(
        headline.text.starts_with("A threshold does not hold: p(99) < 1ms and 1 more; the path takes 3."),
        "{headline:?}"
    );
    assert_eq!(said(&with(account(100, &[]), slow), 0, &crossed).blame, Some(Target));
    assert_eq!(said(&with(account(100, &[]), rules(9, 0)), 0, &crossed).blame, Some(Asked));
    assert_eq!(said(&account(100, &[]), 7, &[]).title, "Not well: the path");
    let cut_off = account(80, &[(Reset, 20)]);
    let parts = vec![Part { account: &cut_off, unexplained: 0, undeclared: 19 }];
    let (state, window) = (State::Running, Duration::from_secs(10));
    let headline = Headline::of(&Sight { state, planned: 100, window, parts, crossed: Vec::new() });
    assert_eq!((headline.blame, headline.title.as_str()), (Some(Asked), "20 % fail, as asked for"));
}

#[test]
fn what_else_there_is_follows() {
    let account = with(account(90, &[(ErrorClass::Status, 10)]), |account| account.by_rule = 5);
    let headline = said(&account, 2, &["availability > 99%"]);
    assert!(headline.text.contains("differ by 2 requests"), "{headline:?}");
    let reasons = [
        "10 % of 100 requests",
        "Since the start a threshold does not hold: availability > 99%",
        "a hand in 5 requests",
    ];
    assert_eq!(headline.reasons.len(), reasons.len());
    assert!(headline.reasons.iter().zip(reasons).all(|(said, part)| said.contains(part)), "{headline:?}");
}

#[test]
fn a_run_that_does_not_run_is_not_good() {
    let account = account(100, &[]);
    let failed = ["10 requests failed".to_owned(), "and more".to_owned()];
    for (state, planned, title, level) in [
        (State::Waiting, 0, "Waiting to be started", Level::None),
        (State::Running, 0, "No data yet", Level::None),
        (State::Paused, 9, "Paused", Level::None),
        (State::Draining, 9, "Ending", Level::None),
        (State::Over(Exit::Passed, &[]), 9, "The run is over: passed", Level::Good),
        (State::Over(Exit::Thresholds, &failed), 9, "The run is over: thresholds do not hold", Level::Bad),
    ] {
        let parts = vec![Part { account: &account, unexplained: 0, undeclared: 0 }];
        let sight = Sight { state, planned, window: Duration::from_secs(10), parts, crossed: Vec::new() };
        let headline = Headline::of(&sight);
        assert_eq!((headline.title.as_str(), headline.level), (title, level));
        if state == State::Over(Exit::Thresholds, &failed) {
            assert_eq!(
                (headline.text.as_str(), &headline.reasons[..]),
                ("10 requests failed.", &["And more.".to_owned()][..])
            );
        }
    }
}

#[test]
fn shares_are_never_rounded_to_nothing_or_all() {
    for (share, text) in
        [(1.0, "100 %"), (0.9999, "99 %"), (0.00001, "0.01 %"), (0.0004, "0.04 %"), (0.05, "5.0 %"), (0.5, "50 %")]
    {
        assert_eq!(percent(share), text, "{share}");
    }
}
