//! A target set up as podinfo was: its flags, what it writes to and reads, and the servers behind it.

use std::io::Write;
use std::net::{Ipv4Addr, SocketAddr, TcpListener, TcpStream};
use std::process::{Child, Command, Stdio};

use tempfile::TempDir;

use crate::fixture::{ScriptedServer, Step, eventually, refusing_port, run};
use crate::podinfo::ask::{Words, fill};
use crate::podinfo::recorded::Run;
use crate::process::{FREE_PORTS, Process};
use crate::tools::require;

/// Flags without which ours keeps to itself what podinfo tells and does for everybody: the second only in the run that asks
/// for it, since HEAD is like GET here and would end the others.
const OPEN: [&str; 2] = ["--allow-env", "--allow-panic"];

/// A running target and all that its flags speak of.
pub(crate) struct Place {
    pub(crate) target: Process,
    pub(crate) http: SocketAddr,
    pub(crate) words: Words,
    _folder: TempDir,
    _refusing: socket2::Socket,
    _redis: Option<Redis>,
}

impl Place {
    /// The place of a run; `None` after saying so if a tool is missing.
    pub(crate) fn of(run: &Run) -> Option<Place> {
        let folder = TempDir::new().unwrap();
        let configs = folder.path().join("configs");
        std::fs::create_dir(&configs).unwrap();
        for (name, text) in [("color", "blue\n"), ("b.json", "{\"a\":\"<1>\"}"), ("..hidden", "no")] {
            std::fs::write(configs.join(name), text).unwrap();
        }
        let (refusing_socket, refusing) = refusing_port();
        let mut words = Words::from([
            ("DATA", folder.path().to_str().unwrap().to_owned()),
            ("CONFIGS", configs.to_str().unwrap().to_owned()),
            ("BACKEND", ScriptedServer::start(|_, head| Step::Last(backend(head))).address.to_string()),
            ("REFUSING", refusing.to_string()),
        ]);
        let mut redis = None;
        if run.flags.iter().any(|flag| flag.contains("{REDIS}")) {
            let running = Redis::start()?;
            words.insert("REDIS", running.address.to_string());
            redis = Some(running);
        }
        let flags: Vec<String> = run.flags.iter().map(|flag| fill(flag, &words)).collect();
        let open = OPEN.into_iter().take(if run.name == "panic" { 2 } else { 1 });
        let flags: Vec<&str> = FREE_PORTS.into_iter().chain(open).chain(flags.iter().map(String::as_str)).collect();
        let mut target = Process::with_variables("target-server", &flags, &run.variables);
        let http = target.address("http");
        Some(Place { target, http, words, _folder: folder, _refusing: refusing_socket, _redis: redis })
    }
}

/// What record.py's backend answers: the request's method and path, or the names of its headers.
fn backend(head: &str) -> Vec<u8> {
    let mut lines = head.lines();
    let mut words = lines.next().unwrap().split(' ');
    let (method, path) = (words.next().unwrap(), words.next().unwrap());
    let names = lines.filter_map(|line| line.split_once(':')).map(|(name, _)| name.to_ascii_lowercase());
    let ignored = ["host", "user-agent", "accept-encoding", "content-length"];
    let mut names: Vec<String> = names.filter(|name| !ignored.contains(&name.as_str())).collect();
    names.sort();
    let (status, location, said) = match path {
        "/seen" => ("200 OK", "", names.join(" ")),
        "/503" => ("503 Service Unavailable", "", path.to_owned()),
        "/302" => ("302 Found", "location: /moved\r\n", path.to_owned()),
        _ => ("200 OK", "", path.to_owned()),
    };
    let body = format!("{method} {said}");
    format!("HTTP/1.1 {status}\r\n{location}connection: close\r\ncontent-length: {}\r\n\r\n{body}", body.len()).into()
}

/// A real Redis that keeps nothing.
pub(crate) struct Redis {
    child: Child,
    pub(crate) address: SocketAddr,
}

impl Redis {
    pub(crate) fn start() -> Option<Redis> {
        let program = require("redis-server")?;
        // It cannot be told to choose a port: one that is free is, until somebody takes it in between.
        for _ in 0..8 {
            let address = free_address();
            let port = address.port().to_string();
            let child = Command::new(&program)
                .args(["--port", &port, "--bind", "127.0.0.1", "--save", "", "--appendonly", "no"])
                .stdin(Stdio::null())
                .stdout(Stdio::null())
                .spawn()
                .unwrap();
            let mut redis = Redis { child, address };
            if redis.answers() {
                return Some(redis);
            }
        }
        panic!("redis-server does not start");
    }

    /// Whether it answers, once it does; or else has ended.
    fn answers(&mut self) -> bool {
        let mut has_ended = false;
        run(eventually("redis listens or ends", async || {
            has_ended = self.child.try_wait().unwrap().is_some();
            let is_up = TcpStream::connect(self.address).is_ok_and(|mut stream| stream.write_all(b"PING\r\n").is_ok());
            if has_ended || is_up { Ok(()) } else { Err(()) }
        }));
        !has_ended
    }
}

impl Drop for Redis {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// An address of the loopback that was free a moment ago.
pub(crate) fn free_address() -> SocketAddr {
    TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap().local_addr().unwrap()
}
