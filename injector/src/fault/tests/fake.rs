//! A replica's rules API, in this process: it keeps rules, remembers what it was asked, and can be made to misbehave.

use std::collections::BTreeMap;
use std::net::{Ipv4Addr, SocketAddr};
use std::sync::{Arc, Mutex, MutexGuard};

use axum::Router;
use axum::body::{Body, Bytes};
use axum::extract::State;
use axum::http::{HeaderMap, Method, StatusCode, Uri};
use axum::response::{IntoResponse, Response};
use futures_util::stream::iter;
use serde_json::{Value, json};
use tokio::net::TcpListener;

/// How it answers a PUT.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub(crate) enum Manner {
    /// It does what it is told.
    #[default]
    Good,
    /// It says no.
    Refuses,
    /// It does it, and says that something broke.
    Breaks,
    /// It does it, and the connection ends within the answer.
    HangsUp,
    /// It does it once and refuses from then on, and removals too.
    Stubborn,
}

#[derive(Default)]
pub(crate) struct Kept {
    pub(crate) rules: BTreeMap<String, Value>,
    /// `PUT /faults/x`, in order.
    pub(crate) asked: Vec<String>,
    /// The bodies of PUT and POST, in order.
    pub(crate) bodies: Vec<Value>,
    /// The last request's head.
    pub(crate) headers: HeaderMap,
    pub(crate) manner: Manner,
    /// The token it wants.
    pub(crate) token: Option<&'static str>,
    /// How often a rule strikes between two looks at it.
    pub(crate) strikes: u64,
}

#[derive(Clone)]
pub(crate) struct Fake {
    pub(crate) address: SocketAddr,
    kept: Arc<Mutex<Kept>>,
}

impl Fake {
    pub(crate) async fn start() -> Fake {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.unwrap();
        let fake = Fake { address: listener.local_addr().unwrap(), kept: Arc::default() };
        let router = Router::new().fallback(answer).with_state(fake.clone());
        tokio::spawn(async move { axum::serve(listener, router).await });
        fake
    }

    pub(crate) fn kept(&self) -> MutexGuard<'_, Kept> {
        self.kept.lock().unwrap()
    }

    pub(crate) fn has(self, change: impl FnOnce(&mut Kept)) -> Fake {
        change(&mut self.kept());
        self
    }

    /// With a rule that was there before.
    pub(crate) fn with_rule(self, rule: Value) -> Fake {
        self.has(|kept| {
            kept.rules.insert(rule["id"].as_str().unwrap().to_owned(), rule);
        })
    }
}

fn no(status: StatusCode, error: Value) -> Response {
    (status, axum::Json(json!({ "error": error }))).into_response()
}

async fn answer(State(fake): State<Fake>, method: Method, uri: Uri, headers: HeaderMap, body: Bytes) -> Response {
    let mut kept = fake.kept();
    kept.asked.push(format!("{method} {uri}"));
    if let Ok(body) = serde_json::from_slice(&body) {
        kept.bodies.push(body);
    }
    let sent = headers.get("authorization").and_then(|value| value.to_str().ok()?.strip_prefix("Bearer "));
    let is_let_in = kept.token.is_none() || kept.token == sent;
    kept.headers = headers.clone();
    if !is_let_in {
        return no(StatusCode::UNAUTHORIZED, json!({ "code": "unauthorized", "reason": "no valid token" }));
    }
    let path: Vec<&str> = uri.path().split('/').skip(1).collect();
    match (method.as_str(), path.as_slice()) {
        ("PUT", ["faults", id]) => put(&mut kept, id, &body),
        ("GET", ["faults"]) => {
            axum::Json(json!({ "faults": kept.rules.values().collect::<Vec<_>>(), "revision": 17, "now": "today" }))
                .into_response()
        }
        ("GET", ["faults", id]) => {
            let strikes = kept.strikes;
            let Some(rule) = kept.rules.get_mut(*id) else { return absent(id) };
            let told = rule.clone();
            rule["injected"] = json!(rule["injected"].as_u64().unwrap() + strikes);
            axum::Json(told).into_response()
        }
        ("POST", ["faults", id, "renew"]) => match kept.rules.get(*id) {
            Some(rule) => axum::Json(rule).into_response(),
            None => absent(id),
        },
        ("DELETE", ["faults"]) => {
            let owner = uri.query().unwrap_or_default().strip_prefix("owner=").unwrap().replace("%2F", "/");
            let before = kept.rules.len();
            kept.rules.retain(|_, rule| rule["owner"].as_str() != Some(&owner));
            axum::Json(json!({ "removed": before - kept.rules.len() })).into_response()
        }
        ("DELETE", ["faults", _]) if kept.manner == Manner::Stubborn => {
            no(StatusCode::INTERNAL_SERVER_ERROR, json!({ "reason": "out of order" }))
        }
        ("DELETE", ["faults", id]) => {
            axum::Json(json!({ "removed": kept.rules.remove(*id).is_some() })).into_response()
        }
        ("PUT", ["switch"]) => axum::Json(serde_json::from_slice::<Value>(&body).unwrap()).into_response(),
        ("GET", ["events"]) => {
            axum::Json(json!({ "events": [{ "revision": 3, "kind": "installed", "id": "x" }] })).into_response()
        }
        _ => StatusCode::NOT_FOUND.into_response(),
    }
}

fn absent(id: &str) -> Response {
    no(StatusCode::NOT_FOUND, json!({ "reason": format!("there is no rule {id:?}") }))
}

fn put(kept: &mut Kept, id: &str, body: &Bytes) -> Response {
    if kept.manner == Manner::Refuses || kept.manner == Manner::Stubborn && kept.bodies.len() > 1 {
        let errors = json!({ "errors": [
            { "code": "limit_exceeded", "field": "ttl", "reason": "2h is too long", "expected": "at most 1h" },
            { "reason": "and it is \u{1b}[31mred" },
        ] });
        return (StatusCode::BAD_REQUEST, axum::Json(errors)).into_response();
    }
    let mut rule: Value = serde_json::from_slice(body).unwrap();
    let told = [
        ("revision", json!(18)),
        ("state", json!("active")),
        ("created_at", json!("2026-01-01T00:00:00Z")),
        ("expires_at", json!("2026-01-01T00:05:00Z")),
        ("expires_in_seconds", json!(300)),
        ("hits", json!(0)),
        ("injected", json!(0)),
        ("overflow", json!(0)),
    ];
    for (key, value) in told {
        rule[key] = value;
    }
    let is_new = kept.rules.insert(id.to_owned(), rule.clone()).is_none();
    match kept.manner {
        Manner::Breaks => (StatusCode::INTERNAL_SERVER_ERROR, "broken").into_response(),
        Manner::HangsUp => Body::from_stream(iter([Err::<Bytes, _>(std::io::Error::other("gone"))])).into_response(),
        _ => (if is_new { StatusCode::CREATED } else { StatusCode::OK }, axum::Json(rule)).into_response(),
    }
}
