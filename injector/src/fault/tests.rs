//! The commands against replicas that behave, refuse, break and are not there.

pub(crate) mod fake;

use std::io::Write as _;

use clap::Parser;
use serde_json::{Value, json};

use self::fake::{Fake, Manner};
use super::*;
use crate::cli::{Cli, Command};

const RULE: [&str; 7] = ["apply", "x", "--ttl", "5m", "--fault", "status=503", "--percent=25"];

/// What a command line does.
pub(crate) async fn told(words: &[&str], admin: &[SocketAddr]) -> Result<Done, (Exit, String)> {
    let list = replicas::list(admin).replace(' ', "");
    let flag = if admin.is_empty() { vec![] } else { vec!["--admin", &list] };
    let cli = Cli::try_parse_from([&["injector", "fault"], words, &flag].concat());
    let cli = cli.unwrap_or_else(|error| panic!("{error}"));
    let Command::Fault(args) = &cli.command else { panic!("another command") };
    execute(&args.command).await
}

pub(crate) async fn fault(words: &[&str], fakes: &[Fake]) -> Done {
    let admin: Vec<SocketAddr> = fakes.iter().map(|fake| fake.address).collect();
    told(words, &admin).await.unwrap()
}

async fn fakes<const N: usize>() -> [Fake; N] {
    let mut started = Vec::new();
    for _ in 0..N {
        started.push(Fake::start().await);
    }
    started.try_into().ok().unwrap()
}

/// The object of one replica.
fn of<'a>(done: &'a Done, fake: &Fake) -> &'a Value {
    let address = fake.address.to_string();
    let objects = done.json["replicas"].as_array().unwrap();
    objects.iter().find(|object| object["address"] == address.as_str()).unwrap()
}

/// A rule as a replica tells it.
fn old(id: &str) -> Value {
    json!({
        "id": id, "owner": "team/a", "ttl": "10m", "start_after": "1m", "match": { "path": "/old", "host": null },
        "max_hits": 10, "ramp": { "from": 0, "over": "30s" }, "fault": "status=500", "brand_new_key": 7,
        "state": "active", "revision": 3, "expires_in_seconds": 90.4, "hits": 4, "injected": 3, "overflow": 0,
        "created_at": "2026-01-01T00:00:00Z", "expires_at": "2026-01-01T00:10:00Z", "source": "rule",
    })
}

fn message(done: &Done) -> (Exit, &str) {
    let (exit, message) = done.end.as_ref().unwrap_err();
    (*exit, message)
}

#[tokio::test]
async fn a_rule_goes_to_every_replica_once() {
    let fakes = fakes::<3>().await;
    let done = fault(&RULE, &fakes).await;
    assert_eq!(done.end, Ok(Exit::Passed));
    assert_eq!(done.json["ok"], true);
    for fake in &fakes {
        let kept = fake.kept();
        assert_eq!(kept.asked, ["GET /faults/x", "PUT /faults/x"]);
        let body = json!({ "id": "x", "ttl": "5m", "match": {}, "percent": 25, "fault": "status=503" });
        assert_eq!(kept.bodies, [body]);
        assert_eq!(kept.headers["content-type"], "application/json");
        assert!(kept.headers["user-agent"].to_str().unwrap().starts_with("continuous-load-injector/"));
        assert_eq!(of(&done, fake)["status"], 201);
        assert_eq!(of(&done, fake)["rule"]["expires_at"], "2026-01-01T00:05:00Z");
        assert!(done.text.contains(&format!("{}  installed, active, ends in 5m\n", fake.address)), "{}", done.text);
    }
}

