//! The match of a rule. What a protocol does not have cannot be matched on it: such a rule would never strike there, and
//! nobody would learn why.

use std::str::FromStr;

use hickory_proto::rr::RecordType;
use http::{HeaderName, HeaderValue, Method};
use shared::protocol::Protocol;

use super::super::matcher::Matcher;
use super::super::pattern::{self, Host, Pattern};
use super::super::written::{Words, WrittenMatch};
use super::{Flaw, Reader};

/// Words in one list, and headers.
const LIST_MAX: usize = 32;

const HTTP: &[Protocol] = &[Protocol::Http, Protocol::Http2];
const WITH_HEADERS: &[Protocol] = &[Protocol::Http, Protocol::Http2, Protocol::Grpc];
const GRPC: &[Protocol] = &[Protocol::Grpc];
const DNS: &[Protocol] = &[Protocol::DnsUdp, Protocol::DnsTcp];

/// What was meant, and the same in one spelling.
pub(super) fn read(reader: &mut Reader, written: Option<&WrittenMatch>) -> (Matcher, WrittenMatch) {
    let none = WrittenMatch::default();
    let written = written.unwrap_or(&none);
    let protocols = protocols(reader, written.protocol.as_ref());
    let mut fits = |field: &str, is_there: bool, owners: &[Protocol]| {
        let strangers = words(protocols.iter().filter(|protocol| is_there && !owners.contains(protocol)));
        if !strangers.is_empty() {
            let expected = format!("match.protocol of {} only", words(owners.iter()));
            reader.refuse(field, format!("there is no such thing on {strangers}"), expected);
        }
    };
    fits("match.path", written.path.is_some(), HTTP);
    fits("match.method", written.method.is_some(), HTTP);
    fits("match.host", written.host.is_some(), HTTP);
    fits("match.headers", written.headers.is_some(), WITH_HEADERS);
    fits("match.grpc_method", written.grpc_method.is_some(), GRPC);
    fits("match.dns_name", written.dns_name.is_some(), DNS);
    fits("match.dns_type", written.dns_type.is_some(), DNS);

    let methods = list(reader, "match.method", written.method.as_ref(), method);
    let dns_types = list(reader, "match.dns_type", written.dns_type.as_ref(), record_type);
    let sources = list(reader, "match.source", written.source.as_ref(), |text| {
        text.parse().map_err(|error: String| split(&error))
    });
    let path = pattern(reader, "match.path", written.path.as_deref(), path);
    let grpc_method = pattern(reader, "match.grpc_method", written.grpc_method.as_deref(), grpc_method);
    let dns_name = written.dns_name.as_deref().map(lower);
    let host = written.host.as_deref().and_then(|text| reader.take("match.host", host(text)));
    let normal = WrittenMatch {
        protocol: Some(Words::Many(protocols.iter().map(|protocol| protocol.as_str().to_owned()).collect())),
        method: written.method.is_some().then(|| Words::Many(methods.clone())),
        host: written.host.as_ref().map(|host| host.to_ascii_lowercase()),
        dns_type: written.dns_type.is_some().then(|| Words::Many(dns_types.clone())),
        dns_name: dns_name.clone(),
        source: written.source.as_ref().map(|words| Words::Many(words.list().to_vec())),
        ..written.clone()
    };
    let dns_name = pattern(reader, "match.dns_name", dns_name.as_deref(), |_| Ok(()));
    let headers = headers(reader, written);
    (Matcher { protocols, sources, methods, path, host, headers, grpc_method, dns_name, dns_types }, normal)
}

fn words<'a>(protocols: impl Iterator<Item = &'a Protocol>) -> String {
    protocols.map(|protocol| protocol.as_str()).collect::<Vec<_>>().join(", ")
}

fn protocols(reader: &mut Reader, written: Option<&Words>) -> Vec<Protocol> {
    let expected = format!("\"*\", or one or more of {}", words(Protocol::ALL.iter()));
    let named = written.map_or(&[] as &[String], Words::list);
    if named.is_empty() {
        reader.refuse("match.protocol", "missing", expected);
        return Vec::new();
    }
    for word in named {
        if word != "*" && Protocol::ALL.iter().all(|protocol| protocol.as_str() != word) {
            reader.refuse("match.protocol", format!("{word:?} is no protocol"), expected.as_str());
        }
    }
    let is_named = |protocol: &Protocol| named.iter().any(|word| word == "*" || word == protocol.as_str());
    Protocol::ALL.into_iter().filter(is_named).collect()
}

