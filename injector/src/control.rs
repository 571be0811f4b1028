//! The handle by which a run is changed under way: pause, resume, rates, a start at an instant.
//!
//! A change takes effect on all workers at one instant, [`LEAD`] from now, and moves no slot that is due before. It is made
//! by whoever calls, on its own thread: there is no queue of commands, and an error is the caller's at once.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use shared::identity::Name;
use tokio::sync::{Notify, watch};
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

use crate::cast::Cast;
use crate::course::census::Census;
use crate::course::{Course, Motion, Status};
use crate::plan::Plan;
use crate::rate::Rate;
use crate::schedule::Scale;
use crate::turns::{Mailbox, NotPosted, post};

/// From the decision to its effect. Workers that sleep wake up meanwhile, so that the first slot after a pause is not late.
const LEAD: Duration = Duration::from_millis(10);
/// How often an instant is chosen anew because it was over before every worker had been told.
const ATTEMPTS_MAX: usize = 10;
/// Longer than any machine stands still.
const FAR: Duration = Duration::from_secs(86_400);

/// Changes a run. Cloning shares it.
#[derive(Clone, Debug)]
pub struct Control {
    shared: Arc<Shared>,
}

#[derive(Debug)]
struct Shared {
    state: Mutex<State>,
    mailboxes: Arc<[Mailbox]>,
    status: watch::Sender<Status>,
    stop: CancellationToken,
    /// The leader plans its own waking by the course.
    changed: Notify,
}

#[derive(Debug)]
struct State {
    course: Course,
    census: Census,
    /// Nothing: the run has not begun.
    t0: Option<Instant>,
    /// A start that was asked for before there was a t0.
    start: Option<Instant>,
}

impl Control {
    pub(crate) fn new(course: Course, workers: usize) -> Control {
        let status = watch::Sender::new(course.status());
        let shared = Shared {
            state: Mutex::new(State { course, census: Census::default(), t0: None, start: None }),
            mailboxes: (0..workers).map(|_| Mailbox::default()).collect(),
            status,
            stop: CancellationToken::new(),
            changed: Notify::new(),
        };
        Control { shared: Arc::new(shared) }
    }

    /// Sends nothing from now on, until resumed; requests in flight go on. The clock of phases and of the run's length stands
    /// still meanwhile.
    ///
    /// # Errors
    /// If it is paused already, or over.
    pub fn pause(&self) -> Result<(), String> {
        // Before the run has begun it can only wait for a start that was asked for, and now waits for none.
        if self.state().start.take().is_some() {
            return Ok(());
        }
        self.change(Course::pause)
    }

    /// Goes on, or starts what was waiting to be started. What would have been due meanwhile is not made up for.
    ///
    /// # Errors
    /// If it is not paused, or over.
    pub fn resume(&self) -> Result<(), String> {
        self.change(Course::resume)?;
        self.state().start = None;
        Ok(())
    }

    /// The same at an instant.
    ///
    /// # Errors
    /// If that is in the past, or the run is not paused, or over.
    pub fn start_at(&self, instant: Instant) -> Result<(), String> {
        if instant < Instant::now() {
            return Err("that instant is in the past".to_owned());
        }
        let mut state = self.state();
        let Some(t0) = state.t0 else {
            state.course.clone().resume()?;
            state.start = Some(instant);
            return Ok(());
        };
        drop(state);
        self.change(|course| course.start_at(instant.saturating_duration_since(t0)))
    }

    /// Ends the run: nothing more is planned, and what is in flight has a moment to come to its end.
    ///
    /// # Errors
    /// If it is over.
    pub fn stop(&self) -> Result<(), String> {
        if self.shared.stop.is_cancelled() || self.state().course.is_over() {
            return Err(OVER.to_owned());
        }
        self.shared.stop.cancel();
        Ok(())
    }

    /// Of everything that is configured, this much, until another scale is set: 100 % is as configured, 0 % is silence.
    ///
    /// # Errors
    /// If a rate would be over the limit, or the run is over.
    pub fn scale(&self, scale: Scale) -> Result<(), String> {
        self.change(|course| course.scale(scale))
    }

    /// The rate of all weighted operations together, whatever a phase says, before any scale.
    ///
    /// # Errors
    /// If no operation has a weight, a share cannot be kept exactly, or the run is over.
    pub fn rate(&self, rate: Rate) -> Result<(), String> {
        self.change(|course| course.rate(rate))
    }

    /// The rate of one operation, weighted or not, before any scale.
    ///
    /// # Errors
    /// If there is no such operation, or it replays a file, or the run is over.
    pub fn operation_rate(&self, name: Name, rate: Rate) -> Result<(), String> {
        self.change(|course| course.operation_rate(name, rate))
    }

    /// Switches one operation on or off; the others keep their rates.
    ///
    /// # Errors
    /// If there is no such operation, or the run is over.
    pub fn enable(&self, name: Name, is_enabled: bool) -> Result<(), String> {
        self.change(|course| course.enable(name, is_enabled))
    }

    /// How long until it starts, if it waits for an instant.
    pub(crate) fn starts_in(&self) -> Option<Duration> {
        let state = self.state();
        let start = match (state.t0, state.course.status().motion) {
            (None, _) => state.start,
            (Some(t0), Motion::Starts(start)) => t0.checked_add(start),
            _ => None,
        };
        start.map(|start| start.saturating_duration_since(Instant::now()))
    }

    /// What the run is doing, now and whenever that changes.
    pub fn status(&self) -> watch::Receiver<Status> {
        self.shared.status.subscribe()
    }
}

const OVER: &str = "the run is over";

/// The leader's part.
impl Control {
    pub(crate) fn mailboxes(&self) -> Arc<[Mailbox]> {
        Arc::clone(&self.shared.mailboxes)
    }

