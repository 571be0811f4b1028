//! Percent escapes, decoded the forgiving way, with a way back from decoded to raw positions.

use std::borrow::Cow;
use std::fmt;

/// What `+` means while decoding.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Plus {
    /// Itself: in keys, numbers, `clen(+5)`.
    Plus,
    /// A space, as HTML forms and `--data-urlencode` write it: in free text.
    Space,
}

/// Decodes `%XX`. A `%` without two hex digits stays as it is, so that `at=50%` works typed by hand. The error is the
/// raw offset at which the decoded bytes stop being UTF-8.
pub(crate) fn decode(raw: &str, plus: Plus) -> Result<Cow<'_, str>, usize> {
    let needed = |byte: u8| byte == b'%' || (byte == b'+' && plus == Plus::Space);
    if !raw.bytes().any(needed) {
        return Ok(Cow::Borrowed(raw));
    }
    let bytes: Vec<u8> = steps(raw, plus).map(|(_, byte)| byte).collect();
    String::from_utf8(bytes).map(Cow::Owned).map_err(|error| raw_offset(raw, error.utf8_error().valid_up_to()))
}

/// The raw offset of the byte that decodes to offset `decoded`; the raw length for the end.
pub(crate) fn raw_offset(raw: &str, decoded: usize) -> usize {
    steps(raw, Plus::Plus).nth(decoded).map_or(raw.len(), |(at, _)| at)
}

/// Decoded bytes, each with the raw offset it came from.
fn steps(raw: &str, plus: Plus) -> impl Iterator<Item = (usize, u8)> {
    let bytes = raw.as_bytes();
    let hex = |at: usize| bytes.get(at).and_then(|&byte| char::from(byte).to_digit(16));
    let mut next = 0;
    std::iter::from_fn(move || {
        let at = next;
        let byte = *bytes.get(at)?;
        next += 1;
        match (byte, hex(at + 1), hex(at + 2)) {
            (b'%', Some(high), Some(low)) => {
                next += 2;
                Some((at, u8::try_from(high * 16 + low).expect("two hex digits")))
            }
            (b'+', ..) if plus == Plus::Space => Some((at, b' ')),
            _ => Some((at, byte)),
        }
    })
}

/// Free text with everything escaped that is not plain in every carrier: separators, `%`, `+`, spaces, quotes, non-ASCII.
pub(crate) struct Escaped<'a>(pub(crate) &'a str);

impl fmt::Display for Escaped<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for &byte in self.0.as_bytes() {
            if byte.is_ascii_alphanumeric() || b"-._~!$'()*,:=/?@".contains(&byte) {
                write!(f, "{}", char::from(byte))?;
            } else {
                write!(f, "%{byte:02X}")?;
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn decodes_leniently() {
        for (raw, plus, decoded) in [
            ("abc", Plus::Plus, "abc"),
            ("50%", Plus::Plus, "50%"),
            ("50%25", Plus::Plus, "50%"),
            ("%zz%2", Plus::Plus, "%zz%2"),
            ("a%20b+c", Plus::Plus, "a b+c"),
            ("a%20b+c", Plus::Space, "a b c"),
            ("%c3%A4", Plus::Plus, "ä"),
        ] {
            assert_eq!(decode(raw, plus).as_deref(), Ok(decoded), "{raw}");
        }
        assert_eq!(decode("ab%ffcd", Plus::Plus), Err(2));
        assert_eq!(decode("%41%c3%41", Plus::Plus), Err(3));
    }

    proptest! {
        #[test]
        fn escaped_decodes_to_itself(text in ".{0,40}") {
            let escaped = Escaped(&text).to_string();
            for plus in [Plus::Plus, Plus::Space] {
                prop_assert_eq!(decode(&escaped, plus).unwrap(), text.as_str());
            }
        }

        #[test]
        fn any_text_decodes_or_names_a_place(raw in ".{0,40}") {
            if let Err(at) = decode(&raw, Plus::Space) {
                prop_assert!(at < raw.len());
            }
        }
    }
}
