//! What podinfo's chart tests with `helm test`, against the target: the same requests, and what it looks for in the answers.

use std::net::SocketAddr;
use std::path::Path;
use std::process::Command;

use crate::pki::Pki;
use crate::podinfo::place::{Redis, free_address};
use crate::process::{FREE_PORTS, Process};
use crate::tools::require;

/// Probes as the chart's test of gRPC does: the health of the server as a whole.
const HEALTH: &str = r#"
import sys
import grpc
from grpc_health.v1 import health_pb2, health_pb2_grpc
with grpc.insecure_channel(sys.argv[1]) as channel:
    answer = health_pb2_grpc.HealthStub(channel).Check(health_pb2.HealthCheckRequest(service=sys.argv[2]), timeout=5)
    print(health_pb2.HealthCheckResponse.ServingStatus.Name(answer.status))
"#;

/// What curl prints; it fails where the answer is an error.
fn curl(program: &Path, arguments: &[&str]) -> String {
    let output = Command::new(program).args(["-sS", "--fail", "-m", "10"]).args(arguments).output().unwrap();
    assert!(output.status.success(), "{arguments:?}: {}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).unwrap()
}

/// A target with these flags as well.
fn target(more: &[&str]) -> (Process, SocketAddr) {
    let mut target = Process::start("target-server", &[&FREE_PORTS[..], more].concat());
    let http = target.address("http");
    (target, http)
}

#[test]
fn the_service_says_its_version() {
    let Some(tool) = require("curl") else { return };
    let (_target, http) = target(&[]);
    assert!(curl(&tool, &[&format!("http://{http}/api/info")]).contains("version"));
}

#[test]
fn a_token_that_was_made_is_valid() {
    let Some(tool) = require("curl") else { return };
    let (_target, http) = target(&[]);
    let made = curl(&tool, &["-d", "test", &format!("http://{http}/token")]);
    let made: serde_json::Value = serde_json::from_str(&made).unwrap();
    let header = format!("Authorization: Bearer {}", made["token"].as_str().unwrap());
    assert!(curl(&tool, &["-H", &header, &format!("http://{http}/token/validate")]).contains("test"));
}

#[test]
fn grpc_is_healthy() {
    let Some(python) = require("python-grpc") else { return };
    let (mut target, _) = target(&[]);
    let grpc = target.address("grpc").to_string();
    for service in ["", "podinfo"] {
        let output = Command::new(&python).args(["-c", HEALTH, &grpc, service]).output().unwrap();
        let said = String::from_utf8_lossy(&output.stdout) + String::from_utf8_lossy(&output.stderr);
        assert_eq!(said.trim(), "SERVING", "service {service:?}");
    }
}

#[test]
fn the_service_says_its_version_over_tls() {
    let Some(tool) = require("curl") else { return };
    let pki = Pki::new();
    std::fs::copy(pki.path("server.pem"), pki.path("tls.crt")).unwrap();
    std::fs::copy(pki.path("server.key"), pki.path("tls.key")).unwrap();
    let folder = pki.text("");
    // podinfo's flag takes a port and no address, and 0 means none: some that are free are, until somebody takes one.
    for _ in 0..8 {
        let port = free_address().port().to_string();
        let chart = ["--host", "127.0.0.1", "--secure-port", &port, "--cert-path", &folder];
        let others: Vec<&str> =
            FREE_PORTS.chunks(2).filter(|flag| flag[0] != "--https-address").flatten().copied().collect();
        let mut target = Process::start("target-server", &[&others[..], &chart].concat());
        if target.line_or_end("protocol=https ").is_none() {
            continue;
        }
        assert!(curl(&tool, &["--insecure", &format!("https://127.0.0.1:{port}/api/info")]).contains("version"));
        return;
    }
    panic!("no free port, or no target with these flags");
}

#[test]
fn the_cache_keeps_and_forgets() {
    let Some(tool) = require("curl") else { return };
    let Some(redis) = Redis::start() else { return };
    let (_target, http) = target(&["--cache-server", &format!("tcp://{}", redis.address)]);
    let url = format!("http://{http}/cache/test");
    curl(&tool, &["-d", "data", &url]);
    assert!(curl(&tool, &[&url]).contains("data"));
    curl(&tool, &["-X", "DELETE", &url]);
}
