//! From text to a [`Fault`]: split into pairs, look each key up, read each value, report everything that is wrong.

use std::borrow::Cow;

use super::error::{Flaw, Place, Source, SpecError, SpecErrorCode, SpecErrors};
use super::key::{Form, Key};
use super::percent::{self, Plus};
use super::value::Value;
use super::{Ask, Fault, Separator};

/// The longest spec that is read, in bytes of carrier text. A bound of the language rather than of one server: it must
/// hold before there is anything to check, and a spec that one target reads every target must.
pub const SPEC_MAX_BYTES: usize = 2048;

/// One `key=value` as a carrier found it.
#[derive(Clone, Debug)]
pub struct Pair<'a> {
    /// The key, decoded.
    pub key: Cow<'a, str>,
    /// The value, decoded.
    pub value: Cow<'a, str>,
    /// Byte offset of the key in the carrier's text.
    pub position: usize,
    source: Source,
    /// Byte offset of the value in the carrier's text.
    value_at: usize,
    /// The value before decoding, to translate positions inside it.
    raw_value: Option<&'a str>,
}

impl<'a> Pair<'a> {
    /// A pair that was written as plain text, `key=value`, at `position`.
    pub fn new(key: &'a str, value: &'a str, position: usize) -> Self {
        Self {
            key: Cow::Borrowed(key),
            value: Cow::Borrowed(value),
            position,
            source: Source::Text,
            value_at: position + key.len() + 1,
            raw_value: None,
        }
    }

    /// Reads one raw `key=value` at `position`.
    pub(crate) fn read(raw: &'a str, position: usize, syntax: Syntax) -> Result<Self, SpecError> {
        let Some((raw_key, raw_value)) = raw.split_once('=') else {
            return Err(no_value(raw, position, syntax));
        };
        let broken = |parameter: &str, part: &'a str, from: usize, at: usize| {
            not_utf8(parameter, &part[at..], syntax.source, position + from + at)
        };
        let key = match syntax.escapes {
            true => percent::decode(raw_key, Plus::Plus).map_err(|at| broken("", raw_key, 0, at))?,
            false => Cow::Borrowed(raw_key),
        };
        let text = Key::parse(&key).is_some_and(|key| key.form().is_text());
        let value = match (syntax.escapes || text, text && syntax.plus_is_space) {
            (true, true) => percent::decode(raw_value, Plus::Space),
            (true, false) => percent::decode(raw_value, Plus::Plus),
            (false, _) => Ok(Cow::Borrowed(raw_value)),
        };
        let value_at = raw_key.len() + 1;
        let value = value.map_err(|at| broken(&key, raw_value, value_at, at))?;
        let raw_value = matches!(value, Cow::Owned(_)).then_some(raw_value);
        Ok(Self { key, value, position, source: syntax.source, value_at: position + value_at, raw_value })
    }

    /// The rest of a path, from byte `at`, as the value of `key`.
    pub(crate) fn in_path(key: Key, raw: &'a str, at: usize) -> Result<Self, SpecError> {
        let source = Source::Path;
        let value =
            percent::decode(raw, Plus::Plus).map_err(|bad| not_utf8(key.as_str(), &raw[bad..], source, at + bad))?;
        let raw_value = Some(raw);
        Ok(Self { key: key.as_str().into(), value, position: at, source, value_at: at, raw_value })
    }

    /// This pair, understood.
    pub(crate) fn ask(&self, key: Key, value: Value) -> Ask {
        let place = Place { source: self.source, position: self.value_at };
        Ask { key, value, written: self.value.to_string(), place }
    }

    pub(crate) fn error(&self, flaw: Flaw, form: Form) -> SpecError {
        let at = self.raw_value.map_or(flaw.at, |raw| percent::raw_offset(raw, flaw.at));
        SpecError {
            code: flaw.code,
            parameter: self.key.to_string(),
            value: flaw.value,
            source: self.source,
            position: self.value_at + at,
            reason: flaw.reason,
            expected: if flaw.expected.is_empty() { form.expected().to_owned() } else { flaw.expected },
            limit: None,
        }
    }

    fn key_error(&self, code: SpecErrorCode, reason: String, expected: String) -> SpecError {
        SpecError {
            code,
            parameter: self.key.to_string(),
            value: self.key.to_string(),
            source: self.source,
            position: self.position,
            reason,
            expected,
            limit: None,
        }
    }
}

fn no_value(raw: &str, position: usize, syntax: Syntax) -> SpecError {
    let decoded = if syntax.escapes { percent::decode(raw, Plus::Plus).ok() } else { None };
    let key = decoded.unwrap_or(Cow::Borrowed(raw));
    let expected = Key::parse(&key).map_or_else(
        || "key=value".to_owned(),
        |known| format!("{}=, then {}", known.as_str(), known.form().expected()),
    );
    SpecError {
        code: SpecErrorCode::InvalidParameter,
        parameter: key.to_string(),
        value: raw.to_owned(),
        source: syntax.source,
        position,
        reason: format!("{key:?} has no value"),
        expected,
        limit: None,
    }
}

