//! A JSON Schema held against a value, as strictly as can be: keys that the schema does not name are wrong here, though a
//! reader of ours is to pass over them. Knows the words that our schemas use, and stops at any other.

use serde_json::Value;

/// What is wrong with the value, each with its place.
pub(crate) fn problems(schema: &Value, value: &Value) -> Vec<String> {
    let mut found = Vec::new();
    check(schema, schema, value, "", &mut found);
    found
}

fn check(root: &Value, schema: &Value, value: &Value, at: &str, found: &mut Vec<String>) {
    let Value::Object(words) = schema else { panic!("{at}: {schema} is no schema that this knows") };
    for (word, says) in words {
        match word.as_str() {
            "$schema" | "$defs" | "title" | "description" | "required" | "maxItems" => {}
            "$ref" => {
                let name = says.as_str().unwrap().strip_prefix("#").unwrap();
                check(root, root.pointer(name).unwrap_or_else(|| panic!("{name} is not defined")), value, at, found);
            }
            "anyOf" => {
                let each = says.as_array().unwrap().iter().map(|one| {
                    let mut problems = Vec::new();
                    check(root, one, value, at, &mut problems);
                    problems
                });
                found.extend(each.min_by_key(Vec::len).unwrap());
            }
            "type" => {
                let types: Vec<&str> = match says {
                    Value::String(one) => vec![one],
                    many => many.as_array().unwrap().iter().map(|one| one.as_str().unwrap()).collect(),
                };
                if !types.iter().any(|kind| is(value, kind)) {
                    found.push(format!("{at} is not {types:?}: {value}"));
                }
            }
            "const" if says != value => found.push(format!("{at} is not {says}: {value}")),
            "enum" if !says.as_array().unwrap().contains(value) => {
                found.push(format!("{at} is none of {says}: {value}"))
            }
            "minimum" if value.as_f64().is_some_and(|value| value < says.as_f64().unwrap()) => {
                found.push(format!("{at} is less than {says}: {value}"));
            }
            "maximum" if value.as_f64().is_some_and(|value| value > says.as_f64().unwrap()) => {
                found.push(format!("{at} is more than {says}: {value}"));
            }
            "minItems" => {
                let exact = words.get("maxItems").unwrap_or(says);
                if value.as_array().is_some_and(|items| says != exact || Some(items.len() as u64) != exact.as_u64()) {
                    found.push(format!("{at} has not {says} items: {value}"));
                }
            }
            "const" | "enum" | "minimum" | "maximum" => {}
            "items" => {
                for (n, item) in value.as_array().into_iter().flatten().enumerate() {
                    check(root, says, item, &format!("{at}/{n}"), found);
                }
            }
            "prefixItems" => {
                let pairs = says.as_array().unwrap().iter().zip(value.as_array().into_iter().flatten());
                pairs.enumerate().for_each(|(n, (says, item))| check(root, says, item, &format!("{at}/{n}"), found));
            }
            "additionalProperties" => {
                for (key, value) in value.as_object().into_iter().flatten() {
                    check(root, says, value, &format!("{at}/{key}"), found);
                }
            }
            "properties" => {
                for (key, value) in value.as_object().into_iter().flatten() {
                    match says.get(key) {
                        Some(says) => check(root, says, value, &format!("{at}/{key}"), found),
                        None => found.push(format!("{at}/{key} is not in the schema")),
                    }
                }
                let required = words["required"].as_array().unwrap().iter().map(|key| key.as_str().unwrap());
                let missing = required.filter(|key| value.is_object() && value.get(key).is_none());
                found.extend(missing.map(|key| format!("{at}/{key} is missing")));
            }
            other => panic!("{at}: {other:?} is no word that this knows"),
        }
    }
}

fn is(value: &Value, kind: &str) -> bool {
    match kind {
        "null" => value.is_null(),
        "boolean" => value.is_boolean(),
        "string" => value.is_string(),
        "number" => value.is_number(),
        "integer" => value.is_i64() || value.is_u64(),
        "array" => value.is_array(),
        "object" => value.is_object(),
        other => panic!("{other:?} is no type"),
    }
}

#[test]
fn what_does_not_fit_is_found() {
    let schema = serde_json::json!({
        "type": "object", "required": ["a"],
        "properties": {
            "a": { "$ref": "#/$defs/count" },
            "b": { "anyOf": [{ "$ref": "#/$defs/count" }, { "type": "null" }] },
            "c": { "type": "array", "items": { "type": "array", "prefixItems": [{ "type": "integer" }], "minItems": 1, "maxItems": 1 } },
            "d": { "type": "object", "additionalProperties": { "type": "string" } },
        },
        "$defs": { "count": { "type": "integer", "minimum": 0 } },
    });
    let of = |value: Value| problems(&schema, &value);
    assert_eq!(of(serde_json::json!({ "a": 1, "b": null, "c": [[1]], "d": { "x": "y" } })), Vec::<String>::new());
    for (wrong, words) in [
        (serde_json::json!({}), "/a is missing"),
        (serde_json::json!({ "a": -1 }), "/a is less than 0: -1"),
        (serde_json::json!({ "a": 1, "b": "x" }), "/b is not [\"integer\"]: \"x\""),
        (serde_json::json!({ "a": 1, "c": [[1, 2]] }), "/c/0 has not 1 items: [1,2]"),
        (serde_json::json!({ "a": 1, "c": [["x"]] }), "/c/0/0 is not [\"integer\"]: \"x\""),
        (serde_json::json!({ "a": 1, "d": { "x": 1 } }), "/d/x is not [\"string\"]: 1"),
        (serde_json::json!({ "a": 1, "e": 1 }), "/e is not in the schema"),
    ] {
        assert_eq!(of(wrong), [words]);
    }
}
