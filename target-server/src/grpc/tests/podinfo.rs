//! podinfo's services: what a client of podinfo finds here, method by method, and where it finds better.

use std::time::SystemTime;

use data_encoding::BASE64URL_NOPAD;
use ring::hmac;
use shared::proto::delay::{DelayRequest, DelayResponse};
use shared::proto::echo::Message as Echo;
use shared::proto::env::{EnvRequest, EnvResponse};
use shared::proto::header::{HeaderRequest, HeaderResponse};
use shared::proto::info::{InfoRequest, InfoResponse};
use shared::proto::panic::PanicRequest;
use shared::proto::status::{StatusRequest, StatusResponse};
use shared::proto::token::{TokenRequest, TokenResponse};
use shared::proto::version::{VersionRequest, VersionResponse};
use tonic_health::pb::{HealthCheckRequest, HealthCheckResponse};
use tonic_reflection::pb::v1::server_reflection_request::MessageRequest;
use tonic_reflection::pb::v1::server_reflection_response::MessageResponse;
use tonic_reflection::pb::v1::{ServerReflectionRequest, ServerReflectionResponse};

use super::*;
use crate::podinfo::info::{REVISION, VERSION};
use crate::podinfo::token::Tokens;

const ECHO: &str = "/echo.EchoService/Echo";
const DELAY: &str = "/delay.DelayService/Delay";
const HEADER: &str = "/header.HeaderService/Header";
const INFO: &str = "/info.InfoService/Info";
const PANIC: &str = "/panic.PanicService/Panic";
const STATUS: &str = "/status.StatusService/Status";
const GENERATE: &str = "/token.TokenService/TokenGenerate";
const VALIDATE: &str = "/token.TokenService/TokenValidate";
const ENV: &str = "/env.EnvService/Env";

const SECRET: &[u8] = b"between us";

fn echo(body: &str) -> Echo {
    Echo { body: body.to_owned() }
}

fn with_secret() -> World {
    World::with(Options { tokens: Some(Arc::new(Tokens::new(SECRET.to_vec()))), ..Options::default() })
}

/// A refusal: its code, and words of its message.
#[track_caller]
fn refused(got: &Got, code: Code, words: &[&str]) {
    let status = got.status().expect("a status");
    assert_eq!(status.code(), code, "{status:?}");
    words.iter().for_each(|word| assert!(status.message().contains(word), "{:?} in {status:?}", word));
}

#[tokio::test(start_paused = true)]
async fn g1_echo_says_it_back() {
    let world = World::new();
    assert_eq!(world.call(ECHO, &[], &[&echo("grüß dich")]).await.one::<Echo>().body, "grüß dich");
    world.recorded("OK", "success", "").await;
    assert_eq!(world.metric(&["server_requests_total", "operation=\"echo\"", "source=\"external\""]), 1.0);
    assert_eq!(World::new().call(ECHO, &[], &[&echo("")]).await.one::<Echo>().body, "");
}

#[tokio::test(start_paused = true)]
async fn g2_version_is_the_builds() {
    let got = World::new().call("/version.VersionService/Version", &[], &[&VersionRequest {}]).await;
    assert_eq!(got.one::<VersionResponse>(), VersionResponse { version: VERSION.into(), commit: REVISION.into() });
}

#[tokio::test(start_paused = true)]
async fn g3_a_delay_is_whole_seconds_up_to_the_limit() {
    for (seconds, took_s) in [(2, 2), (0, 0), (-7, 0), (i64::MIN, 0), (60, 60)] {
        let world = World::new();
        let got = world.call(DELAY, &[], &[&DelayRequest { seconds }]).await;
        assert_eq!(got.one::<DelayResponse>().message, seconds);
        assert_eq!(got.took.as_secs(), took_s, "{seconds}");
        world.recorded("OK", "success", "").await;
        let own = ["server_processing_duration_seconds_bucket", "result=\"success\"", "le=\"0.025\""];
        assert_eq!(world.metric(&own), 1.0, "a time that was asked for is not the target's own");
    }
    for seconds in [61, 9_999_999_999, i64::MAX] {
        let world = World::new();
        let got = world.call(DELAY, &[], &[&DelayRequest { seconds }]).await;
        refused(&got, Code::InvalidArgument, &["seconds", &seconds.to_string(), "at most 1m", "--delay-max"]);
        world.recorded("INVALID_ARGUMENT", "failure", "bad_request").await;
    }
}

