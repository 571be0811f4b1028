//! The TCP and UDP echo with strangers on either side: nc against our target, other echo servers against our injector.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{Ipv4Addr, SocketAddr, TcpListener, UdpSocket};
use std::process::{Child, Command, Stdio};
use std::thread;
use std::time::Duration;

use shared::outcome::ErrorClass;

use crate::fixture::{inject, run};
use crate::process::{FREE_PORTS, Process};
use crate::tools::require;

/// The manual; its `sh` examples are run here word for word.
const MANUAL: &str = include_str!("../../docs/tcp.md");

const SECOND: Duration = Duration::from_secs(1);

/// A target, and where its echoes listen. The addresses are printed in this order.
fn target() -> (Process, SocketAddr, SocketAddr) {
    let mut target = Process::start("target-server", &FREE_PORTS);
    let (tcp, udp) = (target.address("tcp"), target.address("udp"));
    (target, tcp, udp)
}

/// What a line of shell prints, in at most ten seconds.
fn shell(line: &str) -> String {
    let output = Command::new("timeout").args(["10", "bash", "-c", line]).stdin(Stdio::null()).output().unwrap();
    assert_ne!(output.status.code(), Some(124), "{line}: did not end");
    String::from_utf8_lossy(&output.stdout).into_owned()
}

/// `...` stands for anything.
fn is_like(line: &str, pattern: &str) -> bool {
    match pattern.split_once("...") {
        None => line == pattern,
        Some((begins, ends)) => line.starts_with(begins) && line[begins.len()..].ends_with(ends),
    }
}

#[test]
fn every_example_of_the_manual_does_what_it_says() {
    if require("nc").is_none() {
        return;
    }
    let (_target, tcp, udp) = target();
    let mut examples = 0;
    for block in MANUAL.split("```sh\n").skip(1) {
        let block = block.split("```").next().unwrap();
        let mut commands: Vec<(&str, Vec<&str>)> = Vec::new();
        for line in block.lines() {
            match line.strip_prefix("# ") {
                Some(wanted) => commands.last_mut().expect("an expectation follows a command").1.push(wanted),
                None => commands.push((line, Vec::new())),
            }
        }
        for (command, wanted) in commands {
            let port = if command.contains("nc -u") { udp } else { tcp }.port().to_string();
            let got = shell(&command.replace("9007", &port));
            let lines: Vec<&str> = got.lines().collect();
            let is_right = lines.len() == wanted.len() && lines.iter().zip(&wanted).all(|(got, one)| is_like(got, one));
            assert!(is_right, "{command}\n  wanted {wanted:#?}\n  got {lines:#?}");
            examples += 1;
        }
    }
    assert!(examples >= 12, "the manual has {examples} examples");
}

#[test]
fn nc_gets_back_what_it_sent_byte_for_byte() {
    let Some(nc) = require("nc") else { return };
    let (_target, tcp, udp) = target();
    let blob: Vec<u8> = (0..200_000_u32).map(|i| (i.wrapping_mul(2_654_435_761) >> 24) as u8).collect();
    let echoed = |arguments: &[&str], address: SocketAddr, sent: &[u8]| {
        let mut child = Command::new(&nc)
            .args(arguments)
            .args([address.ip().to_string(), address.port().to_string()])
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let mut stdin = child.stdin.take().unwrap();
        let sent = sent.to_vec();
        let writer = thread::spawn(move || stdin.write_all(&sent).unwrap());
        let mut got = Vec::new();
        child.stdout.take().unwrap().read_to_end(&mut got).unwrap();
        writer.join().unwrap();
        assert!(child.wait().unwrap().success());
        got
    };
    assert!(echoed(&["-N", "-w", "10"], tcp, &blob) == blob);
    // UDP knows no end: nc stops a second after the last datagram.
    assert_eq!(echoed(&["-u", "-w", "1"], udp, b"hello"), b"hello");
}

/// Echo servers that know no commands, in another language: TCP and UDP on one port.
const STRANGER: &str = "
import socket, threading
tcp = socket.create_server(('127.0.0.1', 0))
udp = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
udp.bind(tcp.getsockname())
print(tcp.getsockname()[1], flush=True)
def serve(stream):
    while data := stream.recv(4096):
        stream.sendall(data)
    stream.close()
def datagrams():
    while True:
        data, client = udp.recvfrom(65536)
        udp.sendto(data, client)
threading.Thread(target=datagrams, daemon=True).start()
while True:
    threading.Thread(target=serve, args=(tcp.accept()[0],), daemon=True).start()
";

struct Stranger(Child);

