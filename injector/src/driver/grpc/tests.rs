//! Calls against a server that ends each operation's calls in its own way: every ending is told apart from every other.

mod server;

use std::collections::BTreeMap;
use std::time::Duration;

use shared::identity::session_from_bits;
use shared::outcome::{Code, ErrorClass};
use tokio_util::sync::CancellationToken;

use self::server::{Act, Server};
use crate::account::OperationAccount;
use crate::engine::{Engine, Options};
use crate::pacer::Quantum;
use crate::plan::{Overrides, Plan};
use crate::preflight::System;
use crate::scenario::Scenario;

/// Runs operations, each a name and its `grpc` entry, for half a second at 20/s.
fn run(server: &Server, operations: &[(&str, &str)]) -> BTreeMap<String, OperationAccount> {
    let mut text = format!("target: 127.0.0.1\nadmin: {}\ntimeout: 400ms\nmix:\n", server.address);
    for (name, grpc) in operations {
        text.push_str(&format!(
            "- {{ name: {name}, target: \"{}\", rate: 20/s, connection: pooled(1), streams: 16, grpc: {{ {grpc} }} }}\n",
            server.address
        ));
    }
    let scenario = Scenario::parse("test", &text).unwrap_or_else(|problems| panic!("{problems}"));
    let plan = Plan::new(&scenario, &Overrides::default(), &System::read().unwrap());
    let plan = plan.unwrap_or_else(|problems| panic!("{problems}"));
    let options = Options {
        length: Some(Duration::from_millis(500)),
        is_paused: false,
        workers: None,
        quantum: Quantum::Precise,
    };
    let engine = Engine::new(plan, options, session_from_bits(7));
    let names: Vec<String> = engine.plan().operations.iter().map(|operation| operation.name.to_string()).collect();
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let finished = runtime.block_on(engine.run(CancellationToken::new(), |_| ())).unwrap();
    names.into_iter().zip(finished.accounts).collect()
}

/// Every call of each operation ended so: the code, and the error if it failed.
fn assert_all_end(accounts: &BTreeMap<String, OperationAccount>, expected: &[(&str, Code, Option<ErrorClass>)]) {
    for (name, code, error) in expected {
        let account = &accounts[*name];
        let examples: Vec<&String> = account.examples.iter().flatten().collect();
        assert!(account.planned >= 5, "{name}: {account:?}");
        match error {
            None => assert_eq!(account.success, account.planned, "{name}: {examples:?}"),
            Some(class) => assert_eq!(account.failures[class.index()], account.planned, "{name}: {examples:?}"),
        }
        let codes: Vec<Code> = account.codes.keys().copied().filter(|code| *code != Code::NONE).collect();
        let wanted: Vec<Code> = Some(*code).into_iter().filter(|code| *code != Code::NONE).collect();
        assert_eq!(codes, wanted, "{name}: {examples:?}");
        assert!(account.adds_up(), "{name}: {account:?}");
    }
}

const OK: Code = Code::GRPC_OK;
const UNAVAILABLE: Code = Code::Grpc(14);
const DEADLINE: Code = Code::Grpc(4);

