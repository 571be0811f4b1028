//! Rules in files: what is wrong with one is said with its place, before anybody is asked.

use serde_json::json;

use super::{FAILED, USAGE, fault, file};
use crate::fixture::refusing_port;
use crate::process::Process;
use crate::rules::admin::Admin;

#[test]
fn a_broken_rule_file_is_named_with_line_and_field_before_anybody_is_asked() {
    // Nobody is there: whoever is asked all the same fails with another code.
    let (_held, nobody) = refusing_port();
    for (suffix, text, words) in [
        (".yaml", "id: a\nttl: 5m\nfalt: status=503\n", &["3:1", "falt"][..]),
        (".yaml", "id: a\nttl: 5\nfault: status=503\n", &["2:6", "ttl"]),
        (".yaml", "id: a\nttl: 5m\nfault: status=nope\n", &["3:8", "fault", "nope"]),
        (".yaml", "id: a\nttl: 5m\nfault: status=503\nmatch: { protocl: http }\n", &["4:10", "protocl"]),
        (".json", "{\n  \"id\": \"a\",\n  \"ttl\": \"5m\",\n  \"percent\": \"many\"\n}", &["4:", "percent"]),
        (".json", "{\n  \"id\": \"a\",\n", &["1:1", "unclosed"]),
        (".yaml", "id: a\n", &["a ttl", "a fault"]),
        (".yaml", "", &["empty"]),
    ] {
        let file = file(text, suffix);
        let path = file.path().to_str().unwrap();
        let did = fault("apply", &[nobody], &["-f", path]);
        did.assert_says(USAGE, &[&[path][..], words].concat());
    }
    fault("apply", &[nobody], &["-f", "/nowhere/rule.yaml"]).assert_says(USAGE, &["/nowhere/rule.yaml"]);

    let (_target, _, admin) = Process::target();
    let file = file("id: a\nttl: 5m\nfault: rcode=SERVFAIL\nmatch: { protocol: http }\n", ".yaml");
    let did = fault("apply", &[admin], &["-f", file.path().to_str().unwrap()]);
    did.assert_says(FAILED, &["400", "fault", "nothing was changed on any replica"]);
    let did = fault("apply", &[admin], &["-f", file.path().to_str().unwrap(), "--fault", "status=500", "--percent=5"]);
    did.assert_says(Some(0), &["installed"]);
    assert_eq!(Admin(admin).rule("a")["percent"], json!(5), "flags win over the file");
}
