//! The exit codes of both programs.

use std::fmt::Write as _;

use clap::CommandFactory;

use super::{cell, head, hold, source};

/// What a target ends with: code and when.
const TARGET: [(i32, &str); 4] = [
    (0, "told to stop, and every request that had begun has ended"),
    (1, "cannot start, or requests were cut off because `--shutdown-timeout` was over, or it was told to stop twice"),
    (2, "the command line, a variable or the file of `--config` is wrong; the message says which, and what would work"),
    (255, "`/panic` was called and `--allow-panic` is set"),
];

/// What any process says that a second signal ends at once.
const SECOND_SIGNAL: u8 = shared::shutdown::EXIT_INTERRUPTED;

#[test]
fn the_page_has_every_exit_code() {
    let verdict = source::file("injector/src/verdict.rs");
    let mut page = head("Exit codes", "`$?` after each program. Those of the injector are k6's where k6 has one.");
    page.push_str("\n## `injector`\n\n| code | | |\n|---|---|---|\n");
    let words = injector::cli::Cli::command().get_long_about().map(ToString::to_string).unwrap_or_default();
    let mut rows: Vec<(u8, String)> = Vec::new();
    for (variant, comment) in source::variants(&verdict, "Exit") {
        let of = |call: &str| {
            let arm = verdict.split(call).nth(1).unwrap().split(&format!("Exit::{variant} => ")).nth(1);
            arm.unwrap_or_else(|| panic!("Exit::{variant} is not in {call}"))
                .split(',')
                .next()
                .unwrap()
                .trim()
                .to_owned()
        };
        let code: u8 = of("fn code(").parse().unwrap();
        assert!(
            words.contains(&format!(" {code} ")),
            "`injector --help` does not name exit code {code}: see the comment of `Cli` in injector/src/cli.rs"
        );
        rows.push((code, format!("| {code} | `{}` | {} |", of("fn as_str(").trim_matches('"'), cell(&comment))));
    }
    rows.push((
        SECOND_SIGNAL,
        format!("| {SECOND_SIGNAL} | | A second signal, which ends it at once and without a report. |"),
    ));
    rows.sort();
    rows.iter().for_each(|(_, row)| writeln!(page, "{row}").unwrap());
    page.push_str("\nThe word is `verdict.result` in the [JSON](../result.md). The pair ends with the same codes.\n");

    page.push_str("\n## `target-server`\n\n| code | |\n|---|---|\n");
    TARGET.iter().for_each(|(code, when)| writeln!(page, "| {code} | {when} |").unwrap());
    hold("exit-codes.md", &page);
}

#[test]
fn a_target_has_no_other_exit_code() {
    for (path, text) in source::files("target-server/src") {
        for line in text.lines().filter(|line| line.trim_start().contains("const EXIT_")) {
            let code: i32 = line.rsplit('=').next().unwrap().trim().trim_end_matches(';').parse().unwrap();
            assert!(
                TARGET.iter().any(|(known, _)| *known == code),
                "{path}: {line}: add {code} to tests/it/reference/exits.rs"
            );
        }
    }
}
