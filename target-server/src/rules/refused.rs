//! Why the rule set refuses: everything that is wrong with a rule at once, each with its field and what would have been
//! accepted.

use std::fmt;

use serde::Serialize;

use super::id::RuleId;

/// One thing wrong with what was written.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub(crate) struct Wrong {
    /// Such as `match.path`.
    pub(crate) field: String,
    /// A lowercase fragment that quotes the offending text.
    pub(crate) reason: String,
    /// What would have been accepted.
    pub(crate) expected: String,
}

impl fmt::Display for Wrong {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}; expected {}", self.field, self.reason, self.expected)
    }
}

/// Why nothing was done.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Refused {
    /// It makes no sense; never empty.
    Invalid(Vec<Wrong>),
    /// A live rule has this id, and `add` replaces nothing.
    Exists(RuleId),
    /// No live rule has this id: it never was, or it ended.
    NotFound(RuleId),
    /// As many rules are live as may be.
    TooMany {
        /// The bound.
        max: usize,
    },
    /// A flag asks for this one, and only the flag can take it away.
    Standing {
        /// Its id.
        id: RuleId,
        /// Such as `--random-error`.
        flag: &'static str,
    },
}

impl Refused {
    pub(super) fn one(field: &str, reason: impl Into<String>, expected: impl Into<String>) -> Refused {
        Refused::Invalid(vec![Wrong { field: field.to_owned(), reason: reason.into(), expected: expected.into() }])
    }
}

impl fmt::Display for Refused {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Refused::Invalid(wrong) => {
                let lines: Vec<String> = wrong.iter().map(Wrong::to_string).collect();
                f.write_str(&lines.join("\n"))
            }
            Refused::Exists(id) => write!(f, "a rule {id} is live already; PUT replaces it"),
            Refused::NotFound(id) => write!(f, "no rule {id} is live"),
            Refused::TooMany { max } => write!(f, "{max} rules are live, which is the most; remove one first"),
            Refused::Standing { id, flag } => {
                write!(f, "{flag} asks for rule {id}; start without the flag to be rid of it")
            }
        }
    }
}

impl std::error::Error for Refused {}
