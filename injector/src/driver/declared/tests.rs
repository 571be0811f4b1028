//! What is noticed on the wire: by the drivers, one by one, and by what is counted from it.

use std::net::{Ipv4Addr, SocketAddr};
use std::num::NonZeroU32;
use std::time::Duration;

use prometheus::core::Collector as _;
use shared::identity::session_from_bits;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, UdpSocket};
use tokio_util::sync::CancellationToken;

use super::*;
use crate::account::OperationAccount;
use crate::engine::{Engine, Options};
use crate::fixture::{Frames, Then, failures, plan};
use crate::pacer::Quantum;

fn declared(rule: Option<&str>, fault: Option<&str>) -> String {
    Declared::of_fields(rule.map(str::as_bytes), fault.map(str::as_bytes)).to_string()
}

#[test]
fn fields_say_who_did_it_or_why_it_was_not_done() {
    assert_eq!(declared(Some("web-503.v2"), Some("status=503")), ", by the target's rule web-503.v2");
    assert_eq!(declared(Some("web-503"), None), ", by the target's rule web-503");
    assert_eq!(declared(None, Some("status=503")), "", "as the request asked for");
    assert_eq!(declared(None, None), "");
    assert!(declared(None, Some("overflow")).contains("too many faults"));
    assert!(declared(None, Some("disabled")).contains("switched off"));
    assert!(declared(None, Some("forbidden")).contains("--fault-cidrs"));
}

#[test]
fn a_name_from_the_network_is_checked() {
    for (bad, long) in [("", ""), ("a b", ""), ("\u{1b}[31m", ""), ("é", ""), ("a", &*"a".repeat(64))] {
        assert_eq!(declared(Some(&format!("{bad}{long}")), None), ", by the target's rule (of no valid name)");
    }
    assert_eq!(declared(Some(&"a".repeat(64)), None), format!(", by the target's rule {}", "a".repeat(64)));
}

#[test]
fn a_reply_says_the_same_in_its_line_and_its_option() {
    for (plan, rule, declared) in [
        ("", " rule=slow", Declared::Rule("slow".into())),
        (" plan=delay:10ms", " rule=slow", Declared::Rule("slow".into())),
        (" plan=delay:10ms", "", Declared::Nothing),
        (" plan=forbidden", "", Declared::of_plan(&Plan::Forbidden)),
    ] {
        let line = format!("id=abcd2345.7 dur=0.1 asked=0 server=a{rule}{plan}");
        let text = format!("CL/1 OK {line}\n");
        let Ok(shared::reply::Answer::Ok(reply)) = shared::reply::Answer::parse_line(text.as_bytes()) else {
            panic!("{text}")
        };
        assert_eq!(Declared::of_reply(&reply), declared, "{text}");
        let option = reply.option();
        assert_eq!(Declared::of_reply(&Reply::parse_option(option.as_bytes()).unwrap()), declared, "{option}");
    }
}

/// One request of an operation with these keys: its account, and how many requests the metrics call injected.
async fn once(target: SocketAddr, keys: &str) -> (OperationAccount, u64) {
    let text =
        format!("mix:\n- {{ name: a, target: '{target}', rate: 10/s, timeout: 2s, connection: fresh, {keys} }}\n");
    let length = Some(Duration::from_millis(100));
    let options = Options { length, is_paused: false, workers: NonZeroU32::new(1), quantum: Quantum::Precise };
    let engine = Engine::new(plan(&text), options, session_from_bits(7));
    let red = engine.red();
    let mut finished = engine.run(CancellationToken::new(), |_| ()).await.unwrap();
    let families = red.collect();
    let requests = families.iter().find(|family| family.name() == "continuous_load_client_requests_total").unwrap();
    let is = |metric: &&prometheus::proto::Metric| {
        metric.get_label().iter().any(|label| label.name() == "injected" && label.value() == "true")
    };
    let injected: f64 = requests.get_metric().iter().filter(is).map(|metric| metric.get_counter().get_value()).sum();
    (finished.accounts.remove(0), injected as u64)
}

/// Answers every connection's request with these bytes, and closes.
async fn stream(answer: &'static str) -> SocketAddr {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.unwrap();
    let address = listener.local_addr().unwrap();
    tokio::spawn(async move {
        while let Ok((mut stream, _)) = listener.accept().await {
            let mut piece = [0; 4096];
            while let Ok(1..) = stream.read(&mut piece).await {
                if piece.contains(&b'\n') {
                    break;
                }
            }
            let _ = stream.write_all(answer.as_bytes()).await;
            let _ = stream.shutdown().await;
            while let Ok(1..) = stream.read(&mut piece).await {}
        }
    });
    address
}

