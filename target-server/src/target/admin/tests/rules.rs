//! Rules, the switch and the events, as a client sees them.

use std::time::Duration;

use tokio::time::advance;

use super::*;

/// One call: method, path, body, expected status, and fields of the answer (JSON pointer and value).
type Call<'a> = (&'a str, &'a str, &'a str, u16, &'a [(&'a str, Value)]);

async fn story(admin: &Admin, calls: &[Call<'_>]) {
    for (n, (method, path, body, status, fields)) in calls.iter().enumerate() {
        let told = admin.ask(method, path, body).await;
        assert_eq!(told.status, *status, "call {n}: {method} {path}: {told:?}");
        for (pointer, value) in *fields {
            let held = told.body.pointer(pointer).unwrap_or(&Value::Null);
            assert_eq!(held, value, "call {n}: {method} {path}: {pointer}: {told:?}");
        }
    }
}

#[tokio::test]
async fn a_rule_is_installed_shown_renewed_and_removed() {
    for prefix in ["", "/admin/v1"] {
        let admin = Admin::open();
        let [all, one, renew, owned, foreign] =
            ["/faults", "/faults/a", "/faults/a/renew", "/faults?owner=o", "/faults?owner=p"]
                .map(|path| format!("{prefix}{path}"));
        let active = format!("{all}?state=active&owner=o");
        let ended = format!("{all}?state=removed");
        let named = RULE.replace("{\"owner\"", "{\"id\":\"a\",\"owner\"");
        story(
            &admin,
            &[
                ("GET", &all, "", 200, &[("/faults", json!([]))]),
                ("GET", &one, "", 404, &[("/error/code", json!("not_found"))]),
                ("PUT", &one, RULE, 201, &[("/id", json!("a")), ("/state", json!("active")), ("/ttl", json!("5m"))]),
                ("PUT", &one, RULE, 200, &[("/id", json!("a")), ("/hits", json!(0)), ("/injected", json!(0))]),
                ("PUT", &one, &named, 200, &[("/id", json!("a"))]),
                ("POST", &all, &named, 409, &[("/error/code", json!("exists")), ("/error/field", json!("id"))]),
                ("GET", &one, "", 200, &[("/owner", json!("o")), ("/fault", json!("status=503"))]),
                ("GET", &active, "", 200, &[("/faults/0/id", json!("a")), ("/faults/1", Value::Null)]),
                ("GET", &ended, "", 200, &[("/faults", json!([]))]),
                ("POST", &renew, r#"{"ttl":"2m"}"#, 200, &[("/state", json!("active"))]),
                ("DELETE", &one, "", 200, &[("/removed", json!(true))]),
                ("DELETE", &one, "", 200, &[("/removed", json!(false))]),
                ("GET", &one, "", 200, &[("/state", json!("removed")), ("/ended_by", json!("removed"))]),
                ("POST", &renew, r#"{"ttl":"2m"}"#, 404, &[("/error/code", json!("not_found"))]),
                ("GET", &ended, "", 200, &[("/faults/0/id", json!("a"))]),
                ("POST", &all, &named, 201, &[("/state", json!("active"))]),
                ("DELETE", &foreign, "", 200, &[("/removed", json!(0))]),
                ("DELETE", &owned, "", 200, &[("/removed", json!(1))]),
                ("DELETE", &owned, "", 200, &[("/removed", json!(0))]),
            ],
        )
        .await;
    }
}

#[tokio::test]
async fn an_installed_rule_says_where_it_is() {
    let admin = Admin::open();
    for prefix in ["", "/admin/v1"] {
        let told = admin.ask("POST", &format!("{prefix}/faults"), RULE).await;
        let (place, id) = (told.headers["location"].to_str().unwrap(), told.body["id"].as_str().unwrap());
        assert_eq!(place, format!("{prefix}/faults/{id}"));
        assert_eq!(admin.ask("GET", place, "").await.body["id"], id);
        let told = admin.ask("PUT", &format!("{prefix}/faults/b{}", prefix.len()), RULE).await;
        assert_eq!(told.headers["location"].to_str().unwrap(), format!("{prefix}/faults/b{}", prefix.len()));
    }
}

#[tokio::test]
async fn a_dry_run_installs_nothing() {
    let admin = Admin::open();
    let body = r#"{"ttl":"5m","match":{"protocol":"http"},"percent":50,"fault":"status=503:50&delay=20ms"}"#;
    let told = admin.ask("POST", "/faults:validate", body).await;
    assert_eq!((told.status, &told.body["rule"]["ttl"]), (200, &json!("5m")), "{told:?}");
    assert_eq!(admin.ask("GET", "/faults", "").await.body["faults"], json!([]));
    let told = admin.ask("POST", "/admin/v1/faults:validate", r#"{"ttl":"5m"}"#).await;
    assert_eq!((told.status, told.error("code")), (400, "bad_rule"));
}

#[tokio::test]
async fn everything_can_be_removed_at_once() {
    let admin = Admin::open();
    for path in ["/faults/a", "/faults/b"] {
        assert_eq!(admin.ask("PUT", path, RULE).await.status, 201);
    }
    assert_eq!(admin.ask("POST", "/reset", "").await.body, json!({ "removed": 2 }));
    assert_eq!(admin.ask("POST", "/admin/v1/reset", "").await.body, json!({ "removed": 0 }));
}

#[tokio::test]
async fn no_more_rules_than_may_be() {
    let admin = Admin::open();
    for n in 0..crate::rules::LIVE_MAX {
        assert_eq!(admin.ask("PUT", &format!("/faults/r{n}"), RULE).await.status, 201);
    }
    let told = admin.ask("PUT", "/faults/one-more", RULE).await;
    assert_eq!((told.status, told.error("code"), told.error("limit")), (409, "too_many_rules", "64"));
    assert_eq!(admin.ask("PUT", "/faults/r0", RULE).await.status, 200, "what is there may be replaced");
}

#[tokio::test(start_paused = true)]
async fn a_rule_that_is_over_is_not_renewed() {
    let admin = Admin::open();
    admin.ask("PUT", "/faults/a", &RULE.replace("5m", "10s")).await;
    advance(Duration::from_secs(9)).await;
    assert_eq!(admin.ask("POST", "/faults/a/renew", r#"{"ttl":"10s"}"#).await.status, 200);
    advance(Duration::from_secs(9)).await;
    assert_eq!(admin.ask("GET", "/faults/a", "").await.body["state"], "active");
    advance(Duration::from_secs(2)).await;
    let told = admin.ask("GET", "/faults/a", "").await;
    assert_eq!((&told.body["state"], &told.body["ended_by"]), (&json!("expired"), &json!("ttl")));
    assert_eq!(admin.ask("POST", "/faults/a/renew", r#"{"ttl":"10s"}"#).await.status, 404);
    assert_eq!(admin.ask("DELETE", "/faults/a", "").await.body, json!({ "removed": false }));
    assert_eq!(admin.ask("PUT", "/faults/a", RULE).await.status, 201, "the id is free again");
}

#[tokio::test(start_paused = true)]
async fn the_switch_comes_back_by_itself() {
    let admin = Admin::open();
    let enabled = async || admin.ask("GET", "/switch", "").await.body["enabled"].as_bool().unwrap();
    assert!(enabled().await);
    let told = admin.ask("PUT", "/switch", r#"{"enabled":false,"ttl":"1h"}"#).await;
    assert_eq!((told.status, &told.body["enabled"]), (200, &json!(false)), "{told:?}");
    assert_eq!(told.body["expires_in_seconds"].as_f64().unwrap().round(), 3600.0);
    advance(Duration::from_secs(3599)).await;
    assert!(!enabled().await);
    advance(Duration::from_secs(2)).await;
    assert!(enabled().await);

    admin.ask("PUT", "/admin/v1/switch", r#"{"enabled":false}"#).await;
    advance(Duration::from_secs(100_000)).await;
    assert!(!enabled().await, "off without an end is off");
    assert_eq!(admin.ask("PUT", "/switch", r#"{"enabled":true}"#).await.body["enabled"], true);
}

#[tokio::test]
async fn events_are_told_from_where_one_left_off() {
    let admin = Admin::open();
    admin.ask("PUT", "/faults/a", RULE).await;
    let told = admin.ask("GET", "/events", "").await;
    assert_eq!((&told.body["events"][0]["kind"], &told.body["events"][0]["rule"]), (&json!("installed"), &json!("a")));
    let seen = told.body["revision"].as_u64().unwrap();
    assert_eq!(admin.ask("GET", &format!("/events?since={seen}"), "").await.body["events"], json!([]));
    admin.ask("DELETE", "/faults/a", "").await;
    let told = admin.ask("GET", &format!("/admin/v1/events?since={seen}"), "").await;
    assert_eq!(told.body["events"].as_array().unwrap().len(), 1);
    assert_eq!((&told.body["events"][0]["kind"], &told.body["missed"]), (&json!("removed"), &json!(false)));
}
