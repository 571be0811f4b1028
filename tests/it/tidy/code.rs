//! Just enough of Rust's grammar to tell code from comments, strings and tests, and to spell out its paths.
//!
//! Masking replaces what it removes by blanks, one for one, so that line numbers and offsets stay those of the file.

use std::ops::Range;

/// A path as written in code, `use` groups taken apart: `std::{fs, net::*}` gives `std::fs` and `std::net::*`.
pub(super) struct NamedPath {
    pub(super) line: usize,
    pub(super) segments: Vec<String>,
    /// The name it goes by in the rest of the file, if a `use` brings it in.
    pub(super) alias: Option<String>,
}

/// The text without comments and without the insides of strings and characters.
pub(super) fn code_of(text: &str) -> String {
    mask(text, false)
}

/// The text without comments; strings stay.
pub(super) fn without_comments(text: &str) -> String {
    mask(text, true)
}

/// Whether a whole file is test code.
pub(super) fn is_test_file(path: &str) -> bool {
    let outside = ["tests/", "benches/"];
    outside.iter().any(|folder| path.starts_with(folder) || path.contains(&format!("/{folder}")))
        || path.ends_with("/tests.rs")
        || path.contains("/fuzz/")
}

/// Code that ships: no comments, no strings, no item under `#[cfg(test)]`.
pub(super) fn shipped_code(text: &str) -> String {
    let code = code_of(text);
    let ranges = test_items(&code);
    keep(&code, |offset| !ranges.iter().any(|range| range.contains(&offset)))
}

/// Test code without comments: the whole file, or its items under `#[cfg(test)]`. Strings stay.
pub(super) fn test_code(path: &str, text: &str) -> String {
    if is_test_file(path) {
        return without_comments(text);
    }
    let ranges = test_items(&code_of(text));
    keep(&without_comments(text), |offset| ranges.iter().any(|range| range.contains(&offset)))
}

fn keep(text: &str, wanted: impl Fn(usize) -> bool) -> String {
    text.chars().enumerate().map(|(offset, c)| if c == '\n' || wanted(offset) { c } else { ' ' }).collect()
}

fn mask(text: &str, strings_stay: bool) -> String {
    let chars: Vec<char> = text.chars().collect();
    let mut out = String::with_capacity(text.len());
    let mut at = 0;
    while at < chars.len() {
        let (end, stays) = match literal_or_comment(&chars, at) {
            Some((end, is_comment)) => (end, strings_stay && !is_comment),
            None => (at + 1, true),
        };
        out.extend(chars[at..end].iter().map(|c| if stays || *c == '\n' { *c } else { ' ' }));
        at = end;
    }
    out
}

/// The end of the comment, string or character that begins here, and whether it is a comment.
fn literal_or_comment(chars: &[char], at: usize) -> Option<(usize, bool)> {
    let ahead = |n: usize| chars.get(at + n).copied().unwrap_or('\0');
    let in_word = at > 0 && (chars[at - 1].is_alphanumeric() || chars[at - 1] == '_');
    match chars[at] {
        '/' if ahead(1) == '/' => Some((position(chars, at, |c| c == '\n'), true)),
        '/' if ahead(1) == '*' => Some((block_comment_end(chars, at), true)),
        'r' if !in_word && matches!(ahead(1), '"' | '#') => Some((raw_string_end(chars, at + 1)?, false)),
        'b' | 'c' if !in_word && ahead(1) == 'r' && matches!(ahead(2), '"' | '#') => {
            Some((raw_string_end(chars, at + 2)?, false))
        }
        '"' => Some((quoted_end(chars, at, '"'), false)),
        // Anything else after a quote is a lifetime.
        '\'' if ahead(1) == '\\' || ahead(2) == '\'' => Some((quoted_end(chars, at, '\''), false)),
        _ => None,
    }
}

fn position(chars: &[char], from: usize, wanted: impl Fn(char) -> bool) -> usize {
    chars[from..].iter().position(|c| wanted(*c)).map_or(chars.len(), |n| from + n)
}

fn block_comment_end(chars: &[char], at: usize) -> usize {
    let (mut at, mut depth) = (at + 2, 1);
    while at < chars.len() && depth > 0 {
        match (chars[at], chars.get(at + 1)) {
            ('/', Some('*')) => (at, depth) = (at + 2, depth + 1),
            ('*', Some('/')) => (at, depth) = (at + 2, depth - 1),
            _ => at += 1,
        }
    }
    at
}

/// `from` points behind the `r`; `None` for a raw identifier.
fn raw_string_end(chars: &[char], from: usize) -> Option<usize> {
    let open = position(chars, from, |c| c != '#');
    if chars.get(open) != Some(&'"') {
        return None;
    }
    let hashes = open - from;
    let closes = |at: &usize| chars[*at] == '"' && chars[at + 1..].iter().take_while(|c| **c == '#').count() >= hashes;
    Some((open + 1..chars.len()).find(closes).map_or(chars.len(), |at| at + 1 + hashes))
}

