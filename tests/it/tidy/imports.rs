//! Who may name whom: the boundaries of docs/ARCHITECTURE.md as checks over every path in the code that ships.

use std::collections::HashMap;

use super::code::{self, NamedPath};
use super::tree::Tree;
use super::{Rule, Violation};

pub(super) const PURE_HALF: Rule = Rule {
    name: "shared's pure half stays pure",
    remedy: "pass time, randomness and data in as arguments, or move the module to the edge half in shared/src/lib.rs",
    check: pure_half,
    caught: &[
        ("shared/src/fault.rs", "use tokio::time::sleep;"),
        ("shared/src/fault/roll.rs", "use std::{fmt, time::Instant};"),
        ("shared/src/units.rs", "fn f() { std::fs::read(p); }"),
        ("shared/src/draw.rs", "use std::time;\nfn f() { time::Instant::now(); }"),
        ("shared/src/draw.rs", "use std::io as words;\nfn f() { words::stdin(); }"),
        ("shared/src/draw.rs", "use std::env;"),
        ("shared/src/draw.rs", "let x: u8 = rand::random();"),
        ("shared/src/outcome.rs", "use std::io::{Error, Read};"),
        ("shared/src/outcome.rs", "#[derive(serde::Serialize)] struct S;"),
        ("shared/src/carrier.rs", "use super::red;"),
        ("shared/src/fault/roll.rs", "use super::super::account::Account;"),
        ("shared/src/payload.rs", "use crate::{draw, shutdown};"),
    ],
    passed: &[
        (
            "shared/src/fault.rs",
            "//! like tokio::time\nuse std::time::Duration;\nuse crate::units::{parse_size, percent};",
        ),
        ("shared/src/outcome.rs", "use std::io::{Error, ErrorKind};"),
        ("shared/src/outcome.rs", "use std::io;\nfn f(error: &io::Error) { io::ErrorKind::TimedOut; }"),
        ("shared/src/draw.rs", "use rand::rngs::SmallRng;"),
        ("shared/src/fault.rs", "#[cfg(test)]\nmod tests { use proptest::prelude::*; }"),
        ("shared/src/fault/tests.rs", "use proptest::prelude::*;"),
        ("shared/src/red.rs", "use prometheus::Registry;"),
    ],
};

pub(super) const TWO_SIDES: Rule = Rule {
    name: "target and injector never name each other",
    remedy: "what both must agree on belongs in shared, what needs both belongs in the root package",
    check: two_sides,
    caught: &[
        ("target-server/src/http.rs", "use injector::plan::Plan;"),
        ("injector/src/live.rs", "fn f() { target_server::bind(); }"),
        ("injector/src/live/tests.rs", "use target_server::Target;"),
        ("injector/Cargo.toml", "[dev-dependencies]\ntarget-server.workspace = true"),
    ],
    passed: &[
        ("injector/src/live.rs", "use crate::plan;\n// the target_server::Target answers"),
        ("tests/it/battery.rs", "use injector::plan;\nuse target_server::Target;"),
        ("target-server/Cargo.toml", "description = \"what the injector drives\""),
    ],
};

pub(super) const PROTOCOLS_APART: Rule = Rule {
    name: "a protocol file knows no other protocol",
    remedy: "only the registry names protocols; what two of them share gets a module of its own",
    check: protocols_apart,
    caught: &[
        ("target-server/src/http.rs", "use crate::{faults, tcp};"),
        ("target-server/src/dns/answer.rs", "use super::super::http::Body;"),
        ("injector/src/driver/grpc.rs", "use super::http::Connection;"),
        ("injector/src/driver/http/answer.rs", "use crate::driver::tcp;"),
    ],
    passed: &[
        ("target-server/src/http/body.rs", "use crate::http::peek;\nuse super::head;\nuse http::StatusCode;"),
        ("injector/src/driver/http.rs", "use crate::plan::http::Ask;\nuse super::{Driver, Observation};"),
        ("target-server/src/target.rs", "use crate::{http, tcp};"),
    ],
};

pub(super) const SCHEDULE_IS_STD: Rule = Rule {
    name: "the schedule is arithmetic",
    remedy: "injector/src/schedule.rs names std and itself; hand it numbers",
    check: schedule_is_std,
    caught: &[
        ("injector/src/schedule.rs", "use tokio::time::Instant;"),
        ("injector/src/schedule.rs", "use crate::plan::Plan;"),
        ("injector/src/schedule/ramp.rs", "use super::super::plan::Plan;"),
        ("injector/src/schedule.rs", "let now = std::time::Instant::now();"),
        ("injector/src/schedule.rs", "use super::plan as p;\nfn f() { p::g(); }"),
    ],
    passed: &[
        ("injector/src/schedule.rs", "use std::time::Duration;\nuse self::ramp::Ramp;\nuse crate::schedule::Slot;"),
        ("injector/src/schedule/tests.rs", "use proptest::prelude::*;"),
        ("injector/src/pacer.rs", "use tokio::time::Instant;"),
    ],
};

/// Parts of std that do I/O, read a clock or ask the system.
const IMPURE_STD: &[&str] =
    &["env", "fs", "io", "net", "os", "process", "thread", "time::Instant", "time::SystemTime", "time::UNIX_EPOCH"];

/// What of the above is mere words.
const PURE_STD: &[&str] = &["io::Error", "io::ErrorKind", "net::IpAddr", "net::Ipv4Addr", "net::Ipv6Addr"];

/// Modules that hold both: bringing in the module is fine, each use of it is looked at.
const MIXED_STD: &[&str] = &["io", "net"];

