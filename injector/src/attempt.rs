//! One request from release to record: connect if there is no connection, call under the timeout, judge, account.
//!
//! The one place of the injector where a call is recorded.

use std::cell::Cell;

use shared::identity::RequestId;
use shared::outcome::{Code, ErrorClass, Phase};
use tokio::time::{Instant, timeout_at};

use crate::account::{Finished, Started};
use crate::context::{Due, Job, StreamContext};
use crate::driver::{Declared, Driver, Ending, Marks, Stages};
use crate::fate::{Kind, Lost};
use crate::measured::{self, Phases};
use crate::names::Unfound;
use crate::signature::signs;

/// One attempt in full, for those who look at single requests.
pub(crate) struct Seen {
    /// As it was accounted.
    pub(crate) finished: Finished,
    /// By [`Phase::index`]; nothing for a phase it did not have.
    pub(crate) phases: Phases,
    /// What was asked and what came instead, if it failed.
    pub(crate) words: Option<String>,
}

/// Sends a request over `connection` or a new one, and records what became of it. On return the connection is what may be
/// asked for the next request, if its driver says so.
pub(crate) async fn attempt<D: Driver>(context: &StreamContext<D>, connection: &mut Option<D>, job: Job) -> Seen {
    let Due { seq, planned, released } = job.due;
    let id = RequestId { session: context.session, seq };
    let marks = Marks::default();
    let started = Instant::now();
    // Ours: until the schedule took it up, and from being given to a lane to the lane's turn. What lies between, waiting
    // for a lane, is the target's doing or that of a bound.
    let lag = (released - planned) + (started - job.handed);
    context.started(&Started { lag, wait: job.handed - released });
    let is_sent = Cell::new(false);
    let prepared = context.prepared.of(seq);
    let mut wanted = D::want(prepared, id);
    let call = async {
        if connection.is_none() {
            match D::connect(context.prepared.first(), &context.names, &marks, &context.counter).await {
                Ok(driver) => {
                    // Nothing if it joined a connection that another opened, who has said it.
                    if let Some(address) = marks.address.get() {
                        driver.open().leads_to(address);
                    }
                    *connection = Some(driver);
                }
                Err(class) => {
                    not_opened(context, &marks, class);
                    return Ending::Failed(class);
                }
            }
        }
        let held = connection.as_mut().expect("opened above if there was none");
        is_sent.set(true);
        context.sent(held.open().address().map(|address| address.ip()));
        held.call(prepared, id, &mut wanted, &marks).await
    };
    let ending = match timeout_at(started + context.timeout, call).await {
        Ok(ending) => ending,
        Err(_) => timed_out(context, &marks),
    };
    let outcome = D::judge(&wanted, &ending);
    if is_sent.get() && !outcome.is_success() {
        let kind = if outcome.code() == Code::NONE { Kind::Unanswered } else { Kind::Wrong };
        context.lost(Lost { kind, sendings: 1 + u32::from(marks.is_sent_again.get()), ..Lost::now(seq, started) });
    }
    // Of a connection that stood before, or was not opened, whoever knows it.
    let address = connection.as_ref().and_then(|held| held.open().address()).or(marks.address.get());
    let words = outcome.error().and_then(|class| {
        context.explain(class, || {
            let from = address.map_or_else(String::new, |address| format!(" from {address}"));
            let why = marks.why().map_or_else(String::new, |why| format!(" ({why})"));
            format!("{id}: {}{from}{}{why}", D::explain(&wanted, &ending), marks.declared())
        })
    });
    let end = Instant::now();
    let phases = measured::phases(&marks, end);
    let resent = connection.as_ref().map_or(0, |connection| connection.open().untold_resent());
    let finished = Finished {
        outcome,
        response: end.saturating_duration_since(planned),
        service: end - marks.started().unwrap_or(started),
        server: marks.server.get(),
        network: measured::network(&marks),
        backend: marks.backend.get(),
        is_declared: marks.declared().is_any(),
        by_rule: marks.declared().is_rule(),
        sent_bytes: marks.sent_bytes.get(),
        received_bytes: marks.received_bytes.get(),
    };
    if let Declared::Rule(name) = &*marks.declared() {
        context.by_rule(name);
    }
    for sign in signs(outcome.code(), &phases, finished.network, resent) {
        context.sign(sign);
    }
    for (phase, duration) in Phase::ALL.into_iter().zip(phases) {
        if let Some(duration) = duration {
            context.counter.series.phase(phase, duration);
        }
    }
    context.finished(&finished, address.map(|address| address.ip()));
    context.finished_for_k6(&finished, &job.due, &marks);
    Seen { finished, phases, words }
}

/// Counted by the one that tried: who waited for a connection that another was opening opened none.
fn not_opened<D: Driver>(context: &StreamContext<D>, marks: &Marks, class: ErrorClass) {
    if marks.resolving.get().is_some() {
        context.counter.not_opened(class);
    }
}

/// How far it had come says what the timeout means.
fn timed_out<D: Driver>(context: &StreamContext<D>, marks: &Marks) -> Ending<D::Answered> {
    if marks.sending.get().is_some() {
        return Ending::TimedOut;
    }
    let class = match marks.stages() {
        Stages { connected: Some(_), .. } => ErrorClass::Tls,
        Stages { resolving: Some(_), connecting: None, .. } => ErrorClass::DnsTimeout,
        _ => ErrorClass::ConnectTimeout,
    };
    if class == ErrorClass::DnsTimeout {
        marks.explain(context.names.words(Unfound { class, code: Code::NONE }));
    }
    not_opened(context, marks, class);
    Ending::Failed(class)
}
