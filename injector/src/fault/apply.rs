//! A rule on every replica, or on none: if one refuses or cannot be reached, what the others had before is put back.
//!
//! All or none is as good as the network is: a replica that is lost in the middle may keep the rule. That is said, with
//! the time at which the rule ends by itself, which is why every rule has a ttl.

use std::net::SocketAddr;

use serde_json::{Value, json};

use super::client::{Call, Client, Failure, Said, escaped, shown};
use super::report::{self, Done};
use super::rule::{Rule, Time};
use super::wire::Installed;
use crate::verdict::Exit;

/// How the rule was taken back from a replica that has it, or may have it.
enum Undone {
    Removed,
    /// The rule that was there before is there again.
    Restored,
    /// The rule that was there before could not be restored; neither rule is there now.
    Lost(Failure),
    /// The new rule may still be there.
    Failed(Failure),
}

impl Undone {
    fn as_str(&self) -> &'static str {
        match self {
            Undone::Removed => "removed again",
            Undone::Restored => "the rule of before restored",
            Undone::Lost(_) => "removed again, the rule of before not restored",
            Undone::Failed(_) => "not rolled back",
        }
    }
}

/// Installs the rule. `Ok`: it is on every replica, with what each says. `Err`: it is on none, as far as can be known.
///
/// # Errors
/// What each replica said, what was rolled back, and the exit code.
pub(super) async fn install(
    client: &Client,
    replicas: &[SocketAddr],
    id: &str,
    rule: &Rule,
) -> Result<Vec<Said<Installed>>, Box<Done>> {
    let doing = format!("installing rule {id:?}");
    let there: Vec<Said<Installed>> = client.all(replicas, &question(id)).await;
    let is_known = |one: &Said<Installed>| match &one.answer {
        Ok(_) => true,
        Err(failure) => failure.status() == Some(404),
    };
    let unknown: Vec<Said<Installed>> = there.iter().filter(|one| !is_known(one)).cloned().collect();
    if !unknown.is_empty() {
        return Err(Box::new(untouched(&doing, &there, &unknown, is_known)));
    }
    let before: Vec<Option<Installed>> = there
        .into_iter()
        .map(|one| one.answer.ok().map(|(_, rule)| rule).filter(|rule| !rule.state.is_over()))
        .collect();
    let body = serde_json::to_value(rule).expect("a rule has text keys only");
    let said: Vec<Said<Installed>> = client.all(replicas, &put(id, body)).await;
    if said.iter().all(|one| one.answer.is_ok()) {
        return Ok(said);
    }
    let undone = undo(client, id, &said, &before).await;
    Err(Box::new(taken_back(&doing, &said, &undone, rule.ttl)))
}

/// Of replicas of which some could not even be asked: what each said, and that nothing was done.
fn untouched(
    doing: &str,
    said: &[Said<Installed>],
    unknown: &[Said<Installed>],
    is_known: impl Fn(&Said<Installed>) -> bool,
) -> Done {
    let words = |one: &Said<Installed>| if is_known(one) { "reached, not changed" } else { "failed" };
    let mut objects = report::objects(said, "rule");
    for (object, one) in objects.iter_mut().zip(said) {
        // That there is no such rule yet is no error.
        if is_known(one) {
            object["ok"] = true.into();
            object["error"] = Value::Null;
        }
    }
    let reasons = report::reasons(unknown);
    let why = format!(
        "{doing} failed on {} of {} replicas{reasons}\nnothing was changed on any replica",
        unknown.len(),
        said.len()
    );
    Done {
        text: report::words(said, words),
        json: json!({ "ok": false, "replicas": objects }),
        end: Err((report::exit(unknown), why)),
    }
}

/// The question for a rule.
pub(super) fn question(id: &str) -> Call {
    Call { method: "GET", path: path(id), json: None }
}

/// The removal of a rule.
pub(super) fn removal(id: &str) -> Call {
    Call { method: "DELETE", path: path(id), json: None }
}

/// Where a rule is.
pub(super) fn path(id: &str) -> String {
    format!("/faults/{}", escaped(id))
}

fn put(id: &str, body: Value) -> Call {
    Call { method: "PUT", path: path(id), json: Some(body) }
}

