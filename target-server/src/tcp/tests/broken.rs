//! Faults, refusals and rubbish on the TCP echo.

use std::time::Duration;

use shared::carrier::TCP_LINE_MAX_BYTES;
use shared::echo::Corruption;
use shared::fault::{Fault, Separator};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::time::Instant;

use super::{conversation, ok};
use crate::fixture::{End, Fixture};

#[tokio::test]
async fn every_fault_strikes_where_it_was_asked_to() {
    let target = Fixture::start().await;
    let cases = [
        ("fault=empty", None, End::Fin),
        ("fault=reset", None, End::Rst),
        ("fault=reset at=body", Some(""), End::Rst),
        ("fault=reset at=4", Some("0123"), End::Rst),
        ("fault=reset at=50%", Some("01234"), End::Rst),
        ("fault=reset at=10", Some("0123456789"), End::Rst),
        ("fault=reset at=after(20ms)", Some("0123456789"), End::Rst),
        ("delay=10s fault=reset at=after(20ms)", None, End::Rst),
        ("fault=abort", Some(""), End::Fin),
        ("fault=abort at=4", Some("0123"), End::Fin),
        ("size=10 fault=abort at=0", Some(""), End::Fin),
        ("chunk=2 chunk_delay=1ms fault=abort at=5", Some("01234"), End::Fin),
        ("mode=upper fault=abort at=3", Some("012"), End::Fin),
    ];
    for (spec, wanted, end) in cases {
        let mut client = target.tcp().await;
        // Unread input behind the exchange must not turn a FIN into a RST.
        client.send(format!("CL/1 bytes=10 {spec}\n0123456789{}", "x".repeat(5000))).await;
        let (got, ended) = client.rest().await;
        assert_eq!(ended, end, "{spec}: {got:?}");
        match wanted {
            None => assert_eq!(got, "", "{spec}"),
            Some(wanted) => {
                let (line, payload) = got.split_once('\n').unwrap_or_else(|| panic!("{spec}: {got:?}"));
                assert!(line.starts_with("CL/1 OK ") && line.contains("fault:"), "{spec}: {line}");
                assert_eq!(payload, wanted, "{spec}");
            }
        }
    }
    let (garbage, end) = conversation(&target, "CL/1 fault=garbage\n").await;
    assert!(!garbage.starts_with("CL/1") && garbage.len() > 100 && end == End::Fin, "{garbage:?}");
    target.eventually_metric(&["server_inflight_requests", "protocol=\"tcp\""], 0.0).await;
    let silent = ["server_requests_total", "protocol=\"tcp\"", "code=\"\"", "success"];
    assert_eq!(target.metric(&silent).await, cases.len() as f64 + 1.0);
}

#[tokio::test]
async fn an_open_stream_can_be_cut_too() {
    let target = Fixture::start().await;
    let mut client = target.tcp().await;
    client.send("CL/1 fault=abort at=6\nabc").await;
    ok(&mut client).await;
    assert_eq!(client.take(3).await, "abc");
    client.send("defghi").await;
    assert_eq!(client.rest().await, ("def".to_owned(), End::Fin));
}

#[tokio::test]
async fn a_hang_lasts_until_the_client_leaves_or_the_bound() {
    let target = Fixture::with(|config| config.faults.hang_max = Duration::from_millis(300)).await;
    let mut client = target.tcp().await;
    client.send("CL/1 source=a/b op=x id=s1.1 bytes=3 fault=hang at=2\nabc").await;
    ok(&mut client).await;
    assert_eq!(client.take(2).await, "ab");
    assert_eq!(target.account("s1").await.operations["x"].in_flight, 1);
    drop(client);
    crate::fixture::eventually("the hang ends", || async {
        let account = target.account("s1").await;
        account.operations["x"].unanswered == 1 && account.operations["x"].in_flight == 0
    })
    .await;
    let start = Instant::now();
    let mut client = target.tcp().await;
    client.send("CL/1 fault=hang\n").await;
    assert_eq!(client.rest().await, (String::new(), End::Rst));
    assert!(start.elapsed() >= Duration::from_millis(300));
}

#[tokio::test]
async fn a_client_that_resets_is_aborted_and_its_delay_ends() {
    let target = Fixture::start().await;
    let mut client = target.tcp().await;
    client.send("CL/1 bytes=0 delay=60s\n").await;
    let inflight = ["server_inflight_requests", "protocol=\"tcp\"", "injected=\"true\""];
    target.eventually_metric(&inflight, 1.0).await;
    socket2::SockRef::from(&client.stream).set_linger(Some(Duration::ZERO)).unwrap();
    drop(client);
    target.eventually_metric(&inflight, 0.0).await;
    assert_eq!(target.metric(&["server_requests_total", "protocol=\"tcp\"", "error=\"aborted\""]).await, 1.0);
}

