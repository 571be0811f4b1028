//! As much of PromQL's grammar as is needed to tell what an expression is about: series, their selectors, windows, variables.

/// A series that an expression selects.
#[derive(Debug, PartialEq)]
pub(super) struct Selected<'a> {
    pub(super) name: &'a str,
    /// What stands between the braces.
    pub(super) selector: &'a str,
    /// What stands between the brackets.
    pub(super) window: Option<&'a str>,
    /// The function around it, such as `rate`; empty for an operator or an aggregation with a clause between.
    pub(super) function: &'a str,
}

/// Words behind which a list of labels follows.
const CLAUSES: [&str; 6] = ["by", "without", "on", "ignoring", "group_left", "group_right"];
const OPERATORS: [&str; 5] = ["and", "or", "unless", "bool", "offset"];

/// The series in an expression, in their order.
pub(super) fn selected(expression: &str) -> Vec<Selected<'_>> {
    let mut found = Vec::new();
    let mut function = "";
    let mut rest = expression;
    while let Some(first) = rest.chars().next() {
        if first == '"' {
            rest = after(&rest[1..], '"').1;
        } else if first == '$' || first.is_ascii_digit() || first == '.' {
            let end = rest[1..].find(|c: char| !is_of_name(c)).map_or(rest.len(), |end| end + 1);
            rest = &rest[end..];
        } else if is_of_name(first) {
            let end = rest.find(|c: char| !is_of_name(c)).unwrap_or(rest.len());
            let (name, behind) = rest.split_at(end);
            rest = behind;
            let next = behind.trim_start();
            if CLAUSES.contains(&name) {
                rest = after(next, ')').1;
            } else if let Some(inside) = next.strip_prefix('(') {
                (function, rest) = (name, inside);
            } else if !OPERATORS.contains(&name) && !aggregates(next) {
                let selector;
                (selector, rest) = rest.strip_prefix('{').map_or(("", rest), braces);
                let window;
                (window, rest) = match rest.strip_prefix('[').map(|rest| after(rest, ']')) {
                    Some((window, rest)) => (Some(window), rest),
                    None => (None, rest),
                };
                found.push(Selected { name, selector, window, function });
                function = "";
            }
        } else {
            // Whatever stands between a function and its series is no argument of that function alone.
            if !first.is_whitespace() {
                function = "";
            }
            rest = &rest[first.len_utf8()..];
        }
    }
    found
}

/// The variables that a text uses, in Grafana's two ways of writing them.
pub(super) fn variables(text: &str) -> Vec<&str> {
    let mut found = Vec::new();
    for (at, _) in text.match_indices('$') {
        let name = text[at + 1..].trim_start_matches('{');
        found.push(&name[..name.find(|c: char| !is_of_name(c)).unwrap_or(name.len())]);
    }
    found
}

/// Whether the word before is an aggregation whose labels come first.
fn aggregates(next: &str) -> bool {
    ["by (", "without ("].iter().any(|clause| next.starts_with(clause))
}

fn is_of_name(c: char) -> bool {
    c.is_ascii_alphanumeric() || c == '_' || c == ':'
}

fn after(text: &str, end: char) -> (&str, &str) {
    text.split_once(end).unwrap_or((text, ""))
}

/// Up to the brace that is in no string.
fn braces(text: &str) -> (&str, &str) {
    let mut in_string = false;
    for (at, c) in text.char_indices() {
        match c {
            '"' => in_string = !in_string,
            '}' if !in_string => return (&text[..at], &text[at + 1..]),
            _ => {}
        }
    }
    (text, "")
}

#[test]
fn an_expression_is_taken_apart() {
    let text = r#"sum by (le, x) (rate(a_total{b=~"$c}",d="e"}[$w])) / on (f) group_left (g) (h > 0) or vector(1) - k[5m] * $s"#;
    let one = |name, selector, window, function| Selected { name, selector, window, function };
    let wanted =
        [one("a_total", r#"b=~"$c}",d="e""#, Some("$w"), "rate"), one("h", "", None, ""), one("k", "", Some("5m"), "")];
    assert_eq!(selected(text), wanted);
    assert_eq!(variables(text), ["c", "w", "s"]);
    assert_eq!(variables("a ${b} $c"), ["b", "c"]);
    assert_eq!(selected("max_over_time(a[$__range])")[0].function, "max_over_time");
}
