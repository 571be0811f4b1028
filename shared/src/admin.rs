//! The admin routes that both programs serve: `/metrics`, `/livez`, `/readyz`, `/version`.
//!
//! `guard`, `problem` and `intake` are how both take changes: who may, how a no looks, how a request is read.
//!
//! They stand on a listener of their own and are never faulted, delayed or limited by what the traffic listener does.

pub mod guard;
pub mod intake;
pub mod problem;

use std::sync::Arc;

use axum::Router;
use axum::extract::State;
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use prometheus::{Encoder, Registry, TextEncoder};
use tokio::sync::watch;

use crate::red::BuildInfo;

/// Whether the process wants traffic: while it serves and nobody holds it back. Cloning shares the answer.
#[derive(Clone, Debug)]
pub struct Readiness(Arc<watch::Sender<Reasons>>);

/// Kept apart, so that neither side can take back what the other one said: a drain ends no hold, and the end of a hold makes
/// nothing ready that drains.
#[derive(Clone, Copy, Debug, Default)]
struct Reasons {
    serving: bool,
    held: bool,
}

impl Reasons {
    fn is_ready(self) -> bool {
        self.serving && !self.held
    }
}

impl Default for Readiness {
    fn default() -> Readiness {
        Readiness(Arc::new(watch::Sender::default()))
    }
}

impl Readiness {
    /// The process itself: it serves, or it starts or drains.
    pub fn set(&self, serving: bool) {
        self.0.send_modify(|reasons| reasons.serving = serving);
    }

    /// An operator: not ready, whatever the process says, until this is taken back.
    pub fn hold(&self, held: bool) {
        self.0.send_modify(|reasons| reasons.held = held);
    }

    /// Whether an operator holds it back.
    pub fn is_held(&self) -> bool {
        self.0.borrow().held
    }

    /// What `/readyz` says now.
    pub fn is_ready(&self) -> bool {
        self.0.borrow().is_ready()
    }

    /// Tells `hear` what it is now and after every change, for as long as it is polled.
    pub async fn follow(&self, mut hear: impl FnMut(bool)) {
        let mut reasons = self.0.subscribe();
        loop {
            hear(reasons.borrow_and_update().is_ready());
            if reasons.changed().await.is_err() {
                return;
            }
        }
    }
}

/// A registry with what every process of ours exports: the process's own figures and what was built.
///
/// # Errors
/// Only if two collectors claim one name, which a test would have found.
pub fn registry(role: &'static str) -> prometheus::Result<Registry> {
    let registry = Registry::new();
    registry.register(Box::new(prometheus::process_collector::ProcessCollector::for_self()))?;
    registry.register(Box::new(BuildInfo::new(role)))?;
    Ok(registry)
}

#[derive(Clone)]
struct Admin {
    registry: Registry,
    readiness: Readiness,
    role: &'static str,
}

/// The routes; a program adds its own with [`Router::merge`].
pub fn router(role: &'static str, registry: Registry, readiness: Readiness) -> Router {
    Router::new()
        .route("/metrics", get(metrics))
        .route("/livez", get(async || "ok\n"))
        .route("/readyz", get(readyz))
        .route("/version", get(version))
        .with_state(Admin { registry, readiness, role })
}

/// The type of [`metrics_text`]: the text format of Prometheus, and how its letters are written.
pub const METRICS_TYPE: &str = "text/plain; version=0.0.4; charset=utf-8";

/// Everything that is registered, as [`METRICS_TYPE`].
///
/// # Errors
/// Only if a collector gives samples that are not of its family's kind.
pub fn metrics_text(registry: &Registry) -> prometheus::Result<Vec<u8>> {
    let mut text = Vec::new();
    TextEncoder::new().encode(&registry.gather(), &mut text)?;
    Ok(text)
}

async fn metrics(State(admin): State<Admin>) -> Response {
    match metrics_text(&admin.registry) {
        Ok(text) => ([(header::CONTENT_TYPE, METRICS_TYPE)], text).into_response(),
        Err(error) => (StatusCode::INTERNAL_SERVER_ERROR, format!("metrics: {error}\n")).into_response(),
    }
}

async fn readyz(State(admin): State<Admin>) -> Response {
    if admin.readiness.is_ready() {
        return "ok\n".into_response();
    }
    let held = admin.readiness.is_held();
    let reason = if held { "not ready: disabled by an operator\n" } else { "not ready: starting or draining\n" };
    (StatusCode::SERVICE_UNAVAILABLE, reason).into_response()
}

async fn version(State(admin): State<Admin>) -> axum::Json<serde_json::Value> {
    axum::Json(serde_json::json!({ "program": admin.role, "version": env!("CARGO_PKG_VERSION") }))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn either_of_two_can_refuse_traffic() {
        let readiness = Readiness::default();
        assert!(!readiness.is_ready(), "not before it serves");
        readiness.set(true);
        assert!(readiness.is_ready());
        readiness.hold(true);
        assert!(!readiness.is_ready() && readiness.is_held());
        readiness.hold(false);
        readiness.set(false);
        assert!(!readiness.is_ready(), "the end of a hold makes nothing serve");
    }

    #[tokio::test]
    async fn whoever_follows_hears_every_change() {
        let readiness = Readiness::default();
        let (said, mut heard) = tokio::sync::mpsc::channel(1);
        let follower = readiness.clone();
        let following = tokio::spawn(async move { follower.follow(|ready| said.try_send(ready).unwrap()).await });
        assert_eq!(heard.recv().await, Some(false));
        readiness.set(true);
        assert_eq!(heard.recv().await, Some(true));
        readiness.hold(true);
        assert_eq!(heard.recv().await, Some(false));
        following.abort();
    }
}
