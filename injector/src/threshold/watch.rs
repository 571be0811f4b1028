//! Judges a run's thresholds while it is under way, and at its end.
//!
//! - Of the whole run: each tick on what there is so far, for the metrics and for `abort`; what counts is the end.
//! - Of a window: on every full window, once a second, or once in ten seconds where a window is longer than two minutes,
//!   which moves on no faster. One that did not hold counts, however well the run ends: that is what a window is asked for.
//!   At the end the last window is judged once more, also if it is shorter because the run was.
//! - What never had enough data to be judged does not hold.

use std::collections::BTreeSet;
use std::time::Duration;

use super::measure::{Judgement, Measured, Span, judge};
use super::metrics::ThresholdRed;
use super::{Bound, Compared, Condition, bound, value_in_words};
use crate::account::{Durations, OperationAccount};
use crate::history::{COARSE_SLICE, FINE, History};
use crate::plan::Plan;

/// What became of a threshold.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// It holds.
    Holds,
    /// It does not, or did not in a window.
    Crossed,
    /// It could not be judged, which does not pass.
    NoData,
}

/// A threshold at the end of a run.
#[derive(Clone, Debug)]
pub struct Report {
    /// As printed.
    pub text: String,
    /// What was asked for.
    pub condition: Condition,
    /// What became of it.
    pub outcome: Outcome,
    /// The last figure: of the whole run, or of the last window.
    pub value: Option<f64>,
    /// The figure furthest from the limit, of all that were judged; of a window only.
    pub worst: Option<f64>,
    /// How many samples the last figure is made of.
    pub samples: u64,
    /// How often it stopped holding while the run was under way; of a window only.
    pub crossings: u64,
    /// When it first did not hold, since the first slot; likewise.
    pub first_crossed: Option<Duration>,
    /// How long it did not hold in all; likewise.
    pub crossed_for: Duration,
    /// It ended the run.
    pub has_aborted: bool,
}

impl Report {
    /// What was measured, and for how long it did not hold.
    pub fn words(&self) -> String {
        let value = |value: Option<f64>| value.map(|value| value_in_words(&self.condition, value));
        let samples = shared::units::counted(self.samples, "sample");
        let mut text = match (self.outcome, value(self.value)) {
            (Outcome::NoData, _) => format!("{samples}, and it needs {}: no data never passes", self.condition.needs()),
            (_, Some(last)) => match value(self.worst).filter(|worst| *worst != last) {
                Some(worst) => format!("{last} at the end, {worst} at worst, of {samples}"),
                None => format!("{last} of {samples}"),
            },
            (_, None) => format!("no data at the end, where requests came to theirs ({samples})"),
        };
        if let Some(first) = self.first_crossed {
            let [first, length] = [first, self.crossed_for].map(|time| format!("{:.0} s", time.as_secs_f64()));
            let often = match self.crossings {
                1 => String::new(),
                often => format!("{often} times, "),
            };
            text.push_str(&format!("; crossed {often}first after {first}, for {length} in all"));
        }
        if self.has_aborted {
            text.push_str("; ended the run");
        }
        text
    }
}

/// A threshold while the run is under way.
#[derive(Clone, Debug)]
pub(crate) struct Standing {
    /// As printed.
    pub(crate) text: String,
    /// The last judgement there was; nothing if there was none.
    pub(crate) holds: Option<bool>,
    /// The figure that was judged.
    pub(crate) value: Option<f64>,
    /// How many samples that is made of.
    pub(crate) samples: u64,
    /// How often it stopped holding.
    pub(crate) crossings: u64,
}

struct Watched {
    text: String,
    bound: Bound,
    abort_after: Option<Duration>,
    /// The last judgement there was; nothing if there was none.
    holds: Option<bool>,
    last: Option<Measured>,
    worst: Option<f64>,
    crossings: u64,
    first_crossed: Option<Duration>,
    crossed_for: Duration,
    has_aborted: bool,
}

