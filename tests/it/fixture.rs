//! What the tests of the pair stand on: scripted servers, a real target, runs of the engine, conditions to wait for.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{Ipv4Addr, SocketAddr, TcpListener, TcpStream};
use std::path::PathBuf;
use std::process::Command;
use std::sync::{Arc, OnceLock};
use std::thread;
use std::time::Duration;

use injector::account::OperationAccount;
use injector::engine::{Engine, Finished, Options};
use injector::pacer::Quantum;
use injector::plan::{Address, Host, Overrides, Plan, Ports};
use injector::preflight::System;
use injector::scenario::Scenario;
use shared::identity::{Identity, session_from_bits};
use shared::protocol::Protocol;
use target_server::{Config, Target};
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

use crate::pki::Pki;

/// A program of this workspace, built if need be with the profile of the running tests.
pub(crate) fn program(name: &str) -> PathBuf {
    static BUILT: OnceLock<PathBuf> = OnceLock::new();
    let directory = BUILT.get_or_init(|| {
        let test = std::env::current_exe().unwrap();
        let directory = test.ancestors().nth(2).unwrap().to_owned();
        let mut build = Command::new(env!("CARGO"));
        build.args(["build", "--workspace", "--bins", "--locked", "--quiet"]);
        if directory.ends_with("release") {
            build.arg("--release");
        }
        build.env("CARGO_TARGET_DIR", directory.parent().unwrap());
        assert!(build.status().unwrap().success(), "the workspace's programs do not build");
        directory
    });
    directory.join(name)
}

/// A server that answers by script: each request's number on its connection and its head go in, bytes to send back come
/// out, and whether to reset the connection after them.
pub(crate) struct ScriptedServer {
    pub(crate) address: SocketAddr,
}

/// What a scripted server does with one request.
pub(crate) enum Step {
    Answer(Vec<u8>),
    /// Answer, then close without having said so.
    Last(Vec<u8>),
    Reset,
    Close,
}

impl ScriptedServer {
    /// Serves until the process ends; its threads hold nothing but sockets.
    pub(crate) fn start(script: impl Fn(usize, &str) -> Step + Send + Sync + 'static) -> ScriptedServer {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
        let address = listener.local_addr().unwrap();
        let script = Arc::new(script);
        thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                let script = Arc::clone(&script);
                thread::spawn(move || serve(stream, &*script));
            }
        });
        ScriptedServer { address }
    }
}

fn serve(stream: TcpStream, script: &dyn Fn(usize, &str) -> Step) {
    let mut reader = BufReader::new(stream.try_clone().unwrap());
    for number in 0.. {
        let Some(head) = read_request(&mut reader) else { return };
        match script(number, &head) {
            Step::Answer(bytes) => {
                if (&stream).write_all(&bytes).is_err() {
                    return;
                }
            }
            Step::Last(bytes) => {
                let _ = (&stream).write_all(&bytes);
                return;
            }
            Step::Reset => {
                let socket = socket2::SockRef::from(&stream);
                socket.set_linger(Some(Duration::ZERO)).unwrap();
                return;
            }
            Step::Close => return,
        }
    }
}

/// The head of the next request; its body is read and dropped.
fn read_request(reader: &mut BufReader<TcpStream>) -> Option<String> {
    let mut head = String::new();
    while !head.ends_with("\r\n\r\n") {
        if reader.read_line(&mut head).ok()? == 0 {
            return None;
        }
    }
    let length = head.lines().find_map(|line| line.strip_prefix("content-length: ")).map_or(0, |n| n.parse().unwrap());
    reader.take(length).read_to_end(&mut Vec::new()).ok()?;
    Some(head)
}

/// A port that refuses connections for as long as the socket is held: bound, so that nobody else takes it, and silent.
pub(crate) fn refusing_port() -> (socket2::Socket, SocketAddr) {
    let socket = socket2::Socket::new(socket2::Domain::IPV4, socket2::Type::STREAM, None).unwrap();
    socket.bind(&SocketAddr::from((Ipv4Addr::LOCALHOST, 0)).into()).unwrap();
    let address = socket.local_addr().unwrap().as_socket().unwrap();
    (socket, address)
}

/// A free port for a program that has to be told its own: held, so that the kernel gives it to nobody else, and open to one
/// that listens there itself, as any server may that sets `SO_REUSEADDR`.
pub(crate) struct ReservedPort {
    pub(crate) address: SocketAddr,
    _held: socket2::Socket,
}

impl ReservedPort {
    pub(crate) fn new() -> ReservedPort {
        let held = socket2::Socket::new(socket2::Domain::IPV4, socket2::Type::STREAM, None).unwrap();
        held.set_reuse_address(true).unwrap();
        held.bind(&SocketAddr::from((Ipv4Addr::LOCALHOST, 0)).into()).unwrap();
        ReservedPort { address: held.local_addr().unwrap().as_socket().unwrap(), _held: held }
    }
}

/// A plain 200 that echoes the request's id.
pub(crate) fn ok(head: &str, body: &str) -> Vec<u8> {
    let value = head.lines().find_map(|line| line.strip_prefix("x-cload: ")).unwrap();
    let id = Identity::from_header(value.as_bytes()).unwrap().id;
    format!("HTTP/1.1 200 OK\r\nx-cload: id={id}\r\ncontent-length: {}\r\n\r\n{body}", body.len()).into_bytes()
}

