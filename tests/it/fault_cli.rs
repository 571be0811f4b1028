//! `injector fault` as a process, against target processes: what it does on each, prints, and exits with.

mod files;

use std::io::Write;
use std::net::SocketAddr;
use std::process::Output;

use serde_json::{Value, json};
use tempfile::NamedTempFile;

use crate::fixture::{eventually, refusing_port, run};
use crate::process::{FREE_PORTS, Process, get, output};
use crate::rules::admin::Admin;

const FAILED: Option<i32> = Some(1);
const USAGE: Option<i32> = Some(2);
const UNREACHABLE: Option<i32> = Some(97);
/// A rule of an experiment on HTTP/1.1.
const RULE: [&str; 8] = ["cart-503", "--ttl", "5m", "--protocol", "http", "--fault", "status=503", "--owner=team/cart"];

/// What `injector fault` did.
#[derive(Debug)]
struct Did {
    code: Option<i32>,
    out: String,
    err: String,
}

impl Did {
    fn json(&self) -> Value {
        serde_json::from_str(&self.out).unwrap_or_else(|error| panic!("{error}: {self:?}"))
    }

    #[track_caller]
    fn assert_says(&self, code: Option<i32>, words: &[&str]) {
        assert_eq!(self.code, code, "{self:?}");
        for words in words {
            assert!(self.out.contains(words) || self.err.contains(words), "no {words:?} in {self:?}");
        }
    }
}

fn fault(command: &str, admins: &[SocketAddr], arguments: &[&str]) -> Did {
    let admins = admins.iter().map(SocketAddr::to_string).collect::<Vec<String>>().join(",");
    let all = [&["fault", command][..], arguments, &["--admin", &admins]].concat();
    let Output { status, stdout, stderr } = output("injector", &all);
    let text = |bytes: Vec<u8>| String::from_utf8(bytes).unwrap();
    Did { code: status.code(), out: text(stdout), err: text(stderr) }
}

/// A file with this text.
fn file(text: &str, suffix: &str) -> NamedTempFile {
    let mut file = tempfile::Builder::new().suffix(suffix).tempfile().unwrap();
    file.write_all(text.as_bytes()).unwrap();
    file
}

#[test]
fn a_rule_is_applied_listed_renewed_and_removed_on_one_replica_and_on_two() {
    let targets = [Process::target(), Process::target()];
    for count in [1, 2] {
        let admins: Vec<SocketAddr> = targets[..count].iter().map(|(_, _, admin)| *admin).collect();
        fault("apply", &admins, &RULE).assert_says(Some(0), &["installed, active, ends in 5m"]);
        fault("apply", &admins, &RULE).assert_says(Some(0), &["replaced"]);
        for admin in &admins {
            assert_eq!(Admin(*admin).rule("cart-503")["owner"], json!("team/cart"));
        }
        let listed = fault("list", &admins, &["--state", "active", "--owner", "team/cart"]);
        listed.assert_says(Some(0), &["cart-503", "status=503", "protocol=http"]);
        assert_eq!(listed.out.matches("cart-503").count(), count, "{listed:?}");
        fault("list", &admins, &["--owner", "team/other"]).assert_says(Some(0), &["no rules on"]);
        fault("renew", &admins, &["cart-503", "--ttl", "2m"]).assert_says(Some(0), &["renewed, active, ends in 2m"]);
        fault("renew", &admins, &["nobody", "--ttl", "2m"]).assert_says(FAILED, &["nobody"]);
        fault("remove", &admins, &["cart-503"]).assert_says(Some(0), &["removed"]);
        fault("remove", &admins, &["cart-503"]).assert_says(Some(0), &["nothing to remove"]);
        fault("apply", &admins, &RULE).assert_says(Some(0), &[]);
        fault("remove", &admins, &["--owner", "team/cart"]).assert_says(Some(0), &["removed 1"]);

        fault("switch", &admins, &["off", "--ttl", "10m"]).assert_says(Some(0), &["enabled=false"]);
        fault("switch", &admins, &["--json"]).assert_says(Some(0), &["\"enabled\":false"]);
        fault("switch", &admins, &["on"]).assert_says(Some(0), &["enabled=true"]);
        let events = fault("events", &admins, &["--since", "0"]);
        events.assert_says(Some(0), &["kind=installed", "kind=renewed", "kind=removed", "kind=switched"]);
        let listed = fault("list", &admins, &["--json"]).json();
        assert_eq!(listed["ok"], json!(true));
        for replica in listed["replicas"].as_array().unwrap() {
            assert_eq!(replica["list"]["faults"][0]["state"], json!("removed"), "{replica}");
        }
    }
}

