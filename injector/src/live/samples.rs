//! What the target's own account said of each operation, each time it was asked: for the line of what it received, and to know
//! of faults that no answer could tell of.
//!
//! At most [`SAMPLES_MAX`]; then every other one goes, so that the whole run stays in sight.

use std::time::Duration;

use serde::Serialize;
use tokio::time::Instant;

use crate::summary::Operation;

/// Most of them: with one in ten seconds the first fifty minutes are whole.
const SAMPLES_MAX: usize = 300;
/// An account older than this says nothing of now: it is asked for every ten seconds, and a question takes its time.
const FRESH: Duration = Duration::from_secs(25);

/// What both sides counted of one operation when the target was last asked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Agreement {
    /// When the answer came.
    pub(crate) at: Instant,
    /// Requests that went out by then, of any kind.
    pub(crate) sent: u64,
    /// Requests that arrived, by the target's account.
    pub(crate) received: u64,
    /// Complete answers here.
    pub(crate) answered: u64,
    /// Complete answers there.
    pub(crate) answered_there: u64,
    /// Requests that a rule of the target had a hand in, as it counts.
    pub(crate) by_rule: u64,
}

impl Agreement {
    /// At the end of a run; nothing if the target did not tell.
    pub(crate) fn at_last(operation: &Operation) -> Option<Agreement> {
        let (ours, theirs) = (&operation.client, operation.server.as_ref()?);
        Some(Agreement {
            at: Instant::now(),
            sent: ours.sent + ours.fallbacks,
            received: theirs.received,
            answered: ours.answered,
            answered_there: theirs.answered_total(),
            by_rule: theirs.by_rule,
        })
    }
}

/// One question, whose answer came so long after the first slot.
#[derive(Clone, Debug)]
struct Sample {
    at: Duration,
    /// By operation; nothing where nothing was told.
    told: Vec<Option<Told>>,
}

#[derive(Clone, Copy, Debug)]
struct Told {
    received: u64,
    /// Since the question before.
    undeclared: u64,
}

/// Requests of one operation that rules of the target struck, by what each side knows of them.
///
/// Ours is a little newer than the target's, never older: the difference is never too high, and where it grows there were
/// requests that no answer told of.
#[derive(Clone, Copy, Debug, Default)]
struct Struck {
    there: u64,
    /// Ours when the target's process began anew, which knows nothing of those before.
    before: u64,
    undeclared: u64,
}

impl Struck {
    /// How many more there are of which no answer told.
    fn note(&mut self, there: u64, here: u64) -> u64 {
        if there < self.there {
            *self = Struck { before: here, ..Struck::default() };
        }
        self.there = there;
        let undeclared = there.saturating_sub(here - self.before.min(here));
        let new = undeclared.saturating_sub(self.undeclared);
        self.undeclared += new;
        new
    }
}

/// All questions of a run.
#[derive(Debug, Default)]
pub(crate) struct Samples {
    held: Vec<Sample>,
    asked: Option<Instant>,
    /// By operation.
    struck: Vec<Struck>,
}

/// The samples as data: a column of times, and one of totals for each operation and all together.
#[derive(Debug, Default, Serialize)]
pub(crate) struct Columns {
    /// When the target was asked, in seconds since the first slot.
    pub(crate) at_s: Vec<f64>,
    /// Requests it had received by then; of all operations that it told of.
    pub(crate) received: Vec<u64>,
    /// Requests since the question before that rules of the target struck and of which no answer could say so.
    pub(crate) undeclared: Vec<u64>,
    /// Requests received by then, by operation in the plan's order; nothing where it did not tell.
    pub(crate) operations: Vec<Vec<Option<u64>>>,
}

impl Samples {
    /// What is known at `elapsed`; `by_rule` are the requests of each operation whose answer said that a rule had a hand in it.
    pub(crate) fn note(&mut self, elapsed: Duration, told: &[Option<Agreement>], by_rule: impl Iterator<Item = u64>) {
        let newest = told.iter().flatten().map(|one| one.at).max();
        if newest <= self.asked {
            return;
        }
        self.asked = newest;
        // The answer is older than the second in which it is known.
        let at = elapsed.saturating_sub(newest.map_or(Duration::ZERO, |at| at.elapsed()));
        self.struck.resize_with(self.struck.len().max(told.len()), Struck::default);
        let told = told.iter().zip(by_rule).zip(&mut self.struck).map(|((one, here), struck)| {
            one.map(|one| Told { received: one.received, undeclared: struck.note(one.by_rule, here) })
        });
        self.held.push(Sample { at, told: told.collect() });
        if self.held.len() > SAMPLES_MAX {
            let mut at = 0;
            let mut carried: Vec<u64> = Vec::new();
            self.held.retain_mut(|sample| {
                at += 1;
                let is_kept = at % 2 == 0;
                // What was struck before one that goes is of the next one.
                carried.resize(carried.len().max(sample.told.len()), 0);
                for (told, carried) in sample.told.iter_mut().zip(&mut carried) {
                    let Some(told) = told else { continue };
                    let new = std::mem::replace(carried, if is_kept { 0 } else { told.undeclared });
                    told.undeclared += if is_kept { new } else { 0 };
                }
                is_kept
            });
        }
    }

