//! What a request comes to before anything is decided: what it asks for itself, and what a rule adds.
//!
//! Precedence, weakest first and key by key: path < rule < query < header; a rule that overrides requests is the strongest.
//! A rule's fault that does not go together with what the request asks for is left out: the request was promised to get
//! what it asks for.

use std::borrow::Cow;
use std::cell::OnceCell;
use std::net::IpAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use shared::fault::{Fault, FaultKind, Key};
use shared::identity::RequestId;

use crate::faults::{Faults, Mark};
use crate::rules::{ActiveRule, Facts};

/// What a request says about the fault it wants; both together are checked against protocol and limits.
#[derive(Clone, Debug, Default)]
pub(crate) struct Own {
    /// Where the path is a spec. Weaker than a rule: it only says which endpoint is meant.
    path: Option<Fault>,
    /// In so many words: query, header, metadata, command line, name.
    words: Option<Fault>,
}

/// Everything that is asked of one answer.
#[derive(Debug, Default)]
pub(crate) struct Asked {
    pub(crate) fault: Option<Fault>,
    /// What all draws are made with, if somebody needed it before the decision.
    pub(crate) key: Option<String>,
    pub(crate) by_rule: Option<ByRule>,
    /// Why what the request asks for is not done, if it is not.
    pub(crate) withheld: Option<Mark>,
}

/// A rule that applies. It is told what came of it, once; dropped untold, nothing did.
#[derive(Debug)]
pub(crate) struct ByRule {
    rule: Arc<ActiveRule>,
    /// What it has its way in.
    keys: Vec<Key>,
    is_told: AtomicBool,
}

impl Own {
    /// Of a request whose path may be a spec too.
    pub(crate) fn new(path: Option<Fault>, words: Option<Fault>) -> Own {
        Own { path, words }
    }

    /// Of a request whose path says nothing.
    pub(crate) fn words(words: Option<Fault>) -> Own {
        Own { path: None, words }
    }

    /// All that it says, to be looked at: copied only where both say something, which is rare.
    pub(crate) fn seen(&self) -> Option<Cow<'_, Fault>> {
        match (&self.path, &self.words) {
            (Some(_), Some(_)) => self.clone().whole().map(Cow::Owned),
            (path, words) => path.as_ref().or(words.as_ref()).map(Cow::Borrowed),
        }
    }

    /// All that it says.
    pub(crate) fn whole(self) -> Option<Fault> {
        match (self.path, self.words) {
            (Some(path), Some(words)) => Some(path.overridden_by(words)),
            (path, words) => path.or(words),
        }
    }
}

impl ByRule {
    /// The label `source` of its effects.
    pub(crate) fn source(&self) -> &'static str {
        self.rule.source()
    }

    /// What it wants said in place of the usual answer.
    pub(crate) fn instead(&self) -> Option<&'static str> {
        self.rule.instead()
    }

    /// It has an effect.
    pub(crate) fn injected(&self) -> Arc<ActiveRule> {
        if !self.is_told.swap(true, Ordering::Relaxed) {
            self.rule.injected();
        }
        Arc::clone(&self.rule)
    }

    /// It had had one, but too many are active.
    pub(crate) fn withheld(&self) {
        if !self.is_told.swap(true, Ordering::Relaxed) {
            self.rule.withheld();
        }
    }

    /// Whether an effect, by the name it is counted under, is its doing.
    pub(crate) fn causes(&self, effect: &str) -> bool {
        let is_kind = || FaultKind::examples().any(|kind| kind.as_str() == effect);
        self.keys.iter().any(|key| key.as_str() == effect || *key == Key::Fault && is_kind())
    }
}

impl Drop for ByRule {
    fn drop(&mut self) {
        if !self.is_told.swap(true, Ordering::Relaxed) {
            self.rule.spared();
        }
    }
}

impl Asked {
    /// The label `injected`.
    pub(crate) fn injects(&self) -> bool {
        self.fault.as_ref().is_some_and(Fault::injects)
    }
}

impl Faults {
    /// Sets what a request asks for beside what a rule adds. `facts` are looked at only if there are rules; `fits` says
    /// whether this kind of request can get both together.
    pub(crate) fn ask<'a>(
        &self,
        own: Own,
        id: Option<RequestId>,
        client: IpAddr,
        facts: impl FnOnce() -> Facts<'a>,
        fits: impl FnOnce(&Fault) -> bool,
    ) -> Asked {
        let Some(rules) = self.rules_that_may_strike() else { return self.ask_alone(own, client) };
        let withheld = self.withholds(&own, client);
        let key = OnceCell::new();
        // Made when a rule matches: most requests pass all of them.
        let draw = || key.get_or_init(|| self.key(own.words.as_ref(), id)).as_str();
        let struck = rules.strike(&facts(), draw, self.in_flight());
        let key = key.into_inner();
        if let Some(struck) = struck {
            // What is withheld from a request is withheld beside a rule, too; its harmless part is not.
            let (mut path, mut words) = (own.path.clone().unwrap_or_default(), own.words.clone().unwrap_or_default());
            if withheld.is_some() {
                words = words.harmless();
            }
            // Nor has the path a say beside a rule that has its own answer.
            let is_replaced = struck.rule.instead().is_some() && struck.fault.keys().any(|key| key == Key::Status);
            if is_replaced || withheld == Some(Mark::Disabled) {
                path = path.harmless();
            }
            let is_strongest = struck.rule.overrides_request();
            let prevails = |key: &Key| is_strongest || words.keys().all(|asked| asked != *key);
            let keys = struck.fault.keys().filter(prevails).collect();
            let by_rule = ByRule { rule: Arc::clone(&struck.rule), keys, is_told: AtomicBool::new(false) };
            let joined = if is_strongest {
                path.overridden_by(words).overridden_by(struck.fault)
            } else {
                path.overridden_by(struck.fault).overridden_by(words)
            };
            if fits(&joined) {
                return Asked { fault: Some(joined), key, by_rule: Some(by_rule), withheld: None };
            }
        }
        Asked { fault: own.whole(), key, by_rule: None, withheld }
    }

    /// The same for a request that no rule may strike.
    pub(crate) fn ask_alone(&self, own: Own, client: IpAddr) -> Asked {
        let withheld = self.withholds(&own, client);
        Asked { fault: own.whole(), withheld, ..Asked::default() }
    }

    /// Why what this request asks for is not done, if it is not.
    fn withholds(&self, own: &Own, client: IpAddr) -> Option<Mark> {
        let injects = |fault: &Option<Fault>| fault.as_ref().is_some_and(Fault::injects);
        if !injects(&own.words) && !injects(&own.path) {
            return None;
        }
        if !self.takes_requests() {
            return Some(Mark::Disabled);
        }
        // A path that is a spec is an endpoint like others, and hits nobody but who calls it.
        (injects(&own.words) && !self.trusts(client)).then_some(Mark::Forbidden)
    }
}