#[tokio::test]
async fn every_flag_reaches_the_body() {
    let fakes = fakes::<1>().await;
    let flags = "apply x --fault status=503 --ttl 5m --start-after 10s --protocol http,grpc --path /a/* --method GET,PUT \
                 --host h --header a=b --header c=d --grpc-method p.S/M --dns-name n. --dns-type AAAA \
                 --source 127.0.0.0/8,::1/128 --every 3 --offset 2 --max-hits 9 --ramp 60s --priority 7 --owner o --reason r --seed 42 \
                 --override-request";
    let done = fault(&flags.split_whitespace().collect::<Vec<_>>(), &fakes).await;
    assert_eq!(done.end, Ok(Exit::Passed));
    let body = json!({
        "id": "x", "owner": "o", "reason": "r", "ttl": "5m", "start_after": "10s", "priority": 7, "every": 3, "offset": 2, "max_hits": 9,
        "match": {
            "protocol": ["http", "grpc"], "path": "/a/*", "method": ["GET", "PUT"], "host": "h",
            "headers": { "a": "b", "c": "d" }, "grpc_method": "p.S/M", "dns_name": "n.", "dns_type": ["AAAA"],
            "source": ["127.0.0.0/8", "::1/128"],
        },
        "ramp": { "from": 0, "over": "1m" }, "seed": 42, "fault": "status=503", "override_request": true,
    });
    assert_eq!(fakes[0].kept().bodies, [body]);
}

#[tokio::test]
async fn one_refusal_takes_the_rule_back_everywhere_and_restores_what_was_there() {
    let [fresh, with_old, refusing] = fakes::<3>().await;
    let with_old = with_old.with_rule(old("x"));
    let refusing = refusing.with_rule(old("x")).has(|kept| kept.manner = Manner::Refuses);
    let done = fault(&RULE, &[fresh.clone(), with_old.clone(), refusing.clone()]).await;
    let (exit, why) = message(&done);
    assert_eq!(exit, Exit::Failed);
    for part in [
        format!(
            "installing rule \"x\" failed on 1 of 3 replicas\n  {}: answered 400: ttl: 2h is too long",
            refusing.address
        ),
        "expected at most 1h; and it is  [31mred".to_owned(),
        format!("  {}: removed again", fresh.address),
        format!("  {}: the rule of before restored", with_old.address),
    ] {
        assert!(why.contains(&part), "{part} is not in {why}");
    }
    assert!(fresh.kept().rules.is_empty());
    assert_eq!(refusing.kept().asked, ["GET /faults/x", "PUT /faults/x"]);
    // What it had left: of its 10 minutes 90 seconds, of its 10 strikes 7; the start and the ramp are long past.
    let again = json!({
        "id": "x", "owner": "team/a", "ttl": "1m30s", "start_after": "0s", "match": { "path": "/old", "host": null },
        "max_hits": 7, "fault": "status=500", "brand_new_key": 7,
    });
    assert_eq!(with_old.kept().bodies[1], again);
    assert_eq!(of(&done, &fresh)["rollback"], "removed again");
    assert_eq!(of(&done, &refusing)["rollback"], Value::Null);
    assert_eq!((&of(&done, &refusing)["ok"], &of(&done, &refusing)["status"]), (&json!(false), &json!(400)));
}

/// The target goes on with such a rule and its counts; putting it back must not begin it anew.
#[tokio::test]
async fn a_rule_that_was_only_prolonged_gets_its_time_back_and_nothing_else() {
    let [same, refusing] = fakes::<2>().await;
    let mut before = old("x");
    for (key, value) in [("fault", "status=503"), ("ttl", "4m")] {
        before[key] = json!(value);
    }
    for key in ["brand_new_key", "max_hits", "ramp", "start_after"] {
        before.as_object_mut().unwrap().remove(key);
    }
    before["match"] = json!({});
    before["percent"] = json!(25);
    let same = same.with_rule(before);
    let refusing = refusing.has(|kept| kept.manner = Manner::Refuses);
    let words = [&RULE[..], &["--owner", "me", "--reason", "r"]].concat();
    fault(&words, &[same.clone(), refusing]).await;
    let again =
        json!({ "id": "x", "owner": "team/a", "ttl": "1m30s", "match": {}, "percent": 25, "fault": "status=503" });
    assert_eq!(same.kept().bodies[1], again);
}

