//! `injector probe`: one line or one object per call, and an exit code that an exec probe can trust.

use std::net::{Ipv4Addr, SocketAddr, TcpListener};
use std::process::Output;
use std::thread;
use std::time::Duration;

use serde_json::Value;

use crate::fixture::refusing_port;
use crate::process::{FREE_PORTS, Process, output, timed};

/// A target and where each of its listeners is.
struct Served {
    _target: Process,
    http: SocketAddr,
    grpc: SocketAddr,
    tcp: SocketAddr,
    udp: SocketAddr,
    dns: SocketAddr,
}

impl Served {
    fn start() -> Served {
        let mut target = Process::start("target-server", &FREE_PORTS);
        let [http, grpc, tcp, udp, dns] = ["http", "grpc", "tcp", "udp", "dns"].map(|name| target.address(name));
        Served { _target: target, http, grpc, tcp, udp, dns }
    }

    /// The arguments with each listener's address in the place of its name.
    fn probe(&self, arguments: &str) -> (Option<i32>, String, String) {
        let places =
            [("HTTP", self.http), ("GRPC", self.grpc), ("TCP", self.tcp), ("UDP", self.udp), ("DNS", self.dns)];
        let text = places.iter().fold(arguments.to_owned(), |text, (name, at)| text.replace(name, &at.to_string()));
        probe(&text)
    }
}

fn probe(arguments: &str) -> (Option<i32>, String, String) {
    let words: Vec<&str> = ["probe"].into_iter().chain(arguments.split(' ')).collect();
    let Output { status, stdout, stderr } = output("injector", &words);
    (status.code(), String::from_utf8(stdout).unwrap(), String::from_utf8(stderr).unwrap())
}

#[test]
fn every_scheme_is_called_once_and_judged() {
    let target = Served::start();
    for (arguments, exit, words) in [
        ("http://HTTP/", 0, "ok http 200 in "),
        ("--verify http://HTTP/?size=10", 0, " 10 bytes from http://"),
        ("--http2 --verify -d hello http://HTTP/", 0, "ok http2 200 in "),
        ("http://HTTP/status/503", 1, "failed http 503 status in "),
        ("--expect 503,200 http://HTTP/status/503", 0, "ok http 503 in "),
        ("--fault status=503&delay=20ms http://HTTP/", 0, "ok http 503 in "),
        ("--fault fault=reset http://HTTP/", 0, "ok http no answer, as asked, in "),
        ("--fault status=503 --expect 200 http://HTTP/", 1, "asked one of [200] with 0 bytes, got 503"),
        ("grpc://GRPC", 0, "ok grpc OK in "),
        ("grpc://GRPC/cload.v1.Target/Unary", 0, "ok grpc OK in "),
        ("grpc://GRPC/no.Such", 1, "failed grpc NOT_FOUND status in "),
        ("--fault status=UNAVAILABLE grpc://GRPC", 0, "ok grpc UNAVAILABLE in "),
        ("--expect INTERNAL grpc://GRPC", 1, "failed grpc OK "),
        ("tcp://TCP", 0, "ok tcp ok in "),
        ("--plain --size 100 tcp://TCP", 0, " 100 bytes from tcp://"),
        ("--fault fault=abort&at=3 tcp://TCP", 0, "ok tcp no answer, as asked, in "),
        ("udp://UDP", 0, "ok udp ok in "),
        ("--fault loss=true --timeout 300ms udp://UDP", 0, "ok udp no answer, as asked, in "),
        ("dns://DNS", 0, "ok dns_udp NOERROR in "),
        ("--tcp dns://DNS/ok.cload.test?type=AAAA", 0, "ok dns_tcp NOERROR in "),
        ("dns://DNS/other.test", 1, "failed dns_udp REFUSED status in "),
        ("--expect REFUSED dns://DNS/other.test", 0, "ok dns_udp REFUSED in "),
        ("--fault rcode=SERVFAIL dns://DNS", 0, "ok dns_udp SERVFAIL in "),
    ] {
        let (code, stdout, stderr) = target.probe(arguments);
        assert_eq!(code, Some(exit), "{arguments}: {stdout}{stderr}");
        assert!(stdout.contains(words) && stdout.lines().count() == 1, "{arguments}: {stdout}{stderr}");
    }
}

