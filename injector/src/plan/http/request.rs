//! An `http` entry of the file: the request, checked before anything is sent.

use std::time::Duration;

use serde_saphyr::Spanned;
use shared::fault::{At, Field, Key, Limits, Verdict};

use super::ask::{Ask, Carrier};
use super::expectation::expectation;
use super::{HttpCall, HttpVersion, Method, RequestBody};
use crate::plan::body::body;
use crate::plan::compile::{Found, yes_or_no};
use crate::plan::expect::{Expect, PREDICTED, StatusExpectation, too_slow};
use crate::scenario::{WrittenHeaders, WrittenHttp};

/// Longest path and query: a spec of 2 KiB, each byte escaped, fits.
const PATH_MAX_BYTES: usize = 8 * 1024;
/// Bounds on a file's own header fields; servers refuse more.
const HEADERS_MAX: usize = 32;
const HEADER_BYTES_MAX: usize = 8 * 1024;

/// Fields the injector writes itself, because it must know them, besides those that would change where a message ends.
const OWN_HEADERS: [&str; 2] = ["expect", "host"];

fn is_own(name: &str) -> bool {
    OWN_HEADERS.contains(&name) || Field::FRAMING.contains(&name) || name.starts_with("x-cload")
}

/// Reads an `http` entry. Always gives a call; whether it may be used, `found` knows.
pub(in crate::plan) fn compile(
    found: &mut Found,
    subject: &str,
    written: &Spanned<WrittenHttp>,
    seed: u64,
    timeout: Duration,
) -> HttpCall {
    let http = &written.value;
    let part = |key: &str| format!("{subject}.{key}");
    let version = found.read(http.version.as_ref(), &part("version"), version).unwrap_or_default();
    let size = ("body_size", http.body_size.as_ref());
    // What the target can be asked to send is also what it is asked to take.
    let body = body(found, subject, http.body.as_ref(), size, Limits::default().size_max_bytes);
    let default_method = if body == RequestBody::Empty { Method::Get } else { Method::Post };
    let method = found.read(http.method.as_ref(), &part("method"), method).unwrap_or(default_method);
    let headers = headers(found, subject, &http.headers);
    let path = found.read(http.path.as_ref(), &part("path"), path).unwrap_or_else(|| "/".to_owned());
    let carrier = found.read(http.carrier.as_ref(), &part("carrier"), Carrier::parse);
    if let (Some(carrier), None) = (&http.carrier, &http.fault) {
        found.add(carrier.referenced, &part("carrier"), "there is no fault to carry");
    }
    let path_at = http.path.as_ref().map_or(written.referenced, |path| path.referenced);
    let is_plain = found.read(http.plain.as_ref(), &part("plain"), yes_or_no).unwrap_or(false);
    if let (true, Some(fault)) = (is_plain, &http.fault) {
        found.add(fault.referenced, &part("fault"), "a plain request asks for nothing; leave out plain or fault");
    }
    let ask = Ask {
        path,
        path_at,
        fault: http.fault.as_ref(),
        carrier: carrier.unwrap_or(Carrier::Header),
        seed,
        dialect: version.protocol().dialect(),
    };
    let sent = if is_plain { ask.plain() } else { ask.compile(found, subject) };

    let usual = if is_plain { Expect::of_anyone() } else { Expect::default() };
    let expect = match &http.expect {
        Some(expect) => expectation(found, &part("expect"), expect, method, usual),
        None => usual,
    };
    let call = HttpCall {
        version,
        method,
        route: HttpCall::route_of(&sent.path).filter(|_| !is_plain),
        path: sent.path,
        headers,
        body,
        fault: sent.fault,
        fault_text: sent.header,
        is_plain,
        expect,
    };
    refuse_hopeless(found, subject, written, &call, timeout);
    call
}

fn version(text: &str) -> Result<HttpVersion, String> {
    match text {
        "1.1" => Ok(HttpVersion::Http1),
        "2" => Ok(HttpVersion::Http2),
        _ => Err(format!("{text:?} is not a version of HTTP here; expected 1.1 or 2")),
    }
}

