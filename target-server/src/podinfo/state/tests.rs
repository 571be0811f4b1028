//! Each route reaches its endpoint.

use std::net::Ipv4Addr;

use bytes::Bytes;
use http::{HeaderMap, HeaderValue};
use serde_json::Value;
use shared::fault::Verdict;

use super::*;

async fn ask(state: &State, method: &str, path: &str, headers: &HeaderMap, body: &'static str) -> (u16, Plain) {
    let asked = Asked {
        route: Route::of(path).unwrap(),
        path,
        method: &method.parse().unwrap(),
        headers,
        client: Ipv4Addr::LOCALHOST.into(),
        body: Bytes::from_static(body.as_bytes()),
        verdict: &Verdict::default(),
    };
    let plain = state.answer(asked).await;
    (plain.status.as_u16(), plain)
}

#[tokio::test]
async fn each_route_reaches_its_endpoint() {
    let folder = tempfile::tempdir().unwrap();
    let tokens = Arc::new(Tokens::new(b"a secret".to_vec()));
    let state = State::new(folder.path().to_owned(), None, tokens, "");
    let mut headers = HeaderMap::new();
    let (status, stored) = ask(&state, "POST", "/store", &headers, "abc").await;
    let hash = serde_json::from_slice::<Value>(&stored.body).unwrap()["hash"].as_str().unwrap().to_owned();
    assert_eq!((status, hash.len()), (202, 40));
    let (status, read) = ask(&state, "GET", &format!("/store/{hash}"), &headers, "").await;
    assert_eq!((status, &read.body[..]), (202, &b"abc"[..]));
    for method in ["GET", "POST", "PUT", "DELETE"] {
        assert_eq!(ask(&state, method, "/cache/k", &headers, "").await.0, 400, "no cache server");
    }
    let (status, signed) = ask(&state, "POST", "/token", &headers, "jane").await;
    let token = serde_json::from_slice::<Value>(&signed.body).unwrap()["token"].as_str().unwrap().to_owned();
    assert_eq!(status, 200);
    assert_eq!(ask(&state, "GET", "/token/validate", &headers, "").await.0, 401);
    headers.insert("authorization", HeaderValue::try_from(format!("Bearer {token}")).unwrap());
    let (status, validated) = ask(&state, "GET", "/token/validate", &headers, "").await;
    assert_eq!(serde_json::from_slice::<Value>(&validated.body).unwrap()["token_name"], "jane");
    assert_eq!(status, 200);
    assert_eq!(ask(&state, "GET", "/ws/echo", &headers, "").await.0, 400);
    for (name, value) in [
        ("connection", "upgrade"),
        ("upgrade", "websocket"),
        ("sec-websocket-version", "13"),
        ("sec-websocket-key", "dGhlIHNhbXBsZSBub25jZQ=="),
    ] {
        headers.insert(name, HeaderValue::from_static(value));
    }
    // Whoever asks here cannot give it a connection.
    assert_eq!(ask(&state, "GET", "/ws/echo", &headers, "").await.0, 400);
    for path in ["/swagger.json", "/swagger/doc.json", "/swagger/"] {
        assert_eq!(ask(&state, "GET", path, &headers, "").await.0, 200);
    }
    assert_eq!(ask(&state, "GET", "/version", &headers, "").await.0, 404);
}
