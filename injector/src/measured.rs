//! What the instants of an attempt come to: its phases, and the path's share of its time. Pure.
//!
//! Invariant: the phases follow one another without a gap or an overlap, so that they add up to the service time, whatever
//! came of the attempt. The one that was under way when it ended lasts until then: a timeout shows where it was spent.

use std::time::Duration;

use shared::outcome::Phase;
use tokio::time::Instant;

use crate::driver::{Marks, Stages};

/// By [`Phase::index`]; nothing for a phase that the attempt did not have.
pub(crate) type Phases = [Option<Duration>; Phase::ALL.len()];

/// The phases of an attempt that is over. One that waited in vain for a connection that another opened has those of the
/// opening, from when it began to wait.
pub(crate) fn phases(marks: &Marks, end: Instant) -> Phases {
    let secured = marks.secured.get();
    let Stages { resolving, connecting, connected } = marks.stages();
    let sending = marks.sending.get();
    let first_byte = marks.first_byte.get();
    // Who answers before the request is written ends the request: from then on the answer is what is waited for.
    let sent = match (marks.sent.get(), first_byte) {
        (Some(sent), Some(first_byte)) => Some(sent.min(first_byte)),
        (sent, first_byte) => sent.or(first_byte),
    };
    // A datagram's socket is never connected: there is nobody to shake hands with.
    let has_handshake = connected.is_some() || sending.is_none();
    let begins = Phase::ALL.map(|phase| match phase {
        Phase::Dns => resolving,
        Phase::Connect => connecting.filter(|_| has_handshake),
        Phase::Tls => connected.filter(|_| secured.is_some() || sending.is_none()),
        // On a new connection from its being ready: the few microseconds until the first byte are nobody else's.
        Phase::Request => sending.map(|sending| secured.or(connected).or(connecting).unwrap_or(sending)),
        Phase::FirstByte => sent,
        Phase::Body => first_byte,
    });
    let mut until = end;
    let mut phases = Phases::default();
    for (begin, duration) in begins.into_iter().zip(&mut phases).rev() {
        if let Some(begin) = begin {
            *duration = Some(until.saturating_duration_since(begin));
            until = begin;
        }
    }
    phases
}

/// The path's share of the time to the first byte: without the target's own time and without what was asked for, as far as
/// the target tells; else nothing. Connecting and securing are no part of it.
pub(crate) fn network(marks: &Marks) -> Option<Duration> {
    let first_byte = marks.first_byte.get()?.saturating_duration_since(marks.sending.get()?);
    // Of another machine's clock, and perhaps nonsense: what is too much leaves nothing, and nothing overflows.
    let not_the_path = marks.server.get()?.saturating_add(marks.asked.get().unwrap_or_default());
    Some(first_byte.saturating_sub(not_the_path))
}

#[cfg(test)]
mod tests;
