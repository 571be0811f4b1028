//! `grpc.testing.TestService`, health and reflection.

use shared::proto::grpc::testing::{
    BoolValue, EchoStatus, Empty, Payload, ResponseParameters, SimpleRequest, SimpleResponse,
    StreamingInputCallRequest, StreamingInputCallResponse, StreamingOutputCallRequest, StreamingOutputCallResponse,
};
use tonic_health::pb::{HealthCheckRequest, HealthCheckResponse};
use tonic_reflection::pb::v1::server_reflection_request::MessageRequest;
use tonic_reflection::pb::v1::server_reflection_response::MessageResponse;
use tonic_reflection::pb::v1::{ServerReflectionRequest, ServerReflectionResponse};

use super::*;

fn path(method: &str) -> String {
    format!("/grpc.testing.TestService/{method}")
}

fn listed(sizes: &[i32], interval_us: i32, code: i32) -> StreamingOutputCallRequest {
    let parameters = |size: &i32| ResponseParameters { size: *size, interval_us, ..Default::default() };
    StreamingOutputCallRequest {
        response_parameters: sizes.iter().map(parameters).collect(),
        response_status: (code != 0).then(|| EchoStatus { code, message: "as asked".to_owned() }),
        ..Default::default()
    }
}

fn sizes(got: &Got) -> Vec<usize> {
    let answers: Vec<StreamingOutputCallResponse> = got.all();
    answers.iter().map(|answer| answer.payload.as_ref().unwrap().body.len()).collect()
}

#[tokio::test(start_paused = true)]
async fn unary_calls_do_as_their_fields_say() {
    for method in ["UnaryCall", "CacheableUnaryCall"] {
        let world = World::new();
        let request = SimpleRequest { response_size: 300, fill_server_id: true, ..Default::default() };
        let got = world.call(&path(method), &[("grpc-accept-encoding", "gzip")], &[&request]).await;
        let answer: SimpleResponse = got.one();
        assert_eq!(answer.payload.unwrap().body, vec![0; 300]);
        assert!(answer.server_id.starts_with("pod"));
        assert_eq!(got.flags, [0]);
        let request = SimpleRequest { response_compressed: Some(BoolValue { value: true }), ..request };
        let got = world.call(&path(method), &[("grpc-accept-encoding", "gzip")], &[&request]).await;
        assert_eq!((got.code(), got.flags), (Some(Code::Ok), vec![1]));
        let got = world.faulty(&path(method), "size=7; body=seq", &request).await;
        assert_eq!(got.one::<SimpleResponse>().payload.unwrap().body, "abcdefg");
        let response_status = Some(EchoStatus { code: 8, message: "no more".to_owned() });
        let got = world.call(&path(method), &[], &[&SimpleRequest { response_status, ..request }]).await;
        let status = got.status().unwrap();
        assert_eq!((status.code(), status.message()), (Code::ResourceExhausted, "no more"));
        assert_eq!(world.metric(&["server_requests_total", "result=\"success\""]), 4.0, "{}", world.records());
    }
    let world = World::new();
    assert_eq!(world.call(&path("EmptyCall"), &[], &[&Empty {}]).await.one::<Empty>(), Empty {});
    world.recorded("OK", "success", "").await;
    let world = World::new();
    let got = world.call(&path("UnimplementedCall"), &[], &[&Empty {}]).await;
    assert_eq!(got.code(), Some(Code::Unimplemented));
    world.recorded("UNIMPLEMENTED", "success", "").await;
}

