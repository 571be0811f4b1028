//! What the rules API of a target's admin port answers, as its client sees it: a newer target may say more, and what it says
//! is passed on.

use std::fmt;
use std::str::FromStr;
use std::time::Duration;

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use super::rule::Time;

/// Where a rule is in its life.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum State {
    /// It waits for its beginning.
    Pending,
    /// It strikes.
    Active,
    /// Its time is over, or its hits are used up.
    Expired,
    /// It was taken away.
    Removed,
    /// One that this version does not know.
    #[serde(untagged)]
    Other(String),
}

impl State {
    /// Whether it will never strike again.
    pub(super) fn is_over(&self) -> bool {
        matches!(self, State::Expired | State::Removed)
    }

    /// As the target writes it.
    pub(super) fn as_str(&self) -> &str {
        match self {
            State::Pending => "pending",
            State::Active => "active",
            State::Expired => "expired",
            State::Removed => "removed",
            State::Other(word) => word,
        }
    }
}

impl FromStr for State {
    type Err = String;

    fn from_str(text: &str) -> Result<State, String> {
        [State::Pending, State::Active, State::Expired, State::Removed]
            .into_iter()
            .find(|state| state.as_str() == text)
            .ok_or_else(|| "expected pending, active, expired or removed".to_owned())
    }
}

/// A rule as a target tells it: what became of it, and what was asked.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(super) struct Installed {
    pub(super) id: String,
    pub(super) state: State,
    /// Who asks for it: a rule, or a flag of the target.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) source: Option<String>,
    /// Its time, its hits, or a removal; absent while it lives.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) ended_by: Option<String>,
    #[serde(default)]
    pub(super) revision: Option<u64>,
    /// Times of the target's own clock, RFC 3339: to be shown, not to be counted with.
    #[serde(default)]
    pub(super) created_at: Option<String>,
    #[serde(default)]
    pub(super) expires_at: Option<String>,
    #[serde(default)]
    pub(super) expires_in_seconds: Option<f64>,
    /// Requests that it matched, whatever its percentage then said.
    #[serde(default)]
    pub(super) hits: u64,
    /// Requests that it struck.
    #[serde(default)]
    pub(super) injected: u64,
    /// Requests that were spared because too many faults were active.
    #[serde(default)]
    pub(super) overflow: u64,
    /// The keys of a [`super::Rule`], and those of a newer target.
    #[serde(flatten)]
    pub(super) asked: Map<String, Value>,
}

impl Installed {
    /// How long it still lasts.
    pub(super) fn remaining(&self) -> Option<Duration> {
        Duration::try_from_secs_f64(self.expires_in_seconds?).ok()
    }

    /// What to send so that it is there again as it is now, in place of `other`.
    ///
    /// If `other` strikes just as it does, the target took it for the same rule and goes on with its counts: only its time is
    /// put back. Otherwise it begins anew, with the time and the hits that it has left, and with its ramp if that has not
    /// come to its end.
    pub(super) fn again(&self, other: Option<&Installed>) -> Map<String, Value> {
        let mut body = self.asked.clone();
        body.insert("id".to_owned(), self.id.clone().into());
        let time = |key: &str| self.asked.get(key).and_then(Value::as_str).and_then(|text| text.parse::<Time>().ok());
        let ttl = time("ttl").map_or(Duration::ZERO, |ttl| ttl.0);
        let remaining = self.remaining().unwrap_or(ttl);
        let elapsed = ttl.saturating_sub(remaining);
        let mut set_time = |key: &str, time: Duration| body.insert(key.to_owned(), String::from(Time(time)).into());
        // Whole seconds, and at least one: the shortest that a target takes.
        set_time("ttl", Duration::from_secs(remaining.as_secs().max(1)));
        if other.is_some_and(|other| self.strikes_like(other)) {
            return body;
        }
        if let Some(start_after) = time("start_after") {
            let left =
                if self.state == State::Pending { start_after.0.saturating_sub(elapsed) } else { Duration::ZERO };
            set_time("start_after", left);
        }
        let over = self.asked.get("ramp").and_then(|ramp| ramp.get("over")?.as_str()?.parse::<Time>().ok());
        if over.is_some_and(|over| over.0 <= elapsed) {
            body.remove("ramp");
        }
        if let Some(max_hits) = self.asked.get("max_hits").and_then(Value::as_u64) {
            body.insert("max_hits".to_owned(), max_hits.saturating_sub(self.injected).max(1).into());
        }
        body
    }

    /// Whether it differs in nothing but how long it lives and who says so.
    fn strikes_like(&self, other: &Installed) -> bool {
        let core = |rule: &Installed| {
            let mut core = rule.asked.clone();
            core.retain(|key, _| !matches!(key.as_str(), "ttl" | "owner" | "reason"));
            core
        };
        core(self) == core(other)
    }
}

/// All rules of a target.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(super) struct Listing {
    pub(super) faults: Vec<Installed>,
}

/// How many rules a removal found: one or none by id, any number by owner.
#[derive(Clone, Copy, Debug, Serialize, Deserialize)]
#[serde(untagged)]
pub(super) enum Count {
    One(bool),
    Many(u64),
}

/// The answer to a removal.
#[derive(Clone, Copy, Debug, Serialize, Deserialize)]
pub(super) struct Removed {
    pub(super) removed: Count,
}

/// Why a target refused.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct Refusals {
    error: Option<Refusal>,
    errors: Vec<Refusal>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Refusal {
    code: Option<String>,
    field: Option<String>,
    reason: Option<String>,
    expected: Option<String>,
}

impl fmt::Display for Refusals {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (n, refusal) in self.error.iter().chain(&self.errors).enumerate() {
            f.write_str(if n == 0 { "" } else { "; " })?;
            if let Some(field) = &refusal.field {
                write!(f, "{field}: ")?;
            }
            let reason = refusal.reason.as_deref().or(refusal.code.as_deref());
            f.write_str(reason.unwrap_or("refused without a reason"))?;
            if let Some(expected) = &refusal.expected {
                write!(f, "; expected {expected}")?;
            }
        }
        Ok(())
    }
}
