//! An `expect` entry of a `grpc` operation.

use serde_saphyr::Spanned;
use shared::code::GRPC_NAMES;

use super::GrpcExpect;
use crate::plan::compile::{Found, digits};
use crate::plan::expect::ContentExpectation;
use crate::scenario::WrittenGrpcExpect;

/// What the file expects, on top of what is predicted; `is_own`: of a service that repeats ids.
pub(super) fn expectation(
    found: &mut Found,
    subject: &str,
    written: Option<&Spanned<WrittenGrpcExpect>>,
    is_own: bool,
) -> GrpcExpect {
    let mut result = GrpcExpect { status: None, messages: None, content: ContentExpectation::Predicted, id: is_own };
    let Some(written) = written else { return result };
    let expect = &written.value;
    let part = |key: &str| format!("{subject}.{key}");
    if let Some(list) = &expect.status {
        match statuses(&list.value.0) {
            Ok(codes) => result.status = Some(codes),
            Err(error) => found.add(list.referenced, &part("status"), error),
        }
    }
    result.messages = found.read(expect.messages.as_ref(), &part("messages"), |text| {
        let number = digits(text).and_then(|text| text.parse().ok());
        number.ok_or_else(|| format!("{text:?} is not a number of messages"))
    });
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
    result
}

fn statuses(texts: &[String]) -> Result<Vec<u8>, String> {
    let mut codes = Vec::new();
    for text in texts {
        let by_name = GRPC_NAMES.iter().position(|name| name.eq_ignore_ascii_case(text));
        let by_number = || digits(text).and_then(|text| text.parse().ok()).filter(|code| *code < GRPC_NAMES.len());
        let code = by_name.or_else(by_number).and_then(|code| u8::try_from(code).ok());
        let code =
            code.ok_or_else(|| format!("{text:?} is not a gRPC status: 0 to 16, or a name such as UNAVAILABLE"))?;
        if codes.contains(&code) {
            return Err(format!("{text} appears twice"));
        }
        codes.push(code);
    }
    if codes.is_empty() { Err("an empty list: no answer could be right".to_owned()) } else { Ok(codes) }
}
