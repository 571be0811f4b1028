//! One rule in force, as requests meet it: immutable but for its counts and its end.
//!
//! Invariants:
//! - What becomes of a request is a pure function of the rule's seed and id and the request's key, but for `every`, which
//!   counts, and for `load(..)`.
//! - No more than `max_hits` requests are struck at any time, whoever asks at the same time.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use shared::draw::Draw;
use shared::fault::{Fault, Key};
use tokio::sync::Notify;
use tokio::time::Instant;

use super::chance::Chance;
use super::facts::Facts;
use super::id::RuleId;
use super::matcher::Matcher;
use super::sieve::Sieve;

/// Who asks for a rule's faults: the label `source` of what is injected.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Source {
    /// The admin listener.
    Rule,
    /// This flag of the command line.
    Flag(&'static str),
}

impl Source {
    pub(super) const fn as_str(self) -> &'static str {
        match self {
            Source::Rule => "rule",
            Source::Flag(_) => "flag",
        }
    }
}

/// One rule in force.
#[derive(Debug)]
pub(crate) struct ActiveRule {
    pub(super) id: RuleId,
    pub(super) source: Source,
    overrides: bool,
    instead: Option<&'static str>,
    matcher: Matcher,
    chance: Chance,
    fault: Fault,
    /// The name of the draws of this rule; `rule:<id>`.
    purpose: String,
    seed: u64,
    /// Differs from rule to rule, so that two rules with one seed strike independently.
    fault_seed: u64,
    created: Instant,
    pub(super) starts: Instant,
    /// In nanoseconds since `created`; `u64::MAX`: never.
    ends_ns: AtomicU64,
    /// `u64::MAX`: no bound.
    max_hits: u64,
    /// Of those, how many are used or spoken for.
    charges: AtomicU64,
    hits: AtomicU64,
    injected: AtomicU64,
    overflow: AtomicU64,
    /// Told when `max_hits` are used up.
    wake: Arc<Notify>,
}

/// What a rule is made of.
pub(super) struct Parts {
    pub(super) id: RuleId,
    pub(super) source: Source,
    pub(super) overrides: bool,
    pub(super) instead: Option<&'static str>,
    pub(super) matcher: Matcher,
    pub(super) chance: Chance,
    pub(super) fault: Fault,
    pub(super) seed: u64,
    pub(super) start_after: Duration,
    /// `None`: no end.
    pub(super) ttl: Option<Duration>,
    pub(super) max_hits: Option<u64>,
    pub(super) wake: Arc<Notify>,
}

/// What a rule makes of a request that it matches.
pub(super) enum Drawn {
    /// This happens to it.
    Struck(Fault),
    /// Chance spares it.
    Spared,
    /// The rule is used up; as if it did not match.
    UsedUp,
}

impl ActiveRule {
    pub(super) fn new(parts: Parts, now: Instant) -> ActiveRule {
        let purpose = format!("rule:{}", parts.id);
        let rule = ActiveRule {
            fault_seed: Draw::new(parts.seed, &purpose).bits("fault"),
            purpose,
            id: parts.id,
            source: parts.source,
            overrides: parts.overrides,
            instead: parts.instead,
            matcher: parts.matcher,
            chance: parts.chance,
            fault: parts.fault,
            seed: parts.seed,
            created: now,
            starts: now + parts.start_after,
            ends_ns: AtomicU64::new(u64::MAX),
            max_hits: parts.max_hits.unwrap_or(u64::MAX),
            charges: AtomicU64::new(0),
            hits: AtomicU64::new(0),
            injected: AtomicU64::new(0),
            overflow: AtomicU64::new(0),
            wake: parts.wake,
        };
        if let Some(ttl) = parts.ttl {
            rule.lives_until(now + ttl);
        }
        rule
    }

    /// Its name.
    pub(crate) fn id(&self) -> &RuleId {
        &self.id
    }

    /// Whether it beats what the request itself asks for.
    pub(crate) fn overrides_request(&self) -> bool {
        self.overrides
    }

