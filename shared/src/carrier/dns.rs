//! A spec in the name of a DNS question: `x<nonce>.<token>....f.<zone>`.
//!
//! Under `ok.<zone>` names are never faulted; under `f.<zone>` the labels before it say what is asked. There, the first
//! label must be `x` and a nonce: resolvers that minimise names (RFC 9156) ask for every ancestor first, and would
//! trigger the fault at each of them. Names come in lower case, label by label, as the wire has them.

mod say;
mod token;
mod zone;

pub use say::{fault_labels, fault_name, identity_labels, ok_name};
pub use zone::{Zone, ZoneError};

use std::borrow::Cow;

use self::token::Tokens;
use crate::fault::{Fault, Source, SpecError, SpecErrorCode, SpecErrors};
use crate::identity::{Identity, Name, NameError, RequestId, Source as Sender};

/// The longest name, without the dot at its end (RFC 1035, section 2.3.4: 255 octets on the wire).
pub const NAME_MAX_BYTES: usize = 253;

/// The longest label, in bytes.
pub const LABEL_MAX_BYTES: usize = 63;

/// What a name asks for.
#[derive(Clone, Debug, PartialEq)]
pub enum NameAsk<'a> {
    /// It lies outside of the zone.
    Outside,
    /// It is the zone itself.
    Apex,
    /// It lies in the zone, but neither in `ok` nor in `f`: there is no such name.
    Nowhere,
    /// `ok` or below: answered well whatever stands before.
    Ok {
        /// What follows the `x` of the first label, if that is a nonce.
        nonce: Option<&'a str>,
        /// Who asks, if the labels say it.
        identity: Option<Identity>,
    },
    /// `f` or below, without a first label that begins with `x`: it exists and has no records.
    Unarmed,
    /// `x<nonce>...f`: a spec.
    Armed {
        /// What follows the `x`: the cache buster, and the key of the draws where there is no identity. Not checked if
        /// `fault` is an error.
        nonce: &'a str,
        /// Who asks, if the labels say it.
        identity: Option<Identity>,
        /// What is asked, or everything that is wrong with the labels.
        fault: Result<Fault, SpecErrors>,
    },
}

/// Reads a name: its labels in lower case, the leftmost first, without the root's.
pub fn name<'a>(labels: &[&'a [u8]], zone: &Zone) -> NameAsk<'a> {
    let Some(inside) = zone.cut(labels) else { return NameAsk::Outside };
    match inside.split_last() {
        None => NameAsk::Apex,
        Some((&b"ok", asked)) => ok(asked),
        Some((&b"f", asked)) => match asked.first().and_then(|first| first.strip_prefix(b"x")) {
            Some(nonce) => armed(nonce, asked),
            None => NameAsk::Unarmed,
        },
        Some(_) => NameAsk::Nowhere,
    }
}

/// One line about the first mistake, for the text of an extended error or a TXT record: at most 255 bytes, without
/// control characters.
pub fn error_text(errors: &SpecErrors) -> String {
    let SpecError { parameter, reason, expected, .. } = errors.first();
    let named = if parameter.is_empty() || reason.contains(parameter.as_str()) { "" } else { ": " };
    let parameter = if named.is_empty() { "" } else { parameter };
    let text = format!("cload: {parameter}{named}{reason}: expected {expected}");
    let fits = (0..=255.min(text.len())).rev().find(|&at| text.is_char_boundary(at)).unwrap_or(0);
    text[..fits].replace(char::is_control, " ")
}

fn ok<'a>(asked: &[&'a [u8]]) -> NameAsk<'a> {
    let nonce = asked.first().and_then(|first| first.strip_prefix(b"x")).and_then(nonce);
    // Whatever else a name there says, it is answered: a bad identity is none.
    let mut sender = Said::default();
    for (label, number) in asked.iter().zip(1..).skip(1) {
        sender.hears(&Label { text: String::from_utf8_lossy(label), number, at: 0 });
    }
    let identity = nonce.and_then(|nonce| sender.identity(nonce).ok().flatten());
    NameAsk::Ok { nonce, identity }
}