#[tokio::test]
async fn an_expired_rule_is_not_revived() {
    let [expired, refusing] = fakes::<2>().await;
    let mut over = old("x");
    over["state"] = json!("expired");
    let expired = expired.with_rule(over);
    let refusing = refusing.has(|kept| kept.manner = Manner::Refuses);
    fault(&RULE, &[expired.clone(), refusing]).await;
    assert_eq!(expired.kept().asked, ["GET /faults/x", "PUT /faults/x", "DELETE /faults/x"]);
}

#[tokio::test]
async fn a_replica_that_may_have_the_rule_is_rolled_back_too() {
    for (manner, exit, words) in
        [(Manner::Breaks, Exit::Failed, "answered 500: broken"), (Manner::HangsUp, Exit::Unreachable, "is not known")]
    {
        let [good, broken] = fakes::<2>().await;
        let broken = broken.has(|kept| kept.manner = manner);
        let done = fault(&RULE, &[good.clone(), broken.clone()]).await;
        let (ended, why) = message(&done);
        assert_eq!(ended, exit, "{manner:?}: {why}");
        assert!(why.contains(words), "{manner:?}: {why}");
        assert!(why.contains(&format!("  {}: removed again", broken.address)), "{manner:?}: {why}");
        assert!(good.kept().rules.is_empty() && broken.kept().rules.is_empty(), "{manner:?}");
    }
}

#[tokio::test]
async fn a_roll_back_that_fails_says_when_the_rule_ends() {
    let [stubborn, refusing] = fakes::<2>().await;
    let stubborn = stubborn.with_rule(old("x")).has(|kept| kept.manner = Manner::Stubborn);
    let refusing = refusing.has(|kept| kept.manner = Manner::Refuses);
    let done = fault(&RULE, &[stubborn.clone(), refusing]).await;
    let line = format!(
        "  {}: not rolled back: answered 500: out of order; the rule may be there until 2026-01-01T00:05:00Z",
        stubborn.address
    );
    assert!(message(&done).1.contains(&line), "{}", message(&done).1);
    assert_eq!(of(&done, &stubborn)["rollback"], "not rolled back");
}

#[tokio::test]
async fn nothing_is_changed_if_one_replica_is_not_there() {
    let [good] = fakes::<1>().await;
    // Bound and not listening: nobody else can get this port, and nobody answers on it.
    let socket = tokio::net::TcpSocket::new_v4().unwrap();
    socket.bind(SocketAddr::from(([127, 0, 0, 1], 0))).unwrap();
    let absent = socket.local_addr().unwrap();
    let done = told(&RULE, &[good.address, absent]).await.unwrap();
    let (exit, why) = message(&done);
    assert_eq!(exit, Exit::Unreachable);
    assert!(why.contains(&format!("{absent}: unreachable: the connection was refused")), "{why}");
    assert!(why.ends_with("nothing was changed on any replica"), "{why}");
    assert_eq!(good.kept().asked, ["GET /faults/x"]);
}

#[tokio::test]
async fn strikes_are_waited_for_on_all_replicas_together() {
    let [often, seldom] = fakes::<2>().await;
    let often = often.has(|kept| kept.strikes = 3);
    let seldom = seldom.has(|kept| kept.strikes = 1);
    let words = [&RULE[..], &["--wait-injected", "8", "--timeout", "60s"]].concat();
    let done = fault(&words, &[often.clone(), seldom.clone()]).await;
    assert_eq!(done.end, Ok(Exit::Passed));
    // The third look is the first that sees 8.
    assert_eq!((&done.json["end"], &done.json["injected"]), (&json!("reached"), &json!(8)));
    assert_eq!(of(&done, &often)["injected"], 6);
    assert_eq!(often.kept().asked.len(), 5);
}

