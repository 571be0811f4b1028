//! `injector schema`: the JSON Schema of scenario files (draft 7, which editors and Helm both read), made of the keys themselves.
//!
//! The keys and their words come from `scenario`'s own list of what it reads, the forms of single values from `schema/values.json`.
//! The schema says what form a file has; what its numbers mean and whether it can work is for `injector check`.

use std::collections::BTreeMap;

use serde_json::{Map, Value, json};

use crate::scenario::{Key, Keyed as _, Shape, Written};

/// The forms of values, by name.
const VALUES: &str = include_str!("schema/values.json");

/// Words of a fixed list, or what is put there later.
const LATER: &str = "later";

/// The schema of a scenario file.
pub fn schema() -> Value {
    let values: Map<String, Value> = serde_json::from_str(VALUES).expect("read by a test");
    let mut definitions = BTreeMap::new();
    let mut top = mapping(&Written::keys(), &mut definitions);
    definitions.extend(values);
    let fields = top.as_object_mut().expect("a mapping is an object");
    fields.insert("$schema".to_owned(), json!("http://json-schema.org/draft-07/schema#"));
    fields.insert("title".to_owned(), json!("A scenario of continuous-load's injector"));
    // A file that includes others may leave the operations to them.
    fields.insert("anyOf".to_owned(), json!([{ "required": ["mix"] }, { "required": ["include"] }]));
    fields.insert("definitions".to_owned(), json!(definitions));
    top
}

/// A mapping with these keys and no others; mappings below it become definitions.
fn mapping(keys: &[Key], definitions: &mut BTreeMap<String, Value>) -> Value {
    let mut properties = Map::new();
    for key in keys {
        let mut form = form(key.shape, definitions);
        if let Some(form) = form.as_object_mut() {
            form.insert("description".to_owned(), json!(key.about));
        }
        properties.insert(key.name.to_owned(), form);
    }
    let required: Vec<&str> = keys.iter().filter(|key| key.is_required).map(|key| key.name).collect();
    let mut object = json!({ "type": "object", "additionalProperties": false, "properties": properties });
    if !required.is_empty() {
        object["required"] = json!(required);
    }
    object
}

fn form(shape: Shape, definitions: &mut BTreeMap<String, Value>) -> Value {
    let mut named = |name: &'static str, keys: fn() -> Vec<Key>| {
        if !definitions.contains_key(name) {
            // Taken before its own keys are looked at, so that none could ask for it for ever.
            definitions.insert(name.to_owned(), Value::Null);
            let mut object = mapping(&keys(), definitions);
            if name == SWITCHED {
                object["type"] = json!(["boolean", "object"]);
            }
            definitions.insert(name.to_owned(), object);
        }
        reference(name)
    };
    match shape {
        Shape::Named(name) => json!({ "allOf": [reference(name)] }),
        Shape::OneOf(words) => json!({ "anyOf": [{ "enum": words }, reference(LATER)] }),
        Shape::Keys(name, keys) => json!({ "allOf": [named(name, keys)] }),
        Shape::ListOf(name, keys, most) => {
            json!({ "type": "array", "minItems": 1, "maxItems": most, "items": named(name, keys) })
        }
        Shape::Many(name) => json!({ "type": "array", "items": reference(name) }),
    }
}

/// The mapping that may also be just `true` or `false`.
const SWITCHED: &str = "scenarioTls";

fn reference(name: &str) -> Value {
    json!({ "$ref": format!("#/definitions/{name}") })
}

#[cfg(test)]
mod tests;
