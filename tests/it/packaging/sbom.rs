//! The list of packages is CycloneDX, complete, and names a licence for each.

use std::collections::BTreeSet;
use std::process::Command;

use serde_json::Value;

use super::{read, root, said};
use crate::tools::require;

fn list(arguments: &[&str]) -> Value {
    let output = Command::new(root().join("scripts/sbom"))
        .args(arguments)
        .env("SOURCE_DATE_EPOCH", "1700000000")
        .output()
        .unwrap();
    assert!(output.status.success(), "{}", said(&output));
    serde_json::from_slice(&output.stdout).unwrap()
}

/// `name version` of each component that is a crate.
fn crates(list: &Value) -> BTreeSet<String> {
    let components = list["components"].as_array().unwrap().iter();
    let crates = components.filter(|part| part["purl"].as_str().is_some_and(|purl| purl.starts_with("pkg:cargo/")));
    crates.map(|part| format!("{} {}", part["name"].as_str().unwrap(), part["version"].as_str().unwrap())).collect()
}

#[test]
fn every_package_of_the_programs_is_listed_with_its_licence() {
    let Some(_) = require("python3") else { return };
    let list = list(&["--image"]);
    assert_eq!((&list["bomFormat"], &list["specVersion"]), (&"CycloneDX".into(), &"1.5".into()));
    assert_eq!(list["metadata"]["timestamp"], "2023-11-14T22:13:20Z");

    // Cargo's own answer, in another form and of both programs at once.
    let output = Command::new(env!("CARGO"))
        .args(["tree", "--locked", "-p", "target-server", "-p", "injector", "-e", "normal,no-proc-macro"])
        .args(["--prefix", "none", "--no-dedupe", "--format", "{p}"])
        .current_dir(root())
        .output()
        .unwrap();
    assert!(output.status.success(), "{}", said(&output));
    let tree = String::from_utf8(output.stdout).unwrap();
    let linked: BTreeSet<_> = tree
        .lines()
        .filter(|line| !line.is_empty())
        .map(|line| line.split(' ').take(2).collect::<Vec<_>>().join(" ").replacen(" v", " ", 1))
        .collect();
    assert_eq!(crates(&list), linked);
    assert!(linked.len() > 100, "{}", linked.len());

    let lock = read("Cargo.lock");
    for part in list["components"].as_array().unwrap() {
        let name = part["name"].as_str().unwrap();
        let licence = part["licenses"][0]["expression"].as_str().unwrap_or_default();
        assert!(!licence.is_empty() && !licence.contains('/'), "{name}: {licence:?}");
        if part["purl"].is_string() {
            let head = format!("name = \"{name}\"\nversion = \"{}\"\n", part["version"].as_str().unwrap());
            let package = lock.split("[[package]]\n").find(|package| package.starts_with(&head));
            let package = package.unwrap_or_else(|| panic!("{name} is not in Cargo.lock"));
            let hash = part["hashes"][0]["content"].as_str();
            assert!(hash.is_none_or(|hash| package.contains(hash)), "{name}: {hash:?}");
            assert_eq!(hash.is_some(), package.contains("checksum = "), "{name}");
        }
    }
}

/// Every edge leads to what is listed, and from the whole everything is reached.
#[test]
fn who_needs_whom_is_whole() {
    let Some(_) = require("python3") else { return };
    let list = list(&["--image"]);
    let edges = list["dependencies"].as_array().unwrap();
    let below = |from: &str| {
        let edge = edges.iter().find(|edge| edge["ref"] == from);
        let ends = edge.and_then(|edge| edge["dependsOn"].as_array()).map(Vec::as_slice).unwrap_or_default();
        ends.iter().map(|end| end.as_str().unwrap().to_owned()).collect::<Vec<_>>()
    };
    let mut reached = BTreeSet::new();
    let mut rest = below("continuous-load");
    while let Some(one) = rest.pop() {
        if reached.insert(one.clone()) {
            rest.extend(below(&one));
        }
    }
    let listed = list["components"].as_array().unwrap().iter();
    let listed: BTreeSet<_> = listed.map(|part| part["bom-ref"].as_str().unwrap().to_owned()).collect();
    assert_eq!(reached, listed);
}
