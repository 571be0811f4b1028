//! Runs that were made up, second by second: when a threshold crosses, for how long, and when it ends the run.

use std::time::Duration;

use prometheus::core::Collector as _;

use super::super::*;
use super::{account, plan};
use crate::account::{OperationAccount, Parts};
use crate::history::History;

const MS: Duration = Duration::from_millis(1);

/// A run of the operation `web` alone.
struct Run {
    watch: Watch,
    history: History,
    total: Vec<OperationAccount>,
    second: u64,
    aborted_at: Option<u64>,
}

impl Run {
    fn of(thresholds: &[&str]) -> Run {
        let total = vec![OperationAccount::default(); 4];
        let watch = Watch::new(&plan(thresholds));
        Run { watch, history: History::new(), total, second: 0, aborted_at: None }
    }

    /// So many seconds with ten requests each, which took that long, of which some failed.
    fn seconds(mut self, seconds: u64, failed: u64, took: Duration) -> Run {
        for _ in 0..seconds {
            let mut interval = vec![OperationAccount::default(); 4];
            interval[0] = account(10, failed, 0, took);
            self.tick(&interval);
        }
        self
    }

    fn silence(mut self, seconds: u64) -> Run {
        (0..seconds).for_each(|_| self.tick(&vec![OperationAccount::default(); 4]));
        self
    }

    fn tick(&mut self, interval: &[OperationAccount]) {
        self.second += 1;
        let now = Duration::from_secs(self.second);
        self.total.iter_mut().zip(interval).for_each(|(total, part)| total.merge(part));
        self.history.note(now, Duration::from_secs(1), interval, &[]);
        let run = Span { accounts: &self.total, fates: None, compared: &[], length: now };
        if self.watch.look(now, &run, &self.history).is_some() && self.aborted_at.is_none() {
            self.aborted_at = Some(self.second);
        }
    }

    fn close(&mut self, is_continuous: bool) -> Vec<Report> {
        let length = Duration::from_secs(self.second);
        self.watch.close(&self.total, &[], length, &self.history, is_continuous)
    }

    /// The only one.
    fn report(mut self) -> Report {
        self.close(false).pop().unwrap()
    }
}

#[test]
fn a_window_that_did_not_hold_counts_however_well_the_run_ends() {
    let threshold = ["availability >= 99% over 10s where operation=web"];
    let run = || Run::of(&threshold).seconds(30, 0, MS).seconds(3, 5, MS).seconds(60, 0, MS);
    let report = run().report();
    assert_eq!((report.outcome, report.crossings), (Outcome::Crossed, 1));
    assert_eq!(report.first_crossed, Some(Duration::from_secs(31)));
    // From the first bad second until the last one is out of the window.
    assert_eq!(report.crossed_for, Duration::from_secs(12));
    assert_eq!((report.value, report.worst), (Some(1.0), Some(0.85)));
    assert_eq!(
        report.words(),
        "100% at the end, 85% at worst, of 100 samples; crossed first after 31 s, for 12 s in all"
    );
    // A run without an end is judged by what is when it is told to stop.
    assert_eq!(run().close(true)[0].outcome, Outcome::Holds);
    assert_eq!(run().seconds(2, 5, MS).close(true)[0].outcome, Outcome::Crossed);
    // Of the whole run it is a hundredth and a half.
    let whole = |text| Run::of(&[text]).seconds(30, 0, MS).seconds(3, 5, MS).seconds(60, 0, MS).report();
    assert_eq!(whole("availability >= 98% where operation=web").outcome, Outcome::Holds);
    assert_eq!(whole("availability >= 99% where operation=web").outcome, Outcome::Crossed);
}

#[test]
fn a_window_is_judged_when_it_is_full_and_a_short_run_at_its_end() {
    let threshold = ["availability >= 50% over 30s where operation=web"];
    // Ten bad seconds in the first thirty are a third.
    let run = Run::of(&threshold).seconds(10, 10, MS).seconds(20, 0, MS);
    assert_eq!(run.watch.red().collect().len(), 4);
    let report = run.seconds(10, 0, MS).report();
    assert_eq!((report.outcome, report.crossings), (Outcome::Holds, 0));
    let report = Run::of(&threshold).seconds(10, 10, MS).seconds(5, 0, MS).report();
    assert_eq!((report.outcome, report.crossings), (Outcome::Crossed, 0), "on what there is");
}

