//! Who sent a request, for which line of which scenario, and which one it is.
//!
//! The identity travels with every request (`x-cload: source=<namespace>/<release>;op=<name>;id=<session>.<seq>`), so that
//! the target can count in the injector's words. Names are checked here, once: whatever a stranger sends, only
//! `[a-z0-9_-]{1,32}` ever becomes a label value.

use std::fmt;
use std::str::FromStr;

/// The request header (HTTP) or metadata key (gRPC) that carries an [`Identity`]; answers echo its `id`.
pub const HEADER_IDENTITY: &str = "x-cload";
/// The answer header that names the instance: `<pod>/<node>/<zone>`.
pub const HEADER_SERVER: &str = "x-cload-server";
/// The answer header with the target's own time and the asked delay, W3C Server-Timing: `cload;dur=<ms>, cload-fault;dur=<ms>`.
pub const HEADER_SERVER_TIMING: &str = "server-timing";

/// A checked name: 1 to 32 of `[a-z0-9_-]`. Inline and `Copy`, so that reading one from a request allocates nothing.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Name {
    bytes: [u8; Name::LEN_MAX],
    len: u8,
}

/// A text is no [`Name`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NameError(String);

impl NameError {
    /// What would have been accepted.
    pub const EXPECTED: &'static str = "1 to 32 characters of a-z, 0-9, _ and -";
}

impl fmt::Display for NameError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:?} is no name: {} are accepted", self.0, NameError::EXPECTED)
    }
}

impl std::error::Error for NameError {}

impl Name {
    /// Longest name, in bytes.
    pub const LEN_MAX: usize = 32;

    /// The name that stands for all names beyond a bound.
    pub fn other() -> Name {
        Name::from_static("other")
    }

    /// The source of requests that carry no identity.
    pub fn external() -> Name {
        Name::from_static("external")
    }

    /// A name written in the program text.
    ///
    /// # Panics
    /// If the text is no name: a defect that the first test run finds.
    pub fn from_static(text: &'static str) -> Name {
        Name::from_bytes(text.as_bytes()).expect("a name in the program text is valid")
    }

    /// The bytes as a name, or nothing. Allocates nothing.
    pub fn from_bytes(text: &[u8]) -> Option<Name> {
        let fits = (1..=Name::LEN_MAX).contains(&text.len());
        if !fits || !text.iter().all(|b| matches!(b, b'a'..=b'z' | b'0'..=b'9' | b'_' | b'-')) {
            return None;
        }
        let mut bytes = [0; Name::LEN_MAX];
        bytes[..text.len()].copy_from_slice(text);
        Some(Name { bytes, len: text.len() as u8 })
    }

    /// The name as text.
    pub fn as_str(&self) -> &str {
        std::str::from_utf8(&self.bytes[..usize::from(self.len)]).expect("only ASCII is let in")
    }
}

impl FromStr for Name {
    type Err = NameError;
    fn from_str(text: &str) -> Result<Name, NameError> {
        Name::from_bytes(text.as_bytes()).ok_or_else(|| NameError(text.to_owned()))
    }
}

impl fmt::Display for Name {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl fmt::Debug for Name {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:?}", self.as_str())
    }
}

/// Who injects: `<namespace>/<release>`, or a single word such as `external` (label `source`).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Source {
    namespace: Name,
    release: Option<Name>,
}

impl Source {
    /// The source of requests that carry no identity.
    pub fn external() -> Source {
        Source { namespace: Name::external(), release: None }
    }

    /// An injector's release in its namespace, or a single word.
    pub fn new(namespace: Name, release: Option<Name>) -> Source {
        Source { namespace, release }
    }

    /// What stands before the slash.
    pub fn namespace(self) -> Name {
        self.namespace
    }

    /// What stands after the slash, if there is one.
    pub fn release(self) -> Option<Name> {
        self.release
    }

    /// The source that stands for all sources beyond the bound.
    pub fn other() -> Source {
        Source { namespace: Name::other(), release: None }
    }

    /// The bytes as a source, or nothing. Allocates nothing.
    pub fn from_bytes(text: &[u8]) -> Option<Source> {
        let mut parts = text.splitn(2, |b| *b == b'/');
        let namespace = Name::from_bytes(parts.next()?)?;
        let release = match parts.next() {
            Some(release) => Some(Name::from_bytes(release)?),
            None => None,
        };
        Some(Source { namespace, release })
    }
}

impl FromStr for Source {
    type Err = NameError;
    fn from_str(text: &str) -> Result<Source, NameError> {
        Source::from_bytes(text.as_bytes()).ok_or_else(|| NameError(text.to_owned()))
    }
}

impl fmt::Display for Source {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.release {
            Some(release) => write!(f, "{}/{release}", self.namespace),
            None => self.namespace.fmt(f),
        }
    }
}

