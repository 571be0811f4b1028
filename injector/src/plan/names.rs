//! How the names of targets become addresses.

use std::fmt;
use std::net::{IpAddr, SocketAddr};
use std::str::FromStr;
use std::time::Duration;

use shared::units::{parse_duration, print_duration};

use super::Sources;

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

/// How an operation's connections find their way: whom they go to and where from. Only names are looked up; an address that
/// is written as one is what it is.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Route {
    /// When the target's name is looked up.
    pub resolve: Resolve,
    /// Which of its addresses is taken.
    pub select: Select,
    /// Where connections come from.
    pub sources: Sources,
}

/// When a name is looked up.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum Resolve {
    /// For every new connection, which fails if the look-up does: what a new client meets.
    #[default]
    PerConnection,
    /// When the answer's time to live is over.
    Ttl,
    /// This often, whatever the answer says.
    Interval(Duration),
    /// At the start, and never again.
    Once,
}

/// Bounds of an interval: more questions than ten a second are a load test of the name server, for which there is an
/// operation; more than a day between two is `once`.
const INTERVAL: [Duration; 2] = [Duration::from_millis(100), Duration::from_secs(24 * 3_600)];

/// Which of a name's addresses a connection goes to.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum Select {
    /// The next one.
    #[default]
    Rr,
    /// One that the operation's seed draws.
    Random,
    /// Each has connections of its own, and the requests go to the addresses in turn.
    All,
}

impl FromStr for Resolve {
    type Err = String;

    fn from_str(text: &str) -> Result<Resolve, String> {
        let interval = text.strip_prefix("interval(").and_then(|text| text.strip_suffix(')'));
        match (text, interval) {
            ("per_connection", _) => Ok(Resolve::PerConnection),
            ("ttl", _) => Ok(Resolve::Ttl),
            ("once", _) => Ok(Resolve::Once),
            (_, Some(written)) => {
                let every = parse_duration(written).map_err(|error| error.to_string())?;
                let [least, most] = INTERVAL;
                if every < least || every > most {
                    let (least, most) = (print_duration(least), print_duration(most));
                    return Err(format!("interval {written:?} is out of range; expected {least} to {most}"));
                }
                Ok(Resolve::Interval(every))
            }
            _ => Err(format!("{text:?}; expected per_connection, ttl, interval(30s) or once")),
        }
    }
}

impl fmt::Display for Resolve {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Resolve::PerConnection => f.write_str("per_connection"),
            Resolve::Ttl => f.write_str("ttl"),
            Resolve::Interval(every) => write!(f, "interval({})", print_duration(*every)),
            Resolve::Once => f.write_str("once"),
        }
    }
}

impl FromStr for Select {
    type Err = String;

    fn from_str(text: &str) -> Result<Select, String> {
        match text {
            "rr" => Ok(Select::Rr),
            "random" => Ok(Select::Random),
            "all" => Ok(Select::All),
            _ => Err(format!("{text:?}; expected rr, random or all")),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_with_or_without_a_port() {
        for (text, meant) in [
            ("127.0.0.10", "127.0.0.10:53"),
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

    #[test]
    fn policies_are_read_as_they_are_written() {
        for text in ["per_connection", "ttl", "interval(30s)", "interval(100ms)", "once"] {
            assert_eq!(text.parse::<Resolve>().map(|resolve| resolve.to_string()), Ok(text.to_owned()));
        }
        for (text, remedy) in [
            ("", "per_connection"),
            ("interval", "interval(30s)"),
            ("interval(", "interval(30s)"),
            ("interval(30)", "30s"),
            ("interval(1ms)", "100ms"),
            ("interval(48h)", "24h"),
            ("TTL", "ttl"),
        ] {
            let error = text.parse::<Resolve>().unwrap_err();
            assert!(error.contains(remedy), "{text}: {error}");
        }
        assert_eq!(["rr", "random", "all"].map(str::parse), [Ok(Select::Rr), Ok(Select::Random), Ok(Select::All)]);
        assert!("first".parse::<Select>().unwrap_err().contains("rr, random or all"));
    }
}
