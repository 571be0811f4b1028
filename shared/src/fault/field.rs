//! Extra header and trailer fields: `Name:value`, vetted so that a spec can decorate an answer but not forge its frame.

use super::error::Flaw;
use super::key::Key;
use super::token::Token;

/// One field to add.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Field {
    /// A valid token, in the case it was written in.
    pub name: String,
    /// Visible ASCII and inner spaces; may be empty.
    pub value: String,
}

/// Fields a recipient needs before the body (RFC 9110, section 6.5.1): too late in a trailer.
const HEAD_ONLY: [&str; 10] = [
    "authorization",
    "cache-control",
    "content-encoding",
    "content-range",
    "content-type",
    "host",
    "location",
    "max-forwards",
    "retry-after",
    "set-cookie",
];

impl Field {
    /// Fields that decide where a message ends or belong to one connection. A spec that could set them would produce
    /// malformed answers that nobody asked for by name; `clen`, `badchunk` and `close` exist for that, and are marked.
    /// `date` is not among them: it frames nothing, and a wrong clock is worth simulating.
    pub const FRAMING: [&'static str; 9] = [
        "connection",
        "content-length",
        "keep-alive",
        "proxy-connection",
        "te",
        "trailer",
        "transfer-encoding",
        "upgrade",
        "http2-settings",
    ];

    pub(crate) fn parse(token: Token<'_>, key: Key) -> Result<Self, Flaw> {
        let Some((name, value)) = token.text.split_once(':') else {
            return Err(token.flaw("no colon between name and value"));
        };
        let value_at = token.at + name.len() + 1;
        let name = Token { text: name, at: token.at };
        if name.text.is_empty() || !name.text.bytes().all(is_token_byte) {
            return Err(name.flaw(format!("{:?} is not a field name", name.text)));
        }
        if let Some(reason) = refusal(name.text, key) {
            return Err(name.flaw(format!("{:?} {reason}", name.text)).expecting("another field name"));
        }
        if let Some(at) = value.bytes().position(|byte| !(b' '..=b'~').contains(&byte)) {
            let value = Token { text: &value[floor(value, at)..], at: value_at + floor(value, at) };
            return Err(value.flaw("a control or non-ASCII character").expecting("visible ASCII and spaces"));
        }
        Ok(Self { name: name.text.to_owned(), value: value.trim_matches(' ').to_owned() })
    }
}

fn refusal(name: &str, key: Key) -> Option<&'static str> {
    let lower = name.to_ascii_lowercase();
    let lower = lower.as_str();
    if Field::FRAMING.contains(&lower) {
        Some("frames the message or belongs to the connection")
    } else if lower.starts_with("x-cload") || lower == "server-timing" {
        Some("is how answers are marked and timed")
    } else if lower.starts_with("grpc-") {
        Some("belongs to gRPC; use status, msg or details")
    } else if key == Key::Trailer && HEAD_ONLY.contains(&lower) {
        Some("is meaningless after the body")
    } else {
        None
    }
}

/// RFC 9110's `tchar`.
fn is_token_byte(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(&byte)
}

/// The start of the character that byte `at` is in.
fn floor(text: &str, at: usize) -> usize {
    (0..=at).rev().find(|&i| text.is_char_boundary(i)).unwrap_or(0)
}
