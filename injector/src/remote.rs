//! `injector control`: asks one injector's admin port to change its run, and prints how it stands then.
//!
//! One question, never asked again by itself: whoever pauses twice is told so.

use std::io::Write as _;

use serde_json::{Value, json};
use shared::protocol::INJECTOR_ADMIN_PORT;

use crate::cli::{ControlArgs, ControlCommand, InjectorArgs};
use crate::fault::client::{Call, Client, Failure, escaped, shown};
use crate::names::Names;
use crate::plan::Scheme;
use crate::table::ms;
use crate::target::{QUESTION_TIMEOUT, words};
use crate::verdict::Exit;

/// Asks, prints, and says how it went.
///
/// # Errors
/// In words, with the exit code: 1 if it was refused, 2 for wrong flags, 97 if nobody answered.
pub fn run(args: &ControlArgs) -> Result<Exit, (Exit, String)> {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .map_err(|error| (Exit::Invalid, error.to_string()))?;
    let answer = runtime.block_on(ask(&args.injector, &call(&args.command)))?;
    let status: Value = serde_json::from_slice(&answer)
        .map_err(|error| (Exit::Failed, format!("no answer of an injector: {}", shown(&error.to_string()))))?;
    let text = if args.injector.json { format!("{status}\n") } else { words_of(&status) };
    // If nobody reads, the exit code still says it.
    let _ = std::io::stdout().lock().write_all(text.as_bytes());
    Ok(Exit::Passed)
}

fn call(command: &ControlCommand) -> Call {
    let post = |what: &str, json: Option<Value>| Call { method: "POST", path: format!("/api/v1/{what}"), json };
    let operation = |name: &str, json: Value| post(&format!("operations/{}", escaped(name)), Some(json));
    match command {
        ControlCommand::Status => Call { method: "GET", path: "/api/v1/status".to_owned(), json: None },
        ControlCommand::Start { at: None } => post("start", None),
        ControlCommand::Start { at: Some(at) } => {
            let at = at.parse::<u64>().map_or_else(|_| json!(at), |ms| json!(ms));
            post("start", Some(json!({ "at": at })))
        }
        ControlCommand::Pause => post("pause", None),
        ControlCommand::Resume => post("resume", None),
        ControlCommand::Stop => post("stop", None),
        ControlCommand::Rate { rate, operation: None } => post("rate", Some(json!({ "rate": rate.to_string() }))),
        ControlCommand::Rate { rate, operation: Some(name) } => operation(name, json!({ "rate": rate.to_string() })),
        ControlCommand::Scale { scale } => post("scale", Some(json!({ "scale": scale.to_string() }))),
        ControlCommand::Enable { operation: name } => operation(name, json!({ "enabled": true })),
        ControlCommand::Disable { operation: name } => operation(name, json!({ "enabled": false })),
    }
}

async fn ask(args: &InjectorArgs, call: &Call) -> Result<Vec<u8>, (Exit, String)> {
    if args.address.scheme == Some(Scheme::Https) {
        return Err((Exit::Usage, "--injector https://..: the admin port has no TLS; expected host:port".to_owned()));
    }
    let endpoint = args.address.endpoint(INJECTOR_ADMIN_PORT);
    let unreachable = |why: String| (Exit::Unreachable, format!("injector {endpoint}: {why}"));
    let client = Client::new(args.token_file.as_deref(), args.request_timeout).map_err(|why| (Exit::Usage, why))?;
    let names = Names::asking(args.nameserver, QUESTION_TIMEOUT).map_err(|error| unreachable(error.to_string()))?;
    let found = names.all(&endpoint).await.map_err(|class| unreachable(words(class).to_owned()))?;
    let mut last = Failure::Unreachable("the name has no address".to_owned());
    for address in found {
        match client.ask(address, call).await {
            Ok((200, body)) => return Ok(body),
            Ok((status, body)) => {
                return Err((Exit::Failed, format!("injector {endpoint}: {}", refusal(status, &body))));
            }
            // Another address of the same name, as for `localhost`; what may have arrived is not sent again.
            Err(failure @ Failure::Unreachable(_)) => last = failure,
            Err(failure) => return Err(unreachable(failure.to_string())),
        }
    }
    Err(unreachable(last.to_string()))
}

