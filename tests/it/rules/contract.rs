//! What chaos tools rely on: everything may be sent twice, and an answer says what it is to the letter.

use serde_json::json;

use super::admin::Admin;
use super::http1::Connection;
use crate::fixture::{RunningTarget, run};

#[test]
fn installing_and_rolling_back_may_both_be_repeated() {
    run(async {
        let target = RunningTarget::start();
        let admin = Admin(target.admin);
        let rule = json!({
            "ttl": "5m", "owner": "experiment", "match": { "protocol": "http", "path": "/" }, "fault": "status=503",
        });
        let first = admin.install("steady", &rule);
        assert_eq!(Connection::open(target.http).get("/", &[]).status, 503);
        for _ in 0..2 {
            let again = admin.call("PUT", "/faults/steady", Some(&rule));
            assert_eq!((again.status, again.header("content-type")), (200, Some("application/json")));
            let again = again.json();
            assert_eq!(again["created_at"], first["created_at"], "it is the same rule");
            assert_eq!((&again["hits"], &again["injected"]), (&json!(1), &json!(1)), "with its counts");
        }
        assert_eq!(
            admin
                .call(
                    "POST",
                    "/faults",
                    Some(&json!({ "id": "steady", "ttl": "5m",
            "match": { "protocol": "http" }, "fault": "status=500" }))
                )
                .status,
            409
        );
        for removed in [true, false, false] {
            let answer = admin.call("DELETE", "/faults/steady", None);
            assert_eq!((answer.status, answer.header("content-type")), (200, Some("application/json")));
            assert_eq!(answer.json()["removed"], json!(removed));
        }
        assert_eq!(admin.call("DELETE", "/faults/never-was", None).status, 200);
        let ended = admin.rule("steady");
        assert_eq!((&ended["state"], &ended["injected"]), (&json!("removed"), &json!(1)), "proof that it happened");
        target.stop().await;
    });
}

#[test]
fn every_answer_is_json_to_the_letter_and_every_change_must_say_so_too() {
    run(async {
        let target = RunningTarget::start();
        let admin = Admin(target.admin);
        let rule = json!({ "ttl": "5m", "match": { "protocol": "http" }, "fault": "delay=1ms" });
        for (method, path, body, status) in [
            ("PUT", "/faults/a", Some(&rule), 201),
            ("POST", "/faults:validate", Some(&rule), 200),
            ("GET", "/faults", None, 200),
            ("GET", "/faults/a", None, 200),
            ("GET", "/faults/b", None, 404),
            ("GET", "/switch", None, 200),
            ("GET", "/events?since=0", None, 200),
            ("DELETE", "/faults", None, 400),
            ("PATCH", "/faults", None, 405),
            ("POST", "/reset", None, 200),
        ] {
            let answer = admin.call(method, path, body);
            assert_eq!(answer.status, status, "{method} {path}: {answer:?}");
            assert_eq!(answer.header("content-type"), Some("application/json"), "{method} {path}");
            answer.json();
        }
        let text = rule.to_string();
        for (content_type, status) in
            [("application/json", 201), ("application/json; charset=utf-8", 200), ("text/plain", 415), ("", 415)]
        {
            let mut connection = Connection::open(target.admin);
            let headers = [("content-type", content_type)];
            let headers = if content_type.is_empty() { &[][..] } else { &headers };
            connection.send("PUT", "/faults/typed", headers, &text);
            assert_eq!(connection.answer().status, status, "{content_type:?}");
        }
        let events = admin.call("GET", "/events?since=0", None).json();
        let kinds: Vec<&str> =
            events["events"].as_array().unwrap().iter().map(|event| event["kind"].as_str().unwrap()).collect();
        assert_eq!(kinds, ["installed", "removed", "installed", "renewed"]);
        target.stop().await;
    });
}
