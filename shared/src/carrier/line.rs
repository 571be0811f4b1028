//! One line of pairs that holds the request's identity beside its fault: the command line of TCP and UDP (`CL/1 ` and
//! pairs between spaces) and the EDNS option (pairs between `;`). There are no headers to keep the two apart.

use super::Unsayable;
use crate::fault::{Fault, Pair, SPEC_MAX_BYTES, Separator, Source, SpecError, SpecErrorCode, SpecErrors, Syntax};
use crate::fault::{collect, pieces, too_long};
use crate::identity::{Identity, Name, NameError, RequestId, Source as Sender};

/// How a command begins; whatever begins otherwise is payload.
pub const TCP_PREFIX: &[u8] = b"CL/1 ";

/// The longest command line, prefix and line feed included.
pub const TCP_LINE_MAX_BYTES: usize = 1024;

/// The code of the EDNS option that carries a line on a query and a [`Reply`](crate::reply::Reply) on an answer; from the
/// range for local use (RFC 6891, section 9).
pub const EDNS_OPTION: u16 = 65_001;

/// What a line says. The identity holds even where the fault is wrong, so that the mistake is counted as its sender's.
#[derive(Clone, Debug, PartialEq)]
pub struct Line {
    /// Who asks, if the line says it.
    pub identity: Option<Identity>,
    /// What is asked, or everything that is wrong with the line.
    pub fault: Result<Fault, SpecErrors>,
}

/// Takes a command apart: its line, after the prefix and without its end, and the bytes behind it. `None` if this is no
/// command. Without a line feed all the rest is the line, as a datagram may have it.
pub fn command(bytes: &[u8]) -> Option<(&[u8], &[u8])> {
    let rest = bytes.strip_prefix(TCP_PREFIX)?;
    let (line, behind) = match rest.iter().position(|byte| *byte == b'\n') {
        Some(end) => (&rest[..end], &rest[end + 1..]),
        None => (rest, &rest[rest.len()..]),
    };
    Some((line.strip_suffix(b"\r").unwrap_or(line), behind))
}

/// Reads the text of a command line (`Separator::Space`, as [`command`] cut it out) or of the EDNS option
/// (`Separator::Semicolon`). Positions count in `text`.
///
/// `source`, `op` and `id` are the request's [`Identity`]; where the first two are absent, `id` is the fault's own key.
pub fn line(text: &[u8], separator: Separator) -> Line {
    let (source, max_bytes) = match separator {
        Separator::Space => (Source::Line, TCP_LINE_MAX_BYTES - TCP_PREFIX.len() - 1),
        Separator::Semicolon => (Source::Edns, SPEC_MAX_BYTES),
        Separator::Ampersand => (Source::Text, SPEC_MAX_BYTES),
    };
    let failed = |errors: SpecErrors| Line { identity: None, fault: Err(errors) };
    let text = match std::str::from_utf8(text) {
        Ok(text) => text,
        Err(error) => {
            let text = String::from_utf8_lossy(&text[error.valid_up_to()..]);
            let value: String = text.chars().take(16).collect();
            let reason = "the line is not UTF-8".to_owned();
            return failed(error_at(source, "", &value, error.valid_up_to(), reason, "UTF-8").into());
        }
    };
    if text.len() > max_bytes {
        return failed(too_long(text, source, max_bytes));
    }
    let syntax = Syntax { separator, source, escapes: false, plus_is_space: false };
    let mut said = Said::default();
    let identified = pieces(text, separator).any(|(piece, _)| Said::marks(piece));
    let pairs = pieces(text, separator)
        .filter(|(piece, at)| !(identified && said.hears(piece, *at, source)))
        .map(|(piece, at)| Pair::read(piece, at, syntax));
    let fault = collect(pairs).map(|fault| fault.out_of(text.len()));
    let identity = if identified { said.identity(source).map(Some) } else { Ok(None) };
    match (identity, fault) {
        (Ok(identity), fault) => Line { identity, fault },
        (Err(errors), Ok(_)) => failed(errors),
        (Err(errors), Err(more)) => failed(errors.and(more)),
    }
}

