//! A piece of a value that remembers where it was, and the two ways values come apart: at separators outside
//! parentheses, and into a word with arguments.

use super::error::{Flaw, SpecErrorCode};

#[derive(Clone, Copy, Debug)]
pub(crate) struct Token<'a> {
    pub(crate) text: &'a str,
    /// Byte offset in the parameter's decoded value.
    pub(crate) at: usize,
}

impl<'a> Token<'a> {
    pub(crate) fn new(text: &'a str) -> Self {
        Self { text, at: 0 }
    }

    /// This token is wrong, for this reason.
    pub(crate) fn flaw(self, reason: impl Into<String>) -> Flaw {
        Flaw {
            code: SpecErrorCode::InvalidParameter,
            value: self.text.to_owned(),
            at: self.at,
            reason: reason.into(),
            expected: String::new(),
        }
    }

    fn cut(self, from: usize, to: usize) -> Self {
        Self { text: &self.text[from..to], at: self.at + from }
    }

    /// Every byte offset of `what` that is outside parentheses.
    fn outside(self, what: char) -> impl Iterator<Item = usize> + 'a {
        let mut depth = 0_u32;
        self.text.char_indices().filter_map(move |(i, c)| {
            match c {
                '(' => depth += 1,
                ')' => depth = depth.saturating_sub(1),
                _ => {}
            }
            (depth == 0 && c == what).then_some(i)
        })
    }

    /// The pieces between `separator`s outside parentheses; at least one, possibly empty.
    pub(crate) fn split(self, separator: char) -> Vec<Self> {
        let mut from = 0;
        let mut pieces = Vec::with_capacity(1);
        for to in self.outside(separator) {
            pieces.push(self.cut(from, to));
            from = to + separator.len_utf8();
        }
        pieces.push(self.cut(from, self.text.len()));
        pieces
    }

    /// `expr:weight` apart; the last colon, since none of our expressions ends in one.
    pub(crate) fn split_weight(self) -> (Self, Option<Self>) {
        match self.outside(':').last() {
            Some(colon) => (self.cut(0, colon), Some(self.cut(colon + 1, self.text.len()))),
            None => (self, None),
        }
    }

    /// `low..high` apart.
    pub(crate) fn split_range(self) -> Option<(Self, Self)> {
        let dots = self.outside('.').find(|&i| self.text[i..].starts_with(".."))?;
        Some((self.cut(0, dots), self.cut(dots + 2, self.text.len())))
    }

    /// `name=value` apart.
    pub(crate) fn split_name(self) -> Option<(&'a str, Self)> {
        let equals = self.outside('=').next()?;
        Some((&self.text[..equals], self.cut(equals + 1, self.text.len())))
    }

    /// `word(args)` as the word and what is between the parentheses.
    pub(crate) fn call(self) -> Option<(&'a str, Self)> {
        let open = self.text.find('(')?;
        let close = self.text.len().checked_sub(1).filter(|_| self.text.ends_with(')'))?;
        Some((&self.text[..open], self.cut(open + 1, close)))
    }

    /// Refuses parentheses that do not pair up, so that nothing below has to wonder.
    pub(crate) fn balanced(self) -> Result<Self, Flaw> {
        let mut depth = 0_i32;
        for byte in self.text.bytes() {
            depth += i32::from(byte == b'(') - i32::from(byte == b')');
            if depth < 0 {
                break;
            }
        }
        if depth == 0 { Ok(self) } else { Err(self.flaw("parentheses do not pair up")) }
    }
}
