//! What the manuals point at exists: files, headings, make targets, scripts.

use std::path::{Component, Path, PathBuf};

use super::tree::Tree;
use super::{Rule, Violation};

pub(super) const LINKS: Rule = Rule {
    name: "links lead somewhere",
    remedy: "name a file of this repository, relative to the document, and a heading that it has",
    check: links,
    caught: &[
        ("README.md", "see [x](docs/NO-SUCH-FILE.md)"),
        ("docs/A.md", "see [x](README.md)"),
        ("docs/A.md", "see [x](../../etc/passwd)"),
        ("README.md", "see [x](CHANGELOG.md#no-such-heading)"),
        ("README.md", "see [x](#no-such-heading)"),
        ("README.md", "see\n\n[x]: docs/NO-SUCH-FILE.md"),
    ],
    passed: &[
        (
            "docs/A.md",
            "see [x](../CHANGELOG.md#unreleased \"title\") and [y](https://example.org/z) and [z](mailto:a@example.org)",
        ),
        ("README.md", "# One `heading`, two\nsee [x](#one-heading-two)"),
        ("README.md", "```\n[x](nowhere)\n```\nand `[x](nowhere)`"),
    ],
};

pub(super) const COMMANDS: Rule = Rule {
    name: "documented commands exist",
    remedy: "a target of the Makefile, a file in scripts/",
    check: commands,
    caught: &[
        ("README.md", "run `make no-such-target`"),
        ("README.md", "```sh\n$ make build no-such-target  # x\n```"),
        ("README.md", "```sh\nCI=true make no-such-target\n```"),
        ("docs/A.md", "run `scripts/no-such-script --list`"),
        ("Makefile", "x:\n\tscripts/no-such-script"),
    ],
    passed: &[
        ("README.md", "make no-such-target of it; run `make build` or `make -j2 build X=y`"),
        ("README.md", "```sh\nmake test && scripts/tools --list  # makes no-such-target\n```\nmake sure"),
    ],
};

fn links(tree: &Tree, path: &str, text: &str) -> Vec<Violation> {
    if !path.ends_with(".md") {
        return Vec::new();
    }
    let prose = prose(text);
    let mut found = Vec::new();
    for (n, line) in prose.lines().enumerate() {
        let inline = line.match_indices("](").map(|(at, open)| line[at + open.len()..].split(')').next().unwrap_or(""));
        let reference = line.starts_with('[').then(|| line.split_once("]: ").map(|(_, target)| target)).flatten();
        for link in inline.chain(reference) {
            let target = link.split_whitespace().next().unwrap_or("");
            let elsewhere = target.contains("://") || target.starts_with("mailto:");
            if !elsewhere && !leads_somewhere(tree, path, text, target) {
                found.push(Violation { line: n + 1, what: target.to_owned() });
            }
        }
    }
    found
}

fn leads_somewhere(tree: &Tree, path: &str, text: &str, target: &str) -> bool {
    let (file, heading) = target.split_once('#').unwrap_or((target, ""));
    if file.is_empty() {
        return headings(text).any(|slug| slug == heading);
    }
    let Some(linked) = inside(Path::new(path).parent().unwrap_or(Path::new("")), file) else {
        return false;
    };
    let linked = linked.to_string_lossy();
    if heading.is_empty() || !linked.ends_with(".md") {
        return tree.exists(&linked);
    }
    let other = tree.files.iter().find(|(name, _)| *name == linked);
    other.is_some_and(|(_, text)| headings(text).any(|slug| slug == heading))
}

/// The path from the root, unless it leaves the repository.
fn inside(folder: &Path, file: &str) -> Option<PathBuf> {
    let mut path = PathBuf::new();
    for part in folder.join(file).components() {
        match part {
            Component::Normal(name) => path.push(name),
            Component::CurDir => {}
            Component::ParentDir if path.pop() => {}
            _ => return None,
        }
    }
    Some(path)
}

/// The anchors of a document, as code hosts build them.
fn headings(text: &str) -> impl Iterator<Item = String> {
    let titles = text.lines().filter(|line| line.starts_with('#')).map(|line| line.trim_start_matches('#').trim());
    titles.map(|title| {
        let kept = title.to_lowercase();
        let kept = kept.chars().filter(|c| c.is_alphanumeric() || matches!(c, ' ' | '-' | '_'));
        kept.map(|c| if c == ' ' { '-' } else { c }).collect()
    })
}

fn commands(tree: &Tree, path: &str, text: &str) -> Vec<Violation> {
    let spans: Vec<(usize, &str)> = if path.ends_with(".md") {
        code_spans(text)
    } else if path == "Makefile" || path == ".ci/run" {
        text.lines().enumerate().map(|(n, line)| (n + 1, line)).collect()
    } else {
        return Vec::new();
    };
    let mut found = Vec::new();
    for (line, span) in spans {
        let span = span.split('#').next().unwrap_or("");
        let unknown = asked_of_make(span).into_iter().filter(|target| !tree.make_targets.contains(*target));
        let words = span.split(|c: char| c.is_whitespace() || matches!(c, ';' | '(' | ')' | '"' | '`' | '@'));
        let absent = words.filter(|word| word.starts_with("scripts/") && !word.contains('*') && !tree.exists(word));
        let what = unknown.map(|target| format!("make {target}")).chain(absent.map(str::to_owned));
        found.extend(what.map(|what| Violation { line, what }));
    }
    found
}

/// The targets in `make a b`, wherever a command can begin.
fn asked_of_make(span: &str) -> Vec<&str> {
    let mut targets = Vec::new();
    for command in span.split("&&").flat_map(|part| part.split([';', '|'])) {
        let words = command.split_whitespace().skip_while(|word| *word == "$" || word.contains('='));
        let mut words = words.peekable();
        if words.next() == Some("make") {
            targets.extend(words.filter(|word| !word.starts_with('-') && !word.contains('=')));
        }
    }
    targets
}

/// The text with code blanked, line by line.
fn prose(text: &str) -> String {
    let mut fenced = false;
    let mut out = String::new();
    for line in text.lines() {
        let fence = line.trim_start().starts_with("```");
        if !fence && !fenced {
            out.extend(line.split('`').step_by(2));
        }
        fenced ^= fence;
        out.push('\n');
    }
    out
}

/// (line, code): every line of a fence and every span between back-quotes.
fn code_spans(text: &str) -> Vec<(usize, &str)> {
    let mut fenced = false;
    let mut spans = Vec::new();
    for (n, line) in text.lines().enumerate() {
        if line.trim_start().starts_with("```") {
            fenced = !fenced;
        } else if fenced {
            spans.push((n + 1, line));
        } else {
            spans.extend(line.split('`').skip(1).step_by(2).map(|span| (n + 1, span)));
        }
    }
    spans
}