fn not_utf8(parameter: &str, rest: &str, source: Source, position: usize) -> SpecError {
    SpecError {
        code: SpecErrorCode::InvalidParameter,
        parameter: parameter.to_owned(),
        // As it arrived: there is no decoded form to show.
        value: rest.chars().take(16).collect(),
        source,
        position,
        reason: "the percent escapes do not decode to UTF-8".to_owned(),
        expected: "percent-encoded UTF-8".to_owned(),
        limit: None,
    }
}

/// What differs between carriers in reading the pairs.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Syntax {
    pub(crate) separator: Separator,
    pub(crate) source: Source,
    /// Keys and values of every form are percent-encoded, not just free text.
    pub(crate) escapes: bool,
    /// In free text `+` stands for a space.
    pub(crate) plus_is_space: bool,
}

/// Reads a whole spec. Empty pairs, as a trailing separator leaves them, say nothing and are allowed.
pub(crate) fn parse(text: &str, syntax: Syntax) -> Result<Fault, SpecErrors> {
    if text.is_empty() {
        return Ok(Fault::default());
    }
    if text.len() > SPEC_MAX_BYTES {
        return Err(too_long(text, syntax.source, SPEC_MAX_BYTES));
    }
    let pairs = pieces(text, syntax.separator).map(|(piece, at)| Pair::read(piece, at, syntax));
    Ok(collect(pairs)?.out_of(text.len()))
}

/// What stands between separators and is not empty, each with its byte offset.
pub(crate) fn pieces(text: &str, separator: Separator) -> impl Iterator<Item = (&str, usize)> {
    let mut from = 0;
    let pieces = text.split(separator.char()).map(move |piece| {
        let at = from;
        from += piece.len() + 1;
        match separator {
            Separator::Ampersand => (piece, at),
            // Spaces around pairs belong to the carrier: lists in header fields have them.
            Separator::Semicolon | Separator::Space => {
                let start = piece.trim_ascii_start();
                (start.trim_ascii_end(), at + piece.len() - start.len())
            }
        }
    });
    pieces.filter(|(piece, _)| !piece.is_empty())
}

/// Reads pairs that a carrier took apart.
pub(crate) fn collect<'a>(pairs: impl Iterator<Item = Result<Pair<'a>, SpecError>>) -> Result<Fault, SpecErrors> {
    let mut fault = Fault::default();
    let mut errors = Vec::new();
    for pair in pairs {
        if let Err(error) = pair.and_then(|pair| fault.add(&pair)) {
            errors.push(error);
        }
    }
    SpecErrors::none_or(errors)?;
    fault.asks.sort_by_key(|ask| ask.key);
    Ok(fault)
}

impl Fault {
    /// Remembers how long the text was that this came from.
    pub(crate) fn out_of(mut self, spec_bytes: usize) -> Fault {
        self.spec_bytes = spec_bytes;
        self
    }

    fn add(&mut self, pair: &Pair<'_>) -> Result<(), SpecError> {
        let key = Key::parse(&pair.key).ok_or_else(|| unknown(pair))?;
        let value = Value::parse(&pair.value, key).map_err(|flaw| pair.error(flaw, key.form()))?;
        match (self.asks.iter_mut().find(|ask| ask.key == key).map(|ask| &mut ask.value), value) {
            (Some(Value::Fields(fields)), Value::Fields(more)) => fields.extend(more),
            (Some(_), _) => {
                let reason = format!("{} is given twice", key.as_str());
                let expected = "each parameter once (header and trailer may repeat)".to_owned();
                return Err(pair.key_error(SpecErrorCode::InvalidParameter, reason, expected));
            }
            (None, value) => self.asks.push(pair.ask(key, value)),
        }
        Ok(())
    }
}

fn unknown(pair: &Pair<'_>) -> SpecError {
    let nearest = Key::nearest(&pair.key).map(Key::as_str);
    let hint = nearest.map(|key| format!(", did you mean {key}?")).unwrap_or_default();
    let all: Vec<&str> = Key::all().map(Key::as_str).collect();
    let expected = nearest.map_or_else(|| format!("one of {}", all.join(", ")), str::to_owned);
    let reason = format!("unknown parameter {:?}{hint}", pair.key);
    pair.key_error(SpecErrorCode::UnknownParameter, reason, expected)
}

/// The text has more than `max_bytes` bytes.
pub(crate) fn too_long(text: &str, source: Source, max_bytes: usize) -> SpecErrors {
    let cut = (0..=max_bytes).rev().find(|&at| text.is_char_boundary(at)).unwrap_or(0);
    SpecErrors::from(SpecError {
        code: SpecErrorCode::SpecTooLong,
        parameter: String::new(),
        value: text[cut..].chars().take(16).collect(),
        source,
        position: cut,
        reason: format!("the spec has {} bytes", text.len()),
        expected: format!("at most {max_bytes} bytes"),
        limit: Some(max_bytes.to_string()),
    })
}
