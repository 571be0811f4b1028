//! What held for a while in a run, and for how long: bands behind a chart.

use std::collections::VecDeque;
use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::course::Status;

/// Most of them. Then those of before make room, first those that were drawn thinnest.
pub(super) const MARKS_MAX: usize = 200;
/// A rule that strikes now and then is seen in some seconds only, and a machine that stood still tells no second: so much
/// between two of them, or a point, is one band.
const GAP: Duration = Duration::from_secs(3);

/// What held.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Kind {
    /// A phase of the scenario, by its name.
    Phase,
    /// Nothing was planned, because somebody said so or a gate was waited for.
    Pause,
    /// The scenario was exchanged for another. It has no length.
    Reload,
    /// This threshold did not hold.
    Threshold,
    /// Answers said that this fault rule of the target had a hand in them.
    Rule,
    /// Something that a later version knows.
    #[serde(other)]
    Other,
}

/// One of them.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Mark {
    /// What held.
    pub kind: Kind,
    /// Which, in words.
    pub label: String,
    /// Since when, in seconds since the first slot.
    pub from_s: f64,
    /// Until when; of one that still holds, until now.
    pub until_s: f64,
}

#[derive(Debug)]
struct Held {
    kind: Kind,
    label: String,
    from: Duration,
    until: Duration,
}

/// All of a run.
#[derive(Debug, Default)]
pub(super) struct Marks {
    /// In the order they began.
    held: VecDeque<Held>,
}

impl Marks {
    /// What the run was doing in a second.
    pub(super) fn status(&mut self, status: &Status, from: Duration, until: Duration) {
        // Of the phase, or of the pause; what is told is what was at the end of the second.
        let began = status.since.clamp(from, until);
        // A scenario without phases has one, of which there is nothing to say.
        if status.phases > 1 {
            let last = self.held.iter_mut().rev().find(|held| held.kind == Kind::Phase);
            let from = match last {
                Some(last) if last.label != status.phase.as_str() && !status.is_paused() => {
                    last.until = began;
                    began
                }
                _ => from,
            };
            self.extend(Kind::Phase, status.phase.as_str(), (from, until), Duration::ZERO);
        }
        if status.is_paused() {
            let label = match status.waits_for {
                Some(phase) => format!("waits for the gate of {phase}"),
                None => "paused".to_owned(),
            };
            self.extend(Kind::Pause, &label, (began, until), Duration::ZERO);
        }
    }

    /// Rules that had a hand in answers of a second.
    pub(super) fn rules<'a>(
        &mut self,
        names: impl Iterator<Item = &'a str>,
        from: Duration,
        until: Duration,
        step: Duration,
    ) {
        for name in names {
            self.extend(Kind::Rule, name, (from, until), GAP.max(step));
        }
    }

    /// Thresholds that do not hold at this instant.
    pub(super) fn crossed<'a>(&mut self, texts: impl Iterator<Item = &'a str>, now: Duration) {
        for text in texts {
            self.extend(Kind::Threshold, text, (now, now), GAP);
        }
    }

    /// Another scenario from this instant on.
    pub(super) fn reloaded(&mut self, now: Duration, words: &str) {
        self.extend(Kind::Reload, words, (now, now), Duration::ZERO);
    }

    /// Lengthens the last one of the kind and label, if that ended no longer ago than `gap`, or begins another.
    fn extend(&mut self, kind: Kind, label: &str, (from, until): (Duration, Duration), gap: Duration) {
        let same = self.held.iter_mut().rev().find(|held| held.kind == kind && held.label == label);
        match same {
            Some(held) if from <= held.until + gap => held.until = held.until.max(until),
            _ => self.held.push_back(Held { kind, label: label.to_owned(), from, until }),
        }
        while self.held.len() > MARKS_MAX {
            self.forget();
        }
    }

    /// Points became longer: what is nearer to each other than one is one.
    pub(super) fn coarsen(&mut self, step: Duration) {
        for held in std::mem::take(&mut self.held) {
            // Phases follow each other, and none comes twice.
            let gap = if matches!(held.kind, Kind::Reload | Kind::Phase) { Duration::ZERO } else { step };
            self.extend(held.kind, &held.label, (held.from, held.until), gap);
        }
    }

    /// The shortest goes that is not of the newest half; whatever is left is drawn.
    fn forget(&mut self) {
        let old = self.held.iter().take(MARKS_MAX / 2).enumerate();
        let shortest = old.min_by_key(|(_, held)| held.until - held.from).map(|(at, _)| at);
        self.held.remove(shortest.unwrap_or_default());
    }

    /// As data.
    pub(super) fn all(&self) -> Vec<Mark> {
        let mark = |held: &Held| Mark {
            kind: held.kind,
            label: held.label.clone(),
            from_s: held.from.as_secs_f64(),
            until_s: held.until.as_secs_f64(),
        };
        self.held.iter().map(mark).collect()
    }
}
