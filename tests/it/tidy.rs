//! House rules that neither the compiler nor clippy knows, held against every file of the tree.
//!
//! A rule is a value: a name, a remedy, a function over (path, text), and examples that it must catch and must let
//! pass. A rule without a caught example is refused, since a check that cannot fail proves nothing. Text only, std
//! only: the rules read what is written, so they hold for code behind a `cfg` as well, and they run in milliseconds.

mod code;
mod docs;
mod form;
mod imports;
mod isolation;
mod tree;

use tree::Tree;

/// One house rule.
struct Rule {
    /// What a failure is listed under, and what a reader searches for.
    name: &'static str,
    /// What to do about a violation.
    remedy: &'static str,
    /// The violations in a file; empty also where the rule has no say about that path.
    check: fn(&Tree, path: &str, text: &str) -> Vec<Violation>,
    /// (path, text) pairs with at least one violation each.
    caught: &'static [(&'static str, &'static str)],
    /// (path, text) pairs that look like violations and are none.
    passed: &'static [(&'static str, &'static str)],
}

/// One place where a rule does not hold.
struct Violation {
    /// Counted from 1.
    line: usize,
    /// The offending words.
    what: String,
}

const RULES: &[Rule] = &[
    imports::PURE_HALF,
    imports::TWO_SIDES,
    imports::PROTOCOLS_APART,
    imports::SCHEDULE_IS_STD,
    isolation::ENVIRONMENT,
    isolation::LOOPBACK_ONLY,
    isolation::NO_FIXED_PORTS,
    isolation::KNOWN_TOOLS,
    form::HEAD,
    form::LENGTH,
    form::REASONS,
    form::LINTS,
    docs::LINKS,
    docs::COMMANDS,
];

#[test]
fn the_tree_keeps_every_rule() {
    let tree = Tree::read();
    let mut found = Vec::new();
    for rule in RULES {
        for (path, text) in &tree.files {
            for violation in (rule.check)(&tree, path, text) {
                found.push(format!("{path}:{}: {}: {} ({})", violation.line, rule.name, violation.what, rule.remedy));
            }
        }
    }
    assert!(found.is_empty(), "{} violations\n{}", found.len(), found.join("\n"));
}

#[test]
fn every_rule_catches_what_it_is_for_and_nothing_else() {
    let tree = Tree::read();
    for rule in RULES {
        assert!(!rule.caught.is_empty(), "{}: has no example that it catches", rule.name);
        for (path, text) in rule.caught {
            let found = (rule.check)(&tree, path, text);
            assert!(!found.is_empty(), "{}: missed in {path}:\n{text}", rule.name);
            let lines = text.lines().count().max(1);
            assert!(
                found.iter().all(|violation| (1..=lines).contains(&violation.line)),
                "{}: points outside of {path}",
                rule.name
            );
        }
        for (path, text) in rule.passed {
            let found: Vec<_> = (rule.check)(&tree, path, text).into_iter().map(|violation| violation.what).collect();
            assert!(found.is_empty(), "{}: wrongly caught {found:?} in {path}:\n{text}", rule.name);
        }
    }
}

#[test]
fn rules_have_distinct_names() {
    let mut names: Vec<_> = RULES.iter().map(|rule| rule.name).collect();
    names.sort_unstable();
    names.dedup();
    assert_eq!(names.len(), RULES.len());
}
