//! Clients that mean no good, or do not know better: bounded, counted, never a panic.

use std::time::Duration;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::time::timeout;

use crate::fixture::{Fixture, PATIENCE};
use crate::http::opening::PREFACE;

const SETTINGS: u8 = 4;
const GOAWAY: u8 = 7;
const MALFORMED: [&str; 3] = ["server_requests_total", "operation=\"malformed\"", "bad_request"];
/// `GET / ` of `t`: indexed fields, and a literal for the authority.
const HEAD: &[u8] = &[0x82, 0x86, 0x84, 0x01, 1, b't'];

pub(super) fn frame(kind: u8, flags: u8, stream: u32, payload: &[u8]) -> Vec<u8> {
    let [_, length @ ..] = u32::try_from(payload.len()).unwrap().to_be_bytes();
    [&length[..], &[kind, flags], &stream.to_be_bytes(), payload].concat()
}

fn opening(settings: &[u8]) -> Vec<u8> {
    [PREFACE, &frame(SETTINGS, 0, 0, settings)].concat()
}

/// The frames of what was received: kind, stream and payload.
pub(super) fn frames(mut bytes: &[u8]) -> Vec<(u8, u32, Vec<u8>)> {
    let mut frames = Vec::new();
    while let Some((head, rest)) = bytes.split_at_checked(9) {
        let length = u32::from_be_bytes([0, head[0], head[1], head[2]]) as usize;
        let Some((payload, rest)) = rest.split_at_checked(length) else { break };
        frames.push((head[3], u32::from_be_bytes(head[5..9].try_into().unwrap()), payload.to_vec()));
        bytes = rest;
    }
    frames
}

/// Sends these bytes on a connection of its own: the code of the GOAWAY that comes, if one does before the end.
async fn goaway(target: &Fixture, bytes: &[u8]) -> Option<u32> {
    let mut stream = TcpStream::connect(target.addresses.http).await.unwrap();
    let (mut reader, mut writer) = stream.split();
    let mut seen = Vec::new();
    let reading = async {
        let _ = reader.read_to_end(&mut seen).await;
    };
    // The target may have had enough before it has all.
    let writing = async {
        let _ = writer.write_all(bytes).await;
    };
    let both = async { tokio::join!(reading, writing) };
    timeout(PATIENCE, both).await.expect("the connection is still open");
    let (_, _, payload) = frames(&seen).into_iter().find(|(kind, ..)| *kind == GOAWAY)?;
    Some(u32::from_be_bytes(payload[4..8].try_into().unwrap()))
}

#[tokio::test]
async fn settings_that_make_no_sense_end_the_connection() {
    let target = Fixture::start().await;
    let setting = |id: u8, value: u32| [&[0, id], &value.to_be_bytes()[..]].concat();
    let cases = [
        opening(&setting(5, 1)),                          // MAX_FRAME_SIZE
        opening(&setting(5, u32::MAX)),                   // the same
        opening(&setting(2, 7)),                          // ENABLE_PUSH
        opening(&setting(4, u32::MAX)),                   // INITIAL_WINDOW_SIZE
        opening(&setting(4, 0)[..5]),                     // half a setting
        [opening(&[]), frame(0, 0, 1, b"data")].concat(), // DATA on an idle stream
        [opening(&[]), frame(1, 4, 2, HEAD)].concat(),    // a stream of the server's
        [opening(&[]), frame(9, 4, 1, HEAD)].concat(),    // CONTINUATION of nothing
        [opening(&[]), vec![0xff; 64]].concat(),          // a frame of 16 MiB
    ];
    for (i, bytes) in cases.iter().enumerate() {
        // Which code it has is h2's choice.
        assert!(goaway(&target, bytes).await.is_some_and(|code| code > 0), "{i}");
        target.eventually_metric(&MALFORMED, (i + 1) as f64).await;
    }
}

#[tokio::test]
async fn floods_are_bounded() {
    let target = Fixture::start().await;
    const ENHANCE_YOUR_CALM: u32 = 11;
    // Rapid reset: streams opened and reset at once.
    let mut resets = opening(&[]);
    for stream in (1..20_000).step_by(2) {
        resets.extend(frame(1, 5, stream, HEAD));
        resets.extend(frame(3, 0, stream, &8_u32.to_be_bytes()));
    }
    assert_eq!(goaway(&target, &resets).await, Some(ENHANCE_YOUR_CALM));
    // A head without an end.
    let mut head = opening(&[]);
    head.extend(frame(1, 1, 1, HEAD));
    for _ in 0..20_000 {
        head.extend(frame(9, 0, 1, &[0, 1, b'x', 1, b'y']));
    }
    assert_eq!(goaway(&target, &head).await, Some(ENHANCE_YOUR_CALM));
    target.eventually_metric(&MALFORMED, 2.0).await;
    target.eventually_metric(&["server_inflight_requests", "http2"], 0.0).await;
}

#[tokio::test]
async fn an_opening_cut_at_any_byte_costs_a_record_and_no_more() {
    let target = Fixture::with(|config| config.connections.head_timeout = Duration::from_millis(50)).await;
    let whole = opening(&[0, 3, 0, 0, 0, 100]);
    // Left by the client.
    for cut in 1..whole.len() {
        let mut stream = TcpStream::connect(target.addresses.http).await.unwrap();
        stream.write_all(&whole[..cut]).await.unwrap();
        stream.shutdown().await.unwrap();
        let mut rest = Vec::new();
        timeout(PATIENCE, stream.read_to_end(&mut rest)).await.unwrap().unwrap();
        assert_eq!(rest, b"", "{cut}");
    }
    let left = ["server_requests_total", "operation=\"malformed\"", "aborted"];
    target.eventually_metric(&left, (whole.len() - 1) as f64).await;
    // Stalled: closed by us.
    let mut stalled = Vec::new();
    for cut in 1..whole.len() {
        let mut stream = TcpStream::connect(target.addresses.http).await.unwrap();
        stream.write_all(&whole[..cut]).await.unwrap();
        stalled.push(stream);
    }
    for mut stream in stalled {
        let mut rest = Vec::new();
        timeout(PATIENCE, stream.read_to_end(&mut rest)).await.unwrap().unwrap();
        assert_eq!(rest, b"");
    }
    target.eventually_metric(&MALFORMED, (whole.len() - 1) as f64).await;
}

#[tokio::test]
async fn a_window_of_nothing_holds_nothing_for_ever() {
    let target = Fixture::with(|config| {
        config.connections.idle_timeout = Duration::from_secs(1);
        config.faults.delay_max = Duration::from_secs(1);
    })
    .await;
    // A plain echo: nothing was asked for that takes time.
    let bytes =
        [opening(&[0, 4, 0, 0, 0, 0]), frame(1, 4, 1, &[0x83, 0x86, 0x84, 0x01, 1, b't']), frame(0, 1, 1, b"echo me")]
            .concat();
    assert_eq!(goaway(&target, &bytes).await, None);
    target.eventually_metric(&["server_requests_total", "http2", "error=\"aborted\""], 1.0).await;
}
