//! The scenario that the chart makes: the injector accepts it, its rates are those that were asked for, and the schema of the
//! values knows its keys.

use std::collections::BTreeSet;
use std::fs;

use injector::plan::{Overrides, Plan};
use injector::preflight::System;
use injector::rate::Rate;
use injector::scenario::Scenario;
use serde_json::{Value, json};

use super::helm::{Helm, chart, each};
use super::matrix::matrix;
use crate::process::output;

/// What `injector check` says of a scenario, and whether it accepts it.
fn check(text: &str) -> (bool, String) {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("scenario.yaml");
    fs::write(&file, text).unwrap();
    let output = output("injector", &["check", file.to_str().unwrap()]);
    (output.status.success(), String::from_utf8([output.stdout, output.stderr].concat()).unwrap())
}

#[test]
fn the_injector_accepts_every_scenario() {
    let Some(rendered) = matrix() else { return };
    let scenarios: BTreeSet<_> = rendered.iter().filter_map(|one| one.objects.scenario()).collect();
    assert!(scenarios.len() >= 6, "{}", scenarios.len());
    for scenario in &scenarios {
        let (is_accepted, said) = check(scenario);
        assert!(is_accepted, "{said}\n{scenario}");
    }
    assert!(!check("target: x\nmix: []\n").0, "a check that refuses nothing proves nothing");
}

/// All operations of all replicas together send what was asked for, exactly.
#[test]
fn rates_are_shared_without_a_remainder() {
    let Some(helm) = Helm::find() else { return };
    let cases: [(&str, u64, &str, &str, &str); 7] = [
        // (mode, replicas, total, an operation's own rate, the rate of one as written)
        ("deployment", 1, "10/s", "1/s", "10/s"),
        ("deployment", 3, "10/s", "600/m", "10/3s"),
        ("deployment", 7, "0.001/s", "1/h", "0.001/7s"),
        ("deployment", 12, "1/5s", "2.5/s", "1/60s"),
        ("job", 5, "72000/s", "7/2h", "72000/5s"),
        ("cronjob", 2, "3/m", "1/s", "3/2m"),
        ("daemonset", 1, "4/s", "1/s", "4/s"),
    ];
    each(&cases, |(mode, replicas, total, own, written)| {
        let share = match *mode {
            "daemonset" => format!("daemonset: {{ ratePerNode: {total} }}"),
            mode => format!("totalRate: {total}, {mode}: {{ replicas: {replicas} }}"),
        };
        let mix = format!("mix: [{{ name: a, weight: 1, http: {{}} }}, {{ name: b, rate: {own}, http: {{}} }}]");
        let objects = helm.objects(&format!("injector: {{ mode: {mode}, {share}, scenario: {{ {mix} }} }}"));
        let text = objects.scenario().unwrap();
        assert!(text.contains(&format!("\nrate: {written}\n")), "{text}");

        let scenario = Scenario::parse("scenario.yaml", &text).unwrap();
        let plan = Plan::new(&scenario, &Overrides::default(), &System::read().unwrap())
            .unwrap_or_else(|problems| panic!("{problems}\n{text}"));
        for (operation, asked) in plan.operations.iter().zip([total, own]) {
            let (one, all): (Rate, Rate) = (operation.rate, asked.parse().unwrap());
            let (events, seconds) = (u128::from(one.events().get()) * u128::from(*replicas), one.seconds().get());
            let wanted = u128::from(all.events().get()) * u128::from(seconds);
            assert_eq!(events * u128::from(all.seconds().get()), wanted, "{mode}: {asked} by {replicas}: {one}");
        }
    });
}

/// Every operation goes to the port that the service has for it, and the account is asked of every pod.
#[test]
fn operations_go_where_the_service_listens() {
    let Some(helm) = Helm::find() else { return };
    let host = "r-continuous-load-target.ns.svc.cluster.local";
    let headless = "r-continuous-load-target-headless.ns.svc.cluster.local";
    let ports = "http: 81, https: 82, grpc: 83, tcp: 84, udp: 85, dns: 86";
    let mix = "[{ name: http, weight: 1, http: {} }, { name: https, weight: 1, tls: { verify: false }, http: {} }, \
        { name: grpc, weight: 1, grpc: {} }, { name: grpcs, weight: 1, tls: { verify: false }, grpc: {} }, \
        { name: tcp, weight: 1, tcp: {} }, { name: udp, weight: 1, udp: {} }, { name: dns, weight: 1, dns: {} }, \
        { name: other, weight: 1, target: \"b.test:7\", tcp: { plain: true } }]";
    let tls = "tls: { existingSecret: s }";
    for (target, injector, wanted) in [
        (
            format!("{tls}, service: {{ ports: {{ {ports} }} }}"),
            String::new(),
            [(host, 81), (host, 82), (host, 83), (host, 82), (host, 84), (host, 85), (host, 86)],
        ),
        (
            format!("{tls}, service: {{ ports: {{ {ports} }} }}"),
            "target: { via: headless }, ".to_owned(),
            [9898, 9899, 9999, 9899, 9007, 9007, 1053].map(|port| (headless, port)),
        ),
        (
            "enabled: false".to_owned(),
            "target: { host: a.test, ports: { https: 443, dns: 53 } }, ".to_owned(),
            [9898, 443, 9999, 443, 9007, 9007, 53].map(|port| ("a.test", port)),
        ),
    ] {
        let values = format!("target: {{ {target} }}\ninjector: {{ {injector}scenario: {{ mix: {mix} }} }}");
        let text = helm.objects(&values).scenario().unwrap();
        let scenario = Scenario::parse("scenario.yaml", &text).unwrap();
        let plan = Plan::new(&scenario, &Overrides::default(), &System::read().unwrap())
            .unwrap_or_else(|problems| panic!("{problems}\n{text}"));
        let wanted = wanted.map(|(host, port)| format!("{host}:{port}"));
        let found: Vec<_> = plan.operations.iter().map(|operation| operation.endpoint.to_string()).collect();
        assert_eq!(found[..7], wanted, "{text}");
        assert_eq!(found[7], "b.test:7");
        let admin = if target.starts_with("enabled: false") { "a.test:9797" } else { &format!("{headless}:9797") };
        assert_eq!(plan.admin.to_string(), *admin);
    }
}

/// What the chart fills in by itself, and what needs more than one file.
const FILLED_IN: [&str; 5] = ["admin", "include", "rate", "source", "target"];

/// The schema of scenario files, word for word, but for those keys: `scripts/chart-schema` puts it there.
#[test]
fn the_schema_has_that_of_the_scenario_file() {
    let schema = fs::read_to_string(chart().join("values.schema.json")).unwrap();
    let schema: Value = serde_json::from_str(&schema).unwrap();
    let mut wanted = crate::schema::printed();
    let fields = wanted.as_object_mut().unwrap();
    ["$schema", "title", "anyOf"].iter().for_each(|key| drop(fields.remove(*key).unwrap()));
    fields.insert("required".to_owned(), json!(["mix"]));
    let keys = fields["properties"].as_object_mut().unwrap();
    FILLED_IN.iter().for_each(|key| drop(keys.remove(*key).unwrap_or_else(|| panic!("{key} is no key of the file"))));
    let wanted = wanted.to_string().replace("\"#/definitions/", "\"#/definitions/scenario/definitions/");
    let wanted: Value = serde_json::from_str(&wanted).unwrap();
    assert!(schema["definitions"]["scenario"] == wanted, "run scripts/chart-schema");
    assert_eq!(schema["properties"]["injector"]["properties"]["scenario"], json!({ "$ref": "#/definitions/scenario" }));
}
