//! What the run last told, for whoever asks the admin listener: written once a second, read from memory.
//!
//! - A window ends now, and not when the run last told something: of a run that is over, or stands still, it has less and
//!   less, and at last nothing.
//! - Memory is the history's and the timeline's, and a few figures for each operation.

use std::path::Path;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, SystemTime};

use shared::identity::Session;
use shared::outcome::{DropReason, ErrorClass};
use tokio::time::Instant;

use super::bad;
use crate::account::OperationAccount;
use crate::control::Control;
use crate::engine::Tick;
use crate::fate::Fates;
use crate::history::{History, REACH};
use crate::live::{Agreement, Listeners, Recent, Samples};
use crate::plan::Plan;
use crate::threshold::{Compared, Standing};
use crate::timeline::{Figures, Timeline};
use crate::verdict::Exit;
use shared::admin::problem::Problem;
use shared::units::parse_duration;

/// A run that told something within this is up to date: it tells once a second, on a machine that may be busy.
const FRESH: Duration = Duration::from_secs(3);

/// One operation since the start of the run.
#[derive(Clone, Debug, Default)]
pub(super) struct Totals {
    pub(super) planned: u64,
    pub(super) success: u64,
    pub(super) failed: u64,
    pub(super) late: u64,
    pub(super) limit: u64,
    pub(super) interrupted: u64,
    pub(super) in_flight: i64,
}

impl Totals {
    fn of(account: &OperationAccount) -> Totals {
        Totals {
            planned: account.planned,
            success: account.success,
            failed: account.failed(),
            late: account.dropped[DropReason::Late.index()],
            limit: account.dropped[DropReason::Limit.index()],
            interrupted: account.interrupted,
            in_flight: account.in_flight,
        }
    }
}

/// The latest failure of a class.
#[derive(Clone, Debug)]
pub(super) struct LastError {
    pub(super) class: ErrorClass,
    pub(super) words: String,
    /// Since the first slot.
    pub(super) at: Duration,
}

/// What is known beside the history.
#[derive(Clone, Debug, Default)]
pub(super) struct Known {
    /// When the run last told something, and how long it had been going on.
    pub(super) told: Option<(Instant, Duration)>,
    /// How long it had been going on without pauses.
    active: Duration,
    /// By operation in the plan's order; empty before the first second is over.
    pub(super) totals: Vec<Totals>,
    /// Likewise; at most one of a class.
    pub(super) errors: Vec<Vec<LastError>>,
    pub(super) compared: Vec<Option<Compared>>,
    /// Likewise: what both sides had counted when the target was last asked.
    pub(super) agreed: Vec<Option<Agreement>>,
    pub(super) thresholds: Vec<Standing>,
    /// The last request has come to its end.
    pub(super) is_finished: bool,
    /// With what it ended, and why.
    pub(super) ended: Option<(Exit, Vec<String>)>,
}

/// What happened in a window.
pub(super) struct Seen {
    /// By operation in the plan's order.
    pub(super) accounts: Vec<OperationAccount>,
    /// How long it is: shorter than asked for if the run is.
    pub(super) length: Duration,
    /// The same without pauses.
    pub(super) active: Duration,
    pub(super) compared: Vec<Option<Compared>>,
    /// What it ends with.
    pub(super) as_of: SystemTime,
}

/// What the run last told.
pub(crate) struct Board {
    /// The scenario's file.
    pub(super) scenario: String,
    pub(super) session: Session,
    /// What is run, with what reloads have brought.
    plan: Mutex<Arc<Plan>>,
    pub(super) control: Control,
    /// How long requests are planned for; nothing: until told to stop, or not known.
    pub(super) length: Option<Duration>,
    known: Mutex<Known>,
    history: Mutex<History>,
    pub(super) listeners: Listeners,
    drawn: Mutex<Drawn>,
}

/// What charts are made of.
#[derive(Default)]
pub(super) struct Drawn {
    pub(super) timeline: Timeline,
    pub(super) recent: Recent,
    pub(super) samples: Samples,
}

impl Board {
    /// Of a run that has told nothing yet. `plan` is the very one of its ticks until a reload brings another.
    pub(crate) fn new(scenario: String, session: Session, plan: Arc<Plan>, control: Control) -> Board {
        let plan = Mutex::new(plan);
        let (known, history, listeners, drawn) = Default::default();
        Board { scenario, session, plan, control, length: None, known, history, listeners, drawn }
    }

    /// Of a run that is planned for so long, without pauses.
    pub(crate) fn lasting(mut self, length: Option<Duration>) -> Board {
        self.length = length;
        self
    }

    /// The last hour. Whoever holds it holds up every reader and the run's next second.
    pub(crate) fn history(&self) -> MutexGuard<'_, History> {
        self.history.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// What is run: every operation there was so far, as it is now.
    pub(crate) fn plan(&self) -> Arc<Plan> {
        Arc::clone(&self.plan.lock().unwrap_or_else(PoisonError::into_inner))
    }

    /// The whole run in a few hundred points.
    pub(crate) fn timeline(&self) -> Figures {
        self.drawn().timeline.figures()
    }

