//! A run of the real injector through proxies, and what it must say in the end: exactly what the ledgers say was done.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::process::{Command, Stdio};

use serde_json::{Value, json};
use shared::protocol::Protocol;
use shared::units::counted;

use super::path::{DELAY, Deed, Path, TIMEOUT};
use crate::fixture::program;

/// How a run of the injector ended: its exit code, the JSON, the text.
pub(crate) struct Ended {
    pub(crate) exit: Option<i32>,
    pub(crate) json: Value,
    pub(crate) text: String,
}

/// Runs a scenario with these arguments beside it. On a thread of its own: proxies go on meanwhile.
pub(crate) async fn injected(scenario: String, arguments: &[String]) -> Ended {
    let arguments = arguments.to_vec();
    let run = tokio::task::spawn_blocking(move || {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("scenario.yaml");
        std::fs::write(&file, scenario).unwrap();
        let mut command = Command::new(program("injector"));
        command.args(["run", "--admin-address", "127.0.0.1:0", "--json", "-"]).args(&arguments).arg(&file);
        let output = command.stdin(Stdio::null()).output().unwrap();
        let text = String::from_utf8(output.stderr).unwrap();
        let json = serde_json::from_slice(&output.stdout).unwrap_or_else(|error| panic!("{error}: {text}"));
        Ended { exit: output.status.code(), json, text }
    });
    run.await.unwrap()
}

impl Ended {
    /// The run passed, but for the one thing that is this machine's doing: it may be busy.
    pub(super) fn assert_passed(&self) {
        let reasons = self.json["verdict"]["reasons"].as_array().unwrap();
        let is_busy = |reason: &Value| reason.as_str().unwrap().starts_with("generator saturated");
        assert!(reasons.iter().all(is_busy), "{}", self.text);
        assert_eq!(self.exit, Some(if reasons.is_empty() { 0 } else { 98 }), "{}", self.text);
    }
}

/// The class of a failure on the client's side; nothing for a success.
fn class(protocol: Protocol, deed: Deed) -> Option<&'static str> {
    use Protocol::*;
    Some(match (deed, protocol) {
        (Deed::Swallow | Deed::Mute | Deed::TooLate | Deed::Hold, _) => "timeout",
        (Deed::ResetBefore | Deed::ResetAfter, _) => "reset",
        (Deed::CloseBefore | Deed::CloseAfter, Http2 | Grpc) => "reset",
        (Deed::CloseBefore | Deed::CloseAfter, _) => "closed",
        (Deed::Half, Http2 | Grpc | DnsUdp) => "protocol",
        // The line is whole, the payload is not.
        (Deed::Half, Udp) => "validation",
        (Deed::Half, _) => "closed",
        (Deed::OwnBefore | Deed::OwnAfter, Tcp | Udp) => "protocol",
        (Deed::OwnBefore | Deed::OwnAfter, _) => "status",
        _ => return None,
    })
}

/// Whether what the client got is an answer with a code, however wrong.
fn is_answer(protocol: Protocol, deed: Deed) -> bool {
    let is_code = match deed {
        Deed::OwnBefore | Deed::OwnAfter => !matches!(protocol, Protocol::Tcp | Protocol::Udp),
        Deed::Half => protocol == Protocol::Udp,
        _ => false,
    };
    is_code || class(protocol, deed).is_none()
}

/// Compares one operation's part of the result with what was done to its requests.
pub(super) fn assert_told(ended: &Ended, operation: &str, protocol: Protocol, path: &Path) {
    let done = path.done(operation);
    let operations = ended.json["operations"].as_array().unwrap();
    let said = operations.iter().find(|said| said["name"] == operation).unwrap();
    let (client, server, difference) = (&said["client"], &said["server"], &said["difference"]);
    let planned = done.len() as u64;
    let sum = |of: &dyn Fn(Deed) -> u64| done.values().map(|deed| of(*deed)).sum::<u64>();
    let count = |of: &dyn Fn(Deed) -> bool| sum(&|deed| u64::from(of(deed)));

    let mut errors: BTreeMap<&str, u64> = BTreeMap::new();
    done.values().filter_map(|deed| class(protocol, *deed)).for_each(|class| *errors.entry(class).or_default() += 1);
    let failure = errors.values().sum::<u64>();
    let arrived = |deed: Deed| deed.arrivals() > 0;
    let received = sum(&Deed::arrivals);
    let request_lost = count(&|deed| !is_answer(protocol, deed) && !arrived(deed));
    let response_lost = count(&|deed| !is_answer(protocol, deed) && arrived(deed));
    let elsewhere = count(&|deed| deed == Deed::RetryElsewhere);
    let twice = count(&|deed| deed.arrivals() > 1);
    let told = json!({
        "planned": planned, "sent": planned, "success": planned - failure, "failure": failure, "errors": errors,
        "answered": count(&|deed| is_answer(protocol, deed)),
        "unanswered": {
            "total": request_lost + response_lost, "request_lost": request_lost, "response_lost": response_lost,
            "unknown": 0, "reasons": {},
        },
    });
    let side = told.as_object().unwrap().keys().map(|key| (key.clone(), client[key].clone()));
    assert_eq!(Value::Object(side.collect()), told, "{operation}: {}", ended.text);
    let answered: u64 = server["answered"].as_object().unwrap().values().map(|count| count.as_u64().unwrap()).sum();
    assert_eq!((&server["received"], answered), (&json!(received), received), "{operation}: {}", ended.text);
    assert_eq!(server["duplicates"], twice - elsewhere, "{operation}: {}", ended.text);
    let explained = json!({
        "duplicates": twice, "duplicates_elsewhere": elsewhere, "request_lost": request_lost,
        "response_lost": response_lost, "unknown": 0, "answered_wrong": 0, "restarted": false, "unexplained": 0,
        "path_answered": count(&|deed| is_answer(protocol, deed) && !arrived(deed)),
    });
    let side = explained.as_object().unwrap().keys().map(|key| (key.clone(), difference[key].clone()));
    assert_eq!(Value::Object(side.collect()), explained, "{operation}: {}", ended.text);

    let lost = request_lost + response_lost;
    let fates = (lost > 0).then(|| {
        format!(
            "unanswered: {operation}: of {lost} unanswered: {} lost, {} lost, 0 unknown\n",
            counted(request_lost, "request"),
            counted(response_lost, "answer"),
        )
    });
    let duplicates =
        (twice > 0).then(|| format!("duplicates: {operation}: {twice} arrived twice: something on the path"));
    for line in fates.iter().chain(&duplicates) {
        assert!(ended.text.contains(line), "{line:?} is not in {}", ended.text);
    }
    if done.values().any(|deed| *deed == Deed::Late) {
        let slowest = u128::from(client["network"]["max_us"].as_u64().unwrap());
        assert!((DELAY.as_micros()..TIMEOUT.as_micros()).contains(&slowest), "{operation}: {slowest} us");
    }
}

/// Arguments of a run of a second against a target with this admin port.
pub(super) fn for_a_second(admin: SocketAddr) -> Vec<String> {
    ["--for", "1s", "--target-admin", &admin.to_string()].map(str::to_owned).to_vec()
}
