//! What a probe is pointed at: `scheme://host[:port][/path][?query]`.

use std::fmt;
use std::str::FromStr;

use crate::plan::{Address, AddressError};

/// A probe's target, taken apart.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ProbeUrl {
    /// How to speak.
    pub scheme: Scheme,
    /// Whom to speak to; the port may be left to the protocol.
    pub address: Address,
    /// Path and query as written, from the first slash; empty when there is none.
    pub path: String,
    text: String,
}

/// The schemes a probe knows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Scheme {
    /// HTTP, without or with TLS.
    Http {
        /// `https`.
        tls: bool,
    },
    /// gRPC, without or with TLS.
    Grpc {
        /// `grpcs`.
        tls: bool,
    },
    /// The TCP echo.
    Tcp,
    /// The UDP echo.
    Udp,
    /// DNS.
    Dns,
}

const SCHEMES: [(&str, Scheme); 7] = [
    ("http", Scheme::Http { tls: false }),
    ("https", Scheme::Http { tls: true }),
    ("grpc", Scheme::Grpc { tls: false }),
    ("grpcs", Scheme::Grpc { tls: true }),
    ("tcp", Scheme::Tcp),
    ("udp", Scheme::Udp),
    ("dns", Scheme::Dns),
];

impl Scheme {
    /// Whether it speaks through TLS.
    pub fn is_tls(self) -> bool {
        matches!(self, Scheme::Http { tls: true } | Scheme::Grpc { tls: true })
    }
}

impl ProbeUrl {
    /// The path without its slash and the query without its question mark.
    pub fn split(&self) -> (&str, &str) {
        let path = self.path.strip_prefix('/').unwrap_or(&self.path);
        path.split_once('?').unwrap_or((path, ""))
    }
}

impl FromStr for ProbeUrl {
    type Err = UrlError;

    fn from_str(text: &str) -> Result<ProbeUrl, UrlError> {
        let known = || SCHEMES.map(|(name, _)| name).join(", ");
        let (scheme, rest) = text.split_once("://").ok_or_else(|| UrlError::Scheme(text.to_owned(), known()))?;
        let found = SCHEMES.into_iter().find(|(name, _)| name.eq_ignore_ascii_case(scheme));
        let (_, scheme) = found.ok_or_else(|| UrlError::Scheme(text.to_owned(), known()))?;
        let end = rest.find(['/', '?']).unwrap_or(rest.len());
        let (authority, path) = rest.split_at(end);
        let path = if path.starts_with('?') { format!("/{path}") } else { path.to_owned() };
        Ok(ProbeUrl { scheme, address: authority.parse()?, path, text: text.to_owned() })
    }
}

impl fmt::Display for ProbeUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

/// Why a text cannot be probed.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum UrlError {
    /// No scheme, or one nobody speaks here.
    #[error("{0:?} does not begin with a scheme that can be probed: {1}, as in http://host:port/path")]
    Scheme(String, String),
    /// The host or port is wrong.
    #[error(transparent)]
    Address(#[from] AddressError),
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn is_taken_apart() {
        for (text, scheme, address, path) in [
            ("http://h", Scheme::Http { tls: false }, "h", ""),
            ("https://h:1/a?b=c", Scheme::Http { tls: true }, "h:1", "/a?b=c"),
            ("HTTP://h?status=503", Scheme::Http { tls: false }, "h", "/?status=503"),
            ("grpc://127.0.0.1:9999/a.B/C", Scheme::Grpc { tls: false }, "127.0.0.1:9999", "/a.B/C"),
            ("tcp://[::1]:7", Scheme::Tcp, "[::1]:7", ""),
            ("dns://127.0.0.53/example.com?type=AAAA", Scheme::Dns, "127.0.0.53", "/example.com?type=AAAA"),
        ] {
            let url: ProbeUrl = text.parse().unwrap();
            assert_eq!(url.to_string(), text);
            assert_eq!((url.scheme, url.address, &*url.path), (scheme, address.parse().unwrap(), path), "{text}");
        }
        let url: ProbeUrl = "dns://h/example.com?type=AAAA".parse().unwrap();
        assert_eq!(url.split(), ("example.com", "type=AAAA"));
    }

    #[test]
    fn what_cannot_be_probed_says_what_can() {
        for (text, words) in [
            ("host:80", "http://host:port/path"),
            ("ftp://h", "grpcs"),
            ("http://", "is not a host"),
            ("http://h:0", "1 to 65535"),
            ("http://::1/", "brackets"),
        ] {
            let error = text.parse::<ProbeUrl>().unwrap_err().to_string();
            assert!(error.contains(words), "{text}: {error}");
        }
    }
}
