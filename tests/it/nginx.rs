//! The injector against a web server that is not ours: every HTTP it speaks, and the same counts in the server's log.

use std::collections::BTreeMap;
use std::net::{Ipv4Addr, SocketAddr, TcpListener};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use crate::fixture::{assert_accounted, eventually, inject, run};
use crate::pki::Pki;
use crate::process::get;
use crate::tools::require;

/// A running nginx, whose log has a line per request: its path, protocol and status.
struct Nginx {
    child: Child,
    pki: Pki,
    plain: SocketAddr,
    /// HTTP/2 with prior knowledge and nothing else: this server has no port for both.
    prior: SocketAddr,
    tls: SocketAddr,
}

impl Drop for Nginx {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

impl Nginx {
    async fn start(program: &Path) -> Nginx {
        // It cannot be told to choose ports: some that are free are, until somebody takes one in between.
        for _ in 0..8 {
            let held = [(); 3].map(|()| TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap());
            let [plain, prior, tls] = held.each_ref().map(|listener| listener.local_addr().unwrap());
            drop(held);
            let pki = Pki::new();
            std::fs::write(pki.path("nginx.conf"), config(plain, prior, tls)).unwrap();
            let child = Command::new(program)
                .args(["-p", &pki.text(""), "-c", "nginx.conf", "-e", "stderr"])
                .stdin(Stdio::null())
                .stdout(Stdio::null())
                .stderr(Stdio::piped())
                .spawn()
                .unwrap();
            let mut nginx = Nginx { child, pki, plain, prior, tls };
            if nginx.answers().await {
                return nginx;
            }
        }
        panic!("nginx does not start");
    }

    /// Whether it answers, once it does; or else has ended.
    async fn answers(&mut self) -> bool {
        let mut has_ended = false;
        eventually("nginx listens or ends", async || {
            has_ended = self.child.try_wait().unwrap().is_some();
            let listens = [self.plain, self.prior, self.tls].iter().all(|at| std::net::TcpStream::connect(at).is_ok());
            if has_ended || listens { Ok(()) } else { Err(()) }
        })
        .await;
        !has_ended && get(self.plain, "/ready") == "ok\n"
    }

    /// How often each line is in the log.
    fn log(&self) -> BTreeMap<String, u64> {
        let mut lines = BTreeMap::new();
        for line in std::fs::read_to_string(self.pki.path("access.log")).unwrap_or_default().lines() {
            *lines.entry(line.to_owned()).or_default() += 1;
        }
        lines
    }
}

fn config(plain: SocketAddr, prior: SocketAddr, tls: SocketAddr) -> String {
    let folders = ["client_body", "proxy", "fastcgi", "uwsgi", "scgi"].map(|name| format!("{name}_temp_path {name};"));
    format!(
        "daemon off; master_process off; pid nginx.pid; error_log stderr warn;
        events {{ worker_connections 512; }}
        http {{
          log_format counted '$uri $server_protocol $status'; access_log access.log counted;
          default_type text/plain; keepalive_requests 1000000; {}
          server {{
            listen {plain}; listen {prior} http2; listen {tls} ssl http2;
            ssl_certificate server.pem; ssl_certificate_key server.key;
            location / {{ return 200 \"ok\\n\"; }}
            location ~ /none$ {{ return 404; }}
            location ~ /empty$ {{ return 204; }}
          }}
        }}",
        folders.join(" ")
    )
}

#[test]
fn every_http_counts_what_nginx_counts() {
    let Some(program) = require("nginx") else { return };
    run(async {
        let nginx = Nginx::start(&program).await;
        let mut operations = String::new();
        let mut wanted = Vec::new();
        for (group, address, version, is_secured) in [
            ("h1", nginx.plain, "1.1", false),
            ("h2c", nginx.prior, "2", false),
            ("h1-tls", nginx.tls, "1.1", true),
            ("h2-tls", nginx.tls, "2", true),
        ] {
            let tls = if is_secured { format!("tls: {{ ca: {} }}, ", nginx.pki.text("ca.pem")) } else { String::new() };
            for (name, more, status) in [
                ("kept", "expect: { id: any, size: 3, content: any }", 200),
                ("fresh", "expect: { id: any, size: any, content: any }", 200),
                ("posted", "body: hello, expect: { id: any, size: any, content: any }", 200),
                ("head", "method: HEAD, expect: { id: any, size: any, content: any }", 200),
                ("none", "expect: { id: any, size: any, content: any, status: 404 }", 404),
                ("empty", "expect: { id: any, size: any, content: any, status: [200, 204] }", 204),
            ] {
                let connection = if name == "fresh" { "fresh" } else { "pooled(2)" };
                operations += &format!(
                    "  - {{ name: {group}-{name}, weight: 1, target: \"{address}\", connection: {connection}, {tls}\
                     http: {{ version: {version}, path: /{group}/{name}, {more} }} }}\n"
                );
                let protocol = if version == "2" { "HTTP/2.0" } else { "HTTP/1.1" };
                wanted.push(format!("/{group}/{name} {protocol} {status}"));
            }
        }
        // What is not as expected there is a failure: the answer is looked at.
        for (name, path, expect) in [("bad-status", "none", ""), ("bad-size", "kept", ", size: 4")] {
            operations += &format!(
                "  - {{ name: {name}, weight: 1, target: \"{}\", http: {{ path: /{name}/{path}, \
                 expect: {{ id: any, content: any{expect} }} }} }}\n",
                nginx.plain
            );
        }
        let scenario = format!("target: t\nrate: 260/s\ntimeout: 5s\nmix:\n{operations}");
        let finished = inject(&scenario, nginx.plain, Duration::from_secs(2)).await;
        let (good, bad) = finished.accounts.split_at(wanted.len());
        eventually("nginx has written its log", async || {
            let (log, planned) = (nginx.log(), good.iter().map(|account| account.planned).sum::<u64>());
            let counted: u64 = wanted.iter().filter_map(|line| log.get(line)).sum();
            if counted == planned { Ok(()) } else { Err(log) }
        })
        .await;
        let log = nginx.log();
        for (account, line) in good.iter().zip(&wanted) {
            assert!(account.planned > 0);
            assert_eq!(account.success, account.planned, "{line}: {:?}", account.examples);
            assert_eq!(log.get(line), Some(&account.sent), "{line}");
        }
        for account in bad {
            assert_accounted(account);
            assert_eq!((account.success, account.failed()), (0, account.planned), "{:?}", account.examples);
        }
    });
}
