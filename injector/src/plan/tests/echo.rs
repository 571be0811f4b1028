//! `tcp` and `udp` entries: what they mean and what is refused.

use super::*;

/// A scenario of one operation with this entry.
fn with(entry: &str) -> String {
    format!("target: localhost\nrate: 10/s\nmix:\n- name: a\n  weight: 1\n  {entry}\n")
}

fn call(entry: &str) -> EchoCall {
    match plan(&with(entry)).operations.remove(0).call {
        Call::Tcp(call) | Call::Udp(call) => call,
        _ => panic!("{entry} is an echo"),
    }
}

#[test]
fn an_entry_means_what_it_says() {
    for (entry, protocol, body, fault) in [
        ("tcp: {}", Protocol::Tcp, 64, "bytes=64"),
        ("tcp: { size: 4KiB }", Protocol::Tcp, 4096, "bytes=4KiB"),
        ("tcp: { body: hello, fault: 'delay=5ms&seed=1' }", Protocol::Tcp, 5, "delay=5ms&bytes=5&seed=1"),
        ("tcp: { size: '0' }", Protocol::Tcp, 0, "bytes=0"),
        ("tcp: { plain: true }", Protocol::Tcp, 64, ""),
        ("udp: {}", Protocol::Udp, 64, ""),
        ("udp: { size: 100, fault: 'loss=10&seed=1' }", Protocol::Udp, 100, "loss=10&seed=1"),
    ] {
        let call = call(entry);
        assert_eq!((call.protocol, call.body.size_bytes()), (protocol, body), "{entry}");
        assert_eq!(call.fault, shared::fault::Fault::parse(fault, shared::fault::Separator::Ampersand).unwrap());
    }
    let operation = plan(&with("tcp: { fault: delay=1ms }")).operations.remove(0);
    assert_eq!(operation.endpoint.to_string(), "localhost:9007");
    assert!(operation.injected && operation.call.fault().seed() == Some(operation.seed));
    assert_eq!(operation.call.expected_codes(), [shared::outcome::Code::Echo]);
}

#[test]
fn what_cannot_work_is_refused_where_it_stands() {
    for (entry, wanted) in [
        ("tcp: { fault: gzip=true }", "TCP has no gzip"),
        ("tcp: { fault: loss=1 }", "TCP has no loss"),
        ("udp: { fault: rate=1KiB }", "UDP has no rate"),
        ("tcp: { fault: bytes=5 }", "tcp.fault: bytes is written by the injector itself"),
        ("udp: { fault: ack=0 }", "udp.fault: ack is written by the injector itself"),
        ("tcp: { fault: mode=source }", "an exchange of bytes= has an end"),
        ("tcp: { fault: 'mode=upper&size=5' }", "size has no meaning with mode=upper"),
        ("udp: { size: 100, fault: size=101 }", "udp.fault: an answer over UDP is never longer than what was sent"),
        ("udp: { size: 65KiB }", "udp.size: 65KiB is over the limit"),
        ("tcp: { size: 1KiB, body: x }", "tcp.size: body and size exclude each other"),
        ("tcp: { plain: true, fault: delay=1ms }", "tcp.fault: a plain echo asks for nothing"),
        ("udp: { plain: true, body: '' }", "udp: a plain echo of nothing has no answer"),
        ("tcp: { plain: maybe }", "tcp.plain: \"maybe\"; expected true or false"),
        ("tcp: { fault: delay=2s }", "tcp.fault: no request can succeed: the fault takes 2s or so"),
        ("tcp: { size: 10KiB, fault: rate=1KiB }", "tcp.fault: no request can succeed: the fault takes 10s or so"),
        ("tcp: { expect: { status: 200 } }", "tcp.expect.status: an echo has no status"),
        ("tcp: {}\n  udp: {}", ": has udp beside tcp; an operation speaks one"),
    ] {
        let problems = refused(&with(entry));
        assert_eq!(problems.len(), 1, "{entry}: {problems:#?}");
        let problem = problems[0].replace("operation \"a\": ", "").replace("operation \"a\"", "");
        let problem = problem.split_once(' ').unwrap().1;
        assert!(problem.contains(wanted.trim_start_matches(": ")), "{entry}: {problem}");
    }
    // An asked silence is meant to outlast the timeout.
    for hang in ["tcp: { fault: fault=hang }", "udp: { fault: loss=true }", "udp: { fault: fault=reset }"] {
        plan(&with(hang));
    }
}

#[test]
fn a_fault_that_leaves_no_room_for_the_identity_is_refused() {
    let choices = (0..30).map(|n| format!("lognormal(20.{n:06}ms,200.{n:06}ms)")).collect::<Vec<_>>().join(",");
    let problems = refused(&with(&format!("tcp: {{ fault: \"delay={choices}\" }}")));
    assert!(problems.iter().any(|problem| problem.contains("the line has ")), "{problems:?}");
}

#[test]
fn datagrams_have_no_connection_to_keep_alive() {
    for entry in ["udp: {}", "dns: {}"] {
        let problems = refused(&with(&format!("keepalive: 5s\n  {entry}")));
        assert_eq!(problems.len(), 1, "{entry}: {problems:?}");
        let words =
            "6:14 operation \"a\": keepalive: over UDP there is no connection that could be dead; leave keepalive out";
        assert_eq!(problems[0], words, "{entry}");
        // The file's is for those that have one.
        plan(&format!("keepalive: 5s\n{}", with(entry)));
    }
    for entry in ["tcp: {}", "dns: { transport: tcp }"] {
        assert_eq!(
            plan(&with(&format!("keepalive: 5s\n  {entry}"))).operations[0].keepalive,
            Some(Duration::from_secs(5))
        );
    }
}
