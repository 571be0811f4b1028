//! What the target logs of changes: who made them, and never a token.
//!
//! Of the real program and not of a module: what a process logs is a matter of the whole process.

use std::fs::{self, File};
use std::net::{IpAddr, SocketAddr};

use serde_json::{Value, json};

use super::http1::Connection;
use crate::process::{FREE_PORTS, Process};

const TOKEN: &str = "0123456789abcdef";
const WRONG: &str = "fedcba9876543210";

#[test]
fn a_change_is_logged_with_who_made_it_and_never_the_token() {
    let folder = tempfile::tempdir().unwrap();
    let (token, log) = (folder.path().join("token"), folder.path().join("log"));
    fs::write(&token, TOKEN).unwrap();
    let more = ["--log-level", "trace", "--log-format", "json", "--admin-token-file", token.to_str().unwrap()];
    let mut target = Process::logging("target-server", &[&FREE_PORTS[..], &more].concat(), File::create(&log).unwrap());
    let admin = target.address("admin");
    let rule = json!({
        "owner": "o", "ttl": "1m", "match": { "protocol": "http" }, "fault": "status=503",
    });
    for bearer in [Some(TOKEN), None, Some(WRONG)] {
        let bearer = bearer.map(|token| format!("Bearer {token}"));
        let mut fields = vec![("content-type", "application/json")];
        fields.extend(bearer.as_ref().map(|bearer| ("authorization", bearer.as_str())));
        for method in ["PUT", "GET", "DELETE", "DELETE"] {
            let mut connection = Connection::open(admin);
            let body = if method == "PUT" { rule.to_string() } else { String::new() };
            connection.send(method, "/faults/a", &fields, &body);
            connection.answer();
        }
    }
    target.signal("TERM");
    assert_eq!(target.end().0, Some(0));

    let text = fs::read_to_string(&log).unwrap();
    let lines: Vec<Value> = text.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    let changes = lines.iter().filter(|line| !line["rule"].is_null());
    let said: Vec<_> = changes.map(|line| json!([line["event"], line["rule"], line["owner"], client(line)])).collect();
    let refused = lines.iter().filter(|line| line["message"] == "change refused").count();
    assert_eq!(
        said,
        [json!(["installed", "a", "o", "127.0.0.1"]), json!(["removed", "a", "o", "127.0.0.1"])],
        "{text}"
    );
    assert_eq!(refused, 6, "three changes without a token and three with a wrong one: {text}");
    assert!(!text.contains(TOKEN) && !text.contains(WRONG), "{text}");
}

/// Whose doing a line is, without the port of the connection.
fn client(line: &Value) -> IpAddr {
    line["span"]["client"].as_str().unwrap().parse::<SocketAddr>().unwrap().ip()
}
