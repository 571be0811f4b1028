//! Opening a listening socket, and how many connections the process can hold.

use std::io;
use std::net::{Ipv4Addr, SocketAddr};
use std::time::Duration;

use nix::sys::resource::{Resource, getrlimit, setrlimit};
use socket2::{Domain, Protocol, Socket, TcpKeepalive, Type};
use tokio::net::{TcpListener, UdpSocket};

/// A peer that vanished without a FIN is found out after about two minutes.
const KEEPALIVE: TcpKeepalive =
    TcpKeepalive::new().with_time(Duration::from_secs(60)).with_interval(Duration::from_secs(15)).with_retries(4);
/// How long the kernel lets a peer take nothing of what we write, before it gives the connection up: the bound on
/// answers to clients that stopped reading.
const STALLED_MAX: Duration = Duration::from_secs(5 * 60);
/// Connections allowed if nobody says how many: 800 MiB when all are idle, kernel included, so that a default cannot
/// exhaust a node.
const CONNECTIONS_DEFAULT: u32 = 100_000;
/// Descriptors that are not connections: listeners, the admin listener's connections, the runtime's own.
const DESCRIPTORS_RESERVED: u64 = 64;

/// Why a target cannot start.
#[derive(Debug, thiserror::Error)]
pub enum BindError {
    /// An address cannot be listened on.
    #[error("{flag} {address}: cannot listen: {source}; {hint}")]
    Listen {
        /// The flag that named the address.
        flag: &'static str,
        /// The address.
        address: SocketAddr,
        /// What the kernel said.
        source: io::Error,
        /// What would work.
        hint: &'static str,
    },
    /// The kernel does not say where a socket listens.
    #[error("a listening socket has no address")]
    Address(#[source] io::Error),
    /// The parts of `x-cload-server` are no header value.
    #[error("--pod, --node, --zone: {0:?} cannot be sent in a header; use A-Z a-z 0-9 . _ - :")]
    Place(String),
    /// The system has no random bytes for a secret.
    #[error("no random bytes for a secret; --jwt-secret-file names one")]
    Random(#[source] io::Error),
    /// A flag of podinfo's names what cannot be served.
    #[error("{0}")]
    Podinfo(String),
    /// Certificate or key cannot be served.
    #[error(transparent)]
    Tls(#[from] crate::tls::TlsError),
    /// The admin token cannot be read.
    #[error(transparent)]
    Token(#[from] shared::admin::guard::TokenError),
    /// The load that was asked for cannot be put on this machine.
    #[error(transparent)]
    Stress(#[from] crate::standing_stress::StressError),
    /// Two metrics share a name: a defect of ours.
    #[error("metrics")]
    Metrics(#[from] prometheus::Error),
}

/// A listening socket whose options every accepted connection inherits: set once, not per connection.
pub(super) fn on(flag: &'static str, address: SocketAddr, backlog: i32) -> Result<TcpListener, BindError> {
    open(address, backlog).map_err(|source| BindError::Listen { flag, address, hint: hint(&source), source })
}

/// A datagram socket.
pub(super) fn datagrams(flag: &'static str, address: SocketAddr) -> Result<UdpSocket, BindError> {
    open_datagrams(address).map_err(|source| BindError::Listen { flag, address, hint: hint(&source), source })
}

/// Both on one port, as DNS wants it.
pub(super) fn both(
    flag: &'static str,
    address: SocketAddr,
    backlog: i32,
) -> Result<(TcpListener, UdpSocket), BindError> {
    let mut tries = if address.port() == 0 { FREE_PORT_TRIES } else { 1 };
    loop {
        let listener = on(flag, address, backlog)?;
        let same = SocketAddr::new(address.ip(), listener.local_addr().map_err(BindError::Address)?.port());
        tries -= 1;
        match datagrams(flag, same) {
            Ok(socket) => return Ok((listener, socket)),
            // The kernel chose the port for TCP alone, and somebody has it for UDP.
            Err(BindError::Listen { source, .. }) if tries > 0 && source.kind() == io::ErrorKind::AddrInUse => {}
            Err(error) => return Err(error),
        }
    }
}

/// How often a free port of TCP may turn out not to be one of UDP.
const FREE_PORT_TRIES: u32 = 16;

/// What the kernel may hold for us between two looks at the socket, as far as `net.core.rmem_max` lets it: with the usual
/// 208 KiB it drops the third large datagram that comes while the process waits for a core.
const DATAGRAMS_HELD_BYTES: usize = 4 << 20;

fn open_datagrams(address: SocketAddr) -> io::Result<UdpSocket> {
    let (socket, address) = socket(address, Type::DGRAM, Protocol::UDP)?;
    socket.set_recv_buffer_size(DATAGRAMS_HELD_BYTES)?;
    socket.set_nonblocking(true)?;
    socket.bind(&address.into())?;
    UdpSocket::from_std(socket.into())
}

fn socket(address: SocketAddr, kind: Type, protocol: Protocol) -> io::Result<(Socket, SocketAddr)> {
    let socket = match Socket::new(Domain::for_address(address), kind, Some(protocol)) {
        Ok(socket) => socket,
        // A host without IPv6: all its addresses are of the other family.
        Err(_) if address.is_ipv6() && address.ip().is_unspecified() => {
            let address = SocketAddr::from((Ipv4Addr::UNSPECIFIED, address.port()));
            return Ok((Socket::new(Domain::IPV4, kind, Some(protocol))?, address));
        }
        Err(error) => return Err(error),
    };
    if address.is_ipv6() {
        socket.set_only_v6(false)?;
    }
    Ok((socket, address))
}

fn open(address: SocketAddr, backlog: i32) -> io::Result<TcpListener> {
    let (socket, address) = socket(address, Type::STREAM, Protocol::TCP)?;
    // Restarting must not wait for the old connections' TIME_WAIT; a second listener is refused all the same.
    socket.set_reuse_address(true)?;
    socket.set_tcp_nodelay(true)?;
    socket.set_tcp_keepalive(&KEEPALIVE)?;
    socket.set_tcp_user_timeout(Some(STALLED_MAX))?;
    socket.set_nonblocking(true)?;
    socket.bind(&address.into())?;
    socket.listen(backlog)?;
    TcpListener::from_std(socket.into())
}

fn hint(error: &io::Error) -> &'static str {
    match error.kind() {
        io::ErrorKind::AddrInUse => "another process has this port: choose a different one, or 0 for a free one",
        io::ErrorKind::PermissionDenied => "ports below 1024 need a privilege: choose a higher one",
        io::ErrorKind::AddrNotAvailable => "this host has no such address: choose one of its own, or [::] for all",
        _ => "choose another address",
    }
}

/// How many connections to allow: as configured, but never more than the process may open. Raises the soft limit of open
/// files to the hard one first.
pub(super) fn max_connections(configured: Option<u32>) -> usize {
    let wanted = u64::from(configured.unwrap_or(CONNECTIONS_DEFAULT));
    let allowed = raise_open_files().map_or(wanted, |files| files.saturating_sub(DESCRIPTORS_RESERVED).max(1));
    if configured.is_some() && allowed < wanted {
        tracing::warn!(wanted, allowed, "--max-connections is more than RLIMIT_NOFILE allows");
    }
    usize::try_from(wanted.min(allowed)).unwrap_or(usize::MAX)
}

fn raise_open_files() -> nix::Result<u64> {
    let (soft, hard) = getrlimit(Resource::RLIMIT_NOFILE)?;
    if soft < hard && setrlimit(Resource::RLIMIT_NOFILE, hard, hard).is_ok() {
        return Ok(hard);
    }
    Ok(soft)
}
