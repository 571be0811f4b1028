//! An `expect` entry of the file: what makes an answer right, checked for contradictions.

use serde_saphyr::Spanned;
use shared::units::parse_size;

use super::Method;
use crate::plan::compile::{Found, digits};
use crate::plan::expect::{ContentExpectation, Expect, SizeExpectation, StatusExpectation};
use crate::scenario::WrittenExpect;

/// What the file expects, on top of what is expected anyway.
pub(in crate::plan) fn expectation(
    found: &mut Found,
    subject: &str,
    written: &Spanned<WrittenExpect>,
    method: Method,
    mut result: Expect,
) -> Expect {
    let expect = &written.value;
    let part = |key: &str| format!("{subject}.{key}");
    if let Some(list) = &expect.status {
        match statuses(&list.value.0) {
            Ok(codes) => result.status = StatusExpectation::AnyOf(codes),
            Err(error) => found.add(list.referenced, &part("status"), error),
        }
    }
    if let Some(size) = found.read(expect.size.as_ref(), &part("size"), size_expectation) {
        result.size = size;
    }
    if let Some(content) = found.read(expect.content.as_ref(), &part("content"), |text| match text {
        "verified" => Ok(ContentExpectation::Predicted),
        "any" => Ok(ContentExpectation::Any),
        _ => Err(format!("{text:?}; expected verified or any")),
    }) {
        result.content = content;
    }
    if let Some(id) = found.read(expect.id.as_ref(), &part("id"), |text| match text {
        "required" => Ok(true),
        "any" => Ok(false),
        _ => Err(format!("{text:?}; expected required or any")),
    }) {
        result.id = id;
    }

    if result.size == SizeExpectation::Any && expect.content.is_none() {
        result.content = ContentExpectation::Any;
    }

    // Contradictions: no answer could be right.
    if let (SizeExpectation::Exactly(1..), Some(size)) = (result.size, &expect.size) {
        if method == Method::Head {
            found.add(size.referenced, &part("size"), "an answer to HEAD has no content");
        }
        if let StatusExpectation::AnyOf(codes) = &result.status
            && codes.iter().all(|code| matches!(code, 204 | 205 | 304))
        {
            found.add(size.referenced, &part("size"), "an answer with this status has no content");
        }
    }
    if let (SizeExpectation::Any, ContentExpectation::Predicted, Some(content)) =
        (result.size, result.content, &expect.content)
    {
        found.add(content.referenced, &part("content"), "content of any size cannot be verified; leave size out");
    }
    result
}

fn size_expectation(text: &str) -> Result<SizeExpectation, String> {
    if text == "any" {
        return Ok(SizeExpectation::Any);
    }
    parse_size(text).map(SizeExpectation::Exactly).map_err(|error| format!("{error}, or any"))
}

fn statuses(texts: &[String]) -> Result<Vec<u16>, String> {
    let mut codes = Vec::new();
    for text in texts {
        let code = digits(text).and_then(|text| text.parse().ok()).filter(|code| (200..=999).contains(code));
        let code = code.ok_or_else(|| format!("{text:?} is not a status that ends a call: 200 to 999"))?;
        if codes.contains(&code) {
            return Err(format!("{code} appears twice"));
        }
        codes.push(code);
    }
    if codes.is_empty() { Err("an empty list: no answer could be right".to_owned()) } else { Ok(codes) }
}
