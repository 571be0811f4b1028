//! `target-server` as a program: how it ends when it is told to, and what it refuses.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::process::{Command, Stdio};

use crate::fixture::program;
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
fn a_second_signal_ends_it_at_once() {
    let mut child = Command::new(program("target-server"))
        .args(FREE_PORTS)
        .args(["--drain-timeout", "60s", "--log-format", "json"])
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let mut line = String::new();
    BufReader::new(child.stdout.as_mut().unwrap()).read_line(&mut line).unwrap();
    let http = line.trim().rsplit_once("address=").unwrap().1.parse().unwrap();
    let mut slow = get(http, "/?body_delay=50s&size=3");
    slow.read_exact(&mut [0; 15]).unwrap();
    let id = child.id().to_string();
    let signal = |name: &str| Command::new("kill").args([name, &id]).status().unwrap();
    assert!(signal("-INT").success());
    // The first signal is handled when the log says so; a second before that would be merged with it.
    let mut log = BufReader::new(child.stderr.take().unwrap()).lines();
    assert!(log.any(|line| line.unwrap().contains("stopping")));
    assert!(signal("-TERM").success());
    assert_eq!(child.wait().unwrap().code(), Some(130));
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
