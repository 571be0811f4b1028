//! All listeners: bound eagerly, served until told to stop, drained within a bound.
//!
//! Invariants:
//! - A `Target` that exists has its sockets: addresses are known before anything is served.
//! - The admin listener is the last to go, so that a drain can be watched.
//! - [`Target::serve`] returns within the drain delay and the shutdown timeout of being told to stop.

mod addresses;
mod admin;
mod listen;
mod podinfo;

use std::io;
use std::net::SocketAddr;
use std::process::ExitCode;
use std::sync::Arc;
use std::sync::atomic::Ordering;

use shared::admin::{Readiness, registry};
use shared::fault::Key;
use shared::protocol::Protocol;
use shared::red::rules::RuleRed;
use shared::red::server::ServerRed;
use tokio::net::{TcpListener, UdpSocket};
use tokio::runtime::{Builder, Runtime};
use tokio::task::JoinSet;
use tokio::time::{sleep, timeout};
use tokio_util::sync::CancellationToken;

use crate::accept::{accept, note_panic};
use crate::config::{Config, Listen};
use crate::core::Core;
use crate::dns::Dns;
use crate::effects;
use crate::grpc::Grpc;
use crate::h2conn::Handler;
use crate::http::{Door, Http, Routing, Secured};
use crate::podinfo::{Cache, RequestMetrics};
use crate::standing_stress::StandingStress;
use crate::tcp::Tcp;
use crate::tls::Tls;
use crate::udp::Udp;
pub use addresses::Addresses;
pub use listen::BindError;
use shared::admin::guard::{ChangeGuard, TARGET_TOKEN_FLAG, Token};

/// The program's name for itself.
const ROLE: &str = "target-server";

/// A target with its sockets open.
pub struct Target {
    config: Config,
    core: Arc<Core>,
    http: Arc<Http>,
    grpc: Arc<Grpc>,
    tls: Option<Arc<Tls>>,
    sockets: Sockets,
    router: axum::Router,
    readiness: Readiness,
    addresses: Addresses,
    stress: StandingStress,
    cache: Option<Arc<Cache>>,
}

/// Everything that was bound.
struct Sockets {
    http: TcpListener,
    /// Nothing without a certificate.
    https: Option<TcpListener>,
    grpc: Option<TcpListener>,
    tcp: Option<TcpListener>,
    udp: Option<UdpSocket>,
    dns: Option<(TcpListener, UdpSocket)>,
    admin: TcpListener,
}

