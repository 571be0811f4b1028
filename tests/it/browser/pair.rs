//! A target and an injector that drives it, each of which can end and begin anew where it was.

use std::fs;
use std::net::SocketAddr;
use std::path::PathBuf;

use serde_json::{Value, json};

use crate::fixture::{ReservedPort, eventually, run};
use crate::process::{FREE_PORTS, Process, get};
use crate::rules::admin::{Admin, JSON};
use crate::rules::http1::{Answer, Connection};

const TOKEN: &str = "a-token-of-a-test-0123";

/// No faults of its own; `UDP` becomes an address.
const MIX: &str = r#"
rate: 40/s
timeout: 10s
mix:
- { name: web, weight: 2, http: { path: /web } }
- { name: api, weight: 1, http: { path: /api } }
- { name: echo, weight: 1, target: "UDP", udp: {} }
"#;

/// Both programs. Their pages and APIs stay at one address, whichever process is there.
pub(super) struct Pair {
    http: ReservedPort,
    udp: ReservedPort,
    target_port: ReservedPort,
    injector_port: ReservedPort,
    target: Option<Process>,
    injector: Option<Process>,
    folder: tempfile::TempDir,
}

impl Pair {
    /// Both begun; requests may still have to come.
    pub(super) fn start() -> Pair {
        let folder = tempfile::tempdir().unwrap();
        fs::write(folder.path().join("token"), TOKEN).unwrap();
        let port = ReservedPort::new;
        let (http, udp, target_port, injector_port) = (port(), port(), port(), port());
        fs::write(folder.path().join("mix.yaml"), MIX.replace("UDP", &udp.address.to_string())).unwrap();
        let mut pair = Pair { http, udp, target_port, injector_port, target: None, injector: None, folder };
        pair.start_target();
        pair.start_injector(&[]);
        pair
    }

    pub(super) fn start_target(&mut self) {
        let (http, admin) = (self.http.address.to_string(), self.target_port.address.to_string());
        let udp = self.udp.address.to_string();
        let own = ["--http-address", &http, "--admin-address", &admin, "--udp-address", &udp];
        let mut target = Process::start("target-server", &[&FREE_PORTS[..], &own].concat());
        target.address("admin");
        self.target = Some(target);
    }

    pub(super) fn start_injector(&mut self, more: &[&str]) {
        let (http, admin) = (self.http.address.to_string(), self.target_port.address.to_string());
        let own = self.injector_port.address.to_string();
        let file = |name: &str| self.file(name).to_str().unwrap().to_owned();
        let (mix, token, result) = (file("mix.yaml"), file("token"), file("result.json"));
        let fixed = ["run", &mix, "--admin-address", &own, "--target", &http, "--target-admin", &admin];
        let rest = ["--api-token-file", &token, "--json", &result];
        let mut injector = Process::start("injector", &[&fixed[..], &rest, more].concat());
        injector.address("admin");
        self.injector = Some(injector);
    }

    /// As by SIGKILL.
    pub(super) fn kill_target(&mut self) {
        drop(self.target.take().expect("it was started"));
    }

    /// The same.
    pub(super) fn kill_injector(&mut self) {
        drop(self.injector.take().expect("it was started"));
    }

    /// The live page.
    pub(super) fn live_page(&self) -> String {
        format!("http://{}/", self.injector_port.address)
    }

    /// The target's page.
    pub(super) fn target_page(&self) -> String {
        format!("http://{}/", self.http.address)
    }

    /// Where the target serves HTTP.
    pub(super) fn target_address(&self) -> SocketAddr {
        self.http.address
    }

    /// The target's rules.
    pub(super) fn rules(&self) -> Admin {
        Admin(self.target_port.address)
    }

    /// The injector's metrics.
    pub(super) fn metrics(&self) -> String {
        get(self.injector_port.address, "/metrics")
    }

    /// `/api/v1/` and this.
    pub(super) fn api(&self, path: &str) -> Value {
        serde_json::from_str(&get(self.injector_port.address, &format!("/api/v1/{path}"))).unwrap()
    }

    /// A change by the token, as `injector control` makes it.
    pub(super) fn change(&self, path: &str, body: &Value) -> Answer {
        let token = format!("Bearer {TOKEN}");
        let body = if body.is_null() { String::new() } else { body.to_string() };
        let headers = [("authorization", token.as_str()), JSON];
        let mut connection = Connection::open(self.injector_port.address);
        let sent = if body.is_empty() { &headers[..1] } else { &headers[..] };
        connection.send("POST", &format!("/api/v1/{path}"), sent, &body);
        let answer = connection.answer();
        assert_eq!(answer.status, 200, "{answer:?}");
        answer
    }

    /// Waits until the status is like that.
    pub(super) fn until(&self, what: &str, look: impl Fn(&Value) -> bool) -> Value {
        let mut seen = Value::Null;
        run(eventually(what, async || {
            seen = self.api("status");
            if look(&seen) { Ok(()) } else { Err(seen.clone()) }
        }));
        seen
    }

    /// Pauses the run and waits until nothing is under way: from then on every figure since the start stands still.
    pub(super) fn stand_still(&self) -> Value {
        self.change("pause", &Value::Null);
        self.until("a run that stands still", |status| {
            status["state"] == "paused" && status["totals"]["in_flight"] == json!(0)
        })
    }

    /// Where the programs' files are.
    pub(super) fn file(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// Ends the run in order; its exit code.
    pub(super) fn stop_injector(&mut self) -> Option<i32> {
        self.change("stop", &Value::Null);
        self.injector.take().expect("it was started").end().0
    }
}
