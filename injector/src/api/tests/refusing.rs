//! What is refused, in which words, and what changes.

use std::time::SystemTime;

use serde_json::json;

use super::*;

#[tokio::test]
async fn a_parameter_that_cannot_be_meant_is_named() {
    let api = Api::new(false);
    for (path, field, words) in [
        ("verdict?window=60", "window", "has no unit"),
        ("verdict?window=1500ms", "window", "1500ms"),
        ("verdict?window=2h", "window", "2h"),
        ("verdict?window=0s", "window", "0s"),
        ("verdict?max_eror_ratio=1", "max_eror_ratio", "no such parameter"),
        ("verdict?max_error_ratio=1.5", "max_error_ratio", "no share"),
        ("verdict?max_error_ratio=-0", "max_error_ratio", "no share"),
        ("verdict?max_error_ratio=1e-2", "max_error_ratio", "no share"),
        ("verdict?max_error_ratio=NaN", "max_error_ratio", "no share"),
        ("verdict?max_error_ratio=", "max_error_ratio", "no share"),
        ("verdict?max_error_ratio=1&max_error_ratio=1", "max_error_ratio", "more than once"),
        ("verdict?max_p99=250", "max_p99", "has no unit"),
        ("verdict?max_p50=fast", "max_p50", "fast"),
        ("verdict?min_requests=%2B5", "min_requests", "+5"),
        ("verdict?min_requests=99999999999999999999", "min_requests", "no number"),
        ("verdict?require_injected=some", "require_injected", "some"),
        ("verdict?exclude_injected=yes", "exclude_injected", "yes"),
        ("verdict?fail_status=500", "fail_status", "500"),
        ("verdict?operation=wbe", "operation", "wbe"),
        ("verdict?operation=web|", "operation", "no operation"),
        ("verdict?scenario=other", "scenario", "other"),
        ("verdict?condition=p(99)", "condition", "no comparison"),
        ("verdict?condition=p(99) < 1s over 10s", "condition", "window=10s"),
        ("verdict?condition=vus: value<1", "condition", "in_flight"),
        ("verdict?condition=p(99)<1s where operation=x", "condition", "no operation"),
        ("value", "metric", "missing"),
        ("value?metric=speed", "metric", "unknown figure"),
        ("value?metric=response", "metric", "which of response"),
        ("value?metric=p(99) < 1s", "metric", "<"),
        ("value?metric=p(99) over 5s", "metric", "window="),
        ("value?metric=vus", "metric", "in_flight"),
        ("value?metric=grpc_req_duration: max", "metric", "gRPC"),
        ("value?metric=rate&operation=x", "operation", "x"),
        ("status?window=", "window", "duration"),
        ("status?colour=red", "colour", "no such parameter"),
    ] {
        let told = api.get(&format!("/api/v1/{path}")).await;
        assert_eq!(told.status, 400, "{path}: {told:?}");
        assert_eq!(told.error("field"), field, "{path}");
        assert!(told.error("reason").contains(words), "{path}: {told:?}");
        assert!(!told.error("expected").is_empty());
    }
}

const CHANGES: [&str; 7] = ["start", "stop", "pause", "resume", "rate", "scale", "operations/web"];

#[tokio::test]
async fn without_a_token_nobody_changes_anything() {
    let api = Api::new(false);
    for path in CHANGES {
        let told = api.post(&format!("/api/v1/{path}"), "{}").await;
        assert_eq!((told.status, told.error("code").as_str()), (403, "no_token_configured"), "{path}");
        assert!(told.error("expected").contains("--api-token-file"), "{told:?}");
    }
    assert_eq!(api.get("/api/v1/status").await.json()["state"], "waiting");
}

#[tokio::test]
async fn only_the_token_opens_and_no_browser_has_it() {
    let api = Api::new(true);
    let right = format!("Bearer {TOKEN}");
    let ask = async |path: &str, fields: &[(&str, &str)]| {
        let mut request = Request::post(format!("/api/v1/{path}")).header("content-length", "0");
        for (name, value) in fields {
            request = request.header(*name, *value);
        }
        api.send(request.body(Body::empty()).unwrap()).await
    };
    for path in CHANGES {
        let told = ask(path, &[]).await;
        assert_eq!((told.status, told.error("code").as_str()), (401, "no_token"), "{path}");
        assert_eq!(told.headers["www-authenticate"], "Bearer");
        let told = ask(path, &[("authorization", "Bearer another-token-9876543")]).await;
        assert_eq!((told.status, told.error("code").as_str()), (401, "wrong_token"), "{path}");
        let told = ask(path, &[("authorization", &right), ("origin", "http://evil.example")]).await;
        assert_eq!((told.status, told.error("code").as_str()), (403, "cross_origin"), "{path}");
        let told = ask(path, &[("authorization", &right), ("user-agent", "Mozilla/5.0")]).await;
        assert_eq!((told.status, told.error("code").as_str()), (403, "browser"), "{path}");
    }
    assert_eq!(api.get("/api/v1/status").await.json()["state"], "waiting", "nothing of this started it");
}