#[tokio::test]
async fn strikes_that_do_not_come_end_with_the_time() {
    let fakes = fakes::<2>().await;
    let words = [&RULE[..], &["--wait-injected", "1", "--timeout", "300ms"]].concat();
    let done = fault(&words, &fakes).await;
    let (exit, why) = message(&done);
    assert_eq!(exit, Exit::Failed);
    assert!(why.starts_with("rule \"x\" injected 0 of 1 within 300ms"), "{why}");
    assert_eq!(done.json["end"], "timed_out");
    // The rule stays: its user may want to look, and its ttl ends it.
    assert_eq!(fakes[0].kept().rules.len(), 1);
}

#[tokio::test]
async fn a_rule_that_is_over_is_not_waited_for() {
    let [expired, forgot] = fakes::<2>().await;
    let mut over = old("x");
    over["state"] = json!("expired");
    let expired = expired.with_rule(over);
    let words = ["wait", "x", "--injected", "4", "--timeout", "1h"];
    let done = fault(&words, &[expired.clone(), forgot.clone()]).await;
    let (exit, why) = message(&done);
    assert_eq!(exit, Exit::Failed);
    assert!(why.starts_with("rule \"x\" injected 3 of 4, and it is over on every replica"), "{why}");
    assert_eq!(done.json["end"], "over");
    assert!(message(&fault(&words, &[forgot]).await).1.starts_with("no replica has a rule \"x\""));
}

#[tokio::test]
async fn the_list_is_a_table_with_each_rule_together() {
    let [one, two] = fakes::<2>().await;
    let mut long = old("a");
    long["fault"] = json!("status=503&".repeat(30));
    long["match"] = json!({ "method": ["GET", "PUT"], "headers": { "k": "v" }, "source": [] });
    long["percent"] = json!(25);
    long["owner"] = json!("other");
    let one = one.with_rule(old("x")).with_rule(long);
    let two = two.with_rule(old("x"));
    let both = [one.clone(), two.clone()];
    let done = fault(&["list"], &both).await;
    assert_eq!(done.end, Ok(Exit::Passed));
    let lines: Vec<Vec<&str>> = done.text.lines().map(|line| line.split_whitespace().collect()).collect();
    assert_eq!(lines[0][..4], ["replica", "id", "state", "fault"]);
    assert_eq!(lines[1][4..], ["headers=k:v", "method=GET|PUT", "25%", "4", "3", "0", "1m30s"]);
    assert!(lines[1][3].ends_with('…') && lines[1][3].chars().count() == 60);
    let mut replicas: Vec<SocketAddr> = both.iter().map(|fake| fake.address).collect();
    replicas.sort_unstable();
    for (line, replica) in lines[2..].iter().zip(replicas) {
        let replica = replica.to_string();
        assert_eq!(*line, [&replica, "x", "active", "status=500", "path=/old", "4", "3", "0", "1m30s"]);
    }
    assert_eq!(fault(&["list", "--owner", "other"], &both).await.text.lines().count(), 2);
    let none = fault(&["list", "--state", "expired"], &both).await;
    assert_eq!(none.text, "no rules on 2 replicas\n");
    assert_eq!(of(&done, &two)["list"]["faults"][0], two.kept().rules["x"]);
}

#[tokio::test]
async fn the_token_is_sent_and_a_wrong_one_explained() {
    let [fake] = fakes::<1>().await;
    let fake = fake.has(|kept| kept.token = Some("s3cret"));
    let mut file = tempfile::NamedTempFile::new().unwrap();
    let path = file.path().display().to_string();
    let words = ["list", "--token-file", &path];
    let one = [fake.clone()];
    let empty = told(&words, &[fake.address]).await.err().unwrap();
    assert_eq!(empty.0, Exit::Usage);
    assert!(empty.1.contains(&path) && empty.1.contains("0 bytes"), "{}", empty.1);
    write!(file, " s3cret\n\n").unwrap();
    assert_eq!(fault(&words, &one).await.end, Ok(Exit::Passed));
    write!(file, "and more").unwrap();
    let broken = told(&words, &[fake.address]).await.err().unwrap();
    assert!(!broken.1.contains("s3cret"), "{}", broken.1);
    fake.kept().token = Some("another");
    let mut other = tempfile::NamedTempFile::new().unwrap();
    write!(other, "wrong").unwrap();
    let wrong = fault(&["list", "--token-file", &other.path().display().to_string()], &one).await;
    assert!(
        message(&wrong).1.contains("answered 401: no valid token (the token file must hold"),
        "{}",
        message(&wrong).1
    );
    let without = fault(&["list"], &one).await;
    assert!(message(&without).1.contains("--token-file FILE"), "{}", message(&without).1);
}