/// One run of one injector process: eight characters of `[a-z2-7]`, drawn at start.
pub type Session = Name;

/// A new session from 40 random bits.
pub fn session_from_bits(bits: u64) -> Session {
    const ALPHABET: &[u8; 32] = b"abcdefghijklmnopqrstuvwxyz234567";
    let text: [u8; 8] = std::array::from_fn(|i| ALPHABET[(bits >> (5 * i)) as usize & 31]);
    Name::from_bytes(&text).expect("the alphabet is a subset of a name's")
}

/// One request: the n-th of its operation in its session. Never used twice, so that a second arrival is a duplicate.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct RequestId {
    /// The injector's run.
    pub session: Session,
    /// The request's number within (session, operation), from 0.
    pub seq: u64,
}

impl RequestId {
    /// Reads `<session>.<seq>`, or nothing. Allocates nothing.
    pub fn from_bytes(text: &[u8]) -> Option<RequestId> {
        let dot = text.iter().position(|b| *b == b'.')?;
        let session = Name::from_bytes(&text[..dot])?;
        RequestId::of_parts(session, &text[dot + 1..])
    }

    /// The number as digits alone: a sign would be a second spelling of it.
    pub(crate) fn of_parts(session: Session, seq: &[u8]) -> Option<RequestId> {
        let digits = std::str::from_utf8(seq).ok().filter(|text| text.bytes().all(|byte| byte.is_ascii_digit()))?;
        Some(RequestId { session, seq: digits.parse().ok()? })
    }
}

impl fmt::Display for RequestId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}.{}", self.session, self.seq)
    }
}

/// What `x-cload` carries.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Identity {
    /// Who injects.
    pub source: Source,
    /// The name of the mix entry in the scenario file.
    pub operation: Name,
    /// Which request it is.
    pub id: RequestId,
}

impl Identity {
    /// Reads the header's value; nothing if any of the three parts is missing or no valid name. Unknown parts are passed
    /// over, so that a newer injector can say more. Allocates nothing.
    pub fn from_header(value: &[u8]) -> Option<Identity> {
        let (mut source, mut operation, mut id) = (None, None, None);
        for part in value.split(|b| *b == b';') {
            let part = part.trim_ascii();
            if let Some(text) = part.strip_prefix(b"source=") {
                source = Some(Source::from_bytes(text)?);
            } else if let Some(text) = part.strip_prefix(b"op=") {
                operation = Some(Name::from_bytes(text)?);
            } else if let Some(text) = part.strip_prefix(b"id=") {
                id = Some(RequestId::from_bytes(text)?);
            }
        }
        Some(Identity { source: source?, operation: operation?, id: id? })
    }

    /// The id an answer echoes in the same header (`id=<session>.<seq>`), or nothing.
    pub fn echoed_id(value: &[u8]) -> Option<RequestId> {
        value.split(|b| *b == b';').find_map(|part| RequestId::from_bytes(part.trim_ascii().strip_prefix(b"id=")?))
    }
}

impl fmt::Display for Identity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "source={};op={};id={}", self.source, self.operation, self.id)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn identity(source: &str, operation: &str, session: &str, seq: u64) -> Identity {
        Identity {
            source: source.parse().unwrap(),
            operation: operation.parse().unwrap(),
            id: RequestId { session: session.parse().unwrap(), seq },
        }
    }

    #[test]
    fn header_round_trip() {
        for one in [
            identity("team-a/nightly", "web-ok", "abcd2345", 0),
            identity("external", "x", "s", u64::MAX),
            identity("a/b", "op_1", "abcdefgh", 42),
        ] {
            assert_eq!(Identity::from_header(one.to_string().as_bytes()), Some(one));
            assert_eq!(Identity::echoed_id(format!("id={}", one.id).as_bytes()), Some(one.id));
        }
    }

    #[test]
    fn a_stranger_cannot_put_anything_else_into_a_label() {
        for bad in [
            "",
            "source=a/b;op=x",
            "source=a/b;op=X;id=s.1",
            "source=a/b;op=x\";id=s.1",
            "source=a/b/c;op=x;id=s.1",
            "source=a/b;op=x;id=s.-1",
            "source=a/b;op=x;id=s.+1",
            "source=a/b;op=x;id=s",
            "source=a/b;op=abcdefghijklmnopqrstuvwxyz0123456;id=s.1",
            "source=\u{e9}/b;op=x;id=s.1",
        ] {
            assert_eq!(Identity::from_header(bad.as_bytes()), None, "{bad:?}");
        }
    }

    #[test]
    fn sessions_are_names_and_use_all_forty_bits() {
        assert_eq!(session_from_bits(0).as_str(), "aaaaaaaa");
        assert_eq!(session_from_bits(u64::MAX).as_str(), "77777777");
        assert_ne!(session_from_bits(1), session_from_bits(1 << 39));
    }
}
