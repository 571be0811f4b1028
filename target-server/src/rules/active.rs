//! One live rule, as requests meet it.

use super::id::RuleId;

/// One rule in force.
#[derive(Debug)]
pub(crate) struct ActiveRule {
    id: RuleId,
}

impl ActiveRule {
    pub(crate) fn id(&self) -> &RuleId {
        &self.id
    }

    /// Whether it beats what the request itself asks for.
    pub(crate) fn overrides_request(&self) -> bool {
        false
    }

    /// The body to answer in place of the usual one.
    pub(crate) fn instead(&self) -> Option<&'static str> {
        None
    }

    /// The label `source` of what it injects.
    pub(crate) fn source(&self) -> &'static str {
        "rule"
    }

    /// Its fault is in effect.
    pub(crate) fn injected(&self) {}

    /// Its fault is not, because too many are active; what it used of `max_hits` is given back.
    pub(crate) fn withheld(&self) {}
}
