//! The JSON of a run: its schema fits real ones, and its manual names every key of them.

use std::collections::BTreeSet;

use serde_json::Value;

use crate::json_schema::problems;
use crate::process::{Process, output};

/// Keys whose values have names for keys: data, and no part of the structure.
const BY_NAME: [&str; 11] = [
    "answered",
    "codes",
    "connections_closed",
    "errors",
    "examples",
    "failed",
    "lookups",
    "operations",
    "reasons",
    "servers",
    "signs",
];

/// Every key that is a part of the structure.
fn keys(value: &Value, is_by_name: bool, found: &mut BTreeSet<String>) {
    match value {
        Value::Object(entries) => {
            for (key, value) in entries {
                if !is_by_name {
                    found.insert(key.clone());
                }
                keys(value, !is_by_name && BY_NAME.contains(&key.as_str()), found);
            }
        }
        Value::Array(values) => values.iter().for_each(|value| keys(value, false, found)),
        _ => {}
    }
}

/// Every key that a schema promises.
fn promised_keys(schema: &Value, found: &mut BTreeSet<String>) {
    if let Some(properties) = schema.get("properties").and_then(Value::as_object) {
        found.extend(properties.keys().cloned());
    }
    match schema {
        Value::Object(words) => words.values().for_each(|word| promised_keys(word, found)),
        Value::Array(words) => words.iter().for_each(|word| promised_keys(word, found)),
        _ => {}
    }
}

#[test]
fn the_pairs_result_is_as_its_schema_says() {
    let result = output("continuous-load", &["--for", "2s", "--json", "-"]);
    let json: Value = serde_json::from_slice(&result.stdout).unwrap_or_else(|error| panic!("{error}: {result:?}"));
    assert_eq!(problems(&serde_json::from_str(injector::summary::JSON_SCHEMA).unwrap(), &json), Vec::<String>::new());
    assert!(json["operations"].as_array().unwrap().len() > 5);
    // Nothing happened that would have to be marked.
    assert_eq!((&json["reloads"], &json["timeline"]["marks"]), (&0.into(), &serde_json::json!([])));
}

#[test]
fn every_key_is_in_the_manual() {
    let (_target, http, admin) = Process::target();
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("some.yaml");
    let mix = "mix:\n- { name: good, rate: 20/s, http: {} }\n- { name: bad, rate: 20/s, timeout: 100ms, http: { fault: 'fault=hang:50', expect: { status: 200 } } }\n\
               phases: [{ name: first, for: 500ms }, { name: second }]\nthresholds: [\"availability >= 0%\"]\n";
    std::fs::write(&file, mix).unwrap();
    let target = format!("localhost:{}", http.port());
    let fixed = ["run", "--for", "1s", "--admin-address", "127.0.0.1:0", "--json", "-", "--target", &target];
    let ended =
        output("injector", &[&fixed[..], &["--target-admin", &admin.to_string(), file.to_str().unwrap()]].concat());
    let json: Value = serde_json::from_slice(&ended.stdout).unwrap_or_else(|error| panic!("{error}: {ended:?}"));
    let mut found = BTreeSet::new();
    keys(&json, false, &mut found);
    // What only some results have is in this one.
    for key in ["unexplained", "own_time", "remarks", "departed_requests", "never_answered", "address", "p999_us"] {
        assert!(found.contains(key), "{key} is not in {json:#}");
    }
    let manual = std::fs::read_to_string(concat!(env!("CARGO_MANIFEST_DIR"), "/docs/result.md")).unwrap();
    let schema = output("injector", &["report", "--schema"]);
    let schema: Value = serde_json::from_slice(&schema.stdout).unwrap();
    // All that is not a name for data: the schema has the same keys as the manual, no more and no fewer.
    let mut promised = BTreeSet::new();
    promised_keys(&schema, &mut promised);
    assert_eq!(found, promised);
    assert_eq!(problems(&schema, &json), Vec::<String>::new());
    let missing: Vec<_> = found.iter().filter(|key| !manual.contains(&format!("`{key}`"))).collect();
    assert!(missing.is_empty(), "docs/result.md does not name {missing:?}");
}
