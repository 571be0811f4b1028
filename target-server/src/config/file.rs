//! podinfo's configuration file: YAML, a mapping from flags' names to their values.
//!
//! Read once, at start. A file that cannot be understood says so and counts as absent, as podinfo has it.

use std::collections::BTreeMap;
use std::io::{ErrorKind, Read as _};
use std::path::Path;

use serde_json::Value;

/// Largest file that is read.
const FILE_MAX_BYTES: u64 = 1 << 20;

/// The flags that the file names, with their values as on a command line; nothing if there is no file.
pub(super) fn read(path: &Path, warnings: &mut Vec<String>) -> Vec<(String, String)> {
    let mut warn = |what: &str| warnings.push(format!("--config: {}: {what}", path.display()));
    let mut text = String::new();
    let read = std::fs::File::open(path).and_then(|file| file.take(FILE_MAX_BYTES + 1).read_to_string(&mut text));
    match read {
        Err(error) if error.kind() == ErrorKind::NotFound => return Vec::new(),
        Err(error) => {
            warn(&error.to_string());
            return Vec::new();
        }
        Ok(bytes) if bytes as u64 > FILE_MAX_BYTES => {
            warn(&format!("longer than {FILE_MAX_BYTES} bytes"));
            return Vec::new();
        }
        Ok(_) => {}
    }
    if text.trim().is_empty() {
        return Vec::new();
    }
    match parse(&text) {
        Ok((flags, strange)) => {
            strange
                .iter()
                .for_each(|key| warn(&format!("{key}: expected a word, a number, a switch or a list of them")));
            flags
        }
        Err(error) => {
            warn(&error);
            Vec::new()
        }
    }
}

type Flags = Vec<(String, String)>;

/// What is named, and the keys whose values no flag could take.
fn parse(text: &str) -> Result<(Flags, Vec<String>), String> {
    let options = serde_saphyr::options! { with_snippet: false };
    let keys: BTreeMap<String, Value> =
        serde_saphyr::from_str_with_options(text, options).map_err(|error| error.to_string())?;
    let (mut flags, mut strange) = (Vec::new(), Vec::new());
    for (key, value) in keys {
        match as_argument(&value) {
            _ if value.is_null() => {}
            Some(value) => flags.push((flag(&key), value)),
            None => strange.push(key),
        }
    }
    Ok((flags, strange))
}

/// The flag that a key means: podinfo reads keys in any case, and knows one by another name.
fn flag(key: &str) -> String {
    match &*key.to_lowercase() {
        "backendurl" => "backend-url".to_owned(),
        key => key.to_owned(),
    }
}

fn as_argument(value: &Value) -> Option<String> {
    match value {
        Value::String(text) => Some(text.clone()),
        Value::Number(number) => Some(number.to_string()),
        Value::Bool(switch) => Some(switch.to_string()),
        Value::Array(values) => {
            let words: Option<Vec<String>> =
                values.iter().map(|value| if value.is_array() { None } else { as_argument(value) }).collect();
            Some(words?.join(","))
        }
        Value::Null | Value::Object(_) => None,
    }
}

#[cfg(test)]
mod tests {
    use super::{parse, read};

    #[test]
    fn keys_are_flags_and_values_are_arguments() {
        let text = "random-delay: true\nUI-Color: '#123456'\nport: 80\nbackendUrl: [http://a, http://b]\nlevel:\n\
                    deep: {a: 1}\ndeeper: [[1]]\nhttp-client-timeout: 2m\n";
        let (flags, strange) = parse(text).unwrap();
        let flags: Vec<(&str, &str)> = flags.iter().map(|(key, value)| (&**key, &**value)).collect();
        let mut wanted = [
            ("backend-url", "http://a,http://b"),
            ("http-client-timeout", "2m"),
            ("port", "80"),
            ("random-delay", "true"),
            ("ui-color", "#123456"),
        ];
        wanted.sort_unstable();
        let mut sorted = flags;
        sorted.sort_unstable();
        assert_eq!(sorted, wanted);
        assert_eq!(strange, ["deep", "deeper"]);
    }

    #[test]
    fn a_file_that_cannot_be_understood_is_said_and_passed_over() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("config.yaml");
        let mut warnings = Vec::new();
        assert!(read(&path, &mut warnings).is_empty() && warnings.is_empty(), "no file, nothing to say");
        for (text, expected) in
            [("a: [", 1), ("just words", 1), ("", 0), ("# a comment\n", 0), (&*"x".repeat(1 << 21), 1), ("\u{0}", 1)]
        {
            warnings.clear();
            std::fs::write(&path, text).unwrap();
            assert!(read(&path, &mut warnings).is_empty());
            assert_eq!(warnings.len(), expected, "{:?}: {warnings:?}", &text[..text.len().min(20)]);
        }
        assert!(read(folder.path(), &mut warnings).is_empty(), "a folder");
        assert_eq!(warnings.len(), 1 + 1, "{warnings:?}");
    }
}
