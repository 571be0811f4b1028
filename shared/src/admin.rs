//! The admin routes that both programs serve: `/metrics`, `/livez`, `/readyz`, `/version`.
//!
//! They stand on a listener of their own and are never faulted, delayed or limited by what the traffic listener does.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use axum::Router;
use axum::extract::State;
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use prometheus::{Encoder, Registry, TextEncoder};

use crate::red::BuildInfo;

/// Whether the process wants traffic. Cloning shares the answer.
///
/// Two have a say: the process, which can serve or cannot, and whoever operates it. Either alone can refuse.
#[derive(Clone, Debug, Default)]
pub struct Readiness(Arc<Says>);

#[derive(Debug, Default)]
struct Says {
    can_serve: AtomicBool,
    is_unwanted: AtomicBool,
}

impl Readiness {
    /// The process says that it can serve, or no longer can.
    pub fn set(&self, ready: bool) {
        self.0.can_serve.store(ready, Ordering::Release);
    }

    /// The operator says whether traffic is wanted; at first it is.
    pub fn want(&self, wanted: bool) {
        self.0.is_unwanted.store(!wanted, Ordering::Release);
    }

    /// What `/readyz` says now.
    pub fn is_ready(&self) -> bool {
        self.0.can_serve.load(Ordering::Acquire) && !self.0.is_unwanted.load(Ordering::Acquire)
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

/// Everything that is registered, in [`prometheus::TEXT_FORMAT`].
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
        Ok(text) => ([(header::CONTENT_TYPE, prometheus::TEXT_FORMAT)], text).into_response(),
        Err(error) => (StatusCode::INTERNAL_SERVER_ERROR, format!("metrics: {error}\n")).into_response(),
    }
}

async fn readyz(State(admin): State<Admin>) -> Response {
    if admin.readiness.is_ready() {
        "ok\n".into_response()
    } else {
        (StatusCode::SERVICE_UNAVAILABLE, "not ready: starting or draining\n").into_response()
    }
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
        assert!(!readiness.is_ready(), "not before it can serve");
        readiness.set(true);
        assert!(readiness.is_ready());
        readiness.want(false);
        assert!(!readiness.is_ready());
        readiness.want(true);
        readiness.set(false);
        assert!(!readiness.is_ready(), "whoever wants traffic cannot make it serve");
    }
}
