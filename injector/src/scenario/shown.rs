//! A scenario's text for a result that is kept and passed around: without secrets, and not too long.
//!
//! What looks like one goes, with whatever stands behind it in its line and, if the value is a block, below it. That is too
//! much rather than too little. What a variable holds is not in the text: `${NAME}` stands there as it was written.

/// Longest text.
const BYTES_MAX: usize = 32 << 10;
/// Keys and headers with one of these in their name.
const SECRETS: [&str; 11] = [
    "authorization",
    "cookie",
    "token",
    "secret",
    "password",
    "passwd",
    "passphrase",
    "credential",
    "api-key",
    "api_key",
    "apikey",
];
/// What stands for it.
const HIDDEN: &str = "(not shown)";

/// The text as it may be shown.
pub(crate) fn shown(text: &str) -> String {
    let mut shown = String::new();
    // Of a key whose value may go on below.
    let mut hidden: Option<usize> = None;
    for line in text.lines() {
        let indent = line.len() - line.trim_start().len();
        if hidden.is_some_and(|of| indent > of || line.trim().is_empty()) {
            continue;
        }
        hidden = None;
        let line = match secret(line) {
            Some(begin) => {
                hidden = Some(indent);
                format!("{} {HIDDEN}", &line[..begin])
            }
            None => without_users(line),
        };
        if shown.len() + line.len() >= BYTES_MAX {
            shown.push_str("# ... the rest is left out\n");
            break;
        }
        shown.push_str(&line);
        shown.push('\n');
    }
    shown
}

/// Behind the colon or the `=` of the first name in a line that sounds like a secret.
fn secret(line: &str) -> Option<usize> {
    // Of the same length: only ASCII changes.
    let lower = line.to_ascii_lowercase();
    let found = SECRETS.iter().flat_map(|word| lower.match_indices(word).map(|(at, word)| at + word.len()));
    let is_name = |c: char| c.is_ascii_alphanumeric() || "-_\"' ".contains(c);
    let begin = found.filter_map(|end| {
        let rest = lower[end..].trim_start_matches(is_name);
        let sign = rest.chars().next().filter(|c| ":=".contains(*c))?;
        Some(line.len() - rest.len() + sign.len_utf8())
    });
    begin.min()
}

/// `https://user:password@host` without what stands before the `@`.
fn without_users(line: &str) -> String {
    let mut shown = String::new();
    let mut rest = line;
    while let Some((before, after)) = rest.split_once("://") {
        shown.push_str(before);
        shown.push_str("://");
        let host = after.find(|c: char| c.is_whitespace() || "/?#\"'".contains(c)).unwrap_or(after.len());
        let user = after[..host].rfind('@');
        shown.push_str(if user.is_some() { HIDDEN } else { "" });
        rest = &after[user.unwrap_or(0)..];
    }
    shown.push_str(rest);
    shown
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn secrets_are_not_shown() {
        for (text, expected) in [
            ("rate: 10/s", "rate: 10/s"),
            ("  authorization: Bearer abc", "  authorization: (not shown)"),
            ("  X-Api-Key-2: abc # x", "  X-Api-Key-2: (not shown)"),
            ("http: { headers: { Cookie: a=b }, path: / }", "http: { headers: { Cookie: (not shown)"),
            ("\"set-cookie\" : \"abc\",", "\"set-cookie\" : (not shown)"),
            ("path: /?a=1&access_token=abc", "path: /?a=1&access_token= (not shown)"),
            ("authorization: |\n  Bearer\n  abc\nnext: 1", "authorization: (not shown)\nnext: 1"),
            ("- password: >-\n\n    abc\n  other: 1\n- x: 1", "- password: (not shown)\n- x: 1"),
            ("# tokens are cheap", "# tokens are cheap"),
            ("target: http://me:abc@host:1/x and ftp://host/", "target: http://(not shown)@host:1/x and ftp://host/"),
            ("é: ü authorization: ß", "é: ü authorization: (not shown)"),
        ] {
            assert_eq!(shown(text).trim_end(), expected, "{text}");
        }
    }

    #[test]
    fn a_long_one_is_cut_between_lines() {
        let text = shown(&"name: web\n".repeat(10_000));
        assert!(text.len() <= BYTES_MAX + 40 && text.ends_with("web\n# ... the rest is left out\n"), "{}", text.len());
    }
}