    /// The body to answer in place of the usual one.
    pub(crate) fn instead(&self) -> Option<&'static str> {
        self.instead
    }

    /// The label `source` of what it injects: `rule` or `flag`.
    pub(crate) fn source(&self) -> &'static str {
        self.source.as_str()
    }

    /// Its fault is in effect.
    pub(crate) fn injected(&self) {
        let injected = self.injected.fetch_add(1, Ordering::Relaxed) + 1;
        if injected >= self.max_hits {
            self.wake.notify_one();
        }
    }

    /// Its fault is not, because too many are active; what it used of `max_hits` is given back.
    pub(crate) fn withheld(&self) {
        self.overflow.fetch_add(1, Ordering::Relaxed);
        self.spared();
    }

    /// Its fault came to nothing; what it used of `max_hits` is given back.
    pub(crate) fn spared(&self) {
        if self.max_hits < u64::MAX {
            self.charges.fetch_sub(1, Ordering::Relaxed);
        }
    }

    /// Whether what it has struck is struck still though nothing else will be: its `max_hits` are used up, its time is not.
    pub(crate) fn holds(&self, now: Instant) -> bool {
        self.is_used_up() && !self.is_over(now)
    }

    /// Whether it strikes at all at this time.
    pub(super) fn is_live(&self, now: Instant) -> bool {
        now >= self.starts && !self.is_over(now) && self.charges.load(Ordering::Relaxed) < self.max_hits
    }

    /// Whether its time is up.
    pub(super) fn is_over(&self, now: Instant) -> bool {
        nanoseconds(now.saturating_duration_since(self.created)) >= self.ends_ns.load(Ordering::Relaxed)
    }

    /// Whether everything that `max_hits` allows has happened.
    pub(super) fn is_used_up(&self) -> bool {
        self.injected.load(Ordering::Relaxed) >= self.max_hits
    }

    /// `None`: never.
    pub(super) fn ends(&self) -> Option<Instant> {
        match self.ends_ns.load(Ordering::Relaxed) {
            u64::MAX => None,
            ns => Some(self.created + Duration::from_nanos(ns)),
        }
    }

    pub(super) fn lives_until(&self, end: Instant) {
        self.ends_ns.store(nanoseconds(end.saturating_duration_since(self.created)), Ordering::Relaxed);
    }

    /// Its counts: matched, injected, withheld.
    pub(super) fn counts(&self) -> [u64; 3] {
        [&self.hits, &self.injected, &self.overflow].map(|count| count.load(Ordering::Relaxed))
    }

    pub(super) fn protocols(&self) -> &[shared::protocol::Protocol] {
        &self.matcher.protocols
    }

    pub(super) fn sieve(&self, protocol: shared::protocol::Protocol) -> Sieve {
        Sieve::new(&self.matcher, protocol)
    }

    pub(super) fn matches(&self, facts: &Facts<'_>) -> bool {
        self.matcher.matches(facts)
    }

    /// Counts a matched request; true for the first one.
    pub(super) fn hit(&self) -> bool {
        self.hits.fetch_add(1, Ordering::Relaxed) == 0
    }

    /// What happens to a request that it matches.
    pub(super) fn draw(&self, key: &str, load: u64, now: Instant) -> Drawn {
        let age = now.saturating_duration_since(self.starts);
        if !self.chance.falls(age, || Draw::new(self.seed, key).u(&self.purpose, 0)) {
            return Drawn::Spared;
        }
        let verdict = self.fault.roll(self.fault_seed, key, load);
        if !verdict.applied {
            return Drawn::Spared;
        }
        let fault = verdict.to_fault().without(&[Key::Seed, Key::Id]);
        if fault.is_empty() {
            return Drawn::Spared;
        }
        if self.charge() { Drawn::Struck(fault) } else { Drawn::UsedUp }
    }

    /// Takes one of `max_hits`; false if none is left.
    fn charge(&self) -> bool {
        let one_more = |charges: u64| (charges < self.max_hits).then_some(charges + 1);
        self.max_hits == u64::MAX || self.charges.try_update(Ordering::Relaxed, Ordering::Relaxed, one_more).is_ok()
    }
}

/// Saturates after 584 years.
fn nanoseconds(duration: Duration) -> u64 {
    u64::try_from(duration.as_nanos()).unwrap_or(u64::MAX)
}
