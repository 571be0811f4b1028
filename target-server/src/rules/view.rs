//! What the rule set shows of itself, as it is serialised.

use std::collections::BTreeMap;
use std::fmt;

use serde::Serialize;

use super::id::RuleId;
use super::written::Written;

/// Where a rule is in its life.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum State {
    /// `start_after` is not over.
    Pending,
    /// It strikes.
    Active,
    /// Its time or its `max_hits` are used up.
    Expired,
    /// Somebody took it away.
    Removed,
}

impl State {
    pub(crate) const ALL: [State; 4] = [State::Pending, State::Active, State::Expired, State::Removed];

    pub(crate) const fn as_str(self) -> &'static str {
        match self {
            State::Pending => "pending",
            State::Active => "active",
            State::Expired => "expired",
            State::Removed => "removed",
        }
    }
}

impl fmt::Display for State {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// One rule: what was written, defaults filled in, and what became of it.
#[derive(Clone, Debug, Serialize)]
pub(crate) struct View {
    #[serde(flatten)]
    pub(crate) rule: Written,
    /// `rule`, or `flag` for one that a flag of the command line asks for.
    pub(crate) source: &'static str,
    /// Of the last change to it; see [`Listing::revision`].
    pub(crate) revision: u64,
    pub(crate) state: State,
    /// `ttl`, `max_hits`, `removed`; absent while it lives.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) ended_by: Option<&'static str>,
    /// RFC 3339.
    pub(crate) created_at: String,
    /// RFC 3339: when it ends, or ended. Absent for what a flag asks for.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) expires_at: Option<String>,
    /// From now; 0 once it ended. Absent for what a flag asks for.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) expires_in_seconds: Option<f64>,
    /// Requests it matched, whatever the percentage then said.
    pub(crate) hits: u64,
    /// Those whose answer it changed.
    pub(crate) injected: u64,
    /// Those it would have changed, had not too many faults been active.
    pub(crate) overflow: u64,
}

/// Rules in the order in which they are asked, then those that ended, by id.
#[derive(Clone, Debug, Serialize)]
pub(crate) struct Listing {
    pub(crate) faults: Vec<View>,
    /// Counts the changes to the rule set since the program started.
    pub(crate) revision: u64,
    /// RFC 3339.
    pub(crate) now: String,
}

/// What a rule would do.
#[derive(Clone, Debug, Serialize)]
pub(crate) struct Preview {
    /// The rule with its defaults filled in and its fault in canonical form.
    pub(crate) rule: Written,
    /// Those it matches.
    pub(crate) protocols: Vec<&'static str>,
    /// The share of matched requests that get each effect, 0 to 1, by the word of the label `kind`.
    pub(crate) rates: BTreeMap<&'static str, f64>,
    /// Absent if nothing is delayed.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) delay: Option<DelayPreview>,
}

/// The time by which an answer that is struck takes longer: `delay`, `body_delay` and `end_delay` together, with nothing else
/// in flight.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub(crate) struct DelayPreview {
    pub(crate) mean_seconds: f64,
    pub(crate) p99_seconds: f64,
}

/// The kill switch.
#[derive(Clone, Debug, Serialize)]
pub(crate) struct SwitchView {
    pub(crate) enabled: bool,
    /// RFC 3339: when faults are on again. Absent if they are, or if nothing but a call switches them on.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) expires_at: Option<String>,
    /// The same from now.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) expires_in_seconds: Option<f64>,
    pub(crate) revision: u64,
}

/// What happened to the rule set.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum EventKind {
    Installed,
    Replaced,
    Renewed,
    /// The first request it matched.
    FirstHit,
    Expired,
    Exhausted,
    Removed,
    /// Faults were switched off, or on again.
    Switched,
}

impl EventKind {
    pub(crate) const fn as_str(self) -> &'static str {
        match self {
            EventKind::Installed => "installed",
            EventKind::Replaced => "replaced",
            EventKind::Renewed => "renewed",
            EventKind::FirstHit => "first_hit",
            EventKind::Expired => "expired",
            EventKind::Exhausted => "exhausted",
            EventKind::Removed => "removed",
            EventKind::Switched => "switched",
        }
    }
}

/// One change.
#[derive(Clone, Debug, Serialize)]
pub(crate) struct Event {
    pub(crate) revision: u64,
    /// RFC 3339.
    pub(crate) at: String,
    pub(crate) kind: EventKind,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) rule: Option<RuleId>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) owner: Option<String>,
    /// Words for people.
    pub(crate) detail: String,
}

/// Changes after some revision, oldest first.
#[derive(Clone, Debug, Serialize)]
pub(crate) struct Events {
    pub(crate) events: Vec<Event>,
    /// What to ask after next time.
    pub(crate) revision: u64,
    /// True if older ones that were asked for are forgotten.
    pub(crate) missed: bool,
}
