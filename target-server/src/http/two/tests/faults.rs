//! Broken answers, as a client sees them and as they are recorded.

use h2::Reason;
use http::Request;
use tokio::time::timeout;

use super::{Two, get, read};
use crate::fixture::{Fixture, PATIENCE, eventually};

const UNANSWERED: [&str; 4] = ["server_requests_total", "http2", "code=\"\"", "result=\"success\""];

/// How much of the body came before the error, and the error.
async fn cut(client: &mut Two, path: &str) -> (Option<usize>, h2::Error) {
    let (response, _stream) = client.begin(get(path), true).await;
    let cut = async {
        let mut body = match response.await {
            Ok(response) => response.into_body(),
            Err(error) => return (None, error),
        };
        let mut seen = 0;
        loop {
            match body.data().await {
                Some(Ok(data)) => seen += data.len(),
                Some(Err(error)) => return (Some(seen), error),
                None => panic!("{path}: the answer ended well after {seen} bytes"),
            }
        }
    };
    timeout(PATIENCE, cut).await.expect("the target is silent")
}

#[tokio::test]
async fn a_stream_is_reset_where_and_as_asked() {
    let target = Fixture::start().await;
    let mut client = Two::connect(&target).await;
    let cases = [
        ("/?fault=h2rst(REFUSED_STREAM)", None, Reason::REFUSED_STREAM),
        ("/?fault=h2rst(ENHANCE_YOUR_CALM)&delay=1ms", None, Reason::ENHANCE_YOUR_CALM),
        ("/?fault=h2rst(CANCEL)&at=body&size=9", Some(0), Reason::CANCEL),
        ("/?fault=h2rst(13)&at=4&size=9", Some(4), Reason::HTTP_1_1_REQUIRED),
        ("/?fault=abort&at=50%25&size=100KiB", Some(50 << 10), Reason::INTERNAL_ERROR),
        ("/?fault=abort&at=after(20ms)&size=10", Some(10), Reason::INTERNAL_ERROR),
        ("/?fault=clen(%2B5)&size=10", Some(10), Reason::PROTOCOL_ERROR),
    ];
    for (path, bytes, code) in cases {
        let (seen, error) = cut(&mut client, path).await;
        assert_eq!((seen, error.reason()), (bytes, Some(code)), "{path}");
    }
    let (_, error) = cut(&mut client, "/?fault=clen(-5)&size=10").await;
    assert_eq!(error.reason(), Some(Reason::PROTOCOL_ERROR));
    target.eventually_metric(&UNANSWERED, 8.0).await;
    assert_eq!(target.metric(&["server_inflight_requests", "http2"]).await, 0.0);
    assert_eq!(target.metric(&["server_faults_total", "kind=\"h2rst\""]).await, 4.0);
    assert_eq!(client.get("/").await.unwrap().status, 200, "the connection is as good as ever");
}

#[tokio::test]
async fn what_has_no_length_cannot_announce_a_wrong_one() {
    let target = Fixture::start().await;
    let mut client = Two::connect(&target).await;
    for path in ["/?fault=clen(%2B5)&size=10&chunk=2", "/?fault=clen(-50)&size=10"] {
        assert_eq!(client.get(path).await.unwrap().status, 400, "{path}");
    }
}

#[tokio::test]
async fn a_hang_is_one_streams_own() {
    let target = Fixture::start().await;
    let mut client = Two::connect(&target).await;
    let (response, stream) = client.begin(get("/?fault=hang"), true).await;
    target.eventually_metric(&["server_inflight_requests", "http2", "injected=\"true\""], 1.0).await;
    assert_eq!(client.get("/").await.unwrap().status, 200);
    drop((response, stream));
    target.eventually_metric(&UNANSWERED, 1.0).await;
}

/// A stream that asks for the end of its connection, beside one that did not: how the connection ended.
async fn connection_fault(target: &Fixture, path: &str) -> Result<(), h2::Error> {
    let mut client = Two::connect(target).await;
    let (bystander, _stream) = client.begin(get("/?delay=60s"), true).await;
    target.eventually_metric(&["server_inflight_requests", "http2", "injected=\"true\""], 1.0).await;
    let (response, _stream) = client.begin(get(path), true).await;
    assert!(timeout(PATIENCE, read(response)).await.unwrap().is_err(), "{path}");
    assert!(timeout(PATIENCE, read(bystander)).await.unwrap().is_err(), "{path}");
    timeout(PATIENCE, client.over).await.unwrap().unwrap()
}

#[tokio::test]
async fn faults_of_the_connection_hit_all_of_it_and_are_recorded_as_they_were() {
    let target = Fixture::start().await;
    let error = connection_fault(&target, "/?fault=goaway(ENHANCE_YOUR_CALM)&allow_conn=1").await.unwrap_err();
    assert_eq!((error.is_go_away(), error.reason()), (true, Some(Reason::ENHANCE_YOUR_CALM)));
    let error = connection_fault(&target, "/?fault=reset&at=4&size=9&allow_conn=1").await.unwrap_err();
    assert_eq!(error.get_io().unwrap().kind(), std::io::ErrorKind::ConnectionReset);
    let error = connection_fault(&target, "/?fault=garbage&allow_conn=1").await.unwrap_err();
    assert_eq!(error.reason(), Some(Reason::FRAME_SIZE_ERROR));
    target.eventually_metric(&UNANSWERED, 3.0).await;
    target.eventually_metric(&["server_requests_total", "http2", "error=\"aborted\""], 3.0).await;
    target.eventually_metric(&["server_connections_open", "http2"], 0.0).await;
    assert_eq!(target.metric(&["server_inflight_requests", "http2"]).await, 0.0);
}

#[tokio::test]
async fn a_graceful_goaway_lets_every_stream_end() {
    let target = Fixture::start().await;
    let mut client = Two::connect(&target).await;
    let (bystander, _stream) = client.begin(get("/?delay=200ms"), true).await;
    let path = "/?fault=goaway(NO_ERROR)&at=4&size=9&body=seq&allow_conn=1";
    let seen = client.get(path).await.unwrap();
    assert_eq!((seen.status, &*seen.body), (200, "abcdefghi"));
    assert_eq!(timeout(PATIENCE, read(bystander)).await.unwrap().unwrap().status, 200);
    timeout(PATIENCE, client.over).await.unwrap().unwrap().unwrap();
    target.eventually_metric(&["server_requests_total", "http2", "code=\"200\"", "success"], 2.0).await;
}

#[tokio::test]
async fn a_client_that_leaves_a_fault_early_is_recorded_so() {
    let target = Fixture::start().await;
    let mut client = Two::connect(&target).await;
    let request = Request::get("http://t/?fault=abort&size=10&delay=60s").body(()).unwrap();
    let (response, stream) = client.begin(request, true).await;
    eventually("served", || async {
        target.metric(&["server_inflight_requests", "http2", "injected=\"true\""]).await == 1.0
    })
    .await;
    drop((response, stream));
    target.eventually_metric(&["server_requests_total", "http2", "error=\"aborted\""], 1.0).await;
}