#[tokio::test]
async fn flipped_bits_are_those_both_sides_know() {
    let target = Fixture::start().await;
    let payload: Vec<u8> = (0..70_000_u32).map(|i| (i % 251) as u8).collect();
    let mut client = target.tcp().await;
    let spec = "seed=3 id=k corrupt=true chunk=777";
    let (mut reader, mut writer) = client.stream.split();
    let mut got = Vec::new();
    let write = async {
        writer.write_all(format!("CL/1 {spec} bytes={}\n", payload.len()).as_bytes()).await.unwrap();
        writer.write_all(&payload).await.unwrap();
        writer.shutdown().await.unwrap();
    };
    let (_, read) = tokio::join!(write, reader.read_to_end(&mut got));
    read.unwrap();
    let line = got.iter().position(|byte| *byte == b'\n').unwrap() + 1;
    let verdict = Fault::parse(spec, Separator::Space).unwrap().roll(0, "", 0);
    let mut wanted = payload.clone();
    Corruption::of(&verdict).unwrap().flip(0, &mut wanted);
    assert!(got[line..] == wanted && wanted != payload);
}

#[tokio::test]
async fn what_is_wrong_is_said_counted_and_ends_the_connection() {
    let target = Fixture::start().await;
    let long = format!("id={}", "x".repeat(TCP_LINE_MAX_BYTES));
    for (line, wanted) in [
        ("delay=10x", "CL/1 ERR param=delay pos=6 value=\"10x\" reason=\"unknown unit"),
        ("dely=1s", "CL/1 ERR param=dely pos=0 "),
        ("status=503", "CL/1 ERR param=status pos=7 "),
        ("loss=true", "CL/1 ERR param=loss pos=5 "),
        ("fault=reset at=99 bytes=10", "CL/1 ERR param=at pos=15 "),
        ("mode=source bytes=3", "CL/1 ERR param=mode pos=5 "),
        ("source=a/b op=X id=s.1", "CL/1 ERR param=op pos=14 "),
        ("delay=1s delay=2s", "CL/1 ERR param=delay "),
        (&long, "CL/1 ERR param=\"\" pos=0 value=\"CL/1 id=xxxxxxxx\" reason=\"the line is longer than 1024 bytes\""),
    ] {
        let (got, end) = conversation(&target, format!("CL/1 {line}\nmore")).await;
        assert!(got.starts_with(wanted) && got.ends_with('\n') && end == End::Fin, "{line}: {got:?} {end:?}");
        assert!(got.len() <= 1024);
    }
    let (got, end) = conversation(&target, b"CL/1 \xff\xfe\n".as_slice()).await;
    assert!(got.starts_with("CL/1 ERR ") && end == End::Fin, "{got:?}");
    assert_eq!(target.metric(&["spec_errors_total", "parameter=\"delay\""]).await, 2.0);
    assert_eq!(target.metric(&["spec_errors_total", "parameter=\"mode\""]).await, 1.0);
    assert_eq!(target.metric(&["server_requests_total", "protocol=\"tcp\"", "error=\"bad_request\""]).await, 10.0);
}

#[tokio::test]
async fn a_line_of_the_longest_length_is_read_and_one_more_byte_is_not() {
    let target = Fixture::start().await;
    for (extra, begins) in [(0, "CL/1 OK"), (1, "CL/1 ERR")] {
        let spaces = TCP_LINE_MAX_BYTES - "CL/1 id=k\n".len() + extra;
        let (got, _) = conversation(&target, format!("CL/1 {}id=k\n", " ".repeat(spaces))).await;
        assert!(got.starts_with(begins), "{extra}: {got:?}");
    }
}

/// Whatever comes, either the same bytes go back or a line of ours, and the target stays.
#[tokio::test]
async fn any_bytes_are_an_echo_or_a_line() {
    let target = Fixture::start().await;
    let mut state = 1_u64;
    let mut dice = |below: u64| {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (state >> 33) % below
    };
    let words: [&[u8]; 18] = [
        b"CL/1 ",
        b"CL/",
        b"\n",
        b"\r\n",
        b" ",
        b"bytes=3",
        b"bytes=",
        b"delay=1ms",
        b"fault=reset",
        b"at=1",
        b"ack=0",
        b"mode=upper",
        b"\xff\x00",
        b"id=k",
        b"source=a/b",
        b"op=x",
        b"abc",
        b"p=50",
    ];
    for _ in 0..300 {
        let bytes: Vec<u8> = (0..=dice(12)).flat_map(|_| words[dice(18) as usize].iter().copied()).collect();
        let mut client = target.tcp().await;
        client.send(&bytes).await;
        // A reset that was asked for may be here already.
        let _ = client.stream.shutdown().await;
        let (got, end) = client.rest().await;
        let sent = String::from_utf8_lossy(&bytes);
        if !bytes.starts_with(b"CL/1 ") {
            assert_eq!((got.as_str(), end), (&*sent, End::Fin));
        } else if !sent.contains("ack=0") {
            let is_line = ["CL/1 OK ", "CL/1 ERR "].iter().any(|begins| got.starts_with(begins));
            let is_broken = got.is_empty() && (end == End::Rst || sent.contains("bytes=3"));
            assert!(is_line || is_broken, "{sent:?}: {got:?} {end:?}");
        }
    }
    target.eventually_metric(&["server_inflight_requests", "protocol=\"tcp\""], 0.0).await;
    assert_eq!(target.metric(&["server_requests_total", "protocol=\"tcp\"", "error=\"internal\""]).await, 0.0);
}
