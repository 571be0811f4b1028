//! What is right about an echo, case by case.

use shared::identity::RequestId;
use shared::outcome::{Code, ErrorClass, Outcome};

use super::{Answered, Line, Prepared, Wanted};
use crate::driver::{Ending, IdentityTemplate, Marks};
use crate::plan::{Call, ExpectedEnd, Overrides, Plan};
use crate::preflight::{System, TimeWaitReuse};
use crate::scenario::Scenario;

fn id() -> RequestId {
    RequestId { session: "abcd2345".parse().unwrap(), seq: 7 }
}

/// An operation with this `tcp:` or `udp:` entry.
fn prepared(call: &str) -> Prepared {
    let text = format!("target: 127.0.0.1\nrate: 1/s\nmix:\n  - name: op\n    weight: 1\n    {call}\n");
    let system =
        System { port_first: 32_768, port_last: 60_999, time_wait_reuse: TimeWaitReuse::Off, descriptors: 1_024 };
    let scenario = Scenario::parse("test", &text).unwrap();
    let plan = Plan::new(&scenario, &Overrides::default(), &system).unwrap_or_else(|problems| panic!("{problems}"));
    let identity = IdentityTemplate { source: plan.source, session: id().session };
    let (Call::Tcp(call) | Call::Udp(call)) = &plan.operations[0].call else { panic!("{call}") };
    Prepared::new(&plan.operations[0], call, identity)
}

fn wanted(call: &str) -> Wanted {
    Wanted::new(&prepared(call), id())
}

const RIGHT: Answered =
    Answered { size_bytes: 5, content_matches: true, id_matches: Some(true), surplus_bytes: 0, is_refused: false };

#[test]
fn the_command_line_says_who_asks_for_what_and_leaves_room_for_the_answer() {
    let mut head = Vec::new();
    let line = |call: &str, head: &mut Vec<u8>| {
        prepared(call).write_head(id(), head);
        String::from_utf8(head.clone()).unwrap()
    };
    assert_eq!(
        line("tcp: { body: hello, fault: 'delay=5ms&seed=3' }", &mut head),
        "CL/1 source=local/injector op=op id=abcd2345.7 delay=5ms bytes=5 seed=3\n"
    );
    let udp = line("udp: {}", &mut head);
    assert!(udp.starts_with("CL/1 source=local/injector op=op id=abcd2345.7 ") && udp.ends_with(" \n"), "{udp:?}");
    let answer = "CL/1 OK id=abcd2345.7 dur=123456.789 asked=123456.789\n";
    assert!(udp.len() >= answer.len(), "{udp:?}");
    assert_eq!(line("udp: { plain: true }", &mut head), "");
}

#[test]
fn an_answer_must_be_what_was_asked() {
    let failure = |class| Outcome::Failure(Code::Echo, class);
    let plain = wanted("tcp: { body: hello }");
    for (answered, outcome) in [
        (RIGHT, Outcome::Success(Code::Echo)),
        (Answered { size_bytes: 4, ..RIGHT }, failure(ErrorClass::Validation)),
        (Answered { content_matches: false, ..RIGHT }, failure(ErrorClass::Validation)),
        (Answered { id_matches: Some(false), ..RIGHT }, failure(ErrorClass::Validation)),
        (Answered { id_matches: None, ..RIGHT }, failure(ErrorClass::Validation)),
        (Answered { surplus_bytes: 1, ..RIGHT }, failure(ErrorClass::Protocol)),
        (Answered { is_refused: true, ..RIGHT }, Outcome::Failure(Code::NONE, ErrorClass::Status)),
    ] {
        assert_eq!(plain.judge(Ending::Answered(answered)), outcome, "{answered:?}");
    }
    let lenient = wanted("tcp: { body: hello, expect: { size: any, id: any } }");
    let odd = Answered { size_bytes: 9, id_matches: None, ..RIGHT };
    assert_eq!(lenient.judge(Ending::Answered(odd)), Outcome::Success(Code::Echo));
}

