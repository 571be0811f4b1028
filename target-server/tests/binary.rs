//! The program: what it prints, and how it ends when it is told to.

#![expect(clippy::unwrap_used, reason = "tests: outside of test functions too, for the helpers below")]

use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpStream;
use std::process::{Child, Command, Stdio};

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;

fn start(args: &[&str]) -> (Child, String) {
    let mut child = Command::new(env!("CARGO_BIN_EXE_target-server"))
        .args(["--http-address", "127.0.0.1:0", "--admin-address", "127.0.0.1:0"])
        .args(args)
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let mut lines = BufReader::new(child.stdout.as_mut().unwrap()).lines();
    let line = lines.next().unwrap().unwrap();
    let address = line.strip_prefix("listening protocol=http address=").unwrap().to_owned();
    (child, address)
}

fn signal(child: &Child, signal: Signal) {
    kill(Pid::from_raw(child.id().try_into().unwrap()), signal).unwrap();
}

fn get(address: &str, path: &str) -> TcpStream {
    let mut stream = TcpStream::connect(address).unwrap();
    write!(stream, "GET {path} HTTP/1.1\r\nhost: t\r\nconnection: close\r\n\r\n").unwrap();
    stream
}

#[test]
fn sigterm_lets_requests_end_and_exits_with_0() {
    let (mut child, address) = start(&[]);
    let mut first = String::new();
    get(&address, "/").read_to_string(&mut first).unwrap();
    assert!(first.starts_with("HTTP/1.1 200 OK"));

    let mut slow = get(&address, "/?body_delay=300ms&size=3&body=seq");
    let mut head = [0; 15];
    slow.read_exact(&mut head).unwrap();
    signal(&child, Signal::SIGTERM);
    let mut rest = String::new();
    slow.read_to_string(&mut rest).unwrap();
    assert!(rest.ends_with("\r\n\r\nabc"), "{rest}");
    assert_eq!(child.wait().unwrap().code(), Some(0));
}

#[test]
fn a_second_signal_ends_it_at_once() {
    let (mut child, address) = start(&["--drain-timeout", "60s", "--log-format", "json"]);
    let mut slow = get(&address, "/?body_delay=50s&size=3");
    slow.read_exact(&mut [0; 15]).unwrap();
    signal(&child, Signal::SIGINT);
    // The first signal is handled when the log says so; a second before that would be merged with it.
    let mut log = BufReader::new(child.stderr.take().unwrap()).lines();
    assert!(log.any(|line| line.unwrap().contains("stopping")));
    signal(&child, Signal::SIGTERM);
    assert_eq!(child.wait().unwrap().code(), Some(130));
}

#[test]
fn bad_flags_exit_with_2_and_a_port_in_use_with_1() {
    let run = |args: &[&str]| Command::new(env!("CARGO_BIN_EXE_target-server")).args(args).output().unwrap();
    let bad = run(&["--drain-delay", "5"]);
    assert_eq!(bad.status.code(), Some(2));
    assert!(String::from_utf8_lossy(&bad.stderr).contains("--drain-delay"));
    assert!(bad.stdout.is_empty());

    let (mut child, address) = start(&[]);
    let taken = run(&["--http-address", &address, "--admin-address", "127.0.0.1:0"]);
    assert_eq!(taken.status.code(), Some(1));
    let error = String::from_utf8_lossy(&taken.stderr).into_owned();
    assert!(error.contains("--http-address") && error.contains("0 for a free one"), "{error}");
    signal(&child, Signal::SIGTERM);
    assert_eq!(child.wait().unwrap().code(), Some(0));
}