fn list<T>(
    reader: &mut Reader,
    field: &str,
    written: Option<&Words>,
    read: impl Fn(&str) -> Result<T, Flaw>,
) -> Vec<T> {
    let Some(words) = written.map(Words::list) else { return Vec::new() };
    if words.is_empty() || words.len() > LIST_MAX {
        reader.refuse(field, format!("{} entries", words.len()), format!("1 to {LIST_MAX}, or no such field"));
        return Vec::new();
    }
    words.iter().filter_map(|word| reader.take(field, read(word))).collect()
}

fn method(text: &str) -> Result<String, Flaw> {
    // Methods tell upper and lower case apart, and `get` is rarely meant as one of its own.
    let good = Method::from_str(text).is_ok() && !text.bytes().any(|byte| byte.is_ascii_lowercase());
    let flaw = || (format!("{text:?} is no method"), "methods in upper case, such as GET".to_owned());
    good.then(|| text.to_owned()).ok_or_else(flaw)
}

fn record_type(text: &str) -> Result<String, Flaw> {
    let parsed = RecordType::from_str(&text.to_ascii_uppercase());
    let flaw = |_| (format!("{text:?} is no DNS type"), "types such as A, AAAA or TXT".to_owned());
    parsed.map(|kind| kind.to_string()).map_err(flaw)
}

fn host(text: &str) -> Result<Host, Flaw> {
    Host::parse(text).map_err(|reason| (reason, "a name without a port, or *. and a name for all under it".to_owned()))
}

/// Names in DNS do not tell upper and lower case apart, and the final dot is not written in facts. An expression is left
/// alone: `\S` is not `\s`.
fn lower(text: &str) -> String {
    if text.starts_with("re:") {
        return text.to_owned();
    }
    text.strip_suffix('.').unwrap_or(text).to_ascii_lowercase()
}

fn pattern(
    reader: &mut Reader,
    field: &str,
    text: Option<&str>,
    fits: impl Fn(&str) -> Result<(), Flaw>,
) -> Option<Pattern> {
    let text = text?;
    let parsed = Pattern::parse(text).map_err(|reason| (reason, pattern::EXPECTED.to_owned()));
    let parsed = reader.take(field, parsed)?;
    if !matches!(parsed, Pattern::Regex { .. }) {
        reader.take(field, fits(text));
    }
    Some(parsed)
}

fn path(text: &str) -> Result<(), Flaw> {
    let flaw = || (format!("{text:?} is no path"), format!("a path that begins with /: {}", pattern::EXPECTED));
    text.starts_with(['/', '*']).then_some(()).ok_or_else(flaw)
}

fn grpc_method(text: &str) -> Result<(), Flaw> {
    let good = !text.starts_with('/') && (text.contains('/') || text.contains('*'));
    let flaw = || {
        let reason = format!("{text:?} is no gRPC method");
        (reason, "package.Service/Method without a / before it, with * for any run of characters".to_owned())
    };
    good.then_some(()).ok_or_else(flaw)
}

fn headers(reader: &mut Reader, written: &WrittenMatch) -> Vec<(HeaderName, Option<String>)> {
    let Some(headers) = &written.headers else { return Vec::new() };
    if headers.is_empty() || headers.len() > LIST_MAX {
        let reason = format!("{} entries", headers.len());
        reader.refuse("match.headers", reason, format!("1 to {LIST_MAX}, or no such field"));
        return Vec::new();
    }
    let read = |(name, value): (&String, &String)| {
        let expected = "names and values of header fields; * for any value".to_owned();
        let field = HeaderName::from_str(name).map_err(|_| (format!("{name:?} is no field name"), expected.clone()))?;
        HeaderValue::from_str(value).map_err(|_| (format!("{value:?} is no field value"), expected))?;
        Ok((field, (value != "*").then(|| value.clone())))
    };
    headers.iter().filter_map(|header| reader.take("match.headers", read(header))).collect()
}

/// The two halves of an error that says both.
fn split(error: &str) -> Flaw {
    let (reason, expected) = error.split_once("; expected ").unwrap_or((error, "something else"));
    (reason.to_owned(), expected.to_owned())
}
