//! The books of the rule set, under one lock: which rules live, which ended, and what happened, by revision.
//!
//! Requests never wait for this lock, but for the first that a rule matches.

use std::collections::{BTreeMap, VecDeque};
use std::sync::Arc;

use tokio::time::Instant;

use super::active::{ActiveRule, Source};
use super::id::RuleId;
use super::view::{Event, EventKind, Events, State, View};
use super::written::Written;
use super::{ENDED_MAX, EVENTS_MAX, LIVE_MAX, REMEMBERED};
use crate::clock;

/// One rule and what is known of it.
#[derive(Debug)]
pub(super) struct Entry {
    pub(super) rule: Arc<ActiveRule>,
    /// As it is shown.
    pub(super) normal: Written,
    pub(super) priority: i64,
    /// Of creation.
    pub(super) order: u64,
    pub(super) created: Instant,
    /// Of the last change.
    pub(super) revision: u64,
    /// Whether its start was noticed.
    pub(super) begun: bool,
    pub(super) end: Option<End>,
}

/// How a rule ended.
#[derive(Clone, Copy, Debug)]
pub(super) struct End {
    pub(super) at: Instant,
    pub(super) state: State,
    /// `ttl`, `max_hits`, `removed`.
    pub(super) by: &'static str,
}

impl Entry {
    pub(super) fn state(&self, now: Instant) -> State {
        match self.end {
            Some(end) => end.state,
            None if now < self.rule.starts => State::Pending,
            None => State::Active,
        }
    }

    pub(super) fn is_live(&self) -> bool {
        self.end.is_none()
    }

    /// The flag that asks for it.
    pub(super) fn flag(&self) -> Option<&'static str> {
        match self.rule.source {
            Source::Flag(flag) => Some(flag),
            Source::Rule => None,
        }
    }

    pub(super) fn view(&self, now: Instant) -> View {
        let [hits, injected, overflow] = self.rule.counts();
        let expires = self.end.map(|end| end.at).or_else(|| self.rule.ends());
        View {
            rule: self.normal.clone(),
            source: self.rule.source.as_str(),
            revision: self.revision,
            state: self.state(now),
            ended_by: self.end.map(|end| end.by),
            created_at: clock::wall(self.created),
            expires_at: expires.map(clock::wall),
            expires_in_seconds: expires.map(|at| at.saturating_duration_since(now).as_secs_f64()),
            hits,
            injected,
            overflow,
        }
    }
}

/// All of it.
#[derive(Debug, Default)]
pub(super) struct Book {
    pub(super) entries: BTreeMap<RuleId, Entry>,
    pub(super) revision: u64,
    /// Rules made so far.
    pub(super) order: u64,
    events: VecDeque<Event>,
}

impl Book {
    /// The rules that are live, in the order in which they are asked.
    pub(super) fn live(&self) -> Vec<&Entry> {
        let mut live: Vec<&Entry> = self.entries.values().filter(|entry| entry.is_live()).collect();
        live.sort_by_key(|entry| (std::cmp::Reverse(entry.priority), entry.order));
        live
    }

    /// The rules that ended, the oldest end first; of one moment, by id.
    pub(super) fn ended(&self) -> Vec<&Entry> {
        let mut ended: Vec<(Instant, &Entry)> =
            self.entries.values().filter_map(|entry| Some((entry.end?.at, entry))).collect();
        ended.sort_by_key(|(at, _)| *at);
        ended.into_iter().map(|(_, entry)| entry).collect()
    }

    /// Whether a rule of this id lives.
    pub(super) fn lives(&self, id: &RuleId) -> bool {
        self.entries.get(id).is_some_and(Entry::is_live)
    }

    /// Whether so many more rules may live, not counting those of flags.
    pub(super) fn has_room(&self, more: usize) -> bool {
        let counted = |entry: &&Entry| entry.is_live() && entry.rule.source == Source::Rule;
        more == 0 || self.entries.values().filter(counted).count() + more <= LIVE_MAX
    }

    /// A change, in the log and in the list of events; its revision.
    pub(super) fn note(&mut self, kind: EventKind, rule: Option<&RuleId>, detail: impl Into<String>) -> u64 {
        self.revision += 1;
        let (revision, detail) = (self.revision, detail.into());
        let owner = rule.and_then(|id| self.entries.get(id)).and_then(|entry| entry.normal.owner.clone());
        let id = rule.map(RuleId::as_str);
        tracing::info!(event = kind.as_str(), rule = id, owner, revision, detail, "the fault rules changed");
        let event = Event { revision, at: clock::now(), kind, rule: rule.cloned(), owner, detail };
        self.events.push_back(event);
        if self.events.len() > EVENTS_MAX {
            self.events.pop_front();
        }
        revision
    }

    pub(super) fn events(&self, since: u64) -> Events {
        let events = self.events.iter().filter(|event| event.revision > since).cloned().collect();
        let oldest = self.events.front().map_or(self.revision + 1, |event| event.revision);
        Events { events, revision: self.revision, missed: since + 1 < oldest }
    }

    /// A rule is over.
    pub(super) fn end(&mut self, id: &RuleId, end: End) {
        let kind = match end.by {
            "removed" => EventKind::Removed,
            "max_hits" => EventKind::Exhausted,
            _ => EventKind::Expired,
        };
        let counts = self.entries.get(id).map_or([0; 3], |entry| entry.rule.counts());
        let revision = self.note(kind, Some(id), format!("{} requests matched, {} injected", counts[0], counts[1]));
        if let Some(entry) = self.entries.get_mut(id) {
            entry.end = Some(end);
            entry.revision = revision;
        }
    }

    /// Notices what time has done, and forgets what ended long ago. True if something strikes now that did not, or the
    /// other way round.
    pub(super) fn sweep(&mut self, now: Instant) -> bool {
        let mut changed = false;
        let over: Vec<(RuleId, End)> = self.entries.iter().filter_map(|(id, entry)| ending(id, entry, now)).collect();
        for (id, end) in over {
            self.end(&id, end);
            changed = true;
        }
        for entry in self.entries.values_mut().filter(|entry| entry.is_live() && !entry.begun) {
            entry.begun = now >= entry.rule.starts;
            changed |= entry.begun;
        }
        self.entries.retain(|_, entry| entry.end.is_none_or(|end| now < end.at + REMEMBERED));
        let ended = self.ended();
        let surplus = &ended[..ended.len().saturating_sub(ENDED_MAX)];
        for id in surplus.iter().map(|entry| entry.rule.id.clone()).collect::<Vec<_>>() {
            self.entries.remove(&id);
        }
        changed
    }

    /// When [`Book::sweep`] has something to do again.
    pub(super) fn due(&self) -> Option<Instant> {
        let due = |entry: &Entry| match entry.end {
            Some(end) => Some(end.at + REMEMBERED),
            None if !entry.begun => Some(entry.rule.starts),
            None => entry.rule.ends(),
        };
        self.entries.values().filter_map(due).min()
    }
}

/// How a rule that is still counted as live has ended, if it has.
fn ending(id: &RuleId, entry: &Entry, now: Instant) -> Option<(RuleId, End)> {
    if !entry.is_live() {
        return None;
    }
    let (at, by) = if entry.rule.is_used_up() {
        (now, "max_hits")
    } else if entry.rule.is_over(now) {
        (entry.rule.ends()?, "ttl")
    } else {
        return None;
    };
    Some((id.clone(), End { at, state: State::Expired, by }))
}
