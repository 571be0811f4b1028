//! Plain answers of `cload.v1.Target`, faults in messages, and specs that cannot be done.

use shared::proto::cload::v1::Reply;
use tonic_types::StatusExt as _;

use super::*;

#[tokio::test(start_paused = true)]
async fn the_four_shapes_echo_and_count() {
    let (one, three) = (ask("one"), ask("three"));
    for (method, spec, sent, expected) in [
        ("Unary", "", 1, vec![("one", 1, 3)]),
        ("ServerStream", "", 1, vec![("one", 1, 3)]),
        ("ServerStream", "count=2", 1, vec![("one", 1, 3), ("one", 1, 3)]),
        ("ServerStream", "count=0", 1, vec![]),
        ("ClientStream", "", 2, vec![("", 2, 8)]),
        ("ClientStream", "", 0, vec![("", 0, 0)]),
        ("BidiStream", "", 2, vec![("one", 1, 3), ("three", 2, 8)]),
        ("BidiStream", "", 0, vec![]),
        ("BidiStream", "count=1", 2, vec![("one", 1, 3)]),
        ("BidiStream", "count=3", 1, vec![("one", 1, 3), ("one", 1, 3), ("one", 1, 3)]),
    ] {
        let world = World::new();
        let asks: Vec<&dyn Encodes> = [&one as &dyn Encodes, &three].into_iter().take(sent).collect();
        let got = world.call(&format!("/cload.v1.Target/{method}"), &[("x-cload-fault", spec)], &asks).await;
        assert_eq!(got.code(), Some(Code::Ok), "{method} {spec}");
        let replies: Vec<Reply> = got.all();
        let seen: Vec<_> = replies
            .iter()
            .map(|reply| (std::str::from_utf8(&reply.payload).unwrap(), reply.messages_received, reply.bytes_received))
            .collect();
        assert_eq!(seen, expected, "{method} {spec}");
        world.recorded("OK", "success", "").await;
    }
}

#[tokio::test(start_paused = true)]
async fn a_bidi_answer_comes_before_the_next_request() {
    let world = World::new();
    let mut opened = world.open("/cload.v1.Target/BidiStream", &[]).await;
    opened.body.send_data(frame::framed(0, &ask("a").bytes()), false).unwrap();
    let mut answer = (&mut opened.response).await.unwrap().into_body();
    for text in ["b", "c"] {
        let first = answer.data().await.unwrap().unwrap();
        assert!(first.len() > frame::PREFIX_BYTES);
        opened.body.send_data(frame::framed(0, &ask(text).bytes()), false).unwrap();
    }
    answer.data().await.unwrap().unwrap();
    opened.body.send_data(Bytes::new(), true).unwrap();
    assert_eq!(answer.trailers().await.unwrap().unwrap()["grpc-status"], "0");
    world.recorded("OK", "success", "").await;
}

#[tokio::test(start_paused = true)]
async fn the_first_message_may_carry_a_fault_and_the_metadata_wins() {
    for (method, metadata, message, code) in [
        ("Unary", "", "status=UNAVAILABLE", Code::Unavailable),
        ("ServerStream", "", "status=UNAVAILABLE", Code::Unavailable),
        ("ClientStream", "", "status=UNAVAILABLE", Code::Unavailable),
        ("BidiStream", "", "status=UNAVAILABLE", Code::Unavailable),
        ("Unary", "status=ABORTED", "status=UNAVAILABLE; delay=1ms", Code::Aborted),
        ("Unary", "delay=1ms", "status=UNAVAILABLE; delay=2ms", Code::Unavailable),
        ("Unary", "", "status=NOPE", Code::InvalidArgument),
        ("Unary", "", "chunk=7", Code::InvalidArgument),
    ] {
        let world = World::new();
        let path = format!("/cload.v1.Target/{method}");
        let got = world.call(&path, &[("x-cload-fault", metadata)], &[&asking(message, "x")]).await;
        assert_eq!(got.code(), Some(code), "{method} {metadata} {message}");
    }
    let world = World::new();
    let later = [&ask("x") as &dyn Encodes, &asking("delay=1ms", "y")];
    let got = world.call("/cload.v1.Target/BidiStream", &[], &later).await;
    assert_eq!((got.code(), got.messages.len()), (Some(Code::InvalidArgument), 1));
    world.recorded("INVALID_ARGUMENT", "failure", "bad_request").await;
}

