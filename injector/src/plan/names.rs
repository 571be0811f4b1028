//! How the names of targets become addresses.

use std::fmt;
use std::net::{IpAddr, SocketAddr};
use std::str::FromStr;

/// The port of name servers (RFC 1035, 4.2).
const PORT: u16 = 53;

/// The one name server that is asked, instead of the first of `/etc/resolv.conf`: an address, with port 53 where none is
/// written.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct NameServer(pub SocketAddr);

impl FromStr for NameServer {
    type Err = String;

    fn from_str(text: &str) -> Result<NameServer, String> {
        let bare = text.strip_prefix('[').and_then(|text| text.strip_suffix(']')).unwrap_or(text);
        let at = text.parse().or_else(|_| bare.parse().map(|ip: IpAddr| SocketAddr::new(ip, PORT)));
        at.ok().filter(|at| at.port() != 0).map(NameServer).ok_or_else(|| {
            format!("{text:?} is not the address of a name server; expected 10.96.0.10, 127.0.0.1:5353 or [::1]:53")
        })
    }
}

impl fmt::Display for NameServer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_with_or_without_a_port() {
        for (text, meant) in [
            ("127.0.0.1", "127.0.0.1:53"),
            ("127.0.0.1:5353", "127.0.0.1:5353"),
            ("::1", "[::1]:53"),
            ("[::1]", "[::1]:53"),
            ("[::1]:5353", "[::1]:5353"),
        ] {
            assert_eq!(text.parse::<NameServer>().map(|server| server.to_string()), Ok(meant.to_owned()), "{text}");
        }
        for text in ["", "kube-dns", "127.0.0.1:0", "127.0.0.1:", "127.0.0.1:65536", "1.2.3"] {
            let error = text.parse::<NameServer>().unwrap_err();
            assert!(error.contains(&format!("{text:?}")), "{error}");
        }
    }
}
