//! What a request's header fields say of its sender and its fault, the same on every protocol that has them.

use http::header::AsHeaderName;
use http::{HeaderMap, HeaderName};
use shared::carrier::{self, HEADER_FAULT};
use shared::fault::{Fault, Source, SpecError, SpecErrorCode, SpecErrors};
use shared::identity::{HEADER_IDENTITY, Identity};

/// [`HEADER_IDENTITY`] and [`HEADER_FAULT`], read once: a look-up by text would read them for every request.
pub(crate) const IDENTITY: HeaderName = HeaderName::from_static(HEADER_IDENTITY);
pub(crate) const FAULT: HeaderName = HeaderName::from_static(HEADER_FAULT);

/// The items between commas of all fields of this name, without the white space around them (RFC 9110, section 5.6.1). A
/// field that is no text has none.
pub(crate) fn items(headers: &HeaderMap, name: impl AsHeaderName) -> impl Iterator<Item = &str> {
    let values = headers.get_all(name).into_iter().filter_map(|value| value.to_str().ok());
    values.flat_map(|value| value.split(',')).map(str::trim)
}

/// Who sent it, if it says so in valid words.
pub(crate) fn identity(headers: &HeaderMap) -> Option<Identity> {
    headers.get(&IDENTITY).and_then(|value| Identity::from_header(value.as_bytes()))
}

/// What it asks for. More than one field is refused rather than guessed at: proxies reorder and join repeated fields.
pub(crate) fn fault(headers: &HeaderMap) -> Option<Result<Fault, SpecErrors>> {
    let mut values = headers.get_all(&FAULT).iter();
    let value = values.next()?;
    if let Some(second) = values.next() {
        let second = String::from_utf8_lossy(second.as_bytes()).into_owned();
        return Some(Err(refusal(
            SpecErrorCode::Conflict,
            second,
            "the header occurs more than once",
            "one x-cload-fault header",
        )));
    }
    Some(match std::str::from_utf8(value.as_bytes()) {
        Ok(text) => carrier::header(text),
        Err(_) => {
            let value = String::from_utf8_lossy(value.as_bytes()).into_owned();
            Err(refusal(SpecErrorCode::InvalidParameter, value, "the value is no UTF-8", "ASCII text"))
        }
    })
}

/// What is wrong with the header as a whole.
fn refusal(code: SpecErrorCode, value: String, reason: &str, expected: &str) -> SpecErrors {
    SpecErrors::from(SpecError {
        code,
        parameter: String::new(),
        value,
        source: Source::Header,
        position: 0,
        reason: reason.to_owned(),
        expected: expected.to_owned(),
        limit: None,
    })
}
