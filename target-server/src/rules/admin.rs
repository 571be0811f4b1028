//! What an operator does to the rule set, and sees of it. None of this is on the way of a request.

use std::sync::Arc;
use std::time::Duration;

use shared::red::rules::{RuleFigure, RuleFigures};
use shared::units::print_duration;
use tokio::time::Instant;

use super::active::{ActiveRule, Parts, Source};
use super::book::{Book, End, Entry};
use super::read::{self, Spec, TTL_MIN, ttl_range};
use super::view::{EventKind, Events, Listing, Preview, State, View};
use super::written::Written;
use super::{EXPORTED_MAX, LIVE_MAX, Refused, RuleId, Rules, id, preview};
use crate::clock;

/// What is beside the text of a rule.
#[derive(Clone, Copy)]
pub(super) struct Extra {
    pub(super) source: Source,
    pub(super) instead: Option<&'static str>,
}

impl Extra {
    pub(super) const NONE: Extra = Extra { source: Source::Rule, instead: None };
}

impl Rules {
    /// Installs or replaces; true if nothing of this id was live. The same rule again (all but `ttl`, `owner` and `reason`
    /// alike) goes on with its counts and its start, and lives for `ttl` from now.
    pub(crate) fn put(&self, written: Written) -> Result<(bool, View), Refused> {
        let spec = read::read(&written, &self.terms, true)?;
        let Some(id) = spec.id.clone() else { return Err(Refused::one("id", "missing", id::EXPECTED)) };
        self.install(&mut self.book(), id, spec, Extra::NONE)
    }

    /// Installs under an id that is free, or a new one if none is written.
    pub(crate) fn add(&self, written: Written) -> Result<View, Refused> {
        let spec = read::read(&written, &self.terms, true)?;
        let mut book = self.book();
        let id = match &spec.id {
            Some(id) if book.lives(id) => return Err(Refused::Exists(id.clone())),
            Some(id) => id.clone(),
            None => loop {
                book.order += 1;
                let id = RuleId::own(&format!("rule-{}", book.order));
                if !book.entries.contains_key(&id) {
                    break id;
                }
            },
        };
        self.install(&mut book, id, spec, Extra::NONE).map(|(_, view)| view)
    }

    /// What it would do, without doing it.
    pub(crate) fn validate(&self, written: &Written) -> Result<Preview, Refused> {
        Ok(preview::of(read::read(written, &self.terms, true)?, self.default_seed))
    }

    /// One that lives, or ended a short while ago.
    pub(crate) fn get(&self, id: &RuleId) -> Option<View> {
        self.book().entries.get(id).map(|entry| entry.view(Instant::now()))
    }

    /// All that live, in the order in which they are asked, then those that ended a short while ago, by id.
    pub(crate) fn list(&self, state: Option<State>, owner: Option<&str>) -> Listing {
        let book = self.book();
        let now = Instant::now();
        let ended = book.entries.values().filter(|entry| !entry.is_live());
        let wanted = |entry: &&Entry| {
            state.is_none_or(|state| entry.state(now) == state)
                && owner.is_none_or(|owner| entry.normal.owner.as_deref() == Some(owner))
        };
        let faults = book.live().into_iter().chain(ended).filter(wanted).map(|entry| entry.view(now)).collect();
        Listing { faults, revision: book.revision, now: clock::now() }
    }

    /// Lets a live rule live for `ttl` (1 s to the longest allowed) from now.
    pub(crate) fn renew(&self, id: &RuleId, ttl: Duration) -> Result<View, Refused> {
        if !(TTL_MIN..=self.terms.ttl_max).contains(&ttl) {
            let reason = format!("{} is out of range", print_duration(ttl));
            return Err(Refused::one("ttl", reason, ttl_range(self.terms.ttl_max)));
        }
        let mut book = self.book();
        let entry = live(&book, id)?;
        let starts = entry.rule.starts;
        if Instant::now() + ttl <= starts {
            return Err(Refused::one(
                "ttl",
                "the rule would end before it begins",
                "more than what is left of start_after",
            ));
        }
        self.prolong(&mut book, id, ttl)
    }

    /// False if there is no such live rule.
    pub(crate) fn remove(&self, id: &RuleId) -> Result<bool, Refused> {
        let mut book = self.book();
        match live(&book, id) {
            Err(Refused::NotFound(_)) => Ok(false),
            Err(refused) => Err(refused),
            Ok(_) => Ok(self.remove_all(&mut book, |entry| entry.rule.id == *id) == 1),
        }
    }

    /// How many of this owner's were live.
    pub(crate) fn remove_owned(&self, owner: &str) -> usize {
        self.remove_all(&mut self.book(), |entry| entry.normal.owner.as_deref() == Some(owner))
    }

    /// Removes every rule but those of flags; how many. The switch stays as it is: what was switched off for a reason does
    /// not come on by tidying up.
    pub(crate) fn reset(&self) -> usize {
        self.remove_all(&mut self.book(), |_| true)
    }

    /// The remembered changes after revision `since`.
    pub(crate) fn events(&self, since: u64) -> Events {
        self.book().events(since)
    }

