//! An HTTP operation of either version: the request, and what is right about its answer.

mod ask;
mod expectation;
mod request;

use std::fmt;

use shared::carrier;
use shared::fault::{Fault, Key, Verdict};
use shared::outcome::Code;
use shared::protocol::Protocol;
use shared::route::Route;

use super::Alpn;
use super::expect::{Expect, ExpectedEnd, StatusExpectation, expected_end};

pub(super) use expectation::expectation;
pub(super) use request::compile;

/// The request of an operation and what is right about its answer.
#[derive(Clone, Debug)]
pub struct HttpCall {
    /// What is spoken.
    pub version: HttpVersion,
    /// The method.
    pub method: Method,
    /// Path and query, ready for the request line: visible ASCII, begins with `/`.
    pub path: String,
    /// The file's own header fields, in its order: valid names and values, none of those the injector writes itself.
    pub headers: Vec<(String, String)>,
    /// The content to send.
    pub body: RequestBody,
    /// Everything asked of the target, as it will understand path, query and header together.
    pub fault: Fault,
    /// The value of the header `x-cload-fault`; `None` when nothing is asked or the query carries it.
    pub fault_text: Option<String>,
    /// For servers that are not ours: nothing but the request itself is sent, nothing is asked, and of an answer only what
    /// the file expects is checked, which by default is the status 200.
    pub is_plain: bool,
    /// The target's endpoint at the path; `None` where the answer is an echo.
    pub route: Option<Route>,
    /// What makes an answer right.
    pub expect: Expect,
}

impl HttpCall {
    /// The status of an answer of which none was asked for.
    pub fn plain_status(&self) -> u16 {
        self.route.map_or(200, Route::plain_status)
    }

    /// The path alone, as the target routes it.
    pub(super) fn route_of(path: &str) -> Option<Route> {
        let path = path.split('?').next().unwrap_or_default();
        // The index answers strangers; a request that says who it is gets an echo there.
        Route::of(path).filter(|route| *route != Route::Index)
    }

    /// What the target will decide for the request with this key (the text of its id) if it is idle.
    ///
    /// A pure function of the call and the key: the seed is part of the spec that is sent.
    pub fn predict(&self, key: &str) -> Verdict {
        self.fault.roll(0, key, 0)
    }

    /// How a request with this verdict should end.
    pub fn expected_end(&self, verdict: &Verdict) -> ExpectedEnd {
        expected_end(verdict, self.version.protocol().dialect())
    }

    /// The codes a right answer may have.
    pub(super) fn expected_codes(&self) -> Vec<Code> {
        match &self.expect.status {
            StatusExpectation::AnyOf(codes) => codes.iter().copied().map(Code::Http).collect(),
            StatusExpectation::Predicted => {
                let choices = self.fault.status_choices().into_iter();
                choices
                    .map(|choice| {
                        Code::Http(choice.status.and_then(|status| status.http()).unwrap_or(self.plain_status()))
                    })
                    .collect()
            }
        }
    }

    /// The header fields that are the same for every request of the operation: the file's own, then the fault's.
    pub fn wire_headers(&self) -> impl Iterator<Item = (&str, &str)> {
        let own = self.headers.iter().map(|(name, value)| (name.as_str(), value.as_str()));
        let fault = self.fault_text.as_deref().map(|text| (carrier::HEADER_FAULT, text));
        // Trailers are sent to who says that it takes them (RFC 9110, 6.5.1); TE is for one hop, and named so (10.1.4), but
        // not over HTTP/2, which has no Connection field (RFC 9113, 8.2.2).
        let wants_trailers = self.fault.keys().any(|key| key == Key::Trailer);
        let te = wants_trailers.then_some(("te", "trailers"));
        let named = (wants_trailers && self.version == HttpVersion::Http1).then_some(("connection", "te"));
        own.chain(fault).chain(te).chain(named)
    }
}

/// A version of HTTP. Which one is never negotiated: the file says it, and a target that does not speak it fails.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum HttpVersion {
    /// HTTP/1.1 (RFC 9112).
    #[default]
    Http1,
    /// HTTP/2 (RFC 9113): with prior knowledge on a plain connection, agreed on by ALPN over TLS.
    Http2,
}

impl HttpVersion {
    /// As it appears in labels.
    pub const fn protocol(self) -> Protocol {
        match self {
            HttpVersion::Http1 => Protocol::Http,
            HttpVersion::Http2 => Protocol::Http2,
        }
    }

    /// Name and number.
    pub const fn as_str(self) -> &'static str {
        match self {
            HttpVersion::Http1 => "HTTP/1.1",
            HttpVersion::Http2 => "HTTP/2",
        }
    }

    /// What to agree on in a TLS handshake.
    pub(super) const fn alpn(self) -> Alpn {
        match self {
            HttpVersion::Http1 => Alpn::Http1,
            HttpVersion::Http2 => Alpn::Http2,
        }
    }
}

/// A request method. Those that mean nothing to an echo (CONNECT, TRACE) are left out.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Method {
    /// GET.
    Get,
    /// HEAD: the answer announces its content and does not send it.
    Head,
    /// POST.
    Post,
    /// PUT.
    Put,
    /// PATCH.
    Patch,
    /// DELETE.
    Delete,
    /// OPTIONS.
    Options,
}

impl Method {
    /// Every method.
    pub const ALL: [Method; 7] =
        [Method::Get, Method::Head, Method::Post, Method::Put, Method::Patch, Method::Delete, Method::Options];

    /// As on the request line.
    pub const fn as_str(self) -> &'static str {
        match self {
            Method::Get => "GET",
            Method::Head => "HEAD",
            Method::Post => "POST",
            Method::Put => "PUT",
            Method::Patch => "PATCH",
            Method::Delete => "DELETE",
            Method::Options => "OPTIONS",
        }
    }

    /// Whether a request of this method says how long its content is even when it has none (RFC 9110, 8.6).
    pub const fn wants_body(self) -> bool {
        matches!(self, Method::Post | Method::Put | Method::Patch)
    }
}

impl fmt::Display for Method {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// The content of a request.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum RequestBody {
    /// None.
    Empty,
    /// This text.
    Text(String),
    /// This many bytes of readable filler, the same for every request of the operation. Never 0.
    Generated {
        /// Length.
        size_bytes: u64,
    },
}

impl RequestBody {
    /// Its length.
    pub fn size_bytes(&self) -> u64 {
        match self {
            RequestBody::Empty => 0,
            RequestBody::Text(text) => text.len() as u64,
            RequestBody::Generated { size_bytes } => *size_bytes,
        }
    }

    /// The bytes. Those of a generated body name their own offset, so that a capture shows where an echo was cut.
    pub fn bytes(&self) -> Vec<u8> {
        match self {
            RequestBody::Empty => Vec::new(),
            RequestBody::Text(text) => text.clone().into_bytes(),
            RequestBody::Generated { size_bytes } => {
                // At most 16 MiB, so a length of memory; ten-digit lines leave no two of them equal.
                let lines = (0..*size_bytes).step_by(FILLER_LINE_BYTES as usize);
                let mut bytes: Vec<u8> = lines.flat_map(|offset| format!("{offset:09}\n").into_bytes()).collect();
                bytes.truncate(usize::try_from(*size_bytes).unwrap_or(usize::MAX));
                bytes
            }
        }
    }
}

/// Length of one line of filler: nine digits and a line feed.
const FILLER_LINE_BYTES: u64 = 10;
