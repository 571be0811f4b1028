//! The name of a rule: it stands unescaped in paths, headers, labels and log lines.

use std::fmt;
use std::str::FromStr;
use std::sync::Arc;

use serde::{Serialize, Serializer};

/// `[a-z0-9][a-z0-9._-]{0,63}`.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) struct RuleId(Arc<str>);

/// What an id must look like, in words.
pub(crate) const EXPECTED: &str = "1 to 64 of a-z 0-9 . _ -, beginning with a letter or a digit";

const MAX_BYTES: usize = 64;

impl RuleId {
    /// A name that the program gives.
    pub(super) fn own(text: &str) -> RuleId {
        text.parse().expect("our own names are valid: tests use them")
    }

    pub(crate) fn as_str(&self) -> &str {
        &self.0
    }
}

impl FromStr for RuleId {
    type Err = String;

    fn from_str(text: &str) -> Result<RuleId, String> {
        let first = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit();
        let rest = |byte: u8| first(byte) || b"._-".contains(&byte);
        let good = text.len() <= MAX_BYTES && text.bytes().next().is_some_and(first) && text.bytes().all(rest);
        if good { Ok(RuleId(text.into())) } else { Err(format!("{text:?} is no id of a rule; expected {EXPECTED}")) }
    }
}

impl fmt::Display for RuleId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl Serialize for RuleId {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&self.0)
    }
}