#[test]
fn many_calls_are_many_lines_and_one_failure_is_enough() {
    let target = Served::start();
    let (code, stdout, _) = target.probe("-n 3 --keep-alive --verify http://HTTP/");
    assert_eq!((code, stdout.lines().count()), (Some(0), 3), "{stdout}");
    let connects = stdout.lines().filter(|line| line.contains("connect ")).count();
    assert_eq!(connects, 1, "the connection is kept: {stdout}");
    let (_, stdout, _) = target.probe("-n 3 --verify http://HTTP/");
    assert_eq!(stdout.lines().filter(|line| line.contains("connect ")).count(), 3, "{stdout}");

    let (code, stdout, _) = target.probe("-n 20 --json --fault status=503:50 --expect 200 http://HTTP/");
    let calls: Vec<Value> = stdout.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    let ok = calls.iter().filter(|call| call["ok"] == true).count();
    assert_eq!(code, Some(1));
    assert!((1..20).contains(&ok), "half of twenty: {ok}");
    for call in &calls {
        assert_eq!(call["error"], if call["ok"] == true { Value::Null } else { "status".into() }, "{call}");
        assert_eq!(call["code"], if call["ok"] == true { "200" } else { "503" }, "{call}");
        let phases = call["phases_s"].as_object().unwrap().values().map(|time| time.as_f64().unwrap()).sum::<f64>();
        assert!((phases - call["duration_s"].as_f64().unwrap()).abs() < 0.05, "{call}");
    }
}

#[test]
fn a_retry_waits_before_it_goes_out_and_the_first_attempt_does_not() {
    const PAUSE: Duration = Duration::from_secs(1);
    let (_held, address) = refusing_port();
    // Starts the program once before, so that what is timed is no build.
    probe(&format!("http://{address}/"));
    let (_, once) = timed(|| probe(&format!("http://{address}/")));
    let arguments = format!("--retry 2 --retry-delay 1s http://{address}/");
    let ((code, stdout, _), took) = timed(|| probe(&arguments));
    assert_eq!(code, Some(1));
    assert!(stdout.contains("connect_refused") && stdout.contains("[attempt 3]"), "{stdout}");
    assert!(took >= 2 * PAUSE && took < once + 3 * PAUSE, "two pauses: {took:?}, without any {once:?}");

    // Refuses the first two connections and answers the third: the call is a success, by its last attempt.
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
    let address = listener.local_addr().unwrap();
    thread::spawn(move || {
        for (number, stream) in listener.incoming().flatten().enumerate() {
            if number >= 2 {
                use std::io::{Read, Write};
                let mut stream = stream;
                let _ = stream.read(&mut [0; 1024]);
                let _ = stream.write_all(b"HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n");
            }
        }
    });
    let (code, stdout, stderr) = probe(&format!("--json --retry 5 --retry-delay 10ms http://{address}/"));
    let call: Value = serde_json::from_str(&stdout).unwrap();
    assert_eq!((code, &call["attempts"], &call["ok"]), (Some(0), &3.into(), &true.into()), "{stdout}{stderr}");
}

#[test]
fn what_cannot_be_called_is_refused_with_the_flag_and_the_remedy() {
    for (arguments, words) in [
        ("127.0.0.1", "http, https, grpc, grpcs, tcp, udp, dns"),
        ("ftp://127.0.0.1", "does not begin with a scheme"),
        ("--tcp http://127.0.0.1", "--tcp does not go with http://127.0.0.1"),
        ("--insecure http://127.0.0.1", "--insecure does not go with"),
        ("--fault status=9x http://127.0.0.1", "http.fault: status: invalid_parameter"),
        ("--fault loss=true tcp://127.0.0.1", "TCP has no loss"),
        ("--plain --fault delay=1s tcp://127.0.0.1", "cannot be used with"),
        ("--timeout 5 http://127.0.0.1", "--timeout"),
        ("-H nocolon http://127.0.0.1", "has no colon"),
        ("tcp://127.0.0.1/?fault=reset", "say with --fault what to ask"),
        ("dns://127.0.0.1/x?class=CH", "expected ?type=A"),
    ] {
        let (code, stdout, stderr) = probe(arguments);
        assert_eq!((code, &*stdout), (Some(2), ""), "{arguments}: {stderr}");
        assert!(stderr.contains(words), "{arguments}: {stderr}");
    }
}