#[test]
fn a_wait_ends_when_the_fault_has_reached_requests_on_all_replicas_together() {
    let targets = [Process::target(), Process::target()];
    let admins = targets.each_ref().map(|(_, _, admin)| *admin);
    let waiting = [&RULE[..], &["--wait-injected", "6", "--timeout", "20s", "--json"]].concat();
    let did = std::thread::scope(|scope| {
        let apply = scope.spawn(|| fault("apply", &admins, &waiting));
        run(eventually("the rule is everywhere", async || {
            let is_there = |admin: &SocketAddr| Admin(*admin).call("GET", "/faults/cart-503", None).status == 200;
            if admins.iter().all(is_there) { Ok(()) } else { Err(()) }
        }));
        for n in 0..6 {
            let (_, http, _) = targets[n % 2];
            assert_eq!(Admin(http).call("GET", "/", None).status, 503);
        }
        apply.join().unwrap()
    });
    assert_eq!(did.code, Some(0), "{did:?}");
    let json = did.json();
    assert_eq!((&json["ok"], &json["end"], &json["injected"]), (&json!(true), &json!("reached"), &json!(6)));
    assert_eq!((&json["replicas"][0]["injected"], &json["replicas"][1]["injected"]), (&json!(3), &json!(3)));
    fault("wait", &admins, &["cart-503", "--injected", "6"]).assert_says(Some(0), &["injected 3"]);

    let did = fault("wait", &admins, &["cart-503", "--injected", "7", "--timeout", "300ms"]);
    did.assert_says(FAILED, &["injected 6 of 7", "within 300ms"]);
    let again = [&RULE[..], &["--wait-injected", "1", "--timeout", "300ms"]].concat();
    fault("apply", &admins, &again).assert_says(FAILED, &["injected 0 of 1"]);
    assert_eq!(Admin(admins[0]).rule("cart-503")["state"], json!("active"), "the rule stays, to be looked at");
    fault("remove", &admins, &["cart-503"]).assert_says(Some(0), &[]);
    fault("wait", &admins, &["cart-503", "--injected", "7"]).assert_says(FAILED, &["over on every replica"]);
    fault("wait", &admins, &["never-was", "--injected", "1"]).assert_says(FAILED, &["no replica has a rule"]);
}

#[test]
fn a_change_needs_the_token_of_the_file() {
    let (right, wrong) = (file("a-token-of-24-characters\n", ""), file("another-token-altogether", ""));
    let short = file("short", "");
    let path = |file: &NamedTempFile| file.path().to_str().unwrap().to_owned();
    let (right_path, wrong_path) = (path(&right), path(&wrong));
    let more = ["--admin-token-file", &right_path];
    let mut target = Process::start("target-server", &[&FREE_PORTS[..], &more].concat());
    let admins = [target.address("admin")];
    let with = |token: &str| fault("apply", &admins, &[&RULE[..], &["--token-file", token]].concat());
    with(&wrong_path).assert_says(FAILED, &["401", "nothing was changed on any replica"]);
    fault("apply", &admins, &RULE).assert_says(FAILED, &["401"]);
    with("/nowhere/token").assert_says(USAGE, &["/nowhere/token"]);
    with(&path(&short)).assert_says(FAILED, &["401"]);
    fault("list", &admins, &[]).assert_says(Some(0), &["no rules on 1 replicas"]);
    let did = with(&right_path);
    did.assert_says(Some(0), &["installed"]);
    for secret in ["a-token-of", "another-token"] {
        assert!(!did.out.contains(secret) && !did.err.contains(secret), "{did:?}");
    }
    fault("remove", &admins, &["cart-503", "--token-file", &wrong_path]).assert_says(FAILED, &["401"]);
    fault("remove", &admins, &["cart-503", "--token-file", &right_path]).assert_says(Some(0), &["removed"]);
}

#[test]
fn a_rule_is_on_every_replica_or_on_none() {
    let (_target, http, admin) = Process::target();
    let (_held, nobody) = refusing_port();
    let did = fault("apply", &[admin, nobody], &RULE);
    did.assert_says(UNREACHABLE, &[&nobody.to_string(), "unreachable", "nothing was changed on any replica"]);
    assert_eq!(Admin(admin).call("GET", "/faults/cart-503", None).status, 404, "nor was it for a moment");

    // One that has no room is asked with success, and refuses the rule.
    let (_full, _, full) = Process::target();
    let matched = json!({ "protocol": "http", "path": "/nowhere" });
    let filling = json!({ "ttl": "5m", "match": matched, "fault": "delay=1ms" });
    (0..64).for_each(|n| drop(Admin(full).install(&format!("full-{n}"), &filling)));
    let did = fault("apply", &[admin, full], &RULE);
    did.assert_says(FAILED, &["409", "rolled back:", "removed again"]);
    assert_eq!(Admin(admin).rule("cart-503")["state"], json!("removed"));
    get(http, "/");

    let before = json!({ "ttl": "5m", "owner": "before", "match": { "protocol": "http" }, "fault": "status=500" });
    Admin(admin).call("PUT", "/faults/cart-503", Some(&before));
    let did = fault("apply", &[admin, full], &[&RULE[..], &["--json"]].concat());
    assert_eq!(did.code, FAILED, "{did:?}");
    for replica in did.json()["replicas"].as_array().unwrap() {
        let is_full = replica["address"] == json!(full.to_string());
        let rollback = if is_full { Value::Null } else { json!("the rule of before restored") };
        assert_eq!((&replica["ok"], &replica["rollback"]), (&json!(!is_full), &rollback), "{replica}");
    }
    let restored = Admin(admin).rule("cart-503");
    assert_eq!((&restored["owner"], &restored["fault"]), (&json!("before"), &json!("status=500")));
    assert_eq!(restored["state"], json!("active"));
}
