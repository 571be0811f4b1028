//! Status, verdicts, values and hooks.

use serde_json::json;
use tokio::time::advance;

use super::*;

/// Ten seconds: 300 requests of `web`, 30 of which failed, 20 of these by a rule; 100 right ones of `ill`, which has its fault.
async fn ten_seconds() -> Api {
    let mut api = Api::new(false);
    for _ in 0..10 {
        advance(SECOND).await;
        api.second(&[seen(30, 3, 2, Duration::from_millis(20)), seen(10, 0, 0, Duration::from_millis(200))]);
    }
    api
}

#[tokio::test(start_paused = true)]
async fn a_verdict_is_what_the_contract_says() {
    let api = ten_seconds().await;
    let cases: [(&str, u16, &str, &str); 24] = [
        // Without a limit there is one all the same.
        ("", 200, "fail", "error_ratio 0.075 > 0.01"),
        ("max_error_ratio=0.1", 200, "pass", ""),
        ("max_error_ratio=10%25", 200, "pass", ""),
        ("max_error_ratio=0.075", 200, "pass", ""),
        ("max_error_ratio=0.05&fail_status=412", 412, "fail", "error_ratio 0.075 > 0.05"),
        ("max_error_ratio=0.05&fail_status=503", 503, "fail", "error_ratio"),
        ("max_error_ratio=0.05&operation=ill", 200, "pass", ""),
        ("max_error_ratio=0.05&operation=web", 200, "fail", "error_ratio 0.1 > 0.05"),
        ("max_error_ratio=0.05&operation=web|ill", 200, "fail", "error_ratio 0.075 > 0.05"),
        // 10 of 280: what the rule struck is left out, and so is the operation whose requests ask for faults.
        ("max_error_ratio=0.04&exclude_injected=true", 200, "pass", ""),
        ("max_error_ratio=0.03&exclude_injected=true", 200, "fail", "error_ratio 0.035"),
        ("max_p99=100ms", 200, "fail", "p99 0.2"),
        ("max_p99=100ms&exclude_injected=true", 200, "pass", ""),
        ("max_p50=21ms&max_p90=1s&max_p99=1s", 200, "pass", ""),
        ("max_error_ratio=0.1&require_injected=120", 200, "pass", ""),
        ("max_error_ratio=0.1&require_injected=121", 200, "fail", "injected 120 < 121"),
        ("max_error_ratio=0.1&min_requests=400", 200, "pass", ""),
        ("max_error_ratio=0.1&min_requests=401&fail_status=503", 503, "no_data", "requests 400 < 401"),
        ("condition=network p(90) < 10ms where operation=web;unexplained > 0 where operation=web", 200, "pass", ""),
        ("condition=unexplained == 0 where operation=web", 200, "fail", "it is 3"),
        // Of the operations that are asked for, and no others.
        ("condition=availability >= 99%25&operation=ill", 200, "pass", ""),
        ("condition=availability >= 91%25&operation=web", 200, "fail", "availability"),
        ("condition=availability >= 91%25", 200, "pass", ""),
        // More samples than there are.
        ("condition=p(99.9) < 1s", 200, "no_data", ""),
    ];
    for (query, status, state, words) in cases {
        let told = api.get(&format!("/api/v1/verdict?window=60s&scenario=two&{query}")).await;
        let verdict = told.json();
        assert_eq!((told.status, verdict["state"].as_str().unwrap()), (status, state), "{query}: {verdict:#}");
        assert_eq!(verdict["pass"], state == "pass", "{query}");
        assert!(verdict["reasons"].to_string().contains(words), "{query}: {verdict:#}");
        assert!(!told.text.contains("null"), "{told:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn every_number_of_a_verdict_is_a_number_also_without_data() {
    let api = Api::new(false);
    let told = api.get("/api/v1/verdict?max_p99=1s&fail_status=503").await;
    assert_eq!(told.status, 503);
    let mut verdict = told.json();
    assert!(verdict["as_of"].as_str().is_some_and(|at| at.ends_with('Z')));
    verdict["as_of"] = json!("");
    let expected = json!({
        "pass": false, "state": "no_data", "window_seconds": 0.0, "requests": 0, "errors": 0, "injected": 0,
        "error_ratio": 1.0, "latency_seconds": { "p50": 2.0, "p90": 2.0, "p99": 2.0 },
        "checks": [
            { "name": "requests", "op": ">=", "limit": 1.0, "value": 0.0, "pass": false },
            { "name": "p99", "op": "<=", "limit": 1.0, "value": 2.0, "pass": false },
        ],
        "reasons": ["requests 0 < 1", "p99 2 > 1"], "as_of": "",
    });
    assert_eq!(verdict, expected);
}

#[tokio::test(start_paused = true)]
async fn what_is_old_is_no_data() {
    let api = ten_seconds().await;
    let state = async || api.get("/api/v1/verdict?window=30s&max_error_ratio=1").await.json()["state"].clone();
    assert_eq!(state().await, "pass");
    advance(Duration::from_secs(25)).await;
    assert_eq!(state().await, "pass", "five of its seconds are within the window");
    advance(Duration::from_secs(5)).await;
    assert_eq!(state().await, "no_data", "the run tells nothing any more");
}

#[tokio::test(start_paused = true)]
async fn a_request_that_was_never_sent_is_an_error() {
    let mut api = Api::new(false);
    let mut account = seen(9, 0, 0, Duration::from_millis(1));
    account.scheduled();
    account.dropped(shared::outcome::DropReason::Limit, Duration::from_millis(1));
    api.second(&[account, OperationAccount::default()]);
    let verdict = api.get("/api/v1/verdict").await.json();
    assert_eq!((&verdict["requests"], &verdict["errors"], &verdict["state"]), (&json!(10), &json!(1), &json!("fail")));
}

#[tokio::test(start_paused = true)]
async fn every_method_that_a_tool_may_use_gets_the_same_verdict() {
    let api = ten_seconds().await;
    let ask = async |method: &str, body: &'static str| {
        let request = Request::builder().method(method).uri("/api/v1/verdict?max_error_ratio=1");
        api.send(request.body(Body::from(body)).unwrap()).await
    };
    for (method, body) in
        ["GET", "POST", "PUT"].into_iter().flat_map(|method| ["", "{}", " \n", "null"].map(|b| (method, b)))
    {
        let told = ask(method, body).await;
        assert_eq!((told.status, &told.json()["pass"]), (200, &json!(true)), "{method} {body:?}");
    }
    // A limit that is not applied would let everything pass.
    for (body, field) in [(r#"{"window":"5s"}"#, "window"), ("window=5s", "body"), ("[]", "body"), ("{", "body")] {
        let told = ask("POST", body).await;
        assert_eq!((told.status, told.error("field").as_str()), (400, field), "{body}: {told:?}");
        assert!(told.error("expected").contains("in the URL"), "{told:?}");
    }
    let head = api.send(Request::head("/api/v1/verdict?fail_status=503").body(Body::empty()).unwrap()).await;
    assert_eq!((head.status, head.text.as_str()), (503, ""));
}

#[tokio::test(start_paused = true)]
async fn a_value_is_a_number_and_nothing_else() {
    let api = ten_seconds().await;
    let near = |text: &str, value: f64| text.parse::<f64>().is_ok_and(|held| (held - value).abs() <= value * 0.01);
    for (metric, value) in [
        ("error_ratio", 0.075),
        ("availability", 0.925),
        ("p(99)", 0.2),
        ("p(50)&operation=web", 0.02),
        ("network avg where operation=web", 0.005),
        ("server max&operation=web", 0.01),
        ("failed", 0.075),
        ("failed count", 30.0),
        ("rate", 40.0),
        ("unexplained&operation=web", 3.0),
        ("path_loss count", 0.0),
        ("http_req_failed", 0.075),
        ("http_reqs", 400.0),
        ("http_reqs{operation:web}: rate", 30.0),
        ("data_received&operation=ill", 100_000.0),
    ] {
        let told = api.get(&format!("/api/v1/value?metric={metric}")).await;
        assert_eq!((told.status, told.headers[header::CONTENT_TYPE].as_bytes()), (200, &b"text/plain"[..]), "{told:?}");
        assert!(near(&told.text, value), "{metric}: {} is not {value}", told.text);
    }
    let request = Request::get("/api/v1/value?metric=p(50)").header("accept", "application/json");
    let told = api.send(request.body(Body::empty()).unwrap()).await;
    let mut json = told.json();
    json["as_of"] = json!("");
    assert!(near(&json["value"].to_string(), 0.02), "{json}");
    json["value"] = json!(0);
    let expected = json!({ "metric": "p(50)", "value": 0, "unit": "seconds", "samples": 400, "window_seconds": 10.0, "as_of": "" });
    assert_eq!(json, expected);
    let empty = Api::new(false).get("/api/v1/value?metric=error_ratio").await;
    assert_eq!(empty.status, 503);
    assert!(empty.text.starts_with("no data"), "{empty:?}");
}

#[tokio::test(start_paused = true)]
async fn flaggers_hooks_read_its_metadata_and_answer_in_one_line() {
    let api = ten_seconds().await;
    let hook = |metadata: &str| {
        format!(
            "{{\"name\":\"podinfo\",\"namespace\":\"test\",\"phase\":\"Progressing\",\"checksum\":\"85d557\",\"metadata\":{metadata}}}"
        )
    };
    let cases = [
        ("verdict", "", r#"{"max_error_ratio":"0.1","window":"1m"}"#, 200, "pass (400 requests, 30 errors in 10 s)"),
        ("verdict", "", r#"{"max_error_ratio":"0.01"}"#, 412, "fail: error_ratio 0.075 > 0.01"),
        ("verdict", "", "null", 412, "fail: error_ratio 0.075 > 0.01"),
        ("verdict", "?max_error_ratio=0.1", "{}", 200, "pass"),
        ("verdict", "?max_error_ratio=0.1", r#"{"max_error_ratio":"0.01"}"#, 412, "fail"),
        ("verdict", "", r#"{"min_requests":"1000"}"#, 412, "no data"),
        ("verdict", "", r#"{"max_eror_ratio":"0.1"}"#, 400, "metadata.max_eror_ratio: there is no such parameter"),
        ("verdict", "", r#"{"window":"soon"}"#, 400, "window: "),
        ("rollback", "", r#"{"max_error_ratio":"0.1"}"#, 403, "pass"),
        ("rollback", "", r#"{"max_error_ratio":"0.01"}"#, 200, "fail"),
        ("rollback", "", r#"{"min_requests":"1000"}"#, 403, "no data"),
    ];
    for (which, query, metadata, status, words) in cases {
        let told = api.post(&format!("/hooks/flagger/{which}{query}"), &hook(metadata)).await;
        assert_eq!(told.status, status, "{which} {metadata}: {told:?}");
        assert!(told.text.starts_with(words) && told.text.lines().count() == 1, "{told:?}");
        assert!(told.headers[header::CONTENT_TYPE].to_str().unwrap().starts_with("text/plain"), "{told:?}");
    }
    assert_eq!(api.post("/hooks/flagger/verdict?max_error_ratio=1", "").await.status, 200, "a body is not needed");
}

#[tokio::test(start_paused = true)]
async fn a_status_says_how_the_run_stands() {
    let api = ten_seconds().await;
    let status = api.get("/api/v1/status").await.json();
    assert_eq!(status["state"], "paused", "it has planned something, and is paused");
    assert_eq!((&status["elapsed_seconds"], &status["window_seconds"]), (&json!(10.0), &json!(10.0)));
    assert_eq!((&status["unexplained"], &status["totals"]["failed"]), (&json!(3), &json!(30)));
    assert_eq!((&status["rate"]["achieved"], &status["rate"]["planned"]), (&json!(40.0), &json!(0.0)));
    let web = &status["operations"][0];
    assert_eq!((&web["name"], &web["success_ratio"], &web["unexplained"]), (&json!("web"), &json!(0.9), &json!(3)));
    assert!(web["latency_seconds"]["network"]["p99"].as_f64().is_some_and(|p99| (p99 - 0.005).abs() < 1e-4), "{web}");
    let expected = json!([{ "error": "status", "text": "503 instead of 200", "at_seconds": 10.0 }]);
    assert_eq!(web["last_errors"], expected);
    let ill = &status["operations"][1];
    assert_eq!((&ill["injected"], &ill["unexplained"], &ill["last_errors"]), (&json!(true), &json!(null), &json!([])));
    let before = Api::new(false).get("/api/v1/status?window=5s").await.json();
    assert_eq!((&before["state"], &before["totals"]["planned"]), (&json!("waiting"), &json!(0)));
}

/// An hour at full length, in a debug build on any machine; `docs/api.md` has what was measured.
#[tokio::test]
async fn a_verdict_on_an_hour_comes_from_memory() {
    let mut api = Api::new(false);
    let mixed = || {
        let mut account = OperationAccount::default();
        (1..50).for_each(|n| account.merge(&seen(2, n % 2, 0, Duration::from_micros(500 * n))));
        account
    };
    let accounts = [mixed(), mixed()];
    (0..360).for_each(|_| api.while_long(10 * SECOND, &accounts));
    (0..130).for_each(|_| api.second(&accounts));
    for window in ["60s", "1h"] {
        let start = tokio::time::Instant::now();
        let told = api.get(&format!("/api/v1/verdict?window={window}&max_p99=1s&condition=p(99) < 1s")).await;
        let took = start.elapsed();
        eprintln!("verdict of {window}: {took:?}");
        assert_eq!(told.json()["pass"], true);
        assert!(took < Duration::from_secs(5), "{window}: {took:?}");
    }
}
