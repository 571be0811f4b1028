//! The drill: all causes at once, each in a release of its own.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use serde_json::{Value, json};
use tokio::time::Instant;

use super::causes::{Cause, Release, jobs, labels};
use super::{evaluated, expected, scale};
use crate::fixture::{before, run};
use crate::prometheus::{Prometheus, Series};

/// How much shorter time is, and what of it that allows to wait for.
struct Length {
    factor: u64,
    /// Between two scrapes: four of them are in a window of five minutes, so that one may be missed.
    interval_ms: u32,
    /// Windows of budgets that are waited for; the others take hours to fire, and to end.
    windows: &'static [&'static str],
    /// For each thing that is waited for: many times what it takes.
    patience: Duration,
}

/// In every run of the tests.
const SHORT: Length =
    Length { factor: 100, interval_ms: 750, windows: &["1h", "6h"], patience: Duration::from_secs(120) };
/// The same where that was too fast for this machine: what is late by a second is late by little here.
const SLOWER: Length = Length { factor: 30, interval_ms: 1500, patience: Duration::from_secs(400), ..SHORT };
/// All windows, and more scrapes in each.
const LONG: Length =
    Length { factor: 60, interval_ms: 500, windows: &["1h", "6h", "1d", "3d"], patience: Duration::from_secs(7200) };

/// Evaluations of the rules that are waited for where nothing is to happen: more than any alert waits for in this time.
const EVALUATIONS: u32 = 40;

/// What a machine raises that stands still; there they are right. Nobody is excused for what a cause has to raise, nor on a
/// machine that does not: see [`Drill::stood_still`].
const OF_MACHINES: [&str; 6] =
    ["BelowTarget", "InjectorDown", "InjectorLate", "LatencyBudgetBurn", "NoTraffic", "TargetDown"];

/// Those of each release, as `Name window protocol operation`.
type Alerts = BTreeMap<&'static str, BTreeSet<String>>;

/// Why a drill did not show what it had to, and whether this machine is a reason.
struct Failed {
    text: String,
    stood_still: bool,
}

struct Drill<'a> {
    length: &'a Length,
    prometheus: Prometheus,
    /// When the rules began.
    begun_s: f64,
}

impl Drill<'_> {
    /// The alerts that this expression finds.
    fn alerts(&self, expression: &str) -> Alerts {
        let mut alerts: Alerts = Cause::ALL.iter().map(|cause| (cause.release(), BTreeSet::new())).collect();
        for series in self.prometheus.query(expression) {
            let words = ["alertname", "window", "protocol", "operation"].map(|label| series.label(label));
            let words: Vec<&str> = words.into_iter().filter(|word| !word.is_empty()).collect();
            let release = alerts.iter_mut().find(|(name, _)| **name == series.label("release"));
            let (_, of) = release.unwrap_or_else(|| panic!("an alert of nobody: {series:?}"));
            of.insert(words.join(" ").trim_start_matches("ContinuousLoad").to_owned());
        }
        alerts
    }

    /// Whatever has fired at any time.
    fn fired(&self) -> Alerts {
        self.alerts(&format!("max_over_time(ALERTS{{alertstate=\"firing\"}}[{}])", self.so_far()))
    }

    fn so_far(&self) -> String {
        span(self.begun_s, self.prometheus.now_s())
    }

    /// Whether this machine did, by raw figures of releases that are left alone: one in a hundred requests began late within
    /// some five minutes, or a scrape was not answered.
    fn stood_still(&self) -> bool {
        let name = "continuous_load_client_schedule_delay_seconds";
        let window = format!("{}ms", 300_000 / self.length.factor);
        let alone = "release=~\"well|asked|ruled|lossy\"";
        let late =
            |kind: &str, more: &str| format!("sum by (release) (increase({name}_{kind}{{{alone}{more}}}[{window}]))");
        let share = format!("1 - {} / {}", late("bucket", ",le=\"0.01\""), late("count", ""));
        let step = self.length.interval_ms;
        let so_far = self.so_far();
        let is_late = format!("max_over_time(({share})[{so_far}:{step}ms]) > 0.01");
        let is_missed = format!("min_over_time(up{{{alone}}}[{so_far}]) == 0");
        [is_late, is_missed].iter().any(|expression| !self.prometheus.query(expression).is_empty())
    }

    /// Waits until a condition holds, which it has to within any time. Looks as often as there is something new.
    fn until<T: std::fmt::Debug>(&self, what: &str, look: impl Fn() -> Result<(), T>) -> Result<(), Failed> {
        let pause = Duration::from_millis(self.length.interval_ms.into());
        let held = run(before(Instant::now() + self.length.patience, async || {
            tokio::time::sleep(pause).await;
            look()
        }));
        held.map_err(|last| self.failed(format!("{what}: never, last seen {last:?}")))
    }

    fn failed(&self, text: String) -> Failed {
        Failed { text, stood_still: self.stood_still() }
    }

    /// Waits until the rules have been evaluated so many times more, with the injectors of all releases that are left alone.
    fn evaluated(&self, times: u32) -> Result<(), Failed> {
        let from_s = self.prometheus.now_s();
        self.until("evaluations", || {
            let span = span(from_s, self.prometheus.now_s());
            let series = "continuous_load:client_requests:rate5m{release=~\"well|asked\"}";
            let counts = self.prometheus.query(&format!("count_over_time({series}[{span}])"));
            let least = counts.iter().map(Series::value).fold(f64::INFINITY, f64::min);
            if least.is_finite() && least >= f64::from(times) { Ok(()) } else { Err(least) }
        })
    }

    /// These, but for what this machine did by itself.
    fn judged(&self, mut alerts: Alerts, wanted: &Alerts) -> Alerts {
        if self.stood_still() {
            for (release, alerts) in &mut alerts {
                let is_excused = |alert: &str| OF_MACHINES.contains(&alert.split(' ').next().unwrap());
                alerts.retain(|alert| wanted[release].contains(alert) || !is_excused(alert));
            }
        }
        alerts
    }
}