fn method(text: &str) -> Result<Method, String> {
    let all = || Method::ALL.map(Method::as_str).join(", ");
    let known = Method::ALL.into_iter().find(|method| method.as_str() == text);
    known.ok_or_else(|| format!("{text:?} is not a method of this version; expected one of {}", all()))
}

fn path(text: &str) -> Result<String, String> {
    if !text.starts_with('/') {
        return Err(format!("{text:?} does not begin with \"/\""));
    }
    if let Some(bad) = text.chars().find(|&c| !c.is_ascii_graphic() || c == '#') {
        return Err(format!("{bad:?} cannot stand in a path; write it percent-encoded"));
    }
    if text.len() > PATH_MAX_BYTES {
        return Err(format!("longer than {PATH_MAX_BYTES} bytes"));
    }
    Ok(text.to_owned())
}

fn headers(found: &mut Found, subject: &str, written: &WrittenHeaders) -> Vec<(String, String)> {
    let mut fields = Vec::new();
    let mut n_bytes = 0;
    for (name, value) in &written.0 {
        let subject = format!("{subject}.headers.{:?}", name.value);
        let lower = name.value.to_ascii_lowercase();
        n_bytes += name.value.len() + value.value.len();
        if name.value.is_empty() || !name.value.bytes().all(is_token_byte) {
            found.add(name.referenced, &subject, "not a field name: letters, digits and !#$%&'*+-.^_`|~");
        } else if is_own(&lower) {
            found.add(name.referenced, &subject, "is written by the injector itself; leave it out");
        } else if let Some(bad) = value.value.chars().find(|c| !matches!(c, ' '..='~')) {
            found.add(
                value.referenced,
                &subject,
                format!("{bad:?} cannot stand in a field value: visible ASCII and spaces"),
            );
        } else if value.value.trim_matches(' ') != value.value {
            found.add(value.referenced, &subject, "spaces around a field value are not part of it; leave them out");
        }
        fields.push((name.value.clone(), value.value.clone()));
    }
    if let Some((name, _)) = written.0.get(HEADERS_MAX) {
        let message = format!("{} fields are over the limit of {HEADERS_MAX}", written.0.len());
        found.add(name.referenced, &format!("{subject}.headers"), message);
    } else if let (Some((name, _)), true) = (written.0.first(), n_bytes > HEADER_BYTES_MAX) {
        let message = format!("{n_bytes} bytes are over the limit of {HEADER_BYTES_MAX}");
        found.add(name.referenced, &format!("{subject}.headers"), message);
    }
    fields
}

/// RFC 9110's `tchar`.
fn is_token_byte(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(&byte)
}

/// Refuses what the fault makes impossible: an answer in time, or a broken body where there is none.
fn refuse_hopeless(
    found: &mut Found,
    subject: &str,
    written: &Spanned<WrittenHttp>,
    call: &HttpCall,
    timeout: Duration,
) {
    if call.fault.is_empty() {
        return;
    }
    let subject = format!("{subject}.fault");
    let text = written.value.fault.as_ref().or(written.value.path.as_ref());
    let at = text.map_or(written.referenced, |text| text.referenced);
    let predicted = (0..PREDICTED).map(|n| call.predict(&format!("check.{n}")));

    let in_body = |verdict: Verdict| verdict.fault.is_some() && verdict.at != At::Head;
    if call.method == Method::Head
        && call.fault.keys().any(|key| key == Key::Fault)
        && predicted.into_iter().any(in_body)
    {
        found.add(at, &subject, "strikes in the body, and an answer to HEAD has none; use GET, or at=head");
    }
    // Where the file names the status, somebody on the path may answer.
    if call.expect.status == StatusExpectation::Predicted
        && let Some(message) = too_slow(timeout, |key| call.predict(key), |verdict| call.expected_end(verdict))
    {
        found.add(at, &subject, message);
    }
}
