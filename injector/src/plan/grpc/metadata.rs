//! The file's own metadata, checked before anything is sent.

use crate::plan::compile::Found;
use crate::scenario::WrittenHeaders;

/// Bounds on a file's own metadata; servers refuse more.
const FIELDS_MAX: usize = 32;
const BYTES_MAX: usize = 8 * 1024;

/// Fields the injector writes itself, because the call depends on them; with those that begin with [`OWN_PREFIXES`].
const OWN: [&str; 6] = ["connection", "content-type", "host", "te", "transfer-encoding", "user-agent"];
const OWN_PREFIXES: [&str; 2] = ["grpc-", "x-cload"];

pub(super) fn metadata(found: &mut Found, subject: &str, written: &WrittenHeaders) -> Vec<(String, String)> {
    let mut bytes = 0;
    let mut fields = Vec::new();
    for (name, value) in &written.0 {
        let subject = format!("{subject}.metadata.{:?}", name.value);
        bytes += name.value.len() + value.value.len();
        if let Err(message) = key(&name.value) {
            found.add(name.referenced, &subject, message);
        } else if let Err(message) = text(&name.value, &value.value) {
            found.add(value.referenced, &subject, message);
        }
        fields.push((name.value.clone(), value.value.clone()));
    }
    if let Some((name, _)) = written.0.get(FIELDS_MAX) {
        let message = format!("{} fields are over the limit of {FIELDS_MAX}", written.0.len());
        found.add(name.referenced, &format!("{subject}.metadata"), message);
    } else if let (Some((name, _)), true) = (written.0.first(), bytes > BYTES_MAX) {
        let message = format!("{bytes} bytes are over the limit of {BYTES_MAX}");
        found.add(name.referenced, &format!("{subject}.metadata"), message);
    }
    fields
}

fn key(name: &str) -> Result<(), &'static str> {
    let is_key_byte = |byte: u8| matches!(byte, b'a'..=b'z' | b'0'..=b'9' | b'_' | b'-' | b'.');
    if name.is_empty() || !name.bytes().all(is_key_byte) {
        return Err("not a metadata key: a-z, 0-9, _, - and .");
    }
    if OWN.contains(&name) || OWN_PREFIXES.iter().any(|prefix| name.starts_with(prefix)) {
        return Err("is written by the injector itself");
    }
    Ok(())
}

fn text(name: &str, value: &str) -> Result<(), String> {
    if let Some(bad) = value.chars().find(|c| !matches!(c, ' '..='~')) {
        return Err(format!(
            "{bad:?} cannot stand in metadata: visible ASCII and spaces; other bytes in a -bin key, as base64"
        ));
    }
    if value.trim_matches(' ') != value {
        return Err("spaces around a value are not part of it; leave them out".to_owned());
    }
    let is_base64 = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'+' | b'/' | b'=');
    if name.ends_with("-bin") && !value.bytes().all(is_base64) {
        return Err("a -bin key holds bytes as base64".to_owned());
    }
    Ok(())
}
