//! `/headers`: the request's fields as they arrived, and the two that podinfo adds to every request.

use std::collections::BTreeMap;

use http::StatusCode;
use http::header::{HOST, HeaderMap, HeaderName, HeaderValue, TRAILER, TRANSFER_ENCODING};

use super::Plain;
use super::info::{REVISION, VERSION};

/// What frames a request or names its host is no field of it in Go.
const LEFT_OUT: [HeaderName; 3] = [HOST, TRAILER, TRANSFER_ENCODING];

/// Says which program the request went through: podinfo puts it among the request's fields, for itself and for its
/// backends, in the place of whatever the client said there.
pub(super) fn stamp(headers: &mut HeaderMap) {
    headers.insert("x-api-version", HeaderValue::from_static(VERSION));
    headers.insert("x-api-revision", HeaderValue::from_static(REVISION));
}

/// Name to values, sorted by name; values in the order of their arrival.
pub(super) fn answer(headers: &HeaderMap) -> Plain {
    let mut stamped = headers.clone();
    stamp(&mut stamped);
    LEFT_OUT.iter().for_each(|name| {
        stamped.remove(name);
    });
    let values = |name: &HeaderName| -> Vec<String> {
        stamped.get_all(name).iter().map(|value| String::from_utf8_lossy(value.as_bytes()).into_owned()).collect()
    };
    let fields: BTreeMap<String, Vec<String>> = stamped.keys().map(|name| (canonical(name), values(name))).collect();
    Plain::json(StatusCode::OK, &fields)
}

/// As Go writes a name: the first letter of each word is large.
fn canonical(name: &HeaderName) -> String {
    let mut is_first = true;
    let large = |c: char| {
        let large = if is_first { c.to_ascii_uppercase() } else { c };
        is_first = c == '-';
        large
    };
    name.as_str().chars().map(large).collect()
}

#[cfg(test)]
mod tests {
    use super::super::tests::{text, with};
    use super::*;

    #[test]
    fn names_are_written_as_go_does() {
        for (name, expected) in [
            ("host", "Host"),
            ("x-b3-traceid", "X-B3-Traceid"),
            ("www-authenticate", "Www-Authenticate"),
            ("a--b", "A--B"),
            ("x_y", "X_y"),
            ("1a-2b", "1a-2b"),
        ] {
            assert_eq!(canonical(&HeaderName::from_static(name)), expected);
        }
    }

    #[tokio::test]
    async fn fields_are_lists_by_sorted_names_without_the_host_and_with_two_of_ours() {
        let fields =
            [("host", "h"), ("x-two", "1"), ("accept", "*/*"), ("x-two", "<2>"), ("x-api-version", "the client's")];
        for method in ["GET", "POST"] {
            let answer = with(|_| {}).ask(method, "/headers", &fields, "").await;
            let expected = [
                "{".to_owned(),
                "  \"Accept\": [\n    \"*/*\"\n  ],".to_owned(),
                format!("  \"X-Api-Revision\": [\n    \"{REVISION}\"\n  ],"),
                format!("  \"X-Api-Version\": [\n    \"{VERSION}\"\n  ],"),
                "  \"X-Two\": [\n    \"1\",\n    \"\\u003c2\\u003e\"\n  ]".to_owned(),
                "}".to_owned(),
            ];
            assert_eq!(text(&answer), expected.join("\n"));
        }
    }

    #[test]
    fn bytes_that_are_no_text_are_shown_as_such() {
        let mut headers = HeaderMap::new();
        headers.insert("x-bytes", HeaderValue::from_bytes(b"a\xff").unwrap());
        let answer = answer(&headers);
        assert!(text(&answer).contains("\"a\u{fffd}\""));
    }
}
