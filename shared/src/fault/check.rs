//! Whether a well-formed spec can be done: by this protocol, within these limits, and without contradicting itself.

mod conflicts;
mod dns;
mod limits;
mod streams;
mod tcp;

use super::error::{SpecError, SpecErrorCode, SpecErrors};
use super::expr::Expr;
use super::status::Status;
use super::value::Value;
use super::{Ask, Dialect, Fault, Key, Limits};

impl Fault {
    /// Refuses what cannot be done, naming everything that cannot: what `dialect` has no way to express, what is over
    /// `limits`, and what contradicts itself. Choices of weight 0 can contradict nothing, but must still be possible.
    pub fn check(&self, dialect: Dialect, limits: &Limits) -> Result<(), SpecErrors> {
        if self.is_empty() {
            return Ok(());
        }
        let mut check = Check { fault: self, dialect, limits, errors: Vec::new() };
        self.asks.iter().for_each(|ask| check.support(ask));
        // What the protocol cannot do at all needs no second error about its size.
        if check.errors.is_empty() {
            check.limits();
            check.conflicts();
        }
        SpecErrors::none_or(check.errors)
    }
}

struct Check<'a> {
    fault: &'a Fault,
    dialect: Dialect,
    limits: &'a Limits,
    errors: Vec<SpecError>,
}

impl<'a> Check<'a> {
    fn support(&mut self, ask: &Ask) {
        if !ask.key.dialects().contains(&self.dialect) {
            // Its choices have nothing to add.
            return self.unsupported(ask, ask.key.as_str(), ask.key.dialects());
        }
        let Value::Choices(weighted) = &ask.value else { return };
        for choice in weighted.choices() {
            match &choice.value {
                Expr::Fault(kind) if !kind.dialects().contains(&self.dialect) => {
                    self.unsupported(ask, kind.as_str(), kind.dialects());
                }
                Expr::Status(status) => {
                    let speakers: &[Dialect] = match status {
                        Status::Http(_) => &[Dialect::Http1, Dialect::Http2],
                        Status::Grpc(_) => &[Dialect::Grpc],
                    };
                    if !speakers.contains(&self.dialect) {
                        self.unsupported(ask, &status.to_string(), speakers);
                    }
                }
                _ => {}
            }
        }
    }

    fn unsupported(&mut self, ask: &Ask, what: &str, by: &[Dialect]) {
        let names: Vec<&str> = by.iter().map(|dialect| dialect.as_str()).collect();
        let reason = format!("{} has no {what}", self.dialect.as_str());
        let instead = match (self.dialect, what) {
            (Dialect::Http2, "empty") => " (h2rst(NO_ERROR) ends a stream without an answer)",
            (Dialect::Dns, "hang") => " (drop leaves a query without an answer)",
            _ => "",
        };
        let expected = format!("{what} on {} only{instead}", names.join(", "));
        self.report(ask, SpecErrorCode::UnsupportedOnProtocol, reason, expected, None);
    }

    fn over(&mut self, ask: &Ask, reason: String, limit: String) {
        let expected = format!("at most {limit}");
        self.report(ask, SpecErrorCode::LimitExceeded, reason, expected, Some(limit));
    }

    fn conflict(&mut self, key: Key, reason: impl Into<String>, expected: impl Into<String>) {
        if let Some(ask) = self.fault.ask(key) {
            self.report(ask, SpecErrorCode::Conflict, reason.into(), expected.into(), None);
        }
    }

    fn report(&mut self, ask: &Ask, code: SpecErrorCode, reason: String, expected: String, limit: Option<String>) {
        let error = SpecError {
            code,
            parameter: ask.key.as_str().to_owned(),
            value: ask.written.clone(),
            source: ask.place.source,
            position: ask.place.position,
            reason,
            expected,
            limit,
        };
        // Two bad choices of one parameter often fail for the same reason; once is enough.
        if !self.errors.contains(&error) {
            self.errors.push(error);
        }
    }
}
