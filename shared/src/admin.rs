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

/// Whether the process wants traffic: while it serves and nobody holds it back. Cloning shares the answer.
#[derive(Clone, Debug, Default)]
pub struct Readiness(Arc<Reasons>);

/// Kept apart, so that neither side can take back what the other one said: a drain ends no hold, and the end of a hold makes
/// nothing ready that drains.
#[derive(Debug, Default)]
struct Reasons {
    serving: AtomicBool,
    held: AtomicBool,
}

impl Readiness {
    /// The process itself: it serves, or it starts or drains.
    pub fn set(&self, serving: bool) {
        self.0.serving.store(serving, Ordering::Release);
    }

    /// An operator: not ready, whatever the process says, until this is taken back.
    pub fn hold(&self, held: bool) {
        self.0.held.store(held, Ordering::Release);
    }

    /// Whether an operator holds it back.
    pub fn is_held(&self) -> bool {
        self.0.held.load(Ordering::Acquire)
    }

    /// What `/readyz` says now.
    pub fn is_ready(&self) -> bool {
        self.0.serving.load(Ordering::Acquire) && !self.is_held()
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
        return "ok\n".into_response();
    }
    let held = admin.readiness.is_held();
    let reason = if held { "not ready: disabled by an operator\n" } else { "not ready: starting or draining\n" };
    (StatusCode::SERVICE_UNAVAILABLE, reason).into_response()
}

async fn version(State(admin): State<Admin>) -> axum::Json<serde_json::Value> {
    axum::Json(serde_json::json!({ "program": admin.role, "version": env!("CARGO_PKG_VERSION") }))
}
