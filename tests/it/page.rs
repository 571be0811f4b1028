//! The target's page: what it tells people to paste does what it says, with the real clients.

use std::io::{Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::process::{Command, Stdio};
use std::time::Duration;

use serde_json::{Value, json};

use crate::process::{FREE_PORTS, Process, get};
use crate::tools::require;

/// A target, and where its HTTP is.
fn target(flags: &[&str]) -> (Process, SocketAddr) {
    let mut target = Process::start("target-server", &[&FREE_PORTS[..], flags].concat());
    let http = target.address("http");
    (target, http)
}

/// The whole answer to one request, as text; empty if the connection broke.
fn asked(address: SocketAddr, head: &str, body: &str) -> String {
    let mut stream = TcpStream::connect(address).unwrap();
    stream.set_read_timeout(Some(Duration::from_secs(60))).unwrap();
    let length = body.len();
    let head = format!("{head}\r\nhost: {address}\r\nconnection: close\r\ncontent-length: {length}\r\n\r\n{body}");
    stream.write_all(head.as_bytes()).unwrap();
    let mut answer = Vec::new();
    let _ = stream.read_to_end(&mut answer);
    String::from_utf8_lossy(&answer).into_owned()
}

/// What the page shows for a fault.
fn composed(http: SocketAddr, fault: &str) -> Value {
    let body = json!({ "fault": fault, "origin": format!("http://{http}") }).to_string();
    let answer = asked(http, "POST /page/compose HTTP/1.1", &body);
    let (head, body) = answer.split_once("\r\n\r\n").unwrap();
    assert!(head.starts_with("HTTP/1.1 200"), "{fault}: {answer}");
    serde_json::from_str(body).unwrap()
}

/// The line of one carrier.
fn line(http: SocketAddr, fault: &str, carrier: &str) -> String {
    let composed = composed(http, fault);
    let lines = composed["lines"].as_array().unwrap();
    let line = lines.iter().find(|line| line["carrier"] == carrier).unwrap();
    line["text"].as_str().unwrap_or_else(|| panic!("{fault}, {carrier}: {line}")).to_owned()
}

/// What a shell makes of a line, standard error with it.
fn shell(line: &str) -> String {
    let output = Command::new("timeout")
        .args(["60", "sh", "-c", line])
        .stdin(Stdio::null())
        .output()
        .expect("timeout and sh are everywhere");
    String::from_utf8_lossy(&output.stdout).into_owned() + &String::from_utf8_lossy(&output.stderr)
}

/// Pastes the line of each (fault, what is then seen).
fn paste(tool: &str, carrier: &str, rows: &[(&str, &[&str])]) {
    if require(tool).is_none() {
        return;
    }
    let (_target, http) = target(&[]);
    let mut wrong = Vec::new();
    for (fault, wanted) in rows {
        let line = line(http, fault, carrier);
        let seen = shell(&line);
        if let Some(word) = wanted.iter().find(|word| !seen.contains(**word)) {
            wrong.push(format!("{line}\n  without {word:?}:\n{seen}"));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn the_lines_of_curl_do_what_they_say() {
    let rows: [(&str, &[&str]); 7] = [
        ("status=503&delay=20ms", &["HTTP/1.1 503", "x-cload-fault: status=503; delay=20ms"]),
        ("header=x-it:it's%20%22so%22", &["x-it: it's \"so\""]),
        ("size=1KiB&fault=abort&at=50%", &["HTTP/1.1 200", "curl: (18)"]),
        ("fault=reset", &["curl: (56)"]),
        ("read=first(2)&status=413", &["HTTP/1.1 413"]),
        ("size=3&trailer=x-end:1", &["trailer: x-end"]),
        ("size=64KiB&body=text&gzip=true", &["content-encoding: gzip"]),
    ];
    paste("curl", "curl", &rows);
    let rows: [(&str, &[&str]); 2] = [("status=503", &["HTTP/2 503"]), ("fault=h2rst(CANCEL)", &["CANCEL"])];
    paste("curl", "curl2", &rows);
}

#[test]
fn the_lines_of_nc_do_what_they_say() {
    let rows: [(&str, &[&str]); 5] = [
        ("delay=20ms&mode=upper", &["CL/1 OK ", " plan=delay:20ms", "HELLO"]),
        ("bytes=5&ack=0", &["\0\0\0\0\0"]),
        ("fault=abort&at=50%&size=8", &["fault:abort,at:50%"]),
        ("p=100&id=demo", &["id=demo", "hello"]),
        ("ack=0", &["hello"]),
    ];
    paste("nc", "nc", &rows);
    let rows: [(&str, &[&str]); 4] = [
        ("delay=20ms", &["CL/1 OK ", " plan=delay:20ms", "hello"]),
        ("dup=true&ack=0", &["hellohello"]),
        ("size=500&id=demo", &["CL/1 OK id=demo"]),
        ("delay=1ms..5ms&p=100", &["CL/1 OK "]),
    ];
    paste("nc", "nc-u", &rows);
}

#[test]
fn the_lines_of_dig_do_what_they_say() {
    let rows: [(&str, &[&str]); 7] = [
        ("rcode=SERVFAIL&delay=20ms", &["status: SERVFAIL"]),
        ("count=3&ttl=5s", &["ANSWER: 3"]),
        ("answer=who", &["transport=udp", "client=127.0.0.1"]),
        ("addr=2001:db8::1", &["2001:db8::1"]),
        ("rcode=REFUSED&over=tcp", &["status: REFUSED", "(TCP)"]),
        ("nodata=true&ede=22", &["status: NOERROR", "ANSWER: 0", "EDE: 22"]),
        // No label says it: it goes by the EDNS option.
        ("rcode=REFUSED&delay=exp(1ms,max=5ms)", &["status: REFUSED"]),
    ];
    paste("dig", "dig", &rows);
}

#[test]
fn the_line_of_a_rule_installs_it_and_the_page_shows_it() {
    if require("curl").is_none() {
        return;
    }
    let (_target, http) = target(&[]);
    let state = || serde_json::from_str::<Value>(&get(http, "/page/state")).unwrap();
    assert_eq!(state()["rules"], json!([]));
    let said = shell(&line(http, "status=503", "rule"));
    assert!(said.contains("\"state\":\"active\""), "{said}");
    let state = state();
    let rule = &state["rules"][0];
    assert_eq!((&rule["fault"], &rule["protocols"]), (&json!("status=503"), &json!(["http", "http2"])));
    let left = rule["expires_in_seconds"].as_f64().unwrap();
    assert!(left > 0.0 && left <= 60.0, "{left}");
}

/// A rule strikes whoever asks for nothing, the page at `/` too; below `/page/` all goes on.
#[test]
fn a_rule_that_breaks_everything_leaves_the_page_a_door() {
    let (mut target, http) = target(&[]);
    let admin = target.address("admin");
    let rule = json!({ "id": "all", "ttl": "5m", "match": { "protocol": "http" }, "fault": "fault=reset" }).to_string();
    let put = asked(admin, "PUT /faults/all HTTP/1.1\r\ncontent-type: application/json", &rule);
    assert!(put.starts_with("HTTP/1.1 201"), "{put}");
    assert_eq!(asked(http, "GET / HTTP/1.1\r\nuser-agent: Mozilla/5.0", ""), "");
    for path in ["/page/", "/page/state", "/page/target.js", "/page/base.css", "/page/target.css"] {
        // Nor does it hear a fault of the request's own.
        let answer = asked(http, &format!("GET {path}?status=503 HTTP/1.1\r\nx-cload-fault: fault=empty"), "");
        let head = answer.split("\r\n\r\n").next().unwrap();
        assert!(head.starts_with("HTTP/1.1 200") && !head.contains("x-cload-fault"), "{path}: {head}");
    }
    assert!(composed(http, "status=503")["errors"].as_array().unwrap().is_empty());
}

#[test]
fn only_browsers_get_the_page_and_what_they_have_they_keep() {
    let (_target, http) = target(&["--prefix", "/foo"]);
    let page = asked(http, "GET /foo HTTP/1.1\r\nuser-agent: Mozilla/5.0", "");
    assert!(page.contains("content-type: text/html") && page.contains("\"/foo/page/target.js\""), "{page}");
    let tag = page.lines().find_map(|line| line.strip_prefix("etag: ")).unwrap();
    let again = asked(http, &format!("GET /foo/page/ HTTP/1.1\r\nif-none-match: {tag}"), "");
    assert!(again.starts_with("HTTP/1.1 304") && again.ends_with("\r\n\r\n"), "{again}");
    let program = asked(http, "GET /foo HTTP/1.1\r\naccept: */*", "");
    assert!(program.contains("content-type: application/json") && program.contains("\"num_goroutine\""), "{program}");

    let (_target, http) = target_without_podinfo();
    let echo = asked(http, "GET /page/ HTTP/1.1\r\nuser-agent: Mozilla/5.0", "hello");
    assert!(echo.ends_with("\r\n\r\nhello"), "every path is an echo: {echo}");
}

fn target_without_podinfo() -> (Process, SocketAddr) {
    target(&["--compat", "none"])
}
