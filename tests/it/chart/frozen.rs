//! What an API server lets nobody change afterwards: kinds, names, selectors and their like, as of the first version of the
//! charts. An upgrade that changes one of them fails, or leaves the old object behind.
//!
//! It is a file of its own, and is written by a variable of its own: WRITE_GOLDEN must not let such a change pass with all others.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

use serde_json::Value;

use super::helm::id;
use super::matrix::{VERSIONS, both};

const WRITE: &str = "WRITE_FROZEN";

/// Fields that cannot be changed, by kind. A Job has none here: another Job is another name.
const FIELDS: [(&str, &[&str]); 9] = [
    ("Deployment", &["/spec/selector"]),
    ("DaemonSet", &["/spec/selector"]),
    ("StatefulSet", &["/spec/selector", "/spec/serviceName", "/spec/volumeClaimTemplates"]),
    ("Service", &["/spec/clusterIP"]),
    ("RoleBinding", &["/roleRef"]),
    ("ClusterRoleBinding", &["/roleRef"]),
    ("Secret", &["/type", "/immutable"]),
    ("ConfigMap", &["/immutable"]),
    ("GrafanaDashboard", &["/spec/instanceSelector", "/spec/allowCrossNamespaceImport", "/spec/uid"]),
];

#[test]
fn what_cannot_be_changed_is_as_it_was() {
    let Some(rendered) = both() else { return };
    let mut found = BTreeSet::new();
    for one in rendered.filter(|one| one.version == VERSIONS[2]) {
        for object in one.objects.0.iter().filter(|object| !["Job", "Pod"].contains(&object["kind"].as_str().unwrap()))
        {
            let fields = FIELDS.iter().find(|(kind, _)| object["kind"] == *kind).map_or(&[][..], |(_, fields)| fields);
            let held = fields.iter().filter_map(|field| Some((*field, object.pointer(field)?)));
            let held: Vec<_> = held.map(|(field, value): (_, &Value)| format!(" {field}={value}")).collect();
            let space = object["metadata"]["namespace"].as_str().unwrap_or("-");
            let api = object["apiVersion"].as_str().unwrap();
            found.insert(format!("{} {api} {space} {}{}", one.chart, id(object), held.concat()));
        }
    }
    let place = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/it/chart/golden/frozen.txt");
    if std::env::var_os(WRITE).is_some() {
        let lines: Vec<_> = found.iter().map(|line| format!("{line}\n")).collect();
        fs::write(&place, lines.concat()).unwrap();
    }
    let held: BTreeSet<_> = fs::read_to_string(place).unwrap().lines().map(str::to_owned).collect();
    let gone: Vec<_> = held.difference(&found).collect();
    assert!(
        gone.is_empty(),
        "an upgrade cannot change these, or would leave them behind:\n{gone:#?}\nthere is now {:#?}\n\
         keep them; or tell in CHANGELOG.md what a user has to delete, and write the file with {WRITE}=1",
        found.difference(&held).collect::<Vec<_>>()
    );
    let new: Vec<_> = found.difference(&held).collect();
    assert!(new.is_empty(), "new, and from now on not to be changed: {new:#?}\nwrite the file with {WRITE}=1");
}