#[test]
fn long_windows_are_judged_in_steps() {
    let threshold = ["p(99) < 5ms over 5m where operation=web"];
    let report = Run::of(&threshold).seconds(600, 0, MS).report();
    assert_eq!((report.outcome, report.samples.abs_diff(3_000) < 60), (Outcome::Holds, true), "{report:?}");
    let report = Run::of(&threshold).seconds(400, 0, MS).seconds(10, 0, 10 * MS).seconds(400, 0, MS).report();
    assert_eq!(report.outcome, Outcome::Crossed);
    let (first, length) = (report.first_crossed.unwrap().as_secs(), report.crossed_for.as_secs());
    // Thirty slow ones of three thousand are the hundredth: reached within the slow seconds, and left five minutes later.
    assert!((400..=420).contains(&first) && (280..=320).contains(&length), "{report:?}");
}

#[test]
fn what_was_not_asked_for_is_not_missing_and_what_never_came_is() {
    let threshold = ["p(99) < 5ms over 10s where operation=web"];
    // A pause.
    let report = Run::of(&threshold).seconds(20, 0, MS).silence(60).report();
    assert_eq!((report.outcome, report.crossings), (Outcome::Holds, 0), "{report:?}");
    // All are dropped.
    let mut run = Run::of(&threshold).seconds(20, 0, MS);
    for _ in 0..20 {
        run.tick(&[account(0, 0, 10, MS), account(0, 0, 0, MS), account(0, 0, 0, MS), account(0, 0, 0, MS)]);
    }
    let report = run.report();
    assert_eq!((report.outcome, report.crossings), (Outcome::Crossed, 1), "{report:?}");
    // Nothing at all.
    for threshold in ["p(99) < 5ms", "availability >= 0%", "failed == 0", "checks: rate>0.99", "p(99) < 5ms over 10s"] {
        let report = Run::of(&[threshold]).silence(30).report();
        assert_eq!(report.outcome, Outcome::NoData, "{threshold}");
        assert!(report.words().contains("no data never passes"), "{}", report.words());
    }
    // Too few in all.
    let report = Run::of(&["p(99) < 5ms"]).seconds(9, 0, MS).report();
    assert_eq!(report.words(), "90 samples, and it needs 100: no data never passes");
}

#[test]
fn a_run_is_ended_when_it_is_told_to_be_and_not_before() {
    let aborted_at = |text: &str| {
        let mut run = Run::of(&[text]).seconds(5, 0, MS).seconds(30, 10, MS);
        let report = run.close(true).pop().unwrap();
        assert_eq!(report.has_aborted, run.aborted_at.is_some(), "{text}");
        assert_eq!(report.outcome, Outcome::Crossed, "{text}");
        run.aborted_at
    };
    assert_eq!(aborted_at("failed < 10% where operation=web"), None);
    assert_eq!(aborted_at("failed < 10% where operation=web abort"), Some(6));
    assert_eq!(aborted_at("failed < 10% where operation=web abort after 20s"), Some(20));
    assert_eq!(aborted_at("failed < 10% over 10s where operation=web abort"), Some(10));
    assert_eq!(aborted_at("failed < 10% where operation=web min 200 samples abort"), Some(20));
    // It held again when the delay was over.
    let run = Run::of(&["failed < 10% where operation=web abort after 20s"]);
    let run = run.seconds(1, 10, MS).seconds(30, 0, MS);
    assert_eq!(run.aborted_at, None);
}

