//! Both ends of a connection, in memory, on a clock that only moves when everybody waits.

use serde_json::Value;
use tokio::io::{DuplexStream, duplex};
use tokio::task::JoinHandle;
use tokio_tungstenite::tungstenite::Utf8Bytes;

use super::*;

struct Client {
    socket: WebSocketStream<DuplexStream>,
    server: JoinHandle<WsEnd>,
    drain: CancellationToken,
}

/// The head of a frame below 126 bytes.
const FRAME_HEAD_BYTES: u64 = 2;
/// What is in the pipe at once.
const PIPE_BYTES: usize = 64 << 10;

fn start(ahead: &'static [u8]) -> (DuplexStream, JoinHandle<WsEnd>, CancellationToken) {
    let (ours, theirs) = duplex(PIPE_BYTES);
    let drain = CancellationToken::new();
    let token = drain.clone();
    let server = tokio::spawn(async move { serve(theirs, Bytes::from_static(ahead), "pod-1", token).await });
    (ours, server, drain)
}

async fn connect() -> Client {
    let (stream, server, drain) = start(b"");
    Client { socket: WebSocketStream::from_raw_socket(stream, Role::Client, None).await, server, drain }
}

impl Client {
    async fn next(&mut self) -> Message {
        self.socket.next().await.unwrap().unwrap()
    }

    /// The next text as it came, and its time.
    async fn line(&mut self) -> (String, String) {
        let Message::Text(text) = self.next().await else { panic!("no text") };
        let read: Value = serde_json::from_str(&text).unwrap();
        let ts = read["ts"].as_str().unwrap().to_owned();
        humantime::parse_rfc3339(&ts).unwrap();
        assert_eq!(ts.len(), "2026-01-01T00:00:00.000000000Z".len());
        (text.to_string(), ts)
    }

    async fn close_code(&mut self) -> Option<CloseCode> {
        loop {
            if let Message::Close(frame) = self.next().await {
                return frame.map(|frame| frame.code);
            }
        }
    }

    /// Ends our side in order, and what the server makes of it all.
    async fn end(mut self) -> WsEnd {
        let _ = self.socket.flush().await;
        drop(self.socket);
        self.server.await.unwrap()
    }
}