    /// A second is over.
    pub(crate) fn note(&self, tick: &Tick<'_>, fates: &[Fates], compared: &[Option<Compared>]) {
        let before = self.plan();
        *self.plan.lock().unwrap_or_else(PoisonError::into_inner) = Arc::clone(tick.plan);
        let active = tick.active.saturating_sub(std::mem::replace(&mut self.known().active, tick.active));
        let mut history = self.history();
        history.note(tick.elapsed, tick.length, tick.by_operation, fates);
        history.paused(tick.length.saturating_sub(active));
        drop(history);
        let mut drawn = self.drawn();
        drawn.timeline.note(tick);
        if !Arc::ptr_eq(&before, tick.plan) {
            drawn.timeline.reloaded(tick.elapsed, &self.scenario);
        }
        drawn.recent.note(tick);
        drop(drawn);
        let mut known = self.known();
        known.told = Some((Instant::now(), tick.elapsed));
        known.totals = tick.total.iter().map(Totals::of).collect();
        known.compared = compared.to_vec();
        known.errors.resize_with(tick.by_operation.len(), Vec::new);
        for (held, account) in known.errors.iter_mut().zip(tick.by_operation) {
            for (class, words) in ErrorClass::ALL.into_iter().zip(&account.examples) {
                let Some(words) = words else { continue };
                held.retain(|error| error.class != class);
                held.push(LastError { class, words: words.clone(), at: tick.elapsed });
            }
        }
    }

    /// What both sides had counted when the target was last asked.
    pub(crate) fn agreed(&self, tick: &Tick<'_>, agreed: Vec<Option<Agreement>>) {
        self.drawn().samples.note(tick.elapsed, &agreed, tick.total.iter().map(|account| account.by_rule));
        self.known().agreed = agreed;
    }

    /// Its thresholds were looked at, so long after the first slot.
    pub(crate) fn judged(&self, elapsed: Duration, thresholds: Vec<Standing>) {
        self.drawn().timeline.judged(elapsed, &thresholds);
        self.known().thresholds = thresholds;
    }

    /// Whoever listens may know of the second that was noted.
    pub(crate) fn tell(&self) {
        self.listeners.tell();
    }

    /// The verdict, and what both sides say at last; after that nothing more is told.
    pub(crate) fn ended(&self, exit: Exit, reasons: &[String], agreed: impl Iterator<Item = Option<Agreement>>) {
        let mut known = self.known();
        for (held, last) in known.agreed.iter_mut().zip(agreed) {
            *held = last.or(*held);
        }
        known.ended = Some((exit, reasons.to_vec()));
        drop(known);
        self.listeners.end();
    }

    /// Whoever listens has heard of the end, as far as can be waited for.
    pub(crate) async fn goodbye(&self) {
        self.listeners.goodbye().await;
    }

    /// The whole run in a few hundred points, and what else charts show. Whoever holds it holds up the run's next second.
    pub(super) fn drawn(&self) -> MutexGuard<'_, Drawn> {
        self.drawn.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The run is over, and this is all there will ever be.
    pub(crate) fn finish(&self, accounts: &[OperationAccount], fates: &[Fates]) {
        let mut history = self.history();
        let until = history.until();
        history.note(until, Duration::ZERO, &[], fates);
        let mut known = self.known();
        known.totals = accounts.iter().map(Totals::of).collect();
        known.is_finished = true;
    }

    /// What both sides said at last.
    pub(crate) fn compared(&self, compared: Vec<Option<Compared>>) {
        self.known().compared = compared;
    }

    pub(super) fn known(&self) -> MutexGuard<'_, Known> {
        self.known.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// What happened in the last `window`.
    pub(super) fn look(&self, window: Duration) -> Seen {
        let (told, compared) = {
            let known = self.known();
            (known.told, known.compared.clone())
        };
        let age = told.map_or(Duration::ZERO, |(at, _)| at.elapsed());
        let left = if age <= FRESH { window } else { window.saturating_sub(age) };
        let mut accounts = Vec::new();
        let (mut length, mut active) = (Duration::ZERO, Duration::ZERO);
        if !left.is_zero() {
            let history = self.history();
            (length, active) = (history.window_into(left, &mut accounts), history.active_in(left));
        }
        accounts.resize_with(self.plan().operations.len(), OperationAccount::default);
        let now = SystemTime::now();
        Seen { accounts, length, active, compared, as_of: now.checked_sub(age).unwrap_or(now) }
    }

    /// The places of these operations, `a|b`; of all if nothing is said.
    pub(super) fn operations(&self, names: Option<&str>) -> Result<Vec<usize>, Problem> {
        let plan = self.plan();
        let operations = &plan.operations;
        let Some(names) = names else { return Ok((0..operations.len()).collect()) };
        let place = |name: &str| {
            let place = operations.iter().position(|operation| operation.name.as_str() == name);
            place.ok_or_else(|| {
                let known: Vec<&str> = operations.iter().map(|operation| operation.name.as_str()).collect();
                let expected = format!("{}; several with | between", known.join(", "));
                bad("operation", &format!("there is no operation {name:?}"), &expected)
            })
        };
        let mut places = names.split('|').map(place).collect::<Result<Vec<usize>, Problem>>()?;
        places.sort_unstable();
        places.dedup();
        Ok(places)
    }

    /// That this scenario is the one that runs: its file, the name of it, or `*`.
    pub(super) fn is_scenario(&self, asked: &str) -> Result<(), Problem> {
        let stem = Path::new(&self.scenario).file_stem().and_then(|stem| stem.to_str()).unwrap_or_default();
        if asked == "*" || asked == self.scenario || asked == stem {
            return Ok(());
        }
        let reason = format!("this injector does not run {asked:?}");
        Err(bad("scenario", &reason, &format!("{stem}, {}, or *", self.scenario)))
    }
}

/// The length of a window: whole seconds, as far as the history goes back.
pub(super) fn window(text: &str) -> Result<Duration, Problem> {
    const EXPECTED: &str = "whole seconds from 1s to 1h";
    let window = parse_duration(text).map_err(|error| bad("window", &error.reason, EXPECTED))?;
    let is_whole = window.subsec_nanos() == 0;
    match (Duration::from_secs(1)..=REACH).contains(&window) && is_whole {
        true => Ok(window),
        false => Err(bad("window", &format!("{text:?} is no window of what is kept"), EXPECTED)),
    }
}
