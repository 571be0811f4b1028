//! Bytes that are no gRPC: a clear refusal, one record, no panic.

use super::*;

const UNARY: &str = "/cload.v1.Target/Unary";
const TEST: &str = "/grpc.testing.TestService/UnaryCall";

#[tokio::test(start_paused = true)]
async fn malformed_bodies_are_refused_in_grpcs_own_words() {
    let sound = frame::framed(0, &ask("x").bytes());
    for (what, path, metadata, body, code) in [
        ("no message", UNARY, None, Bytes::new(), Code::Internal),
        ("half a prefix", UNARY, None, Bytes::from_static(&[0, 0, 0]), Code::Internal),
        ("half a message", UNARY, None, sound.slice(..sound.len() - 1), Code::Internal),
        ("a message over the limit", UNARY, None, Bytes::from_static(&[0, 0xff, 0, 0, 0, 1]), Code::ResourceExhausted),
        ("a message over the limit", TEST, None, Bytes::from_static(&[0, 0xff, 0, 0, 0, 1]), Code::ResourceExhausted),
        ("compressed without encoding", UNARY, None, frame::framed(1, b"x"), Code::Internal),
        ("no gzip", UNARY, Some("gzip"), frame::framed(1, b"x"), Code::Internal),
        ("an encoding nobody knows", UNARY, Some("zip"), sound.clone(), Code::Unimplemented),
        ("an unknown flag", UNARY, None, frame::framed(7, b"x"), Code::Internal),
        ("no protobuf", UNARY, None, frame::framed(0, &[0x0a, 0xff]), Code::Internal),
        ("no protobuf", TEST, None, frame::framed(0, &[0xff; 20]), Code::Internal),
    ] {
        let world = World::new();
        let metadata: Vec<_> = metadata.map(|encoding| ("grpc-encoding", encoding)).into_iter().collect();
        let got = world.raw(path, &metadata, body).await;
        assert_eq!(got.code(), Some(code), "{what}: {got:?}");
        world.recorded(&shared::outcome::Code::Grpc(code as i32 as u8).label(), "failure", "bad_request").await;
    }
}

#[tokio::test(start_paused = true)]
async fn a_bomb_is_not_unpacked() {
    let bomb = frame::compressed(frame::framed(0, &vec![0; 64 << 20]));
    for path in [UNARY, TEST] {
        let world = World::new();
        let got = world.raw(path, &[("grpc-encoding", "gzip")], bomb.clone()).await;
        assert!(matches!(got.code(), Some(Code::ResourceExhausted | Code::OutOfRange | Code::Internal)), "{got:?}");
        assert_eq!(world.metric(&["server_requests_total", "error=\"bad_request\""]), 1.0);
    }
}

#[tokio::test(start_paused = true)]
async fn a_panic_costs_one_call() {
    let world = World::new();
    let got = world.call("/test/Panic", &[], &[&ask("")]).await;
    assert_eq!(got.code(), Some(Code::Internal));
    world.recorded("INTERNAL", "failure", "internal").await;
}

#[tokio::test(start_paused = true)]
async fn any_bytes_on_any_method_end_in_one_record() {
    let mut seed = 1_u64;
    let mut random = move || {
        seed = seed.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (seed >> 56) as u8
    };
    let paths = [
        UNARY,
        TEST,
        "/cload.v1.Target/BidiStream",
        "/grpc.testing.TestService/FullDuplexCall",
        "/grpc.testing.TestService/HalfDuplexCall",
        "/grpc.reflection.v1.ServerReflection/ServerReflectionInfo",
        "/echo.EchoService/Echo",
        "/delay.DelayService/Delay",
        "/status.StatusService/Status",
        "/token.TokenService/TokenValidate",
        "/x",
    ];
    for round in 0..60_usize {
        for path in paths {
            let world = World::new();
            let length = usize::from(random()) / 4;
            let noise: Vec<u8> = (0..length).map(|_| random()).collect();
            // Half of them get as far as the decoder.
            let body = if round % 2 == 0 { Bytes::from(noise) } else { frame::framed(0, &noise) };
            let got = world.raw(path, &[("grpc-timeout", "1S")], body).await;
            assert!(got.code().is_some(), "{path}: {got:?}");
            assert_eq!(world.metric(&["server_requests_total"]), 1.0, "{path}");
            assert_eq!(world.metric(&["error=\"internal\""]), 0.0);
        }
    }
}
