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

/// A few lines for a person.
fn words_of(status: &Value) -> String {
    let text = |value: &Value| value.as_str().map(shown).unwrap_or_else(|| value.to_string());
    let number = |value: &Value| value.as_f64().unwrap_or_default();
    let phase = &status["phase"];
    let mut lines = format!(
        "{} {}: phase {} ({} of {}), {:.1}/s planned, {:.1}/s achieved, scale {}\n",
        text(&status["scenario"]),
        text(&status["state"]),
        text(&phase["name"]),
        phase["number"],
        phase["of"],
        number(&status["rate"]["planned"]),
        number(&status["rate"]["achieved"]),
        text(&status["scale"]),
    );
    for operation in status["operations"].as_array().into_iter().flatten() {
        let off = if operation["enabled"] == false { "  off" } else { "" };
        let ok = operation["success_ratio"].as_f64();
        let ok = ok.map_or("    -".to_owned(), |ratio| format!("{:5.1}%", ratio * 100.0));
        let p99 = operation["latency_seconds"]["response"]["p99"].as_f64();
        let p99 = p99.map_or("-".to_owned(), |seconds| format!("{:.3} ms", seconds * 1e3));
        lines.push_str(&format!(
            "  {:20} {:>8.1}/s  ok {ok}  response p99 {p99}  in flight {}{off}\n",
            text(&operation["name"]),
            number(&operation["rate"]["planned"]),
            operation["totals"]["in_flight"],
        ));
    }
    lines
}
