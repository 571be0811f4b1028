//! Every way a request can end, against everything that can be asked.

use shared::identity::RequestId;

use super::*;
use crate::plan::{Overrides, Plan};
use crate::preflight::{System, TimeWaitReuse};
use crate::scenario::Scenario;

const ID_SEQ: u64 = 7;

fn id() -> RequestId {
    RequestId { session: "abcd2345".parse().unwrap(), seq: ID_SEQ }
}

/// What is wanted by an operation with this `http:` line.
fn wanted(http: &str) -> Wanted {
    let text = format!("target: 127.0.0.1\nrate: 1/s\nmix:\n  - name: op\n    weight: 1\n    http: {http}\n");
    let system =
        System { port_first: 32_768, port_last: 60_999, time_wait_reuse: TimeWaitReuse::Off, descriptors: 1_024 };
    let scenario = Scenario::parse("test", &text).unwrap();
    let plan = Plan::new(&scenario, &Overrides::default(), &system).unwrap();
    let call = plan.operations[0].call.http().unwrap();
    Wanted::new(call, call.expect.status.any_of(), &call.body.bytes().into(), id())
}

fn answered(code: u16, size_bytes: u64) -> Answered {
    Answered { code: Code::Http(code), size_bytes, content_matches: true, id_matches: Some(true), surplus_bytes: 0 }
}

fn failure(code: u16, class: ErrorClass) -> Outcome<ErrorClass> {
    Outcome::Failure(if code == 0 { Code::NONE } else { Code::Http(code) }, class)
}

const SUCCESS_WITHOUT_ANSWER: Outcome<ErrorClass> = Outcome::Success(Code::NONE);

#[test]
fn a_plain_answer_must_be_what_was_asked() {
    let plain = wanted("{ body: hello }");
    let ok = answered(200, 5);
    let cases = [
        (ok, Outcome::Success(Code::Http(200))),
        (answered(200, 4), failure(200, ErrorClass::Validation)),
        (answered(204, 5), failure(204, ErrorClass::Validation)),
        (answered(503, 5), failure(503, ErrorClass::Status)),
        (Answered { content_matches: false, ..ok }, failure(200, ErrorClass::Validation)),
        (Answered { id_matches: Some(false), ..ok }, failure(200, ErrorClass::Validation)),
        (Answered { id_matches: None, ..ok }, failure(200, ErrorClass::Validation)),
        (Answered { surplus_bytes: 1, ..ok }, failure(200, ErrorClass::Protocol)),
    ];
    for (answer, outcome) in cases {
        assert_eq!(plain.judge(Ending::Answered(answer)), outcome, "{answer:?}");
    }
}

#[test]
fn a_target_that_ignores_what_was_asked_fails_validation() {
    let status = wanted("{ fault: status=503 }");
    assert_eq!(status.judge(Ending::Answered(answered(503, 0))), Outcome::Success(Code::Http(503)));
    assert_eq!(status.judge(Ending::Answered(answered(200, 0))), failure(200, ErrorClass::Validation));
    let size = wanted("{ fault: size=1000 }");
    assert_eq!(size.judge(Ending::Answered(answered(200, 1000))), Outcome::Success(Code::Http(200)));
    assert_eq!(size.judge(Ending::Answered(answered(200, 0))), failure(200, ErrorClass::Validation));
}

#[test]
fn a_scripted_end_is_a_success_and_anything_else_is_not() {
    let endings = [
        (Ending::Reset, ErrorClass::Reset),
        (Ending::Closed, ErrorClass::Closed),
        (Ending::Malformed, ErrorClass::Protocol),
        (Ending::TimedOut, ErrorClass::Timeout),
    ];
    let asked = [
        ("{}", None),
        ("{ fault: fault=reset }", Some(Ending::Reset)),
        ("{ fault: fault=empty }", Some(Ending::Closed)),
        ("{ fault: size=10&fault=abort&at=5 }", Some(Ending::Closed)),
        ("{ fault: size=10&fault=badchunk }", Some(Ending::Malformed)),
        ("{ fault: fault=garbage }", Some(Ending::Malformed)),
        ("{ fault: fault=badhead }", Some(Ending::Malformed)),
        ("{ fault: size=10&fault=clen(+5) }", Some(Ending::Closed)),
        ("{ fault: fault=hang }", Some(Ending::TimedOut)),
    ];
    for (http, expected) in asked {
        let wanted = wanted(http);
        for (ending, class) in endings {
            let outcome = if expected == Some(ending) { SUCCESS_WITHOUT_ANSWER } else { failure(0, class) };
            assert_eq!(wanted.judge(ending), outcome, "{http} ended {ending:?}");
        }
        let whole = answered(200, if http.contains("size=10") { 10 } else { 0 });
        let outcome =
            if expected.is_none() { Outcome::Success(Code::Http(200)) } else { failure(200, ErrorClass::Validation) };
        assert_eq!(wanted.judge(Ending::Answered(whole)), outcome, "{http} answered");
        if expected.is_some() {
            let empty = Ending::Answered(answered(200, 0));
            assert_eq!(wanted.judge(empty), failure(200, ErrorClass::Validation), "{http} answered with nothing");
        }
        let refused = Ending::Failed(ErrorClass::ConnectRefused);
        assert_eq!(wanted.judge(refused), failure(0, ErrorClass::ConnectRefused), "{http} not connected");
    }
}