#[tokio::test]
async fn a_change_that_cannot_be_done_says_why() {
    let api = Api::new(true);
    for (path, body, status, field, words) in [
        ("pause", "", 409, "state", "paused already"),
        ("start", r#"{"at":"2001-01-01T00:00:00Z"}"#, 422, "at", "in the past"),
        ("start", r#"{"at":1000}"#, 422, "at", "in the past"),
        ("start", r#"{"at":"noon"}"#, 400, "at", "noon"),
        ("start", r#"{"when":"now"}"#, 400, "when", "unknown field"),
        ("start?at=1", "", 400, "at", "no such parameter"),
        ("rate", "{}", 400, "rate", "missing field"),
        ("rate", "", 415, "content-type", "JSON"),
        ("rate", r#"{"rate":20}"#, 400, "rate", "integer"),
        ("rate", r#"{"rate":"20"}"#, 422, "rate", "20/s"),
        ("rate", r#"{"rate":"99999999/s"}"#, 422, "rate", "limit"),
        ("scale", r#"{"scale":"1.5"}"#, 422, "scale", "share"),
        ("operations/wbe", r#"{"enabled":false}"#, 404, "name", "wbe"),
        ("operations/web", "{}", 422, "", "nothing to change"),
        ("operations/web", r#"{"rate":"0/s"}"#, 422, "rate", "above 0"),
        ("operations/web", r#"{"enabled":"no"}"#, 400, "enabled", "string"),
        ("operations/web", r#"{"enabled":true"#, 400, "", "EOF"),
    ] {
        let told = api.post(&format!("/api/v1/{path}"), body).await;
        assert_eq!(told.status, status, "{path} {body}: {told:?}");
        assert_eq!(told.error("field"), field, "{path} {body}: {told:?}");
        assert!(told.error("reason").contains(words), "{path} {body}: {told:?}");
    }
    let large = format!("{{\"rate\":\"{}\"}}", "9".repeat(BODY_MAX_BYTES));
    assert_eq!(api.post("/api/v1/rate", &large).await.status, 413);
}

#[tokio::test]
async fn a_change_answers_with_the_run_as_it_then_is() {
    let api = Api::new(true);
    let waiting = api.get("/api/v1/status").await.json();
    assert_eq!((&waiting["set_by_hand"], &waiting["starts_at"]), (&json!([]), &json!(null)));
    let at = SystemTime::now() + Duration::from_secs(3_600);
    let at = humantime::format_rfc3339_seconds(at).to_string();
    let told = api.post("/api/v1/start", &format!("{{\"at\":\"{at}\"}}")).await.json();
    let starts = told["starts_at"].as_str().unwrap();
    let apart = |a: &str, b: &str| {
        let [a, b] = [a, b].map(|text| humantime::parse_rfc3339(text).unwrap());
        a.duration_since(b).unwrap_or_else(|error| error.duration())
    };
    assert!(apart(starts, &at) < SECOND, "{starts} is not {at}");
    let told = api.post("/api/v1/start", "").await;
    assert_eq!((told.status, &told.json()["rate"]["planned"]), (200, &json!(100.0)), "{told:?}");
    let told = api.post("/api/v1/rate", r#"{"rate":"200/s"}"#).await.json();
    assert_eq!(told["rate"]["planned"], 200.0, "{told}");
    let told = api.post("/api/v1/scale", r#"{"scale":"50%"}"#).await.json();
    assert_eq!((&told["rate"]["planned"], &told["scale"]), (&json!(100.0), &json!("50%")));
    let told = api.post("/api/v1/operations/ill", r#"{"enabled":false}"#).await.json();
    assert_eq!((&told["operations"][1]["enabled"], &told["rate"]["planned"]), (&json!(false), &json!(75.0)));
    let told = api.post("/api/v1/operations/web", r#"{"rate":"10/s"}"#).await.json();
    assert_eq!(told["operations"][0]["rate"]["planned"], 5.0, "{told}");
    let by_hand = json!(["rate 200/s", "scale 50%", "rate 10/s --operation web", "disable ill"]);
    assert_eq!(told["set_by_hand"], by_hand, "what stands over the scenario");
    assert_eq!(api.post("/api/v1/pause", "").await.json()["rate"]["planned"], 0.0);
    assert_eq!(api.post("/api/v1/stop", "").await.status, 200);
    for path in ["stop", "resume", "pause", "start"] {
        assert_eq!(api.post(&format!("/api/v1/{path}"), "").await.status, 409, "{path}");
    }
}

#[tokio::test]
async fn other_methods_and_paths_are_told_what_there_is() {
    let api = Api::new(true);
    let ask = async |method: &str, path: &str| {
        api.send(Request::builder().method(method).uri(path).body(Body::empty()).unwrap()).await
    };
    for (method, path, allow) in [
        ("GET", "/api/v1/pause", "POST"),
        ("OPTIONS", "/api/v1/pause", "POST"),
        ("GET", "/hooks/flagger/verdict", "POST"),
        ("DELETE", "/api/v1/verdict", "GET,HEAD,POST,PUT"),
        ("POST", "/api/v1/status", "GET,HEAD"),
        ("OPTIONS", "/api/v1/value?metric=rate", "GET,HEAD"),
    ] {
        let told = ask(method, path).await;
        // In any order.
        let mut allowed: Vec<&str> = told.headers["allow"].to_str().unwrap().split(',').collect();
        allowed.sort_unstable();
        assert_eq!((told.status, allowed.join(",").as_str()), (405, allow), "{method} {path}");
        assert_eq!(told.error("code"), "method_not_allowed");
    }
    let told = ask("GET", "/api/v2/status").await;
    assert_eq!(told.status, 404);
    assert!(told.error("expected").contains("/api/v1/status"));
    assert_eq!(ask("HEAD", "/api/v1/status").await.status, 200);
    assert_eq!(ask("GET", "/livez").await.text, "ok\n", "what both programs serve is there as well");
}
