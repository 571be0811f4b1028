//! From a request as decided to an answer: status, fields, marks.

use std::sync::Arc;

use http::header::{
    CONNECTION, CONTENT_ENCODING, CONTENT_LENGTH, CONTENT_TYPE, HeaderName, HeaderValue, RETRY_AFTER, TRAILER, VARY,
};
use http::request::Parts;
use http::{HeaderMap, Method, StatusCode};
use shared::fault::{Body, Read, Verdict};
use shared::identity::RequestId;
use shared::outcome::Code;
use shared::payload::Payload;

use super::exchange::Exchange;
use super::incoming::Incoming;
use super::intake::Intake;
use super::routing::Routed;
use super::shape::Shaped;
use super::source::Source;
use crate::faults::Decision;
use crate::marks;
use crate::podinfo::Plain;
use crate::record::Call;

/// Fields of a plain answer, so that the map is allocated once.
const USUAL_FIELDS: usize = 8;

/// One request, understood and decided, on its way to an answer.
pub(super) struct Job {
    pub(super) exchange: Arc<Exchange>,
    pub(super) call: Call,
    pub(super) request: RequestHead,
    /// The endpoint that has not been asked yet; nothing if there is none.
    pub(super) routed: Option<Box<Routed>>,
    /// What the endpoint said.
    pub(super) plain: Option<Box<Plain>>,
    /// Nothing if nothing was asked for.
    pub(super) decision: Option<Box<Decision>>,
}

/// An answer that nobody has framed yet.
pub(super) struct Answer {
    pub(super) exchange: Arc<Exchange>,
    /// Recorded when the last byte is in the kernel's hands. Nothing if the request is recorded already.
    pub(super) call: Option<Call>,
    pub(super) status: StatusCode,
    pub(super) headers: HeaderMap,
    /// Nothing if the head is all.
    pub(super) body: Option<Shaped>,
    /// What is to be announced as the body's length. In `headers` already where it is not that of this very body.
    pub(super) length: Option<u64>,
}

/// What of the request's head the answer depends on.
pub(super) struct RequestHead {
    pub(super) id: Option<RequestId>,
    pub(super) content_type: Option<HeaderValue>,
    pub(super) is_head: bool,
    pub(super) is_http10: bool,
    pub(super) accepts_gzip: bool,
    /// A part of the request's body stays unread, as asked: nothing can follow it on its connection, and a client that was
    /// not told so would send its next request into a closing socket.
    pub(super) leaves_body: bool,
}

impl RequestHead {
    pub(super) fn of(parts: &Parts, id: Option<RequestId>) -> RequestHead {
        RequestHead {
            id,
            content_type: parts.headers.get(CONTENT_TYPE).cloned(),
            is_head: parts.method == Method::HEAD,
            is_http10: parts.version < http::Version::HTTP_11,
            // Looked up when it matters: most requests ask for no compression.
            accepts_gzip: false,
            leaves_body: false,
        }
    }
}

impl Job {
    pub(super) fn verdict(&self) -> Option<&Verdict> {
        self.decision.as_ref().map(|decision| &decision.verdict)
    }

    pub(super) fn status(&self) -> StatusCode {
        let asked = self.verdict().and_then(|verdict| verdict.status).and_then(|status| status.http());
        let plain = || self.plain.as_ref().map_or(StatusCode::OK, |plain| plain.status);
        asked.and_then(|status| StatusCode::from_u16(status).ok()).unwrap_or_else(plain)
    }

    /// Whether the answer can have no content: HEAD, 204, 205, 304.
    pub(super) fn is_bodiless(&self) -> bool {
        self.request.is_head || matches!(self.status().as_u16(), 204 | 205 | 304)
    }

    /// Whether the request's own body is what comes back.
    pub(super) fn is_echo(&self) -> bool {
        self.routed.is_none() && self.plain.is_none() && !self.is_bodiless() && self.made().is_none()
    }

    /// The content that was asked for, unless it is an echo.
    pub(super) fn made(&self) -> Option<Payload> {
        let verdict = self.verdict()?;
        Payload::new(verdict.body, verdict.size_bytes?, verdict.seed, &verdict.key)
    }

    /// The body of an answer that is no echo.
    pub(super) fn source(&mut self) -> Source {
        if self.is_bodiless() && !self.request.is_head {
            return Source::Empty;
        }
        let said = self.plain.as_mut().map(|plain| std::mem::take(&mut plain.body));
        match (self.made(), said) {
            (Some(payload), _) => Source::Made(payload, 0),
            (None, Some(said)) => Source::Whole(said),
            (None, None) => Source::Empty,
        }
    }

