//! What a fault makes of an answer, and what is recorded of it.

use shared::fault::Body;
use shared::payload::Payload;
use shared::proto::cload::v1::Reply;
use tonic_types::StatusExt as _;

use super::*;

const UNARY: &str = "/cload.v1.Target/Unary";
const STREAM: &str = "/cload.v1.Target/ServerStream";

/// What of an answer a fault leaves.
#[derive(Debug, PartialEq)]
struct Left {
    http: u16,
    code: Option<Code>,
    messages: usize,
    rest: usize,
    broken: Option<Reason>,
}

const fn left(code: Option<Code>, messages: usize, rest: usize, broken: Option<Reason>) -> Left {
    Left { http: 200, code, messages, rest, broken }
}

#[tokio::test(start_paused = true)]
async fn every_fault_breaks_its_answer_in_its_own_way() {
    const OK: Option<Code> = Some(Code::Ok);
    const NO_HEAD: u16 = 0;
    let cut = |broken| left(None, 0, 0, Some(broken));
    for (path, spec, expected, record) in [
        (UNARY, "fault=nostatus", left(None, 0, 0, None), ("", "success", "")),
        (UNARY, "fault=nostatus; at=100%", left(None, 1, 0, None), ("", "success", "")),
        (UNARY, "fault=empty", left(None, 0, 0, None), ("", "success", "")),
        (UNARY, "fault=badhead", Left { http: 502, ..left(None, 0, 25, None) }, ("", "success", "")),
        (UNARY, "fault=abort", cut(Reason::INTERNAL_ERROR), ("", "success", "")),
        (UNARY, "fault=abort; size=100; at=50", left(None, 0, 50, Some(Reason::INTERNAL_ERROR)), ("", "success", "")),
        (
            "/grpc.testing.TestService/StreamingOutputCall",
            "fault=abort; count=4; size=100; at=50%",
            left(None, 2, 0, Some(Reason::INTERNAL_ERROR)),
            ("", "success", ""),
        ),
        (UNARY, "fault=abort; at=after(1s)", left(None, 1, 0, Some(Reason::INTERNAL_ERROR)), ("", "success", "")),
        (
            UNARY,
            "fault=h2rst(REFUSED_STREAM)",
            Left { http: NO_HEAD, ..cut(Reason::REFUSED_STREAM) },
            ("", "success", ""),
        ),
        (
            STREAM,
            "fault=h2rst(ENHANCE_YOUR_CALM); count=3; at=body",
            cut(Reason::ENHANCE_YOUR_CALM),
            ("", "success", ""),
        ),
        (UNARY, "fault=oversize", left(OK, 1, 0, None), ("OK", "success", "")),
        (STREAM, "fault=oversize; count=3; at=50%", left(OK, 2, 0, None), ("OK", "success", "")),
        (UNARY, "fault=goaway(NO_ERROR); allow_conn=1", left(OK, 1, 0, None), ("OK", "success", "")),
        (
            UNARY,
            "fault=goaway(ENHANCE_YOUR_CALM); allow_conn=1",
            // The stream is not among those that GOAWAY refuses: its client sees the connection end.
            Left { http: NO_HEAD, ..cut(Reason::NO_ERROR) },
            ("", "success", ""),
        ),
        (UNARY, "fault=reset; allow_conn=1", Left { http: NO_HEAD, ..cut(Reason::NO_ERROR) }, ("", "success", "")),
        (
            STREAM,
            "fault=garbage; allow_conn=1; count=2",
            Left { http: NO_HEAD, ..cut(Reason::NO_ERROR) },
            ("", "success", ""),
        ),
        (UNARY, "status=UNAVAILABLE", left(Some(Code::Unavailable), 0, 0, None), ("UNAVAILABLE", "success", "")),
        (UNARY, "status=0", left(OK, 1, 0, None), ("OK", "success", "")),
        (STREAM, "status=DATA_LOSS; count=3", left(Some(Code::DataLoss), 3, 0, None), ("DATA_LOSS", "success", "")),
        (
            STREAM,
            "status=DATA_LOSS; count=3; trailers=only",
            left(Some(Code::DataLoss), 0, 0, None),
            ("DATA_LOSS", "success", ""),
        ),
        (
            "/cload.v1.Target/Nothing",
            "delay=1ms",
            left(Some(Code::Unimplemented), 0, 0, None),
            ("UNIMPLEMENTED", "failure", "bad_request"),
        ),
        (
            "/no.such.Service/Unary",
            "status=UNAVAILABLE",
            left(Some(Code::Unavailable), 0, 0, None),
            ("UNAVAILABLE", "success", ""),
        ),
    ] {
        let world = World::new();
        // TestService reads other messages; an empty one it can.
        let message = ask(if path.contains("testing") { "" } else { "0123456789" });
        let got = world.faulty(path, spec, &message).await;
        let seen =
            Left { http: got.http, code: got.code(), messages: got.messages.len(), rest: got.rest, broken: got.broken };
        assert_eq!(seen, expected, "{path} {spec}");
        world.recorded(record.0, record.1, record.2).await;
        if !spec.contains("status=0") {
            assert_eq!(world.metric(&["server_requests_total", "injected=\"true\""]), 1.0, "{spec}");
        }
    }
}

