//! Segments that are lost for real: the kernel sends them again, the metrics count that, and the end of a run says what the
//! times mean.

use std::net::SocketAddr;
use std::process::{Command, Stdio};

use serde_json::Value;

use crate::fixture::{RunningTarget, program, run};
use crate::lossy::{Loss, relay};

/// Two a second of each operation, all through relays of their own.
const SCENARIO: &str = "
target: t
rate: 14/s
timeout: 5s
mix:
  - { name: syn, weight: 1, connection: fresh, target: SYN, http: {} }
  - { name: web, weight: 1, connection: pooled(1), target: HTTP, http: {} }
  - { name: two, weight: 1, connection: pooled(1), target: TWO, http: { version: 2 } }
  - { name: call, weight: 1, connection: pooled(1), target: GRPC, grpc: {} }
  - { name: echo, weight: 1, connection: pooled(1), target: TCP, tcp: {} }
  - { name: name, weight: 1, connection: pooled(1), target: DNS, dns: { transport: tcp } }
  - { name: untouched, weight: 1, connection: pooled(1), http: {} }
";

/// The scenario's run: its JSON and its text.
fn injected(target: &RunningTarget) -> (Value, String) {
    let addresses = &target.addresses;
    let behind = |address: SocketAddr, loss| relay(address, loss).to_string();
    let scenario = [
        ("SYN", behind(target.http, Loss::Syn)),
        ("HTTP", behind(target.http, Loss::Segment)),
        ("TWO", behind(target.http, Loss::Segment)),
        ("GRPC", behind(target.grpc, Loss::Segment)),
        ("TCP", behind(addresses.tcp.unwrap(), Loss::Segment)),
        ("DNS", behind(target.dns, Loss::Segment)),
    ]
    .iter()
    .fold(SCENARIO.to_owned(), |text, (place, address)| {
        text.replace(&format!("target: {place},"), &format!("target: \"{address}\","))
    });
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("signs.yaml");
    std::fs::write(&file, scenario).unwrap();
    let output = Command::new(program("injector"))
        .args(["run", "--for", "3s", "--admin-address", "127.0.0.1:0", "--json", "-"])
        .args(["--target", &target.http.to_string(), "--target-admin", &target.admin.to_string()])
        .arg(&file)
        .stdin(Stdio::null())
        .output()
        .unwrap();
    let text = String::from_utf8(output.stderr).unwrap();
    let json = serde_json::from_slice(&output.stdout).unwrap_or_else(|error| panic!("{error}: {text}"));
    (json, text)
}

#[test]
fn lost_segments_are_counted_and_said() {
    run(async {
        let target = RunningTarget::start();
        let (json, text) = injected(&target);
        let (mut total, mut shared) = (0, 0);
        for operation in json["operations"].as_array().unwrap() {
            let (name, client) = (operation["name"].as_str().unwrap(), &operation["client"]);
            let sign = |sign: &str| client["signs"][sign].as_u64().unwrap_or(0);
            let resent = client["retransmits"].as_u64().unwrap();
            total += resent;
            assert_eq!(client["success"], 6, "{name}: the kernel makes up for it\n{text}");
            match name {
                "syn" => {
                    // On a machine that is too busy to notice the first in time, more are lost.
                    let lost = sign("syn_lost_once") + sign("syn_lost_twice") + sign("syn_lost_often");
                    assert!(lost >= 1 && resent >= lost, "{text}");
                    assert!(
                        text.contains("signs: syn: ") && client["service"]["max_us"].as_u64() >= Some(1_000_000),
                        "{text}"
                    );
                }
                "untouched" => assert_eq!((&client["signs"], resent), (&serde_json::json!({}), 0), "{text}"),
                // What is lost may be a frame of the connection's, for which no request waits, or an acknowledgement, which
                // nobody sends again.
                "two" | "call" => shared += resent,
                name => {
                    assert!(sign("segment_resent") >= 1 && resent >= 1, "{name}\n{text}");
                    assert!(text.contains(&format!("signs: {name}: ")), "{text}");
                    let network = client["network"]["max_us"].as_u64().unwrap();
                    assert!(network >= 200_000, "{name}: {network} µs\n{text}");
                }
            }
        }
        assert!(shared >= 1, "{text}");
        assert_eq!(json["total"]["retransmits"], total);
        assert!(text.contains(&format!(", {total} segments sent again\n")), "{text}");
        target.stop().await;
    });
}
