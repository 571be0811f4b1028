//! Acting on a verdict that takes time, up to the answer's head.

use std::time::Duration;

use http_body::Body as _;
use hyper::body::Incoming;
use shared::fault::Fault;
use tokio::time::Instant;

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
    let delay = if job.is_bodiless() || source.remaining() == Some(0) {
        job.verdict().map_or(delay, |verdict| verdict.asked_delay())
    } else {
        delay
    };
    wait(&mut job.call, delay).await;
    Ok(job.respond(source))
}

/// `mem`, then `cpu`.
async fn stress(job: &mut Job) {
    let Some(decision) = &mut job.decision else { return };
    let since = Instant::now();
    if let Some(memory) = decision.memory.take() {
        decision.memory = Some(memory.touch().await);
    }
    if !decision.verdict.cpu.is_zero() {
        job.exchange.http.faults.stress().burn(decision.verdict.cpu).await;
    }
    if decision.memory.is_some() || !decision.verdict.cpu.is_zero() {
        job.call.add_asked(since.elapsed());
    }
}

/// A delay that was asked for. A timer of no length would still cost a tick.
pub(super) async fn wait(call: &mut Call, delay: Duration) {
    if !delay.is_zero() {
        call.asked_begins();
        tokio::time::sleep(delay).await;
        call.asked_ends();
    }
}