#[tokio::test(start_paused = true)]
async fn a_hang_ends_with_the_client_or_the_drain() {
    let world = World::new();
    let opened = world.open(UNARY, &[("x-cload-fault", "fault=hang")]).await;
    let mut body = opened.body;
    body.send_data(frame::framed(0, &ask("x").bytes()), true).unwrap();
    tokio::time::sleep(Duration::from_secs(30)).await;
    assert_eq!(world.metric(&["server_requests_total"]), 0.0);
    body.send_reset(Reason::CANCEL);
    world.recorded("", "success", "").await;

    let world = World::new();
    let drain = world.drain.clone();
    tokio::spawn(async move {
        tokio::time::sleep(Duration::from_secs(7)).await;
        drain.cancel();
    });
    let got = world.faulty(STREAM, "fault=hang; count=3; at=50%", &ask("x")).await;
    assert_eq!((got.messages.len(), got.broken), (1, Some(Reason::CANCEL)));
    assert_eq!(got.took.as_secs(), 7);
    world.recorded("", "success", "").await;
}

#[tokio::test(start_paused = true)]
async fn delays_add_up_and_are_not_the_targets_own_time() {
    for (path, spec, ms) in [
        (UNARY, "delay=100ms; body_delay=20ms; end_delay=3ms", 123),
        (STREAM, "count=5; chunk_delay=100ms", 400),
        (UNARY, "status=UNAVAILABLE; delay=100ms; end_delay=20ms", 120),
        (STREAM, "status=UNAVAILABLE; count=3; chunk_delay=100ms; delay=1ms", 201),
        ("/grpc.health.v1.Health/Check", "delay=50ms", 50),
        ("/grpc.testing.TestService/EmptyCall", "delay=50ms", 50),
    ] {
        let world = World::new();
        let got = world.faulty(path, spec, &shared::proto::grpc::testing::Empty {}).await;
        let off = got.took.as_millis().abs_diff(ms);
        assert!(off <= 5, "{spec}: {:?}", got.took);
        let timing = got.head["server-timing"].to_str().unwrap();
        assert!(timing.starts_with("cload;dur=0."), "{spec}: {timing}");
    }
    let world = World::new();
    let got = world.faulty(UNARY, "size=10000; rate=10000", &ask("")).await;
    assert!((0.95..1.1).contains(&got.took.as_secs_f64()), "{:?}", got.took);
}

