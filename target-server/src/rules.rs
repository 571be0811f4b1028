//! The rule set: faults that an operator asks for on the admin listener, for requests that ask for nothing.
//!
//! Invariants:
//! - Whatever decides goes by the monotonic clock; the wall clock is text.
//! - A rule is over when its time is, whether or not anybody looked.
//! - At most [`LIVE_MAX`] rules are live, and [`ENDED_MAX`] that ended are remembered, for [`REMEMBERED`].

mod active;
mod facts;
mod id;
mod refused;
mod view;
mod written;

use std::sync::Arc;
use std::time::Duration;

use shared::fault::{Fault, Limits};
use shared::protocol::Protocol;

pub(crate) use active::ActiveRule;
pub(crate) use facts::{Detail, Facts};
pub(crate) use id::RuleId;
pub(crate) use refused::{Refused, Wrong};
pub(crate) use view::{DelayPreview, Event, EventKind, Events, Listing, Preview, State, SwitchView, View};
pub(crate) use written::{Words, Written, WrittenMatch, WrittenRamp};

/// The longest a rule may live without being renewed.
pub(crate) const TTL_MAX: Duration = Duration::from_secs(60 * 60);
/// Rules that may be live at once.
pub(crate) const LIVE_MAX: usize = 64;
/// Rules that ended and are still shown; the oldest go first.
pub(crate) const ENDED_MAX: usize = 256;
/// How long those are shown.
pub(crate) const REMEMBERED: Duration = Duration::from_secs(15 * 60);
/// Changes that are remembered.
pub(crate) const EVENTS_MAX: usize = 1000;

/// What a rule does to one request.
#[derive(Debug)]
pub(crate) struct Struck {
    /// Whose doing it is. Tell it what came of it: [`ActiveRule::injected`] or [`ActiveRule::withheld`], exactly once.
    pub(crate) rule: Arc<ActiveRule>,
    /// Rolled: without chance, `seed` and `id`. Never empty.
    pub(crate) fault: Fault,
}

/// All rules of one target.
#[derive(Debug)]
pub(crate) struct Rules {}

impl Rules {
    pub(crate) fn new(_limits: Limits, _ttl_max: Duration, _default_seed: u64) -> Arc<Rules> {
        Arc::new(Rules {})
    }

    /// True if no rule can strike now, so that nothing about a request needs to be looked up. One relaxed load.
    pub(crate) fn is_empty(&self) -> bool {
        true
    }

    /// Another number after every change of what may strike.
    pub(crate) fn generation(&self) -> u64 {
        0
    }

    /// What the first rule that matches does to this request, if anything. `key` is the request's own.
    pub(crate) fn strike(&self, _facts: &Facts<'_>, _key: &str, _load: u64) -> Option<Struck> {
        None
    }

    /// Installs or replaces; the flag says whether the id was free. The same rule again keeps its counts and its start, and
    /// lives for `ttl` from now.
    pub(crate) fn put(&self, _written: Written) -> Result<(bool, View), Refused> {
        Err(Refused::TooMany { max: 0 })
    }

    /// Installs under an id that is free, or a new one if none is written.
    pub(crate) fn add(&self, _written: Written) -> Result<View, Refused> {
        Err(Refused::TooMany { max: 0 })
    }

    /// What it would do, without doing it.
    pub(crate) fn validate(&self, _written: &Written) -> Result<Preview, Refused> {
        Err(Refused::TooMany { max: 0 })
    }

    pub(crate) fn get(&self, _id: &RuleId) -> Option<View> {
        None
    }

    pub(crate) fn list(&self, _state: Option<State>, _owner: Option<&str>) -> Listing {
        Listing { faults: Vec::new(), revision: 0, now: String::new() }
    }

    /// Lets a live rule live for `ttl` (1 s to the longest allowed) from now.
    pub(crate) fn renew(&self, id: &RuleId, _ttl: Duration) -> Result<View, Refused> {
        Err(Refused::NotFound(id.clone()))
    }

    /// False if there is no such live rule.
    pub(crate) fn remove(&self, _id: &RuleId) -> Result<bool, Refused> {
        Ok(false)
    }

    /// How many were removed.
    pub(crate) fn remove_owned(&self, _owner: &str) -> usize {
        0
    }

    /// Removes every rule but those of flags; how many. The switch stays as it is.
    pub(crate) fn reset(&self) -> usize {
        0
    }

    /// The kill switch. Off with a `ttl` (1 s to the longest allowed) comes on again by itself; on takes none.
    pub(crate) fn switch(&self, _enabled: bool, _ttl: Option<Duration>) -> Result<SwitchView, Refused> {
        Ok(self.switch_view())
    }

    pub(crate) fn switch_view(&self) -> SwitchView {
        SwitchView { enabled: true, expires_at: None, expires_in_seconds: None, revision: 0 }
    }

    /// Whether faults are injected at all, a request's own included.
    pub(crate) fn is_enabled(&self) -> bool {
        true
    }

    /// The remembered changes after revision `since`.
    pub(crate) fn events(&self, _since: u64) -> Events {
        Events { events: Vec::new(), revision: 0, missed: false }
    }

    /// Podinfo's `/fault_injection/{enable,disable}`: whether that changed anything.
    pub(crate) fn put_shim(&self, _enabled: bool) -> Result<bool, Refused> {
        Ok(false)
    }

    /// Podinfo's `/fault_injection/status`.
    pub(crate) fn shim_enabled(&self) -> bool {
        false
    }

    /// A fault that `flag` asks for: it has no end, and cannot be taken away. One per `id`.
    pub(crate) fn stand(
        &self,
        _id: &'static str,
        _flag: &'static str,
        _protocols: &[Protocol],
        _fault: &str,
        _instead: Option<&'static str>,
    ) -> Result<(), Refused> {
        Ok(())
    }
}
