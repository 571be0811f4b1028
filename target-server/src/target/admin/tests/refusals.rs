//! Requests that are wrong in themselves.

use std::io;

use axum::body::Bytes;
use futures_util::stream;
use proptest::prelude::*;

use super::*;
use crate::rules::Written;

#[tokio::test]
async fn an_error_names_what_is_wrong_and_what_would_do() {
    let admin = Admin::open();
    let cases: &[(&str, &str, &str, u16, &str, &str, &str)] = &[
        // method, path, body → status, code, field, words in reason or expected
        ("POST", "/faults", "", 415, "bad_content_type", "content-type", "application/json"),
        ("POST", "/faults", "{", 400, "bad_json", "", "line 1 column 1"),
        ("POST", "/faults", "{\n \"ttl\" \"5m\" }", 400, "bad_json", "", "line 2 column"),
        ("POST", "/faults", "[]", 400, "bad_value", "", "line 1 column"),
        ("POST", "/faults", "{} {}", 400, "bad_json", "", "trailing characters"),
        ("POST", "/faults", r#"{"precent":5}"#, 400, "unknown_field", "precent", "did you mean percent?"),
        ("POST", "/faults", r#"{"zzz":5}"#, 400, "unknown_field", "zzz", "owner, reason, ttl"),
        ("POST", "/faults", r#"{"match":{"pth":""}}"#, 400, "unknown_field", "match.pth", "did you mean path?"),
        ("POST", "/faults", r#"{"ttl":"1m","ttl":"2m"}"#, 400, "bad_value", "ttl", "duplicate field"),
        ("POST", "/faults", r#"{"ttl":5}"#, 400, "bad_value", "ttl", "a string"),
        ("POST", "/faults", r#"{"match":{"path":["/"]}}"#, 400, "bad_value", "match.path", "a string"),
        (
            "POST",
            "/faults",
            r#"{"match":{"method":5}}"#,
            400,
            "bad_value",
            "match.method",
            "a string or a list of strings",
        ),
        ("POST", "/faults", r#"{"ramp":{"from":0}}"#, 400, "bad_value", "ramp.over", "missing field"),
        ("POST", "/faults", r#"{"every":-1}"#, 400, "bad_value", "every", "-1"),
        ("POST", "/faults", "{}", 400, "bad_rule", "ttl", "1s"),
        (
            "PUT",
            "/faults/a",
            &RULE.replace('{', r#"{"id":"b","#).replace(r#":{"id":"b","#, ":{"),
            400,
            "bad_rule",
            "id",
            "\"b\" is not the id in the path",
        ),
        ("PUT", "/faults/A", RULE, 400, "bad_path", "id", "a-z 0-9"),
        ("GET", "/faults/%ff", "", 400, "bad_path", "id", "UTF-8"),
        ("GET", "/faults/a%2fb", "", 400, "bad_path", "id", "a/b"),
        ("DELETE", "/faults/A", "", 400, "bad_path", "id", "a-z 0-9"),
        ("DELETE", "/faults/a?owner=o", "", 400, "bad_parameter", "owner", "no query"),
        ("DELETE", "/faults", "", 400, "bad_parameter", "owner", "?owner=NAME"),
        ("DELETE", "/faults?owner=", "", 400, "bad_parameter", "owner", "?owner=NAME"),
        ("DELETE", "/faults?ovner=o", "", 400, "bad_parameter", "ovner", "owner"),
        ("GET", "/faults?state=dead", "", 400, "bad_parameter", "state", "pending, active, expired, removed"),
        ("GET", "/faults?owner=a&owner=b", "", 400, "bad_parameter", "owner", "once"),
        ("POST", "/faults/a/renew", r#"{"ttl":"2"}"#, 400, "bad_value", "ttl", "no unit"),
        ("POST", "/faults/a/renew", "{}", 400, "bad_value", "ttl", "missing field"),
        ("POST", "/faults/a/renew", r#"{"ttl":"2m"}"#, 404, "not_found", "id", "no rule a"),
        ("GET", "/faults/a", "", 404, "not_found", "id", "no rule a"),
        ("PUT", "/switch", r#"{"ttl":"1h"}"#, 400, "bad_value", "enabled", "missing field"),
        ("PUT", "/switch", r#"{"enabled":"no"}"#, 400, "bad_value", "enabled", "a boolean"),
        ("PUT", "/switch", r#"{"enabled":false,"ttl":"1w"}"#, 400, "bad_value", "ttl", "unknown unit"),
        ("GET", "/events?since=-1", "", 400, "bad_parameter", "since", "no revision"),
        ("GET", "/events?since=x", "", 400, "bad_parameter", "since", "no revision"),
        ("GET", "/nowhere", "", 404, "not_found", "path", "/faults/{id}"),
        ("POST", "/admin/v1/nowhere", "", 404, "not_found", "path", "/faults/{id}"),
    ];
    for (method, path, body, status, code, field, words) in cases {
        let told = admin.ask(method, path, body).await;
        assert_eq!(
            (told.status, told.error("code"), told.error("field")),
            (*status, *code, *field),
            "{path} {body} {told:?}"
        );
        let text = format!("{} | {}", told.error("reason"), told.error("expected"));
        assert!(text.contains(words), "{method} {path} {body}: {text}");
    }
}

#[tokio::test]
async fn all_mistakes_of_a_rule_are_named() {
    let told = Admin::open().ask("POST", "/faults", r#"{"ttl":"2d","fault":"status=9999"}"#).await;
    let errors = told.body["errors"].as_array().unwrap();
    let fields: Vec<&str> = errors.iter().map(|error| error["field"].as_str().unwrap()).collect();
    assert!(fields.contains(&"ttl") && fields.iter().any(|field| field.starts_with("fault")), "{fields:?}");
    assert_eq!(told.body["error"], errors[0]);
}

#[tokio::test]
async fn the_body_is_said_to_be_json() {
    let admin = Admin::open();
    let cases: [(&[&str], u16); 8] = [
        (&["application/json"], 201),
        (&["Application/JSON; charset=utf-8"], 201),
        (&["application/json;"], 201),
        (&[], 415),
        (&["text/plain"], 415),
        (&["application/jsonp"], 415),
        (&["application/x-www-form-urlencoded"], 415),
        (&["text/plain", "application/json"], 415),
    ];
    for path in ["/faults", "/faults:validate"] {
        for (types, status) in cases {
            let mut request = Request::builder().method("POST").uri(path).header("host", "localhost");
            for content_type in types {
                request = request.header("content-type", *content_type);
            }
            let told = admin.send(request.body(Body::from(RULE)).unwrap()).await;
            let wanted = if status == 201 && path == "/faults:validate" { 200 } else { status };
            assert_eq!(told.status, wanted, "{path} {types:?}: {told:?}");
        }
    }
}

#[tokio::test]
async fn a_body_has_64_kib_at_most() {
    let admin = Admin::open();
    for (bytes, status) in [(64 << 10, 201), ((64 << 10) + 1, 413)] {
        let body = format!("{RULE}{}", " ".repeat(bytes - RULE.len()));
        let told = admin.ask("POST", "/faults", &body).await;
        assert_eq!(told.status, status, "{told:?}");
        // Also where no length is announced.
        let pieces = body.as_bytes().chunks(1000).map(|piece| Ok::<_, io::Error>(Bytes::copy_from_slice(piece)));
        let pieces: Vec<_> = pieces.collect();
        let told = admin.send(streamed(Body::from_stream(stream::iter(pieces)))).await;
        assert_eq!(told.status, status, "{told:?}");
    }
    let told = admin.ask("POST", "/faults", &" ".repeat(1 << 20)).await;
    assert_eq!((told.error("code"), told.error("limit")), ("too_large", "64KiB"));
}

#[tokio::test(start_paused = true)]
async fn a_body_that_does_not_come_is_not_waited_for() {
    let admin = Admin::open();
    let told = admin.send(streamed(Body::from_stream(stream::pending::<io::Result<Bytes>>()))).await;
    assert_eq!((told.status, told.error("code")), (408, "timeout"));
    let broken = stream::iter([Err::<Bytes, _>(io::Error::from(io::ErrorKind::ConnectionReset))]);
    let told = admin.send(streamed(Body::from_stream(broken))).await;
    assert_eq!((told.status, told.error("code")), (400, "bad_body"));
}

fn streamed(body: Body) -> Request<Body> {
    let request = Request::builder().method("POST").uri("/faults").header("host", "localhost");
    request.header("content-type", "application/json").body(body).unwrap()
}

#[tokio::test]
async fn a_path_says_which_methods_it_takes() {
    let admin = Admin::open();
    for (method, path, allowed) in [
        ("PATCH", "/faults", "GET,HEAD,POST,DELETE"),
        ("POST", "/faults/a", "GET,HEAD,PUT,DELETE"),
        ("GET", "/faults/a/renew", "POST"),
        ("GET", "/faults:validate", "POST"),
        ("POST", "/switch", "GET,HEAD,PUT"),
        ("DELETE", "/events", "GET,HEAD"),
        ("GET", "/reset", "POST"),
        ("GET", "/admin/v1/reset", "POST"),
        ("GET", "/readyz/enable", "POST"),
        ("POST", "/metrics", "GET,HEAD"),
        ("OPTIONS", "/faults", "GET,HEAD,POST,DELETE"),
    ] {
        let told = admin.ask(method, path, "").await;
        assert_eq!((told.status, told.error("code")), (405, "method_not_allowed"), "{method} {path}");
        assert_eq!(told.headers["allow"], allowed, "{method} {path}");
    }
}

proptest! {
    #[test]
    fn no_body_is_a_panic(body in prop::collection::vec(any::<u8>(), 0..64)) {
        malformed_or_not(&body);
    }

    #[test]
    fn no_json_is_a_panic(body in r#"\{("[a-z`é]{0,9}":("[a-z`]{0,3}"|-?[0-9]{1,30}|\{\}|\[\]|null),?){0,3}\}"#) {
        malformed_or_not(body.as_bytes());
    }
}

fn malformed_or_not(body: &[u8]) {
    if let Err(problem) = intake::parsed::<Written>(body) {
        assert_eq!(problem.into_response().status(), StatusCode::BAD_REQUEST);
    }
}
