//! All listeners: bound eagerly, served until told to stop, drained within a bound.
//!
//! Invariants:
//! - A `Target` that exists has its sockets: addresses are known before anything is served.
//! - The admin listener is the last to go, so that a drain can be watched.
//! - [`Target::serve`] returns within the drain delay and the drain timeout of being told to stop.

mod admin;
mod listen;

use std::fmt;
use std::net::SocketAddr;
use std::process::ExitCode;
use std::sync::Arc;
use std::sync::atomic::Ordering;

use ::http::HeaderValue;
use shared::admin::{Readiness, registry};
use shared::fault::Key;
use shared::protocol::Protocol;
use shared::red::server::ServerRed;
use tokio::net::TcpListener;
use tokio::runtime::{Builder, Runtime};
use tokio::task::JoinSet;
use tokio::time::{sleep, timeout};
use tokio_util::sync::CancellationToken;

use crate::config::Config;
use crate::effects::EFFECTS;
use crate::faults::Faults;
use crate::http::{self, Http};
use crate::sessions::Sessions;
pub use listen::BindError;

/// The program's name for itself.
const ROLE: &str = "target-server";

/// A target with its sockets open.
pub struct Target {
    config: Config,
    http: Arc<Http>,
    traffic: TcpListener,
    admin: TcpListener,
    router: axum::Router,
    readiness: Readiness,
    addresses: Addresses,
}

/// Where a target listens. Displayed as one line per listener, `listening protocol=<name> address=<address>`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Addresses {
    /// HTTP traffic.
    pub http: SocketAddr,
    /// The admin listener.
    pub admin: SocketAddr,
}

impl fmt::Display for Addresses {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "listening protocol={} address={}", Protocol::Http.as_str(), self.http)?;
        writeln!(f, "listening protocol=admin address={}", self.admin)
    }
}

/// How a target ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Report {
    /// Requests that were in flight when the drain timeout was over.
    pub requests_cut: u64,
}

impl Report {
    /// 0 if every request got its end, 1 otherwise.
    pub fn exit_code(self) -> ExitCode {
        if self.requests_cut == 0 { ExitCode::SUCCESS } else { ExitCode::FAILURE }
    }
}

/// The runtime a target wants: several threads that share all work. One runtime per core is no faster on few cores, and
/// with few connections the kernel spreads them unevenly, which costs tail latency.
///
/// # Errors
/// If the kernel grants no threads.
pub fn runtime(threads: Option<u16>) -> std::io::Result<Runtime> {
    let mut builder = Builder::new_multi_thread();
    if let Some(threads) = threads {
        builder.worker_threads(usize::from(threads));
    }
    builder.enable_all().build()
}

impl Target {
    /// Opens all sockets. Must be called on a runtime.
    ///
    /// # Errors
    /// Names the flag whose address cannot be listened on.
    pub fn bind(config: Config) -> Result<Target, BindError> {
        let parameters: Vec<&'static str> = Key::all().map(Key::as_str).collect();
        let red = ServerRed::new(&EFFECTS, &parameters);
        let registry = registry(ROLE)?;
        registry.register(Box::new(red.clone()))?;

        let place = config.place();
        let sessions = Sessions::default();
        let faults = Faults::new(&config.faults, red.clone());
        let max_connections = listen::max_connections(config.connections.max_connections);
        let place_value = HeaderValue::from_str(&place).map_err(|_| BindError::Place(place.clone()))?;
        let http = Http::new(&config.connections, max_connections, place_value, faults, sessions.clone(), red);

        let backlog = i32::from(config.connections.backlog);
        let traffic = listen::on("--http-address", config.http_address(), backlog)?;
        let admin = listen::on("--admin-address", config.admin_address, backlog)?;
        let addresses = Addresses { http: local(&traffic)?, admin: local(&admin)? };
        let readiness = Readiness::default();
        let router = shared::admin::router(ROLE, registry, readiness.clone()).merge(admin::accounts(sessions, place));
        Ok(Target { config, http: Arc::new(http), traffic, admin, router, readiness, addresses })
    }

    /// Where it listens, with the ports that were chosen for port 0.
    pub fn addresses(&self) -> Addresses {
        self.addresses
    }

    /// Whether it wants traffic: between the start of [`Target::serve`] and the order to stop.
    pub fn readiness(&self) -> Readiness {
        self.readiness.clone()
    }

    /// Serves until `stop`, then drains: not ready → drain delay → no new connections, `Connection: close` on what is in
    /// flight → at most the drain timeout. Dropping the future ends everything at once.
    pub async fn serve(self, stop: CancellationToken) -> Report {
        let Target { config, http, traffic, admin, router, readiness, .. } = self;
        let mut admin_task = JoinSet::new();
        admin_task.spawn(async move {
            if let Err(error) = axum::serve(admin, router).await {
                tracing::error!(%error, "the admin listener failed");
            }
        });
        let stop_accepting = CancellationToken::new();
        let mut accept_task = JoinSet::new();
        accept_task.spawn(http::accept(Arc::clone(&http), traffic, stop_accepting.clone()));
        readiness.set(true);

        stop.cancelled().await;
        readiness.set(false);
        tracing::info!(delay_ms = config.drain_delay.as_millis(), "draining");
        sleep(config.drain_delay).await;
        stop_accepting.cancel();
        let mut connections = accept_task.join_next().await.and_then(Result::ok).unwrap_or_default();
        let drained = async {
            while let Some(ended) = connections.join_next().await {
                http::note_panic(ended);
            }
        };
        let _ = timeout(config.drain_timeout, drained).await;
        let requests_cut = http.faults.load().load(Ordering::Relaxed);
        connections.shutdown().await;
        tracing::info!(requests_cut, "stopped");
        Report { requests_cut }
    }
}

fn local(listener: &TcpListener) -> Result<SocketAddr, BindError> {
    listener.local_addr().map_err(BindError::Address)
}

#[cfg(test)]
mod tests;
