//! The request of an operation, and what is right about its answer.

use shared::carrier;

use super::*;

/// The first problem of an operation, without its subject's prefix.
fn problem(http: &str) -> String {
    let problems = refused(&one(http));
    assert_eq!(problems.len(), 1, "{http}: {problems:#?}");
    problems[0].replace("operation \"a\": http", "http")
}

fn call(http: &str) -> HttpCall {
    plan(&one(http)).operations.remove(0).call.http().unwrap().clone()
}

#[test]
fn the_request_is_what_the_file_says() {
    for (http, method, path, body) in [
        ("", "GET", "/", ""),
        ("path: /a/b", "GET", "/a/b", ""),
        ("method: DELETE", "DELETE", "/", ""),
        ("body: hello", "POST", "/", "hello"),
        ("body: hello, method: GET", "GET", "/", "hello"),
        ("body: ''", "GET", "/", ""),
        ("body_size: 0", "GET", "/", ""),
        ("body_size: 25", "POST", "/", "000000000\n000000010\n00000"),
    ] {
        let call = call(http);
        assert_eq!((call.method.as_str(), call.path.as_str()), (method, path), "{http}");
        assert_eq!(call.body.bytes(), body.as_bytes(), "{http}");
        assert_eq!(call.body.size_bytes(), body.len() as u64, "{http}");
    }
}

#[test]
fn the_files_fields_keep_their_order_and_the_faults_comes_last() {
    let call = call("headers: { Z-Last: 1, accept: a b }, fault: seed=4&status=503");
    let fields: Vec<(&str, &str)> = call.wire_headers().collect();
    assert_eq!(fields, [("Z-Last", "1"), ("accept", "a b"), ("x-cload-fault", "status=503; seed=4")]);
}

#[test]
fn a_fault_travels_as_asked_and_is_predicted_from_what_travels() {
    for (http, path, header) in [
        ("fault: status=503:5&seed=1", "/", Some("status=503:5; seed=1")),
        ("fault: status=503:5&seed=1, carrier: query", "/?status=503:5&seed=1", None),
        ("path: /x?size=3, fault: status=503:5&seed=1, carrier: query", "/x?size=3&status=503:5&seed=1", None),
        ("fault: fault=abort&at=50%&size=1KiB&seed=1, carrier: query", "/?size=1KiB&fault=abort&at=50%25&seed=1", None),
        ("path: /status/404?seed=1", "/status/404?seed=1", None),
    ] {
        let call = call(http);
        assert_eq!((call.path.as_str(), call.fault_text.as_deref()), (path, header), "{http}");
        let sent = match (header, call.path.split_once('?')) {
            (Some(text), _) => carrier::header(text).unwrap(),
            (None, Some((path, query))) => carrier::path(path)
                .unwrap_or(Ok(Default::default()))
                .unwrap()
                .overridden_by(carrier::query(query).unwrap()),
            (None, None) => panic!("{http}: nothing is asked"),
        };
        for n in 0..500 {
            let key = format!("abcdefgh.{n}");
            assert_eq!(call.predict(&key), sent.roll(99, &key, 0), "{http}");
        }
    }
}

#[test]
fn whatever_is_asked_carries_a_seed_and_the_files_own_wins() {
    let operation = |http: &str| plan(&one(http)).operations.remove(0);
    for http in
        ["fault: status=503:50", "path: /status/503:50", "path: '/?status=503:50'", "fault: size=3, carrier: query"]
    {
        let operation = operation(http);
        assert_eq!(operation.call.fault().seed(), Some(operation.seed), "{http}");
    }
    for http in ["fault: status=503&seed=7", "path: '/?status=503&seed=7'", "path: '/?seed=7', fault: status=503"] {
        assert_eq!(operation(http).call.fault().seed(), Some(7), "{http}");
    }
    let plain = operation("");
    assert!(plain.call.fault().is_empty() && plain.call.http().unwrap().fault_text.is_none());
}

#[test]
fn the_header_wins_over_the_query_and_the_query_over_the_path() {
    for (http, status) in [
        ("path: /status/404", 404),
        ("path: /status/404?status=405", 405),
        ("path: /status/404?status=405, fault: status=406", 406),
        ("path: /status/404, fault: status=406, carrier: query", 406),
    ] {
        let verdict = call(http).predict("k");
        assert_eq!(verdict.status.and_then(|status| status.http()), Some(status), "{http}");
    }
}

#[test]
fn injected_is_what_the_whole_ask_says() {
    for (http, injected) in [
        ("", false),
        ("fault: size=1KiB", false),
        ("fault: status=201", false),
        ("fault: status=503:1", true),
        ("path: /delay/1ms", true),
        ("path: '/?delay=1ms'", true),
        ("fault: fault=reset", true),
    ] {
        assert_eq!(plan(&one(http)).operations[0].injected, injected, "{http}");
    }
}

