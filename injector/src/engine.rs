//! A run: workers on their threads, one leader that gathers their accounts every second and, at the end, everything.

mod gate;
mod gathered;
mod reload;
mod series;

use std::io;
use std::num::NonZeroU32;
use std::sync::Arc;
use std::thread;
use std::time::Duration;

use shared::identity::Session;
use shared::red::client::k6::K6Red;
use shared::red::client::{ClientRed, CourseRed};
use tokio::sync::{mpsc, oneshot};
use tokio::time::{Instant, MissedTickBehavior, interval_at, sleep_until};
use tokio_util::sync::CancellationToken;

use self::gate::pass_gate;
pub use self::gate::{Gate, Judge};
use self::reload::{Asked, Stage};
pub use self::reload::{OnReload, Reloader};
use self::series::counted;
use crate::account::{Ledger, OperationAccount};
use crate::compat::{self, Tags};
use crate::control::Control;
use crate::course::{Course, Status};
use crate::fate::Unanswered;
use crate::names::book::Book;
use crate::pacer::Quantum;
use crate::plan::{OPERATIONS_MAX, Plan};
use crate::worker::{self, Assignment};

/// Time between the decision to start and the first slot: enough for every thread to build its runtime.
const START_DELAY: Duration = Duration::from_millis(50);
/// How often accounts are gathered.
const TICK: Duration = Duration::from_secs(1);
/// A tick that comes later than this is told with the time that it came at.
const HELD_UP: Duration = Duration::from_millis(20);
/// Rate up to which one worker serves all streams: two would only wake the machine twice as often.
const ONE_WORKER_PER_S: f64 = 2_000.0;

/// How to run a plan.
#[derive(Clone, Debug)]
pub struct Options {
    /// Longest time that is planned, pauses left out; nothing: as long as the plan says, or until told to stop.
    pub length: Option<Duration>,
    /// Wait to be started.
    pub is_paused: bool,
    /// Threads; nothing: one for low rates, else as many as there are cores.
    pub workers: Option<NonZeroU32>,
    /// Pacing.
    pub quantum: Quantum,
}

/// A plan made ready: its series exist, its session is drawn. Nothing is sent yet.
pub struct Engine {
    plan: Arc<Plan>,
    options: Options,
    session: Session,
    red: ClientRed,
    course: CourseRed,
    k6: Option<K6Red>,
    unanswered: Arc<Unanswered>,
    workers: NonZeroU32,
    control: Control,
    judge: Option<Judge>,
    reloader: Reloader,
    reloads: mpsc::Receiver<Asked>,
    on_reload: Option<OnReload>,
}

/// What was gathered in one second.
#[derive(Debug)]
pub struct Tick<'a> {
    /// Since the first slot.
    pub elapsed: Duration,
    /// The same without pauses.
    pub active: Duration,
    /// How long the interval is; zero for the last one if nothing was planned in it.
    pub length: Duration,
    /// This interval, all operations together.
    pub interval: &'a OperationAccount,
    /// This interval, by operation in the plan's order.
    pub by_operation: &'a [OperationAccount],
    /// Since the start, by operation in the plan's order.
    pub total: &'a [OperationAccount],
    /// What is run, as [`Finished::plan`]: another one after a reload.
    pub plan: &'a Arc<Plan>,
    /// What the run is doing.
    pub status: &'a Status,
}

/// A run that is over.
#[derive(Debug)]
pub struct Finished {
    /// Whether it had no planned length.
    pub is_continuous: bool,
    /// Whether it was told to stop before its planned length.
    pub is_interrupted: bool,
    /// From the first slot to the end of planning, without pauses.
    pub planned_for: Duration,
    /// From the first slot to the last result.
    pub took: Duration,
    /// By operation in the plan's order, then what a reload has brought: that of [`Finished::plan`].
    pub accounts: Vec<OperationAccount>,
    /// By phase in the plan's order, all operations together. What was planned in a phase is counted there; a request that
    /// was under way when it ended has its result in the next one, so that `in_flight` of one may be negative.
    pub phases: Vec<OperationAccount>,
    /// Why it was ended before everything was planned, if nobody asked for that.
    pub cut_short: Option<String>,
    /// Whether a process of the target went away in the run, as its receipts show; whoever asks for them fills it in.
    pub has_restarted: bool,
    /// That the generator was at its own end, in words; whoever watched it fills it in.
    pub saturation: Option<String>,
    /// What was run: every operation there was, by number, as it was last.
    pub plan: Arc<Plan>,
    /// By operation, whether a scenario that was read again has it no more.
    pub left: Vec<bool>,
    /// How often the run was given another plan.
    pub reloads: u64,
    /// Why a worker ended early, which ended the run.
    pub error: Option<io::Error>,
}