async fn datagrams(answer: &'static str) -> SocketAddr {
    let socket = UdpSocket::bind((Ipv4Addr::LOCALHOST, 0)).await.unwrap();
    let address = socket.local_addr().unwrap();
    tokio::spawn(async move {
        while let Ok((_, from)) = socket.recv_from(&mut [0; 4096]).await {
            let _ = socket.send_to(answer.as_bytes(), from).await;
        }
    });
    address
}

/// By rule, by rule and failed, injected in the metrics, and the end of the words about the failure.
type Noticed = (u64, u64, u64, &'static str);

#[track_caller]
fn assert_noticed(case: &str, (account, injected): &(OperationAccount, u64), expected: Noticed) {
    let failures = failures(account);
    let words = failures.first().map_or("", |(.., words)| words.as_str());
    // Where it came from stands before, with a port that differs.
    let port = |text: &str| text.find(|c: char| !c.is_ascii_digit()).unwrap_or(text.len());
    let words = match words.split_once(" from 127.0.0.1:") {
        Some((before, after)) => format!("{before}{}", &after[port(after)..]),
        None => words.to_owned(),
    };
    let (by_rule, failed_by_rule, of_metrics, end) = expected;
    assert_eq!((account.planned, account.adds_up()), (1, true), "{case}: {account:?}");
    assert_eq!((account.by_rule, account.failed_by_rule, *injected), (by_rule, failed_by_rule, of_metrics), "{case}");
    assert!(words.ends_with(end) && words.is_empty() == end.is_empty(), "{case}: {words}");
}

const BY_RULE: &str = ", by the target's rule web";

#[tokio::test]
async fn an_answer_over_http_declares_it_in_its_head() {
    let any_id = "http: { expect: { id: any } }";
    let asking = "http: { fault: status=503 }";
    let cases: [(&str, &'static str, Noticed); 7] = [
        (any_id, "200 OK\r\n", (0, 0, 0, "")),
        (any_id, "503 Busy\r\n", (0, 0, 0, "asked 200 with 0 bytes, got 503 with 0 bytes")),
        (any_id, "503 Busy\r\nX-Cload-Rule: web\r\nx-cload-fault: status=503\r\n", (1, 1, 1, BY_RULE)),
        // What a rule changed and the scenario does not mind, such as a delay, is no failure.
        (any_id, "200 OK\r\nx-cload-rule: web\r\nx-cload-fault: delay=1ms\r\n", (1, 0, 1, "")),
        // Whose fault there was no room for, only the target knows; that there was one, both say.
        (any_id, "200 OK\r\nx-cload-fault: overflow\r\n", (0, 0, 1, "")),
        (asking, "200 OK\r\nx-cload-fault: forbidden\r\n", (0, 0, 1, "in none of its --fault-cidrs")),
        (asking, "200 OK\r\nx-cload-fault: disabled\r\n", (0, 0, 1, "; the target's faults are switched off")),
    ];
    for (keys, fields, expected) in cases {
        let answer = format!("HTTP/1.1 {fields}content-length: 0\r\n\r\n").leak();
        assert_noticed(fields, &once(stream(answer).await, keys).await, expected);
    }
}

#[tokio::test]
async fn so_it_does_over_http2() {
    let fields = [("x-cload-rule", "web"), ("x-cload-fault", "size=1")];
    for (fields, expected) in
        [(&fields[..], (1, 1, 1, BY_RULE)), (&[], (0, 0, 0, " with 1 bytes that are not those asked for"))]
    {
        let answer = [Frames::preface(), Frames::head_with(fields), Frames::data(b"x", true)].concat();
        let server = Frames::start(answer, Then::Hold);
        let noticed = once(server.address, "http: { version: 2, expect: { id: any } }").await;
        assert_noticed(&format!("{fields:?}"), &noticed, expected);
    }
}

#[tokio::test]
async fn an_echo_declares_it_in_its_line() {
    let line = "CL/1 OK dur=0.100 asked=0.000 server=a/b/c";
    let wrong = " that are not those asked for";
    let cases: [(&str, Noticed); 5] = [
        ("\nhello", (0, 0, 0, "")),
        ("\nhellx", (0, 0, 0, wrong)),
        (" rule=web plan=corrupt:true\nhellx", (1, 1, 1, ", by the target's rule web")),
        (" rule=web plan=delay:1ms\nhello", (1, 0, 1, "")),
        (" plan=overflow\nhello", (0, 0, 1, "")),
    ];
    for (rest, expected) in cases {
        let answer: &'static str = format!("{line}{rest}").leak();
        let call = "{ body: hello, expect: { id: any } }";
        assert_noticed(rest, &once(stream(answer).await, &format!("tcp: {call}")).await, expected);
        assert_noticed(rest, &once(datagrams(answer).await, &format!("udp: {call}")).await, expected);
    }
}