    /// What is exported of the rules: of [`EXPORTED_MAX`], first those that live, then those that ended last. The others are
    /// left out; a sum of them would be a counter that goes back whenever one of them is forgotten.
    pub(crate) fn figures(&self) -> RuleFigures {
        let book = self.book();
        let now = Instant::now();
        let figure = |entry: &Entry| {
            let [hits, injected, _] = entry.rule.counts();
            let expires = entry.rule.ends().filter(|_| entry.is_live());
            RuleFigure {
                rule: entry.rule.id.to_string(),
                hits,
                injected,
                expires_unix_s: expires.map(clock::unix_seconds),
            }
        };
        let exported = book.live().into_iter().chain(book.ended().into_iter().rev()).take(EXPORTED_MAX);
        RuleFigures {
            is_enabled: self.is_enabled(),
            active: book.entries.values().filter(|entry| entry.state(now) == State::Active).count(),
            rules: exported.map(figure).collect(),
        }
    }

    pub(super) fn install(
        &self,
        book: &mut Book,
        id: RuleId,
        spec: Spec,
        extra: Extra,
    ) -> Result<(bool, View), Refused> {
        let now = Instant::now();
        let normal = Written { id: Some(id.to_string()), ..spec.normal };
        let held = book.entries.get_mut(&id).filter(|entry| entry.is_live());
        let is_new = held.is_none();
        let held_order = held.as_ref().map(|entry| entry.order);
        if let Some(entry) = held {
            if let Some(flag) = entry.flag() {
                return Err(Refused::Standing { id, flag });
            }
            if let (true, Some(ttl)) = (strikes_alike(&entry.normal, &normal), spec.ttl) {
                // What is left of `start_after` is not begun anew, or a rule that is renewed in time would never strike.
                entry.normal = normal;
                return self.prolong(book, &id, ttl).map(|view| (false, view));
            }
        }
        if is_new && extra.source == Source::Rule && !book.has_room(1) {
            return Err(Refused::TooMany { max: LIVE_MAX });
        }
        let parts = Parts {
            id: id.clone(),
            source: extra.source,
            overrides: spec.overrides,
            instead: extra.instead,
            matcher: spec.matcher,
            chance: spec.chance,
            fault: spec.fault,
            seed: spec.seed.unwrap_or(self.default_seed),
            start_after: spec.start_after,
            ttl: spec.ttl,
            max_hits: spec.max_hits,
            wake: Arc::clone(&self.wake),
        };
        book.order += 1;
        let detail = normal.fault.clone().unwrap_or_default();
        let entry = Entry {
            rule: Arc::new(ActiveRule::new(parts, now)),
            normal,
            priority: spec.priority,
            // Whoever replaces a rule does not move it behind its equals.
            order: held_order.unwrap_or(book.order),
            created: now,
            revision: 0,
            begun: spec.start_after.is_zero(),
            end: None,
        };
        book.entries.insert(id.clone(), entry);
        let kind = if is_new { EventKind::Installed } else { EventKind::Replaced };
        let revision = book.note(kind, Some(&id), detail);
        self.publish(book);
        self.revised(book, &id, revision).map(|view| (is_new, view))
    }

    fn prolong(&self, book: &mut Book, id: &RuleId, ttl: Duration) -> Result<View, Refused> {
        let entry = book.entries.get_mut(id).ok_or_else(|| Refused::NotFound(id.clone()))?;
        entry.rule.lives_until(Instant::now() + ttl);
        entry.normal.ttl = Some(print_duration(ttl));
        let revision = book.note(EventKind::Renewed, Some(id), format!("for {}", print_duration(ttl)));
        self.wake.notify_one();
        self.revised(book, id, revision)
    }

    fn revised(&self, book: &mut Book, id: &RuleId, revision: u64) -> Result<View, Refused> {
        let entry = book.entries.get_mut(id).ok_or_else(|| Refused::NotFound(id.clone()))?;
        entry.revision = revision;
        Ok(entry.view(Instant::now()))
    }

    pub(super) fn remove_all(&self, book: &mut Book, chosen: impl Fn(&Entry) -> bool) -> usize {
        let chosen = |entry: &&Entry| entry.is_live() && entry.flag().is_none() && chosen(entry);
        let ids: Vec<RuleId> = book.entries.values().filter(chosen).map(|entry| entry.rule.id.clone()).collect();
        let end = End { at: Instant::now(), state: State::Removed, by: "removed" };
        ids.iter().for_each(|id| book.end(id, end));
        if !ids.is_empty() {
            self.publish(book);
        }
        ids.len()
    }
}

/// A live rule that may be changed.
fn live<'a>(book: &'a Book, id: &RuleId) -> Result<&'a Entry, Refused> {
    let entry = book.entries.get(id).filter(|entry| entry.is_live());
    let entry = entry.ok_or_else(|| Refused::NotFound(id.clone()))?;
    match entry.flag() {
        Some(flag) => Err(Refused::Standing { id: id.clone(), flag }),
        None => Ok(entry),
    }
}

/// Whether two rules are one but for how long they live and who says so.
fn strikes_alike(a: &Written, b: &Written) -> bool {
    let core = |written: &Written| Written { ttl: None, owner: None, reason: None, ..written.clone() };
    core(a) == core(b)
}
