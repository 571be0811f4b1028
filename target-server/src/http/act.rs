//! Acting on a verdict that takes time, up to the answer's head.

use std::time::Duration;

use http_body::Body as _;
use hyper::body::Incoming;
use shared::fault::{Fault, Read};
use tokio::time::timeout;

use super::answer::Job;
use super::service::{Answered, TakeWire, broken};
use super::source::Source;
use super::wire::Plan;
use crate::record::Call;

/// The order of effects: memory, CPU, read, delay, and then the answer's head.
pub(super) async fn run(mut job: Job, fault: Fault, incoming: Incoming, is_eager: bool) -> Answered {
    stress(&mut job).await;
    if job.verdict().is_some_and(|verdict| verdict.fault.is_some()) {
        return match Plan::leave(job, &fault, incoming).await {
            Ok(()) => Err(TakeWire),
            Err(refusal) => Ok(*refusal),
        };
    }
    let (read, delay) = job.verdict().map_or_else(Default::default, |verdict| (verdict.read, verdict.delay));
    let (is_echo, made) = (job.is_echo(), job.made());
    job.request.leaves_body = leaves_body(read, &incoming);
    let is_eager = is_eager || !delay.is_zero() || incoming.size_hint().exact().is_some();
    let intake = job.intake(incoming, read);
    let source = if is_echo {
        intake.echo(is_eager).await
    } else {
        intake.discard().await.map(|()| made.map_or(Source::Empty, |payload| Source::Made(payload, 0)))
    };
    let source = match source {
        Ok(source) => source,
        Err(error) => return Ok(broken(job, &error)),
    };
    // Without a body, only the head is there to be held back.
    let is_bodiless = job.is_bodiless() || source.remaining() == Some(0) && !job.is_chunked();
    let delay = match job.verdict() {
        Some(verdict) if is_bodiless => verdict.asked_delay(),
        _ => delay,
    };
    wait(&mut job.call, delay).await;
    Ok(job.respond(source))
}

/// Whether `read` stops before the end of this body.
pub(super) fn leaves_body(read: Read, incoming: &Incoming) -> bool {
    match read {
        _ if incoming.is_end_stream() => false,
        Read::None => true,
        // A length that is not known may be longer.
        Read::First(bytes) => incoming.size_hint().exact().is_none_or(|length| length > bytes),
        Read::All | Read::Rate(_) => false,
    }
}

/// `mem`, then `cpu`.
async fn stress(job: &mut Job) {
    let Some(decision) = &mut job.decision else { return };
    if decision.memory.is_none() && decision.verdict.cpu.is_zero() {
        return;
    }
    job.call.asked_begins();
    if let Some(memory) = decision.memory.take() {
        decision.memory = memory.touch().await;
    }
    if !decision.verdict.cpu.is_zero() {
        // Many may wait for the few cores that may be burnt; no longer than any answer may take in all.
        let faults = &job.exchange.http.core.faults;
        let _ = timeout(faults.limits().total_delay_max, faults.stress().burn(decision.verdict.cpu)).await;
    }
    job.call.asked_ends();
}

/// A delay that was asked for. A timer of no length would still cost a tick.
pub(super) async fn wait(call: &mut Call, delay: Duration) {
    if !delay.is_zero() {
        call.asked_begins();
        tokio::time::sleep(delay).await;
        call.asked_ends();
    }
}