    /// The request's body, to be read so.
    pub(super) fn intake(&mut self, incoming: Incoming, read: Read) -> Intake<'_> {
        let deadline = self.call.started() + self.exchange.http.core.faults.limits().total_delay_max;
        Intake { call: &mut self.call, incoming, read, deadline }
    }

    fn is_gzip(&self) -> bool {
        self.request.accepts_gzip && self.verdict().is_some_and(|verdict| verdict.gzip)
    }

    /// Whether the body is sent in chunks, however long it is: even an empty one then has a body that can be waited for.
    pub(super) fn is_chunked(&self) -> bool {
        let is_asked = |verdict: &Verdict| verdict.chunk_bytes.is_some() || !verdict.trailers.is_empty();
        self.is_gzip() || self.verdict().is_some_and(is_asked)
    }

    /// The body as asked, with its delays; nothing of it has been sent yet.
    pub(super) fn shape(&mut self, source: Source) -> Shaped {
        let total_delay_max = self.exchange.http.core.faults.limits().total_delay_max;
        let gzip = self.is_gzip();
        match &mut self.decision {
            None => Shaped::plain(source),
            Some(decision) => {
                let trailers = Some(fields(&decision.verdict.trailers)).filter(|trailers| !trailers.is_empty());
                Shaped::new(source, decision, trailers, gzip, total_delay_max)
            }
        }
    }

    /// The answer as asked.
    pub(super) fn respond(mut self, source: Source) -> Answer {
        let (status, is_bodiless) = (self.status(), self.is_bodiless());
        let mut headers = self.head_fields();
        let shaped = self.shape(source);
        self.call.set_code(Code::Http(status.as_u16()));
        // What was asked for is no error, whatever the endpoint thought.
        if let Some(plain) = &self.plain
            && let (Some(error), true) = (plain.error, plain.status == status)
        {
            self.call.set_error(error);
        }
        let length = shaped.length();
        if status == StatusCode::NOT_MODIFIED {
            // RFC 9110, section 15.4.5: no metadata of a body that is not there.
            headers.remove(CONTENT_TYPE);
        }
        // RFC 9110, section 8.6: never with 204; and what a GET would have had with a 304 is not known here.
        if self.request.is_head
            && !matches!(status.as_u16(), 204 | 304)
            && let Some(length) = length
        {
            headers.insert(CONTENT_LENGTH, length.into());
        }
        let body = Some(shaped).filter(|_| !is_bodiless && length != Some(0));
        // RFC 9110, section 15.3.6: 205 says that it has no content.
        let length = if is_bodiless { Some(0).filter(|_| status == StatusCode::RESET_CONTENT) } else { length };
        Answer { exchange: self.exchange, call: Some(self.call), status, headers, body, length }
    }

    /// The answer's fields but for those that frame it.
    pub(super) fn head_fields(&self) -> HeaderMap {
        let mut headers = HeaderMap::with_capacity(USUAL_FIELDS);
        let decision = self.decision.as_deref();
        marks::put(&mut headers, &self.exchange.http.place, &self.call, self.request.id, decision);
        if let Some(plain) = &self.plain {
            headers.extend(plain.headers.clone());
        }
        let own = match &self.plain {
            Some(plain) => plain.headers.get(CONTENT_TYPE),
            None => self.request.content_type.as_ref(),
        };
        if self.request.leaves_body {
            headers.insert(CONNECTION, HeaderValue::from_static("close"));
        }
        let Some(verdict) = self.verdict() else {
            if let Some(content_type) = own {
                headers.insert(CONTENT_TYPE, content_type.clone());
            }
            return headers;
        };
        let content_type = match verdict.size_bytes {
            None => own.cloned(),
            Some(_) => content_type(verdict.body),
        };
        if let Some(content_type) = content_type {
            headers.insert(CONTENT_TYPE, content_type);
        }
        if verdict.gzip {
            headers.insert(VARY, HeaderValue::from_static("accept-encoding"));
        }
        if self.is_gzip() {
            headers.insert(CONTENT_ENCODING, HeaderValue::from_static("gzip"));
        }
        if verdict.close {
            headers.insert(CONNECTION, HeaderValue::from_static("close"));
        }
        if let Some(delay) = verdict.retry_after {
            headers.insert(RETRY_AFTER, delay.as_secs().into());
        }
        // What the caller names replaces ours: `header=content-type:x` means just that.
        let asked = fields(&verdict.headers);
        for name in asked.keys() {
            headers.remove(name);
        }
        headers.extend(asked);
        let trailers = verdict.trailers.iter().filter_map(|(name, _)| HeaderValue::from_str(name).ok());
        if !self.is_bodiless() {
            trailers.for_each(|name| {
                headers.append(TRAILER, name);
            });
        }
        headers
    }
}

/// The fields of a spec; the language lets in only valid ones.
fn fields(pairs: &[(String, String)]) -> HeaderMap {
    let field = |(name, value): &(String, String)| Some((name.parse::<HeaderName>().ok()?, value.parse().ok()?));
    let mut map = HeaderMap::new();
    for (name, value) in pairs.iter().filter_map(field) {
        map.append::<HeaderName>(name, value);
    }
    map
}

fn content_type(body: Body) -> Option<HeaderValue> {
    let content_type = match body {
        Body::Random | Body::Zero => "application/octet-stream",
        Body::Text | Body::Seq => "text/plain; charset=utf-8",
        Body::Json => "application/json",
        Body::Echo => return None,
    };
    Some(HeaderValue::from_static(content_type))
}
