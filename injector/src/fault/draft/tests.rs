//! Rules from files and flags, as the command sees them.

use std::io::Write as _;

use serde_json::json;

use crate::fault::tests::fake::Fake;
use crate::fault::tests::{fault, told};
use crate::verdict::Exit;

/// Whatever is wrong with a rule is said before anything is asked.
#[tokio::test]
async fn a_wrong_file_names_its_place() {
    let cases = [
        ("{\n  \"id\": \"x\",\n  \"tll\": \"5m\"\n}", ":3:", "unknown key \"tll\""),
        ("{\n  \"id\": \"x\",\n  \"ttl\": \"5\"\n}", ":3:", "has no unit"),
        ("{\n  \"fault\": \"stat=503\"\n}", ":2:", "stat"),
        ("{\n  \"match\": {\n    \"pth\": \"/x\" } }", ":3:", "unknown key \"pth\""),
        ("{ \"every\": -1 }", ":1:", "-1"),
        ("{ \"id\": \"x\", \"fault\": \"status=503\" }", "", "needs a ttl"),
        ("{ \"id\": \"x\" ", ":1:", ""),
        ("", "", "empty"),
    ];
    for (text, place, words) in cases {
        let mut file = tempfile::NamedTempFile::new().unwrap();
        file.write_all(text.as_bytes()).unwrap();
        let path = file.path().display().to_string();
        let (exit, why) = told(&["apply", "-f", &path], &[]).await.err().unwrap();
        assert_eq!(exit, Exit::Usage, "{text}");
        assert!(why.contains(&format!("{path}{place}")) && why.contains(words), "{text}: {why}");
    }
}

#[tokio::test]
async fn flags_win_over_the_file() {
    let fake = Fake::start().await;
    let mut file = tempfile::NamedTempFile::new().unwrap();
    let text =
        "id: x\nttl: 5m\nfault: status=500\nevery: 3\nowner: o\nmatch: { protocol: http, path: /a, method: [GET] }\n";
    file.write_all(text.as_bytes()).unwrap();
    let path = file.path().display().to_string();
    let words = ["apply", "y", "-f", &path, "--percent", "0.5", "--path", "/b", "--fault", "status=503"];
    assert_eq!(fault(&words, std::slice::from_ref(&fake)).await.end, Ok(Exit::Passed));
    let body = json!({
        "id": "y", "owner": "o", "ttl": "5m", "percent": 0.5, "fault": "status=503",
        "match": { "protocol": ["http"], "path": "/b", "method": ["GET"] },
    });
    assert_eq!(fake.kept().bodies, [body]);
}
