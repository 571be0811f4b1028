//! What is answered and recorded when a deadline passes.

use super::*;

const UNARY: &str = "/cload.v1.Target/Unary";
const STREAM: &str = "/cload.v1.Target/ServerStream";

#[tokio::test(start_paused = true)]
async fn what_was_asked_to_be_late_is_late_and_a_success() {
    for (path, spec, sent) in [
        (UNARY, "delay=1s", 0),
        (UNARY, "delay=500ms", 0),
        (UNARY, "fault=hang", 0),
        (UNARY, "end_delay=1s", 1),
        (UNARY, "body_delay=1s", 0),
        (STREAM, "count=10; chunk_delay=200ms", 3),
        (STREAM, "fault=hang; count=3; at=50%", 1),
        (UNARY, "status=UNAVAILABLE; delay=1s", 0),
        (UNARY, "size=1000; rate=1000", 0),
        ("/grpc.health.v1.Health/Check", "delay=1s", 0),
    ] {
        let world = World::new();
        let metadata = [("x-cload-fault", spec), ("grpc-timeout", "500m")];
        let got = world.call(path, &metadata, &[&ask("")]).await;
        assert_eq!((got.code(), got.messages.len()), (Some(Code::DeadlineExceeded), sent), "{spec}");
        assert!(got.took.as_millis().abs_diff(500) <= 5, "{spec}: {:?}", got.took);
        world.recorded("DEADLINE_EXCEEDED", "success", "").await;
    }
}

#[tokio::test(start_paused = true)]
async fn what_is_in_time_is_not_touched() {
    for spec in ["delay=400ms", "fault=nostatus", "status=UNAVAILABLE"] {
        let world = World::new();
        let metadata = [("x-cload-fault", spec), ("grpc-timeout", "500m")];
        let got = world.call(UNARY, &metadata, &[&ask("")]).await;
        assert_ne!(got.code(), Some(Code::DeadlineExceeded), "{spec}");
        assert_eq!(world.metric(&["server_requests_total", "result=\"success\""]), 1.0, "{spec}");
    }
}

/// A client that resets its stream at its own deadline means the same as ours.
#[tokio::test(start_paused = true)]
async fn a_reset_is_a_deadline_or_a_leaving_by_when_it_comes() {
    for (spec, reset_ms, record) in [
        ("delay=1s", 450, ("DEADLINE_EXCEEDED", "success", "")),
        ("end_delay=1s", 450, ("DEADLINE_EXCEEDED", "success", "")),
        ("fault=hang", 450, ("DEADLINE_EXCEEDED", "success", "")),
        ("delay=1s", 100, ("", "failure", "aborted")),
        ("fault=hang", 100, ("", "success", "")),
        ("delay=480ms", 450, ("DEADLINE_EXCEEDED", "failure", "aborted")),
    ] {
        let world = World::new();
        let mut opened = world.open(UNARY, &[("x-cload-fault", spec), ("grpc-timeout", "500m")]).await;
        opened.body.send_data(frame::framed(0, &ask("x").bytes()), true).unwrap();
        tokio::time::sleep(Duration::from_millis(reset_ms)).await;
        opened.body.send_reset(Reason::CANCEL);
        world.recorded(record.0, record.1, record.2).await;
    }
}

#[tokio::test(start_paused = true)]
async fn a_client_that_never_finishes_is_late_by_itself() {
    for path in ["/cload.v1.Target/ClientStream", UNARY, "/grpc.testing.TestService/StreamingInputCall"] {
        let world = World::new();
        let opened = world.open(path, &[("grpc-timeout", "500m")]).await;
        let got = opened.got().await;
        assert_eq!(got.code(), Some(Code::DeadlineExceeded), "{path}");
        world.recorded("DEADLINE_EXCEEDED", "failure", "aborted").await;
    }
}
