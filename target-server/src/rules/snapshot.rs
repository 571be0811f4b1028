//! The live rules by protocol, in the order in which they are asked. Never changed, only replaced, so that a request sees
//! one whole set.

use std::sync::Arc;

use shared::protocol::Protocol;

use super::active::ActiveRule;
use super::facts::Facts;
use super::sieve::{Digest, Sieve};

/// What requests are held against.
#[derive(Debug, Default)]
pub(super) struct Snapshot {
    by_protocol: [Vec<(Sieve, Arc<ActiveRule>)>; Protocol::ALL.len()],
}

impl Snapshot {
    /// `rules` in the order in which they are to be asked.
    pub(super) fn new<'a>(rules: impl Iterator<Item = &'a Arc<ActiveRule>>) -> Snapshot {
        let mut snapshot = Snapshot::default();
        for rule in rules {
            for protocol in rule.protocols() {
                snapshot.by_protocol[protocol.index()].push((rule.sieve(*protocol), Arc::clone(rule)));
            }
        }
        snapshot
    }

    /// The rules that match, first things first, whether or not they are live: few match, so that this order is the cheap
    /// one.
    pub(super) fn matching(&self, facts: &Facts<'_>) -> impl Iterator<Item = &Arc<ActiveRule>> {
        let rules = &self.by_protocol[facts.protocol.index()];
        let digest = (!rules.is_empty()).then(|| Digest::of(facts));
        let seen = rules.iter().filter(move |(sieve, _)| digest.as_ref().is_some_and(|d| sieve.lets_through(d, facts)));
        seen.map(|(_, rule)| rule).filter(|rule| rule.matches(facts))
    }
}