/// A window from one instant to another.
fn span(from_s: f64, to_s: f64) -> String {
    format!("{}ms", ((to_s - from_s) * 1000.0) as u64 + 1)
}

/// What has to fire, of the windows that are waited for.
fn wanted(length: &Length) -> Alerts {
    let is_awaited = |alert: &&&str| {
        let window = alert.split(' ').nth(1).filter(|_| alert.contains("BudgetBurn"));
        window.is_none_or(|window| length.windows.contains(&window))
    };
    let of = |cause: &Cause| {
        let alerts = expected::of(*cause).iter().filter(is_awaited);
        (cause.release(), alerts.map(|alert| (*alert).to_owned()).collect())
    };
    Cause::ALL.iter().map(of).collect()
}

/// The rules of all releases.
fn rules(length: &Length) -> Value {
    let mut groups: Vec<_> =
        Cause::ALL.iter().flat_map(|cause| scale::groups(cause.release(), length.factor)).collect();
    for group in &mut groups {
        let is_awaited = |window: &str| length.windows.contains(&window);
        group["rules"].as_array_mut().unwrap().retain(|rule| rule["labels"]["window"].as_str().is_none_or(is_awaited));
    }
    json!(groups)
}

/// One drill; without Prometheus, none.
fn each_cause_raises_its_own(length: &Length) -> Result<(), Failed> {
    // For the proxies.
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap();
    let mut releases = Cause::ALL.map(|cause| runtime.block_on(Release::start(cause)));
    let names = Cause::ALL.map(|cause| jobs(cause.release()));
    let labels = Cause::ALL.map(|cause| labels(cause.release()));
    let named = releases.iter().zip(names.iter().zip(&labels));
    let all: Vec<_> = named.flat_map(|(release, (names, labels))| release.jobs(names, labels)).collect();
    let Some(prometheus) = Prometheus::start(length.interval_ms, &all) else { return Ok(()) };
    prometheus.scraped(&names.iter().flatten().map(String::as_str).collect::<Vec<_>>());
    prometheus.rules(&rules(length));
    let drill = Drill { length, begun_s: prometheus.now_s(), prometheus };

    drill.evaluated(EVALUATIONS / 4)?;
    releases.iter_mut().for_each(Release::harm);
    let wanted = wanted(length);
    drill.until("all that has to fire does", || {
        let fired = drill.fired();
        let is_there = |(release, alerts): (&&str, &BTreeSet<String>)| alerts.is_subset(&fired[release]);
        if wanted.iter().all(is_there) { Ok(()) } else { Err(fired) }
    })?;
    releases.iter_mut().for_each(Release::mend);
    drill.evaluated(EVALUATIONS)?;
    drill.until("nothing fires any more", || {
        let firing = drill.judged(drill.alerts("ALERTS{alertstate=\"firing\"}"), &wanted);
        if firing.values().all(BTreeSet::is_empty) { Ok(()) } else { Err(firing) }
    })?;
    let fired = drill.judged(drill.fired(), &wanted);
    if fired != wanted {
        return Err(drill.failed(format!("fired {fired:?}, and not {wanted:?}")));
    }
    evaluated::nothing_is_wrong(&drill.prometheus, &drill.so_far());
    Ok(())
}

/// The first of these in which this machine did not stand still says it, or one that shows everything all the same.
fn one_shows_it(lengths: &[&Length]) {
    for length in lengths {
        match each_cause_raises_its_own(length) {
            Ok(()) => return,
            Err(Failed { text, stood_still }) if !stood_still => panic!("{text}"),
            Err(Failed { text, .. }) => println!("this machine stood still, once more and slower: {text}"),
        }
    }
    panic!("{} drills in which this machine stood still", lengths.len());
}

#[test]
fn each_cause_raises_its_own_alerts_and_no_other() {
    one_shows_it(&[&SHORT, &SLOWER]);
}

#[test]
#[ignore = "takes a quarter of an hour: make soak"]
fn soak_alerts_of_all_windows() {
    one_shows_it(&[&LONG]);
}
