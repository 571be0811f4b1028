//! Acting on a verdict that takes time, up to the answer's head.

use http_body::Body as _;
use hyper::body::Incoming;
use shared::fault::{Fault, Read};

use super::answer::Job;
use super::service::{Answered, TakeWire, broken};
use super::source::Source;
use super::wire::Plan;
use crate::act;

/// The order of effects: memory, CPU, read, delay, and then the answer's head.
pub(super) async fn run(mut job: Job, fault: Fault, incoming: Incoming, is_eager: bool) -> Answered {
    if let Some(decision) = &mut job.decision {
        act::stress(decision, &mut job.call, &job.exchange.http.core.faults).await;
    }
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
    act::wait(&mut job.call, delay).await;
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