#[test]
fn every_ending_is_told_apart() {
    let server = Server::start(|op| match op {
        "plain" | "wrong-id" | "no-id" | "payload" | "two" | "late" | "unexpected-ok" | "gzip" => Act::Echo,
        "short" => Act::EchoShort,
        "failing" | "asked" | "accepted" => Act::Status(14),
        "after" => Act::StatusAfterHead(14),
        "strange-code" => Act::Status(99),
        "no-status" | "asked-no-status" => Act::NoStatus,
        "proxy" => Act::Http(503),
        "page" => Act::Http(200),
        "rst" | "asked-rst" => Act::Rst(7),
        "goaway" => Act::GoAway(11),
        "cut" => Act::CutMessage,
        "large" | "asked-large" => Act::Oversize,
        "deadline" | "hang" | "asked-hang" | "asked-deadline" => Act::Hang,
        "their-deadline" => Act::Status(4),
        other => panic!("{other}"),
    });
    let accounts = run(
        &server,
        &[
            ("plain", ""),
            ("payload", "message: { payload: aGVsbG8= }"),
            ("gzip", "size: 10KiB, metadata: { x-gzip: \"1\" }"),
            ("short", "message: { payload: aGVsbG8= }"),
            ("two", "method: cload.v1.Target/BidiStream, messages: [ { payload: YQ== }, { payload: Yg== } ]"),
            ("no-id", "metadata: { x-no-id: \"1\" }"),
            ("wrong-id", "metadata: { x-wrong-id: \"1\" }"),
            ("unexpected-ok", "fault: status=UNAVAILABLE"),
            ("failing", ""),
            ("asked", "fault: status=UNAVAILABLE"),
            ("accepted", "expect: { status: [OK, UNAVAILABLE], id: any }"),
            ("after", "fault: status=14"),
            ("strange-code", ""),
            ("no-status", ""),
            ("asked-no-status", "fault: fault=nostatus"),
            ("proxy", ""),
            ("page", ""),
            ("rst", ""),
            ("asked-rst", "fault: fault=h2rst(REFUSED_STREAM)"),
            ("goaway", "fault: fault=goaway(ENHANCE_YOUR_CALM)&allow_conn=1"),
            ("cut", ""),
            ("large", ""),
            ("asked-large", "fault: fault=oversize"),
            ("deadline", "deadline: 50ms"),
            ("asked-deadline", "deadline: 50ms, fault: delay=60ms"),
            ("their-deadline", "deadline: 50ms, fault: fault=hang"),
            ("hang", ""),
            ("asked-hang", "fault: fault=hang"),
        ],
    );
    assert_all_end(
        &accounts,
        &[
            ("plain", OK, None),
            ("payload", OK, None),
            ("gzip", OK, None),
            ("short", OK, Some(ErrorClass::Validation)),
            ("two", OK, None),
            ("no-id", OK, Some(ErrorClass::Validation)),
            ("wrong-id", OK, Some(ErrorClass::Validation)),
            ("unexpected-ok", OK, Some(ErrorClass::Validation)),
            ("failing", UNAVAILABLE, Some(ErrorClass::Status)),
            ("asked", UNAVAILABLE, None),
            ("accepted", UNAVAILABLE, None),
            ("after", UNAVAILABLE, None),
            ("strange-code", Code::Grpc(2), Some(ErrorClass::Status)),
            ("no-status", Code::NONE, Some(ErrorClass::Protocol)),
            ("asked-no-status", Code::NONE, None),
            ("proxy", UNAVAILABLE, Some(ErrorClass::Status)),
            ("page", Code::Grpc(2), Some(ErrorClass::Protocol)),
            ("rst", Code::NONE, Some(ErrorClass::Reset)),
            ("asked-rst", Code::NONE, None),
            ("goaway", Code::NONE, None),
            ("cut", Code::NONE, Some(ErrorClass::Protocol)),
            ("large", Code::NONE, Some(ErrorClass::Protocol)),
            ("asked-large", Code::NONE, None),
            ("deadline", DEADLINE, Some(ErrorClass::Timeout)),
            ("asked-deadline", DEADLINE, None),
            ("their-deadline", DEADLINE, None),
            ("hang", Code::NONE, Some(ErrorClass::Timeout)),
            ("asked-hang", Code::NONE, None),
        ],
    );
    assert_eq!(accounts["two"].messages.count(), 2 * accounts["two"].planned, "each message of a stream is timed");
    assert_eq!(accounts["plain"].messages.count(), 0, "and no other");
    assert_eq!(accounts["plain"].connections, 1);
    assert!(accounts["plain"].server.count() > 0, "the target's own time is read from the trailers");
}

#[test]
fn a_rule_is_named_before_or_behind_the_answer() {
    let server = Server::start(|op| match op {
        "first-alone" | "last-alone" => Act::Status(14),
        "first-lost" => Act::CutMessage,
        _ => Act::StatusAfterHead(14),
    });
    let first = "metadata: { x-rule-first: \"1\" }";
    let last = "metadata: { x-rule-last: \"1\" }";
    let operations = [
        ("none", ""),
        ("first", first),
        ("last", last),
        ("first-alone", first),
        ("last-alone", last),
        ("first-lost", first),
    ];
    let accounts = run(&server, &operations);
    for (name, rule) in [
        ("first", "early"),
        ("last", "late"),
        ("first-alone", "early"),
        ("last-alone", "late"),
        ("first-lost", "early"),
    ] {
        let account = &accounts[name];
        assert!(account.planned >= 5, "{name}: {account:?}");
        let by_rule = (account.by_rule, account.failed_by_rule);
        assert_eq!((by_rule, account.failed()), ((account.planned, account.planned), account.planned), "{name}");
        let words = account.examples.iter().flatten().next().unwrap();
        assert!(words.ends_with(&format!(", by the target's rule {rule}")), "{name}: {words}");
    }
    assert_eq!((accounts["none"].by_rule, accounts["none"].failed()), (0, accounts["none"].planned));
}

