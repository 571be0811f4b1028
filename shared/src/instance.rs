//! The name of a target instance, as answers say it: `<pod>/<node>/<zone>`.
//!
//! It comes from the network and ends up in reports, so only `[A-Za-z0-9._/-]` is ever kept. It is no label of a metric:
//! whoever answers chooses it. Header and line write it differently (a line has no room for every name, nor for a colon);
//! both read as the same instance.

use std::fmt;

/// A checked name of an instance. Inline and `Copy`, so that reading one from an answer allocates nothing.
#[derive(Clone, Copy)]
pub struct Instance {
    bytes: [u8; Instance::LEN_MAX],
    len: u8,
}

impl Instance {
    /// Longest name, in bytes; what is longer is cut.
    pub const LEN_MAX: usize = 200;
    /// Longest text that is taken for a name at all: three parts of 128 and their slashes.
    const TEXT_MAX: usize = 386;

    /// Reads what an answer says, or an account; nothing for an empty text or one that no target writes.
    pub fn read(text: &[u8]) -> Option<Instance> {
        if text.is_empty() || text.len() > Instance::TEXT_MAX {
            return None;
        }
        let mut name = Instance { bytes: [0; Instance::LEN_MAX], len: text.len().min(Instance::LEN_MAX) as u8 };
        for (at, byte) in text.iter().enumerate() {
            let kept = match byte {
                // The one byte of a name that a line has no room for.
                b':' => b'_',
                byte if is_plain(*byte) => *byte,
                _ => return None,
            };
            if let Some(slot) = name.bytes.get_mut(at) {
                *slot = kept;
            }
        }
        Some(name)
    }

    /// The name.
    pub fn as_str(&self) -> &str {
        std::str::from_utf8(&self.bytes[..usize::from(self.len)]).expect("only ASCII is kept")
    }
}

/// Whether a byte may stand in a name, and in the small words of a reply.
pub(crate) fn is_plain(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || b"._-/".contains(&byte)
}

impl PartialEq for Instance {
    fn eq(&self, other: &Instance) -> bool {
        self.as_str() == other.as_str()
    }
}

impl Eq for Instance {}

impl fmt::Debug for Instance {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(self.as_str(), f)
    }
}

impl fmt::Display for Instance {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;
    use crate::reply::{Answer, Plan, Reply};

    #[test]
    fn only_what_a_target_writes_is_a_name() {
        let read = |text: &str| Instance::read(text.as_bytes()).map(|name| name.to_string());
        assert_eq!(read("web-0/node_1.example/zone-a").as_deref(), Some("web-0/node_1.example/zone-a"));
        assert_eq!(read("a:b/-/-").as_deref(), Some("a_b/-/-"));
        assert_eq!(read(&"x".repeat(386)), Some("x".repeat(200)));
        for text in ["", " ", "a b", "a\"b", "a\nb", "ü", "a{b}", &"x".repeat(387)] {
            assert_eq!(read(text), None, "{text:?}");
        }
        assert_eq!(Instance::read(b"\xff"), None);
    }

    #[test]
    fn a_header_and_a_line_name_the_same_instance() {
        let places = ["web-0/node-1/zone-a".to_owned(), "a:b/-/-".to_owned(), format!("{0}/{0}/{0}", "x".repeat(128))];
        for place in &places {
            let (own, asked) = (Duration::ZERO, Duration::ZERO);
            let line = Reply { id: None, own, asked, server: place, rule: None, plan: Plan::Plain }.line();
            let Ok(Answer::Ok(reply)) = Answer::parse_line(line.as_bytes()) else { panic!("{line:?}") };
            assert_eq!(Instance::read(reply.server.as_bytes()), Instance::read(place.as_bytes()));
        }
    }
}
