//! The admin listener's router, asked without a socket, so that time can be simulated.

mod guarded;
mod refusals;
mod rules;

use std::net::SocketAddr;

use axum::body::{Body, to_bytes};
use axum::extract::connect_info::MockConnectInfo;
use axum::http::{HeaderMap, Request, header};
use serde_json::Value;
use shared::fault::Limits;
use tower::ServiceExt as _;

use super::*;
use crate::rules::TTL_MAX;
use shared::admin::guard::{TARGET_TOKEN_FLAG, Token};

const LOOPBACK: &str = "127.0.0.1:9797";
const RULE: &str = r#"{"owner":"o","ttl":"5m","match":{"protocol":"http"},"fault":"status=503"}"#;

struct Admin {
    router: Router,
    readiness: Readiness,
}

/// An answer whose body is JSON, or no body at all.
#[derive(Debug)]
struct Told {
    status: u16,
    headers: HeaderMap,
    body: Value,
}

impl Told {
    /// A field of the error.
    fn error(&self, field: &str) -> &str {
        self.body["error"][field].as_str().unwrap_or_else(|| panic!("no error.{field}: {self:?}"))
    }
}

impl Admin {
    /// On the loopback, without a token.
    fn open() -> Admin {
        Admin::new(None, LOOPBACK)
    }

    fn new(token: Option<Token>, bound: &str) -> Admin {
        let readiness = Readiness::default();
        readiness.set(true);
        let registry = prometheus::Registry::new();
        let common = shared::admin::router("target-server", registry, readiness.clone());
        let rules = Rules::new(Limits::default(), TTL_MAX, 0);
        let guard = ChangeGuard::admin(token.map(Arc::new), bound.parse().unwrap());
        let accounts = sessions(&Sessions::default(), "pod/-/-");
        let router = router(common, accounts, &rules, readiness.clone(), guard);
        let client = SocketAddr::from(([127, 0, 0, 1], 40_000));
        Admin { router: router.layer(MockConnectInfo(client)), readiness }
    }

    async fn send(&self, request: Request<Body>) -> Told {
        let answer = self.router.clone().oneshot(request).await.unwrap();
        let (parts, body) = answer.into_parts();
        let body = to_bytes(body, 1 << 20).await.unwrap();
        let is_json = parts.headers.get(header::CONTENT_TYPE).is_some_and(|value| value == "application/json");
        assert!(is_json, "{:?}", parts.headers);
        Told { status: parts.status.as_u16(), headers: parts.headers, body: serde_json::from_slice(&body).unwrap() }
    }

    /// A well-behaved client; an empty body has no type.
    async fn ask(&self, method: &str, path: &str, body: &str) -> Told {
        let request = Request::builder().method(method).uri(path).header("host", "localhost:9797");
        let request = if body.is_empty() { request } else { request.header("content-type", "application/json") };
        self.send(request.body(Body::from(body.to_owned())).unwrap()).await
    }
}

#[tokio::test]
async fn readiness_is_the_operators_and_the_processs_word() {
    let admin = Admin::open();
    let told = admin.ask("POST", "/readyz/disable", "").await;
    assert_eq!((told.status, told.body), (200, json!({ "ready": false, "held": true })));
    assert!(!admin.readiness.is_ready());
    admin.readiness.set(false);
    admin.readiness.set(true);
    assert!(!admin.readiness.is_ready(), "held, whatever the process says");
    let told = admin.ask("POST", "/readyz/enable", "").await;
    assert_eq!((told.status, told.body), (200, json!({ "ready": true, "held": false })));
    admin.readiness.set(false);
    let told = admin.ask("POST", "/readyz/enable", "").await;
    assert_eq!(told.body, json!({ "ready": false, "held": false }), "a drain is not ended by it");
}
