//! Bounds: memory, slots, the switch, panics, and clients that leave.

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::time::timeout;

use super::{GET, post};
use crate::fixture::{Fixture, PATIENCE};

#[tokio::test]
async fn sixty_four_mebibytes_are_echoed_through_small_buffers() {
    const SIZE: usize = 64 << 20;
    let target = Fixture::start().await;
    for framing in [format!("content-length: {SIZE}"), "transfer-encoding: chunked".to_owned()] {
        let is_chunked = framing.starts_with("transfer");
        let mut client = target.client().await;
        client.send(&format!("POST / HTTP/1.1\r\nhost: t\r\n{framing}\r\n\r\n")).await;
        let (mut reader, mut writer) = client.stream.into_split();
        let sending = tokio::spawn(async move {
            let piece = [b'x'; 16 << 10];
            for _ in 0..SIZE / piece.len() {
                if is_chunked {
                    writer.write_all(b"4000\r\n").await.unwrap();
                }
                writer.write_all(&piece).await.unwrap();
                if is_chunked {
                    writer.write_all(b"\r\n").await.unwrap();
                }
            }
            if is_chunked {
                writer.write_all(b"0\r\n\r\n").await.unwrap();
            }
            writer
        });
        let mut buffer = vec![0; 64 << 10];
        let mut echoed = 0;
        while echoed < SIZE {
            let read = timeout(PATIENCE, reader.read(&mut buffer)).await.unwrap().unwrap();
            assert_ne!(read, 0);
            echoed += buffer[..read].iter().filter(|byte| **byte == b'x').count().min(SIZE);
        }
        sending.await.unwrap();
    }
    // What went through is counted, and nothing of it was kept: heads and names contain a few x as well.
    target.eventually_metric(&["server_sent_bytes_total", "injected=\"false\""], 2.0 * SIZE as f64).await;
    target.eventually_metric(&["server_received_bytes_total", "injected=\"false\""], 2.0 * SIZE as f64).await;
}

#[tokio::test]
async fn a_delay_ends_when_the_client_leaves() {
    let target = Fixture::start().await;
    for request in [
        "GET /?delay=50s HTTP/1.1\r\nhost: t\r\n\r\n".to_owned(),
        post("/?delay=50s", "with a body"),
        "GET /?size=9&chunk=1&chunk_delay=50s HTTP/1.1\r\nhost: t\r\n\r\n".to_owned(),
        "GET /?size=10kB&rate=200 HTTP/1.1\r\nhost: t\r\n\r\n".to_owned(),
    ] {
        let inflight = ["server_inflight_requests", "injected=\"true\""];
        let aborted = ["server_requests_total", "failure", "error=\"aborted\"", "injected=\"true\""];
        let before: f64 = target.metric(&aborted).await;
        let mut client = target.client().await;
        client.send(&request).await;
        target.eventually_metric(&inflight, 1.0).await;
        drop(client);
        target.eventually_metric(&inflight, 0.0).await;
        assert_eq!(target.metric(&aborted).await, before + 1.0, "{request}");
    }
    // The clients left within milliseconds of each other's; what they had asked to wait for is not the target's own time.
    let own = target.metric(&["processing_duration_seconds_sum", "failure", "injected=\"true\""]).await;
    let all = target.metric(&["request_duration_seconds_sum", "failure", "injected=\"true\""]).await;
    assert!(own < all / 2.0, "own time {own} s of {all} s");
}

#[tokio::test]
async fn a_refused_request_does_not_have_its_large_body_read() {
    let target = Fixture::start().await;
    for more in
        ["content-length: 1000000000", "content-length: 5\r\nexpect: 100-continue", "transfer-encoding: chunked"]
    {
        let request = format!("POST /?size=x HTTP/1.1\r\nhost: t\r\n{more}\r\n\r\n");
        let mut client = target.client().await;
        client.send(&request).await;
        let answer = client.answer().await;
        assert_eq!((answer.status, answer.field("connection")), (400, Some("close")), "{more}");
    }
}

#[tokio::test]
async fn beyond_the_bound_requests_are_served_without_their_fault() {
    let target = Fixture::with(|config| config.faults.faults_max_per_client = 2).await;
    let mut held = Vec::new();
    for _ in 0..2 {
        let mut client = target.client().await;
        client.send("GET /?fault=hang HTTP/1.1\r\nhost: t\r\n\r\n").await;
        held.push(client);
    }
    target.eventually_metric(&["server_inflight_requests", "injected=\"true\""], 2.0).await;
    let answer = target.get("/?status=503&delay=10s&size=3&body=seq").await;
    assert_eq!((answer.status, &*answer.body), (200, "abc"), "served, in the shape that was asked for");
    assert_eq!(answer.field("x-cload-fault"), Some("overflow"));
    assert_eq!(target.metric(&["fault_overflow_total"]).await, 1.0);
    assert_eq!(target.metric(&["faults_total", "kind=\"status\""]).await, 0.0);
    drop(held);
    target.eventually_metric(&["server_inflight_requests", "injected=\"true\""], 0.0).await;
    assert_eq!(target.get("/?status=503").await.status, 503);
}

