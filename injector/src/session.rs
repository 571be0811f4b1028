//! One run from a plan to an exit code, as a user sees it: reach the target, open the admin port, run with a line per
//! second, set the target's account beside ours, print, write.
//!
//! Both programs that inject (`injector run` and the pair in the root package) are this function with different arguments.

mod admin;
mod witness;

use std::io;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use shared::admin::{Readiness, registry, router};
use shared::identity::session_from_bits;
use shared::units::{counted, print_duration};
use tokio::sync::watch;
use tokio::task::spawn_blocking;
use tokio_util::sync::CancellationToken;

use self::witness::Witness;
use crate::api::{self, Board};
use crate::compat::Tags;
use crate::engine::{Engine, Gate, Judge, Options};
use crate::fate::inquest::Inquest;
use crate::live::Agreement;
use crate::names::Names;
use crate::outputs::Outputs;
use crate::plan::Plan;
use crate::preflight::{Finding, Strain};
use crate::reload::{Followed, Origin};
use crate::summary::{Environment, Summary};
use crate::target::QUESTION_TIMEOUT;
use crate::threshold::Watch;
use crate::ui::{self, About, Ui};
use crate::verdict::Exit;
use crate::{csv, junit, preflight, reflection, report, table, target};

/// What to run and where to say so.
pub struct Job {
    /// What the plan is called: its file.
    pub name: String,
    /// The plan.
    pub plan: Plan,
    /// Where the plan comes from, to be followed while it is run; nothing: it stays as it is.
    pub origin: Option<Origin>,
    /// How to run it.
    pub options: Options,
    /// Where `/metrics` and the rest are served; port 0 lets the kernel choose.
    pub admin_address: SocketAddr,
    /// The file with the token that a change of the run needs; without one nobody changes it.
    pub api_token_file: Option<PathBuf>,
    /// Export k6's metrics beside our own, with these labels on all of them.
    pub k6: Option<Tags>,
    /// What is left behind at the end, and how much is told.
    pub outputs: Outputs,
    /// What is shown while it runs.
    pub ui: ui::Setup,
    /// How long the admin port stays open after the result: who scrapes it has seen the last figures by then.
    pub linger: Option<Duration>,
}

/// Why a run could not be started, and the exit code that says so.
#[derive(Debug, thiserror::Error)]
#[error("{message}")]
pub struct NotStarted {
    /// How the process should end.
    pub exit: Exit,
    message: String,
}

