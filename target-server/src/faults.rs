//! The one place where a fault is decided: asked → roll → admission → [`Decision`].
//!
//! Invariants:
//! - At most `faults_max` requests have an active fault, and `faults_max_per_client` of one client address. Beyond, a
//!   request is served without its fault, marked and counted: a target that is overwhelmed must not look broken.
//! - A [`Slot`] is freed when it is dropped, wherever that happens.

use std::net::IpAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use shared::fault::{Cname, Fault, Limits, Read, Verdict};
use shared::identity::RequestId;
use shared::red::server::ServerRed;
use shared::reply::Plan;

use crate::asked::{Asked, ByRule};
use crate::config::{Cidr, FaultConfig, Switch};
use crate::effects;
use crate::record::Call;
use crate::rules::{ActiveRule, Rules};
use crate::slots::{Slot, Slots};
use crate::stress::{Memory, Stress};

/// What the answer says about its fault, in `x-cload-fault`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Mark {
    /// Nothing: none was asked for, or the dice said no.
    None,
    /// The verdict: it is in effect.
    Verdict,
    /// It was asked for, but too many are active.
    Overflow,
    /// It was asked for, but faults are switched off.
    Disabled,
    /// It was asked for, but by a client that may not.
    Forbidden,
}

/// What becomes of one request that asked for something.
#[derive(Debug)]
pub(crate) struct Decision {
    /// What to do. Without effects if the mark is not [`Mark::Verdict`].
    pub(crate) verdict: Verdict,
    /// What to say.
    pub(crate) mark: Mark,
    /// Held until the effect ends.
    pub(crate) slot: Option<Slot>,
    /// Held until the answer ends.
    pub(crate) memory: Option<Memory>,
    /// The rule that has a hand in it.
    pub(crate) rule: Option<Arc<ActiveRule>>,
    /// What that rule wants said in place of the usual answer, where the status is its doing.
    pub(crate) instead: Option<&'static str>,
}

/// Everything a decision needs.
#[derive(Debug)]
pub(crate) struct Faults {
    limits: Limits,
    seed: u64,
    switch: Switch,
    cidrs: Vec<Cidr>,
    rules: Arc<Rules>,
    slots: Arc<Slots>,
    stress: Stress,
    load: Arc<AtomicU64>,
    nameless: AtomicU64,
    red: ServerRed,
}

impl Faults {
    pub(crate) fn new(config: &FaultConfig, rule_ttl_max: Duration, red: ServerRed) -> Faults {
        Faults {
            limits: config.limits(),
            seed: config.seed,
            switch: config.faults,
            cidrs: config.fault_cidrs.clone(),
            rules: Rules::new(config.limits(), rule_ttl_max, config.seed),
            slots: Slots::new(config.faults_max, config.faults_max_per_client),
            stress: Stress::new(config.mem_total_max),
            load: Arc::default(),
            nameless: AtomicU64::new(0),
            red,
        }
    }

    /// What a spec may ask for.
    pub(crate) fn limits(&self) -> &Limits {
        &self.limits
    }

    /// What the operator asks for.
    pub(crate) fn rules(&self) -> &Arc<Rules> {
        &self.rules
    }

    /// CPU and memory to burn.
    pub(crate) fn stress(&self) -> &Stress {
        &self.stress
    }

    /// Requests in flight, which every call counts in and out.
    pub(crate) fn load(&self) -> &Arc<AtomicU64> {
        &self.load
    }

    /// The rules, if there are any and nothing keeps them from striking: one look at a number for who asks per request.
    pub(crate) fn rules_that_may_strike(&self) -> Option<&Rules> {
        (!self.rules.is_empty() && self.takes_rules()).then_some(&*self.rules)
    }

    /// Whether a rule's fault is injected.
    pub(crate) fn takes_rules(&self) -> bool {
        matches!(self.switch, Switch::On | Switch::RulesOnly) && self.rules.is_enabled()
    }

    /// Whether a request's own fault is injected.
    pub(crate) fn takes_requests(&self) -> bool {
        matches!(self.switch, Switch::On | Switch::RequestOnly) && self.rules.is_enabled()
    }

    /// Whether this client may ask for one.
    pub(crate) fn trusts(&self, client: IpAddr) -> bool {
        self.cidrs.iter().any(|cidr| cidr.contains(client))
    }

    /// What a request's draws are made with: its own key, so that the injector can predict them.
    pub(crate) fn key(&self, words: Option<&Fault>, id: Option<RequestId>) -> String {
        match (words.and_then(Fault::id), id) {
            (Some(id), _) => id.to_owned(),
            (None, Some(id)) => id.to_string(),
            // Nobody predicts these; the key only has to differ from request to request.
            (None, None) => self.nameless.fetch_add(1, Ordering::Relaxed).to_string(),
        }
    }

