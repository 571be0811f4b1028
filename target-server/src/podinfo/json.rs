//! podinfo's JSON: two spaces, no line feed at the end, and whatever could mean something in HTML escaped.
//!
//! That is how Go's encoder writes it. Clients that compare bytes exist, and so do pages that paste an answer into HTML.

use http::StatusCode;
use serde::Serialize;
use shared::outcome::ServerError;

use super::Plain;

const CONTENT_TYPE: &str = "application/json; charset=utf-8";

/// What Go escapes and `serde_json` does not. None of them has a meaning in JSON, so that they only occur within strings.
const ESCAPED: [(char, &str); 5] =
    [('<', "\\u003c"), ('>', "\\u003e"), ('&', "\\u0026"), ('\u{2028}', "\\u2028"), ('\u{2029}', "\\u2029")];

/// The answer to a request that is refused. podinfo sends its first field as a number only, behind the status 200.
#[derive(Serialize)]
struct Refusal<'a> {
    code: u16,
    message: &'a str,
}

impl Plain {
    /// A document; the fields of a struct in the order of their declaration, those of a map as it yields them.
    pub(crate) fn json(status: StatusCode, document: &impl Serialize) -> Plain {
        Plain::of(status, CONTENT_TYPE, text(document))
    }

    /// Why there is nothing better to answer. Recorded as the client's mistake below 500 and as ours from there on.
    pub(crate) fn refusal(status: StatusCode, message: &str) -> Plain {
        let error = if status.is_server_error() { ServerError::Internal } else { ServerError::BadRequest };
        let refusal = Refusal { code: status.as_u16(), message };
        Plain { error: Some(error), ..Plain::json(status, &refusal) }
    }

    /// What [`shared::route::body`] made: JSON already.
    pub(super) fn json_text(status: StatusCode, text: String) -> Plain {
        Plain::of(status, CONTENT_TYPE, text)
    }
}

/// The document as text.
pub(super) fn text(document: &impl Serialize) -> String {
    escaped(serde_json::to_string_pretty(document).expect("no document here has a key that is no string"))
}

/// JSON with everything escaped that Go escapes.
pub(super) fn escaped(plain: String) -> String {
    if !plain.contains(|c| ESCAPED.iter().any(|(escaped, _)| *escaped == c)) {
        return plain;
    }
    let mut text = String::with_capacity(plain.len() + 64);
    for c in plain.chars() {
        match ESCAPED.iter().find(|(escaped, _)| *escaped == c) {
            Some((_, escape)) => text.push_str(escape),
            None => text.push(c),
        }
    }
    text
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use proptest::prelude::*;

    use super::*;

    #[test]
    fn documents_are_indented_by_two_spaces_and_end_without_a_line_feed() {
        for (document, expected) in [
            (serde_json::json!({}), "{}"),
            (serde_json::json!([]), "[]"),
            (serde_json::json!({ "a": [1, "x"] }), "{\n  \"a\": [\n    1,\n    \"x\"\n  ]\n}"),
            (serde_json::json!({ "delay": 0 }), "{\n  \"delay\": 0\n}"),
        ] {
            assert_eq!(text(&document), expected);
        }
    }

    #[test]
    fn what_means_something_in_html_is_escaped_as_go_does() {
        assert_eq!(
            text(&"<b>&\"\\\u{2028}\u{2029}\u{7f}\n\u{1}é"),
            "\"\\u003cb\\u003e\\u0026\\\"\\\\\\u2028\\u2029\u{7f}\\n\\u0001é\""
        );
    }

    #[test]
    fn answers_carry_the_pair_of_fields() {
        let answer = Plain::json(StatusCode::OK, &());
        assert_eq!(answer.headers["content-type"], "application/json; charset=utf-8");
        assert_eq!(answer.headers["x-content-type-options"], "nosniff");
        assert_eq!((answer.headers.len(), answer.error), (2, None));
    }

    #[test]
    fn refusals_have_the_status_they_speak_of() {
        for (status, error) in [
            (StatusCode::PAYLOAD_TOO_LARGE, ServerError::BadRequest),
            (StatusCode::INTERNAL_SERVER_ERROR, ServerError::Internal),
        ] {
            let refusal = Plain::refusal(status, "request body too large");
            let code = status.as_u16();
            let expected = format!("{{\n  \"code\": {code},\n  \"message\": \"request body too large\"\n}}");
            assert_eq!((refusal.status, &refusal.body[..]), (status, expected.as_bytes()));
            assert_eq!(refusal.error, Some(error));
        }
    }

    proptest! {
        #[test]
        fn any_text_comes_back_and_none_can_leave_its_place(fields in prop::collection::btree_map(".*", ".*", 0..4)) {
            let text = text(&fields);
            prop_assert!(!text.contains(['<', '>', '&', '\u{2028}', '\u{2029}']), "{}", text);
            let back: BTreeMap<String, String> = serde_json::from_str(&text).unwrap();
            prop_assert_eq!(back, fields);
        }
    }
}
