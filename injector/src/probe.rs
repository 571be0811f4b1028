//! `injector probe`: a call or a few, with the same drivers, judgement and words as a run; for exec probes, helm tests and
//! a person at a terminal.
//!
//! A call is retried only if it is told to: the first attempt goes out at once, a further one after the pause, and the
//! result is the last one's.

mod report;
mod scenario;
mod url;

use std::cell::Cell;
use std::io::Write as _;
use std::pin::Pin;
use std::sync::Arc;

use shared::identity::session_from_bits;
use shared::red::Labels;
use shared::red::client::{ClientOperation, ClientRed};
use tokio::task::LocalSet;
use tokio::time::{Instant, sleep};

use self::report::Called;
pub use self::url::{ProbeUrl, Scheme, UrlError};
use crate::account::Ledger;
use crate::attempt::{Seen, attempt};
use crate::cli::ProbeArgs;
use crate::context::{Due, Job, StreamContext};
use crate::counter::Counter;
use crate::driver::{Driver, IdentityTemplate};
use crate::fate::Unanswered;
use crate::names::Names;
use crate::plan::{Operation, Overrides, Plan};
use crate::preflight::System;
use crate::reflection;
use crate::registry::{Visit, dispatch};
use crate::rows::Prepared;
use crate::scenario::{Problems, Scenario};
use crate::verdict::Exit;

/// Calls, prints, and says how it went.
///
/// # Errors
/// If nothing could be called: wrong flags, or a machine that gives no resolver.
pub fn run(args: &ProbeArgs) -> Result<Exit, (Exit, String)> {
    let usage = |message: String| (Exit::Usage, message);
    let mut plan = plan(args).map_err(usage)?;
    let defect = |error: String| (Exit::Invalid, error);
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .map_err(|error| defect(error.to_string()))?;
    LocalSet::new().block_on(&runtime, async {
        reflection::resolve(&mut plan).await?;
        let all_ok = calls(args, &plan).await.map_err(defect)?;
        Ok(if all_ok { Exit::Passed } else { Exit::Failed })
    })
}

fn plan(args: &ProbeArgs) -> Result<Plan, String> {
    let scenario = Scenario::parse("probe", &scenario::text(args)?).map_err(|problems| words(&problems))?;
    let system = System::read().map_err(|error| error.to_string())?;
    Plan::new(&scenario, &Overrides::default(), &system).map_err(|problems| words(&problems))
}

/// The problems without their places: there is no file to look at.
fn words(problems: &Problems) -> String {
    let prefix = format!("operation {:?}: ", scenario::OPERATION);
    let one =
        |problem: &crate::scenario::Problem| match problem.subject.strip_prefix(&prefix).unwrap_or(&problem.subject) {
            "" => problem.message.clone(),
            subject => format!("{subject}: {}", problem.message),
        };
    problems.iter().map(one).collect::<Vec<_>>().join("; ")
}

async fn calls(args: &ProbeArgs, plan: &Plan) -> Result<bool, String> {
    let operation = plan.operations.first().expect("a probe's scenario has one operation");
    let names = Names::asking(plan.nameserver, operation.timeout).map_err(|error| error.to_string())?;
    let part = Calls { args, operation, names, source: plan.source };
    Ok(dispatch(&operation.call, part).await)
}

/// The calls of a probe, to be made by the right driver.
struct Calls<'a> {
    args: &'a ProbeArgs,
    operation: &'a Operation,
    names: Names,
    source: shared::identity::Source,
}

impl<'a> Visit for Calls<'a> {
    /// Whether all went well.
    type Output = Pin<Box<dyn Future<Output = bool> + 'a>>;

    fn visit<D: Driver>(self, call: &D::Call) -> Self::Output {
        let session = session_from_bits(rand::random());
        let Calls { args, operation, names, source } = self;
        let context = context::<D>(operation, call, IdentityTemplate { source, session }, names);
        Box::pin(async move {
            let mut connection = None;
            let mut seq = 0;
            let mut all_ok = true;
            for number in 0..args.count.get() {
                if number > 0 {
                    sleep(args.interval).await;
                }
                let mut attempts = 1;
                let mut seen = once(&context, &mut connection, seq, args.keep_alive).await;
                while !seen.finished.outcome.is_success() && attempts <= args.retry {
                    sleep(args.retry_delay).await;
                    (seq, attempts) = (seq + 1, attempts + 1);
                    seen = once(&context, &mut connection, seq, args.keep_alive).await;
                }
                seq += 1;
                let called = Called { url: &args.url, protocol: operation.protocol().as_str(), seen, attempts };
                all_ok &= called.is_ok();
                print(args, &called);
            }
            all_ok
        })
    }
}

/// If nobody reads, the exit code still says it.
fn print(args: &ProbeArgs, called: &Called<'_>) {
    let mut out = std::io::stdout().lock();
    let _ = if args.json { writeln!(out, "{}", called.json()) } else { writeln!(out, "{}", called.line()) };
}

/// What single calls of an operation need.
pub(crate) fn context<D: Driver>(
    operation: &Operation,
    call: &D::Call,
    identity: IdentityTemplate,
    names: Names,
) -> StreamContext<D> {
    let labels = Labels {
        source: identity.source,
        protocol: operation.protocol(),
        operation: operation.name,
        injected: operation.injected,
    };
    let red = ClientRed::new(&[ClientOperation { labels, rate_per_s: 0.0, expected: Vec::new() }], 1);
    StreamContext {
        prepared: Prepared::new(operation, call, identity),
        names,
        session: identity.session,
        timeout: operation.timeout,
        injected: operation.injected,
        counter: Counter { series: red.series(0, 0), ledger: Arc::new(Ledger::new(1)), operation: 0, shares: None },
        k6: None,
        has_parts: false,
        unanswered: Arc::new(Unanswered::new(1)),
        in_flight: Cell::new(0),
        explained: Cell::new(0),
    }
}

/// One call, on the connection that the last one left.
pub(crate) async fn once<D: Driver>(
    context: &StreamContext<D>,
    connection: &mut Option<D>,
    seq: u64,
    keeps_connection: bool,
) -> Seen {
    // Every failure is worth its words here.
    context.explained.set(0);
    context.scheduled();
    let now = Instant::now();
    let due = Due { seq, planned: now, released: now };
    let seen = attempt(context, connection, Job { due, handed: now }).await;
    if !keeps_connection || !connection.as_ref().is_some_and(D::is_reusable) {
        *connection = None;
    }
    seen
}
