//! The command lines of both programs, from clap's own definitions.

use std::collections::BTreeSet;
use std::fmt::Write as _;

use clap::{Arg, Command, CommandFactory};

use super::{cell, head, hold, source};

const INJECTOR: &str = "\
`injector --help` and `injector run --help` say the same. A flag wins over its variable, and both win over the scenario file. How
the program ends is in [exit-codes.md](exit-codes.md), what it serves in [endpoints.md](endpoints.md), the file in
[scenario.md](../scenario.md), and what `--json` writes in [result.md](../result.md).";

const TARGET: &str = "\
`target-server --help` says the same. A flag wins over its variable, a `CLOAD_` variable over a `PODINFO_` one, and those over the
file of `--config`; an empty variable says nothing. `--port` has podinfo's variable `PODINFO_PORT` beside its own, and
`PODINFO_JWT_SECRET` has no flag, since every process of a host sees the others' flags.
`CLOAD_REVISION` is read when the program is built: the commit that `/version` names. Of a flag that is given twice the last one
is heard. How the program ends is in [exit-codes.md](exit-codes.md), what it serves in [endpoints.md](endpoints.md), and what
podinfo's flags mean in [podinfo.md](../podinfo.md).";

#[test]
fn the_injectors_page_has_every_flag_and_variable() {
    check("injector.md", INJECTOR, injector::cli::Cli::command(), &["injector/src"]);
}

#[test]
fn the_targets_page_has_every_flag_and_variable() {
    check("target-server.md", TARGET, target_server::config::command(), &["target-server/src"]);
}

fn check(file: &str, about: &str, mut command: Command, folders: &[&str]) {
    command.build();
    let page = page(about, &command);
    let unknown: Vec<_> = variables(folders).into_iter().filter(|name| !page.contains(&format!("`{name}`"))).collect();
    assert!(
        unknown.is_empty(),
        "variables that no flag has: {unknown:?}; name them at the top of tests/it/reference/flags.rs"
    );
    hold(file, &page);
}

/// What looks like a variable of ours in the code.
fn variables(folders: &[&str]) -> BTreeSet<String> {
    let mut found = BTreeSet::new();
    for (_, text) in folders.iter().flat_map(|folder| source::files(folder)) {
        let literals = text.split('"').skip(1).step_by(1);
        let named = literals.filter(|word| ["CLOAD_", "PODINFO_"].iter().any(|start| word.starts_with(start)));
        let whole = named.filter(|word| {
            !word.ends_with('_') && word.chars().all(|c| c.is_ascii_uppercase() || c.is_ascii_digit() || c == '_')
        });
        found.extend(whole.map(str::to_owned));
    }
    found
}

fn page(about: &str, command: &Command) -> String {
    let mut text = head(&format!("`{}`", command.get_name()), about);
    commands(&mut text, &[], command, &[]);
    text
}

/// A command and those below it.
fn commands(text: &mut String, above: &[&str], command: &Command, globals: &[&str]) {
    let mut path = above.to_vec();
    path.push(command.get_name());
    if above.is_empty() {
        let about = command.get_long_about().or(command.get_about()).map(ToString::to_string).unwrap_or_default();
        writeln!(text, "\n{about}").unwrap();
    } else {
        let about = command.get_about().map(ToString::to_string).unwrap_or_default();
        writeln!(text, "\n## `{}`\n\n{about}", path.join(" ")).unwrap();
    }
    let shown = |arg: &&Arg| !arg.is_hide_set() && !["help", "version"].contains(&arg.get_id().as_str());
    // What holds for all commands below stands at the first.
    let own = |arg: &&Arg| shown(arg) && !(arg.is_global_set() && globals.contains(&arg.get_id().as_str()));
    let mut headings: Vec<Option<&str>> = Vec::new();
    for arg in command.get_arguments().filter(own) {
        if !headings.contains(&arg.get_help_heading()) {
            headings.push(arg.get_help_heading());
        }
    }
    for heading in headings {
        if let Some(heading) = heading {
            writeln!(text, "\n### {heading}").unwrap();
        }
        text.push_str("\n| flag | variable | default | |\n|---|---|---|---|\n");
        for arg in command.get_arguments().filter(own).filter(|arg| arg.get_help_heading() == heading) {
            writeln!(text, "{}", row(arg)).unwrap();
        }
    }
    let held: Vec<&str> =
        command.get_arguments().filter(|arg| arg.is_global_set()).map(|arg| arg.get_id().as_str()).collect();
    for below in command.get_subcommands().filter(|below| below.get_name() != "help" && !below.is_hide_set()) {
        commands(text, &path, below, &held);
    }
}

fn row(arg: &Arg) -> String {
    let takes = arg.get_action().takes_values();
    let value =
        arg.get_value_names().unwrap_or_default().iter().map(|name| name.as_str()).collect::<Vec<_>>().join(" ");
    let value = if value.is_empty() { arg.get_id().as_str().to_uppercase() } else { value };
    let flag = match (arg.get_long(), arg.get_short()) {
        (None, None) => format!("`<{value}>`"),
        (long, short) => {
            let mut names: Vec<String> = short.map(|short| format!("-{short}")).into_iter().collect();
            names.extend(long.map(|long| format!("--{long}")));
            let value = if takes { format!(" {value}") } else { String::new() };
            let mut flag = format!("`{}{value}`", names.join("`, `"));
            for alias in arg.get_all_aliases().unwrap_or_default() {
                write!(flag, ", `--{alias}`").unwrap();
            }
            flag
        }
    };
    let variable = arg.get_env().map(|name| format!("`{}`", name.to_str().unwrap())).unwrap_or_default();
    let default: Vec<_> = arg.get_default_values().iter().map(|value| value.to_str().unwrap()).collect();
    let default = match default.join(",") {
        none if none.is_empty() || !takes => String::new(),
        value => format!("`{value}`"),
    };
    let help = arg.get_long_help().or(arg.get_help()).map(ToString::to_string).unwrap_or_default();
    let mut help = cell(help.trim_end());
    let values: Vec<_> = arg.get_possible_values().into_iter().filter(|_| takes).collect();
    // A switch that may be left alone says so itself.
    if !values.is_empty() && !values.iter().all(|value| ["true", "false"].contains(&value.get_name())) {
        let told = values.iter().map(|value| match value.get_help() {
            Some(help) => format!("`{}` ({})", value.get_name(), cell(&help.to_string()).trim_end_matches('.')),
            None => format!("`{}`", value.get_name()),
        });
        let told = told.collect::<Vec<_>>().join(", ");
        help = format!("{}: {told}", help.trim_end_matches('.'));
    }
    // A pipe in a value name would end the cell.
    format!("| {} | {variable} | {} | {help} |", flag.replace('|', "\\|"), default.replace('|', "\\|"))
}
