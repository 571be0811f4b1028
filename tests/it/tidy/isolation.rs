//! What the programs may ask of their surroundings, and what the tests may touch.

use super::code;
use super::tree::Tree;
use super::{Rule, Violation};

pub(super) const ENVIRONMENT: Rule = Rule {
    name: "the environment is read in one place",
    remedy: "declare a flag with an `env` in config.rs or cli.rs and pass its value on",
    check: environment,
    caught: &[
        ("injector/src/scenario.rs", "let v = std::env::var(\"X\");"),
        ("target-server/src/target.rs", "use std::env;\nfn f() { env::vars_os() }"),
        ("injector/src/runner.rs", "#[arg(long, env = \"CLOAD_X\")]\nx: u8"),
        ("shared/src/shutdown.rs", "#[arg(env)] x: u8"),
    ],
    passed: &[
        ("injector/src/cli.rs", "#[arg(long, env = \"CLOAD_X\")]\nx: u8"),
        ("injector/src/cli/run.rs", "std::env::vars()"),
        ("target-server/src/config.rs", "std::env::var(\"X\")"),
        ("shared/src/admin.rs", "const VERSION: &str = env!(\"CARGO_PKG_VERSION\"); // not env::var"),
        ("injector/src/scenario.rs", "#[cfg(test)]\nmod tests { fn f() { std::env::var(\"X\"); } }"),
        ("injector/src/scenario/tests.rs", "std::env::var(\"X\")"),
    ],
};

pub(super) const LOOPBACK_ONLY: Rule = Rule {
    name: "tests stay on loopback",
    remedy: "use an address of 127.0.0.0/8; data that no socket sees goes into ADDRESS_DATA",
    check: loopback_only,
    caught: &[
        ("tests/it/a.rs", "connect(\"10.0.0.1:80\")"),
        ("tests/it/a.rs", "bind(\"0.0.0.0:0\")"),
        ("injector/src/plan.rs", "#[cfg(test)]\nmod tests {\n    const A: &str = \"192.0.2.7\";\n}"),
        ("injector/src/plan/tests.rs", "Ipv4Addr::new(8, 8, 8, 8)"),
        ("tests/it/a.rs", "Ipv4Addr::UNSPECIFIED"),
    ],
    passed: &[
        ("tests/it/a.rs", "connect(\"127.0.0.2:0\") // not 10.0.0.1"),
        ("tests/it/a.rs", "Ipv4Addr::new(127, 1, 2, 3); let v = \"1.2.3\"; let f = 1.5..2.5;"),
        ("injector/src/plan.rs", "const DEFAULT: &str = \"0.0.0.0:9798\";"),
    ],
};

pub(super) const NO_FIXED_PORTS: Rule = Rule {
    name: "tests take a free port",
    remedy: "bind port 0 and ask which it became",
    check: no_fixed_ports,
    caught: &[
        ("tests/it/a.rs", "connect(\"127.0.0.1:9898\")"),
        ("tests/it/a.rs", "get(\"http://localhost:8080/x\")"),
        ("tests/it/a.rs", "run([\"--http\", \":9898\"])"),
        ("tests/it/a.rs", "bind(\"[::1]:1234\")"),
        ("tests/it/a.rs", "bind((Ipv4Addr::LOCALHOST, 9898))"),
        ("target-server/src/target.rs", "#[cfg(test)]\nmod tests {\n    fn f() { bind(([127, 0, 0, 1], 9898)) }\n}"),
    ],
    passed: &[
        ("tests/it/a.rs", "bind(\"127.0.0.1:0\"); bind((Ipv4Addr::LOCALHOST, 0)); bind(([127, 0, 0, 1], 0))"),
        ("tests/it/manual.rs", "let line = line.replace(\"localhost:9898\", &address);"),
        ("tests/it/a.rs", "json!({\"size\":4096}); let s = r#\"{\"size\":4096}\"#; // localhost:9898"),
        ("tests/it/a.rs", "resolve(\"http://target-server:9898\")"),
        ("target-server/src/config.rs", "const DEFAULT: &str = \"127.0.0.1:9898\";"),
        ("injector/src/plan/tests.rs", "assert_eq!(port(\"127.0.0.1:9898\"), Ok(9898));"),
    ],
};

pub(super) const KNOWN_TOOLS: Rule = Rule {
    name: "a required tool can be installed",
    remedy: "add it to the table in scripts/tools",
    check: known_tools,
    caught: &[("tests/it/a.rs", "let it = tools::require(\"no-such-tool\");")],
    passed: &[("tests/it/a.rs", "let it = tools::require(\"curl\"); // require(\"no-such-tool\")")],
};

/// Where the programs may read the environment.
const READERS: &[&str] = &["target-server/src/config", "injector/src/cli", "src/main"];

/// Addresses that tests parse or match and no socket sees: (file, address).
const ADDRESS_DATA: &[(&str, &str)] = &[
    ("injector/src/plan/tests/address.rs", "10.0.0.1"),
    ("shared/src/dnsanswer.rs", "192.0.2.1"),
    ("target-server/src/config/tests.rs", "1.2.3.4"),
    ("tests/it/battery.rs", "192.0.2.1"),
    ("tests/it/dns.rs", "192.0.2.1"),
    ("tests/it/names.rs", "192.0.2.0"),
];

/// The examples above are full of what the rules look for.
const EXAMPLES: &str = "tests/it/tidy/";

