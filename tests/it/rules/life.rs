//! How rules end: by themselves, whatever became of who installed them, and never before they are due.

use std::net::SocketAddr;

use serde_json::json;
use shared::protocol::Protocol;

use super::admin::Admin;
use super::ask::Seen;
use super::http1::Connection;
use crate::fixture::{RunningTarget, eventually, run};
use crate::process::{FREE_PORTS, Process};

fn seen(http: SocketAddr) -> Seen {
    Seen::of(&Connection::open(http).get("/", &[]))
}

async fn until(what: &str, http: SocketAddr, wanted: impl Fn(&Seen) -> bool) {
    eventually(what, async || {
        let seen = seen(http);
        if wanted(&seen) { Ok(()) } else { Err(seen) }
    })
    .await;
}

#[test]
fn the_rule_of_a_client_that_was_killed_ends_by_itself() {
    let (_target, http, admin) = Process::target();
    let admin_text = admin.to_string();
    run(async {
        let apply = ["fault", "apply", "orphan", "--ttl", "2s", "--protocol", "http", "--fault", "status=503"];
        let more = ["--admin", &admin_text, "--wait-injected", "1000000", "--timeout", "60s"];
        let client = Process::start("injector", &[&apply[..], &more].concat());
        until("the rule strikes", http, |seen| seen.rule.as_deref() == Some("orphan")).await;
        client.signal("KILL");
        assert_eq!(client.end().0, None, "killed");
        // Nobody looks at the admin listener meanwhile.
        until("the rule is over", http, |seen| *seen == Seen::plain(Protocol::Http)).await;
        let ended = Admin(admin).rule("orphan");
        assert_eq!((&ended["state"], &ended["ended_by"]), (&json!("expired"), &json!("ttl")));
        assert_eq!(ended["expires_in_seconds"], json!(0.0));
        assert!(ended["injected"].as_u64().unwrap() > 0, "{ended}");
        assert_eq!(Admin(admin).call("POST", "/faults/orphan/renew", Some(&json!({ "ttl": "1m" }))).status, 404);
    });
}

#[test]
fn renewing_keeps_a_rule_alive_past_its_time_and_writing_it_again_does_too() {
    run(async {
        let target = RunningTarget::start();
        let (http, admin) = (target.http, Admin(target.admin));
        let rule = |ttl: &str, path: &str| json!({ "ttl": ttl, "match": { "protocol": "http", "path": path }, "fault": "delay=1ms" });
        let renewed = admin.install("renewed", &rule("1s", "/status/201"));
        admin.install("rewritten", &rule("1s", "/status/202"));
        assert_eq!(admin.call("POST", "/faults/renewed/renew", Some(&json!({ "ttl": "1m" }))).status, 200);
        let rewritten = admin.call("PUT", "/faults/rewritten", Some(&rule("1m", "/status/202")));
        assert_eq!(rewritten.status, 200);
        // Younger than both: when this one's second is over, so is theirs.
        admin.install("control", &rule("1s", "/"));
        let is_struck = |path: &str| Connection::open(http).get(path, &[]).header("x-cload-rule").is_some();
        assert!(is_struck("/"), "the control strikes");
        until("the control ends", http, |seen| *seen == Seen::plain(Protocol::Http)).await;
        assert!(is_struck("/status/201") && is_struck("/status/202"));
        assert_eq!(admin.rule("renewed")["created_at"], renewed["created_at"]);
        target.stop().await;
    });
}

#[test]
fn a_rule_waits_for_its_start_and_a_restart_clears_all() {
    let (target, http, admin) = Process::target();
    run(async {
        let rule =
            json!({ "ttl": "1m", "start_after": "500ms", "match": { "protocol": "http" }, "fault": "status=503" });
        let shown = Admin(admin).install("later", &rule);
        assert_eq!(shown["state"], json!("pending"));
        assert_eq!(Admin(admin).counts("later"), [0, 0, 0]);
        until("it begins", http, |seen| seen.rule.as_deref() == Some("later")).await;
        assert_eq!(Admin(admin).rule("later")["state"], json!("active"));
    });
    drop(target);
    // The same ports, so that whoever has the addresses meets the new process.
    let (http_text, admin_text) = (http.to_string(), admin.to_string());
    let same = ["--http-address", &http_text, "--admin-address", &admin_text];
    let mut target = Process::start("target-server", &[&FREE_PORTS[..], &same].concat());
    target.address("admin");
    assert_eq!(seen(http), Seen::plain(Protocol::Http));
    let listing = Admin(admin).call("GET", "/faults", None).json();
    assert_eq!((&listing["faults"], &listing["revision"]), (&json!([]), &json!(0)));
}
