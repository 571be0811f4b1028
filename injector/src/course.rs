//! What a run means to send, and when: the phases of its plan, and what people say under way. Pure: instants come as
//! arguments, since t0.
//!
//! The course has a clock of its own that stands still while the run is paused, so that phases are as long as they say. What
//! holds is a function of a few numbers ([`Standing`], [`Wishes`]); a change of them at an instant is a new [`Rota`] from
//! there on, and nothing else ever changes a schedule.

pub(crate) mod census;
mod lane;
mod reload;
mod status;

use std::sync::Arc;
use std::time::Duration;

use shared::identity::Name;

use self::lane::Lane;
pub use self::status::{Motion, OperationStatus, Status};
use crate::cast::Cast;
use crate::plan::{Phase, Plan};
use crate::rate::Rate;
use crate::schedule::Scale;
use crate::turns::{Rota, Step};

/// A run's course.
#[derive(Clone, Debug)]
pub(crate) struct Course {
    /// Who sends, and how often: by number.
    cast: Arc<Cast>,
    lanes: Vec<Lane>,
    phases: Arc<[Phase]>,
    /// How long it may last by its own clock.
    limit: Option<Duration>,
    standing: Standing,
    wishes: Wishes,
}

/// Where a course stands.
#[derive(Clone, Copy, Debug)]
struct Standing {
    /// When this was so, since t0.
    at: Duration,
    /// Since when it moves as it does, since t0.
    since: Duration,
    motion: Motion,
    phase: usize,
    /// Time in that phase, by the course's clock.
    in_phase: Duration,
    /// Time in all, by the course's clock.
    active: Duration,
}

/// What people have said over the plan.
#[derive(Clone, Debug)]
struct Wishes {
    scale: Scale,
    rate: Option<Rate>,
}

impl Course {
    /// Of a plan that may be cut off, and may wait to be started.
    pub(crate) fn new(plan: &Plan, limit: Option<Duration>, is_paused: bool) -> Course {
        let motion = if is_paused { Motion::Paused } else { Motion::Runs };
        let zero = Duration::ZERO;
        let cast = Arc::new(Cast::new(plan));
        Course {
            lanes: cast.roles.iter().map(Lane::new).collect(),
            cast,
            phases: plan.phases.clone().into(),
            limit,
            standing: Standing { at: zero, since: zero, motion, phase: 0, in_phase: zero, active: zero },
            wishes: Wishes { scale: Scale::FULL, rate: None },
        }
    }

    /// Moves on to an instant; one that has been is left where it is.
    pub(crate) fn advance(&mut self, to: Duration) {
        while let Some(next) = self.next_change().filter(|next| *next <= to) {
            self.step_to(next);
        }
        self.standing = self.standing.later(to.max(self.standing.at));
    }

    /// When something changes by itself, since t0.
    pub(crate) fn next_change(&self) -> Option<Duration> {
        let Standing { at, motion, in_phase, active, .. } = self.standing;
        match motion {
            Motion::Paused | Motion::Over => None,
            Motion::Starts(start) => Some(start),
            Motion::Runs => {
                let cut = self.limit.map(|limit| limit.saturating_sub(active));
                let turns = self.phase().length.filter(|length| in_phase < *length || !self.is_gated());
                let turns = turns.map(|length| length.saturating_sub(in_phase));
                at.checked_add(cut.into_iter().chain(turns).min()?)
            }
        }
    }

    /// Does what is to be done at `at`, which `next_change` gave.
    fn step_to(&mut self, at: Duration) {
        self.standing = self.standing.later(at);
        match self.standing.motion {
            Motion::Starts(_) => (self.standing.motion, self.standing.since) = (Motion::Runs, at),
            _ if self.limit.is_some_and(|limit| self.standing.active >= limit) => self.end(),
            _ if self.is_gated() => {}
            _ if self.standing.phase + 1 < self.phases.len() => self.enter_next(),
            _ => self.end(),
        }
    }

    fn enter_next(&mut self) {
        self.standing.phase += 1;
        (self.standing.in_phase, self.standing.since) = (Duration::ZERO, self.standing.at);
    }

    fn phase(&self) -> &Phase {
        &self.phases[self.standing.phase]
    }

    /// Whether the next phase waits for more than time.
    fn is_gated(&self) -> bool {
        self.phases.get(self.standing.phase + 1).is_some_and(|next| next.gate.is_some())
    }

    /// From where it stands to the end, as far as that is known.
    ///
    /// # Errors
    /// If a rate cannot be kept exactly or is over the limit, in words.
    pub(crate) fn rota(&self) -> Result<Rota, String> {
        let mut ahead = self.clone();
        let mut rota = Rota::default();
        loop {
            if ahead.standing.motion == Motion::Over {
                rota.end = Some(ahead.standing.at);
                return Ok(rota);
            }
            rota.steps.push_back(Arc::new(ahead.step()?));
            // At most one more for each phase, one for a start and one for the gate that ends what is known.
            match ahead.next_change() {
                Some(next) => ahead.step_to(next),
                None => return Ok(rota),
            }
            if ahead.is_waiting() {
                ahead.limit_only(&mut rota);
                return Ok(rota);
            }
        }
    }

