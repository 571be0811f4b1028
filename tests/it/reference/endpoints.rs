//! What both programs serve: paths from the code's routers and tables, words from the page itself.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::io::{Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::time::Duration;

use shared::route::Route;

use super::{cell, committed, head, hold, source};
use crate::process::Process;

const PAGE: &str = "endpoints.md";

const ABOUT: &str = "\
Ports are the defaults. The first two columns come from the code; the last one is written by hand, here, and kept by `make reference`.
In braces stands what varies. Nothing on an admin port is ever faulted.";

const TRAFFIC: &str = "\
HTTP/1.1 and HTTP/2. Every path not listed is an echo if the request speaks the fault language ([faults.md](../faults.md)), else
404 as from podinfo ([podinfo.md](../podinfo.md)); with `--compat none` it is always an echo, and only `/status`, `/delay` and `/chunked`
are served of the list. HEAD is taken wherever GET is. `--prefix` stands in front of each.";

const CHANGES: &str = "\
`/faults`, `/switch`, `/events` and `/reset` stand a second time below `/admin/v1`. What changes something needs the token of
`--admin-token-file`, or an admin listener on the loopback ([fault-rules.md](../fault-rules.md)).";

const CONTROL: &str = "\
What changes the run needs the token of `--api-token-file`: [api.md](../api.md#changes).";

const OTHERS: &str = "\
TCP and UDP (9007) and DNS (1053) have no paths: [tcp.md](../tcp.md), [dns.md](../dns.md). Beside the methods above, gRPC serves
`grpc.health.v1.Health` and `grpc.reflection.v1.ServerReflection`: [grpc.md](../grpc.md).";

/// (methods, path) as a row begins, and its words if the code has some.
type Row = (String, String);

/// The routes of one listener.
struct Section {
    title: &'static str,
    about: &'static str,
    rows: Vec<Row>,
    /// Words for a row that the page has none for.
    words: BTreeMap<String, String>,
}

fn sections() -> Vec<Section> {
    let shared = routed("shared/src");
    let injector = [shared.clone(), routed("injector/src")].concat();
    let target = [shared, routed("target-server/src")].concat();
    let (traffic, words) = traffic();
    let (calls, said) = calls();
    let section = |title, about, mut rows: Vec<Row>, words| {
        rows.sort_by(|a, b| a.1.cmp(&b.1));
        Section { title, about, rows, words }
    };
    vec![
        section("`injector`, admin port 9798", CONTROL, injector, BTreeMap::new()),
        section("`target-server`, admin port 9797", CHANGES, target, BTreeMap::new()),
        section("`target-server`, port 9898, and 9899 with TLS", TRAFFIC, traffic, words),
        section("`target-server`, gRPC, port 9999, and wherever HTTP/2 is spoken", OTHERS, calls, said),
    ]
}

#[test]
fn the_page_has_every_endpoint_and_words_for_it() {
    let old = committed(PAGE);
    let mut page = head("Endpoints", ABOUT);
    let mut silent = Vec::new();
    for section in sections() {
        let written = old.split(&format!("\n## {}\n", section.title)).nth(1).unwrap_or_default();
        let written = written.split("\n## ").next().unwrap();
        write!(page, "\n## {}\n", section.title).unwrap();
        if !section.about.is_empty() {
            write!(page, "\n{}\n", section.about).unwrap();
        }
        page.push_str("\n| | | |\n|---|---|---|\n");
        for (methods, path) in &section.rows {
            let start = format!("| {methods} | `{path}` |");
            let by_hand = written.lines().find_map(|line| line.split_once(&format!("| `{path}` |")));
            let by_hand = by_hand.map(|(_, words)| words.trim_end_matches('|').trim().to_owned());
            let words = by_hand.filter(|words| !words.is_empty()).or_else(|| section.words.get(path).cloned());
            let words = words.unwrap_or_default();
            if words.is_empty() {
                silent.push(format!("{methods} {path}"));
            }
            writeln!(page, "{start} {words} |").unwrap();
        }
    }
    hold(PAGE, &page);
    assert!(silent.is_empty(), "docs/reference/{PAGE}: write into the last column what these do: {silent:?}");
}

#[test]
fn every_route_of_an_admin_port_is_served_and_nothing_else() {
    let (_target, http, admin) = Process::target();
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("one.yaml");
    std::fs::write(&file, "rate: 5/s\nmix: [{ name: a, weight: 1, http: {} }]\n").unwrap();
    let (http, of_target) = (http.to_string(), admin.to_string());
    let flags = ["run", "--admin-address", "127.0.0.1:0", "--target", &http, "--target-admin", &of_target];
    let mut injector = Process::start("injector", &[&flags[..], &[file.to_str().unwrap()]].concat());
    let own = injector.address("admin");
    for (section, address) in sections().iter().zip([own, admin]) {
        // An address that nobody has says what "no such route" looks like.
        let nothing = asked(address, "/no-such-route");
        assert!(nothing.starts_with("HTTP/1.1 404"), "{nothing}");
        for (_, path) in &section.rows {
            let sample = path
                .replace("{session}", "a1")
                .replace("{operation}", "web")
                .replace("{id}", "r1")
                .replace("{name}", "a");
            let answer = asked(address, &sample);
            let is_same = body(&answer) == body(&nothing).replace("/no-such-route", &sample);
            assert!(!(answer.starts_with("HTTP/1.1 404") && is_same), "{}: {sample} is no route", section.title);
        }
    }
    assert!(asked(admin, "/admin/v1/faults").starts_with("HTTP/1.1 200"));
}

