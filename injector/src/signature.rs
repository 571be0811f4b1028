//! The kernel's timers in the times of a request: a wait of just one second to connect is a SYN that was lost, and nothing
//! else. Pure.
//!
//! A duration alone claims nothing of a connection: a path may be as slow as a timer. What makes it a sign is that the
//! kernel sent a segment again meanwhile, as it says itself ([`crate::resent`]). How often it did also tells how many SYNs were
//! lost: before Linux 6.5 the second is sent again after 3 seconds, since then after 2. The bounds are those of the metric's
//! buckets, so that both tell the same.

use std::time::Duration;

use shared::outcome::{Code, Phase};

use crate::measured::Phases;

/// What a kernel's timer leaves in a request's times.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Sign {
    /// Connecting took a second more: the first SYN was lost, or the answer to it.
    SynLostOnce,
    /// It took 2 or 3 seconds: two of them in a row.
    SynLostTwice,
    /// It took longer still.
    SynLostOften,
    /// The answer was late by a fifth of a second at least, and a segment was sent again meanwhile. It need not have been lost:
    /// a peer that hangs acknowledges late, and the kernel sends a probe of the tail.
    SegmentResent,
    /// The look-up took 5 seconds and succeeded: as long as resolvers wait before they ask again.
    LookupRepeated,
}

impl Sign {
    /// Every sign; `ALL[s.index()] == s`.
    pub const ALL: [Sign; 5] =
        [Sign::SynLostOnce, Sign::SynLostTwice, Sign::SynLostOften, Sign::SegmentResent, Sign::LookupRepeated];

    /// Its name in JSON.
    pub const fn as_str(self) -> &'static str {
        match self {
            Sign::SynLostOnce => "syn_lost_once",
            Sign::SynLostTwice => "syn_lost_twice",
            Sign::SynLostOften => "syn_lost_often",
            Sign::SegmentResent => "segment_resent",
            Sign::LookupRepeated => "lookup_repeated",
        }
    }

    /// What happened so many times, and what it means.
    pub fn words(self, count: u64) -> String {
        let plural = if count == 1 { "" } else { "s" };
        match self {
            Sign::SynLostOnce => format!("{count} connect{plural} of about 1 s: the first SYN was lost, or its answer"),
            Sign::SynLostTwice => {
                format!("{count} connect{plural} of about 2 or 3 s: two SYNs in a row were lost, or their answers")
            }
            Sign::SynLostOften => {
                format!(
                    "{count} connect{plural} of 3 s and more: three SYNs in a row, or more, were lost, or their answers"
                )
            }
            Sign::SegmentResent => {
                format!(
                    "{count} request{plural} waited 200 ms or more, and a segment was sent again meanwhile: it was lost, or \
                     its acknowledgement was late because the other side hung"
                )
            }
            Sign::LookupRepeated => {
                format!("{count} look-up{plural} of about 5 s: a resolver on the way had to ask again")
            }
        }
    }

    /// Position in [`Sign::ALL`].
    pub const fn index(self) -> usize {
        self as usize
    }
}

/// A SYN is sent again after one second at the earliest (RFC 6298, 2.1). A bucket ends here.
const SYN_MIN: Duration = Duration::from_millis(950);
/// No segment is sent again by a timer before this, on top of the round trip (Linux, `TCP_RTO_MIN`). A bucket ends here.
const SEGMENT_MIN: Duration = Duration::from_millis(200);
/// A resolver that asks again does so after 5 seconds (resolv.conf, `timeout`). A bucket ends at the one above it.
const LOOKUP: std::ops::RangeInclusive<Duration> = Duration::from_millis(4950)..=Duration::from_millis(5200);

/// The signs in the times of a request that got an answer, with this code; [`Code::NONE`]: it got none, and what it waited for
/// in vain is no sign, but the failure itself. `network` as in
/// [`Finished::network`](crate::account::Finished::network), `resent` segments sent again since the request before it.
pub(crate) fn signs(code: Code, phases: &Phases, network: Option<Duration>, resent: u32) -> impl Iterator<Item = Sign> {
    let is_answered = code != Code::NONE;
    let of = |phase: Phase| phases[phase.index()];
    let lookup = of(Phase::Dns).filter(|lookup| LOOKUP.contains(lookup)).map(|_| Sign::LookupRepeated);
    let syns = of(Phase::Connect).map_or(0, |connect| syns_lost(connect, resent));
    let syn = match syns {
        0 => None,
        1 => Some(Sign::SynLostOnce),
        2 => Some(Sign::SynLostTwice),
        _ => Some(Sign::SynLostOften),
    };
    // Without the target's own time and what it was asked for, if it tells: those are nobody's loss.
    let waited = network.or(of(Phase::FirstByte)).max(of(Phase::Tls)).unwrap_or_default();
    let segment = (resent > syns && waited >= SEGMENT_MIN).then_some(Sign::SegmentResent);
    [lookup, syn, segment].into_iter().flatten().filter(move |_| is_answered)
}

/// Of the segments sent again, those that were SYNs: one a second at most.
fn syns_lost(connect: Duration, resent: u32) -> u32 {
    let at_most = (connect.as_millis() / SYN_MIN.as_millis()).min(u128::from(resent));
    u32::try_from(at_most).expect("not above a number of 32 bits")
}

#[cfg(test)]
mod tests;
