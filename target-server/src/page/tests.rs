//! The page by requests, without a socket.

use std::net::Ipv4Addr;

use serde_json::{Value, json};

use super::*;

const HERE: IpAddr = IpAddr::V4(Ipv4Addr::LOCALHOST);
/// Outside of the networks that may ask for faults: data, no socket sees it.
const STRANGER: IpAddr = IpAddr::V4(Ipv4Addr::BROADCAST);

fn page() -> Page {
    Page::new(About::tested(&Ui::default(), "/"))
}

fn get(page: &Page, path: &str) -> Plain {
    page.answer(&Method::GET, path, &HeaderMap::new(), HERE, &Bytes::new())
}

fn post(page: &Page, body: &str) -> (u16, Value) {
    let answer = page.answer(&Method::POST, "/page/compose", &HeaderMap::new(), HERE, &Bytes::from(body.to_owned()));
    assert_eq!(answer.headers[CACHE_CONTROL], "no-store");
    (answer.status.as_u16(), serde_json::from_slice(&answer.body).unwrap())
}

fn composed(page: &Page, fault: &str) -> Value {
    let (status, composed) = post(page, &json!({ "fault": fault, "origin": "http://127.0.0.1:9898" }).to_string());
    assert_eq!(status, 200, "{fault}: {composed}");
    composed
}

fn text(plain: &Plain) -> &str {
    std::str::from_utf8(&plain.body).unwrap()
}

#[test]
fn the_page_is_small_and_needs_nothing_but_itself() {
    let page = page();
    let document = get(&page, "/page/");
    let mut bytes = document.body.len();
    for file in FILES {
        let answer = get(&page, &format!("/page/{}", file.name));
        assert_eq!(answer.headers["content-type"], file.content_type);
        assert_eq!(answer.headers["content-security-policy"], POLICY);
        assert!(text(&document).contains(&format!("\"/page/{}\"", file.name)) || file.name == "target.js");
        for word in ["http://", "https://", "innerHTML", "outerHTML", "insertAdjacent", "document.write", "eval("] {
            assert!(!text(&answer).contains(word), "{}: {word}", file.name);
        }
        bytes += answer.body.len();
    }
    // Its script is the only one, and no style or handler stands in the text: the policy would keep them from working.
    for (word, times) in [("<script", 1), ("<style", 0), (" style=", 0), (" onclick=", 0), ("{{", 0), ("://", 0)] {
        assert_eq!(text(&document).matches(word).count(), times, "{word}");
    }
    assert!(bytes < 64 << 10, "{bytes} bytes");
}

#[test]
fn what_is_below_is_there_by_its_method_or_refused() {
    let page = page();
    for (method, path, status) in [
        ("GET", "/page/", 200),
        ("HEAD", "/page/", 200),
        ("GET", "/page/state", 200),
        ("GET", "/page/base.css", 200),
        ("POST", "/page/base.css", 405),
        ("POST", "/page/state", 405),
        ("GET", "/page/compose", 405),
        ("POST", "/page/compose", 400),
        ("GET", "/page/index.html", 404),
        ("GET", "/page/../etc/passwd", 404),
        ("POST", "/page/nothing", 404),
    ] {
        let answer = page.answer(&method.parse().unwrap(), path, &HeaderMap::new(), HERE, &Bytes::new());
        assert_eq!(answer.status.as_u16(), status, "{method} {path}");
        assert_eq!(answer.error.is_some(), status >= 400, "{method} {path}");
    }
}

#[test]
fn a_picture_may_come_from_where_the_operator_says_and_nowhere_else() {
    for (logo, allowed) in [
        ("", ""),
        ("data:,", ""),
        ("https://example.org/a.png;x", " https://example.org"),
        ("http://example.org:8080/a", " http://example.org:8080"),
        ("javascript:alert(1)", ""),
        ("x; script-src *", ""),
    ] {
        let policy = policy(logo);
        let expected = POLICY.replace("img-src 'self' data:", &format!("img-src 'self' data:{allowed}"));
        assert_eq!(policy.to_str().unwrap(), expected, "{logo}");
    }
}

