//! `--compat`: the run's figures once more, under the names of somebody else's tool.
//!
//! The series are `shared`'s; here is what they mean in terms of a plan and of one attempt's instants. Nothing of it exists
//! unless it is asked for.

use std::str::FromStr;
use std::time::Duration;

use clap::ValueEnum;
use shared::red::client::k6::{K6Call, K6Red, Tag, TagError, Trail};
use shared::red::client::{ClientOperation, ClientRed};
use tokio::time::Instant;

use crate::driver::Marks;
use crate::plan::{Call, HttpVersion, Operation, Plan};

/// Most tags that every series carries.
pub const TAGS_MAX: usize = 16;

/// Whose metrics are exported beside our own.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
pub enum Compat {
    /// Those of k6 by way of statsd_exporter.
    K6,
    /// Nobody's.
    #[default]
    None,
}

/// Labels with distinct names, at most [`TAGS_MAX`].
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Tags(Vec<Tag>);

impl FromStr for Tags {
    type Err = String;

    fn from_str(text: &str) -> Result<Tags, String> {
        let mut tags: Vec<Tag> = Vec::new();
        for word in text.split(',').filter(|word| !word.is_empty()) {
            let tag: Tag = word.parse().map_err(|error: TagError| error.to_string())?;
            if tags.iter().any(|held| held.name() == tag.name()) {
                return Err(format!("{word:?}: a second {}; one is accepted", tag.name()));
            }
            if tags.len() == TAGS_MAX {
                return Err(format!("{word:?}: one too many; {TAGS_MAX} tags are accepted"));
            }
            tags.push(tag);
        }
        Ok(Tags(tags))
    }
}

/// The collector of `k6_*` for a plan whose operations are counted in `red`.
pub(crate) fn k6(plan: &Plan, red: ClientRed, operations: Vec<ClientOperation>, tags: Tags) -> K6Red {
    let calls = plan.operations.iter().map(k6_call);
    K6Red::new(red, calls.zip(operations).collect(), plan.max_in_flight.get(), tags.0)
}

/// What an operation is in k6's words.
pub(crate) fn k6_call(operation: &Operation) -> K6Call {
    let endpoint = &operation.endpoint;
    match &operation.call {
        Call::Http(call) => {
            let scheme = if operation.tls.is_some() { "https" } else { "http" };
            // A URL for each row would be a series for each.
            let path = operation.rows.as_ref().and_then(|rows| rows.path.as_ref()).unwrap_or(&call.path);
            K6Call::Http {
                url: format!("{scheme}://{endpoint}{path}"),
                method: call.method.as_str(),
                proto: match call.version {
                    HttpVersion::Http1 => "HTTP/1.1",
                    HttpVersion::Http2 => "HTTP/2.0",
                },
                is_secured: operation.tls.is_some(),
            }
        }
        Call::Grpc(call) => K6Call::Grpc {
            name: format!("{endpoint}/{}", call.method),
            service: call.method.service.clone(),
            method: call.method.name.clone(),
        },
        Call::Tcp(_) | Call::Udp(_) | Call::Dns(_) => K6Call::Other,
    }
}

/// The method and the URL (HTTP), or the method and its full name (gRPC); nothing if k6 has no name for it.
pub(crate) fn method_and_url(operation: &Operation) -> Option<(String, String)> {
    match k6_call(operation) {
        K6Call::Http { url, method, .. } => Some((method.to_owned(), url)),
        K6Call::Grpc { name, method, .. } => Some((method, name)),
        K6Call::Other => None,
    }
}

/// The parts of an attempt that was released at `released` and over at `end`. What it never came to ends with the attempt,
/// so that a timeout shows as waiting; and an answer that began before the request was written ends the writing, so that
/// sending, waiting and receiving never overlap.
pub(crate) fn trail(marks: &Marks, released: Instant, end: Instant) -> Trail {
    let between = |from: &Option<Instant>, to: &Option<Instant>| match (from, to) {
        (Some(from), Some(to)) => to.saturating_duration_since(*from),
        _ => Duration::ZERO,
    };
    let [connecting, connected, secured] = [&marks.connecting, &marks.connected, &marks.secured].map(|mark| mark.get());
    let Some(sending) = marks.sending.get() else {
        return Trail {
            blocked: end.saturating_duration_since(released),
            connecting: between(&connecting, &connected),
            tls_handshaking: between(&connected, &secured),
            ..Trail::default()
        };
    };
    let first_byte = marks.first_byte.get().unwrap_or(end);
    let sent = marks.sent.get().unwrap_or(first_byte).min(first_byte);
    Trail {
        blocked: sending.saturating_duration_since(released),
        connecting: between(&connecting, &connected),
        tls_handshaking: between(&connected, &secured),
        sending: sent.saturating_duration_since(sending),
        waiting: first_byte.saturating_duration_since(sent),
        receiving: end.saturating_duration_since(first_byte),
    }
}

#[cfg(test)]
mod tests;