#[tokio::test(start_paused = true)]
async fn g3_a_delay_ends_when_its_client_leaves() {
    let world = World::new();
    let mut opened = world.open(DELAY, &[]).await;
    opened.body.send_data(frame::framed(0, &DelayRequest { seconds: 50 }.bytes()), true).unwrap();
    tokio::time::sleep(Duration::from_millis(100)).await;
    opened.body.send_reset(Reason::CANCEL);
    world.recorded("", "failure", "aborted").await;
}

#[tokio::test(start_paused = true)]
async fn g4_headers_are_those_of_the_call_in_order() {
    let metadata = [("x-two", "b"), ("x-one", "1"), ("x-two", "a")];
    let got = World::new().call(HEADER, &metadata, &[&HeaderRequest {}]).await;
    let headers = got.one::<HeaderResponse>().headers;
    assert_eq!(headers, [":authority=t", "content-type=application/grpc", "x-one=1", "x-two=b,a"]);
}

#[tokio::test(start_paused = true)]
async fn g5_info_has_every_field_as_text() {
    let mut options = Options::default();
    options.ui.color = "blue".to_owned();
    let info: InfoResponse = World::with(options).call(INFO, &[], &[&InfoRequest {}]).await.one();
    assert_eq!((info.version.as_str(), info.revision.as_str()), (VERSION, REVISION));
    assert_eq!((info.color.as_str(), info.logo.as_str()), ("blue", ""));
    assert!(info.message.contains(VERSION) && info.runtime.starts_with("rust"), "{info:?}");
    assert!(![&info.hostname, &info.goos, &info.goarch].iter().any(|text| text.is_empty()), "{info:?}");
    assert!([&info.numgoroutine, &info.numcpu].iter().all(|number| number.parse::<u32>().unwrap() > 0), "{info:?}");
}

/// With the flag it ends the process that runs it, which no test in a process can.
#[tokio::test(start_paused = true)]
async fn g6_panic_is_denied_without_its_flag() {
    let world = World::new();
    refused(&world.call(PANIC, &[], &[&PanicRequest {}]).await, Code::PermissionDenied, &["--allow-panic"]);
    world.recorded("PERMISSION_DENIED", "failure", "bad_request").await;
}

#[tokio::test(start_paused = true)]
async fn g7_g16_each_status_has_gos_name_and_no_message() {
    let names = [
        "Ok",
        "Canceled",
        "Unknown",
        "InvalidArgument",
        "DeadlineExceeded",
        "NotFound",
        "AlreadyExists",
        "PermissionDenied",
        "ResourceExhausted",
        "FailedPrecondition",
        "Aborted",
        "OutOfRange",
        "Unimplemented",
        "Internal",
        "Unavailable",
        "DataLoss",
        "Unauthenticated",
    ];
    for (number, name) in (0_u8..).zip(names) {
        let world = World::new();
        let got = world.call(STATUS, &[], &[&StatusRequest { code: name.to_owned() }]).await;
        let status = got.status().unwrap();
        assert_eq!((status.code(), status.message()), (Code::from_i32(number.into()), ""));
        if number == 0 {
            assert_eq!(got.one::<StatusResponse>().status, "Ok");
        }
        // It is what was asked for.
        world.recorded(&shared::outcome::Code::Grpc(number).label(), "success", "").await;
    }
}

#[tokio::test(start_paused = true)]
async fn g8_g9_a_token_is_good_for_who_signed_it() {
    let world = with_secret();
    let made: TokenResponse = world.call(GENERATE, &[], &[&TokenRequest {}]).await.one();
    assert_eq!(made.message, "Token generated successfully");
    assert!(made.expires_at.len() == 29 && made.expires_at.ends_with(" +0000 UTC"), "{made:?}");
    for scheme in ["Bearer ", "bearer ", "BEARER  ", ""] {
        let authorization = format!("{scheme}{}", made.token);
        let got = world.call(VALIDATE, &[("authorization", &authorization)], &[&TokenRequest {}]).await;
        let said: TokenResponse = got.one();
        assert_eq!((said.token.as_str(), &said.expires_at), ("anonymous", &made.expires_at), "{scheme}");
    }
}