#[tokio::test]
async fn memory_has_a_budget_in_all() {
    let target = Fixture::with(|config| config.faults.mem_total_max = 1 << 20).await;
    let mut client = target.client().await;
    client.send("GET /?mem=1MiB&size=2&body_delay=50s HTTP/1.1\r\nhost: t\r\n\r\n").await;
    assert_eq!(client.head().await.status, 200);
    assert_eq!(target.get("/?mem=4KiB").await.field("x-cload-fault"), Some("overflow"));
    drop(client);
    target.eventually_metric(&["server_inflight_requests", "injected=\"true\""], 0.0).await;
    assert!(target.get("/?mem=4KiB").await.field("x-cload-fault").unwrap().starts_with("mem=4"));
}

#[tokio::test]
async fn faults_can_be_switched_off() {
    let target = Fixture::with(|config| config.faults.faults = crate::config::Switch::Off).await;
    let answer = target.get("/?status=503").await;
    assert_eq!((answer.status, answer.field("x-cload-fault")), (200, Some("disabled")));
    assert_eq!(target.get("/?delay=x").await.status, 400, "a wrong spec is wrong all the same");
}

#[tokio::test]
async fn what_the_dice_decided_against_is_not_marked() {
    let target = Fixture::start().await;
    for spec in ["p=0&status=503", "status=503:0", "size=1"] {
        let answer = target.get(&format!("/?{spec}")).await;
        assert_eq!((answer.status, answer.field("x-cload-fault")), (200, None), "{spec}");
    }
    // The same request has the same fate, whenever and wherever it comes.
    let ask =
        |seq: u32| format!("GET /?status=503:50 HTTP/1.1\r\nhost: t\r\nx-cload: source=a/b;op=o;id=s.{seq}\r\n\r\n");
    let fault = shared::carrier::query("status=503:50").unwrap();
    for seq in 0..20 {
        let predicted = fault.roll(0, &format!("s.{seq}"), 0).status.and_then(|status| status.http()).unwrap_or(200);
        assert_eq!(target.ask(&ask(seq)).await.status, predicted, "{seq}");
    }
}

#[tokio::test]
async fn a_panic_costs_one_answer() {
    let target = Fixture::start().await;
    let mut client = target.client().await;
    client.send("GET /panic HTTP/1.1\r\nhost: t\r\n\r\n").await;
    assert_eq!(client.answer().await.status, 500);
    client.send(GET).await;
    assert_eq!(client.answer().await.status, 200);
    assert_eq!(target.metric(&["server_requests_total", "code=\"500\"", "error=\"internal\""]).await, 1.0);
    assert_eq!(target.metric(&["server_inflight_requests", "injected=\"false\""]).await, 0.0);
}

#[tokio::test]
async fn an_early_answer_is_sent_to_its_last_byte_and_says_that_it_is_the_last() {
    // Sizes around what a socket's buffers hold, so that some end with their last piece still unsent.
    let target = Fixture::start().await;
    for size in (0..24).map(|i| (2 << 20) + i * (97 << 10)) {
        let mut client = target.client().await;
        let request =
            format!("POST /?read=none&size={size}&body=seq HTTP/1.1\r\nhost: t\r\ncontent-length: 100000\r\n\r\nx");
        client.send(&request).await;
        // A reader that is slow to begin lets the buffers fill.
        tokio::time::sleep(std::time::Duration::from_millis(20)).await;
        let answer = client.answer().await;
        assert_eq!((answer.body.len(), answer.field("connection")), (size, Some("close")), "{size}");
    }
    target.eventually_metric(&["server_requests_total", "code=\"200\"", "success", "injected=\"true\""], 24.0).await;
}

#[tokio::test]
async fn delays_around_an_empty_body_are_waited_once() {
    let target = Fixture::start().await;
    for path in ["/?chunk=4&body_delay=300ms", "/?size=0&chunk=1&end_delay=300ms", "/?body_delay=150ms&end_delay=150ms"]
    {
        let start = tokio::time::Instant::now();
        assert_eq!(target.get(path).await.status, 200, "{path}");
        let took = start.elapsed().as_millis();
        assert!((300..590).contains(&took), "{path} took {took} ms");
    }
    // And not at all before what strikes at the head.
    let start = tokio::time::Instant::now();
    target.raw("GET /?fault=reset&body_delay=5s HTTP/1.1\r\nhost: t\r\n\r\n").await;
    assert!(start.elapsed().as_millis() < 4000);
}

#[tokio::test]
async fn echoes_held_to_be_broken_have_a_budget() {
    let target = Fixture::with(|config| config.faults.mem_total_max = 1 << 20).await;
    let head = |bytes: u64, fault: &str| {
        format!("POST /?fault={fault} HTTP/1.1\r\nhost: t\r\ncontent-length: {bytes}\r\n\r\n")
    };
    let mut client = target.client().await;
    client.send(&head(2 << 20, "abort&at=50%25")).await;
    assert_eq!(client.answer().await.status, 503);
    // What is broken at its head holds nothing.
    let mut client = target.client().await;
    client.send(&head(4, "reset")).await;
    client.send("abcd").await;
    assert_eq!(client.rest().await.0, "");
}
