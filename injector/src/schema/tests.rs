//! The schema is whole: every form it names is there, every key has its words.

use std::collections::BTreeSet;

use serde_json::Value;

use super::{VALUES, schema};

fn references(value: &Value, into: &mut BTreeSet<String>) {
    match value {
        Value::Object(fields) => {
            into.extend(fields.get("$ref").and_then(Value::as_str).map(str::to_owned));
            fields.values().for_each(|value| references(value, into));
        }
        Value::Array(items) => items.iter().for_each(|value| references(value, into)),
        _ => {}
    }
}

#[test]
fn every_form_is_there_and_is_used() {
    let schema = schema();
    let mut named = BTreeSet::new();
    references(&schema, &mut named);
    for place in &named {
        let pointer = place.trim_start_matches('#');
        assert!(schema.pointer(pointer).is_some_and(Value::is_object), "no {place}");
    }
    let values: Value = serde_json::from_str(VALUES).unwrap();
    for name in values.as_object().unwrap().keys() {
        assert!(named.contains(&format!("#/definitions/{name}")), "{name} is used by no key");
    }
}

#[test]
fn every_key_says_what_it_is() {
    let schema = schema();
    let mut count = 0;
    for mapping in schema["definitions"].as_object().unwrap().values().chain([&schema]) {
        for (name, key) in mapping["properties"].as_object().into_iter().flatten() {
            let about = key["description"].as_str().unwrap_or_default();
            assert!(about.ends_with('.') || about.ends_with('-') || about.len() > 20, "{name}: {about:?}");
            assert!(!about.starts_with(' ') && !about.contains("  "), "{name}: {about:?}");
            count += 1;
        }
    }
    assert!(count > 80, "{count}");
}
