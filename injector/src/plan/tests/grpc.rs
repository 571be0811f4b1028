//! gRPC operations: what each means, and what each wrong one is told.

use super::*;

fn one_grpc(grpc: &str) -> String {
    format!("target: localhost\nrate: 10/s\nmix:\n- name: a\n  weight: 1\n  grpc: {{ {grpc} }}\n")
}

fn call(grpc: &str) -> GrpcCall {
    plan(&one_grpc(grpc)).operations.remove(0).call.grpc().unwrap().clone()
}

/// The only problem, without its subject's prefix.
fn problem(grpc: &str) -> String {
    let problems = refused(&one_grpc(grpc));
    assert_eq!(problems.len(), 1, "{grpc}: {problems:#?}");
    problems[0].replace("operation \"a\": grpc", "grpc")
}

fn requests(grpc: &str) -> Vec<Vec<u8>> {
    call(grpc).messages.unwrap().requests.iter().map(|message| message.to_vec()).collect()
}

#[test]
fn a_message_is_encoded_by_its_descriptor() {
    let bidi = "method: cload.v1.Target/BidiStream";
    let test = "method: grpc.testing.TestService/UnaryCall";
    for (grpc, bytes) in [
        ("", vec![vec![]]),
        ("message: {}", vec![vec![]]),
        ("message: { payload: aGVsbG8= }", vec![b"\x12\x05hello".to_vec()]),
        ("message: { \"payload\": \"aGVsbG8=\" }", vec![b"\x12\x05hello".to_vec()]),
        ("message: { payload: null }", vec![vec![]]),
        ("size: 12", vec![b"\x12\x0c000000000\n00".to_vec()]),
        (&format!("{bidi}, messages: []"), vec![]),
        (&format!("{bidi}, messages: [ {{}}, {{ payload: YQ== }} ]"), vec![vec![], b"\x12\x01a".to_vec()]),
        (&format!("{test}, message: {{ responseSize: 3 }}"), vec![vec![0x10, 3]]),
        (&format!("{test}, message: {{ response_size: \"3\" }}"), vec![vec![0x10, 3]]),
        (&format!("{test}, message: {{ response_type: COMPRESSABLE, fill_username: true }}"), vec![vec![0x20, 1]]),
        (&format!("{test}, size: 1"), vec![vec![0x1a, 3, 0x12, 1, b'0']]),
        ("method: grpc.health.v1.Health/Check, message: { service: x }", vec![b"\x0a\x01x".to_vec()]),
    ] {
        assert_eq!(requests(grpc), bytes, "{grpc}");
    }
}

#[test]
fn a_method_nobody_knows_waits_for_its_server() {
    for grpc in ["method: a.B/C, message: { any: [ 1, { thing: x } ] }", "method: /a.B/C", "reflection: true"] {
        assert!(call(grpc).messages.is_err(), "{grpc}");
    }
    assert!(call("method: /cload.v1.Target/Unary").messages.is_ok());
}

#[test]
fn a_fault_is_what_metadata_and_message_ask_together() {
    let both = call("message: { fault: \"status=5; delay=1ms\" }, fault: status=14&seed=1");
    assert_eq!(both.fault_text.as_deref(), Some("status=UNAVAILABLE; seed=1"));
    let verdict = both.predict("k");
    assert_eq!((verdict.status.unwrap().grpc(), verdict.delay), (Some(14), Duration::from_millis(1)));
    // What only the message asks for is made predictable by the metadata's seed.
    let message = call("message: { fault: \"delay=1ms..9ms\" }");
    let text = message.fault_text.as_deref().unwrap();
    assert!(text.starts_with("seed="), "{text}");
    assert!(call("").fault_text.is_none());
}

