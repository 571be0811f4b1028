//! Texts that one word of a rule stands for: exact, with `*`, or a regular expression. Matching allocates nothing, and takes
//! time linear in the text but for the pieces of a glob, which are few.

use regex::{Regex, RegexBuilder};
use regex_syntax::hir::literal::{ExtractKind, Extractor};

/// What a whole text must look like.
#[derive(Clone, Debug)]
pub(super) enum Pattern {
    Exact(String),
    /// What stands between the `*`s, at least two pieces.
    Glob(Vec<String>),
    Regex {
        regex: Regex,
        /// What every text that it matches begins with, and ends with.
        ends: [Vec<u8>; 2],
    },
}

/// What a pattern may look like, in words.
pub(super) const EXPECTED: &str =
    "an exact text, one with * for any run of characters, or re: and a regular expression";

/// Longest pattern.
pub(super) const MAX_BYTES: usize = 512;
/// Largest compiled expression; about what 512 bytes of plain text or a few nested repetitions need.
const REGEX_MAX_BYTES: usize = 256 << 10;
/// Deepest nesting of an expression's groups.
const REGEX_NEST_MAX: u32 = 32;

impl Pattern {
    pub(super) fn parse(text: &str) -> Result<Pattern, String> {
        if text.is_empty() || text.len() > MAX_BYTES {
            return Err(format!("{} bytes, and 1 to {MAX_BYTES} may be", text.len()));
        }
        if let Some(expression) = text.strip_prefix("re:") {
            return regex(expression).map(|regex| Pattern::Regex { ends: ends(expression), regex });
        }
        let pieces: Vec<String> = text.split('*').map(str::to_owned).collect();
        Ok(if pieces.len() > 1 { Pattern::Glob(pieces) } else { Pattern::Exact(text.to_owned()) })
    }

    pub(super) fn matches(&self, text: &str) -> bool {
        match self {
            Pattern::Exact(exact) => exact == text,
            Pattern::Glob(pieces) => glob(pieces, text),
            Pattern::Regex { regex, .. } => regex.is_match(text),
        }
    }

    /// What every text that it matches begins with, and what it ends with; the two may overlap.
    pub(super) fn ends(&self) -> (&[u8], &[u8]) {
        match self {
            Pattern::Exact(exact) => (exact.as_bytes(), exact.as_bytes()),
            Pattern::Glob(pieces) => (pieces[0].as_bytes(), pieces[pieces.len() - 1].as_bytes()),
            Pattern::Regex { ends: [start, end], .. } => (start, end),
        }
    }
}

/// An expression for the whole text, as the other forms are.
fn regex(expression: &str) -> Result<Regex, String> {
    let whole = format!("^(?:{expression})$");
    let built = RegexBuilder::new(&whole).size_limit(REGEX_MAX_BYTES).nest_limit(REGEX_NEST_MAX).build();
    built.map_err(|error| {
        // The crate draws a picture of several lines; the last one says it in words.
        let text = error.to_string();
        let last = text.lines().last().unwrap_or_default();
        format!("{expression:?} is no regular expression: {}", last.trim_start_matches("error: "))
    })
}

/// Most expressions are told from most texts by these, without a run of the expression. Empty where nothing is certain.
fn ends(expression: &str) -> [Vec<u8>; 2] {
    let parsed = regex_syntax::parse(expression);
    [ExtractKind::Prefix, ExtractKind::Suffix].map(|kind| {
        let Ok(hir) = &parsed else { return Vec::new() };
        let texts = Extractor::new().kind(kind.clone()).extract(hir);
        let common = match kind {
            ExtractKind::Suffix => texts.longest_common_suffix(),
            _ => texts.longest_common_prefix(),
        };
        common.map(<[u8]>::to_vec).unwrap_or_default()
    })
}

/// The first and the last piece stand at the ends, the others in between, each as early as it can: a later place could only
/// leave less room for the rest.
fn glob(pieces: &[String], text: &str) -> bool {
    let [first, middle @ .., last] = pieces else { return false };
    let Some(rest) = text.strip_prefix(first.as_str()) else { return false };
    let Some(mut rest) = rest.strip_suffix(last.as_str()) else { return false };
    for piece in middle {
        let Some(at) = rest.find(piece.as_str()) else { return false };
        rest = &rest[at + piece.len()..];
    }
    true
}

/// A host: one name, or all names under a suffix. Letter case, a port and a final dot do not matter.
#[derive(Clone, Debug)]
pub(super) enum Host {
    Exact(String),
    /// With its leading dot.
    Under(String),
}

impl Host {
    pub(super) fn parse(text: &str) -> Result<Host, String> {
        let (name, is_suffix) = match text.strip_prefix("*.") {
            Some(name) => (name, true),
            None => (text, false),
        };
        let plain = |byte: u8| byte.is_ascii_alphanumeric() || b"-._:[]".contains(&byte);
        if name.is_empty() || name.len() > 255 || !name.bytes().all(plain) || bare(name) != name {
            return Err(format!("{text:?} is no host"));
        }
        let name = name.to_ascii_lowercase();
        Ok(if is_suffix { Host::Under(format!(".{name}")) } else { Host::Exact(name) })
    }

