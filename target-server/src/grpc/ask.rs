//! What a call says about itself: who sent it, what it asks for, how long its client waits.

use std::time::Duration;

use http::header::HeaderMap;
use http::request::Parts;
use shared::deadline::{HEADER_TIMEOUT, parse_timeout};
use shared::fault::{Fault, Limits, SpecErrors};
use shared::identity::{Identity, Name};
use tonic::{Code, Status};

use super::method::Method;
use super::status::bad_field;
use crate::headers;

/// One call as understood from its head, and later from its first message.
pub(super) struct Ask {
    pub(super) method: &'static Method,
    pub(super) identity: Option<Identity>,
    /// Nothing if none is asked for.
    pub(super) fault: Result<Option<Fault>, SpecErrors>,
    /// Whether the deadline can be read; nothing if there is none.
    pub(super) timeout: Result<Option<Duration>, Box<Status>>,
    pub(super) accepts_gzip: bool,
}

impl Ask {
    pub(super) fn read(parts: &Parts) -> Ask {
        Ask {
            method: Method::of(parts.uri.path()),
            identity: headers::identity(&parts.headers),
            fault: headers::fault(&parts.headers).transpose(),
            timeout: timeout(&parts.headers),
            accepts_gzip: accepts_gzip(&parts.headers),
        }
    }

    /// The mix entry, or the method.
    pub(super) fn operation(&self) -> Name {
        self.identity.map_or_else(|| self.method.operation(), |identity| identity.operation)
    }

    /// Adds what the first message asks for; where both name a key, the metadata is heard.
    pub(super) fn join(&mut self, message: Option<Result<Fault, SpecErrors>>) {
        let Some(message) = message else { return };
        let metadata = std::mem::replace(&mut self.fault, Ok(None));
        self.fault = match (metadata, message) {
            (Ok(None), message) => message.map(Some),
            (Ok(Some(metadata)), Ok(message)) => Ok(Some(message.overridden_by(metadata))),
            (Err(errors), Err(more)) => Err(errors.and(more)),
            (Err(errors), Ok(_)) | (Ok(Some(_)), Err(errors)) => Err(errors),
        };
    }

    /// The fault, if it is one that this method can do within the limits.
    pub(super) fn checked(&mut self, limits: &Limits) -> Result<Option<Fault>, SpecErrors> {
        let fault = std::mem::replace(&mut self.fault, Ok(None))?.filter(|fault| !fault.is_empty());
        if let Some(fault) = &fault {
            self.method.check(fault, limits)?;
        }
        Ok(fault)
    }
}

fn timeout(headers: &HeaderMap) -> Result<Option<Duration>, Box<Status>> {
    let Some(value) = headers.get(HEADER_TIMEOUT) else { return Ok(None) };
    parse_timeout(value.as_bytes()).map(Some).ok_or_else(|| {
        let reason = format!("{:?} is no timeout", String::from_utf8_lossy(value.as_bytes()));
        Box::new(bad_field(Code::InvalidArgument, HEADER_TIMEOUT, reason, "1 to 8 digits and one of H M S m u n"))
    })
}

fn accepts_gzip(fields: &HeaderMap) -> bool {
    headers::items(fields, "grpc-accept-encoding").any(|name| name == "gzip")
}