/// What is wrong, and what would be accepted.
fn refusal(status: u16, body: &[u8]) -> String {
    let said: Value = serde_json::from_slice(body).unwrap_or_default();
    let field = |name: &str| said["error"][name].as_str().map(shown);
    let remedy = match status {
        401 => " (--token-file FILE or CLOAD_API_TOKEN_FILE)",
        404 if said["error"].is_null() => " (is this the admin port of an injector?)",
        _ => "",
    };
    match (field("reason"), field("expected")) {
        (Some(reason), Some(expected)) => format!("{status}: {reason}; expected {expected}{remedy}"),
        _ => format!("{status}{remedy}"),
    }
}

/// A few lines for a person: how it goes on, what was set, all requests so far, and then what each operation was like lately.
fn words_of(status: &Value) -> String {
    let mut lines = standing(status);
    lines.push_str(&totals(&status["totals"]));
    for threshold in list(&status["thresholds"]) {
        let (mark, word) = match threshold["result"].as_str() {
            Some("holds") => ('✓', "holds"),
            Some("crossed") => ('✗', "crossed"),
            _ => ('?', "no data"),
        };
        lines.push_str(&format!("  {mark} {word:<7}  {}\n", text(&threshold["threshold"])));
    }
    let operations = list(&status["operations"]);
    let width = operations.iter().map(|operation| text(&operation["name"]).chars().count()).max().unwrap_or(0);
    lines.push_str(&format!("the last {:.0} s:\n", number(&status["window_seconds"])));
    for operation in operations {
        let off = match (&operation["left"], &operation["enabled"]) {
            (Value::Bool(true), _) => "  left",
            (_, Value::Bool(false)) => "  off",
            _ => "",
        };
        let ok = operation["success_ratio"].as_f64();
        let ok = ok.map_or("-".to_owned(), |ratio| format!("{:.1}%", ratio * 100.0));
        let p99 = operation["latency_seconds"]["response"]["p99"].as_f64();
        let p99 = p99.map_or("-".to_owned(), |seconds| format!("{} ms", ms(Some((seconds * 1e6).round() as u64))));
        lines.push_str(&format!(
            "  {:width$} {:>8.1}/s  ok {ok:>6}  response p99 {p99:>9}  in flight {}{off}\n",
            text(&operation["name"]),
            number(&operation["rate"]["planned"]),
            operation["totals"]["in_flight"],
        ));
    }
    lines
}

/// What it does, for how long, at which rate, and who said so.
fn standing(status: &Value) -> String {
    let mut lines = format!(
        "{} {} ({:.0} s): {:.1}/s planned, {:.1}/s achieved, scale {}\n",
        text(&status["scenario"]),
        text(&status["state"]),
        number(&status["elapsed_seconds"]),
        number(&status["rate"]["planned"]),
        number(&status["rate"]["achieved"]),
        text(&status["scale"]),
    );
    // A file that names no phases has one all the same.
    let phase = &status["phase"];
    if phase["of"].as_u64() > Some(1) {
        let waits = phase["waits_for"].as_str().map_or_else(String::new, |name| format!(", waits for {}", shown(name)));
        lines.push_str(&format!("  phase {} ({} of {}){waits}\n", text(&phase["name"]), phase["number"], phase["of"]));
    }
    if let Some(at) = status["starts_at"].as_str() {
        lines.push_str(&format!("  starts at {}\n", shown(at)));
    }
    let set: Vec<String> = list(&status["set_by_hand"]).iter().map(text).collect();
    if !set.is_empty() {
        lines.push_str(&format!("  set by hand, over the scenario: {}\n", set.join(", ")));
    }
    lines
}

/// Since the start; what did not occur is left out.
fn totals(totals: &Value) -> String {
    let count = |name: &str| totals[name].as_i64().unwrap_or_default();
    let parts = [
        (count("failed"), "failed"),
        (count("dropped_late") + count("dropped_limit"), "dropped"),
        (count("interrupted"), "cut off"),
        (count("in_flight"), "in flight"),
    ];
    let parts = parts.into_iter().filter(|(count, _)| *count != 0).map(|(count, what)| format!(", {count} {what}"));
    format!("  in all {} planned, {} right{}\n", count("planned"), count("success"), parts.collect::<String>())
}

fn list(value: &Value) -> &[Value] {
    value.as_array().map_or(&[], Vec::as_slice)
}

fn text(value: &Value) -> String {
    value.as_str().map(shown).unwrap_or_else(|| value.to_string())
}

fn number(value: &Value) -> f64 {
    value.as_f64().unwrap_or_default()
}

#[cfg(test)]
mod tests;
