//! Questions about a [`Fault`] that can be answered before it is rolled.

use super::expr::Expr;
use super::key::Key;
use super::status::Status;
use super::value::Value;
use super::words::Transport;
use super::{Ask, Fault, Place, SpecError, SpecErrorCode, SpecErrors};
use crate::units::Ppm;
use crate::weighted::Weighted;

/// A status an answer may have.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct StatusChoice {
    /// `None`: the status the route would have had anyway.
    pub status: Option<Status>,
    /// 0 ..= 1.
    pub probability: f64,
}

impl Fault {
    /// The label `injected`: true if this can make an answer worse than a plain one.
    pub fn injects(&self) -> bool {
        self.gate() > Ppm::ZERO && self.asks.iter().any(worsens)
    }

    /// The share of requests, 0 ..= 1, that get each effect by which an answer can be worse than a plain one: by the name of
    /// its key, or of the kind of `fault`. What cannot happen is left out.
    pub fn effect_rates(&self) -> Vec<(&'static str, f64)> {
        let gate = self.gate().fraction();
        let mut rates: Vec<(&'static str, f64)> = Vec::new();
        for ask in self.asks.iter().filter(|ask| counts(ask.key)) {
            let Value::Choices(weighted) = &ask.value else { continue };
            for (expr, share) in weighted.probabilities().filter(|(expr, _)| !expr.is_harmless()) {
                let effect = if let Expr::Fault(kind) = expr { kind.as_str() } else { ask.key.as_str() };
                match rates.iter_mut().find(|(held, _)| *held == effect) {
                    Some((_, rate)) => *rate += share * gate,
                    None => rates.push((effect, share * gate)),
                }
            }
        }
        rates.retain(|(_, rate)| *rate > 0.0);
        rates
    }

    /// The same without what makes an answer worse: its size, its content, its extra fields.
    pub fn harmless(mut self) -> Fault {
        self.asks.retain(|ask| !worsens(ask));
        self
    }

    /// Every status that can happen, with its probability; they sum to 1. Faults that leave no answer come on top.
    pub fn status_choices(&self) -> Vec<StatusChoice> {
        let gate = self.gate().fraction();
        let mut choices: Vec<StatusChoice> = Vec::new();
        for (expr, share) in self.choices(Key::Status).into_iter().flat_map(Weighted::probabilities) {
            let Expr::Status(status) = expr else { continue };
            let (status, probability) = (Some(*status), share * gate);
            match choices.iter_mut().find(|choice| choice.status == status) {
                Some(choice) => choice.probability += probability,
                None => choices.push(StatusChoice { status, probability }),
            }
        }
        choices.retain(|choice| choice.probability > 0.0);
        let plain = 1.0 - choices.iter().map(|choice| choice.probability).sum::<f64>();
        // What is left by rounding alone is nothing; a real remainder is at least one part per million.
        if plain > 1e-7 {
            choices.push(StatusChoice { status: None, probability: plain });
        }
        choices
    }

    /// An error about one of this fault's own parameters that shows only where the fault is carried out, at the place where
    /// the parameter was written.
    pub fn error_at(&self, key: Key, code: SpecErrorCode, reason: &str, expected: &str) -> SpecErrors {
        let ask = self.asks.iter().find(|ask| ask.key == key);
        let place = ask.map_or_else(Place::default, |ask| ask.place);
        SpecErrors::from(SpecError {
            code,
            parameter: key.as_str().to_owned(),
            value: ask.map_or_else(String::new, |ask| ask.written.clone()),
            source: place.source,
            position: place.position,
            reason: reason.to_owned(),
            expected: expected.to_owned(),
            limit: None,
        })
    }

    /// The keys that are asked for, in canonical order.
    pub fn keys(&self) -> impl Iterator<Item = Key> {
        self.asks.iter().map(|ask| ask.key)
    }

    pub(crate) fn choices(&self, key: Key) -> Option<&Weighted<Expr>> {
        match self.get(key) {
            Some(Value::Choices(weighted)) => Some(weighted),
            _ => None,
        }
    }

    /// The alternatives of `key` that can happen.
    pub(crate) fn possible(&self, key: Key) -> impl Iterator<Item = &Expr> {
        self.choices(key).into_iter().flat_map(Weighted::possible)
    }

    /// The value of a key that takes no choices.
    pub(crate) fn single(&self, key: Key) -> Option<&Expr> {
        match self.get(key) {
            Some(Value::Single(expr)) => Some(expr),
            _ => None,
        }
    }

    /// The only transport on which this applies, if it names one.
    pub fn over(&self) -> Option<Transport> {
        match self.single(Key::Over) {
            Some(Expr::Over(transport)) => Some(*transport),
            _ => None,
        }
    }

    /// What is left of this on a DNS transport: all of it, or, where `over` names the other one, `seed` and `id` alone.
    pub fn over_transport(mut self, transport: Transport) -> Fault {
        if self.over().is_some_and(|only| only != transport) {
            self.asks.retain(|ask| matches!(ask.key, Key::Seed | Key::Id));
        }
        self
    }

    pub(crate) fn gate(&self) -> Ppm {
        match self.get(Key::P) {
            Some(Value::Percent(ppm)) => *ppm,
            _ => Ppm::ONE,
        }
    }
}

/// Whether an answer can be worse than a plain one by this key.
fn counts(key: Key) -> bool {
    matches!(
        key,
        Key::Status
            | Key::Delay
            | Key::BodyDelay
            | Key::ChunkDelay
            | Key::EndDelay
            | Key::Rate
            | Key::Read
            | Key::Fault
            | Key::Close
            | Key::RetryAfter
            | Key::Cpu
            | Key::Mem
            | Key::Loss
            | Key::Dup
            | Key::Corrupt
            | Key::Reorder
            | Key::Rcode
            | Key::Nodata
            | Key::Cname
    )
}

fn worsens(ask: &Ask) -> bool {
    match &ask.value {
        Value::Choices(weighted) => counts(ask.key) && weighted.possible().any(|expr| !expr.is_harmless()),
        _ => false,
    }
}