impl Drop for Stranger {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

#[test]
fn a_plain_echo_works_against_servers_that_are_not_ours() {
    let Some(python) = require("python-grpc") else { return };
    let child = Command::new(python).args(["-c", STRANGER]).stdout(Stdio::piped()).spawn().unwrap();
    let mut stranger = Stranger(child);
    let mut port = String::new();
    BufReader::new(stranger.0.stdout.take().unwrap()).read_line(&mut port).unwrap();
    let at = format!("127.0.0.1:{}", port.trim());
    let mix = ["tcp: { plain: true }", "tcp: { plain: true, size: 200KiB }", "udp: { plain: true, body: hello }"];
    let entries = mix.iter().flat_map(|call| ["fresh", "pooled(2)"].map(|connection| (call, connection)));
    let entries = entries.enumerate().map(|(n, (call, connection))| {
        format!("  - {{ name: op-{n}, weight: 1, target: {at:?}, connection: {connection}, {call} }}\n")
    });
    let scenario = format!("target: t\nrate: 180/s\ntimeout: 5s\nmix:\n{}", entries.collect::<String>());
    let finished = run(inject(&scenario, at.parse().unwrap(), SECOND));
    for account in &finished.accounts {
        assert_eq!((account.planned, account.success), (30, 30), "{:?}", account.examples);
    }
    assert!(finished.accounts[1].connections <= 2);
}

/// One operation of 50 requests over one connection or source port, against whatever listens there.
fn asked(at: SocketAddr, call: &str) -> injector::account::OperationAccount {
    let scenario = format!(
        "target: t\nrate: 100/s\ntimeout: 1s\nmix:\n  - {{ name: op, weight: 1, target: {:?}, connection: pooled(1), {call} }}\n",
        at.to_string()
    );
    let mut finished = run(inject(&scenario, at, SECOND / 2));
    finished.accounts.remove(0)
}

/// Answers each datagram with those that the script makes of it and its predecessor.
fn udp_server(script: impl Fn(&[u8], &[u8]) -> Vec<Vec<u8>> + Send + 'static) -> SocketAddr {
    let socket = UdpSocket::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
    let address = socket.local_addr().unwrap();
    thread::spawn(move || {
        let (mut buffer, mut before) = (vec![0; 1 << 16], Vec::new());
        while let Ok((bytes, client)) = socket.recv_from(&mut buffer) {
            for answer in script(&buffer[..bytes], &before) {
                let _ = socket.send_to(&answer, client);
            }
            before = buffer[..bytes].to_vec();
        }
    });
    address
}

/// The right answer to a framed query.
fn right(query: &[u8]) -> Vec<u8> {
    let query = String::from_utf8_lossy(query);
    let Some((line, payload)) = query.split_once('\n') else { return Vec::new() };
    let id = line.split(' ').find(|pair| pair.starts_with("id=")).unwrap();
    format!("CL/1 OK {id} dur=0.001 asked=0.000\n{payload}").into_bytes()
}

#[test]
fn late_datagrams_of_earlier_requests_are_passed_over() {
    let server =
        udp_server(|query, before| vec![right(before), right(query)].into_iter().filter(|a| !a.is_empty()).collect());
    let account = asked(server, "udp: { body: hello }");
    assert_eq!((account.planned, account.success), (50, 50), "{:?}", account.examples);
}

#[test]
fn what_is_no_right_answer_fails_with_its_class() {
    let flipped = |mut answer: Vec<u8>| {
        *answer.last_mut().unwrap() ^= 1;
        answer
    };
    let somebody_elses = |query: &[u8]| String::from_utf8_lossy(&right(query)).replace("id=", "id=x").into_bytes();
    type Script = Box<dyn Fn(&[u8], &[u8]) -> Vec<Vec<u8>> + Send>;
    let cases: [(Script, ErrorClass); 6] = [
        (Box::new(move |query, _| vec![flipped(right(query))]), ErrorClass::Validation),
        (Box::new(|query, _| vec![right(query)[..right(query).len() - 1].to_vec()]), ErrorClass::Validation),
        (Box::new(move |query, _| vec![somebody_elses(query)]), ErrorClass::Validation),
        (Box::new(|query, _| vec![query.to_vec()]), ErrorClass::Protocol),
        (
            Box::new(|_, _| vec![b"CL/1 ERR param=x pos=0 value=\"\" reason=\"r\" expected=\"e\"".to_vec()]),
            ErrorClass::Status,
        ),
        (Box::new(|_, _| vec![Vec::new()]), ErrorClass::Closed),
    ];
    for (script, class) in cases {
        let account = asked(udp_server(script), "udp: { body: hello }");
        assert_eq!(account.failures[class.index()], 50, "{class:?}: {:?}", account.examples);
    }
}

#[test]
fn nobody_listening_is_refused_over_udp_too() {
    let closed = UdpSocket::bind((Ipv4Addr::LOCALHOST, 0)).unwrap().local_addr().unwrap();
    let account = asked(closed, "udp: {}");
    assert_eq!(account.failures[ErrorClass::ConnectRefused.index()], 50, "{:?}", account.examples);
}

#[test]
fn an_echo_that_knows_no_commands_is_told_from_ours() {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
    let address = listener.local_addr().unwrap();
    thread::spawn(move || {
        for stream in listener.incoming().flatten() {
            thread::spawn(move || std::io::copy(&mut (&stream), &mut (&stream)));
        }
    });
    let account = asked(address, "tcp: { body: hello }");
    assert_eq!(account.failures[ErrorClass::Protocol.index()], 50, "{:?}", account.examples);
    let account = asked(address, "tcp: { body: hello, plain: true }");
    assert_eq!((account.success, account.connections), (50, 1), "{:?}", account.examples);
}