    /// Requests of an operation that rules of the target struck between the last two questions, and that no answer told of:
    /// the target cut them off, or let them wait for ever. Nothing if that is long ago.
    pub(crate) fn undeclared(&self, operation: usize) -> u64 {
        let is_fresh = self.asked.is_some_and(|asked| asked.elapsed() <= FRESH);
        let last = self.held.last().filter(|_| is_fresh);
        last.and_then(|last| last.told.get(operation).copied().flatten()).map_or(0, |told| told.undeclared)
    }

    /// All of them.
    pub(crate) fn columns(&self) -> Columns {
        let operations = self.held.iter().map(|sample| sample.told.len()).max().unwrap_or_default();
        let received = |at: usize| {
            let told = self.held.iter().map(move |sample| Some(sample.told.get(at).copied().flatten()?.received));
            told.collect()
        };
        let undeclared = |sample: &Sample| sample.told.iter().flatten().map(|told| told.undeclared).sum();
        let sum = |sample: &Sample| sample.told.iter().flatten().map(|told| told.received).sum();
        Columns {
            at_s: self.held.iter().map(|sample| sample.at.as_secs_f64()).collect(),
            received: self.held.iter().map(sum).collect(),
            undeclared: self.held.iter().map(undeclared).collect(),
            operations: (0..operations).map(received).collect(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn told(at: Instant, received: u64, by_rule: u64) -> [Option<Agreement>; 2] {
        let one = Agreement { at, sent: received, received, answered: received, answered_there: received, by_rule };
        [Some(one), None]
    }

    #[tokio::test(start_paused = true)]
    async fn each_answer_is_kept_once_and_old_ones_thin_out() {
        let mut samples = Samples::default();
        for n in 1..=u64::try_from(SAMPLES_MAX).unwrap() {
            tokio::time::advance(Duration::from_secs(10)).await;
            let now = Instant::now();
            for second in 0..3 {
                samples.note(Duration::from_secs(n * 10 + second), &told(now, n * 100, n), [0, 0].into_iter());
            }
        }
        let columns = samples.columns();
        assert_eq!((columns.at_s.len(), columns.at_s[1], columns.received[1]), (SAMPLES_MAX, 20.0, 200));
        assert_eq!((columns.operations[0][1], columns.operations[1][1]), (Some(200), None));
        assert_eq!((samples.undeclared(0), samples.undeclared(1), samples.undeclared(7)), (1, 0, 0));
        samples.note(Duration::from_secs(4_000), &told(Instant::now() + FRESH, 1, 1), [0, 0].into_iter());
        assert_eq!(samples.columns().at_s[..2], [20.0, 40.0]);
    }

    #[tokio::test(start_paused = true)]
    async fn faults_that_no_answer_told_of_are_of_the_last_interval() {
        let mut samples = Samples::default();
        let start = Instant::now();
        for (n, there, here) in [(0, 5, 5), (10, 25, 9)] {
            let at = start + Duration::from_secs(n);
            samples.note(Duration::from_secs(n), &told(at, 100, there), [here, 0].into_iter());
        }
        assert_eq!((samples.undeclared(0), samples.columns().undeclared), (16, vec![0, 16]));
        // Ours is of a moment later, which hides some and invents none; and a process that began anew counts from 0.
        for (n, there, here, undeclared) in [(11, 30, 20, 0), (12, 40, 22, 2), (13, 3, 24, 3), (14, 9, 28, 2)] {
            samples.note(
                Duration::from_secs(n),
                &told(start + Duration::from_secs(n), 100, there),
                [here, 0].into_iter(),
            );
            assert_eq!(samples.undeclared(0), undeclared, "{n}");
        }
        tokio::time::advance(Duration::from_secs(10) + FRESH * 2).await;
        assert_eq!(samples.undeclared(0), 0, "long ago");
    }
}