impl Watched {
    fn new(text: String, bound: Bound, abort_after: Option<Duration>) -> Watched {
        Watched {
            text,
            bound,
            abort_after,
            holds: None,
            last: None,
            worst: None,
            crossings: 0,
            first_crossed: None,
            crossed_for: Duration::ZERO,
            has_aborted: false,
        }
    }

    fn condition(&self) -> &Condition {
        &self.bound.condition
    }

    /// A judgement under way; `since` the last one.
    fn note(&mut self, measured: Measured, judgement: Judgement, now: Duration, since: Duration, red: &ThresholdRed) {
        let holds = match judgement {
            Judgement::Unknown => return,
            Judgement::Holds => true,
            // The whole run may still get what it has not: only a window is over.
            Judgement::Empty if self.condition().over.is_none() => return,
            Judgement::Fails | Judgement::Empty => false,
        };
        if !holds && self.holds != Some(false) {
            self.crossings += 1;
            self.first_crossed.get_or_insert(now);
            red.crossed(&self.text);
        }
        if !holds {
            self.crossed_for += since;
        }
        red.judged(&self.text, holds, measured.value);
        (self.holds, self.last) = (Some(holds), Some(measured));
        if let Some(value) = measured.value {
            let comparison = self.condition().comparison;
            self.worst = Some(self.worst.map_or(value, |worst| comparison.worse(worst, value)));
        }
    }

    /// Whether the run is to end now, after so long without pauses.
    fn ends(&mut self, active: Duration) -> bool {
        let ends = self.holds == Some(false) && self.abort_after.is_some_and(|after| active >= after);
        self.has_aborted |= ends;
        ends
    }

    /// What became of it; `last` is judged on everything, or on the last window.
    fn report(&self, measured: Measured, judgement: Judgement, is_continuous: bool) -> Report {
        let is_windowed = self.condition().over.is_some();
        let at_end = match judgement {
            Judgement::Holds => Outcome::Holds,
            Judgement::Fails => Outcome::Crossed,
            Judgement::Empty | Judgement::Unknown => match self.holds {
                // Too little in the last window, as after a pause: what was seen before stands.
                Some(true) if is_windowed && judgement == Judgement::Unknown => Outcome::Holds,
                Some(false) if is_windowed && judgement == Judgement::Unknown => Outcome::Crossed,
                _ => Outcome::NoData,
            },
        };
        let was_crossed = self.has_aborted || (is_windowed && !is_continuous && self.crossings > 0);
        Report {
            text: self.text.clone(),
            condition: self.condition().clone(),
            outcome: if was_crossed { Outcome::Crossed } else { at_end },
            value: measured.value,
            worst: self.worst.filter(|_| is_windowed),
            samples: measured.samples,
            crossings: if is_windowed { self.crossings } else { 0 },
            first_crossed: self.first_crossed.filter(|_| is_windowed),
            crossed_for: if is_windowed { self.crossed_for } else { Duration::ZERO },
            has_aborted: self.has_aborted,
        }
    }
}

/// The thresholds of a run.
pub struct Watch {
    watched: Vec<Watched>,
    /// The windows that are asked for, each with when it was last looked at.
    windows: Vec<(Duration, Duration)>,
    looked: Duration,
    red: ThresholdRed,
    /// Kept from tick to tick, because nothing here may grow anew for months.
    scratch: Durations,
    accounts: Vec<OperationAccount>,
}

impl Watch {
    /// Of a plan's.
    pub fn new(plan: &Plan) -> Watch {
        let mut watch = Watch {
            watched: Vec::new(),
            windows: Vec::new(),
            looked: Duration::ZERO,
            red: ThresholdRed::new(plan.source.to_string()),
            scratch: Durations::default(),
            accounts: Vec::new(),
        };
        watch.follow(plan);
        watch
    }

