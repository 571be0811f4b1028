//! What the view shows: the last second of the run, what happened in it before, and where the user looks. Pure: frames and
//! keys go in, wishes come out.

use std::collections::VecDeque;
use std::time::Duration;

use crate::course::Status;
use crate::plan::Plan;
use crate::ui::changes::{Change, Changes, Turn, printable};
use crate::ui::figures::Counts;
use crate::ui::frame::{Frame, Window};
use crate::ui::keys::{Act, Wish};

/// Changes that are kept, the last of them.
pub(crate) const LOG_MAX: usize = 200;
/// Seconds of a sparkline.
pub(crate) const SPARK_SECONDS: usize = 60;
/// By how much a key changes the rates, in per cent of the planned ones.
const STEP_PERCENT: u32 = 10;

/// What does not change in a run.
#[derive(Clone, Debug)]
pub struct About {
    /// What the plan is called: its file.
    pub name: String,
    /// Where requests go, in words.
    pub target: String,
    /// How long requests are planned for; nothing: until told to stop.
    pub length: Option<Duration>,
    /// Until when it runs if that has no length, in words.
    pub unlimited: &'static str,
    /// The session, and the threads that send.
    pub session: String,
    /// How many threads send.
    pub workers: u32,
}

impl About {
    /// Of a plan.
    pub fn new(name: &str, plan: &Plan, length: Option<Duration>, session: &str, workers: u32) -> About {
        let mut hosts: Vec<String> =
            plan.operations.iter().map(|operation| operation.endpoint.host.to_string()).collect();
        hosts.sort();
        hosts.dedup();
        let target = match &hosts[..] {
            [one] => one.clone(),
            many => format!("{} hosts", many.len()),
        };
        let unlimited = match plan.phases.len() {
            _ if plan.is_endless() => "until told to stop",
            1 => "until everything is sent",
            _ => "until its phases are over",
        };
        let (name, session) = (name.to_owned(), session.to_owned());
        About { name, target, length: plan.length(length), unlimited, session, workers }
    }
}

/// One second of a sparkline.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Spark {
    /// Nothing was answered, or the second was not told of.
    Nothing,
    /// Some requests went wrong.
    Troubled,
    /// The slowest of a hundred took so long.
    Took(Duration),
}

/// What is shown beside or instead of the operations.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum Page {
    #[default]
    Table,
    Detail,
    Help,
}

/// Everything that is shown.
#[derive(Debug)]
pub(crate) struct Model {
    pub(crate) about: About,
    /// What the run does, as last known: a key must not be answered a second late.
    pub(crate) status: Status,
    /// Nothing before the first second is over.
    pub(crate) frame: Option<Frame>,
    /// Of each operation, the last [`SPARK_SECONDS`], oldest first.
    pub(crate) sparks: Vec<VecDeque<Spark>>,
    /// Oldest first.
    pub(crate) log: VecDeque<Change>,
    pub(crate) page: Page,
    pub(crate) selected: usize,
    /// The window that was asked for; the frame has its own.
    pub(crate) window: Window,
    /// `q` was pressed, and the question is open.
    pub(crate) asks_to_quit: bool,
    /// Why the last wish was not granted.
    pub(crate) refused: Option<String>,
    changes: Changes,
    known: Vec<Counts>,
}

impl Model {
    pub(crate) fn new(about: About, status: Status) -> Model {
        let mut model = Model {
            about,
            status: status.clone(),
            frame: None,
            sparks: Vec::new(),
            log: VecDeque::new(),
            page: Page::default(),
            selected: 0,
            window: Window::default(),
            asks_to_quit: false,
            refused: None,
            changes: Changes::default(),
            known: Vec::new(),
        };
        model.status(status);
        model
    }

    /// Another second. What happened is found from the sums, so that a second that was left out is not missed.
    pub(crate) fn frame(&mut self, frame: Frame) {
        let missed = self.seconds_missed(frame.elapsed);
        let mut changes = self.changes.judged(frame.elapsed, &frame.thresholds);
        for (at, part) in frame.parts.iter().enumerate() {
            let (Some(known), Some(sparks)) = (self.known.get_mut(at), self.sparks.get_mut(at)) else { continue };
            let new = since(&part.all, known);
            *known = part.all;
            let example =
                |trouble| part.examples.iter().find(|(other, _)| *other == trouble).map(|(_, words)| words.as_str());
            changes.extend(self.changes.note(frame.elapsed, at, &new, example));
            let spark = match part.second {
                (counts, _) if counts.is_troubled() => Spark::Troubled,
                (_, Some(took)) => Spark::Took(took),
                (_, None) => Spark::Nothing,
            };
            for spark in std::iter::repeat_n(Spark::Nothing, missed).chain([spark]) {
                if sparks.len() == SPARK_SECONDS {
                    sparks.pop_front();
                }
                sparks.push_back(spark);
            }
        }
        changes.into_iter().for_each(|change| self.log(change));
        self.frame = Some(frame);
    }

