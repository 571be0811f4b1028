//! `CL/1 ERR ..`: the first mistake of a line, on a line.

use std::fmt;

use super::NoReply;
use crate::fault::SpecErrors;

/// What was wrong with a request, as far as one line can say it: each text is cut so that the line never exceeds
/// [`REPLY_MAX_BYTES`](super::REPLY_MAX_BYTES).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Refusal {
    /// The key as written; empty when the line as a whole is at fault.
    pub parameter: String,
    /// Byte offset of the offending token in the line, after its prefix.
    pub position: usize,
    /// The offending token.
    pub value: String,
    /// A lowercase fragment.
    pub reason: String,
    /// What would have been accepted.
    pub expected: String,
}

/// The longest of each text, quoted; with the words between them under 1024 in sum.
const PARAMETER_MAX: usize = 64;
const VALUE_MAX: usize = 128;
const REASON_MAX: usize = 256;
const EXPECTED_MAX: usize = 448;

impl Refusal {
    /// The error that comes first in the text.
    pub fn of(errors: &SpecErrors) -> Refusal {
        let first = errors.first();
        Refusal {
            parameter: cut(&first.parameter, PARAMETER_MAX),
            position: first.position,
            value: cut(&first.value, VALUE_MAX),
            reason: cut(&first.reason, REASON_MAX),
            expected: cut(&first.expected, EXPECTED_MAX),
        }
    }

    /// The answer line, line feed included.
    pub fn line(&self) -> String {
        format!("CL/1 ERR {self}\n")
    }

    /// Reads what stands after `CL/1 ERR `.
    pub(super) fn parse(text: &str) -> Result<Refusal, NoReply> {
        let (parameter, rest) = pair(text, "param")?;
        let (position, rest) = pair(rest, "pos")?;
        let (value, rest) = pair(rest, "value")?;
        let (reason, rest) = pair(rest, "reason")?;
        let (expected, _) = pair(rest, "expected")?;
        let position = position.parse().map_err(|_| NoReply("its position is no number"))?;
        Ok(Refusal { parameter, position, value, reason, expected })
    }
}

impl fmt::Display for Refusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { parameter, position, value, reason, expected } = self;
        let is_plain = !parameter.is_empty() && parameter.bytes().all(|b| b.is_ascii_lowercase() || b == b'_');
        match is_plain {
            true => write!(f, "param={parameter}")?,
            false => write!(f, "param={}", Quoted(parameter))?,
        }
        let [value, reason, expected] = [value, reason, expected].map(|text| Quoted(text));
        write!(f, " pos={position} value={value} reason={reason} expected={expected}")
    }
}

/// In quotes, on one line: `"`, `\` and control characters are escaped.
struct Quoted<'a>(&'a str);

impl fmt::Display for Quoted<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("\"")?;
        self.0.chars().try_for_each(|c| escaped(c).try_for_each(|c| fmt::Write::write_char(f, c)))?;
        f.write_str("\"")
    }
}

fn escaped(c: char) -> impl Iterator<Item = char> {
    let escape = matches!(c, '"' | '\\') || c.is_control();
    let (plain, escape) = if escape { (None, Some(c.escape_default())) } else { (Some(c), None) };
    plain.into_iter().chain(escape.into_iter().flatten())
}

/// As much of the text as fits into `max` bytes in quotes.
fn cut(text: &str, max: usize) -> String {
    let size = |c: char| escaped(c).map(char::len_utf8).sum::<usize>();
    let sums = text.chars().scan(2, |sum, c| {
        *sum += size(c);
        Some((*sum, c))
    });
    sums.take_while(|(sum, _)| *sum <= max).map(|(_, c)| c).collect()
}

/// `key=value` or `key="value"` at the beginning, and the rest after a space.
fn pair<'a>(text: &'a str, key: &str) -> Result<(String, &'a str), NoReply> {
    let missing = NoReply("a part of the error is missing");
    let text = text.strip_prefix(key).and_then(|text| text.strip_prefix('=')).ok_or(missing)?;
    let Some(quoted) = text.strip_prefix('"') else {
        let (value, rest) = text.split_once(' ').unwrap_or((text, ""));
        return Ok((value.to_owned(), rest));
    };
    let mut value = String::new();
    let mut chars = quoted.char_indices();
    while let Some((at, c)) = chars.next() {
        match c {
            '"' => {
                let rest = &quoted[at + 1..];
                return Ok((value, rest.strip_prefix(' ').unwrap_or(rest)));
            }
            '\\' => value.push(unescaped(&mut chars).ok_or(NoReply("an escape of it cannot be read"))?),
            c => value.push(c),
        }
    }
    Err(NoReply("a quote of it does not end"))
}

/// What follows a backslash, as [`char::escape_default`] writes it.
fn unescaped(chars: &mut std::str::CharIndices<'_>) -> Option<char> {
    match chars.next()?.1 {
        'n' => Some('\n'),
        'r' => Some('\r'),
        't' => Some('\t'),
        'u' => {
            let code: String = chars.skip(1).map(|(_, c)| c).take_while(|c| *c != '}').collect();
            char::from_u32(u32::from_str_radix(&code, 16).ok()?)
        }
        c @ ('"' | '\\' | '\'') => Some(c),
        _ => None,
    }
}