    /// Told to stop by [`Control::stop`].
    pub(crate) fn stopped(&self) -> &CancellationToken {
        &self.shared.stop
    }

    /// The run begins: workers that start now find what holds.
    ///
    /// # Errors
    /// If a rate of the plan cannot be kept, which whoever made the plan has made sure of.
    pub(crate) fn begin(&self, t0: Instant) -> Result<(), String> {
        let mut state = self.state();
        state.t0 = Some(t0);
        if let Some(start) = state.start.take() {
            state.course.start_at(start.saturating_duration_since(t0))?;
        }
        let rota = state.course.rota()?;
        // No worker runs yet, so there is nothing to be late for.
        post(&self.shared.mailboxes, &rota, Instant::now() + FAR).map_err(|refused| format!("{refused:?}"))?;
        state.census.follow(rota);
        self.shared.status.send_replace(state.course.status());
        Ok(())
    }

    /// The state of things now, told to all who follow it; when it will change by itself, if nobody changes it.
    pub(crate) fn refresh(&self, now: Instant) -> Option<Instant> {
        let mut state = self.state();
        let t0 = state.t0?;
        let since = now.saturating_duration_since(t0);
        state.course.advance(since);
        // What is changed later is later than now.
        state.census.advance(since);
        let status = state.course.status();
        self.shared.status.send_if_modified(|held| {
            let is_new = *held != status;
            *held = status;
            is_new
        });
        state.course.next_change().and_then(|at| t0.checked_add(at))
    }

    /// Ready when somebody has changed the course since it last was.
    pub(crate) async fn changed(&self) {
        self.shared.changed.notified().await;
    }

    /// See [`Course::gate`].
    pub(crate) fn gate(&self) -> Option<(usize, Duration)> {
        self.state().course.gate()
    }

    /// Lets the run into the phase whose gate it waits for.
    pub(crate) fn open(&self, phase: usize) -> Result<(), String> {
        self.change(|course| course.open(phase))
    }

    /// Everything there was to send is planned.
    pub(crate) fn finish(&self) -> Result<(), String> {
        self.change(|course| {
            course.end();
            Ok(())
        })
    }

    /// How long was planned so far, by the clock that stands still in pauses.
    pub(crate) fn active(&self) -> Duration {
        self.state().course.active()
    }

    /// When planning ended, if it has by now.
    pub(crate) fn ended(&self, t0: Instant) -> Option<Instant> {
        let mut state = self.state();
        state.course.advance(t0.elapsed());
        state.course.ended().and_then(|at| t0.checked_add(at))
    }

    /// Planning has ended, whatever the course says; whether that is news to the course.
    pub(crate) fn over(&self, now: Instant) -> bool {
        self.shared.stop.cancel();
        let mut state = self.state();
        let since = state.t0.map_or(Duration::ZERO, |t0| now.saturating_duration_since(t0));
        state.course.advance(since);
        let was_planning = !state.course.is_over();
        state.course.end();
        self.shared.status.send_replace(state.course.status());
        was_planning
    }

    fn change(&self, change: impl Fn(&mut Course) -> Result<(), String>) -> Result<(), String> {
        self.change_from(|course, _, _| change(course))
    }

    /// The same by who needs to know how many requests were due by that instant.
    fn change_from(&self, change: impl Fn(&mut Course, &Census, Duration) -> Result<(), String>) -> Result<(), String> {
        if self.shared.stop.is_cancelled() {
            return Err(OVER.to_owned());
        }
        let mut state = self.state();
        for _ in 0..ATTEMPTS_MAX {
            let mut course = state.course.clone();
            let begins = Instant::now() + LEAD;
            let at = state.t0.map_or(Duration::ZERO, |t0| begins.saturating_duration_since(t0));
            course.advance(at);
            if course.is_over() {
                return Err(OVER.to_owned());
            }
            change(&mut course, &state.census, at)?;
            let rota = course.rota()?;
            // Before the run begins, whoever begins it posts what holds.
            match state.t0.map_or(Ok(()), |_| post(&self.shared.mailboxes, &rota, begins)) {
                Ok(()) => {
                    state.course = course;
                    state.census.follow(rota);
                    self.shared.status.send_replace(state.course.status());
                    self.shared.changed.notify_one();
                    return Ok(());
                }
                Err(NotPosted::Late) => {}
                Err(NotPosted::Stuck) => return Err("a worker does not follow; nothing was changed".to_owned()),
            }
        }
        Err("the machine stood still for too long; nothing was changed".to_owned())
    }

    /// Who sends.
    pub(crate) fn cast(&self) -> Arc<Cast> {
        Arc::clone(self.state().course.cast())
    }

    /// Whether [`Control::reload`] would take a plan; the cast that it would have.
    ///
    /// # Errors
    /// Why not, in words.
    pub(crate) fn try_reload(&self, plan: &Plan) -> Result<Arc<Cast>, String> {
        let mut course = self.state().course.clone();
        let cast = Arc::new(course.cast().follow(plan, |_| None)?);
        course.reload(plan, Arc::clone(&cast))?;
        course.rota()?;
        Ok(cast)
    }

    /// Gives the names of a cast their places.
    pub(crate) fn enrol(&self, cast: &Cast) {
        self.state().course.enrol(cast);
    }

    /// From an instant on the run is one by this plan.
    ///
    /// # Errors
    /// As [`Control::try_reload`], or if the run is over, or the machine stands still.
    pub(crate) fn reload(&self, plan: &Plan) -> Result<(), String> {
        self.change_from(|course, census, at| {
            let mut census = census.clone();
            census.advance(at);
            let cast = course.cast().follow(plan, |number| census.rest(number, at))?;
            course.reload(plan, Arc::new(cast))
        })
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.shared.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests;