#[test]
fn every_path_of_the_page_leads_to_its_route() {
    let text = source::file("shared/src/route.rs");
    for ((_, comment), route) in source::variants(&text, "Route").iter().zip(Route::ALL) {
        let path = comment.split('`').nth(1).unwrap();
        let sample = path.replace("{time}", "1").replace("{codes}", "503").replace("{seconds}", "1");
        let sample = sample.replace("{hash}", "abc").replace("{key}", "k");
        assert_eq!(Route::of(&sample), Some(route), "{path}");
    }
}

/// Every `.route(..)` of the code below a folder.
fn routed(folder: &str) -> Vec<Row> {
    let mut rows = Vec::new();
    for (file, text) in source::files(folder) {
        for rest in text.split(".route(").skip(1) {
            let (path, rest) =
                source::literal(rest).unwrap_or_else(|| panic!("{file}: the path of .route( is no literal"));
            let rest = arguments(rest);
            let methods = ["get", "post", "put", "patch", "delete", "any"];
            let named = methods.into_iter().filter(|method| {
                let calls = [" ", ".", ":", "(", ","].map(|before| format!("{before}{method}("));
                calls.iter().any(|call| rest.contains(call))
            });
            let methods = named.map(str::to_uppercase).collect::<Vec<_>>().join(" ");
            assert!(!methods.is_empty(), "{file}: no method of {path} on the line of its .route(");
            rows.push((methods, path));
        }
    }
    rows
}

/// What stands before the bracket that closes a call whose opening one is past.
fn arguments(text: &str) -> &str {
    let mut open = 1;
    let end = text.find(|c| {
        open += i32::from(c == '(') - i32::from(c == ')');
        open == 0
    });
    &text[..end.unwrap_or(text.len())]
}

#[test]
fn the_arguments_of_a_call_end_with_it() {
    assert_eq!(arguments(", get(a).post(b(c)))\n.x(get(d))"), ", get(a).post(b(c))");
}

/// podinfo's paths, and what the code says of them.
fn traffic() -> (Vec<Row>, BTreeMap<String, String>) {
    let variants = source::variants(&source::file("shared/src/route.rs"), "Route");
    let mut rows = Vec::new();
    let mut words = BTreeMap::new();
    for ((_, comment), route) in variants.iter().zip(Route::ALL) {
        let (path, rest) = comment.trim_start_matches('`').split_once('`').unwrap();
        let methods = route.methods();
        let methods = if methods.is_empty() { "any".to_owned() } else { methods.join(" ") };
        rows.push((methods, path.to_owned()));
        let rest = rest.trim_start_matches(" and below").trim_start_matches([':', '.', ' ']);
        words.insert(path.to_owned(), cell(rest));
    }
    (rows, words)
}

/// The methods of the services that are declared here, and what their declarations say of them.
fn calls() -> (Vec<Row>, BTreeMap<String, String>) {
    let mut rows = Vec::new();
    let mut words = BTreeMap::new();
    for text in protos() {
        let mut package = String::new();
        let mut service = String::new();
        let mut comment = String::new();
        for line in text.lines().map(str::trim) {
            let name = |start: &str| {
                line.strip_prefix(start).map(|rest| rest.split([' ', '(', ';', '{']).next().unwrap().to_owned())
            };
            if let Some(words) = line.strip_prefix("//") {
                comment.push_str(words);
                continue;
            } else if let Some(name) = name("package ") {
                package = name;
            } else if let Some(name) = name("service ") {
                service = format!("/{package}.{name}");
            } else if let Some(name) = name("rpc ") {
                let path = format!("{service}/{name}");
                rows.push(("gRPC".to_owned(), path.clone()));
                words.insert(path, cell(&comment));
            }
            comment.clear();
        }
    }
    (rows, words)
}

fn protos() -> Vec<String> {
    let root = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("shared/proto");
    let mut folders = vec![root];
    let mut found = Vec::new();
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() { folders.push(path) } else { found.push(path) }
        }
    }
    found.sort();
    found
        .iter()
        .filter(|path| path.extension().is_some_and(|e| e == "proto"))
        .map(|path| std::fs::read_to_string(path).unwrap())
        .collect()
}

/// The whole answer to `GET path`, whatever it is.
fn asked(address: SocketAddr, path: &str) -> String {
    let mut stream = TcpStream::connect(address).unwrap();
    stream.set_read_timeout(Some(Duration::from_secs(60))).unwrap();
    stream
        .write_all(format!("GET {path} HTTP/1.1\r\nhost: {address}\r\nconnection: close\r\n\r\n").as_bytes())
        .unwrap();
    let mut answer = Vec::new();
    let mut part = [0; 4096];
    loop {
        let read = stream.read(&mut part).unwrap();
        answer.extend_from_slice(&part[..read]);
        // Events come for as long as the run lasts; that they come is enough.
        if read == 0 || answer.windows(STREAM.len()).any(|part| part == STREAM) {
            return String::from_utf8_lossy(&answer).into_owned();
        }
    }
}

/// In the head of an answer that has no end.
const STREAM: &[u8] = b"text/event-stream";

fn body(answer: &str) -> &str {
    answer.split_once("\r\n\r\n").map_or("", |(_, body)| body)
}
