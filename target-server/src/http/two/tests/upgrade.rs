//! `Upgrade: h2c`, byte by byte.

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::time::timeout;

use super::hostile::{frame, frames};
use crate::fixture::{Fixture, PATIENCE};
use crate::http::opening::PREFACE;

fn request(path: &str, more: &str) -> String {
    format!(
        "GET {path} HTTP/1.1\r\nhost: t\r\nconnection: Upgrade, HTTP2-Settings\r\nupgrade: h2c\r\n\
         http2-settings: AAMAAABkAAQAoAAA\r\n{more}\r\n"
    )
}

#[tokio::test]
async fn the_request_that_asked_for_it_is_stream_1() {
    let target = Fixture::start().await;
    let mut stream = TcpStream::connect(target.addresses.http).await.unwrap();
    let long = format!("x-long: {}\r\n", "l".repeat(300));
    stream.write_all(request("/?size=5&body=seq", &long).as_bytes()).await.unwrap();
    let mut seen = Vec::new();
    while !seen.ends_with(b"\r\n\r\n") {
        assert_ne!(timeout(PATIENCE, stream.read_buf(&mut seen)).await.unwrap().unwrap(), 0);
    }
    let switching = String::from_utf8(std::mem::take(&mut seen)).unwrap();
    assert!(switching.starts_with("HTTP/1.1 101 ") && switching.contains("upgrade: h2c"), "{switching}");

    // The client's dynamic table is its own: what it indexes now is the first entry.
    let second = [&[0x82, 0x86, 0x84, 0x41, 1, b't'][..]].concat();
    let third = [0x82, 0x86, 0x84, 0xbe];
    let bytes = [PREFACE, &frame(4, 0, 0, &[]), &frame(1, 5, 3, &second), &frame(1, 5, 5, &third)].concat();
    stream.write_all(&bytes).await.unwrap();
    let ended = |seen: &[u8]| {
        let ends = |(kind, stream, _): &(u8, u32, Vec<u8>)| (*kind, *stream);
        let all: Vec<_> = frames(seen).iter().map(ends).collect();
        [(0, 1), (1, 1), (1, 3), (1, 5)].iter().all(|wanted| all.contains(wanted))
    };
    while !ended(&seen) {
        let read =
            timeout(PATIENCE, stream.read_buf(&mut seen)).await.unwrap_or_else(|_| panic!("{:?}", frames(&seen)));
        assert_ne!(read.unwrap(), 0, "{:?}", frames(&seen));
    }
    let body: Vec<u8> =
        frames(&seen).into_iter().filter(|(kind, id, _)| (*kind, *id) == (0, 1)).flat_map(|f| f.2).collect();
    assert_eq!(body, b"abcde");
    target.eventually_metric(&["server_requests_total", "protocol=\"http2\"", "code=\"200\"", "success"], 3.0).await;
    assert_eq!(target.metric(&["server_requests_total", "protocol=\"http\""]).await, 0.0);
    assert_eq!(target.metric(&["server_connections_open", "protocol=\"http2\""]).await, 1.0);
    assert_eq!(target.metric(&["server_connections_open", "protocol=\"http\""]).await, 0.0);
}

#[tokio::test]
async fn whatever_is_odd_about_it_is_answered_over_http_1() {
    let target = Fixture::start().await;
    for request in [
        "POST / HTTP/1.1\r\nhost: t\r\nconnection: Upgrade, HTTP2-Settings\r\nupgrade: h2c\r\nhttp2-settings: \r\ncontent-length: 2\r\n\r\nhi",
        "GET / HTTP/1.1\r\nhost: t\r\nconnection: Upgrade\r\nupgrade: h2c\r\nhttp2-settings: \r\n\r\n",
        "GET / HTTP/1.1\r\nhost: t\r\nconnection: Upgrade, HTTP2-Settings\r\nupgrade: h2c\r\n\r\n",
        "GET / HTTP/1.1\r\nhost: t\r\nconnection: Upgrade, HTTP2-Settings\r\nupgrade: h2c\r\nhttp2-settings: {}\r\n\r\n",
        "GET / HTTP/1.1\r\nhost: t\r\nconnection: Upgrade, HTTP2-Settings\r\nupgrade: websocket\r\nhttp2-settings: \r\n\r\n",
    ] {
        assert_eq!(target.ask(request).await.status, 200, "{request}");
    }
}

#[tokio::test]
async fn an_upgrade_that_goes_nowhere_is_counted() {
    let target = Fixture::start().await;
    let mut client = target.client().await;
    client.send(&(request("/", "") + "GET / HTTP/1.1\r\n\r\n")).await;
    let (raw, _) = client.rest().await;
    assert!(raw.starts_with("HTTP/1.1 101 ") && !raw.contains("200"), "{raw}");
    target.eventually_metric(&["server_requests_total", "operation=\"malformed\"", "http2", "bad_request"], 1.0).await;
}