#[tokio::test(start_paused = true)]
async fn sizes_and_contents_are_what_the_injector_expects() {
    for (body, content) in [("", Body::Random), ("; body=seq", Body::Seq), ("; body=zero", Body::Zero)] {
        let world = World::new();
        let spec = format!("size=1000; count=3; seed=7; id=k1{body}");
        let got = world.faulty(STREAM, &spec, &ask("echo")).await;
        let expected: Vec<u8> = Payload::new(content, 1000, 7, "k1").unwrap().chunks(1000).flatten().copied().collect();
        let replies: Vec<Reply> = got.all();
        assert_eq!(replies.iter().map(|reply| reply.index).collect::<Vec<_>>(), [0, 1, 2]);
        for reply in replies {
            assert!(reply.payload == expected, "{spec}");
            assert_eq!((reply.messages_received, reply.bytes_received), (1, 4));
            assert!(reply.server.starts_with("pod"));
        }
    }
}

#[tokio::test(start_paused = true)]
async fn errors_carry_message_details_and_metadata() {
    let world = World::new();
    let spec = "status=RESOURCE_EXHAUSTED; msg=caf%C3%A9; details=quota; retry_after=3s; header=x-a:1; trailer=x-b:2";
    let got = world.faulty(UNARY, spec, &ask("")).await;
    let status = got.status().unwrap();
    assert_eq!((status.code(), status.message()), (Code::ResourceExhausted, "caf\u{e9}"));
    let details = status.get_error_details();
    assert_eq!(details.retry_info().unwrap().retry_delay, Some(Duration::from_secs(3)));
    assert_eq!(details.quota_failure().unwrap().violations.len(), 1);
    assert!(got.is_lone);
    assert_eq!(
        (&got.head["x-a"], &got.head["x-b"], &got.head["retry-after"]),
        (&"1".parse().unwrap(), &"2".parse().unwrap(), &"3".parse().unwrap())
    );
    for (spec, has) in
        [("details=errorinfo", "info"), ("details=retryinfo(2s)", "retry"), ("details=badrequest", "bad")]
    {
        let got = World::new().faulty(UNARY, &format!("status=3; trailers=after; {spec}"), &ask("")).await;
        assert!(!got.is_lone && got.trailers.is_some());
        let details = got.status().unwrap().get_error_details();
        let seen = [
            (details.error_info().is_some(), "info"),
            (details.retry_info().is_some(), "retry"),
            (details.bad_request().is_some(), "bad"),
        ];
        assert_eq!(seen.into_iter().filter(|(is, _)| *is).map(|(_, name)| name).collect::<Vec<_>>(), [has]);
    }
}

#[tokio::test(start_paused = true)]
async fn every_answer_is_marked() {
    let identity = ("x-cload", "source=a/b;op=web;id=abcd2345.7");
    for (path, spec, mark) in [
        (UNARY, "delay=1ms", Some("delay=1ms; seed=0; id=abcd2345.7")),
        (UNARY, "status=UNAVAILABLE", Some("status=UNAVAILABLE; seed=0; id=abcd2345.7")),
        (UNARY, "size=3", None),
        ("/grpc.health.v1.Health/Check", "delay=1ms", Some("delay=1ms; seed=0; id=abcd2345.7")),
        ("/no.such/Method", "delay=1ms", Some("delay=1ms; seed=0; id=abcd2345.7")),
    ] {
        let world = World::new();
        let got = world.call(path, &[identity, ("x-cload-fault", spec)], &[&ask("")]).await;
        assert_eq!(got.head["x-cload"], "id=abcd2345.7", "{path}");
        assert!(got.head["x-cload-server"].to_str().unwrap().starts_with("pod/"));
        assert!(got.head.contains_key("server-timing"));
        assert_eq!(got.head.get("x-cload-fault").map(|value| value.to_str().unwrap()), mark, "{path}");
        assert_eq!(world.metric(&["server_requests_total", "source=\"a/b\"", "operation=\"web\""]), 1.0);
    }
}