/// Runs the job until its end or until `stop`. Text goes to standard output, or to standard error if the JSON goes there.
///
/// # Errors
/// If nothing could be sent; everything after the first request is a figure.
pub async fn execute(mut job: Job, stop: CancellationToken) -> Result<Exit, NotStarted> {
    let files = job.outputs.open().map_err(|message| NotStarted { exit: Exit::Usage, message })?;
    let ui = Ui::start(job.ui, files.is_stdout_taken).map_err(defect)?;
    let readiness = Readiness::default();
    let guard = admin::guard(job.api_token_file.as_deref())?;
    let hangups = job.origin.as_ref().map(|_| shared::shutdown::hangups()).transpose().map_err(defect)?;
    let admin = admin::bind(job.admin_address)?;
    tokio::select! {
        ready = prepare(&mut job, &ui) => ready?,
        () = stop.cancelled() => {
            let message = "stopped before the first request".to_owned();
            return Err(NotStarted { exit: Exit::Interrupted, message });
        }
    }

    let findings = preflight::examine(&job.plan, job.options.quantum).await.map_err(defect)?;
    findings.iter().filter_map(Finding::warning).for_each(|warning| ui.say(warning));

    let bits: u64 = rand::random();
    let mut engine = Engine::new(job.plan, job.options.clone(), session_from_bits(bits));
    let registry = registry("injector").map_err(defect)?;
    let red = engine.red();
    registry.register(Box::new(red.clone())).map_err(defect)?;
    registry.register(Box::new(engine.course_red())).map_err(defect)?;
    if let Some(tags) = job.k6 {
        registry.register(Box::new(engine.count_for_k6(tags))).map_err(defect)?;
    }
    let watch = Watch::new(engine.plan());
    registry.register(Box::new(watch.red())).map_err(defect)?;
    let source = engine.plan().source;
    let handles = (engine.reloader(), engine.control());
    let followed = job.origin.zip(hangups).map(|origin| Followed::new(&job.name, origin, source, handles));
    if let Some(followed) = &followed {
        registry.register(Box::new(followed.red())).map_err(defect)?;
    }
    let admin_address = admin.local_addr().map_err(defect)?;
    let (plan, control) = (engine.shared_plan(), engine.control());
    let length = plan.length(job.options.length);
    let board = Arc::new(Board::new(job.name.clone(), engine.session(), plan, control.clone()).lasting(length));
    let routes = api::router(router("injector", registry, readiness.clone()), &board, guard);
    admin::serve(admin, routes).map_err(defect)?;
    ui.say(format!("listening protocol=admin address={admin_address}"));
    let metrics =
        format!("metrics: http://{admin_address}/metrics (injector)  http://{}/metrics (target)", engine.plan().admin);
    ui.say(metrics.clone());
    ui.say(announcement(&job.name, &engine, &job.options));

    let names = Names::asking(engine.plan().nameserver, QUESTION_TIMEOUT).map_err(defect)?;
    engine.judged_by(gatekeeper(Arc::clone(&board)));
    let (figures, seen) = watch::channel(Vec::new());
    let inquest = Inquest::new(engine.plan(), engine.session(), names, engine.unanswered(), red.clone(), seen);
    let (session, workers) = (engine.session(), engine.workers());
    let subjects = inquest.subjects();
    engine.on_reload(Box::new(move |as_run| subjects.follow(as_run)));
    inquest.open().await;
    readiness.set(true);
    let over = CancellationToken::new();
    let strain = Strain::begin();
    ui.begin(About::new(&job.name, engine.plan(), job.options.length, session.as_str(), workers.get()), &control);
    let mut witness = Witness {
        inquest: &inquest,
        figures,
        board: &board,
        ui: &ui,
        watch,
        csv: files.csv.map(csv::Unwritten::start).transpose().map_err(defect)?,
        halt: stop.child_token(),
        began: None,
    };
    let halt = witness.halt.clone();
    let run = async {
        // Dropped at the end of the run, whatever that is like.
        let _over = over.clone().drop_guard();
        let finished = engine.run(halt, |tick| witness.second(tick));
        (finished.await, stop.is_cancelled())
    };
    // Who ends it, by a key or a signal, sees at once that it ends; and whoever ends it twice finds the terminal as it was.
    let leave = async {
        tokio::select! {
            () = stop.cancelled() => {}
            () = control.stopped().cancelled() => {}
            () = over.cancelled() => {}
        }
        ui.leave();
    };
    let follow = async {
        if let Some(followed) = followed {
            over.run_until_cancelled(followed.follow(|turn, line| ui.changed(turn, line))).await;
        }
    };
    // On this task like the ticks, so that what is told is told in its order.
    let statuses = over.run_until_cancelled(ui.follow(control.status()));
    let ((finished, was_stopped), (), (), (), _) =
        tokio::join!(run, inquest.hold(over.clone()), leave, follow, statuses);
    let mut finished = finished.map_err(defect)?;
    finished.saturation = strain.saturation();
    let plan = Arc::clone(&finished.plan);
    let Witness { mut watch, csv, began, .. } = witness;
    let met = inquest.met();
    let (account, addresses) = tokio::join!(target::account(&plan, session, &met), target::addresses(&plan));
    let fates;
    (fates, finished.has_restarted) = inquest.close(&finished.accounts, account.as_ref().ok()).await;
    board.finish(&finished.accounts, &fates);
    for (account, fates) in finished.accounts.iter_mut().zip(fates) {
        account.fates = fates;
    }
    readiness.set(false);
    let account = account.map_err(|error| format!("asked {}: {error}", plan.admin));
    let close = |compared: &[_]| {
        board.compared(compared.to_vec());
        watch.close(&finished.accounts, compared, finished.planned_for, &board.history(), finished.is_continuous)
    };
    let (mut summary, exit) =
        Summary::new(&plan, session.as_str(), workers.get(), &finished, account, &addresses, close);
    board.ended(exit, &summary.verdict.reasons, summary.operations.iter().map(Agreement::at_last));
    (summary.scenario, summary.started_unix_s) = (job.name, began.map(unix_s));
    (summary.environment, summary.preflight) = (Environment::read(), findings);
    summary.timeline = Some(board.timeline());
    // What was found under way was of a moment; who scrapes once more finds what the result says.
    for (at, operation) in summary.operations.iter().enumerate() {
        if let Some(difference) = operation.difference {
            red.unexplained(at, difference.unexplained);
        }
    }
    // Without that nobody serves the metrics any more.
    let lingering = job.linger.map(|length| format!("\n{metrics}\nlingering for {}", print_duration(length)));
    let table = table::render(&summary, job.outputs.detail);
    let last = format!("{}{}", table.trim_end(), lingering.unwrap_or_default());
    // Beside the runtime: a reader or a disk that hangs must not keep the second signal from ending the process.
    let left_behind = spawn_blocking(move || {
        ui.finish(last);
        // Each of them, whatever became of the others.
        let written = [
            files.json.map_or(Ok(()), |json| json.write(&summary.to_json())),
            files.junit.map_or(Ok(()), |junit| junit.write(junit::render(&summary).as_bytes())),
            files.html.map_or(Ok(()), |html| html.write(report::html(&summary).as_bytes())),
            csv.map_or(Ok(()), csv::Csv::finish),
        ];
        written.into_iter().collect::<io::Result<()>>()
    });
    left_behind.await.map_err(defect)?.map_err(defect)?;
    board.goodbye().await;
    if let Some(length) = job.linger {
        linger(length, was_stopped, &stop).await;
    }
    Ok(exit)
}

