//! DNS response codes: numbers with names, as the IANA registry has them (RFC 6895, section 2.3).

use std::fmt;

use super::error::Flaw;
use super::token::Token;
use crate::code::RCODE_NAMES;

/// A response code, 0 ..= 4095: four bits in the header, eight more in the OPT record (RFC 6891, section 6.1.3).
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Rcode(u16);

impl Rcode {
    /// No error.
    pub const NOERROR: Rcode = Rcode(0);
    /// The largest code.
    pub const MAX: u16 = 4095;

    /// The code with this number; nothing above [`Rcode::MAX`].
    pub const fn new(code: u16) -> Option<Rcode> {
        if code <= Rcode::MAX { Some(Rcode(code)) } else { None }
    }

    /// The number, 0 ..= 4095.
    pub const fn get(self) -> u16 {
        self.0
    }

    /// The registered name, if there is one.
    pub fn name(self) -> Option<&'static str> {
        RCODE_NAMES.iter().find(|(_, code)| *code == self.0).map(|(name, _)| *name)
    }

    pub(crate) fn parse(token: Token<'_>) -> Result<Self, Flaw> {
        let by_name = RCODE_NAMES.iter().find(|(name, _)| name.eq_ignore_ascii_case(token.text)).map(|(_, code)| *code);
        let code = by_name.or_else(|| number(token.text)).and_then(Rcode::new);
        code.ok_or_else(|| token.flaw(format!("unknown response code {:?}", token.text)))
    }
}

/// The name, or else the number.
impl fmt::Display for Rcode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.name() {
            Some(name) => f.write_str(name),
            None => self.0.fmt(f),
        }
    }
}

/// Digits only: `parse` alone would read a sign as well.
pub(crate) fn number<N: std::str::FromStr>(text: &str) -> Option<N> {
    text.parse().ok().filter(|_| text.bytes().all(|byte| byte.is_ascii_digit()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_code_has_one_spelling_that_reads_back() {
        for code in 0..=Rcode::MAX {
            let rcode = Rcode::new(code).unwrap();
            assert_eq!(Rcode::parse(Token::new(&rcode.to_string())).unwrap(), rcode);
            assert_eq!(Rcode::parse(Token::new(&code.to_string())).unwrap(), rcode);
        }
        assert_eq!(Rcode::new(4096), None);
    }
}
