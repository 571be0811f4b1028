//! Runs told second by second, against what was told.

use std::sync::Arc;

use proptest::prelude::*;
use shared::identity::Name;
use shared::outcome::ErrorClass;
use shared::protocol::Protocol;

use super::*;
use crate::account::OperationAccount;
use crate::course::{Motion, OperationStatus, Status};
use crate::fixture::plan;
use crate::plan::Plan;
use crate::timeline::marks::MARKS_MAX;

const SECOND: Duration = Duration::from_secs(1);

/// A run without an engine.
struct Run {
    timeline: Timeline,
    status: Status,
    elapsed: Duration,
    total: Vec<OperationAccount>,
    plan: Arc<Plan>,
}

impl Run {
    fn of(names: &[&'static str], timeline: Timeline) -> Run {
        let mut status = Status::plain(Motion::Runs, 1);
        let plan = Arc::new(plan("target: 127.0.0.1\nmix: [{ name: web, rate: 1/s, http: {} }]"));
        names.iter().for_each(|name| status.operations.push(operation(name)));
        Run { timeline, status, elapsed: Duration::ZERO, total: Vec::new(), plan }
    }

    fn tick(&mut self, length: Duration, accounts: &[OperationAccount]) {
        self.elapsed += length;
        self.total.resize_with(accounts.len(), OperationAccount::default);
        let mut interval = OperationAccount::default();
        for (sum, account) in self.total.iter_mut().zip(accounts) {
            sum.merge(account);
            interval.merge(account);
        }
        self.timeline.note(&Tick {
            elapsed: self.elapsed,
            active: self.elapsed,
            length,
            interval: &interval,
            by_operation: accounts,
            total: &self.total,
            plan: &self.plan,
            status: &self.status,
        });
    }
}

fn operation(name: &'static str) -> OperationStatus {
    OperationStatus {
        name: Name::from_static(name),
        protocol: Protocol::Http,
        is_left: false,
        is_enabled: true,
        set_rate: None,
        rate: None,
        per_second: 0.0,
    }
}

/// A second with so many requests, of which so many failed, that took that long.
fn second(requests: u64, failed: u64, us: u64) -> OperationAccount {
    let mut account = OperationAccount {
        planned: requests,
        sent: requests,
        success: requests - failed,
        ..OperationAccount::default()
    };
    account.failures[ErrorClass::Timeout.index()] = failed;
    account.response.record_many_us(us, requests);
    account.lag.record_many_us(60, requests);
    account
}

#[test]
fn seconds_become_points_and_then_longer_ones() {
    let mut run = Run::of(&["web"], Timeline::new());
    for n in 0..POINTS_MAX as u64 {
        run.tick(SECOND, &[second(2, u64::from(n == 7), 1_000)]);
    }
    let fine = run.timeline.figures();
    assert_eq!((fine.step_s, fine.points(), fine.start_s[7], fine.operations[0].failure[7]), (1, POINTS_MAX, 7.0, 1));
    assert_eq!(fine.operations[0].errors["timeout"][7], 1);
    run.tick(SECOND, &[second(2, 0, 1_000)]);
    let coarse = run.timeline.figures();
    assert_eq!((coarse.step_s, coarse.points(), coarse.start_s[3]), (2, POINTS_MAX / 2 + 1, 6.0));
    assert_eq!((coarse.total.planned[3], coarse.total.failure[3], coarse.length_s[3]), (4, 1, 2.0));
    assert_eq!((coarse.length_s[POINTS_MAX / 2], run.timeline.latest().start_s), (1.0, vec![300.0]));
    // The open point grows, and what came to its end behind the last second is of that.
    run.tick(SECOND, &[second(2, 0, 9_000)]);
    run.tick(Duration::ZERO, &[second(1, 0, 10_000)]);
    let latest = run.timeline.latest();
    assert_eq!((latest.start_s, latest.length_s, latest.total.planned), (vec![300.0], vec![2.0], vec![5]));
    assert_eq!(latest.total.response.max_ms, [Some(10.01)]);
}

#[test]
fn nothing_is_not_zero() {
    let mut run = Run::of(&["web"], Timeline::new());
    run.tick(SECOND, &[second(3, 0, 2_000)]);
    run.tick(SECOND, &[OperationAccount::default()]);
    // One comes under way.
    run.status.operations.push(operation("rpc"));
    run.tick(SECOND, &[OperationAccount::default(), second(1, 1, 5_000)]);
    let figures = run.timeline.figures();
    let [web, rpc] = &figures.operations[..] else { panic!("{figures:?}") };
    assert_eq!((web.name.as_str(), rpc.name.as_str()), ("web", "rpc"));
    assert_eq!(web.planned, [3, 0, 0]);
    assert!(web.failure.is_empty() && web.server.is_none() && rpc.success.is_empty());
    assert_eq!((web.response.p50_ms[1], rpc.response.p50_ms[1]), (None, None));
    assert_eq!((&rpc.heat[0], rpc.heat[2].len()), (&Vec::new(), 2));
    assert_eq!(Timeline::new().figures().points(), 0);
    assert_eq!(Timeline::new().latest().points(), 0);
}

#[test]
fn whatever_held_is_marked_as_long_as_it_held() {
    let mut run = Run::of(&["web"], Timeline::new());
    run.status.phases = 2;
    let by = |rules: &[&str]| {
        let mut account = second(1, 0, 1_000);
        rules.iter().for_each(|rule| account.rules.count(rule, 1));
        account
    };
    let crossed =
        Standing { text: "p(99) < 1ms over 1s".to_owned(), holds: Some(false), value: None, samples: 1, crossings: 1 };
    for n in 1..=20 {
        match n {
            5 => {
                run.status.phase = Name::from_static("main");
                run.status.since = Duration::from_millis(4_500);
            }
            10 => run.status.motion = Motion::Paused,
            13 => run.status.motion = Motion::Runs,
            _ => {}
        }
        run.tick(SECOND, &[by(if [2, 4, 16].contains(&n) { &["slow"] } else { &[] })]);
        if (6..=8).contains(&n) {
            run.timeline.judged(run.elapsed, std::slice::from_ref(&crossed));
        }
    }
    run.timeline.reloaded(run.elapsed, "web.yaml");
    let marks: Vec<_> =
        run.timeline.figures().marks.into_iter().map(|m| (m.kind, m.label, m.from_s, m.until_s)).collect();
    let expected = [
        (Kind::Phase, "warmup", 0.0, 4.5),
        (Kind::Rule, "slow", 1.0, 4.0),
        (Kind::Phase, "main", 4.5, 20.0),
        (Kind::Threshold, "p(99) < 1ms over 1s", 6.0, 8.0),
        (Kind::Pause, "paused", 9.0, 12.0),
        (Kind::Rule, "slow", 15.0, 16.0),
        (Kind::Reload, "web.yaml", 20.0, 20.0),
    ];
    assert_eq!(marks, expected.map(|(kind, label, from, until)| (kind, label.to_owned(), from, until)));
}

#[test]
fn memory_is_bounded() {
    let mut run = Run::of(&["web"], Timeline::bounded(20_000));
    let mut widest = OperationAccount::default();
    (0..20).for_each(|power| (0..32).for_each(|n| widest.response.record_many_us((32 + n) << power, 3)));
    for n in 0..1_000 {
        let mut account = widest.clone();
        account.rules.count(&format!("rule-{n}"), 1);
        run.tick(SECOND, &[account]);
        let timeline = &run.timeline;
        assert!(timeline.bytes <= 20_000 || timeline.points.len() <= POINTS_MIN, "{n}: {}", timeline.bytes);
        assert_eq!(timeline.bytes, timeline.points.iter().map(Point::bytes).sum::<usize>());
        assert!(timeline.points.len() <= POINTS_MAX && timeline.marks.all().len() <= MARKS_MAX);
    }
    let figures = run.timeline.figures();
    assert!(figures.points() >= POINTS_MIN / 2, "{}", figures.points());
    assert_eq!(figures.length_s.iter().sum::<f64>(), 1_000.0);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(12))]

    #[test]
    fn points_add_up_to_the_account(told in prop::collection::vec((0..20_u64, 1..10_000_000_u64, 0..3_u64), 1..700)) {
        let mut run = Run::of(&["web", "rpc"], Timeline::new());
        for (requests, us, seconds) in &told {
            // A machine that stood still tells two seconds at once.
            let length = SECOND * u32::try_from(*seconds).unwrap();
            run.tick(length, &[second(*requests, requests / 3, *us), second(1, 0, 500)]);
        }
        let figures = run.timeline.figures();
        let total = &run.total[0];
        let sum = |column: &[u64]| column.iter().sum::<u64>();
        prop_assert_eq!(sum(&figures.operations[0].planned), total.planned);
        prop_assert_eq!(sum(&figures.operations[0].success), total.success);
        prop_assert_eq!(sum(&figures.operations[0].failure), total.failed());
        let heat = figures.operations[0].heat.iter().flatten().filter(|count| **count > 0).sum::<i64>();
        prop_assert_eq!(heat as u64, total.response.count());
        prop_assert!(figures.points() <= POINTS_MAX);
        let ends = figures.start_s.iter().zip(&figures.length_s).map(|(start, length)| start + length);
        prop_assert!(ends.zip(figures.start_s.iter().skip(1)).all(|(end, start)| end == *start), "a gap");
        let longest = figures.total.response.max_ms.iter().flatten().copied().fold(0.0, f64::max);
        let told = told.iter().filter(|told| told.0 > 0).map(|told| told.1).max().unwrap_or_default().max(500) as f64 / 1e3;
        prop_assert!(longest >= told * 0.999 && longest <= told * 1.002, "{} {}", longest, told);
        let json = serde_json::to_string(&figures).unwrap();
        prop_assert_eq!(serde_json::from_str::<Figures>(&json).unwrap(), figures);
    }
}