#[tokio::test(start_paused = true)]
async fn a_compressed_first_message_is_read_too() {
    let world = World::new();
    let message = frame::compressed(frame::framed(0, &asking("status=ABORTED", "x").bytes()));
    let got = world.raw("/cload.v1.Target/Unary", &[("grpc-encoding", "gzip")], message).await;
    assert_eq!(got.code(), Some(Code::Aborted));
}

#[tokio::test(start_paused = true)]
async fn answers_are_compressed_if_asked_and_accepted() {
    for (accepts, spec, flag) in [("gzip", "gzip=true", 1), ("identity", "gzip=true", 0), ("gzip", "delay=1ms", 0)] {
        let world = World::new();
        let metadata = [("grpc-accept-encoding", accepts), ("x-cload-fault", spec)];
        let got = world.call("/cload.v1.Target/Unary", &metadata, &[&ask("x")]).await;
        assert_eq!((got.code(), got.flags), (Some(Code::Ok), vec![flag]), "{accepts} {spec}");
        assert_eq!(got.head.contains_key("grpc-encoding"), flag == 1);
    }
}

#[tokio::test(start_paused = true)]
async fn what_cannot_be_done_is_refused_by_name() {
    for (path, spec, field) in [
        ("/cload.v1.Target/Unary", "delay=10x", "x-cload-fault.delay"),
        ("/cload.v1.Target/Unary", "dely=10ms", "x-cload-fault.dely"),
        ("/cload.v1.Target/Unary", "status=503", "x-cload-fault.status"),
        ("/cload.v1.Target/Unary", "fault=badchunk", "x-cload-fault.fault"),
        ("/cload.v1.Target/Unary", "size=1GiB", "x-cload-fault.size"),
        ("/cload.v1.Target/Unary", "count=3", "x-cload-fault.count"),
        ("/cload.v1.Target/Unary", "fault=reset", "x-cload-fault.fault"),
        ("/grpc.testing.TestService/EmptyCall", "size=3", "x-cload-fault.size"),
        ("/grpc.health.v1.Health/Check", "size=3", "x-cload-fault.size"),
        ("/grpc.reflection.v1.ServerReflection/ServerReflectionInfo", "size=3", "x-cload-fault.size"),
        ("/no.such/Method", "close=true", "x-cload-fault.close"),
    ] {
        let world = World::new();
        let got = world.faulty(path, spec, &ask("")).await;
        let status = got.status().unwrap();
        assert_eq!(status.code(), Code::InvalidArgument, "{spec}");
        let bad = status.get_details_bad_request().unwrap();
        assert_eq!(bad.field_violations[0].field, field);
        assert!(bad.field_violations[0].description.contains("expected"), "{bad:?}");
        assert!(got.is_lone);
        world.recorded("INVALID_ARGUMENT", "failure", "bad_request").await;
        assert_eq!(world.metric(&["spec_errors_total"]), 1.0, "{spec}");
    }
    let world = World::new();
    let got = world.call("/cload.v1.Target/Unary", &[("grpc-timeout", "soon")], &[&ask("")]).await;
    assert_eq!(got.code(), Some(Code::InvalidArgument));
}

#[tokio::test(start_paused = true)]
async fn the_request_is_read_as_asked() {
    for (method, spec, messages, bytes) in [
        ("ClientStream", "read=none", 1, 3),
        ("ClientStream", "read=first(20)", 3, 9),
        ("ClientStream", "read=rate(1000)", 4, 12),
        ("BidiStream", "read=none", 1, 3),
        ("Unary", "read=none", 1, 3),
    ] {
        let world = World::new();
        let asks: Vec<_> = (0..4).map(|_| ask("one")).collect();
        let asks: Vec<&dyn Encodes> = asks.iter().map(|ask| ask as &dyn Encodes).collect();
        let asks = if method == "Unary" { &asks[..1] } else { &asks[..] };
        // One message in its own frame, since the first is always read.
        let mut opened = world.open(&format!("/cload.v1.Target/{method}"), &[("x-cload-fault", spec)]).await;
        for (i, ask) in asks.iter().enumerate() {
            let _ = opened.body.send_data(frame::framed(0, &ask.bytes()), i + 1 == asks.len());
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
        let got = opened.got().await;
        let reply: Reply = got.all().pop().unwrap();
        assert_eq!((reply.messages_received, reply.bytes_received), (messages, bytes), "{method} {spec}");
    }
}