/// Who lets a run into its next phase: whatever the last hour of the run says of the phase's gate.
fn gatekeeper(board: Arc<Board>) -> Judge {
    Box::new(move |condition, _| {
        let bound =
            condition.clone().bind(&board.plan().operations).expect("the plan holds every gate against its operations");
        match bound.holds(&board.history()) {
            Some(true) => Gate::Open,
            Some(false) => Gate::Shut("it did not hold at last".to_owned()),
            None => Gate::Shut("too little was seen to tell".to_owned()),
        }
    })
}

/// For the eyes of whoever sets figures beside those of others; nothing is decided by the calendar.
fn unix_s(at: SystemTime) -> f64 {
    at.duration_since(SystemTime::UNIX_EPOCH).map_or(0.0, |since| since.as_secs_f64())
}

/// Waits with the figures as they are. A signal ends it; after a run that a signal has ended, the second one does, as always.
async fn linger(length: Duration, was_stopped: bool, stop: &CancellationToken) {
    tokio::select! {
        () = tokio::time::sleep(length) => {}
        () = stop.cancelled(), if !was_stopped => {}
    }
}

/// Everything the servers are asked before the first request. A run without an end starts also against a target that is not
/// there: whoever begins anew in the middle of an outage is there to tell of it.
async fn prepare(job: &mut Job, ui: &Ui) -> Result<(), NotStarted> {
    preflight::sources(&job.plan).map_err(|message| NotStarted { exit: Exit::Scenario, message })?;
    match target::reach(&job.plan).await {
        Ok(()) => {}
        Err(message) if job.options.length.is_none() && job.plan.is_endless() => {
            ui.say(format!("not reached: {message}; starting all the same, as this run has no end"));
        }
        Err(message) => return Err(NotStarted { exit: Exit::Unreachable, message }),
    }
    let resolved = reflection::resolve(&mut job.plan).await;
    resolved.map_err(|(exit, message)| NotStarted { exit, message })
}

fn announcement(name: &str, engine: &Engine, options: &Options) -> String {
    let plan = engine.plan();
    let length = match plan.length(options.length) {
        Some(length) => format!("for {}", print_duration(length)),
        None if plan.is_endless() => "until told to stop".to_owned(),
        None => "until everything is sent".to_owned(),
    };
    let phases = match plan.phases.len() {
        1 => String::new(),
        several => format!(" through {several} phases"),
    };
    let verb = if options.is_paused { "waiting to start" } else { "running" };
    format!(
        "{verb} {name}: {}, {:.1}/s, {length}{phases}; session {}, {}",
        counted(plan.operations.len() as u64, "operation"),
        plan.per_second(),
        engine.session(),
        counted(engine.workers().get().into(), "worker"),
    )
}

/// Anything that is neither the user's nor the target's fault.
fn defect(error: impl std::fmt::Display) -> NotStarted {
    NotStarted { exit: Exit::Invalid, message: error.to_string() }
}