#[test]
fn too_short_a_length_is_seen_in_what_hangs_behind_it() {
    let wanted = wanted("{ fault: size=10&fault=clen(-3) }");
    assert_eq!(wanted.judge(Ending::Answered(answered(200, 7))), SUCCESS_WITHOUT_ANSWER);
    let surplus = Answered { surplus_bytes: 3, ..answered(200, 7) };
    assert_eq!(wanted.judge(Ending::Answered(surplus)), SUCCESS_WITHOUT_ANSWER);
    for other in
        [answered(200, 10), answered(200, 0), answered(201, 7), Answered { id_matches: None, ..answered(200, 7) }]
    {
        assert_eq!(
            wanted.judge(Ending::Answered(other)),
            Outcome::Failure(other.code, ErrorClass::Validation),
            "{other:?}"
        );
    }
}

#[test]
fn an_expectation_wins_over_the_prediction() {
    let any = wanted("{ fault: status=503, expect: { status: [200, 503], id: any } }");
    let stranger = Answered { id_matches: None, ..answered(200, 123) };
    assert_eq!(any.judge(Ending::Answered(stranger)), Outcome::Success(Code::Http(200)));
    assert_eq!(any.judge(Ending::Answered(answered(503, 0))), Outcome::Success(Code::Http(503)));
    assert_eq!(any.judge(Ending::Answered(answered(502, 0))), failure(502, ErrorClass::Status));
    let crossed = Answered { id_matches: Some(false), ..answered(200, 123) };
    assert_eq!(any.judge(Ending::Answered(crossed)), failure(200, ErrorClass::Validation), "another request's answer");
}

#[test]
fn content_is_compared_as_it_comes() {
    let mut echo = wanted("{ body: hello }");
    echo.take(b"hel");
    echo.take(b"lo");
    assert!(echo.content_matches());
    echo.take(b"!");
    assert!(!echo.content_matches(), "more than was sent");

    let http = "{ fault: size=1000&body=random&seed=3 }";
    let mut right = wanted(http);
    let verdict = shared::fault::Fault::parse("size=1000&body=random&seed=3", shared::fault::Separator::Ampersand)
        .unwrap()
        .roll(0, &id().to_string(), 0);
    let payload = Payload::new(verdict.body, 1000, verdict.seed, &verdict.key).unwrap();
    payload.chunks(100).for_each(|chunk| right.take(chunk));
    assert!(right.content_matches());
    let mut wrong = wanted(http);
    wrong.take(&[0; 1000]);
    assert!(!wrong.content_matches());
}

#[test]
fn a_failure_says_what_was_asked_and_what_came() {
    let cases = [
        ("{ fault: size=100 }", Ending::Answered(answered(200, 2)), "asked 200 with 100 bytes, got 200 with 2 bytes"),
        (
            "{ body: hello }",
            Ending::Answered(Answered { content_matches: false, id_matches: None, ..answered(200, 5) }),
            "asked 200 with 5 bytes, got 200 with 5 bytes that are not those asked for, without the request's id",
        ),
        ("{ fault: fault=reset }", Ending::Closed, "asked reset with 0 bytes, got a closed connection"),
        (
            "{ expect: { status: [200, 204] } }",
            Ending::TimedOut,
            "asked one of [200, 204] with 0 bytes, got nothing complete in time",
        ),
    ];
    for (http, ending, words) in cases {
        assert_eq!(wanted(http).explain(ending), words);
    }
}
