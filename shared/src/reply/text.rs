//! The small texts of a reply: words that cannot break its line, and the plan in one word.

use std::fmt::{self, Write as _};

use crate::fault::{Fault, Key, Separator};
use crate::instance::{self, Instance};

/// Names from the environment and keys from the network: what is not plain becomes `_`, and what is too long is cut.
pub(super) struct Plain<'a>(pub(super) &'a str);

impl fmt::Display for Plain<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let plain = |c: char| if u8::try_from(c).is_ok_and(instance::is_plain) { c } else { '_' };
        self.0.chars().take(Instance::LEN_MAX).try_for_each(|c| f.write_char(plain(c)))
    }
}

/// `key:value,key:value`.
pub(super) fn plan(fault: &Fault) -> String {
    let text = fault.to_text(Separator::Space);
    let pairs = text.split(' ').map(|pair| pair.replacen('=', ":", 1));
    pairs.collect::<Vec<_>>().join(",")
}

/// The inverse of [`plan`]. A comma also stands between the choices of a pause between chunks; what follows it there is
/// no key.
pub(super) fn read_plan(text: &str) -> Option<Fault> {
    let mut spec = String::with_capacity(text.len());
    for piece in text.split(',') {
        let pair = piece.split_once(':').filter(|(key, _)| Key::parse(key).is_some());
        match pair {
            Some((key, value)) => {
                spec += if spec.is_empty() { "" } else { " " };
                spec += key;
                spec.push('=');
                spec += value;
            }
            None => {
                spec.push(',');
                spec += piece;
            }
        }
    }
    Fault::parse(&spec, Separator::Space).ok()
}