fn environment(_: &Tree, path: &str, text: &str) -> Vec<Violation> {
    let reader = READERS
        .iter()
        .any(|reader| path.strip_prefix(reader).is_some_and(|rest| rest == ".rs" || rest.starts_with('/')));
    if !path.ends_with(".rs") || reader || code::is_test_file(path) {
        return Vec::new();
    }
    let code = code::shipped_code(text);
    let calls = code::paths(&code)
        .into_iter()
        .filter(|named| named.segments.windows(2).any(|pair| pair[0] == "env" && pair[1].starts_with("var")));
    let mut found: Vec<_> =
        calls.map(|named| Violation { line: named.line, what: named.segments.join("::") }).collect();
    for (line, attribute) in attributes(&code) {
        let is_clap = ["arg(", "clap(", "command("].iter().any(|name| attribute.starts_with(name));
        let words = attribute.split(|c: char| !c.is_alphanumeric() && c != '_');
        if is_clap && words.into_iter().any(|word| word == "env") {
            found.push(Violation { line, what: format!("#[{attribute}]") });
        }
    }
    found
}

/// (line, inside) of every `#[...]` and `#![...]` in masked code.
pub(super) fn attributes(code: &str) -> Vec<(usize, String)> {
    let mut found = Vec::new();
    for (offset, _) in code.match_indices('#') {
        let Some(inside) = code[offset + 1..].trim_start_matches('!').strip_prefix('[') else { continue };
        let mut depth = 1;
        let end = inside.find(|c| {
            depth += i32::from(c == '[') - i32::from(c == ']');
            depth == 0
        });
        let line = 1 + code[..offset].matches('\n').count();
        found.push((line, inside[..end.unwrap_or(inside.len())].to_owned()));
    }
    found
}

fn loopback_only(_: &Tree, path: &str, text: &str) -> Vec<Violation> {
    in_test_lines(path, text, |line| {
        let literals = dotted(line).filter(|address| !address.starts_with("127."));
        let literals = literals.filter(|address| !ADDRESS_DATA.contains(&(path, *address))).map(str::to_owned);
        let built = line.match_indices("Ipv4Addr::new(").map(|(at, call)| (at + call.len(), call));
        let built = built.filter(|(at, _)| !line[*at..].starts_with("127")).map(|(_, call)| call.to_owned());
        let any = line.match_indices("::UNSPECIFIED").map(|(_, name)| name.to_owned());
        literals.chain(built).chain(any).collect()
    })
}

/// What reads as an IPv4 address.
fn dotted(line: &str) -> impl Iterator<Item = &str> {
    let words = line.split(|c: char| !c.is_alphanumeric() && !matches!(c, '.' | '_' | '-'));
    words.map(|word| word.trim_matches('.')).filter(|word| word.parse::<std::net::Ipv4Addr>().is_ok())
}

fn no_fixed_ports(_: &Tree, path: &str, text: &str) -> Vec<Violation> {
    in_test_lines(path, text, |line| {
        // Programs are started from tests/; inside a crate an address is text to parse, unless a socket takes it.
        let reaches_a_socket = path.starts_with("tests/") || line.contains("bind(") || line.contains("connect(");
        // The manual's examples name the default port; the harness that runs them replaces it.
        if !reaches_a_socket || line.contains(".replace(") {
            return Vec::new();
        }
        let written = line.match_indices(':').filter(|(at, _)| names_a_host(&line[..*at]));
        let paired = ["LOCALHOST, ", "0, 1], "]
            .into_iter()
            .flat_map(|host| line.match_indices(host).map(|(at, host)| (at + host.len() - 1, host)));
        let ports = written.chain(paired).filter_map(|(at, _)| port(&line[at + 1..]));
        ports.map(|port| format!("port {port}")).collect()
    })
}

/// Whether the text before a colon ends in a loopback host, or in the quote that opens a string.
fn names_a_host(before: &str) -> bool {
    let last = before.rsplit(|c: char| !c.is_alphanumeric() && c != '.').next().unwrap_or("");
    let opens_string =
        before.strip_suffix('"').is_some_and(|rest| rest.is_empty() || rest.ends_with([' ', '(', '[', '=', ',', '&']));
    last == "localhost" || last.starts_with("127.") || before.ends_with("::1]") || opens_string
}

/// The port that the text begins with, unless it is 0.
fn port(after: &str) -> Option<u16> {
    let digits = after.find(|c: char| !c.is_ascii_digit()).unwrap_or(after.len());
    after[..digits].parse().ok().filter(|port| *port > 0)
}

fn known_tools(tree: &Tree, path: &str, text: &str) -> Vec<Violation> {
    in_test_lines(path, text, |line| {
        let names =
            line.match_indices("require(\"").map(|(at, call)| line[at + call.len()..].split('"').next().unwrap_or(""));
        names.filter(|name| !tree.tools.contains(*name)).map(str::to_owned).collect()
    })
}

/// Applies a check to every line of a file's test code.
fn in_test_lines(path: &str, text: &str, check: impl Fn(&str) -> Vec<String>) -> Vec<Violation> {
    if !path.ends_with(".rs") || path.starts_with(EXAMPLES) {
        return Vec::new();
    }
    let code = code::test_code(path, text);
    let lines = code.lines().enumerate();
    lines.flat_map(|(n, line)| check(line).into_iter().map(move |what| Violation { line: n + 1, what })).collect()
}

#[test]
fn address_data_is_still_there() {
    let tree = Tree::read();
    for (path, address) in ADDRESS_DATA {
        assert!(tree.text(path).contains(address), "{path} no longer says {address}: remove it from ADDRESS_DATA");
    }
}