#[tokio::test]
async fn removal_says_what_there_was_to_remove() {
    let [one, two] = fakes::<2>().await;
    let one = one.with_rule(old("x")).with_rule(old("y"));
    let both = [one.clone(), two.clone()];
    let lines = |done: &Done, fake: &Fake, words: &str| done.text.contains(&format!("{}  {words}\n", fake.address));
    let done = fault(&["remove", "x"], &both).await;
    assert_eq!(done.end, Ok(Exit::Passed));
    assert!(lines(&done, &one, "removed") && lines(&done, &two, "nothing to remove"), "{}", done.text);
    let one = one.with_rule(old("x"));
    let done = fault(&["remove", "--owner", "team/a"], &both).await;
    assert_eq!(done.end, Ok(Exit::Passed));
    assert!(lines(&done, &one, "removed 2") && lines(&done, &two, "nothing to remove"), "{}", done.text);
    assert_eq!(one.kept().asked.last().unwrap(), "DELETE /faults?owner=team%2Fa");
    assert_eq!(of(&done, &one)["answer"]["removed"], 2);
}

#[tokio::test]
async fn the_other_commands_ask_what_they_say() {
    let [one, two] = fakes::<2>().await;
    let one = one.with_rule(old("x y"));
    let both = [one.clone(), two.clone()];
    let renewed = fault(&["renew", "x y", "--ttl", "2m"], &both).await;
    let (exit, why) = message(&renewed);
    assert_eq!((exit, one.kept().bodies[0].clone()), (Exit::Failed, json!({ "ttl": "2m" })));
    assert!(why.contains(&format!("{}: answered 404: there is no rule", two.address)), "{why}");
    assert_eq!(two.kept().asked, ["POST /faults/x%20y/renew"]);
    let off = fault(&["switch", "off", "--ttl", "20m"], &both).await;
    assert_eq!(off.end, Ok(Exit::Passed));
    assert_eq!(two.kept().bodies.last().unwrap(), &json!({ "enabled": false, "ttl": "20m" }));
    assert_eq!(fault(&["switch", "off"], &both).await.end, Ok(Exit::Passed));
    assert_eq!(two.kept().bodies.last().unwrap()["ttl"], "1h");
    let (exit, why) = told(&["switch", "on", "--ttl", "1m"], &[]).await.err().unwrap();
    assert_eq!((exit, why.contains("--ttl")), (Exit::Usage, true));
    let events = fault(&["events", "--since", "2"], &both).await;
    assert!(events.text.contains(&format!("{}  id=x kind=installed revision=3\n", two.address)), "{}", events.text);
}

#[tokio::test]
async fn one_replica_is_chosen_from_the_list() {
    let [one, two] = fakes::<2>().await;
    let both = [one.clone(), two.clone()];
    let chosen = two.address.to_string();
    assert_eq!(fault(&["remove", "x", "--replica", &chosen], &both).await.end, Ok(Exit::Passed));
    assert!(one.kept().asked.is_empty() && two.kept().asked.len() == 1);
    let (exit, why) = told(&["remove", "x", "--replica", &chosen], &[one.address]).await.err().unwrap();
    assert_eq!(exit, Exit::Usage);
    assert!(why.ends_with(&format!("these are {}", one.address)), "{why}");
}