#[test]
fn every_asked_end_is_a_success_and_every_other_a_failure_of_its_class() {
    let ends = [
        (Ending::Answered(RIGHT), ExpectedEnd::Answer, ErrorClass::Validation),
        (Ending::Reset, ExpectedEnd::Reset, ErrorClass::Reset),
        (Ending::Closed, ExpectedEnd::Closed, ErrorClass::Closed),
        (Ending::Malformed, ExpectedEnd::Malformed, ErrorClass::Protocol),
        (Ending::TimedOut, ExpectedEnd::Hang, ErrorClass::Timeout),
    ];
    for (call, end) in [
        ("tcp: { body: hello }", ExpectedEnd::Answer),
        ("tcp: { body: hello, fault: fault=reset }", ExpectedEnd::Reset),
        ("tcp: { body: hello, fault: 'fault=abort&at=2' }", ExpectedEnd::Closed),
        ("tcp: { body: hello, fault: fault=empty }", ExpectedEnd::Closed),
        ("tcp: { body: hello, fault: fault=garbage }", ExpectedEnd::Malformed),
        ("tcp: { body: hello, fault: fault=hang }", ExpectedEnd::Hang),
        ("udp: { body: hello, fault: loss=true }", ExpectedEnd::Hang),
        ("udp: { body: hello, fault: fault=reset }", ExpectedEnd::Hang),
        ("udp: { body: hello, fault: 'loss=true&fault=garbage' }", ExpectedEnd::Hang),
        ("udp: { body: hello, fault: fault=empty }", ExpectedEnd::Closed),
        ("udp: { body: hello, fault: 'dup=true&corrupt=true' }", ExpectedEnd::Answer),
    ] {
        let wanted = wanted(call);
        assert_eq!(wanted.end, end, "{call}");
        for (ending, of, class) in ends {
            let outcome = wanted.judge(ending);
            assert_eq!(outcome.is_success(), of == end, "{call}: {ending:?}");
            assert!(of == end || outcome.error() == Some(class), "{call}: {ending:?} {outcome:?}");
            assert!(wanted.explain(ending).starts_with("asked "), "{call}");
        }
        assert_eq!(wanted.judge(Ending::Failed(ErrorClass::Send)).error(), Some(ErrorClass::Send));
    }
}

#[test]
fn what_breaks_behind_its_last_byte_is_read_on_until_it_does() {
    for (fault, at_end) in [
        ("fault=reset", false),
        ("fault=reset&at=4", false),
        ("fault=reset&at=5", true),
        ("fault=hang&at=after(5ms)", true),
        ("delay=1ms", false),
    ] {
        assert_eq!(wanted(&format!("tcp: {{ body: hello, fault: '{fault}' }}")).breaks_at_end, at_end, "{fault}");
    }
}

#[test]
fn the_line_is_ours_an_earlier_ones_a_refusal_or_none() {
    let mut wanted = wanted("udp: {}");
    let marks = Marks::default();
    let mut read = |line: &str| match wanted.line(line.as_bytes(), &marks) {
        Line::Ours { id_matches: Some(true) } => "ours",
        Line::Ours { id_matches: Some(false) } => "another's",
        Line::Ours { id_matches: None } => "nameless",
        Line::Earlier => "earlier",
        Line::Refused => "refused",
        Line::Malformed => "malformed",
    };
    assert_eq!(read("CL/1 OK id=abcd2345.6 dur=9.000 asked=0.000"), "earlier");
    assert_eq!(marks.server.get(), None, "its times are not ours");
    assert_eq!(read("CL/1 OK id=abcd2345.7 dur=1.500 asked=2.000 server=a/b/c\n"), "ours");
    assert_eq!(marks.server.get(), Some(std::time::Duration::from_micros(1_500)));
    assert_eq!(read("CL/1 OK id=abcd2345.7\n"), "ours");
    assert_eq!(read("CL/1 OK id=zzzz2345.7\n"), "another's");
    assert_eq!(read("CL/1 OK\n"), "nameless");
    assert_eq!(read("CL/1 ERR param=x pos=0 value=\"\" reason=\"r\" expected=\"e\"\n"), "refused");
    for line in ["", "CL/1 ", "CL/1 source=a/b op=op id=abcd2345.7\n", "hello", "CL/1 OK dur=x asked=1 id=a\n"] {
        assert_eq!(read(line), "malformed", "{line:?}");
    }
}