#[test]
fn an_expectation_replaces_prediction_property_by_property() {
    assert_eq!(call("").expect, Expect::default());
    let expect = call("expect: { status: 503 }").expect;
    assert_eq!(expect, Expect { status: StatusExpectation::AnyOf(vec![503]), ..Expect::default() });
    let expect = call("expect: { size: 2KiB }").expect;
    assert_eq!((expect.size, expect.content), (SizeExpectation::Exactly(2_048), ContentExpectation::Predicted));
    let expect = call("expect: { size: any }").expect;
    assert_eq!((expect.size, expect.content), (SizeExpectation::Any, ContentExpectation::Any));
    let expect = call("expect: { content: any, id: any }").expect;
    assert_eq!((expect.size, expect.content, expect.id), (SizeExpectation::Predicted, ContentExpectation::Any, false));
    assert_eq!(call("expect: { content: verified, id: required }").expect, Expect::default());
}

#[test]
fn requests_that_cannot_be_meant_are_refused_with_line_and_column() {
    for (http, expected) in [
        ("method: get", "6:19 http.method: \"get\" is not a method of this version; expected one of GET, HEAD"),
        ("method: CONNECT", "6:19 http.method: \"CONNECT\" is not a method"),
        ("path: x", "6:17 http.path: \"x\" does not begin with \"/\""),
        ("path: '/a b'", "6:17 http.path: ' ' cannot stand in a path; write it percent-encoded"),
        ("path: '/a#b'", "6:17 http.path: '#' cannot stand in a path"),
        ("path: /ä", "6:17 http.path: 'ä' cannot stand in a path"),
        ("path: \"/a\\r\\nb\"", "6:17 http.path: '\\r' cannot stand in a path"),
        ("path: /status/99", "6:17 http.path: status: invalid_parameter at byte 8 of the path"),
        (
            "path: '/?dely=1s'",
            "6:17 http.path: dely: unknown_parameter at byte 0 of the query: unknown parameter \"dely\"",
        ),
        ("body: a, body_size: 1", "6:31 http.body_size: body and body_size exclude each other"),
        ("body_size: 17MiB", "6:22 http.body_size: 17MiB is over the limit of 16MiB"),
        ("body_size: 1.5", "6:22 http.body_size: "),
        ("carrier: query", "6:20 http.carrier: there is no fault to carry"),
        ("fault: size=1, carrier: cookie", "6:35 http.carrier: \"cookie\" is not a carrier; expected header or query"),
        ("headers: { host: x }", "6:22 http.headers.\"host\": is written by the injector itself"),
        ("headers: { Content-Length: 5 }", "6:22 http.headers.\"Content-Length\": is written by the injector"),
        ("headers: { X-CLoad-Fault: status=503 }", "6:22 http.headers.\"X-CLoad-Fault\": is written by the injector"),
        ("headers: { x-cload: a }", "6:22 http.headers.\"x-cload\": is written by the injector"),
        ("headers: { a b: c }", "6:22 http.headers.\"a b\": not a field name"),
        ("headers: { a: \"b\\r\\nc: d\" }", "6:25 http.headers.\"a\": '\\r' cannot stand in a field value"),
        ("headers: { a: ' b' }", "6:25 http.headers.\"a\": spaces around a field value"),
        ("expect: { status: 99 }", "6:29 http.expect.status: \"99\" is not a status that ends a call: 200 to 999"),
        ("expect: { status: [200, 200] }", "6:29 http.expect.status: 200 appears twice"),
        ("expect: { status: [] }", "6:29 http.expect.status: an empty list"),
        ("expect: { size: 1x }", "6:27 http.expect.size: "),
        ("expect: { content: yes }", "6:30 http.expect.content: \"yes\"; expected verified or any"),
        ("expect: { id: no }", "6:25 http.expect.id: \"no\"; expected required or any"),
        (
            "expect: { size: any, content: verified }",
            "6:41 http.expect.content: content of any size cannot be verified",
        ),
        ("method: HEAD, expect: { size: 5 }", "6:41 http.expect.size: an answer to HEAD has no content"),
        ("expect: { status: 204, size: 5 }", "6:40 http.expect.size: an answer with this status has no content"),
    ] {
        let problem = problem(http);
        assert!(problem.starts_with(expected), "{http}: {problem}");
    }
}

