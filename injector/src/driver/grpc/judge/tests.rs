//! The verdict as a function of what was asked and what came.

use std::time::Duration;

use prost::Message as _;
use shared::identity::session_from_bits;
use shared::proto::cload::v1 as cload;
use shared::proto::grpc::testing;

use super::*;
use crate::plan::{Overrides, Plan};
use crate::preflight::System;
use crate::scenario::Scenario;

const ID: u64 = 3;

fn sought(grpc: &str) -> Rc<Sought> {
    let text = format!("target: t\ntimeout: 5s\nmix: [ {{ name: a, rate: 1/s, grpc: {{ {grpc} }} }} ]");
    let scenario = Scenario::parse("test", &text).unwrap_or_else(|problems| panic!("{problems}"));
    let plan = Plan::new(&scenario, &Overrides::default(), &System::read().unwrap());
    let plan = plan.unwrap_or_else(|problems| panic!("{problems}"));
    let call = plan.operations[0].call.grpc().unwrap().clone();
    let messages = call.messages.clone().unwrap();
    Rc::new(Sought::new(call, messages))
}

fn id() -> RequestId {
    RequestId { session: session_from_bits(1), seq: ID }
}

fn verdict(grpc: &str, messages: &[Vec<u8>], end: End) -> Outcome<ErrorClass> {
    let sought = sought(grpc);
    let mut wanted = Wanted::new(&sought, id());
    wanted.said(&Said { id: Some(id()), ..Said::default() });
    messages.iter().for_each(|message| wanted.take(message.clone().into()));
    let answered = wanted.answered(end, id());
    wanted.judge(Ending::Answered(answered))
}

fn reply(payload: &[u8], index: u64, received: (u64, u64)) -> Vec<u8> {
    let (messages_received, bytes_received) = received;
    let payload = Bytes::copy_from_slice(payload);
    cload::Reply { payload, index, messages_received, bytes_received, server: "s".to_owned() }.encode_to_vec()
}

fn output(size: usize) -> Vec<u8> {
    let payload = Some(testing::Payload { body: vec![0; size].into(), ..Default::default() });
    testing::StreamingOutputCallResponse { payload, ..Default::default() }.encode_to_vec()
}

#[test]
fn replies_are_compared_one_by_one() {
    let stream = "method: cload.v1.Target/ServerStream, message: { payload: aGk= }, fault: count=2";
    let bidi = "method: cload.v1.Target/BidiStream, messages: [ { payload: YQ== }, { payload: YmM= } ]";
    let client = "method: cload.v1.Target/ClientStream, messages: [ { payload: YQ== }, { payload: YmM= } ]";
    let listed = "method: grpc.testing.TestService/FullDuplexCall, messages: [ \
                  { responseParameters: [ { size: 3 }, { size: 0 } ] }, { response_parameters: [ { size: 2 } ] } ]";
    let (hi, a, bc) = (&b"hi"[..], &b"a"[..], &b"bc"[..]);
    for (grpc, messages, is_right) in [
        ("message: { payload: aGk= }", vec![reply(hi, 0, (1, 2))], true),
        ("message: { payload: aGk= }", vec![reply(hi, 1, (1, 2))], false),
        ("message: { payload: aGk= }", vec![reply(hi, 0, (1, 3))], false),
        ("message: { payload: aGk= }", vec![reply(b"ho", 0, (1, 2))], false),
        ("message: { payload: aGk= }", vec![], false),
        ("message: { payload: aGk= }, expect: { content: any }", vec![reply(b"ho", 0, (1, 2))], true),
        ("message: { payload: aGk= }", vec![vec![0xff]], false),
        ("fault: size=4&body=zero", vec![reply(&[0; 4], 0, (1, 0))], true),
        ("fault: size=4&body=zero", vec![reply(&[0; 5], 0, (1, 0))], false),
        ("size: 12", vec![reply(b"000000000\n00", 0, (1, 12))], true),
        (stream, vec![reply(hi, 0, (1, 2)), reply(hi, 1, (1, 2))], true),
        (stream, vec![reply(hi, 0, (1, 2))], false),
        (bidi, vec![reply(a, 0, (1, 1)), reply(bc, 1, (2, 3))], true),
        (bidi, vec![reply(bc, 0, (1, 1)), reply(a, 1, (2, 3))], false),
        (client, vec![reply(b"", 0, (2, 3))], true),
        (client, vec![reply(b"", 0, (1, 1))], false),
        (listed, vec![output(3), output(0), output(2)], true),
        (listed, vec![output(3), output(1), output(2)], false),
    ] {
        let expected = match is_right {
            true => Outcome::Success(Code::GRPC_OK),
            false => Outcome::Failure(Code::GRPC_OK, ErrorClass::Validation),
        };
        assert_eq!(verdict(grpc, &messages, End::Status(0)), expected, "{grpc}: {messages:?}");
    }
}

#[test]
fn what_the_file_expects_wins_over_what_is_predicted() {
    let failing = "fault: status=14, expect: { status: [OK, UNAVAILABLE], messages: 0 }";
    assert_eq!(verdict(failing, &[], End::Status(14)), Outcome::Success(Code::Grpc(14)));
    assert_eq!(verdict(failing, &[], End::Status(0)), Outcome::Success(Code::GRPC_OK));
    let more = verdict(failing, &[reply(b"", 0, (1, 0))], End::Status(0));
    assert_eq!(more, Outcome::Failure(Code::GRPC_OK, ErrorClass::Validation));
    let sum = "method: grpc.testing.TestService/StreamingInputCall, message: { payload: { body: aGk= } }";
    assert_eq!(verdict(sum, &[vec![8, 2]], End::Status(0)), Outcome::Success(Code::GRPC_OK));
    assert!(!verdict(sum, &[vec![8, 3]], End::Status(0)).is_success());
}

#[test]
fn a_deadline_that_was_bound_to_be_exceeded_is_what_was_asked_for() {
    let late = |outcome: Outcome<ErrorClass>| outcome == Outcome::Success(Code::Grpc(DEADLINE_EXCEEDED));
    for (grpc, is_asked) in [
        ("deadline: 1s, fault: delay=2s", true),
        ("deadline: 1s, fault: fault=hang", true),
        ("deadline: 1s, fault: delay=10ms", false),
        ("deadline: 1s", false),
        ("deadline: 1s, fault: delay=10ms, expect: { status: DEADLINE_EXCEEDED }", true),
    ] {
        for end in [End::Deadline, End::Status(DEADLINE_EXCEEDED)] {
            let outcome = verdict(grpc, &[], end);
            assert_eq!(late(outcome), is_asked, "{grpc}: {outcome:?}");
            assert!(is_asked || outcome.error() == Some(ErrorClass::Timeout), "{grpc}: {outcome:?}");
        }
    }
    assert!(Duration::from_millis(10) < crate::plan::DEADLINE_GRACE);
}