    /// Requests in flight now.
    pub(crate) fn in_flight(&self) -> u64 {
        self.load.load(Ordering::Relaxed)
    }

    /// Rolls once, then admits. A fault that was asked for in vain is no decision at all.
    /// If a rule has a hand in it, the call says so.
    pub(crate) fn decide(
        &self,
        asked: &Asked,
        id: Option<RequestId>,
        client: IpAddr,
        call: &mut Call,
    ) -> Option<Decision> {
        let fault = asked.fault.as_ref()?;
        let key = asked.key.clone().unwrap_or_else(|| self.key(None, id));
        let verdict = fault.roll(self.seed, &key, self.in_flight());
        let mut decision = Decision { verdict, ..Decision::plain() };
        if effects::of(&decision.verdict).next().is_none() {
            return Some(decision);
        }
        let rule = asked.by_rule.as_ref();
        if let Some(mark) = asked.withheld {
            decision.withhold(mark);
        } else if let Some((slot, memory)) = self.admit(&decision.verdict, client) {
            decision.mark = Mark::Verdict;
            decision.slot = Some(slot);
            decision.memory = memory;
            for effect in effects::of(&decision.verdict) {
                let rule = rule.filter(|rule| rule.causes(effect));
                self.red.fault(effect, rule.map_or(effects::BY_REQUEST, ByRule::source));
                decision.rule = decision.rule.or(rule.map(ByRule::injected));
                if effect == "status" {
                    decision.instead = rule.and_then(ByRule::instead);
                }
            }
            if decision.rule.is_some() {
                call.set_by_rule();
            }
        } else {
            self.red.fault_overflow();
            if let Some(rule) = rule {
                rule.withheld();
            }
            decision.withhold(Mark::Overflow);
        }
        Some(decision)
    }

    fn admit(&self, verdict: &Verdict, client: IpAddr) -> Option<(Slot, Option<Memory>)> {
        let slot = self.slots.take(client)?;
        match verdict.mem_bytes {
            0 => Some((slot, None)),
            bytes => Some((slot, Some(self.stress.reserve(bytes)?))),
        }
    }
}

impl Decision {
    /// Of a request that asked for nothing.
    pub(crate) fn plain() -> Decision {
        Decision { verdict: Verdict::default(), mark: Mark::None, slot: None, memory: None, rule: None, instead: None }
    }

    /// What it says of itself where there are no headers.
    pub(crate) fn plan(&self) -> Plan {
        match self.mark {
            Mark::None => Plan::Plain,
            Mark::Verdict => Plan::of(&self.verdict),
            Mark::Overflow => Plan::Overflow,
            Mark::Disabled => Plan::Disabled,
            Mark::Forbidden => Plan::Forbidden,
        }
    }

    /// Takes the effects out and leaves the shape: size, content, extra headers are what a plain target does too.
    fn withhold(&mut self, mark: Mark) {
        self.mark = mark;
        let plain = Verdict::default();
        let verdict = &mut self.verdict;
        if verdict.status.is_some_and(|status| status.is_error()) {
            verdict.status = None;
        }
        verdict.delay = Duration::ZERO;
        verdict.body_delay = Duration::ZERO;
        verdict.chunk_delay = plain.chunk_delay;
        verdict.end_delay = Duration::ZERO;
        verdict.rate_bytes_per_s = None;
        verdict.read = Read::All;
        verdict.close = false;
        verdict.retry_after = None;
        verdict.cpu = Duration::ZERO;
        verdict.mem_bytes = 0;
        verdict.fault = None;
        verdict.at = plain.at;
        (verdict.loss, verdict.dup, verdict.corrupt, verdict.reorder) = (false, false, false, false);
        (verdict.rcode, verdict.nodata) = (None, false);
        verdict.cname = verdict.cname.filter(|cname| *cname != Cname::Loop);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_withheld_has_no_effect_and_keeps_its_shape() {
        let spec = "status=503&delay=1s&body_delay=1s&chunk_delay=1s&end_delay=1s&rate=1KiB&read=first(1)&close=true\
                    &retry_after=1s&cpu=1ms&mem=1KiB&fault=reset&at=10&size=100&chunk=10&header=a:b&loss=true&dup=true\
                    &corrupt=true&reorder=true&rcode=REFUSED&nodata=true&cname=loop";
        let verdict = Fault::parse(spec, shared::fault::Separator::Ampersand).unwrap().roll(0, "k", 0);
        let mut decision = Decision { verdict, mark: Mark::Verdict, ..Decision::plain() };
        decision.withhold(Mark::Overflow);
        let verdict = &decision.verdict;
        assert_eq!(effects::of(verdict).count(), 0);
        assert!(!verdict.injects());
        assert_eq!((verdict.size_bytes, verdict.chunk_bytes, verdict.headers.len()), (Some(100), Some(10), 1));
    }
}