    /// What every host that it matches ends with, in lower case.
    pub(super) fn end(&self) -> &str {
        match self {
            Host::Exact(text) | Host::Under(text) => text,
        }
    }

    pub(super) fn matches(&self, host: &str) -> bool {
        let host = bare(host);
        match self {
            Host::Exact(name) => name.eq_ignore_ascii_case(host),
            Host::Under(suffix) => {
                let start = host.len().checked_sub(suffix.len()).filter(|start| *start > 0);
                start.and_then(|start| host.get(start..)).is_some_and(|end| end.eq_ignore_ascii_case(suffix))
            }
        }
    }
}

/// The host without port and final dot; an IPv6 address keeps its brackets.
pub(super) fn bare(host: &str) -> &str {
    let name = match host.rsplit_once(':') {
        Some((name, port)) if port.bytes().all(|byte| byte.is_ascii_digit()) && !is_cut_address(name) => name,
        _ => host,
    };
    name.strip_suffix('.').unwrap_or(name)
}

/// Whether a colon behind this belongs to an address in brackets.
fn is_cut_address(name: &str) -> bool {
    name.starts_with('[') && !name.ends_with(']')
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn patterns_stand_for_whole_texts() {
        for (pattern, text, matches) in [
            ("/api/info", "/api/info", true),
            ("/api/info", "/api/info/", false),
            ("/api/info", "/API/info", false),
            ("*", "", true),
            ("*", "/anything/at all", true),
            ("/status/*", "/status/503", true),
            ("/status/*", "/status/", true),
            ("/status/*", "/status", false),
            ("/a/*/c", "/a/b/b/c", true),
            ("/a/*/c", "/a/c", false),
            ("*.css", "/x/y.css", true),
            ("/a*a", "/a", false),
            ("/a*b*c*d", "/a-b-c-c-d", true),
            ("/a*b*c*d", "/a-c-b-d", false),
            ("**", "x", true),
            ("re:/v[0-9]+/.*", "/v12/x", true),
            ("re:/v[0-9]+/.*", "x/v12/x", false),
            ("re:a|b", "b", true),
            ("re:a|b", "ab", false),
            (r"re:/\w+", "/größe", true),
        ] {
            assert_eq!(Pattern::parse(pattern).unwrap().matches(text), matches, "{pattern} {text}");
        }
    }

    #[test]
    fn expressions_that_are_none_or_too_large_are_refused_in_one_line() {
        for (pattern, reason) in [
            ("re:(", "\"(\" is no regular expression: unclosed group"),
            ("re:(?:(?:a{100}){100}){100}", "exceeds size limit"),
            ("", "0 bytes"),
        ] {
            let error = Pattern::parse(pattern).unwrap_err();
            assert!(error.contains(reason) && !error.contains('\n'), "{pattern}: {error}");
        }
        assert!(Pattern::parse(&"x".repeat(MAX_BYTES + 1)).is_err());
    }

    #[test]
    fn hosts_match_without_case_port_and_final_dot() {
        for (pattern, host, matches) in [
            ("shop.example", "Shop.Example:8080", true),
            ("shop.example", "shop.example.", true),
            ("shop.example", "a.shop.example", false),
            ("*.shop.example", "a.b.SHOP.example:80", true),
            ("*.shop.example", "shop.example", false),
            ("*.shop.example", ".shop.example", false),
            ("*.shop.example", "a.workshop.example", false),
            ("[::1]", "[::1]:9898", true),
            ("[::1]", "[::1]", true),
            ("127.0.0.1", "127.0.0.1:9898", true),
            ("*.ä", "", false),
        ] {
            assert_eq!(Host::parse(pattern).is_ok_and(|parsed| parsed.matches(host)), matches, "{pattern} {host}");
        }
        for bad in ["", "*.", "*", "a b", "shop.example:80", "shop.example.", "ä.example"] {
            assert!(Host::parse(bad).is_err(), "{bad}");
        }
        assert!(!Host::parse("*.example").unwrap().matches("ä€.example€"), "no cut inside a character");
    }

    proptest! {
        #[test]
        fn a_glob_is_the_expression_with_dots(pieces in proptest::collection::vec("[ab]{0,2}", 2..5), text in "[ab]{0,8}") {
            let pattern = pieces.join("*");
            let same = regex(&pieces.join(".*")).unwrap();
            prop_assert_eq!(Pattern::parse(&pattern).unwrap().matches(&text), same.is_match(&text), "{} {}", pattern, text);
        }

        #[test]
        fn what_matches_has_the_ends(pattern in "(re:)?[ab*|()?^$]{0,8}", text in "[ab]{0,6}") {
            if let Ok(pattern) = Pattern::parse(&pattern) && pattern.matches(&text) {
                let (start, end) = pattern.ends();
                prop_assert!(text.as_bytes().starts_with(start) && text.as_bytes().ends_with(end), "{pattern:?}");
            }
        }

        #[test]
        fn any_text_is_a_pattern_or_an_error(pattern in ".{0,20}", text in ".{0,20}") {
            for pattern in [pattern.clone(), format!("re:{pattern}")] {
                let _ = Pattern::parse(&pattern).map(|pattern| pattern.matches(&text));
            }
            let _ = Host::parse(&pattern).map(|host| host.matches(&text));
        }
    }
}
