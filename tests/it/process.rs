//! The programs as processes: started, listened to, signalled, ended whatever happens to the test.

use std::io::{BufRead, BufReader, Read};
use std::net::{SocketAddr, TcpStream};
use std::process::{Child, ChildStdout, Command, Output, Stdio};
use std::time::{Duration, Instant};

use crate::fixture::program;

/// The flags of a target whose ports are all the kernel's choice, and which does not wait for a load balancer when it is
/// told to stop. A flag behind them wins.
pub(crate) const FREE_PORTS: [&str; 16] = [
    "--http-address",
    "127.0.0.1:0",
    "--https-address",
    "127.0.0.1:0",
    "--grpc-address",
    "127.0.0.1:0",
    "--tcp-address",
    "127.0.0.1:0",
    "--udp-address",
    "127.0.0.1:0",
    "--dns-address",
    "127.0.0.1:0",
    "--admin-address",
    "127.0.0.1:0",
    "--drain-delay",
    "0s",
];

/// A running program of ours.
pub(crate) struct Process {
    child: Child,
    stdout: BufReader<ChildStdout>,
}

impl Process {
    /// Starts a program of the workspace with these arguments.
    pub(crate) fn start(name: &str, arguments: &[&str]) -> Process {
        Process::logging(name, arguments, Stdio::inherit())
    }

    /// The same, with its standard error there.
    pub(crate) fn logging(name: &str, arguments: &[&str], stderr: impl Into<Stdio>) -> Process {
        let mut command = Command::new(program(name));
        command.args(arguments).stderr(stderr);
        Process::of(command)
    }

    /// The same, with these environment variables as well.
    pub(crate) fn with_variables(name: &str, arguments: &[&str], variables: &[(String, String)]) -> Process {
        let mut command = Command::new(program(name));
        command.args(arguments).envs(variables.iter().cloned());
        Process::of(command)
    }

    fn of(mut command: Command) -> Process {
        // Who waits for a line of a run waits for seconds, not for tens of them.
        command.env("CLOAD_INTERVAL", "1s");
        let mut child = command.stdin(Stdio::null()).stdout(Stdio::piped()).spawn().unwrap();
        let stdout = BufReader::new(child.stdout.take().unwrap());
        Process { child, stdout }
    }

    /// A target on ports of the kernel's choosing, and the two addresses it printed.
    pub(crate) fn target() -> (Process, SocketAddr, SocketAddr) {
        let mut target = Process::start("target-server", &FREE_PORTS);
        let http = target.address("http");
        let admin = target.address("admin");
        (target, http, admin)
    }

    /// Reads lines until one says where this protocol listens.
    pub(crate) fn address(&mut self, protocol: &str) -> SocketAddr {
        let line = self.line_with(&format!("protocol={protocol} "));
        line.trim().rsplit_once("address=").unwrap().1.parse().unwrap()
    }

    /// The next line that holds these words.
    pub(crate) fn line_with(&mut self, words: &str) -> String {
        self.line_or_end(words).unwrap_or_else(|| panic!("the program ended without a line with {words:?}"))
    }

    /// The same, or `None` if it ends before.
    pub(crate) fn line_or_end(&mut self, words: &str) -> Option<String> {
        loop {
            let mut line = String::new();
            if self.stdout.read_line(&mut line).unwrap() == 0 {
                return None;
            }
            if line.contains(words) {
                return Some(line);
            }
        }
    }

    /// Waits until an injector tells of so many seconds of its run. A machine that stood still leaves seconds out.
    pub(crate) fn has_run_for(&mut self, seconds: f64) {
        loop {
            let line = self.line_with(" t=");
            let told = line.split(" t=").nth(1).and_then(|rest| rest.split('s').next()?.parse::<f64>().ok());
            // A tick is not quite a second after the other.
            if told.is_some_and(|told| told + 0.1 >= seconds) {
                return;
            }
        }
    }

    /// The kernel's number of it.
    pub(crate) fn id(&self) -> u32 {
        self.child.id()
    }

    /// Sends a signal by name (`TERM`, `STOP`, ...).
    pub(crate) fn signal(&self, name: &str) {
        let status = Command::new("kill").args([&format!("-{name}"), &self.child.id().to_string()]).status();
        assert!(status.unwrap().success());
    }

    /// Waits for the end: the exit code and the rest of standard output.
    pub(crate) fn end(mut self) -> (Option<i32>, String) {
        let mut rest = String::new();
        self.stdout.read_to_string(&mut rest).unwrap();
        (self.child.wait().unwrap().code(), rest)
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Runs a program of the workspace to its end.
pub(crate) fn output(name: &str, arguments: &[&str]) -> Output {
    Command::new(program(name)).args(arguments).stdin(Stdio::null()).output().unwrap()
}

/// The body of `GET path`, in at most five seconds.
pub(crate) fn get(address: SocketAddr, path: &str) -> String {
    let mut stream = TcpStream::connect(address).unwrap();
    stream.set_read_timeout(Some(Duration::from_secs(60))).unwrap();
    let request = format!("GET {path} HTTP/1.1\r\nhost: {address}\r\nconnection: close\r\n\r\n");
    std::io::Write::write_all(&mut stream, request.as_bytes()).unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).unwrap();
    let (head, body) = answer.split_once("\r\n\r\n").unwrap();
    assert!(head.starts_with("HTTP/1.1 200"), "GET {path}: {head}");
    assert!(!head.to_lowercase().contains("transfer-encoding"), "this client reads no chunks");
    body.to_owned()
}

/// How long a piece of work takes.
#[expect(clippy::disallowed_methods, reason = "whole processes are timed from outside, where no clock is paused")]
pub(crate) fn timed<T>(work: impl FnOnce() -> T) -> (T, Duration) {
    let start = Instant::now();
    let result = work();
    (result, start.elapsed())
}