/// The line that says both, without prefix and line feed: [`line`] reads the same back.
///
/// Refused are an `id` of the fault beside an identity, whose own id takes its place, and what is longer than the carrier
/// allows.
pub fn compose_line(identity: Option<Identity>, fault: &Fault, separator: Separator) -> Result<String, Unsayable> {
    if identity.is_some() && fault.id().is_some() {
        return Err(Unsayable::new("id", "the request's identity is the key of its draws here"));
    }
    let mark = separator.printed();
    let who =
        identity.map(|Identity { source, operation, id }| format!("source={source}{mark}op={operation}{mark}id={id}"));
    let asked = Some(fault.to_text(separator)).filter(|text| !text.is_empty());
    let text = who.into_iter().chain(asked).collect::<Vec<_>>().join(mark);
    let max_bytes = match separator {
        Separator::Space => TCP_LINE_MAX_BYTES - TCP_PREFIX.len() - 1,
        Separator::Semicolon | Separator::Ampersand => SPEC_MAX_BYTES,
    };
    match text.len() {
        n if n > max_bytes => Err(Unsayable::new("", format!("the line has {n} bytes, {max_bytes} at most"))),
        _ => Ok(text),
    }
}

/// The three pairs of an identity, as far as they were heard.
#[derive(Default)]
struct Said {
    source: Option<Sender>,
    operation: Option<Name>,
    id: Option<RequestId>,
    errors: Vec<SpecError>,
}

const SOURCE_EXPECTED: &str = "<namespace>/<release> or one word, each of 1 to 32 characters of a-z, 0-9, _ and -";
const ID_EXPECTED: &str = "<session>.<seq> beside source and op";

impl Said {
    /// True for a pair that only an identity has.
    fn marks(piece: &str) -> bool {
        piece.starts_with("source=") || piece.starts_with("op=")
    }

    /// Takes a pair if it is one of the three.
    fn hears(&mut self, piece: &str, at: usize, source: Source) -> bool {
        let Some((key, value)) = piece.split_once('=') else { return false };
        let bytes = value.as_bytes();
        let (parameter, heard, expected) = match key {
            "source" => ("source", set(&mut self.source, Sender::from_bytes(bytes)), SOURCE_EXPECTED),
            "op" => ("op", set(&mut self.operation, Name::from_bytes(bytes)), NameError::EXPECTED),
            "id" => ("id", set(&mut self.id, RequestId::from_bytes(bytes)), ID_EXPECTED),
            _ => return false,
        };
        let reason = match heard {
            Heard::First => return true,
            Heard::Again => format!("{parameter} is given twice"),
            Heard::Wrong => format!("{value:?} is no {parameter}"),
        };
        self.errors.push(error_at(source, parameter, value, at + key.len() + 1, reason, expected));
        true
    }

    fn identity(mut self, source: Source) -> Result<Identity, SpecErrors> {
        let missing = [
            ("source", self.source.is_none(), SOURCE_EXPECTED),
            ("op", self.operation.is_none(), NameError::EXPECTED),
            ("id", self.id.is_none(), ID_EXPECTED),
        ];
        for (parameter, is_missing, expected) in missing {
            // A bad one has been reported already.
            if is_missing && !self.errors.iter().any(|error| error.parameter == parameter) {
                let reason = "source, op and id make an identity together".to_owned();
                self.errors.push(error_at(source, parameter, "", 0, reason, expected));
            }
        }
        SpecErrors::none_or(self.errors)?;
        let all = || Some(Identity { source: self.source?, operation: self.operation?, id: self.id? });
        Ok(all().expect("what is missing has been reported"))
    }
}

enum Heard {
    First,
    Again,
    Wrong,
}

fn set<T>(place: &mut Option<T>, read: Option<T>) -> Heard {
    match (place.is_some(), read) {
        (true, _) => Heard::Again,
        (false, None) => Heard::Wrong,
        (false, read) => {
            *place = read;
            Heard::First
        }
    }
}

fn error_at(
    source: Source,
    parameter: &str,
    value: &str,
    position: usize,
    reason: String,
    expected: &str,
) -> SpecError {
    SpecError {
        code: SpecErrorCode::InvalidParameter,
        parameter: parameter.to_owned(),
        value: value.to_owned(),
        source,
        position,
        reason,
        expected: expected.to_owned(),
        limit: None,
    }
}

#[cfg(test)]
pub(crate) mod tests;