#[test]
fn codes_and_ends_are_those_of_grpc() {
    for (grpc, end) in [
        ("", GrpcEnd::Status(0)),
        ("fault: status=UNAVAILABLE", GrpcEnd::Status(14)),
        ("fault: status=3", GrpcEnd::Status(3)),
        ("fault: fault=hang", GrpcEnd::Hang),
        ("fault: fault=hang, deadline: 100ms", GrpcEnd::Status(4)),
        ("fault: delay=200ms, deadline: 100ms", GrpcEnd::Status(4)),
        ("fault: fault=nostatus", GrpcEnd::NoStatus),
        ("fault: fault=empty", GrpcEnd::NoStatus),
        ("fault: fault=badhead", GrpcEnd::BadHead),
        ("fault: fault=oversize", GrpcEnd::Oversize),
        ("fault: fault=abort&size=10", GrpcEnd::H2(H2End::RstStream(2))),
        ("fault: fault=h2rst(CANCEL)", GrpcEnd::H2(H2End::RstStream(8))),
        ("fault: fault=goaway(NO_ERROR)&allow_conn=1", GrpcEnd::Status(0)),
        ("fault: fault=goaway(2)&allow_conn=1", GrpcEnd::H2(H2End::GoAway(2))),
        ("fault: fault=reset&allow_conn=1", GrpcEnd::Reset),
        ("fault: fault=garbage&allow_conn=1", GrpcEnd::Malformed),
        ("method: grpc.testing.TestService/UnaryCall, message: { response_status: { code: 9 } }", GrpcEnd::Status(9)),
        ("method: grpc.testing.TestService/UnimplementedCall", GrpcEnd::Status(12)),
    ] {
        let call = call(grpc);
        let verdict = if call.fault.is_empty() { Default::default() } else { call.predict("k") };
        assert_eq!(call.expected(call.messages.as_ref().unwrap(), &verdict).0, end, "{grpc}");
    }
    let codes = |grpc: &str| call(grpc).expected_codes().iter().map(|code| code.label()).collect::<Vec<_>>();
    assert_eq!(codes("fault: status=UNAVAILABLE:10"), ["UNAVAILABLE", "OK"]);
    assert_eq!(codes("expect: { status: [unavailable, 4] }"), ["UNAVAILABLE", "DEADLINE_EXCEEDED"]);
}

#[test]
fn what_cannot_work_is_refused_at_its_line_and_column() {
    for (grpc, message) in [
        (
            "method: Unary",
            "6:19 grpc.method: \"Unary\" is not a method: package.Service/Method, such as cload.v1.Target/Unary",
        ),
        (
            "method: cload.v1.Target/Nothing",
            "6:19 grpc.method: cload.v1.Target has no method \"Nothing\"; it has Unary",
        ),
        (
            "method: a.B/C, reflection: false",
            "6:19 grpc.method: there is no service \"a.B\", and reflection: false forbids",
        ),
        ("reflection: maybe", "6:23 grpc.reflection: \"maybe\"; expected true or false"),
        ("message: { paylod: YQ== }", "6:22 grpc.message: no cload.v1.Request: unrecognized field"),
        ("message: { payload: 7 }", "6:31 grpc.message: no cload.v1.Request: invalid type"),
        ("message: { payload: [ YQ== ] }", "6:31 grpc.message: no cload.v1.Request: invalid type"),
        ("message: hello", "6:20 grpc.message: cload.v1.Request is a mapping"),
        ("message: { fault: \"nope=1\" }", "6:20 grpc.message: "),
        ("messages: [ {} ]", "6:21 grpc.messages: cload.v1.Target/Unary takes one message"),
        ("size: 1, message: {}", "6:17 grpc.size: message and size exclude each other"),
        ("size: 17MiB", "6:17 grpc.size: 17MiB is over the limit of 16MiB"),
        ("method: grpc.health.v1.Health/Check, size: 1", "6:54 grpc.size: the messages of grpc.health.v1.Health/Check"),
        (
            "deadline: 950ms",
            "6:21 grpc.deadline: the timeout of 1s would be over before the deadline is answered; at least 1.05s",
        ),
        ("fault: status=503", "6:18 grpc.fault: "),
        ("fault: delay=2s", "6:18 grpc.fault: no call can succeed"),
        ("fault: count=2", "6:18 grpc.fault: the answers of cload.v1.Target/Unary have no count"),
        ("method: grpc.testing.TestService/EmptyCall, fault: size=2", "6:62 grpc.fault: the answers of"),
        ("metadata: { Upper: x }", "6:23 grpc.metadata.\"Upper\": not a metadata key"),
        ("metadata: { grpc-timeout: 1S }", "6:23 grpc.metadata.\"grpc-timeout\": is written by the injector itself"),
        ("metadata: { x-bin: \"a b\" }", "6:30 grpc.metadata.\"x-bin\": a -bin key holds bytes as base64"),
        ("expect: { status: MAYBE }", "6:29 grpc.expect.status: \"MAYBE\" is not a gRPC status"),
        ("expect: { messages: some }", "6:31 grpc.expect.messages: \"some\" is not a number of messages"),
        ("expect: { message: { nope: 1 } }", "6:32 grpc.expect.message: no cload.v1.Reply: unrecognized field"),
    ] {
        let problem = problem(grpc);
        assert!(problem.starts_with(message), "{grpc}\n{problem}\n{message}");
    }
    let two = "target: localhost\nrate: 10/s\nmix:\n- { name: a, weight: 1, http: {}, grpc: {} }\n";
    assert_eq!(refused(two).len(), 1);
}

#[test]
fn a_call_goes_to_the_port_of_grpc() {
    let operation = plan(&one_grpc("")).operations.remove(0);
    assert_eq!((operation.endpoint.to_string().as_str(), operation.protocol()), ("localhost:9999", Protocol::Grpc));
}