/// Signed by our own secret, whatever it claims.
fn signed(claims: &str) -> String {
    let text =
        format!("{}.{}", BASE64URL_NOPAD.encode(br#"{"alg":"HS256"}"#), BASE64URL_NOPAD.encode(claims.as_bytes()));
    let signature = hmac::sign(&hmac::Key::new(hmac::HMAC_SHA256, SECRET), text.as_bytes());
    format!("{text}.{}", BASE64URL_NOPAD.encode(signature.as_ref()))
}

#[tokio::test(start_paused = true)]
async fn g9_no_bad_token_is_ok_or_ends_anything() {
    let (now, hour) = (SystemTime::now(), Duration::from_secs(3600));
    let expired = Tokens::new(SECRET.to_vec()).sign("a", now - hour).token;
    let foreign = Tokens::new(b"another".to_vec()).sign("a", now).token;
    for (token, word) in [
        (expired, "expired"),
        (foreign, "signature"),
        (signed(r#"{"name":"a","iss":"other","exp":99999999999}"#), "issuer"),
        (signed(r#"{"name":"a","iss":"podinfo"}"#), "expiry"),
        ("nonsense".to_owned(), "segments"),
        (String::new(), "segments"),
    ] {
        let world = with_secret();
        let authorization = format!("Bearer {token}");
        let got = world.call(VALIDATE, &[("authorization", &authorization)], &[&TokenRequest {}]).await;
        refused(&got, Code::Unauthenticated, &[word]);
        world.recorded("UNAUTHENTICATED", "failure", "bad_request").await;
    }
    let got = with_secret().call(VALIDATE, &[], &[&TokenRequest {}]).await;
    refused(&got, Code::Unauthenticated, &["authorization", "Bearer"]);
    for path in [GENERATE, VALIDATE] {
        let got = World::new().call(path, &[], &[&TokenRequest {}]).await;
        refused(&got, Code::FailedPrecondition, &["--jwt-secret-file"]);
    }
}

#[tokio::test(start_paused = true)]
async fn g10_the_environment_is_shown_where_it_may_be() {
    refused(&World::new().call(ENV, &[], &[&EnvRequest {}]).await, Code::PermissionDenied, &["--allow-env"]);
    let env = vec!["PATH=/bin".to_owned(), "A=b=c".to_owned()];
    let world = World::with(Options { env: Some(env.clone()), ..Options::default() });
    assert_eq!(world.call(ENV, &[], &[&EnvRequest {}]).await.one::<EnvResponse>().env_vars, env);
}

#[tokio::test(start_paused = true)]
async fn g11_every_method_hears_a_fault_in_its_metadata() {
    for path in [ECHO, "/version.VersionService/Version", DELAY, HEADER, INFO, PANIC, STATUS, GENERATE, VALIDATE, ENV] {
        let world = World::new();
        let got = world.faulty(path, "status=ABORTED; msg=asked; delay=1s", &TokenRequest {}).await;
        refused(&got, Code::Aborted, &["asked"]);
        assert_eq!(got.took.as_secs(), 1, "{path}");
        world.recorded("ABORTED", "success", "").await;
    }
    let world = World::new();
    let got = world.faulty(DELAY, "delay=1s; end_delay=1s", &DelayRequest { seconds: 2 }).await;
    assert_eq!((got.code(), got.took.as_secs()), (Some(Code::Ok), 4));
    let got = World::new().faulty(ECHO, "size=9", &echo("x")).await;
    refused(&got, Code::InvalidArgument, &["size"]);
}

#[tokio::test(start_paused = true)]
async fn g12_health_knows_podinfos_name_and_follows_readiness() {
    const SERVING: i32 = 1;
    const NOT_SERVING: i32 = 2;
    const UNKNOWN: i32 = 3;
    let check = "/grpc.health.v1.Health/Check";
    let watch = "/grpc.health.v1.Health/Watch";
    let health = |service: &str| HealthCheckRequest { service: service.to_owned() };
    let world = World::new();
    for (is_ready, status) in [(true, SERVING), (false, NOT_SERVING), (true, SERVING)] {
        world.grpc.set_ready(is_ready);
        for service in ["", "podinfo", "echo.EchoService"] {
            let got = world.call(check, &[], &[&health(service)]).await;
            assert_eq!(got.one::<HealthCheckResponse>().status, status, "{service}");
        }
    }
    assert_eq!(world.call(check, &[], &[&health("podinf")]).await.code(), Some(Code::NotFound));
    let grpc = Arc::clone(&world.grpc);
    tokio::spawn(async move {
        for step in [Some(false), Some(true), None, Some(true)] {
            tokio::time::sleep(Duration::from_secs(1)).await;
            step.map_or_else(|| grpc.draining(), |is_ready| grpc.set_ready(is_ready));
        }
    });
    let seen: Vec<HealthCheckResponse> = world.call(watch, &[], &[&health("podinfo")]).await.all();
    let seen: Vec<i32> = seen.iter().map(|one| one.status).collect();
    assert_eq!(seen, [SERVING, NOT_SERVING, SERVING, NOT_SERVING]);
    tokio::time::sleep(Duration::from_secs(2)).await;
    assert_eq!(world.call(check, &[], &[&health("")]).await.one::<HealthCheckResponse>().status, NOT_SERVING);

    let world = World::with(Options { service_name: "shop".to_owned(), ..Options::default() });
    assert_eq!(world.call(check, &[], &[&health("shop")]).await.one::<HealthCheckResponse>().status, SERVING);
    assert_eq!(world.call(check, &[], &[&health("podinfo")]).await.code(), Some(Code::NotFound));
    world.grpc.draining();
    assert_eq!(world.call(watch, &[], &[&health("podinfo")]).await.one::<HealthCheckResponse>().status, UNKNOWN);
}

#[tokio::test(start_paused = true)]
async fn g13_reflection_lists_them_and_an_unknown_method_is_unimplemented() {
    let list = MessageRequest::ListServices(String::new());
    let request = ServerReflectionRequest { host: String::new(), message_request: Some(list) };
    let got = World::new().call("/grpc.reflection.v1.ServerReflection/ServerReflectionInfo", &[], &[&request]).await;
    let Some(MessageResponse::ListServicesResponse(list)) = got.one::<ServerReflectionResponse>().message_response
    else {
        panic!("{got:?}");
    };
    let listed: Vec<_> = list.service.iter().map(|service| format!("/{}/", service.name)).collect();
    for path in [ECHO, "/version.VersionService/Version", DELAY, HEADER, INFO, PANIC, STATUS, GENERATE, ENV] {
        assert!(listed.iter().any(|name| path.starts_with(name)), "{path} in {listed:?}");
    }
    for path in ["/echo.EchoService/Shout", "/echo.Echo/Echo", "/grpc.EchoService/Echo"] {
        let world = World::new();
        assert_eq!(world.call(path, &[], &[&echo("x")]).await.code(), Some(Code::Unimplemented));
        assert_eq!(world.metric(&["server_requests_total", "operation=\"other\""]), 1.0);
    }
}

#[tokio::test(start_paused = true)]
async fn g14_a_message_over_4_mib_is_refused() {
    // Beside the text: a tag, and four bytes of its length.
    const LONGEST: usize = (4 << 20) - 5;
    let world = World::new();
    let longest = echo(&"x".repeat(LONGEST));
    assert_eq!(world.call(ECHO, &[], &[&longest]).await.one::<Echo>(), longest);
    let over = echo(&"x".repeat(LONGEST + 1));
    let packed = frame::compressed(frame::framed(0, &over.bytes()));
    let got = [
        World::new().call(ECHO, &[], &[&over]).await,
        World::new().call(STATUS, &[], &[&StatusRequest { code: over.body.clone() }]).await,
        World::new().raw(ECHO, &[("grpc-encoding", "gzip")], packed).await,
    ];
    for got in got {
        refused(&got, Code::ResourceExhausted, &[]);
    }
    refused(&World::new().call(ECHO, &[], &[&over]).await, Code::ResourceExhausted, &["at most 4MiB"]);
}

#[tokio::test(start_paused = true)]
async fn g15_a_deadline_ends_a_delay_as_asked() {
    let world = World::new();
    let got = world.call(DELAY, &[("grpc-timeout", "500m")], &[&DelayRequest { seconds: 2 }]).await;
    assert_eq!((got.code(), got.messages.len()), (Some(Code::DeadlineExceeded), 0));
    assert!(got.took.as_millis().abs_diff(500) <= 5, "{:?}", got.took);
    world.recorded("DEADLINE_EXCEEDED", "success", "").await;
}

#[tokio::test(start_paused = true)]
async fn g17_an_unknown_name_is_unknown_and_told_the_known_ones() {
    for name in ["OK", "5", "", "NOT_FOUND", "notFound", "Cancelled", &"ä".repeat(100_000)] {
        let world = World::new();
        let got = world.call(STATUS, &[], &[&StatusRequest { code: name.to_owned() }]).await;
        refused(&got, Code::Unknown, &["code", "no name of a status", "Ok, Canceled, ", "Unauthenticated"]);
        world.recorded("UNKNOWN", "failure", "bad_request").await;
    }
}
