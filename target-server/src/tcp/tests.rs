//! The TCP echo byte by byte, from the client's side and in the target's own records.

mod broken;

use std::time::Duration;

use shared::fault::{Fault, Separator};
use shared::payload::Payload;
use shared::reply::{Answer, Plan};
use tokio::io::AsyncWriteExt;
use tokio::time::Instant;

use crate::fixture::{Client, End, Fixture};

/// Sends all, ends its side, and takes what comes.
async fn conversation(target: &Fixture, bytes: impl AsRef<[u8]>) -> (String, End) {
    let mut client = target.tcp().await;
    client.send(bytes).await;
    client.stream.shutdown().await.unwrap();
    client.rest().await
}

async fn ok(client: &mut Client) -> String {
    let line = client.take_until("\n").await;
    assert!(line.starts_with("CL/1 OK "), "{line:?}");
    line
}

#[tokio::test]
async fn whatever_begins_otherwise_is_echoed_byte_for_byte() {
    let target = Fixture::start().await;
    let mut n_bytes = 300_000;
    for text in
        ["x", "C", "CL", "CL/", "CL/1", "CL/2 x", "cl/1 x", "CLCL/1 delay=1s\n", "\nCL/1 x\n", "GET / HTTP/1.1\r\n\r\n"]
    {
        n_bytes += text.len();
        assert_eq!(conversation(&target, text).await, (text.to_owned(), End::Fin), "{text:?}");
    }
    let large = "0123456789".repeat(30_000);
    let mut client = target.tcp().await;
    let mut received = Vec::new();
    let (mut read_half, mut write_half) = client.stream.split();
    let write = async {
        write_half.write_all(large.as_bytes()).await.unwrap();
        write_half.shutdown().await.unwrap();
    };
    let (_, read) = tokio::join!(write, tokio::io::AsyncReadExt::read_to_end(&mut read_half, &mut received));
    assert_eq!(read.unwrap(), large.len());
    assert!(received == large.as_bytes());
    let succeeded = ["server_requests_total", "protocol=\"tcp\"", "operation=\"echo\"", "code=\"ok\"", "success"];
    target.eventually_metric(&succeeded, 11.0).await;
    target.eventually_metric(&["server_received_bytes_total", "protocol=\"tcp\"", "external"], n_bytes as f64).await;
}

#[tokio::test]
async fn a_beginning_that_stalls_is_given_back_and_what_follows_is_an_echo() {
    let target = Fixture::start().await;
    let mut client = target.tcp().await;
    let start = Instant::now();
    client.send("CL/").await;
    assert_eq!(client.take(3).await, "CL/");
    let took = start.elapsed();
    assert!((Duration::from_millis(240)..Duration::from_secs(5)).contains(&took), "{took:?}");
    client.send("1 delay=1s\n").await;
    assert_eq!(client.take(11).await, "1 delay=1s\n");
}

#[tokio::test]
async fn a_command_may_come_byte_by_byte() {
    let target = Fixture::start().await;
    let mut client = target.tcp().await;
    for byte in "CL/1 id=k\r\n".bytes() {
        client.send([byte]).await;
        tokio::task::yield_now().await;
    }
    let line = ok(&mut client).await;
    assert!(line.starts_with("CL/1 OK id=k dur="), "{line}");
    client.send("CL/1 is payload now").await;
    assert_eq!(client.take(19).await, "CL/1 is payload now");
}

#[tokio::test]
async fn framed_exchanges_follow_each_other_on_one_connection() {
    let target = Fixture::start().await;
    let mut client = target.tcp().await;
    // All at once, as a pipelining client sends them.
    client
        .send(
            "CL/1 source=a/b op=one id=s1.1 bytes=5\nhelloCL/1 source=a/b op=one id=s1.2 bytes=0\n\
             CL/1 source=a/b op=one id=s1.3 bytes=4 mode=upper\nabCdCL/1 ack=0 bytes=3\nxyz",
        )
        .await;
    assert!(ok(&mut client).await.contains("id=s1.1 "));
    assert_eq!(client.take(5).await, "hello");
    assert!(ok(&mut client).await.contains("id=s1.2 "));
    assert!(ok(&mut client).await.contains("id=s1.3 "));
    assert_eq!(client.take(4).await, "ABCD");
    assert_eq!(client.take(3).await, "xyz");
    let account = target.account("s1").await;
    let one = &account.operations["one"];
    assert_eq!((one.received, one.in_flight, one.sent_bytes), (3, 0, 9));
    assert_eq!(one.answered.get("ok"), Some(&3));
    // What follows an exchange has to be a command.
    client.send("hello").await;
    let (rest, end) = client.rest().await;
    assert!(rest.starts_with("CL/1 ERR param=\"\" pos=0 value=\"hello\" ") && end == End::Fin, "{rest:?}");
}