impl Engine {
    /// Makes a plan ready.
    pub fn new(plan: Plan, options: Options, session: Session) -> Engine {
        // A worker without a permit would have nothing to do, and one that takes one all the same would break the bound.
        let workers =
            options.workers.unwrap_or_else(|| default_workers(plan.peak_per_second())).min(plan.max_in_flight);
        let red = ClientRed::new(&counted(&plan), workers.get() as usize);
        // A reload may bring operations, up to as many as a target tells apart.
        let unanswered = Arc::new(Unanswered::new(OPERATIONS_MAX));
        let (reloader, reloads) = Reloader::new();
        let course = Course::new(&plan, options.length, options.is_paused);
        let control = Control::new(course, workers.get() as usize);
        let course_red = CourseRed::new(plan.source, plan.phases.iter().map(|phase| phase.name));
        Engine {
            plan: Arc::new(plan),
            options,
            session,
            red,
            course: course_red,
            k6: None,
            unanswered,
            workers,
            control,
            judge: None,
            reloader,
            reloads,
            on_reload: None,
        }
    }

    /// By which the run can be changed, before and while it is under way.
    pub fn control(&self) -> Control {
        self.control.clone()
    }

    /// Who judges gates. Without one no gate ever opens.
    pub fn judged_by(&mut self, judge: Judge) {
        self.judge = Some(judge);
    }

    /// The collector of everything this run exports.
    pub fn red(&self) -> ClientRed {
        self.red.clone()
    }

    /// The collector of which phase the run is in, and whether it is paused.
    pub fn course_red(&self) -> CourseRed {
        self.course.clone()
    }

    /// Counts in k6's words as well, with these labels on every series; the collector of that.
    pub fn count_for_k6(&mut self, tags: Tags) -> K6Red {
        self.k6.insert(compat::k6(&self.plan, self.red(), counted(&self.plan), tags)).clone()
    }

    /// Where the workers leave the requests that got no answer.
    pub fn unanswered(&self) -> Arc<Unanswered> {
        Arc::clone(&self.unanswered)
    }

    /// What is run.
    pub fn plan(&self) -> &Plan {
        &self.plan
    }

    /// The same, shared: what ticks refer to until a reload.
    pub fn shared_plan(&self) -> Arc<Plan> {
        Arc::clone(&self.plan)
    }

    /// The run's session.
    pub fn session(&self) -> Session {
        self.session
    }

    /// Threads that will send.
    pub fn workers(&self) -> NonZeroU32 {
        self.workers
    }