#[test]
fn a_method_that_is_not_ours_is_held_to_what_the_file_says() {
    let server = Server::start(|op| match op {
        "health" | "other-field" | "count" => Act::Health,
        other => panic!("{other}"),
    });
    let check =
        |more: &str| format!("method: grpc.health.v1.Health/Check, message: {{ service: x }}, expect: {{ {more} }}");
    let accounts = run(
        &server,
        &[
            ("health", &check("message: { status: SERVING }")),
            ("other-field", &check("message: { status: NOT_SERVING }")),
            ("count", &check("messages: 2")),
        ],
    );
    assert_all_end(
        &accounts,
        &[
            ("health", OK, None),
            ("other-field", OK, Some(ErrorClass::Validation)),
            ("count", OK, Some(ErrorClass::Validation)),
        ],
    );
}

mod reflection {
    use super::*;
    use crate::plan::Call;
    use crate::reflection::resolve;
    use crate::verdict::Exit;

    fn ask(server: &Server, grpc: &str) -> Result<Plan, (Exit, String)> {
        let text = format!(
            "target: \"{}\"\nmix:\n- name: a\n  target: \"{0}\"\n  rate: 1/s\n  grpc: {{ {grpc} }}\n",
            server.address
        );
        let scenario = Scenario::parse("test", &text).unwrap_or_else(|problems| panic!("{problems}"));
        let plan = Plan::new(&scenario, &Overrides::default(), &System::read().unwrap());
        let mut plan = plan.unwrap_or_else(|problems| panic!("{problems}"));
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        runtime.block_on(resolve(&mut plan)).map(|()| plan)
    }

    #[test]
    fn a_method_is_asked_of_the_server_in_either_version() {
        for version in ["v1", "v1alpha"] {
            let server = Server::reflecting(version);
            let plan =
                ask(&server, "method: cload.v1.Target/BidiStream, reflection: true, message: { payload: aGVsbG8= }");
            let Call::Grpc(call) = &plan.unwrap().operations[0].call else { panic!("a gRPC call") };
            let messages = call.messages.as_ref().unwrap();
            assert_eq!(messages.requests, [&b"\x12\x05hello"[..]], "{version}");
            assert!(messages.server_streams && messages.client_streams);
        }
    }

    #[test]
    fn what_does_not_fit_is_a_scenario_that_is_wrong() {
        let server = Server::reflecting("v1alpha");
        for (grpc, words) in [
            ("method: no.such.Service/Method", "there is no no.such.Service here"),
            ("method: cload.v1.Target/Nothing, reflection: true", "6:19: "),
            ("method: cload.v1.Target/Unary, reflection: true, message: { paylod: x }", "paylod"),
            ("method: cload.v1.Target/Unary, reflection: true, message: { payload: 7 }", "grpc.message"),
        ] {
            let (exit, message) = ask(&server, grpc).unwrap_err();
            assert_eq!(exit, Exit::Scenario, "{message}");
            assert!(message.contains(words), "{message}");
        }
    }

    #[test]
    fn who_cannot_be_asked_is_unreachable_and_who_does_not_reflect_is_said_so() {
        let server = Server::start(|_| Act::Status(12));
        let (exit, message) = ask(&server, "method: a.B/C").unwrap_err();
        assert_eq!(exit, Exit::Scenario);
        assert!(message.contains("offers no reflection"), "{message}");
        let server = Server::start(|_| Act::Http(502));
        let (exit, message) = ask(&server, "method: a.B/C").unwrap_err();
        assert_eq!(exit, Exit::Unreachable, "{message}");
    }
}
