//! HTTP/2 as the engine sees it: what is multiplexed, and every way a stream or a connection ends.

use std::time::Duration;

use h2::Reason;
use shared::outcome::Code;

use crate::fixture::{Act, Frames, H2Server, Then, closed, failures, inject};

/// One operation over HTTP/2: `rest` are more of its keys, `http` those of its request.
fn scenario(target: impl std::fmt::Display, rate: &str, rest: &str, http: &str) -> String {
    format!(
        "target: {target}\nmax_lag: 5s\nmix:\n- {{ name: a, rate: {rate}, timeout: 2s, {rest} http: {{ version: 2, {http} }} }}\n"
    )
}

const SOON: Duration = Duration::from_millis(300);

#[tokio::test]
async fn streams_share_their_connections_evenly() {
    let server = H2Server::start(None, |_, _| Act::Echo(Duration::from_millis(150))).await;
    let text = scenario(server.address, "400/s", "connection: pooled(3), streams: 4,", "");
    for workers in [1, 2] {
        let before = server.connections();
        let account = inject(&text, workers, SOON).await;
        assert_eq!(failures(&account), []);
        assert!(account.success >= 12, "{account:?}");
        assert_eq!(account.connections, 3);
        assert_eq!(server.connections() - before, 3);
        assert_eq!(server.streams()[before..], [4, 4, 4], "{workers} workers");
    }
}

#[tokio::test]
async fn fresh_opens_a_connection_for_each_request() {
    let server = H2Server::start(None, |_, _| Act::Echo(Duration::ZERO)).await;
    let account = inject(&scenario(server.address, "50/s", "connection: fresh,", "body: hello"), 1, SOON).await;
    assert_eq!(failures(&account), []);
    assert_eq!((account.success, account.connections), (15, 15));
    assert_eq!(closed(&account), [("request", 15)]);
}

#[tokio::test]
async fn a_large_body_is_sent_and_verified_on_its_way_back() {
    let server = H2Server::start(None, |_, _| Act::Echo(Duration::ZERO)).await;
    let account = inject(&scenario(server.address, "10/s", "", "body_size: 3MiB"), 1, SOON).await;
    assert_eq!(failures(&account), []);
    assert_eq!(account.received_bytes, 3 * 3 * 1024 * 1024);
    assert_eq!(account.sent_bytes, account.received_bytes);
}

#[tokio::test]
async fn a_reset_stream_is_one_failure_and_leaves_its_connection_alone() {
    let server = H2Server::start(None, |_, n| match n % 2 {
        0 => Act::Reset(Reason::REFUSED_STREAM),
        _ => Act::Echo(Duration::ZERO),
    })
    .await;
    let account = inject(&scenario(server.address, "50/s", "connection: pooled(1),", ""), 1, SOON).await;
    let [(class, n, words)] = &failures(&account)[..] else { panic!("{account:?}") };
    // Refused and not tried again, although the peer allows it: every second request is lost and counted.
    assert_eq!((*class, *n, account.success), ("reset", 8, 7));
    let expected = format!("asked 200 with 0 bytes, got RST_STREAM(REFUSED_STREAM) from {}", server.address);
    assert!(words.ends_with(&expected), "{words}");
    assert_eq!(account.connections, 1);
}

#[tokio::test]
async fn an_announced_end_costs_no_request() {
    let server = H2Server::start(None, |_, n| if n == 4 { Act::Graceful } else { Act::Echo(Duration::ZERO) }).await;
    let account = inject(&scenario(server.address, "50/s", "connection: pooled(1),", ""), 1, SOON).await;
    assert_eq!(failures(&account), []);
    assert_eq!((account.success, account.connections), (15, 3));
}

#[tokio::test]
async fn a_cut_connection_fails_what_was_on_it_and_is_opened_anew() {
    let server = H2Server::start(None, |connection, n| match (connection, n) {
        (0, 3) => Act::Abrupt(Reason::ENHANCE_YOUR_CALM),
        (0, _) => Act::Echo(Duration::from_secs(1)),
        _ => Act::Echo(Duration::ZERO),
    })
    .await;
    let text = scenario(server.address, "50/s", "connection: pooled(1), streams: 4,", "");
    let account = inject(&text, 1, SOON).await;
    let [(class, n, words)] = &failures(&account)[..] else { panic!("{account:?}") };
    assert_eq!((*class, *n, account.success), ("closed", 4, 11), "{words}");
    assert!(words.contains("got GOAWAY(ENHANCE_YOUR_CALM)"), "{words}");
    assert_eq!(closed(&account), [("said", 1), ("end", 1)]);
}

#[tokio::test]
async fn an_idle_connection_that_ends_is_lost_once_for_all_its_lanes() {
    // Four at once, so that four lanes exist; the next round finds the connection told to end while nobody uses it.
    let server = H2Server::start(None, |_, n| if n == 3 { Act::Graceful } else { Act::Echo(Duration::ZERO) }).await;
    let text = scenario(server.address, "4/s", "connection: pooled(1), streams: 4,", "");
    let account = inject(&text, 1, Duration::from_millis(1_300)).await;
    assert_eq!(failures(&account), []);
    assert_eq!(closed(&account), [("said", 1), ("end", 1)]);
}

