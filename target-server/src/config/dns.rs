//! What DNS answers: its zone, its largest datagram, the addresses it may be asked to name, its rate.

use std::net::IpAddr;
use std::str::FromStr;

use clap::Args;
use shared::carrier::dns::Zone;
use shared::dnsanswer::{PLAIN_SIZE_MAX_BYTES, UDP_SIZE_MAX_BYTES};

/// What DNS answers.
#[derive(Clone, Debug, Args)]
#[command(next_help_heading = "DNS")]
pub struct DnsConfig {
    /// The zone that is served: `ok.ZONE` answers well, `f.ZONE` takes faults in the name
    #[arg(long, env = "CLOAD_DNS_ZONE", value_name = "NAME", default_value_t = Zone::default())]
    pub dns_zone: Zone,

    /// Networks whose addresses a query may ask to be answered; anything else would let a stranger's page make a browser
    /// take our name for an address inside your network
    #[arg(
        long,
        env = "CLOAD_DNS_ANSWER_CIDRS",
        value_name = "CIDRS",
        value_delimiter = ',',
        default_value = "192.0.2.0/24,198.51.100.0/24,203.0.113.0/24,2001:db8::/32,127.0.0.0/8,::1/128"
    )]
    pub dns_answer_cidrs: Vec<Cidr>,

    /// Largest answer over UDP in bytes, 512 to 4096; larger ones are truncated
    #[arg(long, env = "CLOAD_DNS_UDP_SIZE_MAX", value_name = "BYTES", default_value_t = UDP_SIZE_MAX_BYTES,
        value_parser = clap::value_parser!(u16).range(i64::from(PLAIN_SIZE_MAX_BYTES)..=4096))]
    pub dns_udp_size_max: u16,

    /// Answers over UDP per second to one network of clients (an IPv4 /24 or an IPv6 /56); beyond it they are truncated, which
    /// sends an honest client to TCP and gives a forged one nothing
    #[arg(long, env = "CLOAD_DNS_RATE_LIMIT", value_name = "PER_SECOND", default_value_t = 100_000,
        value_parser = clap::value_parser!(u32).range(1..))]
    pub dns_rate_limit: u32,
}

/// A network: an address and how many of its first bits count.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Cidr {
    network: IpAddr,
    prefix: u32,
}

impl Cidr {
    /// Whether the address lies in it. The families are kept apart.
    pub fn contains(&self, ip: IpAddr) -> bool {
        match (self.network, ip) {
            (IpAddr::V4(own), IpAddr::V4(ip)) => {
                same_prefix(own.to_bits().into(), ip.to_bits().into(), 32 - self.prefix)
            }
            (IpAddr::V6(own), IpAddr::V6(ip)) => same_prefix(own.to_bits(), ip.to_bits(), 128 - self.prefix),
            _ => false,
        }
    }
}

fn same_prefix(a: u128, b: u128, rest: u32) -> bool {
    (a ^ b).checked_shr(rest).unwrap_or(0) == 0
}

impl FromStr for Cidr {
    type Err = String;

    fn from_str(text: &str) -> Result<Cidr, String> {
        let parse = || {
            let (network, prefix) = text.split_once('/')?;
            let network: IpAddr = network.parse().ok()?;
            let most = if network.is_ipv4() { 32 } else { 128 };
            let prefix = prefix.parse().ok().filter(|prefix| *prefix <= most)?;
            Some(Cidr { network, prefix })
        };
        parse().ok_or_else(|| format!("{text:?} is no network; expected one such as 192.0.2.0/24 or 2001:db8::/32"))
    }
}

#[cfg(test)]
mod tests {
    use super::Cidr;

    #[test]
    fn networks_hold_what_shares_their_prefix() {
        for (cidr, ip, holds) in [
            ("127.0.2.0/24", "127.0.2.255", true),
            ("127.0.2.0/24", "127.0.3.0", false),
            ("127.0.0.0/0", "127.0.0.1", true),
            ("::/0", "127.0.0.1", false),
            ("::/0", "fe80::1", true),
            ("::1/128", "::1", true),
            ("::1/128", "::2", false),
            ("2001:db8::/32", "2001:db8:ffff::1", true),
        ] {
            assert_eq!(cidr.parse::<Cidr>().unwrap().contains(ip.parse().unwrap()), holds, "{cidr} {ip}");
        }
        for bad in ["", "127.0.2.0", "127.0.2.0/33", "::/129", "x/8", "127.0.2.0/-1"] {
            assert!(bad.parse::<Cidr>().is_err(), "{bad}");
        }
    }
}