    /// Goes on by those of another plan: what is still asked for in the same words keeps what became of it so far.
    pub(crate) fn follow(&mut self, plan: &Plan) {
        let mut before = std::mem::take(&mut self.watched);
        for (threshold, bound) in &plan.thresholds {
            let text = threshold.to_string();
            self.red.watches(&text, bound.condition.limit.value());
            let held = before.iter().position(|one| one.text == text).map(|place| before.swap_remove(place));
            let (bound, abort_after) = (bound.clone(), threshold.abort_after);
            self.watched.push(match held {
                Some(held) => Watched { bound, abort_after, ..held },
                None => Watched::new(text, bound, abort_after),
            });
        }
        before.iter().for_each(|one| self.red.forgets(&one.text));
        let windows: BTreeSet<Duration> = self.watched.iter().filter_map(|one| one.condition().over).collect();
        let looked = |over| self.windows.iter().find(|(known, _)| *known == over).map_or(self.looked, |(_, at)| *at);
        self.windows = windows.into_iter().map(|over| (over, looked(over))).collect();
    }

    /// The collector of what is exported.
    pub fn red(&self) -> ThresholdRed {
        self.red.clone()
    }

    /// Judges what there is at `now`, which is since the first slot; the words of the one that ends the run, if one does.
    pub(crate) fn look(&mut self, now: Duration, run: &Span<'_>, history: &History) -> Option<String> {
        let Watch { watched, windows, looked, red, scratch, accounts } = self;
        let since = now.saturating_sub(*looked);
        *looked = now;
        for one in watched.iter_mut().filter(|one| one.condition().over.is_none()) {
            let (measured, judgement) = judge(&one.bound, run, scratch);
            one.note(measured, judgement, now, since, red);
        }
        for (over, looked) in windows {
            let since = now.saturating_sub(*looked);
            if !bound::is_full(history, *over) || *over > FINE && since < COARSE_SLICE {
                continue;
            }
            *looked = now;
            history.window_into(*over, accounts);
            let length = history.active_in(*over);
            let span = Span { accounts, fates: None, compared: &[], length };
            // The first look is at a whole window, of which it is not known how long it has been so.
            let since = if since == now { Duration::ZERO } else { since };
            for one in watched.iter_mut().filter(|one| one.condition().over == Some(*over)) {
                let (measured, judgement) = judge(&one.bound, &span, scratch);
                one.note(measured, judgement, now, since, red);
            }
        }
        watched.iter_mut().find_map(|one| one.ends(run.length).then(|| one.text.clone()))
    }

    /// As they stand, in the plan's order.
    pub(crate) fn standing(&self) -> Vec<Standing> {
        let standing = |one: &Watched| Standing {
            text: one.text.clone(),
            holds: one.holds,
            value: one.last.and_then(|measured| measured.value),
            samples: one.last.map_or(0, |measured| measured.samples),
            crossings: one.crossings,
        };
        self.watched.iter().map(standing).collect()
    }

    /// Judges all at the end of a run, and says what became of each. A run without an end that was told to stop is judged by
    /// what is then, and not by a window of weeks ago, of which the metrics have told.
    pub(crate) fn close(
        &mut self,
        accounts: &[OperationAccount],
        compared: &[Option<Compared>],
        length: Duration,
        history: &History,
        is_continuous: bool,
    ) -> Vec<Report> {
        let Watch { watched, red, scratch, accounts: window, .. } = self;
        let run = Span { accounts, fates: None, compared, length };
        let close = |one: &mut Watched| {
            let (measured, judgement) = match one.condition().over {
                None => judge(&one.bound, &run, scratch),
                Some(over) => {
                    history.window_into(over, window);
                    let length = history.active_in(over);
                    judge(&one.bound, &Span { accounts: window, length, ..run }, scratch)
                }
            };
            let report = one.report(measured, judgement, is_continuous);
            red.judged(&one.text, report.outcome == Outcome::Holds, report.value);
            report
        };
        watched.iter_mut().map(close).collect()
    }
}
