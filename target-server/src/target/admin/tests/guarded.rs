//! What is guarded, by whom, and what is said of it.

use std::fs;
use std::path::PathBuf;

use super::*;
use crate::fixture::Fixture;
use crate::{Config, Target};

const TOKEN: &str = "0123456789abcdef";
const NETWORK: &str = "[::]:9797";

/// Everything that changes something.
const CHANGES: [(&str, &str); 15] = [
    ("POST", "/faults"),
    ("PUT", "/faults/a"),
    ("POST", "/faults/a/renew"),
    ("DELETE", "/faults/a"),
    ("DELETE", "/faults?owner=o"),
    ("PUT", "/switch"),
    ("POST", "/reset"),
    ("POST", "/readyz/enable"),
    ("POST", "/readyz/disable"),
    ("PUT", "/admin/v1/faults/a"),
    ("POST", "/admin/v1/reset"),
    ("PATCH", "/faults/a"),
    ("OPTIONS", "/faults"),
    ("POST", "/metrics"),
    ("POST", "/what-may-come-later"),
];

fn token_file() -> (tempfile::TempDir, PathBuf) {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("token");
    fs::write(&file, TOKEN).unwrap();
    (folder, file)
}

fn request(method: &str, path: &str, fields: &[(&str, &str)]) -> Request<Body> {
    let mut request = Request::builder().method(method).uri(path);
    for (name, value) in fields {
        request = request.header(*name, *value);
    }
    request.body(Body::from(RULE)).unwrap()
}

const JSON: (&str, &str) = ("content-type", "application/json");
const HOST: (&str, &str) = ("host", "localhost:9797");

#[tokio::test]
async fn every_change_is_guarded_and_nothing_else_is() {
    let (_folder, file) = token_file();
    // Who is asked and how; status, code and field of the refusal.
    type Case<'a> = (Admin, &'a [(&'a str, &'a str)], u16, &'a str, &'a str);
    let cases: [Case<'_>; 8] = [
        (
            Admin::new(Some(Token::load(TARGET_TOKEN_FLAG, &file).unwrap()), NETWORK),
            &[],
            401,
            "no_token",
            "authorization",
        ),
        (
            Admin::new(Some(Token::load(TARGET_TOKEN_FLAG, &file).unwrap()), LOOPBACK),
            &[HOST, ("authorization", "Bearer 0123456789abcdeX")],
            401,
            "wrong_token",
            "authorization",
        ),
        (Admin::new(None, NETWORK), &[HOST], 403, "no_token_configured", "authorization"),
        (Admin::open(), &[HOST, ("origin", "http://evil.example")], 403, "cross_origin", "origin"),
        (Admin::open(), &[HOST, ("sec-fetch-site", "cross-site")], 403, "cross_origin", "sec-fetch-site"),
        (Admin::open(), &[HOST, ("user-agent", "Mozilla/5.0")], 403, "browser", "user-agent"),
        (Admin::open(), &[("host", "evil.example:9797")], 403, "foreign_host", "host"),
        (Admin::open(), &[], 403, "foreign_host", "host"),
    ];
    for (admin, fields, status, code, field) in cases {
        for (method, path) in CHANGES {
            let told = admin.send(request(method, path, &[fields, &[JSON]].concat())).await;
            assert_eq!(
                (told.status, told.error("code"), told.error("field")),
                (status, code, field),
                "{method} {path}"
            );
            let asks = told.headers.get("www-authenticate").map(|value| value.to_str().unwrap());
            assert_eq!(asks, (status == 401).then_some("Bearer"));
        }
        for path in ["/faults", "/switch", "/events", "/admin/v1/faults"] {
            assert_eq!(admin.send(request("GET", path, fields)).await.status, 200, "{path}");
        }
        for path in ["/faults:validate", "/admin/v1/faults:validate"] {
            assert_eq!(admin.send(request("POST", path, &[fields, &[JSON]].concat())).await.status, 200, "{path}");
        }
        assert!(admin.readiness.is_ready());
        assert_eq!(admin.send(request("GET", "/faults", &[])).await.body["faults"], json!([]), "nothing was changed");
    }
}

#[tokio::test]
async fn the_token_of_the_file_is_the_token() {
    let (_folder, file) = token_file();
    let admin = Admin::new(Some(Token::load(TARGET_TOKEN_FLAG, &file).unwrap()), NETWORK);
    let put = async |token: &str| {
        let bearer = format!("Bearer {token}");
        admin.send(request("PUT", "/faults/a", &[JSON, ("authorization", &bearer)])).await.status
    };
    assert_eq!(put(TOKEN).await, 201);
    fs::write(&file, "another-token-than-before\n").unwrap();
    assert_eq!(put(TOKEN).await, 401);
    assert_eq!(put("another-token-than-before").await, 200);
    fs::remove_file(&file).unwrap();
    assert_eq!(put("another-token-than-before").await, 200, "the last good one holds");
    assert_eq!(put(TOKEN).await, 401);
}

#[tokio::test]
async fn a_target_serves_rules_where_its_flags_say() {
    let (_folder, file) = token_file();
    let target = Fixture::with(|config| config.admin.admin_token_file = Some(file)).await;
    let send = async |fields: &str| {
        let mut client = target.admin_client().await;
        client.send(format!("PUT /faults/a HTTP/1.1\r\nhost: localhost\r\ncontent-type: application/json\r\n{fields}content-length: {}\r\n\r\n{RULE}", RULE.len())).await;
        client.answer().await
    };
    let answer = send("").await;
    assert_eq!((answer.status, answer.field("www-authenticate")), (401, Some("Bearer")));
    let answer = send(&format!("authorization: Bearer {TOKEN}\r\n")).await;
    assert_eq!((answer.status, answer.field("content-type")), (201, Some("application/json")), "{answer:?}");
    assert_eq!(target.admin("/faults/a").await.status, 200);
}

#[tokio::test]
async fn a_file_without_a_token_is_no_start() {
    let (_folder, file) = token_file();
    fs::write(&file, "short").unwrap();
    let mut config = Config::loopback();
    config.admin.admin_token_file = Some(file.clone());
    let error = Target::bind(config).err().unwrap().to_string();
    assert!(error.starts_with(&format!("--admin-token-file {}: 5 bytes", file.display())), "{error}");
}
