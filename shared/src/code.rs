//! The protocol's own answer to a request, on both sides the same word: label `code`.
//!
//! One closed type for all protocols, so that a number never meets the wrong list of names: 3 is INVALID_ARGUMENT in gRPC
//! and NXDOMAIN in DNS.

use std::fmt;

/// What a complete answer said of itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Code {
    /// No answer, or none that could be read.
    None,
    /// An HTTP status.
    Http(u16),
    /// A gRPC status, 0 ..= 16; other numbers are UNKNOWN, as gRPC itself reads them.
    Grpc(u8),
    /// A DNS response code, 0 ..= 4095 (RFC 6895, 2.3).
    Rcode(u16),
    /// An echo, which knows no failure.
    Echo,
}

/// The names of gRPC's statuses by number.
pub const GRPC_NAMES: [&str; 17] = [
    "OK",
    "CANCELLED",
    "UNKNOWN",
    "INVALID_ARGUMENT",
    "DEADLINE_EXCEEDED",
    "NOT_FOUND",
    "ALREADY_EXISTS",
    "PERMISSION_DENIED",
    "RESOURCE_EXHAUSTED",
    "FAILED_PRECONDITION",
    "ABORTED",
    "OUT_OF_RANGE",
    "UNIMPLEMENTED",
    "INTERNAL",
    "UNAVAILABLE",
    "DATA_LOSS",
    "UNAUTHENTICATED",
];

/// The names of DNS response codes, with their numbers (RFC 6895, 2.3; the registry has gaps).
pub const RCODE_NAMES: [(&str, u16); 20] = [
    ("NOERROR", 0),
    ("FORMERR", 1),
    ("SERVFAIL", 2),
    ("NXDOMAIN", 3),
    ("NOTIMP", 4),
    ("REFUSED", 5),
    ("YXDOMAIN", 6),
    ("YXRRSET", 7),
    ("NXRRSET", 8),
    ("NOTAUTH", 9),
    ("NOTZONE", 10),
    ("DSOTYPENI", 11),
    ("BADVERS", 16),
    ("BADKEY", 17),
    ("BADTIME", 18),
    ("BADMODE", 19),
    ("BADNAME", 20),
    ("BADALG", 21),
    ("BADTRUNC", 22),
    ("BADCOOKIE", 23),
];

impl Code {
    /// No answer, or none that could be read.
    pub const NONE: Code = Code::None;
    /// gRPC's success.
    pub const GRPC_OK: Code = Code::Grpc(0);
    /// DNS's success.
    pub const NOERROR: Code = Code::Rcode(0);

    /// The label value: `200`; `UNAVAILABLE`; `NXDOMAIN`, or `RCODE12` where there is no name; `ok`; empty for none.
    pub fn label(self) -> String {
        self.to_string()
    }

    /// Whether the answer itself says that the request failed.
    pub const fn is_error(self) -> bool {
        match self {
            Code::None | Code::Echo => false,
            Code::Http(status) => status >= 400,
            Code::Grpc(status) => status != 0,
            Code::Rcode(rcode) => rcode != 0,
        }
    }

    /// Sixteen bits, different for different codes; 0 for none.
    pub const fn pack(self) -> u16 {
        match self {
            Code::None => 0,
            Code::Http(status) => HTTP | (status & LOW),
            Code::Grpc(status) => GRPC | status as u16,
            Code::Rcode(rcode) => RCODE | (rcode & LOW),
            Code::Echo => ECHO,
        }
    }

    /// What [`Code::pack`] packed.
    pub const fn unpack(bits: u16) -> Code {
        match bits & !LOW {
            HTTP => Code::Http(bits & LOW),
            GRPC => Code::Grpc((bits & 0xff) as u8),
            RCODE => Code::Rcode(bits & LOW),
            ECHO => Code::Echo,
            _ => Code::None,
        }
    }
}

const LOW: u16 = 0x0fff;
const HTTP: u16 = 0x1000;
const GRPC: u16 = 0x2000;
const RCODE: u16 = 0x3000;
const ECHO: u16 = 0x4000;

impl fmt::Display for Code {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Code::None => Ok(()),
            Code::Http(status) => status.fmt(f),
            Code::Grpc(status) => f.write_str(GRPC_NAMES.get(usize::from(*status)).unwrap_or(&"UNKNOWN")),
            Code::Rcode(rcode) => match RCODE_NAMES.iter().find(|(_, number)| number == rcode) {
                Some((name, _)) => f.write_str(name),
                None => write!(f, "RCODE{rcode}"),
            },
            Code::Echo => f.write_str("ok"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::HashSet;

    fn all() -> impl Iterator<Item = Code> {
        let http = (200..1000).map(Code::Http);
        let grpc = (0..17).map(Code::Grpc);
        http.chain(grpc).chain((0..4096).map(Code::Rcode)).chain([Code::None, Code::Echo])
    }

    #[test]
    fn packs_without_loss() {
        let packed: HashSet<u16> = all().map(Code::pack).collect();
        assert_eq!(packed.len(), all().count());
        assert!(all().all(|code| Code::unpack(code.pack()) == code));
    }

    #[test]
    fn no_two_codes_share_a_word() {
        let words: HashSet<String> = all().map(Code::label).collect();
        assert_eq!(words.len(), all().count());
        for (code, word) in [
            (Code::None, ""),
            (Code::Http(503), "503"),
            (Code::Grpc(14), "UNAVAILABLE"),
            (Code::Rcode(3), "NXDOMAIN"),
            (Code::Rcode(16), "BADVERS"),
            (Code::Rcode(12), "RCODE12"),
            (Code::Echo, "ok"),
        ] {
            assert_eq!(code.label(), word);
        }
    }
}
