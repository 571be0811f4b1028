//! The form of a file: its head, its length, its exceptions to lints.

use super::code;
use super::isolation::attributes;
use super::tree::Tree;
use super::{Rule, Violation};

pub(super) const HEAD: Rule = Rule {
    name: "a file says what it is for",
    remedy: "begin it with `//!`: purpose and invariants in two to eight lines",
    check: head,
    caught: &[("src/main.rs", "use std::fmt;\n//! late"), ("src/main.rs", "// x"), ("src/main.rs", "")],
    passed: &[("src/main.rs", "//! The pair in one process.\nfn main() {}"), ("README.md", "# x")],
};

pub(super) const LENGTH: Rule = Rule {
    name: "a file can be read in one sitting",
    remedy: "split it by meaning; a table that only grows in rows goes into LONG",
    check: length,
    caught: &[("src/main.rs", LONG_TEXT)],
    passed: &[("src/main.rs", "//! x"), ("docs/METRICS.md", LONG_TEXT), ("shared/src/proto/generated/a.rs", LONG_TEXT)],
};

pub(super) const REASONS: Rule = Rule {
    name: "an exception has a reason",
    remedy: "write `#[expect(lint, reason = \"...\")]`",
    check: reasons,
    caught: &[
        ("src/main.rs", "#[allow(dead_code)]\nfn f() {}"),
        ("src/main.rs", "#![allow(dead_code)]"),
        ("src/main.rs", "#[cfg_attr(test, expect(\n    dead_code\n))]\nfn f() {}"),
    ],
    passed: &[
        ("src/main.rs", "#[expect(\n    dead_code,\n    reason = \"x\"\n)]\nfn f() { a.expect(\"b\") }"),
        ("shared/src/proto/generated/a.rs", "#[allow(dead_code)]\nfn f() {}"),
        ("src/main.rs", "// #[allow(dead_code)]\nlet a = \"#[allow(dead_code)]\";"),
    ],
};

pub(super) const LINTS: Rule = Rule {
    name: "every package takes the workspace's lints",
    remedy: "add `[lints]` with `workspace = true` to its Cargo.toml",
    check: lints,
    caught: &[("shared/Cargo.toml", "[package]\nname = \"shared\"\n[dependencies]\nrand.workspace = true")],
    passed: &[
        ("shared/Cargo.toml", "[package]\nname = \"shared\"\n\n[lints]\nworkspace = true"),
        ("deny.toml", "[bans]"),
    ],
};

const LINES_MAX: usize = 400;

/// Files that may be longer: (path, why). Each must still need its place here.
const LONG: &[(&str, &str)] = &[];

/// The folder that only a generator writes: its files are as long as the packages of shared/proto and have the
/// generator's own exceptions to lints. What people read and change is shared/proto.
const GENERATED: &str = "shared/src/proto/generated/";

/// One line too many.
const LONG_TEXT: &str = {
    const BYTES: [u8; LINES_MAX + 1] = [b'\n'; LINES_MAX + 1];
    match std::str::from_utf8(&BYTES) {
        Ok(text) => text,
        Err(_) => panic!("line ends are UTF-8"),
    }
};

fn head(_: &Tree, path: &str, text: &str) -> Vec<Violation> {
    let what = text.lines().next().unwrap_or("an empty file").to_owned();
    let good = !path.ends_with(".rs") || text.starts_with("//! ");
    if good { Vec::new() } else { vec![Violation { line: 1, what }] }
}

fn length(_: &Tree, path: &str, text: &str) -> Vec<Violation> {
    let lines = text.lines().count();
    let exempt = path.starts_with(GENERATED) || LONG.iter().any(|(long, _)| *long == path);
    let good = !path.ends_with(".rs") || lines <= LINES_MAX || exempt;
    if good { Vec::new() } else { vec![Violation { line: lines, what: format!("{lines} lines, {LINES_MAX} at most") }] }
}

fn reasons(_: &Tree, path: &str, text: &str) -> Vec<Violation> {
    if !path.ends_with(".rs") || path.starts_with(GENERATED) {
        return Vec::new();
    }
    let bare = attributes(&code::code_of(text)).into_iter().filter(|(_, attribute)| {
        (attribute.contains("allow(") || attribute.contains("expect(")) && !attribute.contains("reason =")
    });
    bare.map(|(line, attribute)| Violation { line, what: format!("#[{attribute}]") }).collect()
}

fn lints(_: &Tree, path: &str, text: &str) -> Vec<Violation> {
    // The fuzz package is not of this workspace.
    let concerned = (path == "Cargo.toml" || path.ends_with("/Cargo.toml")) && !path.contains("/fuzz/");
    if !concerned || text.contains("[lints]\nworkspace = true") {
        return Vec::new();
    }
    vec![Violation { line: 1, what: "no [lints]".to_owned() }]
}

#[test]
fn the_generated_folder_still_needs_its_exemption() {
    let tree = Tree::read();
    let mut generated = tree.files.iter().filter(|(path, _)| path.starts_with(GENERATED));
    assert!(generated.any(|(_, text)| text.lines().count() > LINES_MAX), "nothing in {GENERATED} is long: drop it");
}

#[test]
fn files_listed_as_long_still_are() {
    let tree = Tree::read();
    for (path, why) in LONG {
        let lines = tree.text(path).lines().count();
        assert!(lines > LINES_MAX, "{path} has {lines} lines now: remove it from LONG");
        assert!(!why.is_empty(), "{path}: say why");
    }
}
