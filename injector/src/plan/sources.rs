//! Addresses of this machine that connections come from, written as a list of addresses and subnets.

use std::fmt;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::str::FromStr;
use std::sync::Arc;

/// Most subnets in a list.
const SUBNETS_MAX: usize = 16;
/// Most addresses in all: each is tried at the start, and with its own ports this many are beyond any machine.
const ADDRESSES_MAX: u64 = 65_536;

/// Where connections come from. Empty: wherever the kernel chooses.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub struct Sources(Arc<[Subnet]>);

/// So many addresses from the first one on.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
struct Subnet {
    first: IpAddr,
    prefix: u8,
}

impl Sources {
    /// Whether the kernel chooses.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// How many addresses there are to reach an address of this family.
    pub fn count(&self, is_ipv6: bool) -> u64 {
        self.of(is_ipv6).map(Subnet::count).sum()
    }

    /// The address whose turn it is, of the family; nothing if there is none of it.
    pub fn nth(&self, turn: u64, is_ipv6: bool) -> Option<IpAddr> {
        let mut left = turn.checked_rem(self.count(is_ipv6))?;
        self.of(is_ipv6).find_map(|subnet| match left.checked_sub(subnet.count()) {
            None => Some(subnet.nth(left)),
            Some(beyond) => {
                left = beyond;
                None
            }
        })
    }

    /// Every address, in order.
    pub fn each(&self) -> impl Iterator<Item = IpAddr> + '_ {
        self.0.iter().flat_map(|subnet| (0..subnet.count()).map(|n| subnet.nth(n)))
    }

    fn of(&self, is_ipv6: bool) -> impl Iterator<Item = &Subnet> {
        self.0.iter().filter(move |subnet| subnet.first.is_ipv6() == is_ipv6)
    }
}

impl Subnet {
    fn bits(&self) -> u32 {
        let whole = if self.first.is_ipv6() { 128 } else { 32 };
        whole - u32::from(self.prefix)
    }

    fn count(&self) -> u64 {
        1 << self.bits()
    }

    /// Of two subnets that have an address in common the larger one has the other's first.
    fn overlaps(&self, other: &Subnet) -> bool {
        let (large, small) = if self.count() >= other.count() { (self, other) } else { (other, self) };
        match (large.first, small.first) {
            (IpAddr::V4(first), IpAddr::V4(held)) => first.to_bits() ^ held.to_bits() < large.count() as u32,
            (IpAddr::V6(first), IpAddr::V6(held)) => first.to_bits() ^ held.to_bits() < u128::from(large.count()),
            _ => false,
        }
    }

    fn nth(&self, n: u64) -> IpAddr {
        match self.first {
            IpAddr::V4(first) => IpAddr::V4(Ipv4Addr::from_bits(first.to_bits() | n as u32)),
            IpAddr::V6(first) => IpAddr::V6(Ipv6Addr::from_bits(first.to_bits() | u128::from(n))),
        }
    }
}

impl FromStr for Sources {
    type Err = String;

    fn from_str(text: &str) -> Result<Sources, String> {
        let subnets: Vec<Subnet> = text.split(',').map(|part| part.trim().parse()).collect::<Result<_, String>>()?;
        if subnets.len() > SUBNETS_MAX {
            return Err(format!("{} subnets are over the limit of {SUBNETS_MAX}", subnets.len()));
        }
        let count: u64 = subnets.iter().map(Subnet::count).sum();
        if count > ADDRESSES_MAX {
            return Err(format!("{text:?} is {count} addresses; at most {ADDRESSES_MAX}"));
        }
        for (index, subnet) in subnets.iter().enumerate() {
            if let Some(other) = subnets[..index].iter().find(|other| other.overlaps(subnet)) {
                return Err(format!("{other} and {subnet} have addresses in common; write each once"));
            }
        }
        Ok(Sources(subnets.into()))
    }
}

impl FromStr for Subnet {
    type Err = String;