#[tokio::test(start_paused = true)]
async fn every_message_comes_back_as_a_line_of_json() {
    let mut client = connect().await;
    let mut sent_bytes = 0;
    for (message, msg) in [
        (Message::text("hi"), r#""hi""#),
        (Message::text(""), r#""""#),
        (Message::text("\"\n\u{e4}"), "\"\\\"\\n\u{e4}\""),
        (Message::binary(&b"a\xffb"[..]), "\"a\u{fffd}b\""),
    ] {
        client.socket.send(message).await.unwrap();
        let (text, ts) = client.line().await;
        assert_eq!(text, format!("{{\"ts\":\"{ts}\",\"msg\":{msg}}}\n"));
        sent_bytes += FRAME_HEAD_BYTES + text.len() as u64;
    }
    client.socket.close(None).await.unwrap();
    assert_eq!(client.close_code().await, None);
    let end = client.end().await;
    assert_eq!((end.ended, end.ended.error()), (Ended::Closed, None));
    // What a client sends is masked, by four bytes per frame.
    assert_eq!((end.sent_bytes, end.received_bytes), (sent_bytes + FRAME_HEAD_BYTES, 5 * (FRAME_HEAD_BYTES + 4) + 9));
}

#[tokio::test(start_paused = true)]
async fn the_server_says_who_it_is_every_five_seconds() {
    let mut client = connect().await;
    let began = Instant::now();
    for round in 1..=3 {
        let (text, ts) = client.line().await;
        assert_eq!(text, format!("{{\"ts\":\"{ts}\",\"server\":\"pod-1\"}}\n"));
        assert_eq!(began.elapsed().as_secs(), 5 * round);
    }
}

#[tokio::test(start_paused = true)]
async fn what_was_read_with_the_request_counts() {
    // A masked text of two bytes, the mask being zero.
    let (stream, server, _drain) = start(b"\x81\x82\0\0\0\0hi");
    let mut socket = WebSocketStream::from_raw_socket(stream, Role::Client, None).await;
    let first = socket.next().await.unwrap().unwrap();
    assert!(first.to_text().unwrap().ends_with(",\"msg\":\"hi\"}\n"), "{first}");
    drop(socket);
    let end = server.await.unwrap();
    assert_eq!((end.ended, end.received_bytes), (Ended::Gone, 8));
    assert_eq!(end.ended.error(), Some(ServerError::Aborted));
}

#[tokio::test(start_paused = true)]
async fn a_mebibyte_is_taken_and_one_more_is_not() {
    let mut client = connect().await;
    let worst = "\u{1}".repeat(MESSAGE_MAX_BYTES);
    client.socket.send(Message::text(worst.clone())).await.unwrap();
    let (text, _) = client.line().await;
    let read: Value = serde_json::from_str(&text).unwrap();
    assert_eq!(read["msg"], worst);

    let large = Utf8Bytes::from("x".repeat(MESSAGE_MAX_BYTES + 1));
    client.socket.send(Message::Text(large)).await.unwrap();
    assert_eq!(client.close_code().await, Some(CloseCode::Size));
    let end = client.end().await;
    assert_eq!((end.ended, end.ended.error()), (Ended::TooLarge, Some(ServerError::Overload)));
}

#[tokio::test(start_paused = true)]
async fn what_is_not_the_protocol_is_told_so() {
    for (bytes, code) in [
        // Not masked.
        (&b"\x81\x02hi"[..], CloseCode::Protocol),
        // A reserved kind of frame.
        (b"\x83\x80\0\0\0\0", CloseCode::Protocol),
        // Text that is no UTF-8.
        (b"\x81\x82\0\0\0\0\xff\xff", CloseCode::Invalid),
    ] {
        let (stream, server, _drain) = start(bytes);
        let mut socket = WebSocketStream::from_raw_socket(stream, Role::Client, None).await;
        let Some(Ok(Message::Close(Some(frame)))) = socket.next().await else { panic!("no close frame: {bytes:?}") };
        assert_eq!(frame.code, code, "{bytes:?}");
        drop(socket);
        let end = server.await.unwrap();
        assert_eq!((end.ended, end.ended.error()), (Ended::Broken(code), Some(ServerError::BadRequest)));
    }
}

#[tokio::test(start_paused = true)]
async fn a_client_is_pinged_and_pongs_keep_it() {
    let mut client = connect().await;
    let began = Instant::now();
    let mut pings = Vec::new();
    // Reading answers pings; and nothing else is sent.
    while began.elapsed() < Duration::from_secs(200) {
        if client.next().await.is_ping() {
            pings.push(began.elapsed().as_secs());
        }
    }
    assert_eq!(pings, [30, 60, 90, 120, 150, 180]);
    assert!(!client.server.is_finished());
}

#[tokio::test(start_paused = true)]
async fn a_client_that_talks_and_answers_no_ping_is_kept() {
    let (mut stream, server, _drain) = start(b"");
    let began = Instant::now();
    tokio::time::sleep(Duration::from_secs(50)).await;
    // The first byte of a frame is a sign of life too.
    stream.write_all(b"\x81").await.unwrap();
    stream.read_to_end(&mut Vec::new()).await.unwrap();
    let after = began.elapsed();
    let expected = Duration::from_secs(50) + SILENCE_MAX;
    assert!(after >= expected && after <= expected + CLOSE_MAX, "{after:?}");
    drop(stream);
    assert_eq!(server.await.unwrap().ended, Ended::Silent);
}

#[tokio::test(start_paused = true)]
async fn a_silent_client_is_told_goodbye() {
    let (mut stream, server, _drain) = start(b"");
    let began = Instant::now();
    let mut all = Vec::new();
    stream.read_to_end(&mut all).await.unwrap();
    let after = began.elapsed();
    assert!(after >= SILENCE_MAX && after <= SILENCE_MAX + CLOSE_MAX, "{after:?}");
    assert_eq!(all[all.len() - 4..], [0x88, 2, 0x03, 0xe9], "a close frame with 1001");
    drop(stream);
    let end = server.await.unwrap();
    assert_eq!((end.ended, end.ended.error(), end.received_bytes), (Ended::Silent, Some(ServerError::Aborted), 0));
    assert_eq!(end.sent_bytes, all.len() as u64);
}

#[tokio::test(start_paused = true)]
async fn a_client_that_does_not_read_is_dropped() {
    let mut client = connect().await;
    let began = Instant::now();
    // More than the pipe holds, and nobody reads the echo.
    client.socket.send(Message::binary(vec![1; PIPE_BYTES])).await.unwrap();
    let end = client.server.await.unwrap();
    assert_eq!((end.ended, end.ended.error()), (Ended::Stalled, Some(ServerError::Write)));
    let after = began.elapsed();
    assert!(after >= WRITE_MAX && after <= WRITE_MAX + CLOSE_MAX, "{after:?}");
}

#[tokio::test(start_paused = true)]
async fn a_drain_says_goodbye() {
    let mut client = connect().await;
    client.socket.send(Message::text("hi")).await.unwrap();
    client.line().await;
    client.drain.cancel();
    assert_eq!(client.close_code().await, Some(CloseCode::Away));
    let end = client.end().await;
    assert_eq!((end.ended, end.ended.error()), (Ended::Drained, None));
}

#[tokio::test(start_paused = true)]
async fn a_drain_waits_for_nobody_long() {
    let client = connect().await;
    let began = Instant::now();
    client.drain.cancel();
    assert_eq!(client.server.await.unwrap().ended, Ended::Drained);
    assert!(began.elapsed() <= CLOSE_MAX, "{:?}", began.elapsed());
    // Not even while something is being written.
    let mut client = connect().await;
    client.socket.send(Message::binary(vec![1; PIPE_BYTES])).await.unwrap();
    tokio::time::sleep(Duration::from_secs(1)).await;
    let began = Instant::now();
    client.drain.cancel();
    assert_eq!(client.server.await.unwrap().ended, Ended::Drained);
    assert!(began.elapsed() <= CLOSE_MAX, "{:?}", began.elapsed());
}
