//! One run from a plan to an exit code, as a user sees it: reach the target, open the admin port, run with a line per
//! second, set the target's account beside ours, print, write.
//!
//! Both programs that inject (`injector run` and the pair in the root package) are this function with different arguments.

use std::fs::{self, File, OpenOptions};
use std::io::{self, Write};
use std::net::{SocketAddr, TcpListener};
use std::path::{Path, PathBuf};
use std::sync::mpsc::{SyncSender, sync_channel};
use std::thread::{self, JoinHandle};
use std::time::Duration;

use prometheus::Registry;
use shared::admin::{Readiness, registry, router};
use shared::identity::session_from_bits;
use shared::units::{counted, print_duration};
use tokio::sync::watch;
use tokio_util::sync::CancellationToken;

use crate::compat::Tags;
use crate::difference::Figures;
use crate::engine::{Engine, Options};
use crate::fate::inquest::Inquest;
use crate::names::Names;
use crate::plan::Plan;
use crate::reload::{Followed, Origin};
use crate::summary::Summary;
use crate::target::QUESTION_TIMEOUT;
use crate::verdict::Exit;
use crate::{live, preflight, reflection, table, target};

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
    /// Export k6's metrics beside our own, with these labels on all of them.
    pub k6: Option<Tags>,
    /// Where the result goes as JSON; `-` is standard output, which then carries nothing else.
    pub json: Option<PathBuf>,
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
    let json = job.json.as_deref().map(JsonOutput::open).transpose()?;
    let out = Printer::start(matches!(json, Some(JsonOutput::Stdout))).map_err(defect)?;
    let readiness = Readiness::default();
    let hangups = job.origin.as_ref().map(|_| shared::shutdown::hangups()).transpose().map_err(defect)?;
    let admin = bind(job.admin_address)?;
    tokio::select! {
        ready = prepare(&mut job, &out) => ready?,
        () = stop.cancelled() => {
            let message = "stopped before the first request".to_owned();
            return Err(NotStarted { exit: Exit::Interrupted, message });
        }
    }

    let bits: u64 = rand::random();
    let mut engine = Engine::new(job.plan, job.options.clone(), session_from_bits(bits));
    let registry = registry("injector").map_err(defect)?;
    let red = engine.red();
    registry.register(Box::new(red.clone())).map_err(defect)?;
    registry.register(Box::new(engine.course_red())).map_err(defect)?;
    if let Some(tags) = job.k6 {
        registry.register(Box::new(engine.count_for_k6(tags))).map_err(defect)?;
    }
    let source = engine.plan().source;
    let followed = job.origin.zip(hangups).map(|origin| Followed::new(&job.name, origin, source, engine.reloader()));
    if let Some(followed) = &followed {
        registry.register(Box::new(followed.red())).map_err(defect)?;
    }
    let admin_address = admin.local_addr().map_err(defect)?;
    serve_admin(admin, registry, readiness.clone()).map_err(defect)?;
    out.line(format!("listening protocol=admin address={admin_address}"));
    let metrics =
        format!("metrics: http://{admin_address}/metrics (injector)  http://{}/metrics (target)", engine.plan().admin);
    out.line(metrics.clone());
    out.line(announcement(&job.name, &engine, &job.options));

    let names = Names::asking(engine.plan().nameserver, QUESTION_TIMEOUT).map_err(defect)?;
    let (figures, seen) = watch::channel(Vec::new());
    let inquest = Inquest::new(engine.plan(), engine.session(), names, engine.unanswered(), red.clone(), seen);
    let (session, workers) = (engine.session(), engine.workers());
    let (heard, subjects) = (inquest.heard(), inquest.subjects());
    engine.on_reload(Box::new(move |_, as_run| subjects.follow(as_run)));
    inquest.open().await;
    readiness.set(true);
    let over = CancellationToken::new();
    let run = async {
        // Dropped at the end of the run, whatever that is like.
        let _over = over.clone().drop_guard();
        let finished = engine.run(stop.clone(), |tick| {
            heard.note(tick.total);
            figures.send_replace(tick.total.iter().map(Figures::from).collect());
            out.line(live::line(tick));
        });
        (finished.await, stop.is_cancelled())
    };
    let follow = async {
        if let Some(followed) = followed {
            over.run_until_cancelled(followed.follow(|line| out.line(line))).await;
        }
    };
    let ((finished, was_stopped), (), ()) = tokio::join!(run, inquest.hold(over.clone()), follow);
    let mut finished = finished.map_err(defect)?;
    let plan = finished.plan.clone();
    let met = inquest.met();
    let (account, addresses) = tokio::join!(target::account(&plan, session, &met), target::addresses(&plan));
    let fates;
    (fates, finished.has_restarted) = inquest.close(&finished.accounts, account.as_ref().ok()).await;
    for (account, fates) in finished.accounts.iter_mut().zip(fates) {
        account.fates = fates;
    }
    readiness.set(false);
    let account = account.map_err(|error| format!("asked {}: {error}", plan.admin));
    let summary = Summary::new(&plan, session.as_str(), workers.get(), &finished, account, &addresses);
    // What was found under way was of a moment; who scrapes once more finds what the result says.
    for (at, operation) in summary.operations.iter().enumerate() {
        if let Some(difference) = operation.difference {
            red.unexplained(at, difference.unexplained);
        }
    }
    let lingering = job.linger.map(|length| format!("\nlingering for {}", print_duration(length)));
    out.finish(format!("{}{metrics}{}", table::render(&summary), lingering.unwrap_or_default()));
    if let Some(json) = &json {
        json.write(&summary).map_err(defect)?;
    }
    if let Some(length) = job.linger {
        linger(length, was_stopped, &stop).await;
    }
    Ok(summary.exit())
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
async fn prepare(job: &mut Job, out: &Printer) -> Result<(), NotStarted> {
    preflight::sources(&job.plan).map_err(|message| NotStarted { exit: Exit::Scenario, message })?;
    match target::reach(&job.plan).await {
        Ok(()) => {}
        Err(message) if job.options.length.is_none() && job.plan.is_endless() => {
            out.line(format!("not reached: {message}; starting all the same, as this run has no end"));
        }
        Err(message) => return Err(NotStarted { exit: Exit::Unreachable, message }),
    }
    let resolved = reflection::resolve(&mut job.plan).await;
    resolved.map_err(|(exit, message)| match exit {
        Exit::Scenario => NotStarted { exit, message: format!("{}:{message}", job.name) },
        exit => NotStarted { exit, message },
    })
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
    let verb = if options.is_paused { "paused, waiting to run" } else { "running" };
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

fn bind(address: SocketAddr) -> Result<TcpListener, NotStarted> {
    let bound = TcpListener::bind(address).and_then(|listener| {
        listener.set_nonblocking(true)?;
        Ok(listener)
    });
    bound.map_err(|error| NotStarted {
        exit: Exit::Usage,
        message: format!(
            "--admin-address {address}: {error}; another address or port works, and port 0 lets the system choose"
        ),
    })
}

fn serve_admin(listener: TcpListener, registry: Registry, readiness: Readiness) -> io::Result<()> {
    let listener = tokio::net::TcpListener::from_std(listener)?;
    let routes = router("injector", registry, readiness);
    tokio::spawn(async move {
        if let Err(error) = axum::serve(listener, routes).await {
            tracing::error!(%error, "the admin listener ended");
        }
    });
    Ok(())
}

/// Prints lines on a thread of its own: a reader that has stopped reading must stop neither the run nor its signals. Lines
/// that find no room are left out; a closed pipe ends the talk, not the run.
struct Printer {
    lines: SyncSender<String>,
    thread: JoinHandle<()>,
}

/// Lines that may wait for a slow reader: a minute of a run.
const LINES_WAITING_MAX: usize = 64;

impl Printer {
    fn start(to_stderr: bool) -> io::Result<Printer> {
        let (lines, waiting) = sync_channel::<String>(LINES_WAITING_MAX);
        let thread = thread::Builder::new().name("printer".to_owned()).spawn(move || {
            for line in waiting {
                let written = if to_stderr {
                    writeln!(io::stderr().lock(), "{line}")
                } else {
                    let mut stdout = io::stdout().lock();
                    writeln!(stdout, "{line}").and_then(|()| stdout.flush())
                };
                match written {
                    Ok(()) => {}
                    // Nobody reads any more, which is their choice.
                    Err(error) if error.kind() == io::ErrorKind::BrokenPipe => return,
                    Err(error) => eprintln!("injector: standard output: {error}\n{line}"),
                }
            }
        })?;
        Ok(Printer { lines, thread })
    }

    fn line(&self, line: String) {
        let _ = self.lines.try_send(line);
    }

    /// Prints what must not be left out, and waits until it is read.
    fn finish(self, last: String) {
        let _ = self.lines.send(last);
        drop(self.lines);
        let _ = self.thread.join();
    }
}

/// Where the result goes. Tried before the run, so that an hour of load is not lost to a mistyped directory; written beside
/// the old result and exchanged for it at the end, so that a run that is cut off leaves that as it was.
enum JsonOutput {
    Stdout,
    File(PathBuf),
    /// A pipe or a device: nothing that could be exchanged.
    Other(PathBuf),
}

impl JsonOutput {
    fn open(path: &Path) -> Result<JsonOutput, NotStarted> {
        if path == Path::new("-") {
            return Ok(JsonOutput::Stdout);
        }
        let tried = match fs::metadata(path) {
            Ok(held) if !held.is_file() => {
                OpenOptions::new().write(true).open(path).map(|_| JsonOutput::Other(path.to_owned()))
            }
            _ => File::create(beside(path)).map(|_| JsonOutput::File(path.to_owned())),
        };
        tried.map_err(|error| NotStarted {
            exit: Exit::Usage,
            message: format!(
                "--json {}: {error}; a path that can be written works, or - for standard output",
                path.display()
            ),
        })
    }

    fn write(&self, summary: &Summary) -> io::Result<()> {
        let mut text = serde_json::to_vec_pretty(summary)?;
        text.push(b'\n');
        let (path, written) = match self {
            JsonOutput::Stdout => (Path::new("-"), io::stdout().lock().write_all(&text)),
            JsonOutput::Other(path) => (path.as_path(), fs::write(path, &text)),
            JsonOutput::File(path) => {
                (path.as_path(), fs::write(beside(path), &text).and_then(|()| fs::rename(beside(path), path)))
            }
        };
        written.map_err(|error| io::Error::new(error.kind(), format!("--json {}: {error}", path.display())))
    }
}

/// What was only tried, or written by half, does not stay.
impl Drop for JsonOutput {
    fn drop(&mut self) {
        if let JsonOutput::File(path) = self {
            // Gone already if it became the result.
            let _ = fs::remove_file(beside(path));
        }
    }
}

/// The name under which a result is written until it is complete.
fn beside(path: &Path) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(".partial");
    PathBuf::from(name)
}
