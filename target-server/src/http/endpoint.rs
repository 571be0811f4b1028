//! Asking an endpoint: its request's body is read as asked, and its answer becomes the one that is shaped.

use bytes::Bytes;
use http::StatusCode;
use shared::fault::{Read, Verdict};
use shared::outcome::ServerError;

use super::answer::Job;
use super::incoming::Incoming;
use super::routing::Routed;
use super::source::{BodyError, Source};
use crate::podinfo::{Asked, BODY_MAX_BYTES, Plain};
use crate::stress::Memory;

/// A body that may be held without asking the budget: what any request's buffers take.
const SMALL_BODY_BYTES: u64 = 64 << 10;

/// The body of the endpoint's answer; its head is in the job from then on.
pub(super) async fn ask(job: &mut Job, routed: Routed, incoming: Incoming, read: Read) -> Result<Source, BodyError> {
    let Some(mut memory) = job.exchange.http.core.faults.stress().reserve(0) else {
        return Ok(answer(job, no_room()));
    };
    let mut plain = match said(job, &routed, incoming, read, &mut memory).await {
        // The rest of the body stays where it is.
        Err(BodyError::NoRoom) => {
            job.request.leaves_body = true;
            no_room()
        }
        said => said?,
    };
    // What an endpoint brings from elsewhere shows its size when it is here; from then on it counts, however slowly its
    // client reads. Reserving the most beforehand would let a few dozen small answers fill the budget.
    let held = plain.body.len() as u64;
    if !memory.resize(held.saturating_sub(SMALL_BODY_BYTES)) {
        plain = no_room();
    }
    Ok(match answer(job, plain) {
        Source::Whole(bytes) if held > SMALL_BODY_BYTES => Source::Held { bytes, _memory: memory },
        source => source,
    })
}

fn answer(job: &mut Job, plain: Plain) -> Source {
    job.plain = Some(Box::new(plain));
    job.source()
}

async fn said(
    job: &mut Job,
    routed: &Routed,
    incoming: Incoming,
    read: Read,
    memory: &mut Memory,
) -> Result<Plain, BodyError> {
    let announced = incoming.length();
    if announced.is_some_and(|bytes| bytes > BODY_MAX_BYTES as u64) {
        job.request.leaves_body = true;
        return Ok(refused(StatusCode::PAYLOAD_TOO_LARGE, "request body too large", ServerError::BadRequest));
    }
    let body = if incoming.is_end_stream() {
        Some(Bytes::new())
    } else {
        let has_room = |held: usize| memory.resize((held as u64).saturating_sub(SMALL_BODY_BYTES));
        job.intake(incoming, read).whole_within(BODY_MAX_BYTES, has_room).await?
    };
    let Some(body) = body else {
        job.request.leaves_body = true;
        return Ok(refused(StatusCode::PAYLOAD_TOO_LARGE, "request body too large", ServerError::BadRequest));
    };
    let nothing = Verdict::default();
    let asked = Asked {
        route: routed.route,
        path: &routed.path,
        method: &routed.method,
        headers: &routed.headers,
        client: job.exchange.client,
        body,
        verdict: job.verdict().unwrap_or(&nothing),
    };
    Ok(job.exchange.http.podinfo.answer(asked).await)
}

fn no_room() -> Plain {
    let reason = "as many bodies as the budget allows are held in memory";
    refused(StatusCode::SERVICE_UNAVAILABLE, reason, ServerError::Overload)
}

/// podinfo's form of an error, with the status it speaks of.
fn refused(status: StatusCode, message: &str, error: ServerError) -> Plain {
    Plain { error: Some(error), ..Plain::refusal(status, message) }
}
