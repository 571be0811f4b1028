//! What an answer declares of faults beside its times: that a rule of the target had a hand in it, or that a fault was held
//! back. The same in all protocols, wherever it stands.
//!
//! What comes from the network is checked before it is kept: a rule's name ends up in reports.

use std::fmt;

use http::{HeaderMap, HeaderName};
use shared::carrier::{HEADER_FAULT, HEADER_RULE};
use shared::reply::{Plan, Reply};

/// Longest name of a rule that is repeated, in bytes.
const RULE_BYTES_MAX: usize = 64;

/// What an answer declares of a fault that its request does not explain.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum Declared {
    /// Nothing.
    #[default]
    Nothing,
    /// This rule of the target had a hand in it.
    Rule(Box<str>),
    /// A fault, the request's own or a rule's, was not done; why, in words.
    Withheld(&'static str),
}

impl Declared {
    /// From the values of [`HEADER_RULE`] and [`HEADER_FAULT`].
    pub(super) fn of_fields(rule: Option<&[u8]>, fault: Option<&[u8]>) -> Declared {
        match (rule, fault) {
            (Some(rule), _) => Declared::Rule(name(rule)),
            (None, Some(fault)) => {
                let refused = std::str::from_utf8(fault).ok().and_then(Plan::refused);
                refused.map_or(Declared::Nothing, |plan| Declared::of_plan(&plan))
            }
            (None, None) => Declared::Nothing,
        }
    }

    pub(super) fn of_headers(headers: &HeaderMap) -> Declared {
        const RULE: HeaderName = HeaderName::from_static(HEADER_RULE);
        const FAULT: HeaderName = HeaderName::from_static(HEADER_FAULT);
        Declared::of_fields(headers.get(RULE).map(|v| v.as_bytes()), headers.get(FAULT).map(|v| v.as_bytes()))
    }

    pub(super) fn of_reply(reply: &Reply<'_>) -> Declared {
        reply.rule.map_or_else(|| Declared::of_plan(&reply.plan), |rule| Declared::Rule(name(rule.as_bytes())))
    }

    fn of_plan(plan: &Plan) -> Declared {
        match plan {
            Plan::Plain | Plan::Applied(_) => Declared::Nothing,
            Plan::Overflow => Declared::Withheld("the target had too many faults under way to inject one more"),
            Plan::Disabled => Declared::Withheld("the target's faults are switched off"),
            Plan::Forbidden => Declared::Withheld(
                "the target refused to inject for this client, which is in none of its --fault-cidrs",
            ),
        }
    }

    /// Whether there is anything: the label `injected`, whatever the request asked for.
    pub fn is_any(&self) -> bool {
        *self != Declared::Nothing
    }

    /// Whether a rule had a hand in it.
    pub fn is_rule(&self) -> bool {
        matches!(self, Declared::Rule(_))
    }
}

/// What is appended to the words about an answer that was not what was asked.
impl fmt::Display for Declared {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Declared::Nothing => Ok(()),
            Declared::Rule(id) => write!(f, ", by the target's rule {id}"),
            Declared::Withheld(why) => write!(f, "; {why}"),
        }
    }
}

/// The name as it is, if it is one that a rule may have.
fn name(text: &[u8]) -> Box<str> {
    let is_plain = |byte: &u8| byte.is_ascii_alphanumeric() || b"._-".contains(byte);
    let is_name = (1..=RULE_BYTES_MAX).contains(&text.len()) && text.iter().all(is_plain);
    std::str::from_utf8(text).ok().filter(|_| is_name).unwrap_or("(of no valid name)").into()
}

#[cfg(test)]
mod tests;