#[tokio::test(start_paused = true)]
async fn streams_send_what_is_listed_and_then_the_status() {
    for (code, ms) in [(0, 40), (14, 40)] {
        let world = World::new();
        let got = world.call(&path("StreamingOutputCall"), &[], &[&listed(&[3, 0], 20_000, code)]).await;
        assert_eq!(sizes(&got), [3, 0]);
        assert_eq!(got.code(), Some(Code::from_i32(code)));
        assert!(got.took.as_millis().abs_diff(ms) <= 5, "{:?}", got.took);
        assert_eq!(world.metric(&["server_requests_total", "result=\"success\""]), 1.0);
    }
    for (method, code, expected) in [
        ("FullDuplexCall", 0, vec![1, 2, 3, 4]),
        ("FullDuplexCall", 14, vec![1, 2]),
        ("HalfDuplexCall", 0, vec![1, 2, 3, 4]),
        ("HalfDuplexCall", 14, vec![1, 2, 3, 4]),
    ] {
        let got = World::new().call(&path(method), &[], &[&listed(&[1, 2], 0, code), &listed(&[3, 4], 0, 0)]).await;
        assert_eq!((sizes(&got), got.code()), (expected, Some(Code::from_i32(code))), "{method} {code}");
    }
    let got = World::new().faulty(&path("StreamingOutputCall"), "count=3; size=9", &listed(&[1], 0, 0)).await;
    assert_eq!(sizes(&got), [9, 9, 9]);
    let part = |text: &'static str| StreamingInputCallRequest {
        payload: Some(Payload { r#type: 0, body: Bytes::from_static(text.as_bytes()) }),
        expect_compressed: None,
    };
    let got = World::new().call(&path("StreamingInputCall"), &[], &[&part("abc"), &Empty {}, &part("de")]).await;
    assert_eq!(got.one::<StreamingInputCallResponse>().aggregated_payload_size, 5);
}

#[tokio::test(start_paused = true)]
async fn fields_out_of_bounds_are_refused_by_name() {
    let unary = |response_size| SimpleRequest { response_size, ..Default::default() };
    let wrong = SimpleRequest { expect_compressed: Some(BoolValue { value: true }), ..Default::default() };
    let many = [16 << 20; 65];
    for (method, request, code, field) in [
        ("UnaryCall", &unary(-1) as &dyn Encodes, Code::InvalidArgument, "response_size"),
        ("UnaryCall", &unary(i32::MAX), Code::OutOfRange, "response_size"),
        ("UnaryCall", &wrong, Code::InvalidArgument, "expect_compressed"),
        ("StreamingOutputCall", &listed(&[1, -1], 0, 0), Code::InvalidArgument, "response_parameters[1].size"),
        ("StreamingOutputCall", &listed(&[1], -1, 0), Code::InvalidArgument, "response_parameters[0].interval_us"),
        ("StreamingOutputCall", &listed(&[1], i32::MAX, 0), Code::OutOfRange, "response_parameters[0].interval_us"),
        ("StreamingOutputCall", &listed(&[1; 20], 60_000_000, 0), Code::OutOfRange, "interval_us"),
        ("StreamingOutputCall", &listed(&many, 0, 0), Code::OutOfRange, "response_parameters"),
        ("HalfDuplexCall", &listed(&many, 0, 0), Code::OutOfRange, "response_parameters"),
    ] {
        let world = World::new();
        let got = world.call(&path(method), &[], &[request]).await;
        let status = got.status().unwrap();
        assert_eq!(status.code(), code, "{method} {field}");
        assert!(status.message().starts_with(field), "{}", status.message());
        assert_eq!(world.metric(&["server_requests_total", "error=\"bad_request\""]), 1.0);
    }
}

#[tokio::test(start_paused = true)]
async fn metadata_to_echo_come_back() {
    let metadata = [("x-grpc-test-echo-initial", "a"), ("x-grpc-test-echo-trailing-bin", "q6ur")];
    for (method, request) in
        [("UnaryCall", &SimpleRequest::default() as &dyn Encodes), ("FullDuplexCall", &listed(&[1], 0, 0))]
    {
        let got = World::new().call(&path(method), &metadata, &[request]).await;
        assert_eq!(got.head["x-grpc-test-echo-initial"], "a");
        assert_eq!(got.trailers.unwrap()["x-grpc-test-echo-trailing-bin"], "q6ur");
    }
}

#[tokio::test(start_paused = true)]
async fn health_serves_until_the_drain_and_watches_end_there() {
    const SERVING: i32 = 1;
    const NOT_SERVING: i32 = 2;
    const UNKNOWN: i32 = 3;
    let world = World::new();
    let health = |service: &str| HealthCheckRequest { service: service.to_owned() };
    let check = "/grpc.health.v1.Health/Check";
    for service in ["", "cload.v1.Target", "grpc.testing.TestService"] {
        assert_eq!(world.call(check, &[], &[&health(service)]).await.one::<HealthCheckResponse>().status, SERVING);
    }
    assert_eq!(world.call(check, &[], &[&health("x")]).await.code(), Some(Code::NotFound));
    let grpc = Arc::clone(&world.grpc);
    tokio::spawn(async move {
        tokio::time::sleep(Duration::from_secs(5)).await;
        grpc.draining();
    });
    let watch = "/grpc.health.v1.Health/Watch";
    let got = world.call(watch, &[], &[&health("")]).await;
    let seen: Vec<HealthCheckResponse> = got.all();
    assert_eq!(seen.iter().map(|one| one.status).collect::<Vec<_>>(), [SERVING, NOT_SERVING]);
    assert_eq!((got.code(), got.took.as_secs()), (Some(Code::Ok), 5));
    assert_eq!(world.call(watch, &[], &[&health("x")]).await.one::<HealthCheckResponse>().status, UNKNOWN);
    assert_eq!(world.call(check, &[], &[&health("")]).await.one::<HealthCheckResponse>().status, NOT_SERVING);
}

#[tokio::test(start_paused = true)]
async fn reflection_knows_every_service_in_both_versions() {
    let request = |message| ServerReflectionRequest { host: String::new(), message_request: Some(message) };
    for version in ["v1", "v1alpha"] {
        let path = format!("/grpc.reflection.{version}.ServerReflection/ServerReflectionInfo");
        let list = request(MessageRequest::ListServices(String::new()));
        let symbol = request(MessageRequest::FileContainingSymbol("cload.v1.Target".to_owned()));
        // Both versions have the same messages on the wire.
        let got = World::new().call(&path, &[], &[&list, &symbol]).await;
        let answers: Vec<ServerReflectionResponse> = got.all();
        let [
            Some(MessageResponse::ListServicesResponse(services)),
            Some(MessageResponse::FileDescriptorResponse(file)),
        ] = [0, 1].map(|i| answers[i].message_response.clone())
        else {
            panic!("{answers:?}");
        };
        let names: Vec<_> = services.service.iter().map(|service| service.name.as_str()).collect();
        for name in [
            "cload.v1.Target",
            "grpc.testing.TestService",
            "grpc.health.v1.Health",
            "grpc.reflection.v1.ServerReflection",
            "grpc.reflection.v1alpha.ServerReflection",
        ] {
            assert!(names.contains(&name), "{names:?}");
        }
        assert_eq!(file.file_descriptor_proto.len(), 1);
        let got = World::new().faulty(&path, "status=UNAVAILABLE", &list).await;
        assert_eq!(got.code(), Some(Code::Unavailable));
    }
}