/// A target in this process.
pub(crate) struct RunningTarget {
    pub(crate) http: SocketAddr,
    pub(crate) grpc: SocketAddr,
    pub(crate) admin: SocketAddr,
    pub(crate) addresses: target_server::Addresses,
    /// DNS, over UDP and TCP.
    pub(crate) dns: SocketAddr,
    drain: CancellationToken,
    serving: tokio::task::JoinHandle<target_server::Report>,
}

impl RunningTarget {
    pub(crate) fn start() -> RunningTarget {
        RunningTarget::with(Config::loopback())
    }

    /// One whose certificate is this authority's.
    pub(crate) fn secured(pki: &Pki) -> RunningTarget {
        let mut config = Config::loopback();
        config.listeners.tls_cert = Some(pki.path("server.pem"));
        config.listeners.tls_key = Some(pki.path("server.key"));
        RunningTarget::with(config)
    }

    /// One with these flags.
    pub(crate) fn with(config: Config) -> RunningTarget {
        let target = Target::bind(config).unwrap();
        let addresses = target.addresses();
        let target_server::Addresses { http, grpc, admin, dns, .. } = addresses;
        let dns = dns.expect("DNS is on by default");
        let drain = CancellationToken::new();
        let token = drain.clone();
        let serving = tokio::spawn(async move { target.serve(token).await });
        RunningTarget { http, grpc: grpc.expect("listens by default"), admin, addresses, dns, drain, serving }
    }

    pub(crate) async fn stop(self) {
        self.drained().await;
    }

    /// Tells it to stop, and how it ended.
    pub(crate) async fn drained(self) -> target_server::Report {
        self.drain.cancel();
        self.serving.await.unwrap()
    }
}

pub(crate) fn at(address: SocketAddr) -> Option<Address> {
    Some(Address { scheme: None, host: Host::Ip(address.ip()), port: Some(address.port()) })
}

/// The plan of a scenario against a server.
pub(crate) fn plan(scenario: &str, http: SocketAddr, admin: SocketAddr) -> Plan {
    planned(scenario, &Overrides { target: at(http), admin: at(admin), ..Overrides::default() })
}

/// The plan of a scenario against every listener of a target.
pub(crate) fn plan_for_all(scenario: &str, addresses: &target_server::Addresses) -> Plan {
    let mut ports = Ports::default();
    for protocol in Protocol::ALL {
        if let Some(address) = addresses.of(protocol) {
            ports.set(protocol, address.port());
        }
    }
    let (target, admin) = (at(addresses.http), at(addresses.admin));
    planned(scenario, &Overrides { target, admin, ports, ..Overrides::default() })
}

/// The plan of a scenario under these flags.
pub(crate) fn planned(scenario: &str, overrides: &Overrides) -> Plan {
    let scenario = Scenario::parse("test", scenario).unwrap_or_else(|problems| panic!("{problems}"));
    Plan::new(&scenario, overrides, &System::read().unwrap()).unwrap_or_else(|problems| panic!("{problems}"))
}

/// An engine for it.
pub(crate) fn engine(plan: Plan, length: Duration) -> Engine {
    let options = Options { length: Some(length), is_paused: false, workers: None, quantum: Quantum::Precise };
    Engine::new(plan, options, session_from_bits(rand::random()))
}

/// Runs a scenario against a server for a while.
pub(crate) async fn inject(scenario: &str, server: SocketAddr, length: Duration) -> Finished {
    let engine = engine(plan(scenario, server, server), length);
    let finished = engine.run(CancellationToken::new(), |_| ()).await.unwrap();
    for account in &finished.accounts {
        assert_accounted(account);
    }
    finished
}

/// Every planned request is in exactly one place, and none is under way any more; nor is a connection open.
pub(crate) fn assert_accounted(account: &OperationAccount) {
    assert!(account.adds_up(), "{account:?}");
    assert_eq!(account.in_flight, 0);
    assert_eq!(account.connections_open(), 0, "opened = ended + open: {account:?}");
}

/// What happens at once happens within this on the slowest machine.
const SOON: Duration = Duration::from_secs(60);

/// Waits until a condition holds, at most a minute; says what it saw last if it never does.
pub(crate) async fn eventually<T: std::fmt::Debug>(what: &str, look: impl AsyncFnMut() -> Result<(), T>) {
    within(SOON, what, look).await;
}

/// The same, for what may take longer than that.
pub(crate) async fn within<T: std::fmt::Debug>(limit: Duration, what: &str, look: impl AsyncFnMut() -> Result<(), T>) {
    if let Err(last) = before(Instant::now() + limit, look).await {
        panic!("{what}: never, last seen {last:?}");
    }
}

/// [`eventually`] for who has something to do about it: what it saw last if it never does.
pub(crate) async fn in_time<T>(look: impl AsyncFnMut() -> Result<(), T>) -> Result<(), T> {
    before(Instant::now() + SOON, look).await
}

async fn before<T>(deadline: Instant, mut look: impl AsyncFnMut() -> Result<(), T>) -> Result<(), T> {
    loop {
        match look().await {
            Err(_) if Instant::now() < deadline => tokio::time::sleep(Duration::from_millis(10)).await,
            done_or_late => return done_or_late,
        }
    }
}

/// Runs a test on a runtime like the pair's.
pub(crate) fn run<T>(test: impl Future<Output = T>) -> T {
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap();
    runtime.block_on(test)
}
