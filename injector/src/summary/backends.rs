//! Answers by server in the result of a run, and how many servers a name has. Pure.

use std::cmp::Ordering;
use std::collections::{BTreeMap, BTreeSet};
use std::net::IpAddr;

use serde::{Deserialize, Serialize};

use crate::account::{self, AddressAccount, OperationAccount, Seen};
use crate::plan::Plan;

/// What each server did for one operation.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Backends {
    /// By name, as in `x-cload-server`.
    pub servers: BTreeMap<String, Seen>,
    /// Of servers beyond 256, those not heard of for longest.
    pub other: Seen,
    /// Of answers that name no server.
    pub unnamed: Seen,
}

impl From<&account::Backends> for Backends {
    fn from(backends: &account::Backends) -> Backends {
        Backends {
            servers: backends.servers().map(|(name, seen)| (name.to_owned(), *seen)).collect(),
            other: backends.other(),
            unnamed: backends.unnamed(),
        }
    }
}

/// Servers that answered, against addresses that a name has.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct NameBackends {
    /// The name, or address, that operations are sent to.
    pub name: String,
    /// Distinct servers that answered them in the run.
    pub seen: usize,
    /// Addresses that the name had at the end; nothing if it could not be looked up.
    pub addresses: Option<usize>,
    /// Those of them of which no answer ever came; nothing if requests were not counted by address, or some in no row of
    /// their own.
    pub never_answered: Option<Vec<String>>,
}

/// Most addresses that are named in a line.
const NAMED_MAX: usize = 8;

impl NameBackends {
    /// By name. Names whose answers never say who gave them are left out: nothing is known of who is behind those.
    pub(crate) fn of(
        plan: &Plan,
        accounts: &[OperationAccount],
        addresses: &BTreeMap<String, Vec<IpAddr>>,
    ) -> Vec<NameBackends> {
        let mut seen: BTreeMap<String, BTreeSet<&str>> = BTreeMap::new();
        let mut answered: BTreeMap<String, Answered> = BTreeMap::new();
        for (operation, account) in plan.operations.iter().zip(accounts) {
            let servers = account.by_backend.servers().map(|(server, _)| server);
            let host = operation.endpoint.host.to_string();
            answered.entry(host.clone()).or_default().take(&account.names.addresses);
            seen.entry(host).or_default().extend(servers);
        }
        let named = seen.into_iter().filter(|(_, servers)| !servers.is_empty());
        let of = |(name, servers): (String, BTreeSet<&str>)| {
            let all = addresses.get(&name);
            let never_answered = all.zip(answered.get(&name)).and_then(|(all, answered)| answered.never(all));
            NameBackends { name, seen: servers.len(), addresses: all.map(Vec::len), never_answered }
        };
        named.map(of).collect()
    }

    /// `web: 3 seen, the name has 4 addresses: 1 never answered (10.0.0.4)`; nothing if one answers for one address.
    pub(crate) fn words(&self) -> Option<String> {
        let NameBackends { name, seen, addresses, never_answered } = self;
        let addresses = (*addresses)?;
        if addresses <= 1 && *seen <= 1 {
            return None;
        }
        let verdict = match (seen.cmp(&addresses), never_answered.as_deref()) {
            (_, Some(silent @ [_, ..])) => format!(": {} never answered ({})", silent.len(), listed(silent)),
            (Ordering::Less, Some([])) => ": all of them answered, some for the same server".to_owned(),
            (Ordering::Less, None) => format!(": {} never answered", addresses - seen),
            (Ordering::Equal, _) => String::new(),
            (Ordering::Greater, _) => ": the name changed, or something before them spreads the requests".to_owned(),
        };
        let plural = if addresses == 1 { "address" } else { "addresses" };
        Some(format!("{name}: {seen} seen, the name has {addresses} {plural}{verdict}"))
    }
}

/// `10.0.0.1, 10.0.0.2 and 3 more`.
pub(crate) fn listed(addresses: &[String]) -> String {
    let (named, rest) = addresses.split_at(addresses.len().min(NAMED_MAX));
    let more = if rest.is_empty() { String::new() } else { format!(" and {} more", rest.len()) };
    format!("{}{more}", named.join(", "))
}

/// Which addresses answered, of all operations that are sent to a name.
#[derive(Default)]
struct Answered {
    /// Whether there is any row, and none for all the rest.
    is_known: bool,
    has_other: bool,
    addresses: BTreeSet<IpAddr>,
}

impl Answered {
    fn take(&mut self, rows: &account::Addresses) {
        self.has_other |= *rows.other() != AddressAccount::default();
        for (address, row) in rows.each() {
            self.is_known = true;
            if row.answered > 0 {
                self.addresses.insert(address);
            }
        }
    }

    /// Those of all that never answered.
    fn never(&self, all: &[IpAddr]) -> Option<Vec<String>> {
        let silent = all.iter().filter(|address| !self.addresses.contains(address));
        (self.is_known && !self.has_other).then(|| silent.map(ToString::to_string).collect())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn servers_are_set_against_addresses() {
        let words = |seen, addresses| told(seen, addresses, None);
        assert_eq!(words(3, Some(4)).unwrap(), "web: 3 seen, the name has 4 addresses: 1 never answered");
        assert_eq!(words(2, Some(2)).unwrap(), "web: 2 seen, the name has 2 addresses");
        let spread = ": the name changed, or something before them spreads the requests";
        assert_eq!(words(3, Some(1)).unwrap(), format!("web: 3 seen, the name has 1 address{spread}"));
        assert_eq!((words(1, Some(1)), words(3, None)), (None, None));
    }

    fn told(seen: usize, addresses: Option<usize>, never_answered: Option<Vec<String>>) -> Option<String> {
        NameBackends { name: "web".to_owned(), seen, addresses, never_answered }.words()
    }

    #[test]
    fn who_never_answered_is_named_and_not_without_end() {
        let silent = |count: u8| Some((1..=count).map(|n| format!("127.0.0.{n}")).collect());
        let one = "web: 3 seen, the name has 4 addresses: 1 never answered (127.0.0.1)";
        assert_eq!(told(3, Some(4), silent(1)).unwrap(), one);
        assert!(told(3, Some(3), silent(1)).unwrap().ends_with("1 never answered (127.0.0.1)"));
        assert!(told(3, Some(4), silent(0)).unwrap().ends_with(": all of them answered, some for the same server"));
        assert!(told(1, Some(21), silent(20)).unwrap().ends_with("127.0.0.7, 127.0.0.8 and 12 more)"));
    }

    #[test]
    fn an_address_is_silent_if_no_operation_had_an_answer_from_it() {
        let all: Vec<IpAddr> = (1..4).map(|n| IpAddr::from([127, 0, 0, n])).collect();
        let mut rows = account::NameAccount::of_run().addresses;
        let mut answered = Answered::default();
        assert_eq!(answered.never(&all), None);
        rows.row(all[0]).answered = 1;
        rows.row(all[1]).failure = 9;
        answered.take(&rows);
        assert_eq!(answered.never(&all).unwrap(), ["127.0.0.2", "127.0.0.3"]);
        (0..200).for_each(|n| rows.row(IpAddr::from([127, 0, 1, n])).answered = 1);
        answered.take(&rows);
        assert_eq!(answered.never(&all), None);
    }
}