#[test]
fn faults_that_cannot_be_done_are_refused_with_both_positions() {
    let long = format!("fault: header=a:{}", "b".repeat(3 * 1_024));
    for (http, expected) in [
        ("fault: delay=10x", "6:18 http.fault: delay: invalid_parameter at byte 6 of the text: unknown unit \"x\""),
        (
            "fault: size=1&dely=1s",
            "6:18 http.fault: dely: unknown_parameter at byte 7 of the text: unknown parameter \"dely\", did you mean delay?",
        ),
        ("fault: 'status=503:60,500:60'", "6:18 http.fault: status: weights_exceed_100 at byte "),
        ("fault: delay=61s", "6:18 http.fault: delay: limit_exceeded at byte 6 of the text"),
        ("fault: size=17MiB", "6:18 http.fault: size: limit_exceeded at byte 5 of the text"),
        ("fault: fault=nostatus", "6:18 http.fault: fault: unsupported_on_protocol at byte 6 of the text"),
        ("fault: status=204&size=5", "6:18 http.fault: "),
        (
            "fault: \"header=a:b\\r\\nc:d\"",
            "6:18 http.fault: header: invalid_parameter at byte 10 of the text: a control",
        ),
        ("fault: header=a:b%0D%0Ac:d", "6:18 http.fault: header: invalid_parameter at byte 10 of the text: a control"),
        (
            "path: '/?status=200', fault: status=503, carrier: query",
            "6:40 http.fault: status: invalid_parameter at byte ",
        ),
        (
            long.as_str(),
            "6:18 http.fault: spec_too_long at byte 2048 of the text: the spec has 3081 bytes; expected at most 2048",
        ),
    ] {
        let problem = problem(http);
        assert!(problem.starts_with(expected), "{http}: {problem}");
    }
    for http in ["fault: delay=10x&dely=1s", "path: /status/99, fault: dely=1s"] {
        let both = refused(&one(http));
        assert_eq!(both.len(), 2, "{both:#?}");
    }
}

#[test]
fn a_fault_that_always_outlasts_the_timeout_is_refused() {
    for (http, expected) in [
        (
            "fault: delay=1s",
            Some("6:18 http.fault: no request can succeed: the fault takes 1s or so and the timeout is 1s"),
        ),
        ("fault: delay=600ms&end_delay=600ms", Some("6:18 http.fault: no request can succeed: the fault takes 1.2s")),
        ("fault: size=10KiB&rate=1KiB", Some("6:18 http.fault: no request can succeed: the fault takes 10s")),
        ("path: /delay/2", Some("6:17 http.fault: no request can succeed: the fault takes 2s")),
        ("fault: fault=reset&delay=2s", Some("6:18 http.fault: no request can succeed")),
        ("fault: delay=999ms", None),
        ("fault: delay=2s:99", None),
        ("fault: delay=2s&p=99", None),
        ("fault: delay=500ms..2s", None),
        ("fault: fault=hang&delay=2s", None),
        // A proxy with a timeout of its own may answer in time.
        ("fault: delay=2s, expect: { status: 504 }", None),
    ] {
        match expected {
            Some(expected) => {
                let problem = problem(http);
                assert!(problem.starts_with(expected), "{http}: {problem}");
            }
            None => drop(call(http)),
        }
    }
}

#[test]
fn a_fault_in_the_body_of_an_answer_to_head_is_refused() {
    for (http, is_refused) in [
        ("method: HEAD, fault: fault=abort", true),
        ("method: HEAD, fault: 'fault=reset:1&at=body'", true),
        ("method: HEAD, fault: fault=hang&at=after(1ms)", true),
        ("method: HEAD, fault: fault=reset", false),
        ("method: HEAD, fault: status=503&size=1KiB", false),
        ("method: GET, fault: fault=abort", false),
    ] {
        if is_refused {
            let problem = problem(http);
            assert!(
                problem.starts_with("6:32 http.fault: strikes in the body, and an answer to HEAD"),
                "{http}: {problem}"
            );
        } else {
            drop(call(http));
        }
    }
}

#[test]
fn who_asks_for_trailers_says_that_it_takes_them() {
    let fields = |http: &str| -> Vec<String> {
        call(http).wire_headers().map(|(name, value)| format!("{name}: {value}")).collect()
    };
    let asked = fields("fault: trailer=a:b&size=3&seed=1");
    assert_eq!(asked, ["x-cload-fault: size=3; trailer=a:b; seed=1", "te: trailers", "connection: te"]);
    assert_eq!(fields("fault: size=3&seed=1"), ["x-cload-fault: size=3; seed=1"]);
}

#[test]
fn header_fields_are_bounded() {
    let fields = |n: u32, value: &str| -> String {
        let list: Vec<String> = (0..n).map(|i| format!("h{i}: {value}")).collect();
        format!("headers: {{ {} }}", list.join(", "))
    };
    assert_eq!(call(&fields(32, "x")).headers.len(), 32);
    assert!(problem(&fields(33, "x")).contains("http.headers: 33 fields are over the limit of 32"));
    assert!(problem(&fields(9, &"x".repeat(1_000))).contains("http.headers: 9018 bytes are over the limit of 8192"));
}
