//! The fault language: what a request may ask of the target, read whole before anything happens.
//!
//! A [`Fault`] is what is asked, chances included; [`Fault::roll`] turns it into one [`Verdict`] of scalars, as a pure
//! function of seed, request key and load. Nothing is ignored, clamped or rounded on the way: text either means exactly
//! what it says or is refused with everything that is wrong with it. `parse ∘ print` is the identity.
//!
//! The manual is `docs/faults.md`; its examples are this module's test table.

mod at;
mod check;
mod dialect;
mod dist;
mod error;
mod expr;
mod field;
mod key;
mod kind;
mod limits;
mod near;
mod normal;
mod parse;
pub(crate) mod percent;
mod print;
mod query;
mod rcode;
mod roll;
mod shares;
mod status;
mod token;
mod value;
mod verdict;
mod words;

pub use at::At;
pub(crate) use at::AtAsk;
pub use dialect::Dialect;
pub use dist::Dist;
pub(crate) use dist::Shape;
pub use error::{Source, SpecError, SpecErrorCode, SpecErrors};
pub use expr::{Body, Details, Read, TrailersAt};
pub use field::Field;
pub use key::Key;
pub use kind::{FaultKind, H2Code};
pub use limits::Limits;
pub use near::nearest_word;
pub use parse::{Pair, SPEC_MAX_BYTES};
pub use query::StatusChoice;
pub use rcode::Rcode;
pub(crate) use rcode::number;
pub use shares::Share;
pub use status::Status;
pub use verdict::{ChunkDelay, Verdict};
pub use words::{Cname, DnsAnswer, Mode, Transport};

pub(crate) use error::{Flaw, Place};
pub(crate) use expr::{Expr, ReadAsk};
pub(crate) use parse::{Syntax, collect, parse, pieces, too_long};
pub(crate) use token::Token;
pub(crate) use value::{Value, weight_flaw};

/// What one request asks for. The default asks nothing.
#[derive(Clone, Debug, Default)]
pub struct Fault {
    /// In canonical order, each key at most once.
    asks: Vec<Ask>,
    /// Length of the text this came from; 0 if it did not come from text.
    spec_bytes: usize,
}

/// One parameter and where it was written.
#[derive(Clone, Debug)]
pub(crate) struct Ask {
    pub(crate) key: Key,
    pub(crate) value: Value,
    /// The value as it was written, decoded: what an error quotes.
    pub(crate) written: String,
    pub(crate) place: Place,
}

/// Equal if they ask the same, wherever it was written.
impl PartialEq for Fault {
    fn eq(&self, other: &Self) -> bool {
        let asked = |fault: &Fault| fault.asks.len();
        let same = |(a, b): (&Ask, &Ask)| a.key == b.key && a.value == b.value;
        asked(self) == asked(other) && self.asks.iter().zip(&other.asks).all(same)
    }
}

impl Eq for Fault {}

/// What stands between pairs; one per family of carriers.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Separator {
    /// `&`: URL queries, rules, scenario files. The canonical form.
    Ampersand,
    /// `;`, with optional spaces: headers, gRPC metadata, EDNS.
    Semicolon,
    /// A space: the first line of a TCP or UDP exchange.
    Space,
}

impl Separator {
    pub(crate) const fn char(self) -> char {
        match self {
            Self::Ampersand => '&',
            Self::Semicolon => ';',
            Self::Space => ' ',
        }
    }

    pub(crate) const fn printed(self) -> &'static str {
        match self {
            Self::Ampersand => "&",
            Self::Semicolon => "; ",
            Self::Space => " ",
        }
    }
}

impl Fault {
    /// Reads a bare spec. Percent escapes are decoded in free text (`header`, `trailer`, `msg`) only, where a separator
    /// could not be written otherwise.
    pub fn parse(text: &str, separator: Separator) -> Result<Fault, SpecErrors> {
        parse(text, Syntax { separator, source: Source::Text, escapes: false, plus_is_space: false })
    }

    /// Reads pairs that a carrier took apart and decoded.
    pub fn from_pairs<'a>(pairs: impl IntoIterator<Item = Pair<'a>>) -> Result<Fault, SpecErrors> {
        collect(pairs.into_iter().map(Ok))
    }

    /// Both asks in one: where they name the same key, `winner` is heard. `header` and `trailer` are keys like any
    /// other, so a winner that names one replaces all of the loser's.
    pub fn overridden_by(mut self, winner: Fault) -> Fault {
        self.asks.retain(|ask| winner.get(ask.key).is_none());
        self.asks.extend(winner.asks);
        self.asks.sort_by_key(|ask| ask.key);
        self.spec_bytes = self.spec_bytes.max(winner.spec_bytes);
        self
    }

    /// True if nothing is asked.
    pub fn is_empty(&self) -> bool {
        self.asks.is_empty()
    }

    /// These asks, each key at most once.
    pub(crate) fn of(mut asks: Vec<Ask>) -> Fault {
        asks.sort_by_key(|ask| ask.key);
        Fault { asks, spec_bytes: 0 }
    }

    /// The same without these keys.
    pub fn without(mut self, keys: &[Key]) -> Fault {
        self.asks.retain(|ask| !keys.contains(&ask.key));
        self
    }

    fn ask(&self, key: Key) -> Option<&Ask> {
        self.asks.iter().find(|ask| ask.key == key)
    }

    pub(crate) fn get(&self, key: Key) -> Option<&Value> {
        self.ask(key).map(|ask| &ask.value)
    }

    /// A fault that did not come from text, each key at most once.
    pub(crate) fn assembled(values: impl IntoIterator<Item = (Key, Value)>) -> Fault {
        let ask = |(key, value)| Ask { key, value, written: String::new(), place: Place::default() };
        Fault::of(values.into_iter().map(ask).collect())
    }
}

#[cfg(test)]
pub(crate) mod tests;
