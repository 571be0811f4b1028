//! podinfo's values as text.

use std::convert::Infallible;
use std::fmt;
use std::net::{IpAddr, Ipv4Addr};
use std::path::PathBuf;

/// A key that no log shows.
#[derive(Clone, PartialEq, Eq)]
pub struct Secret(pub String);

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Secret")
    }
}

/// Where to listen; `None` for all addresses.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Host(pub Option<IpAddr>);

pub(super) fn parse_host(text: &str) -> Result<Host, String> {
    match text {
        "" => Ok(Host(None)),
        "localhost" => Ok(Host(Some(IpAddr::V4(Ipv4Addr::LOCALHOST)))),
        _ => text.trim_start_matches('[').trim_end_matches(']').parse().map(|ip| Host(Some(ip))).map_err(|_| {
            "expected an address such as 127.0.0.1 or ::1, localhost, or nothing for all addresses".to_owned()
        }),
    }
}

/// podinfo's clean form: one slash in front, none behind and none doubled; empty for none.
pub(super) fn parse_prefix(text: &str) -> Result<String, String> {
    let mut clean = Vec::new();
    for segment in text.trim().split('/') {
        match segment {
            "" | "." => {}
            ".." => drop(clean.pop()),
            _ => clean.push(segment),
        }
    }
    if clean.iter().any(|segment| segment.contains(['?', '#', '%'])) {
        return Err("expected a path without ?, # and %, such as /shop".to_owned());
    }
    Ok(clean.into_iter().flat_map(|segment| ["/", segment]).collect())
}

/// A switch in Go's spelling. Empty is off: charts write the flag whether or not they have a value for it.
pub(super) fn parse_switch(text: &str) -> Result<bool, String> {
    match text {
        "1" | "t" | "T" | "TRUE" | "true" | "True" => Ok(true),
        "" | "0" | "f" | "F" | "FALSE" | "false" | "False" => Ok(false),
        _ => Err("expected true or false".to_owned()),
    }
}

/// Any text, also none, which clap's own paths refuse.
pub(super) fn parse_path(text: &str) -> Result<PathBuf, Infallible> {
    Ok(PathBuf::from(text))
}
