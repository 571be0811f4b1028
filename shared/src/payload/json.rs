//! One valid JSON document of exactly the size asked for, whatever the size.

use super::block;

const HEAD: &[u8] = b"{\"data\":\"";
const TAIL: &[u8] = b"\"}";
/// Below the smallest object the document is a number: ones, as many as asked for.
const DIGITS: &[u8] = b"11111111111";

/// The bytes from `at` on, in one piece as far as they go. The caller has made sure that `at` is inside.
pub(super) fn run(size_bytes: u64, at: u64) -> &'static [u8] {
    let (head, tail) = (HEAD.len() as u64, TAIL.len() as u64);
    if size_bytes < head + tail {
        return from(&DIGITS[..index(size_bytes)], at);
    }
    let letters_end = size_bytes - tail;
    if at < head {
        return from(HEAD, at);
    }
    if letters_end <= at {
        return from(TAIL, at - letters_end);
    }
    let letters = block::seq();
    let run = from(letters, (at - head) % letters.len() as u64);
    &run[..run.len().min(index(letters_end - at))]
}

fn from(bytes: &'static [u8], at: u64) -> &'static [u8] {
    &bytes[index(at).min(bytes.len())..]
}

/// A length that need not fit in memory, as an index into something that does.
fn index(at: u64) -> usize {
    usize::try_from(at).unwrap_or(usize::MAX)
}
