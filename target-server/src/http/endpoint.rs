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

/// A body that may be held without asking the budget: what any request's buffers take.
const SMALL_BODY_BYTES: u64 = 64 << 10;

/// The body of the endpoint's answer; its head is in the job from then on.
pub(super) async fn ask(job: &mut Job, routed: Routed, incoming: Incoming, read: Read) -> Result<Source, BodyError> {
    let plain = said(job, &routed, incoming, read).await?;
    job.plain = Some(Box::new(plain));
    Ok(job.source())
}

async fn said(job: &mut Job, routed: &Routed, incoming: Incoming, read: Read) -> Result<Plain, BodyError> {
    let announced = incoming.length();
    if announced.is_some_and(|bytes| bytes > BODY_MAX_BYTES as u64) {
        job.request.leaves_body = true;
        return Ok(refused(StatusCode::PAYLOAD_TOO_LARGE, "request body too large", ServerError::BadRequest));
    }
    let held = announced.unwrap_or(BODY_MAX_BYTES as u64).saturating_sub(SMALL_BODY_BYTES);
    let Some(_memory) = job.exchange.http.core.faults.stress().reserve(held) else {
        job.request.leaves_body = true;
        let reason = "as many bodies as the budget allows are held in memory";
        return Ok(refused(StatusCode::SERVICE_UNAVAILABLE, reason, ServerError::Overload));
    };
    let body = if incoming.is_end_stream() {
        Some(Bytes::new())
    } else {
        job.intake(incoming, read).whole(BODY_MAX_BYTES).await?
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

/// podinfo's form of an error, with the status it speaks of.
fn refused(status: StatusCode, message: &str, error: ServerError) -> Plain {
    Plain { error: Some(error), ..Plain::refusal(status, message) }
}
