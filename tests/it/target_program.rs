//! `target-server` as a program: how it ends when it is told to, and what it refuses.

use std::io::{Read, Write};
use std::net::{SocketAddr, TcpStream};

use crate::process::{FREE_PORTS, Process, output};

fn get(address: SocketAddr, path: &str) -> TcpStream {
    let mut stream = TcpStream::connect(address).unwrap();
    write!(stream, "GET {path} HTTP/1.1\r\nhost: t\r\nconnection: close\r\n\r\n").unwrap();
    stream
}

#[test]
fn sigterm_lets_requests_end_and_exits_with_0() {
    let (target, http, _) = Process::target();
    let mut slow = get(http, "/?body_delay=300ms&size=3&body=seq");
    slow.read_exact(&mut [0; 15]).unwrap();
    target.signal("TERM");
    let mut rest = String::new();
    slow.read_to_string(&mut rest).unwrap();
    assert!(rest.ends_with("\r\n\r\nabc"), "{rest}");
    assert_eq!(target.end().0, Some(0));
}

#[test]
fn bad_flags_exit_with_2_and_a_port_in_use_with_1() {
    let bad = output("target-server", &["--drain-delay", "5"]);
    assert_eq!(bad.status.code(), Some(2));
    assert!(String::from_utf8_lossy(&bad.stderr).contains("--drain-delay"));
    assert!(bad.stdout.is_empty());

    let (_target, http, _) = Process::target();
    let mut flags = FREE_PORTS;
    let http = http.to_string();
    flags[1] = &http;
    let taken = output("target-server", &flags);
    assert_eq!(taken.status.code(), Some(1));
    let error = String::from_utf8_lossy(&taken.stderr).into_owned();
    assert!(error.contains("--http-address") && error.contains("0 for a free one"), "{error}");
}

#[test]
fn podinfos_mistakes_end_as_podinfos_do() {
    let folder = tempfile::tempdir().unwrap();
    let cert = folder.path().join("tls.crt");
    let cert_path = format!("--cert-path={}", folder.path().display());
    for (flags, code, words) in [
        (&["--help"][..], 0, "PODINFO_PORT_METRICS"),
        (&["-v"], 0, "target-server "),
        (&["--no-such-flag"], 2, "--no-such-flag"),
        (&["--random-delay-min=6"], 2, "--random-delay-max 5"),
        // No port is given: it must fail before it listens on one that somebody else may have.
        (&["--secure-port=1", &cert_path], 1, cert.to_str().unwrap()),
        (&["--stress-memory=4294967295"], 1, "--stress-memory 4294967295"),
    ] {
        // `--https-address` of ours would win over --secure-port.
        let ports = FREE_PORTS.iter().enumerate().filter(|(n, _)| ![2, 3].contains(n)).map(|(_, flag)| *flag);
        let output = output("target-server", &ports.chain(flags.iter().copied()).collect::<Vec<_>>());
        let said = [output.stdout, output.stderr].concat();
        let said = String::from_utf8_lossy(&said);
        assert_eq!(output.status.code(), Some(code), "{flags:?}: {said}");
        assert!(said.contains(words), "{flags:?}: {said}");
    }
}

#[test]
fn what_is_passed_over_is_logged_and_the_rest_is_heard() {
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("config.yaml"), "no-such-flag: 1\nui-color: [\n").unwrap();
    let log = tempfile::NamedTempFile::new().unwrap();
    let config_path = format!("--config-path={}", folder.path().display());
    let flags =
        [&FREE_PORTS[..], &[&config_path, "--otel-service-name=x", "--random-error=", "--stress-cpu=1"]].concat();
    let mut target = Process::logging("target-server", &flags, log.reopen().unwrap());
    target.address("admin");
    target.signal("TERM");
    assert_eq!(target.end().0, Some(0));
    let log = std::fs::read_to_string(log.path()).unwrap();
    for words in ["config.yaml", "traces are not exported"] {
        assert_eq!(log.lines().filter(|line| line.contains(words)).count(), 1, "{words} in {log}");
    }
}