#[test]
fn what_is_exported_follows_the_judgement() {
    let text = "availability >= 99% over 10s where operation=web";
    let value = |run: &Run, name: &str| {
        let families = run.watch.red().collect();
        let family = families.iter().find(|family| family.name().ends_with(name))?;
        let metric = &family.get_metric()[0];
        let labels: Vec<_> = metric.get_label().iter().map(|label| label.value().to_owned()).collect();
        assert_eq!(labels, ["local/injector", text]);
        Some(if name == "crossings_total" { metric.get_counter().get_value() } else { metric.get_gauge().get_value() })
    };
    let figures = |run: &Run| ["ok", "value", "limit", "crossings_total"].map(|name| value(run, name));
    let run = Run::of(&[text]).seconds(5, 0, MS);
    assert_eq!(figures(&run), [None, None, Some(0.99), Some(0.0)]);
    let run = run.seconds(10, 0, MS);
    assert_eq!(figures(&run), [Some(1.0), Some(1.0), Some(0.99), Some(0.0)]);
    let run = run.seconds(5, 10, MS);
    assert_eq!(figures(&run), [Some(0.0), Some(0.5), Some(0.99), Some(1.0)]);
    let run = run.seconds(20, 0, MS).seconds(5, 10, MS);
    assert_eq!(figures(&run), [Some(0.0), Some(0.5), Some(0.99), Some(2.0)]);
}

#[test]
fn a_gate_opens_on_its_window() {
    let operations = super::operations();
    let gate: Condition = "availability >= 99% over 10s where operation=web".parse().unwrap();
    let gate = gate.bind(&operations).unwrap();
    let history = |seconds, failed| Run::of(&[]).seconds(seconds, failed, MS).history;
    assert_eq!(gate.holds(&history(5, 0)), None);
    assert_eq!(gate.holds(&history(10, 0)), Some(true));
    assert_eq!(gate.holds(&history(10, 1)), Some(false));
    let without: Condition = "availability >= 99%".parse().unwrap();
    let without = without.bind(&operations).unwrap();
    assert_eq!(without.holds(&Run::of(&[]).seconds(20, 1, MS).seconds(10, 0, MS).history), Some(true), "of late");
}

#[test]
fn parts_of_requests_are_kept_in_windows() {
    let mut interval = account(10, 0, 0, MS);
    let trail = shared::red::client::k6::Trail { waiting: 3 * MS, ..Default::default() };
    interval.parts = Parts::default();
    (0..10).for_each(|_| interval.parts.record(true, true, &trail));
    let mut run = Run::of(&["http_req_waiting: p(90)<3.1 over 10s"]);
    let mut accounts = vec![OperationAccount::default(); 4];
    accounts[0] = interval;
    (0..200).for_each(|_| run.tick(&accounts));
    let report = run.report();
    assert_eq!((report.outcome, report.samples), (Outcome::Holds, 100), "{report:?}");
}

#[test]
fn another_plan_keeps_what_became_of_thresholds_that_it_still_has() {
    let (kept, new, gone) = ("availability >= 99% over 10s", "p(50) < 1s", "p(99) < 25ms over 10s");
    let mut run = Run::of(&[gone, kept]).seconds(15, 5, MS);
    run.watch.follow(&plan(&[kept, new]));
    let standing: Vec<_> = run.watch.standing().into_iter().map(|one| (one.text, one.holds)).collect();
    assert_eq!(standing, [(kept.to_owned(), Some(false)), (new.to_owned(), None)]);
    let texts = |run: &Run, name: &str| -> Vec<String> {
        let families = run.watch.red().collect();
        let family = families.iter().find(|family| family.name() == format!("continuous_load_client_threshold_{name}"));
        let labels =
            family.into_iter().flat_map(|family| family.get_metric()).map(|metric| metric.get_label()[1].value());
        let mut texts: Vec<String> = labels.map(str::to_owned).collect();
        texts.sort();
        texts
    };
    assert_eq!(
        texts(&run, "ok"),
        [kept],
        "what is not asked for any more is not told of, and what is new has no judgement"
    );
    assert_eq!(texts(&run, "limit"), [kept, new]);
    assert_eq!(texts(&run, "crossings_total"), [kept, new, gone], "a counter stays");
    let mut run = run.seconds(30, 0, MS);
    let reports = run.close(false);
    let outcomes: Vec<_> = reports.iter().map(|report| (report.outcome, report.crossings)).collect();
    assert_eq!(outcomes, [(Outcome::Crossed, 1), (Outcome::Holds, 0)], "it was crossed before the plan changed");
}