/// Takes the rule back wherever it is or may be. In the replicas' order; nothing where there was nothing to do.
async fn undo(
    client: &Client,
    id: &str,
    said: &[Said<Installed>],
    before: &[Option<Installed>],
) -> Vec<Option<Undone>> {
    let touched = |one: &Said<Installed>| one.answer.as_ref().map_or_else(Failure::may_have_worked, |_| true);
    let mut undone: Vec<Option<Undone>> = said.iter().map(|_| None).collect();
    let places: Vec<usize> = (0..said.len()).filter(|at| touched(&said[*at])).collect();
    let back = |at: &usize| {
        let now = said[*at].answer.as_ref().ok().map(|(_, rule)| rule);
        let call = before[*at].as_ref().map_or_else(|| removal(id), |old| put(id, Value::Object(old.again(now))));
        (said[*at].replica, call)
    };
    let answers: Vec<Said<Value>> = client.each(places.iter().map(back)).await;
    let mut not_restored = Vec::new();
    for (at, one) in places.into_iter().zip(answers) {
        match (one.answer, &before[at]) {
            (Ok(_), None) => undone[at] = Some(Undone::Removed),
            (Ok(_), Some(_)) => undone[at] = Some(Undone::Restored),
            (Err(failure), None) => undone[at] = Some(Undone::Failed(failure)),
            (Err(failure), Some(_)) => not_restored.push((at, failure)),
        }
    }
    // No rule is better than the wrong one.
    let calls = not_restored.iter().map(|(at, _)| (said[*at].replica, removal(id)));
    let answers: Vec<Said<Value>> = client.each(calls).await;
    for ((at, why), one) in not_restored.into_iter().zip(answers) {
        undone[at] = Some(one.answer.map_or_else(Undone::Failed, |_| Undone::Lost(why)));
    }
    undone
}

fn taken_back(doing: &str, said: &[Said<Installed>], undone: &[Option<Undone>], ttl: Option<Time>) -> Done {
    let mut done = report::done(said, doing, "rule", |_| String::new());
    done.text = report::lines(said, |at, _| match &undone[at] {
        Some(undone) => format!("installed, then {}", undone.as_str()),
        None => "installed".to_owned(),
    });
    let mut why = String::new();
    for (one, undone) in said.iter().zip(undone) {
        let replica = one.replica;
        match undone {
            None => {}
            Some(Undone::Lost(failure)) => why += &format!("\n  {replica}: the rule of before is gone: {failure}"),
            Some(Undone::Failed(failure)) => {
                let until = until(one, ttl);
                why += &format!("\n  {replica}: not rolled back: {failure}; the rule may be there {until}");
            }
            Some(undone) => why += &format!("\n  {replica}: {}", undone.as_str()),
        }
    }
    let head = if why.is_empty() { "nothing was changed on any replica" } else { "rolled back:" };
    done.end = done.end.map_err(|(exit, reasons)| (exit, format!("{reasons}\n{head}{why}")));
    if let Some(objects) = done.json.get_mut("replicas").and_then(Value::as_array_mut) {
        for (object, undone) in objects.iter_mut().zip(undone) {
            object["rollback"] = json!(undone.as_ref().map(Undone::as_str));
        }
    }
    done
}

/// When a rule that could not be taken back ends.
fn until(one: &Said<Installed>, ttl: Option<Time>) -> String {
    let end = one.answer.as_ref().ok().and_then(|(_, rule)| rule.expires_at.as_deref());
    match (end, ttl) {
        (Some(end), _) => format!("until {}, when its ttl ends it", shown(end)),
        (None, Some(ttl)) => format!("until its ttl of {ttl} ends it"),
        (None, None) => "until its ttl ends it".to_owned(),
    }
}

/// What is said of a rule that is everywhere.
pub(super) fn installed(said: &[Said<Installed>]) -> Done {
    let text = report::lines(said, |_, (status, rule)| {
        let verb = if *status == 201 { "installed" } else { "replaced" };
        format!("{verb}, {}", report::life(rule))
    });
    Done { text, json: json!({ "ok": true, "replicas": report::objects(said, "rule") }), end: Ok(Exit::Passed) }
}
