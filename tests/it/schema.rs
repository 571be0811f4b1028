//! The JSON Schema of scenario files, by a validator that is not ours: everything that we ship or show is right by it, and what is
//! wrong in form is not.

use std::fs;
use std::io::Write;
use std::path::Path;
use std::process::{Command, Stdio};

use serde_json::{Value, json};

use crate::fixture::program;
use crate::tools::require;

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

/// What `injector schema` prints.
pub(crate) fn printed() -> Value {
    let output = Command::new(program("injector")).arg("schema").output().unwrap();
    assert!(output.status.success());
    serde_json::from_slice(&output.stdout).unwrap()
}

fn yaml(name: &str, text: &str) -> Value {
    serde_saphyr::from_str(text).unwrap_or_else(|error| panic!("{name}: {error}\n{text}"))
}

/// Scenarios shown in a document; what has only a mix is one too.
fn shown(file: &Path) -> Vec<(String, Value)> {
    let text = fs::read_to_string(file).unwrap();
    let blocks = text.split("```yaml\n").skip(1).filter_map(|rest| rest.split("```").next());
    let named = blocks.enumerate().map(|(n, block)| (format!("{}#{}", file.display(), n + 1), block));
    named
        .filter(|(_, block)| block.contains("\nmix:") || block.starts_with("mix:"))
        .map(|(name, block)| {
            let value = yaml(&name, block);
            (name, value)
        })
        .collect()
}

#[test]
fn what_we_ship_and_show_is_right_by_the_schema() {
    let Some(python) = require("python-kube") else { return };
    let mut cases: Vec<(String, Value, bool)> = Vec::new();
    for folder in ["scenarios", "scenarios/parts"] {
        for entry in fs::read_dir(root().join(folder)).unwrap() {
            let path = entry.unwrap().path();
            // A part may be without operations, which only the whole must have.
            if path.extension().is_some_and(|it| it == "yaml") && !path.ends_with("parts/defaults.yaml") {
                let name = path.display().to_string();
                cases.push((name.clone(), yaml(&name, &fs::read_to_string(&path).unwrap()), true));
            }
        }
    }
    let n_files = cases.len();
    for entry in fs::read_dir(root().join("docs")).unwrap() {
        let path = entry.unwrap().path();
        if path.extension().is_some_and(|it| it == "md") {
            cases.extend(shown(&path).into_iter().map(|(name, value)| (name, value, true)));
        }
    }
    assert!(n_files >= 12 && cases.len() > n_files + 8, "{n_files} files and {} cases", cases.len());
    // Wrong in form, so that nothing found means something.
    for name in ["key-misspelt", "key-elsewhere", "units-missing", "names", "connection", "no-mix"] {
        let path = root().join(format!("tests/it/broken/{name}.yaml"));
        cases.push((name.to_owned(), yaml(name, &fs::read_to_string(path).unwrap()), false));
    }
    let mut child = Command::new(python)
        .args(["-c", include_str!("schema/validate.py")])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .expect("the tool is there");
    let cases: Vec<Value> =
        cases.into_iter().map(|(name, value, right)| json!({ "name": name, "value": value, "right": right })).collect();
    let mut input = child.stdin.take().expect("piped");
    input.write_all(json!({ "schema": printed(), "cases": cases }).to_string().as_bytes()).unwrap();
    drop(input);
    let output = child.wait_with_output().unwrap();
    let said = String::from_utf8(output.stdout).unwrap();
    assert!(output.status.success() && said.trim() == "right", "{said}");
}