/// Random sources that come from nowhere.
const AMBIENT_RANDOM: &[&str] =
    &["random", "random_range", "random_bool", "rng", "thread_rng", "OsRng", "SysRng", "ThreadRng"];

/// The protocol families by the beginning of their files' names.
const PROTOCOLS: &[&str] = &["http", "grpc", "tcp", "udp", "dns"];

fn pure_half(tree: &Tree, path: &str, text: &str) -> Vec<Violation> {
    let module = module_of(path, "shared/src/");
    if !module.first().is_some_and(|first| tree.pure_modules.contains(first)) {
        return Vec::new();
    }
    violations(path, text, &module, |named| match named {
        [root, rest @ ..] if root == "std" || root == "core" => is_impure_std(&rest.join("::")),
        [root, rest @ ..] if root == "rand" => rest.iter().any(|word| AMBIENT_RANDOM.contains(&word.as_str())),
        [root, next, ..] if root == "crate" => tree.shared_modules.contains(next) && !tree.pure_modules.contains(next),
        [root, ..] => tree.crates.contains(root),
        [] => false,
    })
}

fn is_impure_std(rest: &str) -> bool {
    let under = |list: &[&str]| list.iter().any(|name| rest == *name || rest.starts_with(&format!("{name}::")));
    under(IMPURE_STD) && !under(PURE_STD) && !MIXED_STD.contains(&rest)
}

fn two_sides(_: &Tree, path: &str, text: &str) -> Vec<Violation> {
    let (package, crate_name) = match path.split_once('/') {
        Some(("target-server", _)) => ("injector", "injector"),
        Some(("injector", _)) => ("target-server", "target_server"),
        _ => return Vec::new(),
    };
    if path.ends_with("/Cargo.toml") {
        let lines = text.lines().enumerate();
        let named =
            lines.filter(|(_, line)| line.strip_prefix(package).is_some_and(|rest| rest.starts_with(['.', ' ', '='])));
        return named.map(|(n, line)| Violation { line: n + 1, what: line.to_owned() }).collect();
    }
    let named = code::paths(&code::code_of(text)).into_iter().filter(|named| named.segments[0] == crate_name);
    named.map(violation).collect()
}

fn protocols_apart(_: &Tree, path: &str, text: &str) -> Vec<Violation> {
    let (folder, registry): (_, &[&str]) = if path.starts_with("injector/") {
        ("injector/src/driver/", &["crate", "driver"])
    } else {
        ("target-server/src/", &["crate"])
    };
    let Some(own) = module_of(path, folder).first().and_then(|first| protocol(first)) else {
        return Vec::new();
    };
    let module = module_of(path, folder.split_inclusive("/src/").next().unwrap_or(folder));
    violations(path, text, &module, |named| {
        let behind = named.iter().zip(registry).all(|(a, b)| a == b).then(|| named.get(registry.len())).flatten();
        behind.and_then(|module| protocol(module)).is_some_and(|other| other != own)
    })
}

fn protocol(module: &str) -> Option<&'static str> {
    PROTOCOLS.iter().find(|family| module.starts_with(**family)).copied()
}

fn schedule_is_std(tree: &Tree, path: &str, text: &str) -> Vec<Violation> {
    let module = module_of(path, "injector/src/");
    if module.first().is_none_or(|first| first != "schedule") {
        return Vec::new();
    }
    violations(path, text, &module, |named| match named {
        [root, rest @ ..] if root == "std" || root == "core" => is_impure_std(&rest.join("::")),
        [root, next, ..] if root == "crate" => next != "schedule",
        [root, ..] => tree.crates.contains(root),
        [] => false,
    })
}

/// The paths in shipped code that are refused, once `self`, `super` and the names that a `use` brought in are resolved.
fn violations(path: &str, text: &str, module: &[String], refused: impl Fn(&[String]) -> bool) -> Vec<Violation> {
    if code::is_test_file(path) {
        return Vec::new();
    }
    let named = code::paths(&code::shipped_code(text));
    let mut aliases = HashMap::new();
    for path in &named {
        if let Some(alias) = &path.alias {
            aliases.insert(alias.clone(), resolved(module, &path.segments));
        }
    }
    let full = |path: &NamedPath| match aliases.get(&path.segments[0]).filter(|_| path.alias.is_none()) {
        Some(root) => root.iter().chain(&path.segments[1..]).cloned().collect(),
        None => resolved(module, &path.segments),
    };
    named.into_iter().filter(|path| refused(&full(path))).map(violation).collect()
}

fn violation(named: NamedPath) -> Violation {
    Violation { line: named.line, what: named.segments.join("::") }
}

/// The module a file is, `["fault", "roll"]`; empty for a crate's root and for files elsewhere.
fn module_of(path: &str, folder: &str) -> Vec<String> {
    let Some(inside) = path.strip_prefix(folder).and_then(|rest| rest.strip_suffix(".rs")) else {
        return Vec::new();
    };
    let words = inside.split('/').filter(|word| !matches!(*word, "lib" | "main" | "mod"));
    words.map(str::to_owned).collect()
}

/// The path from `crate`, where it is relative to the module.
fn resolved(module: &[String], segments: &[String]) -> Vec<String> {
    let ups = segments.iter().take_while(|segment| *segment == "super").count();
    let from_here = ups > 0 || segments[0] == "self";
    if !from_here {
        return segments.to_vec();
    }
    let own = &module[..module.len().saturating_sub(ups)];
    let rest = segments.iter().skip(ups).filter(|segment| *segment != "self");
    std::iter::once("crate".to_owned()).chain(own.iter().cloned()).chain(rest.cloned()).collect()
}