/// One request per connection, answered by these frames: the failure, or the success with its code, if one was asked for.
async fn ends(fault: &str, answer: &[Vec<u8>], then: Then) -> Result<Option<Code>, String> {
    let server = Frames::start(answer.concat(), then);
    let fault = if fault.is_empty() { "expect: { id: any }".to_owned() } else { format!("fault: '{fault}'") };
    let text = scenario(server.address, "10/s", "connection: fresh,", &fault).replace("timeout: 2s", "timeout: 150ms");
    let account = inject(&text, 1, Duration::from_millis(100)).await;
    match &failures(&account)[..] {
        [] => Ok(account.codes.keys().next().copied()),
        [(class, 1, words)] => Err(format!("{class}: {}", words.split_once(", got ").map_or("", |(_, got)| got))),
        more => panic!("{more:?}"),
    }
}

/// What is asked, the frames that answer it, what follows them, and how that is to be judged.
type Row = (&'static str, Vec<Vec<u8>>, Then, Result<Option<Code>, &'static str>);

#[tokio::test]
async fn every_end_is_told_from_the_others() {
    let start = Frames::preface;
    let head = || Frames::head(None);
    let garbage = || b"GET me out of here, this is no frame".to_vec();
    let rows: Vec<Row> = vec![
        ("", vec![start(), head(), Frames::data(b"", true)], Then::Hold, Ok(Some(Code::Http(200)))),
        ("", vec![start(), Frames::rst_stream(7)], Then::Hold, Err("reset: RST_STREAM(REFUSED_STREAM)")),
        ("", vec![start(), Frames::rst_stream(77)], Then::Hold, Err("reset: RST_STREAM(77)")),
        ("", vec![start(), head(), Frames::rst_stream(0)], Then::Hold, Err("reset: RST_STREAM(NO_ERROR)")),
        ("", vec![start(), Frames::goaway(0, 2)], Then::Close, Err("closed: GOAWAY(INTERNAL_ERROR)")),
        ("", vec![start(), Frames::goaway(0, 0)], Then::Hold, Err("closed: GOAWAY(NO_ERROR)")),
        // Promised an answer, and given none.
        ("", vec![start(), Frames::goaway(1, 11)], Then::Close, Err("closed: GOAWAY(ENHANCE_YOUR_CALM)")),
        ("", vec![start(), Frames::goaway(1, 0), head()], Then::Close, Err("closed: GOAWAY(NO_ERROR)")),
        ("", vec![start()], Then::Close, Err("closed: a closed connection")),
        ("", vec![start(), head()], Then::Close, Err("closed: a closed connection")),
        ("", vec![start(), garbage()], Then::Close, Err("protocol: what is no HTTP/2 answer")),
        (
            "",
            vec![b"HTTP/1.1 400 Bad Request\r\n\r\n".to_vec()],
            Then::Close,
            Err("protocol: what is no HTTP/2 answer"),
        ),
        ("", vec![start(), Frames::head(Some(5)), Frames::data(b"abc", true)], Then::Hold, Err("protocol: what")),
        ("", vec![start(), Frames::head(Some(2)), Frames::data(b"abc", true)], Then::Hold, Err("protocol: what")),
        ("", vec![start(), head()], Then::Hold, Err("timeout: nothing complete in time")),
        ("fault=h2rst(CANCEL)", vec![start(), Frames::rst_stream(8)], Then::Hold, Ok(None)),
        ("fault=h2rst(8)", vec![start(), head(), Frames::rst_stream(8)], Then::Hold, Ok(None)),
        ("fault=h2rst(8)", vec![start(), Frames::rst_stream(7)], Then::Hold, Err("reset: RST_STREAM(REFUSED_STREAM)")),
        ("fault=h2rst(8)", vec![start(), Frames::goaway(0, 8)], Then::Hold, Err("closed: GOAWAY(CANCEL)")),
        ("fault=abort&size=9", vec![start(), head(), Frames::rst_stream(2)], Then::Hold, Ok(None)),
        ("fault=hang", vec![start()], Then::Hold, Ok(None)),
        ("fault=goaway(2)&allow_conn=1", vec![start(), Frames::goaway(1, 2)], Then::Close, Ok(None)),
        ("fault=goaway(2)&allow_conn=1", vec![start(), head()], Then::Close, Err("closed: a closed connection")),
        ("fault=garbage&allow_conn=1", vec![start(), garbage()], Then::Close, Ok(None)),
        (
            "fault=clen(-1)&size=3",
            vec![start(), Frames::head(Some(2)), Frames::data(b"abc", true)],
            Then::Hold,
            Ok(None),
        ),
    ];
    for (number, (fault, answer, then, wanted)) in rows.into_iter().enumerate() {
        let got = ends(fault, &answer, then).await;
        match wanted {
            Ok(code) => assert_eq!(got, Ok(code), "row {number}: {fault}"),
            Err(words) => {
                assert!(got.as_ref().is_err_and(|got| got.starts_with(words)), "row {number}: {fault}: {got:?}")
            }
        }
    }
}
