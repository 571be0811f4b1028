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
#[derive(Clone, Debug, Default)]
pub struct Readiness(Arc<AtomicBool>);

impl Readiness {
    /// Says so to the next caller of `/readyz`.
    pub fn set(&self, ready: bool) {
        self.0.store(ready, Ordering::Release);
    }

    /// What `/readyz` says now.
    pub fn is_ready(&self) -> bool {
        self.0.load(Ordering::Acquire)
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

async fn metrics(State(admin): State<Admin>) -> Response {
    let mut text = Vec::new();
    match TextEncoder::new().encode(&admin.registry.gather(), &mut text) {
        Ok(()) => ([(header::CONTENT_TYPE, prometheus::TEXT_FORMAT)], text).into_response(),
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
