//! The values, and that the kernel has them.

use std::io::Write as _;
use std::net::{Ipv4Addr, SocketAddr};
use std::process::Command;
use std::thread;

use nix::sched::{CloneFlags, unshare};
use shared::outcome::ConnectionEnd;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpListener;

use super::*;

const SECOND: Duration = Duration::from_secs(1);

#[test]
fn a_connection_outlives_a_request_and_three_probes() {
    let unacknowledged = |timeout, silence| Guard::new(timeout, silence).unacknowledged;
    let cases = [
        (SECOND, Some(10 * SECOND), Duration::from_millis(15_000)),
        (60 * SECOND, Some(10 * SECOND), 61 * SECOND),
        (SECOND / 10, None, Duration::from_millis(1_100)),
    ];
    for (timeout, silence, expected) in cases {
        assert_eq!(unacknowledged(timeout, silence), Some(expected), "{timeout:?} {silence:?}");
    }
    assert_eq!(Guard::new(SECOND / 10, None).answer, SECOND);
    assert_eq!(Guard::new(3 * SECOND, None).answer, 3 * SECOND);
}

#[tokio::test]
async fn the_kernel_has_every_option() {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.unwrap();
    for silence in [Some(Duration::from_millis(1_500)), None] {
        let tcp = TcpStream::connect(listener.local_addr().unwrap()).await.unwrap();
        let guard = Guard::new(SECOND, silence);
        guard.set(&tcp).unwrap();
        let socket = SockRef::from(&tcp);
        assert!(socket.tcp_nodelay().unwrap());
        assert_eq!(socket.tcp_user_timeout().unwrap(), guard.unacknowledged);
        assert_eq!(socket.keepalive().unwrap(), silence.is_some());
        if silence.is_some() {
            assert_eq!(socket.tcp_keepalive_time().unwrap(), 2 * SECOND, "rounded up to whole seconds");
            assert_eq!(socket.tcp_keepalive_interval().unwrap(), PROBE_INTERVAL);
            assert_eq!(socket.tcp_keepalive_retries().unwrap(), PROBES);
        }
    }
}

#[tokio::test]
async fn a_connection_for_one_request_is_told_nothing_but_not_to_wait() {
    let plan = crate::fixture::plan("target: far\nmix: [{ name: a, rate: 1/s, connection: fresh, http: {} }]\n");
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.unwrap();
    let tcp = TcpStream::connect(listener.local_addr().unwrap()).await.unwrap();
    Guard::of(&plan.operations[0]).set(&tcp).unwrap();
    let socket = SockRef::from(&tcp);
    let told = (socket.tcp_nodelay().unwrap(), socket.tcp_user_timeout().unwrap(), socket.keepalive().unwrap());
    assert_eq!(told, (true, None, false));
}

/// A network of this thread's own, in which this address leads nowhere once it is told to.
struct Network;

impl Network {
    /// Nothing, after saying why, where that cannot be had.
    fn new() -> Option<Network> {
        let ready = unshare(CloneFlags::CLONE_NEWNET).map_err(|error| error.to_string()).and_then(|()| {
            let up = Command::new("ip").args(["link", "set", "lo", "up"]).status();
            up.map_err(|error| format!("ip: {error}")).and_then(|up| up.success().then_some(()).ok_or(up.to_string()))
        });
        if let Err(why) = &ready {
            assert!(std::env::var_os("REQUIRE_TOOLS").is_none_or(|value| value != "1"), "needs root and ip: {why}");
            // Not captured, unlike what `eprintln` says.
            let _ = writeln!(std::io::stderr(), "skipped: needs root and ip: {why}");
        }
        ready.ok().map(|()| Network)
    }

    /// From now on nothing arrives there, and nobody is told.
    fn swallow(&self, address: SocketAddr) {
        let to = format!("{}/32", address.ip());
        assert!(
            Command::new("ip").args(["route", "add", "blackhole", &to, "table", "local"]).status().unwrap().success()
        );
    }
}

#[test]
fn a_peer_that_is_gone_without_a_word_is_noticed_idle_or_busy() {
    // A thread of its own, and the network ends with it.
    let test = thread::spawn(|| {
        let Some(network) = Network::new() else { return };
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        runtime.block_on(async {
            let listener = TcpListener::bind((Ipv4Addr::new(127, 9, 9, 9), 0)).await.unwrap();
            let address = listener.local_addr().unwrap();
            let guard = Guard::new(SECOND, Some(SECOND));
            let mut open = Vec::new();
            for _ in 0..2 {
                let tcp = TcpStream::connect(address).await.unwrap();
                guard.set(&tcp).unwrap();
                open.push((tcp, listener.accept().await.unwrap()));
            }
            network.swallow(address);
            let [(idle, _), (busy, _)] = &mut open[..] else { panic!("two") };
            busy.write_all(b"nobody hears this").await.unwrap();
            let (mut byte, mut other) = ([0], [0]);
            let both = async { tokio::join!(idle.read(&mut byte), busy.read(&mut other)) };
            let (idle, busy) = tokio::time::timeout(60 * SECOND, both).await.expect("the kernel gives up by itself");
            assert_eq!(ConnectionEnd::while_idle(&idle), ConnectionEnd::Ping, "{idle:?}");
            assert_eq!(
                shared::outcome::ErrorClass::of_receive(&busy.unwrap_err()),
                shared::outcome::ErrorClass::Timeout
            );
        });
    });
    test.join().unwrap();
}
