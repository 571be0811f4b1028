//! The code that ships, as text: what no value at run time knows, such as comments, and lists that no type keeps whole.

use std::fs;
use std::path::{Path, PathBuf};

/// (path from the root, text) of each file below a folder that is no test, without the tests at its end.
pub(super) fn files(folder: &str) -> Vec<(String, String)> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let mut found = Vec::new();
    walk(&root.join(folder), &mut found);
    found.sort();
    let shipped = found.iter().filter(|path| path.extension().is_some_and(|ending| ending == "rs"));
    let shipped = shipped.filter(|path| !path.components().any(|part| part.as_os_str() == "tests"));
    let shipped = shipped.filter(|path| path.file_stem().is_some_and(|name| name != "tests" && name != "fixture"));
    let read = |path: &PathBuf| {
        let text = fs::read_to_string(path).unwrap();
        let text = text.split("\n#[cfg(test)]\nmod tests {").next().unwrap().to_owned();
        (path.strip_prefix(root).unwrap().to_str().unwrap().to_owned(), text)
    };
    shipped.map(read).collect()
}

/// One file.
pub(super) fn file(path: &str) -> String {
    fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join(path)).unwrap()
}

/// (name, its comment) of each variant of an enum.
pub(super) fn variants(text: &str, name: &str) -> Vec<(String, String)> {
    let body = text.split(&format!("pub enum {name} {{\n")).nth(1).unwrap_or_else(|| panic!("no enum {name}"));
    let body = body.split("\n}").next().unwrap();
    let mut comment = String::new();
    let mut found = Vec::new();
    for line in body.lines().map(str::trim) {
        if let Some(words) = line.strip_prefix("///") {
            comment.push_str(words);
        } else if !line.is_empty() && !line.starts_with("//") && !line.starts_with("#[") {
            let name = line.split(|c: char| !c.is_alphanumeric()).next().unwrap();
            found.push((name.to_owned(), std::mem::take(&mut comment).trim().to_owned()));
        }
    }
    found
}

/// The literal that a text begins with, after white space: what stands between its quotes, lines that are continued put
/// together, and what comes after it.
pub(super) fn literal(text: &str) -> Option<(String, &str)> {
    let inside = text.trim_start().strip_prefix('"')?;
    // None of those that are asked for has a quote in it.
    let (words, rest) = inside.split_once('"')?;
    let mut lines = words.split("\\\n");
    let first = lines.next().unwrap_or_default().to_owned();
    Some((lines.fold(first, |words, line| words + line.trim_start()), rest))
}

fn walk(folder: &Path, found: &mut Vec<PathBuf>) {
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() { walk(&path, found) } else { found.push(path) }
    }
}

#[test]
fn variants_have_their_comments() {
    let text =
        "pub enum Some {\n    /// The first\n    /// one.\n    First,\n    #[x]\n    /// Next.\n    Second(u8),\n}\n";
    let expected = [("First", "The first one."), ("Second", "Next.")];
    let found = variants(text, "Some");
    assert!(found.iter().map(|(a, b)| (a.as_str(), b.as_str())).eq(expected), "{found:?}");
}

#[test]
fn literals_are_read_over_lines() {
    assert_eq!(literal("  \"a b\", c"), Some(("a b".to_owned(), ", c")));
    assert_eq!(literal("\n\"a \\\n      b\");"), Some(("a b".to_owned(), ");")));
    assert_eq!(literal("name"), None);
}