    /// How many seconds there were since the last frame that nobody told of.
    fn seconds_missed(&self, elapsed: Duration) -> usize {
        let before = self.frame.as_ref().map_or(elapsed, |frame| frame.elapsed);
        let seconds = elapsed.saturating_sub(before).as_secs_f64().round() as usize;
        seconds.saturating_sub(1).min(SPARK_SECONDS)
    }

    /// A word from elsewhere in the program.
    pub(crate) fn say(&mut self, turn: Turn, text: &str) {
        let at = self.elapsed();
        self.log(Change { at, turn, operation: None, text: printable(text) });
    }

    fn log(&mut self, change: Change) {
        if self.log.len() == LOG_MAX {
            self.log.pop_front();
        }
        self.log.push_back(change);
    }

    /// What a key changes here, and what it asks of the run.
    pub(crate) fn press(&mut self, act: Act) -> Option<Wish> {
        self.refused = None;
        if std::mem::take(&mut self.asks_to_quit) {
            return matches!(act, Act::Quit | Act::Detail).then_some(Wish::Stop);
        }
        let last = self.status.operations.len().saturating_sub(1);
        match act {
            Act::Window => self.window = self.window.next(),
            Act::Up => self.selected = self.selected.saturating_sub(1),
            Act::Down => self.selected = (self.selected + 1).min(last),
            Act::First => self.selected = 0,
            Act::Last => self.selected = last,
            Act::Detail => self.page = if self.page == Page::Table { Page::Detail } else { Page::Table },
            Act::Help => self.page = if self.page == Page::Help { Page::Table } else { Page::Help },
            Act::Back => self.page = Page::Table,
            Act::Quit => self.asks_to_quit = true,
            Act::PauseOrResume => return Some(if self.status.is_paused() { Wish::Resume } else { Wish::Pause }),
            Act::Faster => return Some(Wish::Scale(self.percent().saturating_add(STEP_PERCENT))),
            Act::Slower => return Some(Wish::Scale(self.percent().saturating_sub(STEP_PERCENT))),
            Act::AsPlanned => return Some(Wish::Scale(100)),
            Act::Redraw | Act::Interrupt | Act::Suspend | Act::Other => {}
        }
        None
    }

    /// Of the planned rates, in whole per cent.
    fn percent(&self) -> u32 {
        self.status.scale.thousandths() / 1_000
    }

    /// The run does something else.
    pub(crate) fn status(&mut self, status: Status) {
        let changes = self.changes.status(self.elapsed().max(status.since), &status);
        changes.into_iter().for_each(|change| self.log(change));
        let operations = status.operations.len();
        self.status = status;
        // A reload may have brought some.
        self.sparks.resize_with(operations, || VecDeque::with_capacity(SPARK_SECONDS));
        self.known.resize_with(operations, Counts::default);
        self.changes.grow(operations);
    }

    /// Since the first slot, as far as was told.
    pub(crate) fn elapsed(&self) -> Duration {
        self.frame.as_ref().map_or(Duration::ZERO, |frame| frame.elapsed)
    }

    /// How long it has run without pauses by then: what the planned length is held against.
    pub(crate) fn active(&self) -> Duration {
        self.status.active(self.elapsed())
    }

    /// Thresholds that do not hold, and how many there are.
    pub(crate) fn crossed(&self) -> (usize, usize) {
        let thresholds = self.frame.as_ref().map_or(&[][..], |frame| &frame.thresholds);
        (thresholds.iter().filter(|one| one.holds == Some(false)).count(), thresholds.len())
    }

    /// The log as lines to keep when the view is gone.
    pub(crate) fn farewell(&self) -> Vec<String> {
        let names = |at: usize| self.status.operations.get(at).map(|operation| operation.name.as_str());
        self.log.iter().map(|change| change_in_words(change, change.operation.and_then(names))).collect()
    }
}

/// `! 12s web: reset begins (2)`.
pub(crate) fn change_in_words(change: &Change, operation: Option<&str>) -> String {
    let operation = operation.map_or_else(String::new, |name| format!("{name}: "));
    format!("{} {:>5}  {operation}{}", change.turn.mark(), clock(change.at), change.text)
}

/// Whole seconds as `7s`, `1m20s`, `2h03m`, `3d04h`.
pub(crate) fn clock(duration: Duration) -> String {
    let seconds = duration.as_secs_f64().round() as u64;
    let (minutes, hours) = (seconds / 60, seconds / 3_600);
    match seconds {
        0..60 => format!("{seconds}s"),
        60..3_600 => format!("{minutes}m{:02}s", seconds % 60),
        3_600..86_400 => format!("{hours}h{:02}m", minutes % 60),
        _ => format!("{}d{:02}h", hours / 24, hours % 24),
    }
}

/// What was counted after `before`.
fn since(now: &Counts, before: &Counts) -> Counts {
    let mut new = *now;
    new.planned = new.planned.saturating_sub(before.planned);
    new.success = new.success.saturating_sub(before.success);
    let failures = new.failures.iter_mut().zip(before.failures);
    failures.chain(new.dropped.iter_mut().zip(before.dropped)).for_each(|(mine, old)| *mine = mine.saturating_sub(old));
    new
}

#[cfg(test)]
mod tests;
