//! The manual of the fault language as the page shows it: parts of `docs/faults.md`, which is the one place where keys and kinds
//! are explained, and which tests hold to the code.

use std::fmt::Write as _;

use shared::fault::Key;

use super::markup;

const MANUAL: &str = include_str!("../../../docs/faults.md");

/// The sections that say what may be written. The others are about carriers and errors, which the page shows by itself, or for
/// operators.
const SECTIONS: [&str; 3] = ["Values", "Keys", "Kinds of fault"];

/// Read once.
pub(super) struct Manual {
    html: String,
    /// By the key's place among all: what the page's table says of it, as Markdown.
    meanings: Vec<&'static str>,
}

impl Manual {
    pub(super) fn read() -> Manual {
        let mut html = String::new();
        for title in SECTIONS {
            let body = markup::block(title, section(title));
            let _ = writeln!(html, "<details><summary><h3>{title}</h3></summary>\n{body}</details>");
        }
        Manual { html, meanings: Key::all().map(meaning).collect() }
    }

    /// All sections, each to be unfolded.
    pub(super) fn html(&self) -> &str {
        &self.html
    }

    /// What a key means, as Markdown of one line.
    pub(super) fn meaning(&self, key: Key) -> &'static str {
        self.meanings.get(key as usize).copied().unwrap_or_default()
    }
}

fn section(title: &str) -> &'static str {
    let rest = MANUAL.split_once(&format!("\n## {title}\n")).map_or("", |(_, rest)| rest);
    rest.split("\n## ").next().unwrap_or_default()
}

/// The last cell of the key's row; a row may be about several keys.
fn meaning(key: Key) -> &'static str {
    let name = format!("`{}`", key.as_str());
    let rows = section("Keys").lines().filter(|line| line.starts_with("| `")).map(markup::cells);
    let row = rows.into_iter().find(|row| row.first().is_some_and(|keys| keys.split(' ').any(|one| one == name)));
    row.and_then(|row| row.last().copied()).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use shared::fault::FaultKind;

    use super::*;

    #[test]
    fn every_section_key_and_kind_is_there() {
        let manual = Manual::read();
        for title in SECTIONS {
            assert!(section(title).len() > 100, "{title}");
        }
        for key in Key::all() {
            assert!(manual.meaning(key).len() > 5, "{}", key.as_str());
        }
        for kind in FaultKind::examples() {
            let word = kind.as_str();
            assert!(manual.html().contains(&format!("<code>{word}")), "{word}");
        }
        assert_eq!(manual.meaning(Key::Delay), "before the first byte of the answer");
        assert!(!manual.html().contains("](") && !manual.html().contains("```"));
        assert!(!manual.html().contains("127.0.0.1"), "commands are composed, not copied");
    }
}