fn armed<'a>(first: &'a [u8], asked: &[&'a [u8]]) -> NameAsk<'a> {
    let (mut sender, mut tokens, mut at) = (Said::default(), Tokens::default(), 0);
    for (label, number) in asked.iter().zip(1..) {
        let place = Label { text: String::from_utf8_lossy(label), number, at };
        at += label.len() + 1;
        if number > 1 && !sender.hears(&place) {
            tokens.hear(&place);
        }
    }
    let Some(nonce) = nonce(first) else {
        let label = Label { text: String::from_utf8_lossy(asked[0]), number: 1, at: 0 };
        let mut errors = vec![label.wrong("id", "x and 4 to 32 of a-z and 0-9")];
        errors.extend(sender.errors);
        errors.extend(tokens.fault().err().iter().flat_map(SpecErrors::iter).cloned());
        let fault = SpecErrors::none_or(errors).map(|()| Fault::default());
        return NameAsk::Armed { nonce: std::str::from_utf8(first).unwrap_or(""), identity: None, fault };
    };
    let fault = tokens.fault();
    match sender.identity(nonce) {
        Ok(identity) => NameAsk::Armed { nonce, identity, fault },
        Err(errors) => {
            let errors = match fault {
                Ok(_) => errors,
                Err(more) => errors.and(more),
            };
            NameAsk::Armed { nonce, identity: None, fault: Err(errors) }
        }
    }
}

fn nonce(text: &[u8]) -> Option<&str> {
    let plain = text.iter().all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit());
    std::str::from_utf8(text).ok().filter(|nonce| plain && (4..=32).contains(&nonce.len()))
}

/// One label and where it stands.
#[derive(Clone)]
struct Label<'a> {
    text: Cow<'a, str>,
    /// From 1.
    number: usize,
    /// Byte offset in the name.
    at: usize,
}

impl Label<'_> {
    fn wrong(&self, parameter: &str, expected: &str) -> SpecError {
        let reason = format!("bad token {:?} (label {})", self.text, self.number);
        self.error(SpecErrorCode::InvalidParameter, parameter, reason, expected)
    }

    fn error(&self, code: SpecErrorCode, parameter: &str, reason: String, expected: &str) -> SpecError {
        SpecError {
            code,
            parameter: parameter.to_owned(),
            value: self.text.to_string(),
            source: Source::Name,
            position: self.at,
            reason,
            expected: expected.to_owned(),
            limit: None,
        }
    }
}

/// The labels of an identity, as far as they were heard: `op-<operation>`, `from-<namespace>`, `rel-<release>`. The
/// request's id is in the nonce.
#[derive(Default)]
struct Said {
    operation: Option<Name>,
    namespace: Option<Name>,
    release: Option<Name>,
    errors: Vec<SpecError>,
}

impl Said {
    /// Takes a label if it is one of the three.
    fn hears(&mut self, label: &Label<'_>) -> bool {
        let Some((kind, text)) = label.text.split_once('-') else { return false };
        let (parameter, place) = match kind {
            "op" => ("op", &mut self.operation),
            "from" => ("source", &mut self.namespace),
            "rel" => ("source", &mut self.release),
            _ => return false,
        };
        match (place.is_some(), Name::from_bytes(text.as_bytes())) {
            (true, _) => {
                let reason = format!("a second {kind}- (label {})", label.number);
                let error = label.error(SpecErrorCode::InvalidParameter, parameter, reason, "each at most once");
                self.errors.push(error);
            }
            (false, None) => self.errors.push(label.wrong(parameter, NameError::EXPECTED)),
            (false, name) => *place = name,
        }
        true
    }

    fn identity(self, nonce: &str) -> Result<Option<Identity>, SpecErrors> {
        if self.operation.is_none() && self.namespace.is_none() && self.release.is_none() {
            return SpecErrors::none_or(self.errors).map(|()| None);
        }
        let id = nonce
            .split_at_checked(SESSION_BYTES)
            .and_then(|(session, seq)| RequestId::of_parts(Name::from_bytes(session.as_bytes())?, seq.as_bytes()));
        let first = Label { text: format!("x{nonce}").into(), number: 1, at: 0 };
        let mut errors = self.errors;
        if id.is_none() {
            errors.push(first.wrong("id", "x, a session of 8 characters and a number, beside op- and from-"));
        }
        for (name, is_missing) in [("op", self.operation.is_none()), ("source", self.namespace.is_none())] {
            if is_missing && !errors.iter().any(|error| error.parameter == name) {
                let reason = "op- and from- make an identity together".to_owned();
                errors.push(first.error(
                    SpecErrorCode::InvalidParameter,
                    name,
                    reason,
                    "op-<operation> and from-<namespace>",
                ));
            }
        }
        SpecErrors::none_or(errors)?;
        let identity = || {
            let source = Sender::new(self.namespace?, self.release);
            Some(Identity { source, operation: self.operation?, id: id? })
        };
        Ok(Some(identity().expect("what is missing has been reported")))
    }
}

/// A session's length: in a label nothing stands between it and the number.
const SESSION_BYTES: usize = 8;

#[cfg(test)]
mod tests;