#[test]
fn a_fault_is_told_in_words_and_mistakes_by_their_place() {
    let page = page();
    let told = composed(&page, " delay=50ms&status=503:5 ");
    assert_eq!(told["fault"], "status=503:5&delay=50ms");
    assert_eq!(told["asks"][0]["percent"], 5.0);
    assert_eq!(told["asks"][1]["meaning"], "before the first byte of the answer");
    assert_eq!(told["delay"]["p99_seconds"], 0.05);
    assert!(told["withheld"].is_null());

    let wrong = composed(&page, "status=503&dely=1s");
    assert!(wrong["fault"].is_null() && wrong["lines"] == json!([]));
    let error = &wrong["errors"][0];
    assert_eq!(
        (&error["parameter"], &error["position"], &error["value"]),
        (&json!("dely"), &json!(11), &json!("dely"))
    );
    assert_eq!(composed(&page, "")["lines"], json!([]));
    let too_long = composed(&page, &format!("id={}", "x".repeat(3000)));
    assert_eq!(too_long["errors"][0]["code"], "spec_too_long");
}

#[test]
fn a_request_that_makes_no_sense_is_refused_in_words() {
    let page = page();
    let long = json!({ "fault": "x".repeat(9 << 10), "origin": "http://a" }).to_string();
    for (body, reason) in [
        ("", "EOF"),
        ("{\"fault\": \"\"}", "missing field `origin`"),
        ("{\"fault\": \"\", \"origin\": \"x\"}", "origin \"x\" is none"),
        ("{\"fault\": \"\", \"origin\": \"javascript:alert(1)\"}", "is none"),
        ("{\"fault\": \"\", \"origin\": \"file:///etc\"}", "is none"),
        (long.as_str(), "expected at most 8192"),
    ] {
        let (status, said) = post(&page, body);
        assert_eq!(status, 400, "{body}");
        assert!(said["message"].as_str().unwrap().contains(reason), "{body}: {said}");
    }
}

#[test]
fn rules_are_shown_without_what_is_nobodys_business() {
    let page = page();
    let written = json!({
        "id": "one", "owner": "team-secret", "reason": "because-secret", "ttl": "1m", "percent": 25, "fault": "status=503",
        "match": { "protocol": ["http", "http2"], "headers": { "authorization": "Bearer secret" } },
    });
    page.about.rules.put(serde_json::from_value(written).unwrap()).unwrap();
    let state = get(&page, "/page/state");
    assert!(!text(&state).contains("secret"), "{}", text(&state));
    let state: Value = serde_json::from_slice(&state.body).unwrap();
    let rule = &state["rules"][0];
    for (name, expected) in [
        ("id", json!("one")),
        ("state", json!("active")),
        ("fault", json!("status=503")),
        ("percent", json!(25)),
        ("protocols", json!(["http", "http2"])),
        ("is_narrowed", json!(true)),
        ("hits", json!(0)),
    ] {
        assert_eq!(rule[name], expected, "{name}");
    }
    assert!(rule["expires_in_seconds"].as_f64().unwrap() > 30.0);
    assert_eq!(state["listeners"][0], json!({ "name": "http", "port": 9898 }));

    let others = page.answer(&Method::GET, "/page/state", &HeaderMap::new(), STRANGER, &Bytes::new());
    let others: Value = serde_json::from_slice(&others.body).unwrap();
    assert_eq!((&others["rules"], &others["withheld"]), (&Value::Null, &json!("forbidden")));
    page.about.rules.remove(&"one".parse().unwrap()).unwrap();
    let state: Value = serde_json::from_slice(&get(&page, "/page/state").body).unwrap();
    assert_eq!(state["rules"], json!([]), "what ended is the admin listener's business");
}

#[test]
fn a_rule_that_the_admin_listener_would_refuse_is_no_line() {
    let page = page();
    let rule = |fault: &str| composed(&page, fault)["lines"].as_array().unwrap().last().unwrap().clone();
    let line = rule("status=503");
    assert_eq!(line["carrier"], "rule");
    assert_eq!(
        line["text"],
        "curl -sS -H 'content-type: application/json' -d '{\"fault\":\"status=503\",\"match\":{\"protocol\":[\"http\",\"http2\"]},\
         \"ttl\":\"1m\"}' http://127.0.0.1:9797/faults"
    );
    for (fault, reason) in [("size=1KiB", "fault"), ("status=503&seed=1", "seed"), ("status=503&id=x", "id")] {
        let line = rule(fault);
        assert!(line["refused"].as_str().unwrap().contains(reason), "{fault}: {line}");
    }
}