    /// Runs to the end: the planned length, or `stop`. `on_tick` sees every second's figures.
    ///
    /// # Errors
    /// If a thread or the system's resolver cannot be had; requests that fail are figures, not errors.
    pub async fn run(mut self, stop: CancellationToken, mut on_tick: impl FnMut(&Tick<'_>)) -> io::Result<Finished> {
        let mut stage = Stage::new(&self)?;
        let control = self.control();
        tokio::select! {
            // What is told to stop before it has begun begins, and ends at once: with a report that says so.
            () = stop.cancelled() => {}
            () = control.stopped().cancelled() => {}
            () = stage.book.first_answers() => {}
        }
        let t0 = Instant::now() + START_DELAY;
        control.begin(t0).map_err(io::Error::other)?;
        let mut running: Vec<Running> = Vec::new();
        for (worker, ledger) in (0..).zip(&stage.ledgers) {
            let assignment = self.assignment(worker, (Arc::clone(ledger), Arc::clone(&stage.book)), t0);
            running.push(Running::start(assignment)?);
        }
        let mut ticks = interval_at(t0 + TICK, TICK);
        ticks.set_missed_tick_behavior(MissedTickBehavior::Skip);
        let mut ended = Ended::default();
        let mut told = Duration::ZERO;
        let mut status = control.status();
        let mut change = control.refresh(t0);
        while !running.is_empty() {
            let first = &mut running[0];
            tokio::select! {
                // First of all: the workers end because of it, and that must not be seen before its cause.
                biased;
                () = stop.cancelled(), if !ended.is_stopped => ended.stop(&control),
                () = control.stopped().cancelled(), if !ended.is_stopped => ended.stop(&control),
                due = ticks.tick() => {
                    // A leader that was held up tells of all the time there was, and not of what was due.
                    let now = Instant::now();
                    let now = if now - due > HELD_UP { now } else { due };
                    change = control.refresh(now);
                    stage.gathered.take(&stage.ledgers);
                    stage.gathered.backends(&self.red, now);
                    let elapsed = now.saturating_duration_since(t0);
                    let status = status.borrow_and_update().clone();
                    self.export(&status);
                    let tick = stage.tick((elapsed, control.active()), told, &status);
                    on_tick(&tick);
                    told = elapsed;
                    if let Some(why) = pass_gate(&self.plan, &control, &mut self.judge, &tick) {
                        ended.cut_short = Some(why);
                        ended.stop(&control);
                    }
                    if !ended.is_stopped && stage.gathered.is_all_planned(&control.cast()) {
                        // It may have come to its end meanwhile.
                        let _ = control.finish();
                    }
                }
                Some(asked) = self.reloads.recv() => {
                    // Nobody who asked may be there any more.
                    let _ = asked.answer.send(self.reload(*asked.plan, &mut stage));
                }
                () = control.changed() => change = control.refresh(Instant::now()),
                () = until(change) => {
                    change = control.refresh(Instant::now());
                    self.export(&status.borrow_and_update());
                }
                over = &mut first.over => {
                    running.swap_remove(0);
                    let over = over.unwrap_or_else(|_| Err(io::Error::other("its thread panicked")));
                    if let Err(failed) = over {
                        // What the others have seen is still worth a report.
                        ended.error = Some(failed);
                        ended.stop(&control);
                    }
                }
            }
        }
        stage.keeping.shutdown().await;
        stage.gathered.take(&stage.ledgers);
        let over = Instant::now();
        stage.gathered.backends(&self.red, over);
        let end = control.ended(t0).unwrap_or(over).min(over);
        control.over(over);
        self.export(&status.borrow_and_update());
        // The rest of a second, so that intervals add up to the total. If it is only of what was taken up after the end, or
        // came to its own while the run drained, it has no length: a second line of the last second would say little.
        let elapsed = end.saturating_duration_since(t0);
        let until = if stage.gathered.interval.planned > 0 { elapsed.max(told) } else { told };
        on_tick(&stage.tick((until, control.active()), told, &status.borrow()));
        let is_continuous = self.options.length.is_none() && self.plan.is_endless();
        Ok(Finished {
            is_continuous,
            is_interrupted: ended.is_interrupted && !is_continuous,
            planned_for: control.active(),
            took: over.saturating_duration_since(t0),
            accounts: stage.gathered.total,
            phases: stage.gathered.phases,
            cut_short: ended.cut_short,
            has_restarted: false,
            saturation: None,
            plan: stage.as_run,
            left: control.cast().left(),
            reloads: stage.reloads,
            error: ended.error,
        })
    }

    /// The phase, and the rates that are asked for now.
    fn export(&self, status: &Status) {
        self.course.is_in(status.phase_index, status.is_paused());
        for (at, operation) in status.operations.iter().enumerate() {
            self.red.configured_rate(at, operation.per_second);
        }
    }

    fn assignment(&self, worker: u32, (ledger, book): (Arc<Ledger>, Arc<Book>), t0: Instant) -> Assignment {
        Assignment {
            worker,
            workers: self.workers,
            plan: Arc::clone(&self.plan),
            session: self.session,
            red: self.red.clone(),
            k6: self.k6.clone(),
            ledger,
            unanswered: self.unanswered(),
            book,
            quantum: self.options.quantum,
            t0,
            mailboxes: self.control.mailboxes(),
            stop: self.control.stopped().clone(),
        }
    }
}

/// How a run came to its end, as far as it did.
#[derive(Default)]
struct Ended {
    /// It was told to, or had to.
    is_stopped: bool,
    /// Planning was not over then.
    is_interrupted: bool,
    cut_short: Option<String>,
    error: Option<io::Error>,
}

impl Ended {
    /// Nothing more is planned; what was before that stays as it is.
    fn stop(&mut self, control: &Control) {
        self.is_interrupted |= control.over(Instant::now());
        self.is_stopped = true;
    }
}

/// That instant, or never.
async fn until(instant: Option<Instant>) {
    match instant {
        Some(instant) => sleep_until(instant).await,
        None => std::future::pending().await,
    }
}

/// A worker's thread; the channel tells when it is over.
struct Running {
    over: oneshot::Receiver<io::Result<()>>,
}

impl Running {
    fn start(assignment: Assignment) -> io::Result<Running> {
        let (done, over) = oneshot::channel();
        thread::Builder::new().name(format!("worker-{}", assignment.worker)).spawn(move || {
            // One that ends before its time, by a panic too, ends them all: half of a schedule is none, and the leader
            // learns of each when the one before is over.
            let halt = assignment.stop.clone().drop_guard();
            let over = worker::run(assignment);
            if over.is_ok() {
                halt.disarm();
            }
            // Nobody listens any more only if the leader has failed, and then there is nobody to tell.
            let _ = done.send(over);
        })?;
        Ok(Running { over })
    }
}

fn default_workers(per_second: f64) -> NonZeroU32 {
    let cores = thread::available_parallelism().map_or(1, |cores| u32::try_from(cores.get()).unwrap_or(u32::MAX));
    let wanted = if per_second <= ONE_WORKER_PER_S { 1 } else { cores };
    NonZeroU32::new(wanted).unwrap_or(NonZeroU32::MIN)
}
