//! A place in a text, which tells where it is.

use super::{Refused, TEXT_MAX};

#[derive(Clone, Copy, Debug)]
pub(super) struct Cursor<'a> {
    text: &'a str,
    /// In bytes, on a character's boundary.
    at: usize,
}

impl<'a> Cursor<'a> {
    pub(super) fn new(text: &'a str) -> Result<Cursor<'a>, Refused> {
        let cursor = Cursor { text, at: 0 };
        if text.chars().count() > TEXT_MAX {
            return Err(cursor.refuse(format!("longer than {TEXT_MAX} characters")));
        }
        match text.chars().position(char::is_control) {
            Some(at) => Err(Refused { at, message: "a control character; a threshold is one line of text".to_owned() }),
            None => Ok(cursor),
        }
    }

    /// What has not been read.
    pub(super) fn rest(&self) -> &'a str {
        &self.text[self.at..]
    }

    /// Something is wrong here.
    pub(super) fn refuse(&self, message: String) -> Refused {
        Refused { at: self.text[..self.at].chars().count(), message }
    }

    pub(super) fn skip_blanks(&mut self) {
        self.at = self.text.len() - self.rest().trim_start().len();
    }

    /// Reads this, if it is what comes.
    pub(super) fn take(&mut self, expected: &str) -> bool {
        let comes = self.rest().starts_with(expected);
        if comes {
            self.at += expected.len();
        }
        comes
    }

    /// Letters, digits and `_`, from a letter on.
    pub(super) fn word(&mut self) -> &'a str {
        let rest = self.rest();
        let is_name = |c: char| c.is_ascii_alphanumeric() || c == '_';
        let end = rest.find(|c: char| !is_name(c)).unwrap_or(rest.len());
        let word = if rest.starts_with(|c: char| c.is_ascii_digit()) { "" } else { &rest[..end] };
        self.at += word.len();
        word
    }

    /// Up to one of these characters or the end.
    pub(super) fn until(&mut self, ends: impl Fn(char) -> bool) -> &'a str {
        let rest = self.rest();
        let text = &rest[..rest.find(ends).unwrap_or(rest.len())];
        self.at += text.len();
        text
    }

    /// What comes, up to a blank, for messages.
    pub(super) fn token(&self) -> &'a str {
        self.rest().split_whitespace().next().unwrap_or("")
    }
}
