//! The example for Alertmanager, held against the real one: where alerts go, and which hold which back.

use std::collections::BTreeSet;
use std::path::Path;
use std::process::{Child, Command, Stdio};

use serde_json::Value;

use super::{root, rules};
use crate::fixture::{ReservedPort, eventually, run};
use crate::promtool::words;
use crate::tools::require;

const FILE: &str = "docs/alertmanager.yaml";
const RELEASE: [&str; 3] = ["cluster=c", "namespace=n", "release=cl"];

/// What the rehearsed faults may hold back: what they do to the path. What tells of us is not among them.
const HELD_BACK: [&str; 14] = [
    "AnswerLoss",
    "ConnectFailures",
    "DNSFailures",
    "ErrorBudgetBurn",
    "FatesUnknown",
    "HiddenRetries",
    "LatencyBudgetBurn",
    "PathAnswers",
    "PathLoss",
    "Retransmits",
    "SidesDisagree",
    "TLSFailures",
    "ThresholdCrossed",
    "UnexplainedDifference",
];

#[test]
fn amtool_takes_it_and_routes_each_alert_by_its_severity() {
    let Some(amtool) = require("amtool") else { return };
    let output = Command::new(&amtool).arg("check-config").arg(root().join(FILE)).output().unwrap();
    assert!(output.status.success(), "{}", words(&output));
    let mut seen = BTreeSet::new();
    for rule in rules().iter().filter(|rule| rule["alert"].is_string()) {
        let (name, severity) = (rule["alert"].as_str().unwrap(), rule["labels"]["severity"].as_str().unwrap());
        if !seen.insert((name.to_owned(), severity.to_owned())) {
            continue;
        }
        let wanted = match severity {
            "critical" => "page",
            "warning" => "day",
            _ => "nobody",
        };
        let output = Command::new(&amtool)
            .args(["config", "routes", "test", "--verify.receivers", wanted, "--config.file"])
            .arg(root().join(FILE))
            .args([format!("alertname={name}"), format!("severity={severity}")])
            .output()
            .unwrap();
        assert!(output.status.success(), "{name}: {}", words(&output));
    }
}

/// Each of our alerts, beside one that holds others back: those of the same release are held back that should be, and no other.
#[test]
fn faults_hold_back_what_they_cause_in_the_same_release_only() {
    let (Some(amtool), Some(program)) = (require("amtool"), require("prometheus-alertmanager")) else { return };
    let rules = rules();
    let alerts: BTreeSet<&str> = rules.iter().filter_map(|rule| rule["alert"].as_str()).collect();
    let (port, folder) = (ReservedPort::new(), tempfile::tempdir().unwrap());
    let url = format!("--alertmanager.url=http://{}", port.address);
    let _ended = Ended(start(&program, folder.path(), &port.address.to_string()));
    run(eventually("Alertmanager answers", async || {
        let output = Command::new(&amtool).args(["alert", "query", &url]).output().unwrap();
        if output.status.success() { Ok(()) } else { Err(words(&output)) }
    }));
    let add = |name: &str, labels: &[&str]| {
        let output = Command::new(&amtool)
            .args(["alert", "add", &url, &format!("alertname={name}")])
            .args(labels)
            .output()
            .unwrap();
        assert!(output.status.success(), "{}", words(&output));
    };
    // Sources are added last: what is there already is held back as well.
    for name in alerts.iter().filter(|name| !name.ends_with("Down") && **name != "ContinuousLoadFaultsInjected") {
        add(name, &RELEASE);
        add(name, &["cluster=c", "namespace=n", "release=other"]);
        add(name, &["cluster=d", "namespace=n", "release=cl"]);
    }
    add("ContinuousLoadFaultsInjected", &RELEASE);
    add("ContinuousLoadErrorBudgetBurn", &["cluster=e", "severity=critical", "source=s"]);
    add("ContinuousLoadErrorBudgetBurn", &["cluster=e", "severity=warning", "source=s"]);
    add("ContinuousLoadErrorBudgetBurn", &["cluster=e", "severity=warning", "source=t"]);

    let mut wanted: BTreeSet<String> = HELD_BACK.iter().map(|name| format!("ContinuousLoad{name} c n cl  ")).collect();
    wanted.insert("ContinuousLoadErrorBudgetBurn e   s warning".to_owned());
    run(eventually("exactly those are held back", async || {
        let output =
            Command::new(&amtool).args(["alert", "query", &url, "--inhibited", "-o", "json"]).output().unwrap();
        let answer: Value = serde_json::from_slice(&output.stdout).map_err(|_| words(&output))?;
        let named = |alert: &Value| {
            let label = |name: &str| alert["labels"][name].as_str().unwrap_or("").to_owned();
            ["alertname", "cluster", "namespace", "release", "source", "severity"].map(label).join(" ")
        };
        let held: BTreeSet<String> = answer.as_array().unwrap().iter().map(named).collect();
        if held == wanted { Ok(()) } else { Err(format!("{held:#?}, not {wanted:#?}")) }
    }));
}

/// Ends its process.
struct Ended(Child);

impl Drop for Ended {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

fn start(program: &Path, folder: &Path, address: &str) -> Child {
    Command::new(program)
        .arg(format!("--config.file={}", root().join(FILE).display()))
        .arg(format!("--storage.path={}", folder.display()))
        .arg(format!("--web.listen-address={address}"))
        // Alone, without a port to gossip on.
        .args(["--cluster.listen-address=", "--log.level=warn"])
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .unwrap()
}
