//! The values, and that the kernel has them.

use std::net::Ipv4Addr;

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
        assert_eq!(unacknowledged(timeout, silence), expected, "{timeout:?} {silence:?}");
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
        assert_eq!(socket.tcp_user_timeout().unwrap(), Some(guard.unacknowledged));
        assert_eq!(socket.keepalive().unwrap(), silence.is_some());
        if silence.is_some() {
            assert_eq!(socket.tcp_keepalive_time().unwrap(), 2 * SECOND, "rounded up to whole seconds");
            assert_eq!(socket.tcp_keepalive_interval().unwrap(), PROBE_INTERVAL);
            assert_eq!(socket.tcp_keepalive_retries().unwrap(), PROBES);
        }
    }
}