    fn from_str(text: &str) -> Result<Subnet, String> {
        let expected =
            "expected addresses and subnets of this machine such as 127.0.1.0/28 or fd00::10, with commas between";
        let wrong = || format!("{text:?} is not a source address; {expected}");
        let (address, prefix) = text.split_once('/').map_or((text, None), |(address, prefix)| (address, Some(prefix)));
        let first: IpAddr = address.parse().map_err(|_| wrong())?;
        if first.is_unspecified() || first.is_multicast() {
            return Err(wrong());
        }
        let whole = if first.is_ipv6() { 128 } else { 32 };
        let prefix = match prefix {
            None => whole,
            Some(digits) => digits
                .parse::<u8>()
                .ok()
                .filter(|bits| *bits <= whole && digits.bytes().all(|byte| byte.is_ascii_digit()))
                .ok_or_else(wrong)?,
        };
        let least = whole - ADDRESSES_MAX.ilog2() as u8;
        if prefix < least {
            return Err(format!("{text:?} is more than {ADDRESSES_MAX} addresses; expected /{least} or longer"));
        }
        let subnet = Subnet { first, prefix };
        let bits = match first {
            IpAddr::V4(first) => u64::from(first.to_bits()),
            // The part below the prefix is within the last 16 bits, by the bound above.
            IpAddr::V6(first) => first.to_bits() as u64,
        };
        if bits % subnet.count() != 0 {
            return Err(format!("{text:?} is in the middle of its subnet; write its first address"));
        }
        Ok(subnet)
    }
}

impl fmt::Display for Sources {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, subnet) in self.0.iter().enumerate() {
            let comma = if index > 0 { ", " } else { "" };
            write!(f, "{comma}{subnet}")?;
        }
        Ok(())
    }
}

impl fmt::Display for Subnet {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.bits() {
            0 => write!(f, "{}", self.first),
            _ => write!(f, "{}/{}", self.first, self.prefix),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_list_is_walked_in_turn_by_family() {
        let sources: Sources = "127.0.1.0/30, fd00::1, 127.0.2.9".parse().unwrap();
        assert_eq!(sources.to_string(), "127.0.1.0/30, fd00::1, 127.0.2.9");
        assert_eq!((sources.count(false), sources.count(true)), (5, 1));
        let turns: Vec<String> = (0..6).filter_map(|turn| sources.nth(turn, false)).map(|ip| ip.to_string()).collect();
        assert_eq!(turns, ["127.0.1.0", "127.0.1.1", "127.0.1.2", "127.0.1.3", "127.0.2.9", "127.0.1.0"]);
        assert_eq!(sources.nth(7, true), Some("fd00::1".parse().unwrap()));
        assert_eq!(sources.each().count(), 6);
        assert_eq!("127.0.1.0/30, 127.0.1.4/30, ::7f00:100".parse::<Sources>().unwrap().each().count(), 9);
        assert_eq!("127.0.0.1".parse::<Sources>().unwrap().nth(0, true), None);
        assert_eq!(Sources::default().nth(3, false), None);
    }

    #[test]
    fn what_is_no_subnet_says_what_would_be() {
        for (text, remedy) in [
            ("", "127.0.1.0/28"),
            ("eth0", "127.0.1.0/28"),
            ("127.0.1.0/33", "127.0.1.0/28"),
            ("127.0.1.0/+8", "127.0.1.0/28"),
            ("127.0.1.1/28", "first address"),
            ("fd00::1/120", "first address"),
            ("127.0.0.0/8", "/16"),
            ("fd00::/64", "/112"),
            ("::", "127.0.1.0/28"),
            ("127.0.0.0/16, 127.1.0.0/16", "at most 65536"),
            ("127.0.1.1, 127.0.2.1, 127.0.1.1", "127.0.1.1 and 127.0.1.1 have addresses in common"),
            ("127.0.1.1, 127.0.1.0/30", "127.0.1.1 and 127.0.1.0/30 have addresses in common"),
            ("127.0.1.0/28,127.0.1.8/29", "127.0.1.0/28 and 127.0.1.8/29 have addresses in common"),
            ("fd00::/120, fd00::ff", "fd00::/120 and fd00::ff have addresses in common"),
        ] {
            let error = text.parse::<Sources>().unwrap_err();
            assert!(error.contains(remedy), "{text}: {error}");
        }
    }
}