fn quoted_end(chars: &[char], at: usize, quote: char) -> usize {
    let mut at = at + 1;
    while at < chars.len() && chars[at] != quote {
        at += if chars[at] == '\\' { 2 } else { 1 };
    }
    (at + 1).min(chars.len())
}

/// Where the items under `#[cfg(test)]` lie, in masked code.
fn test_items(code: &str) -> Vec<Range<usize>> {
    const MARK: &str = "#[cfg(test)]";
    let chars: Vec<char> = code.chars().collect();
    let mark: Vec<char> = MARK.chars().collect();
    let mut ranges: Vec<Range<usize>> = Vec::new();
    let mut at = 0;
    while at + mark.len() <= chars.len() {
        if chars[at..].starts_with(&mark) {
            let end = item_end(&chars, at + mark.len());
            ranges.push(at..end);
            at = end;
        } else {
            at += 1;
        }
    }
    ranges
}

/// The end of an item: its `;`, or the brace that closes its body.
fn item_end(chars: &[char], from: usize) -> usize {
    let mut depth = 0_i32;
    for (at, c) in chars.iter().enumerate().skip(from) {
        match c {
            '{' | '(' | '[' => depth += 1,
            ')' | ']' => depth -= 1,
            '}' if depth <= 1 => return at + 1,
            '}' => depth -= 1,
            ';' if depth == 0 => return at + 1,
            _ => {}
        }
    }
    chars.len()
}

/// Every path of two or more segments, and every single name in a `use`.
pub(super) fn paths(code: &str) -> Vec<NamedPath> {
    let tokens = tokens(code);
    let mut found = Vec::new();
    let mut at = 0;
    while at < tokens.len() {
        let continues = at > 0 && tokens[at - 1].1 == "::" && at > 1 && is_path_end(&tokens[at - 2].1);
        at = match tokens[at].1.as_str() {
            "use" => path(&tokens, at + 1, &[], true, &mut found),
            word if is_word(word) && !continues => path(&tokens, at, &[], false, &mut found),
            _ => at + 1,
        }
        .max(at + 1);
    }
    found
}

/// Reads one path, or a group of them, and returns where it ended.
fn path(tokens: &[Token], from: usize, prefix: &[String], in_use: bool, found: &mut Vec<NamedPath>) -> usize {
    let mut segments = prefix.to_vec();
    let mut at = from;
    let mut line = 0;
    while let Some((token_line, token)) = tokens.get(at) {
        match token.as_str() {
            "::" => {}
            "{" => {
                at += 1;
                while tokens.get(at).is_some_and(|(_, token)| token != "}") {
                    let next = if tokens[at].1 == "," { at } else { path(tokens, at, &segments, in_use, found) };
                    at = next.max(at + 1);
                }
                return at + 1;
            }
            word if is_word(word) || word == "*" => {
                line = *token_line;
                // `{self}` names the path before it.
                if word != "self" || segments.is_empty() {
                    segments.push(word.to_owned());
                }
                if tokens.get(at + 1).is_none_or(|(_, token)| token != "::") {
                    at += 1;
                    break;
                }
            }
            // A turbofish: what was read so far is the path.
            _ => break,
        }
        at += 1;
    }
    let renamed = tokens.get(at).filter(|(_, token)| in_use && token == "as").and_then(|_| tokens.get(at + 1));
    if segments.len() >= 2 || in_use && !segments.is_empty() {
        let last = renamed.map(|(_, token)| token).or(segments.last());
        let alias = last.filter(|_| in_use).cloned();
        found.push(NamedPath { line, segments, alias });
    }
    if renamed.is_some() { at + 2 } else { at }
}

/// (line, text): words, `::`, and single characters.
type Token = (usize, String);

fn tokens(code: &str) -> Vec<Token> {
    let mut tokens: Vec<Token> = Vec::new();
    let mut line = 1;
    let mut word_goes_on = false;
    for c in code.chars() {
        let in_word = c.is_alphanumeric() || c == '_';
        match tokens.last_mut() {
            Some((_, last)) if in_word && word_goes_on => last.push(c),
            Some((_, last)) if c == ':' && last == ":" && !word_goes_on => last.push(c),
            _ if c.is_whitespace() => {}
            _ => tokens.push((line, c.to_string())),
        }
        line += usize::from(c == '\n');
        word_goes_on = in_word;
    }
    tokens
}

fn is_word(token: &str) -> bool {
    token.starts_with(|c: char| c.is_alphabetic() || c == '_')
}

fn is_path_end(token: &str) -> bool {
    is_word(token) || token == ">" || token == "]"
}

mod tests;