/// How a target ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Report {
    /// Requests that were in flight when the shutdown timeout was over.
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
    /// Names the flag whose address cannot be listened on, or whose file cannot be served.
    pub fn bind(config: Config) -> Result<Target, BindError> {
        let parameters: Vec<&'static str> = Key::all().map(Key::as_str).collect();
        let red = ServerRed::new(&effects::all(), &parameters);
        let registry = registry(ROLE)?;
        registry.register(Box::new(red.clone()))?;

        let max_connections = listen::max_connections(config.connections.max_connections);
        let core = Arc::new(Core::new(&config, max_connections, red));
        let rules = Arc::clone(core.faults.rules());
        registry.register(Box::new(RuleRed::new(move || rules.figures())))?;
        let place = |_| BindError::Place(core.place.clone());
        let token = config
            .admin
            .admin_token_file
            .as_deref()
            .map(|file| Token::load(TARGET_TOKEN_FLAG, file))
            .transpose()?
            .map(Arc::new);
        let readiness = Readiness::default();
        let metrics = RequestMetrics::new();
        registry.register(Box::new(metrics.clone()))?;
        let parts = podinfo::Parts::of(&config.podinfo)?;
        podinfo::stand(&config.podinfo, &core)?;

        let tls = Tls::load(&config.listeners)?.map(Arc::new);
        if let Some(tls) = &tls {
            tls.register(&registry)?;
        }

        let backlog = i32::from(config.connections.backlog);
        let listeners = &config.listeners;
        let stream = |flag, at: Listen| at.address().map(|at| listen::on(flag, at, backlog)).transpose();
        let sockets = Sockets {
            http: listen::on("--http-address", config.http_address, backlog)?,
            https: if tls.is_some() { stream("--https-address", listeners.https_address)? } else { None },
            grpc: stream("--grpc-address", listeners.grpc_address)?,
            tcp: stream("--tcp-address", listeners.tcp_address)?,
            udp: listeners.udp_address.address().map(|at| listen::datagrams("--udp-address", at)).transpose()?,
            dns: listeners.dns_address.address().map(|at| listen::both("--dns-address", at, backlog)).transpose()?,
            admin: listen::on("--admin-address", config.admin_address, backlog)?,
        };
        let addresses = sockets.addresses().map_err(BindError::Address)?;
        // The page says where everything listens.
        let endpoints = parts.endpoints(&config, &core, &readiness, &registry, token.clone(), addresses)?;
        let grpc = Arc::new(Grpc::new(Arc::clone(&core), parts.services(&config.podinfo)).map_err(place)?);
        let routing = Routing::new(&config.podinfo.prefix, config.compat);
        let http = Http::new(Arc::clone(&core), handler(&grpc), routing, endpoints, metrics).map_err(place)?;
        let stress = StandingStress::start(config.podinfo.stress_cpu, config.podinfo.stress_memory)?;
        let accounts = admin::sessions(&core.sessions, &core.place);
        let accounts = accounts.merge(admin::health(config.podinfo.unhealthy));
        let common = shared::admin::router(ROLE, registry, readiness.clone());
        if token.is_none() && !addresses.admin.ip().to_canonical().is_loopback() {
            tracing::info!(
                "fault rules cannot be changed: that needs --admin-token-file, or --admin-address on the loopback"
            );
        }
        let guard = ChangeGuard::admin(token, addresses.admin);
        let router = admin::router(common, accounts, core.faults.rules(), readiness.clone(), guard);
        Ok(Target {
            config,
            core,
            http: Arc::new(http),
            grpc,
            tls,
            sockets,
            router,
            readiness,
            addresses,
            stress,
            cache: parts.cache,
        })
    }

    /// Where it listens, with the ports that were chosen for port 0.
    pub fn addresses(&self) -> Addresses {
        self.addresses
    }

    /// Whether it wants traffic: between the start of [`Target::serve`] and the order to stop.
    pub fn readiness(&self) -> Readiness {
        self.readiness.clone()
    }

    /// Serves until `stop`, then drains: not ready, gRPC NOT_SERVING → drain delay → no new connections, `Connection: close` or GOAWAY on
    /// what is in flight → at most the shutdown timeout. Dropping the future ends everything at once.
    pub async fn serve(self, stop: CancellationToken) -> Report {
        let Target { config, core, http, grpc, tls, sockets, router, readiness, stress: _stress, cache, .. } = self;
        // The sockets are open and nobody is served yet: the first one to ask hears of nothing but this.
        readiness.set(true);
        let mut background = JoinSet::new();
        background.spawn(async move {
            let service = router.into_make_service_with_connect_info::<SocketAddr>();
            if let Err(error) = axum::serve(sockets.admin, service).await {
                tracing::error!(%error, "the admin listener failed");
            }
        });
        background.spawn(Arc::clone(&http).keep_small());
        if let Some(cache) = cache {
            let hostname = core.place.split('/').next().unwrap_or_default().to_owned();
            background.spawn(cache.watch(hostname, env!("CARGO_PKG_VERSION").to_owned()));
        }
        let (followed, health) = (readiness.clone(), Arc::clone(&grpc));
        background.spawn(async move { followed.follow(|is_ready| health.set_ready(is_ready)).await });
        background.spawn(Arc::clone(core.faults.rules()).keep());
        let stop_accepting = CancellationToken::new();
        let mut accepting = JoinSet::new();
        let (if_asked, always) = match tls {
            Some(tls) => {
                background.spawn(Arc::clone(&tls).watch());
                (Secured::IfAsked(Arc::clone(&tls)), Secured::Always(tls))
            }
            None => (Secured::Never, Secured::Never),
        };
        for (listener, protocol, secured) in [
            (Some(sockets.http), Protocol::Http, Secured::Never),
            (sockets.https, Protocol::Http, always),
            (sockets.grpc, Protocol::Grpc, if_asked),
        ] {
            let Some(listener) = listener else { continue };
            let door = Arc::new(Door { http: Arc::clone(&http), secured, protocol });
            accepting.spawn(accept(Arc::clone(&core), door, listener, stop_accepting.clone()));
        }
        if let Some(listener) = sockets.tcp {
            let tcp = Arc::new(Tcp::new(Arc::clone(&core)));
            accepting.spawn(accept(Arc::clone(&core), tcp, listener, stop_accepting.clone()));
        }
        if let Some(socket) = sockets.udp {
            accepting.spawn(Udp::new(Arc::clone(&core), socket).serve(stop_accepting.clone()));
        }
        if let Some((listener, socket)) = sockets.dns {
            let dns = Dns::new(Arc::clone(&core), &config.dns);
            accepting.spawn(Arc::clone(&dns).datagrams(socket, stop_accepting.clone()));
            accepting.spawn(accept(Arc::clone(&core), dns, listener, stop_accepting.clone()));
        }

        stop.cancelled().await;
        // Before the readiness, which health follows too: a drain is more than that, and is to be said once.
        grpc.draining();
        readiness.set(false);
        tracing::info!(delay_ms = config.drain_delay.as_millis(), "draining");
        sleep(config.drain_delay).await;
        stop_accepting.cancel();
        let mut accepted = accepting.join_all().await;
        let drained = async {
            for connections in &mut accepted {
                while let Some(ended) = connections.join_next().await {
                    note_panic(ended);
                }
            }
        };
        let _ = timeout(config.shutdown_timeout, drained).await;
        let requests_cut = core.faults.load().load(Ordering::Relaxed);
        for mut connections in accepted {
            connections.shutdown().await;
        }
        tracing::info!(requests_cut, "stopped");
        Report { requests_cut }
    }
}

/// Who serves the streams that speak gRPC.
fn handler(grpc: &Arc<Grpc>) -> Handler {
    let grpc = Arc::clone(grpc);
    Box::new(move |request, respond, conn| Box::pin(Arc::clone(&grpc).serve(request, respond, conn)))
}

impl Sockets {
    fn addresses(&self) -> io::Result<Addresses> {
        let of = |listener: &Option<TcpListener>| listener.as_ref().map(TcpListener::local_addr).transpose();
        Ok(Addresses {
            http: self.http.local_addr()?,
            https: of(&self.https)?,
            grpc: of(&self.grpc)?,
            tcp: of(&self.tcp)?,
            udp: self.udp.as_ref().map(UdpSocket::local_addr).transpose()?,
            dns: self.dns.as_ref().map(|(listener, _)| listener.local_addr()).transpose()?,
            admin: self.admin.local_addr()?,
        })
    }
}

#[cfg(test)]
mod tests;
