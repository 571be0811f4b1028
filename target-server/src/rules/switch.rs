//! The kill switch: faults off, for everybody, until it is switched on or its time is over.
//!
//! Asked on every request: one load while faults are on.

use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use tokio::time::Instant;

use super::read::{TTL_MIN, ttl_range};
use super::view::{EventKind, SwitchView};
use super::{Refused, Rules};
use crate::clock;
use shared::units::print_duration;

/// On, unless an end of being off is set.
#[derive(Debug)]
pub(super) struct KillSwitch {
    base: Instant,
    /// In nanoseconds since `base`; [`ON`], or [`OFF`] if nothing but a call ends it.
    off_until_ns: AtomicU64,
}

const ON: u64 = 0;
const OFF: u64 = u64::MAX;

impl KillSwitch {
    pub(super) fn new() -> KillSwitch {
        KillSwitch { base: Instant::now(), off_until_ns: AtomicU64::new(ON) }
    }

    fn is_on(&self) -> bool {
        match self.off_until_ns.load(Ordering::Relaxed) {
            ON => true,
            OFF => false,
            until => self.ns(Instant::now()) >= until,
        }
    }

    fn set(&self, off_until_ns: u64) {
        self.off_until_ns.store(off_until_ns, Ordering::Relaxed);
    }

    /// When it comes on by itself, if it is off and does.
    pub(super) fn ends(&self) -> Option<Instant> {
        match self.off_until_ns.load(Ordering::Relaxed) {
            ON | OFF => None,
            until => Some(self.base + Duration::from_nanos(until)),
        }
    }

    /// Whether its time is over, said once.
    pub(super) fn came_on(&self, now: Instant) -> bool {
        let is_over = self.ends().is_some_and(|end| now >= end);
        if is_over {
            self.set(ON);
        }
        is_over
    }

    fn ns(&self, at: Instant) -> u64 {
        u64::try_from(at.saturating_duration_since(self.base).as_nanos()).unwrap_or(OFF - 1)
    }
}

impl Rules {
    /// Whether faults are injected at all, a request's own included.
    pub(crate) fn is_enabled(&self) -> bool {
        self.switch.is_on()
    }

    /// The kill switch. Off with a `ttl` (1 s to the longest life of a rule) comes on again by itself, off without one only
    /// by a call: what is off does no harm. On takes no `ttl`.
    pub(crate) fn switch(&self, enabled: bool, ttl: Option<Duration>) -> Result<SwitchView, Refused> {
        if let (true, Some(_)) = (enabled, ttl) {
            return Err(Refused::one(
                "ttl",
                "it has no meaning while faults are on",
                "no such field, or enabled false",
            ));
        }
        if let Some(ttl) = ttl.filter(|ttl| !(TTL_MIN..=self.terms.ttl_max).contains(ttl)) {
            let reason = format!("{} is out of range", print_duration(ttl));
            return Err(Refused::one("ttl", reason, ttl_range(self.terms.ttl_max)));
        }
        let mut book = self.book();
        let was_enabled = self.is_enabled();
        let detail = match (enabled, ttl) {
            (true, _) => "faults are on".to_owned(),
            (false, None) => "faults are off until they are switched on".to_owned(),
            (false, Some(ttl)) => format!("faults are off for {}", print_duration(ttl)),
        };
        if !enabled || !was_enabled {
            self.switch.set(match (enabled, ttl) {
                (true, _) => ON,
                (false, None) => OFF,
                // A switch set in the very first nanosecond must not read as on.
                (false, Some(ttl)) => self.switch.ns(Instant::now() + ttl).max(1),
            });
            book.note(EventKind::Switched, None, detail);
            self.publish(&book);
        }
        Ok(self.shown(book.revision))
    }

    pub(crate) fn switch_view(&self) -> SwitchView {
        let book = self.book();
        self.shown(book.revision)
    }

    fn shown(&self, revision: u64) -> SwitchView {
        let ends = self.switch.ends();
        let left = |end: Instant| end.saturating_duration_since(Instant::now()).as_secs_f64();
        SwitchView {
            enabled: self.is_enabled(),
            expires_at: ends.map(clock::wall),
            expires_in_seconds: ends.map(left),
            revision,
        }
    }
}
