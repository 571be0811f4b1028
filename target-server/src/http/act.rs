//! Acting on a verdict that takes time, up to the answer's head.

use shared::fault::Read;

use super::answer::{Answer, Job};
use super::endpoint;
use super::incoming::Incoming;
use super::source::BodyError;
use crate::act;

/// The request's body could not be read: who framed the request knows what can still be answered.
pub(super) struct Unread {
    pub(super) job: Job,
    pub(super) error: BodyError,
}

/// The order of effects after [`stress`]: read, delay, and then the answer's head.
pub(super) async fn answer(mut job: Job, incoming: Incoming, is_eager: bool) -> Result<Answer, Box<Unread>> {
    let (read, delay) = job.verdict().map_or_else(Default::default, |verdict| (verdict.read, verdict.delay));
    job.request.leaves_body = leaves_body(read, &incoming);
    let source = if let Some(routed) = job.routed.take() {
        endpoint::ask(&mut job, *routed, incoming, read).await
    } else if job.is_echo() {
        let is_eager = is_eager || !delay.is_zero() || incoming.length().is_some();
        job.intake(incoming, read).echo(is_eager).await
    } else {
        let source = job.source();
        job.intake(incoming, read).discard().await.map(|()| source)
    };
    let source = match source {
        Ok(source) => source,
        Err(error) => return Err(Box::new(Unread { job, error })),
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
        Read::First(bytes) => incoming.length().is_none_or(|length| length > bytes),
        Read::All | Read::Rate(_) => false,
    }
}

/// `mem`, then `cpu`.
pub(super) async fn stress(job: &mut Job) {
    if let Some(decision) = &mut job.decision {
        act::stress(decision, &mut job.call, &job.exchange.http.core.faults).await;
    }
}