#[tokio::test]
async fn modes_shapes_and_sizes() {
    let target = Fixture::start().await;
    let made = |size: u64, id: &str| {
        let payload = Payload::new(shared::fault::Body::Random, size, 5, id).unwrap();
        String::from_utf8_lossy(&payload.chunks(size).flatten().copied().collect::<Vec<_>>()).into_owned()
    };
    let cases = [
        ("bytes=5", "hello", "hello".to_owned()),
        ("mode=upper", "heLLo é", "HELLO é".to_owned()),
        ("mode=discard", "hello", String::new()),
        ("mode=discard bytes=5", "hello", String::new()),
        ("bytes=5 size=7 seed=5 id=k", "hello", made(7, "k")),
        ("size=7 seed=5 id=k", "whatever comes", made(7, "k")),
        ("mode=source size=200000 seed=5 id=k", "", made(200_000, "k")),
        ("mode=chargen size=8", "", "The path".to_owned()),
        ("bytes=6 chunk=2 chunk_delay=1ms rate=10KiB end_delay=5ms", "abcdef", "abcdef".to_owned()),
        ("read=first(3) bytes=6", "abcdef", "abc".to_owned()),
        ("read=none bytes=6", "abcdef", String::new()),
        ("read=first(2)", "abcdef", "ab".to_owned()),
        ("read=rate(10KiB) bytes=6", "abcdef", "abcdef".to_owned()),
        ("delay=5ms end_delay=5ms", "abcdef", "abcdef".to_owned()),
        ("bytes=6 close=true", "abcdef", "abcdef".to_owned()),
    ];
    for (spec, payload, wanted) in cases {
        let (got, end) = conversation(&target, format!("CL/1 {spec}\n{payload}")).await;
        let (line, got) = got.split_once('\n').unwrap_or_else(|| panic!("{spec}: {got:?}"));
        assert!(matches!(Answer::parse_line(line.as_bytes()), Ok(Answer::Ok(_))), "{spec}: {line}");
        assert!(got == wanted, "{spec}: {} bytes, not {}", got.len(), wanted.len());
        assert_eq!(end, End::Fin, "{spec}");
    }
    target.eventually_metric(&["server_inflight_requests", "protocol=\"tcp\""], 0.0).await;
    assert_eq!(target.metric(&["server_requests_total", "protocol=\"tcp\"", "failure"]).await, 0.0);
}

#[tokio::test]
async fn the_line_tells_times_server_and_what_was_done() {
    let target = Fixture::start().await;
    let (got, _) = conversation(&target, "CL/1 source=a/b op=x id=s1.7 bytes=2 delay=20ms end_delay=20ms\nhi").await;
    let Ok(Answer::Ok(reply)) = Answer::parse_line(got.split_inclusive('\n').next().unwrap().as_bytes()) else {
        panic!("{got}")
    };
    assert_eq!((reply.id, reply.server.split('/').next()), (Some("s1.7"), Some("pod")));
    assert!(reply.asked >= Duration::from_millis(20) && reply.asked < Duration::from_secs(5), "{reply:?}");
    assert!(reply.own < reply.asked, "{reply:?}");
    let wanted = Fault::parse("bytes=2&delay=20ms&end_delay=20ms", Separator::Ampersand).unwrap();
    assert_eq!(reply.plan, Plan::Applied(wanted));
    assert!(got.ends_with("\nhi"));
}

#[tokio::test]
async fn a_generator_without_end_ends_with_its_client_and_with_the_target() {
    let target = Fixture::start().await;
    let mut leaving = target.tcp().await;
    leaving.send("CL/1 mode=source\n").await;
    ok(&mut leaving).await;
    leaving.take(300_000).await;
    drop(leaving);
    target.eventually_metric(&["server_requests_total", "protocol=\"tcp\"", "error=\"aborted\""], 1.0).await;
    // At a drain, streams end in order, and exchanges under way are finished.
    let mut plain = target.tcp().await;
    plain.send("hello").await;
    assert_eq!(plain.take(5).await, "hello");
    let mut framed = target.tcp().await;
    framed.send("CL/1 bytes=2 delay=200ms\nhi").await;
    target.eventually_metric(&["server_inflight_requests", "protocol=\"tcp\""], 2.0).await;
    let stopping = tokio::spawn(target.stopped());
    assert_eq!(plain.rest().await, (String::new(), End::Fin));
    let (rest, end) = framed.rest().await;
    assert!(rest.ends_with("\nhi") && end == End::Fin, "{rest:?}");
    assert_eq!(stopping.await.unwrap().requests_cut, 0);
}

#[tokio::test]
async fn silence_is_bounded() {
    let target = Fixture::with(|config| {
        config.connections.head_timeout = Duration::from_millis(50);
        config.connections.idle_timeout = Duration::from_millis(100);
    })
    .await;
    for (sent, begins) in [
        ("", ""),
        ("plain", "plain"),
        ("CL/1 delay=1ms", "CL/1 ERR param=\"\" pos=0 value=\"CL/1 delay=1ms\" reason=\"the line does not end\""),
        ("CL/1 bytes=5\nabc", ""),
        ("CL/1 bytes=1\naCL/", "CL/1 OK "),
    ] {
        let mut client = target.tcp().await;
        client.send(sent).await;
        let (rest, end) = client.rest().await;
        assert!(rest.starts_with(begins) && end == End::Fin, "{sent:?}: {rest:?} {end:?}");
    }
    assert_eq!(target.metric(&["server_requests_total", "protocol=\"tcp\"", "error=\"aborted\""]).await, 1.0);
}
