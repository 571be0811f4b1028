//! Fault rules, as a stranger installs them.

use crate::process::Process;
use crate::strangers::assert_examples;
use crate::tools::require;

#[test]
fn every_curl_example_of_the_manual_does_what_it_says() {
    if require("curl").is_none() {
        return;
    }
    let (_target, http, admin) = Process::target();
    assert_examples(include_str!("../../docs/fault-rules.md"), 20, |command| {
        let command = command.replace("127.0.0.1:9898", &http.to_string());
        command.replace("127.0.0.1:9797", &admin.to_string())
    });
}