    /// At a gate nothing but the limit is known.
    fn limit_only(&self, rota: &mut Rota) {
        rota.end = self.next_change();
    }

    fn step(&self) -> Result<Step, String> {
        let is_silent = self.standing.motion != Motion::Runs;
        let schedule = |lane: &Lane| if is_silent { Ok(None) } else { lane.schedule(self) };
        let schedules = self.lanes.iter().map(schedule).collect::<Result<_, _>>()?;
        Ok(Step { at: self.standing.at, phase: self.standing.phase, schedules, cast: Arc::clone(&self.cast) })
    }

    /// Whether it stands before a gate.
    fn is_waiting(&self) -> bool {
        let waits = self.phase().length.is_some_and(|length| self.standing.in_phase >= length);
        self.standing.motion == Motion::Runs && self.is_gated() && waits
    }

    /// The gate it stands before: the number of the phase behind it, and how long it has stood.
    pub(crate) fn gate(&self) -> Option<(usize, Duration)> {
        let waited = self.standing.in_phase.saturating_sub(self.phase().length?);
        self.is_waiting().then_some((self.standing.phase + 1, waited))
    }

    /// Whether the plan's rates can be kept in every phase.
    ///
    /// # Errors
    /// The number of the phase and why not, in words.
    pub(crate) fn check(plan: &Plan) -> Result<(), (usize, String)> {
        let mut course = Course::new(plan, None, false);
        for phase in 0..course.phases.len() {
            course.standing.phase = phase;
            course.step().map_err(|why| (phase, why))?;
        }
        Ok(())
    }

    /// Who sends.
    pub(crate) fn cast(&self) -> &Arc<Cast> {
        &self.cast
    }

    /// When planning ended, since t0, if it has.
    pub(crate) fn ended(&self) -> Option<Duration> {
        self.is_over().then_some(self.standing.since)
    }

    /// Whether planning is over.
    pub(crate) fn is_over(&self) -> bool {
        self.standing.motion == Motion::Over
    }

    /// Time by its own clock.
    pub(crate) fn active(&self) -> Duration {
        self.standing.active
    }
}

/// What people can say, each at the instant to which the course was moved on.
impl Course {
    pub(crate) fn pause(&mut self) -> Result<(), String> {
        match self.standing.motion {
            Motion::Paused => Err("the run is paused already".to_owned()),
            _ => {
                (self.standing.motion, self.standing.since) = (Motion::Paused, self.standing.at);
                Ok(())
            }
        }
    }

    pub(crate) fn resume(&mut self) -> Result<(), String> {
        self.start_at(self.standing.at)
    }

    /// Since t0.
    pub(crate) fn start_at(&mut self, start: Duration) -> Result<(), String> {
        if self.standing.motion == Motion::Runs {
            return Err("the run is not paused".to_owned());
        }
        let motion = if start > self.standing.at { Motion::Starts(start) } else { Motion::Runs };
        (self.standing.motion, self.standing.since) = (motion, self.standing.at);
        Ok(())
    }

    pub(crate) fn scale(&mut self, scale: Scale) -> Result<(), String> {
        self.wishes.scale = scale;
        Ok(())
    }

    pub(crate) fn rate(&mut self, rate: Rate) -> Result<(), String> {
        if !self.lanes.iter().any(Lane::is_weighted) {
            return Err("no operation has a weight to share a rate by; set the rate of one, or scale all".to_owned());
        }
        self.wishes.rate = Some(rate);
        Ok(())
    }

    pub(crate) fn operation_rate(&mut self, name: Name, rate: Rate) -> Result<(), String> {
        self.lane(name)?.asks(rate)
    }

    pub(crate) fn enable(&mut self, name: Name, is_enabled: bool) -> Result<(), String> {
        self.lane(name)?.is_enabled = is_enabled;
        Ok(())
    }

    /// The gate before a phase is open.
    pub(crate) fn open(&mut self, phase: usize) -> Result<(), String> {
        match self.gate() {
            Some((waiting, _)) if waiting == phase => {
                self.enter_next();
                Ok(())
            }
            _ => Err("the run does not wait at that gate".to_owned()),
        }
    }

    /// Nothing is left to be planned.
    pub(crate) fn end(&mut self) {
        if self.standing.motion != Motion::Over {
            (self.standing.motion, self.standing.since) = (Motion::Over, self.standing.at);
        }
    }

    fn lane(&mut self, name: Name) -> Result<&mut Lane, String> {
        let names = self.lanes.iter().map(|lane| lane.name.as_str()).collect::<Vec<_>>().join(", ");
        let lane = self.lanes.iter_mut().find(|lane| lane.name == name);
        lane.ok_or_else(|| format!("no operation is called {:?}; there are {names}", name.as_str()))
    }
}

impl Standing {
    /// The same when some time has passed in which nothing changed.
    fn later(self, at: Duration) -> Standing {
        let passed = match self.motion {
            Motion::Runs => at.saturating_sub(self.at),
            _ => Duration::ZERO,
        };
        Standing { at, in_phase: self.in_phase + passed, active: self.active + passed, ..self }
    }
}

#[cfg(test)]
mod tests;
