//! The zone a DNS server answers for.

use std::fmt;
use std::str::FromStr;

/// An absolute name in lower case, not the root. `Display` ends with a dot.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Zone {
    labels: Vec<String>,
}

/// A text is no [`Zone`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ZoneError {
    text: String,
    reason: &'static str,
}

impl fmt::Display for ZoneError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { text, reason } = self;
        write!(
            f,
            "{text:?} is no zone: {reason}; expected a name such as cload.test. of at most {MAX_BYTES} characters"
        )
    }
}

impl std::error::Error for ZoneError {}

/// Leaves room for `f`, a nonce and a few tokens before it.
const MAX_BYTES: usize = 160;

impl Zone {
    /// Its labels, the leftmost first, without the root's.
    pub fn labels(&self) -> impl Iterator<Item = &str> {
        self.labels.iter().map(String::as_str)
    }

    /// What stands before the zone in a name of lower-case labels; `None` outside of it.
    pub(super) fn cut<'l, 'a>(&self, labels: &'l [&'a [u8]]) -> Option<&'l [&'a [u8]]> {
        let (before, zone) = labels.split_at_checked(labels.len().checked_sub(self.labels.len())?)?;
        zone.iter().zip(&self.labels).all(|(label, own)| *label == own.as_bytes()).then_some(before)
    }
}

/// `cload.test.`: the top-level domain is reserved for tests (RFC 6761, section 6.2).
impl Default for Zone {
    fn default() -> Zone {
        "cload.test.".parse().expect("a zone in the program text is valid")
    }
}

impl FromStr for Zone {
    type Err = ZoneError;

    /// In any case, with or without the dot at the end.
    fn from_str(text: &str) -> Result<Zone, ZoneError> {
        let refuse = |reason| Err(ZoneError { text: text.to_owned(), reason });
        let name = text.strip_suffix('.').unwrap_or(text).to_ascii_lowercase();
        if name.is_empty() {
            return refuse("it has no label");
        }
        if name.len() > MAX_BYTES {
            return refuse("it is too long");
        }
        let letter = |c: u8| c.is_ascii_lowercase() || c.is_ascii_digit() || c == b'-' || c == b'_';
        for label in name.split('.') {
            if label.is_empty() || label.len() > super::LABEL_MAX_BYTES {
                return refuse("a label has no characters, or more than 63");
            }
            if !label.bytes().all(letter) || label.starts_with('-') || label.ends_with('-') {
                return refuse("a label has other characters than a-z, 0-9, _ and inner hyphens");
            }
        }
        Ok(Zone { labels: name.split('.').map(str::to_owned).collect() })
    }
}

impl fmt::Display for Zone {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.labels.iter().try_for_each(|label| write!(f, "{label}."))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_one_name_in_any_spelling() {
        for text in ["cload.test.", "cload.test", "CLoad.TEST."] {
            assert_eq!(text.parse(), Ok(Zone::default()), "{text}");
        }
        assert_eq!(Zone::default().to_string(), "cload.test.");
        assert_eq!(Zone::default().labels().collect::<Vec<_>>(), ["cload", "test"]);
    }

    #[test]
    fn refuses_what_is_no_name() {
        let long = "a.".repeat(81);
        for text in ["", ".", "..", "a..b", ".a", "-a.b", "a-.b", "a b", "ä.test", &"a".repeat(64), &long] {
            assert!(text.parse::<Zone>().is_err(), "{text}");
        }
    }
}
