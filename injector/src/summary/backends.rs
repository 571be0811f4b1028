//! Answers by server in the result of a run, and how many servers a name has. Pure.

use std::collections::{BTreeMap, BTreeSet};

use serde::Serialize;

use crate::account::{self, OperationAccount, Seen};
use crate::plan::Plan;

/// What each server did for one operation.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
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
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct NameBackends {
    /// The name, or address, that operations are sent to.
    pub name: String,
    /// Distinct servers that answered them in the run.
    pub seen: usize,
    /// Addresses that the name had at the end; nothing if it could not be looked up.
    pub addresses: Option<usize>,
}

impl NameBackends {
    /// By name. Names whose answers never say who gave them are left out: nothing is known of who is behind those.
    pub(crate) fn of(
        plan: &Plan,
        accounts: &[OperationAccount],
        addresses: &BTreeMap<String, usize>,
    ) -> Vec<NameBackends> {
        let mut seen: BTreeMap<String, BTreeSet<&str>> = BTreeMap::new();
        for (operation, account) in plan.operations.iter().zip(accounts) {
            let servers = account.by_backend.servers().map(|(server, _)| server);
            seen.entry(operation.endpoint.host.to_string()).or_default().extend(servers);
        }
        let named = seen.into_iter().filter(|(_, servers)| !servers.is_empty());
        let of = |(name, servers): (String, BTreeSet<&str>)| {
            let addresses = addresses.get(&name).copied();
            NameBackends { name, seen: servers.len(), addresses }
        };
        named.map(of).collect()
    }

    /// `web: 3 seen, the name has 4 addresses: 1 never answered`; nothing if one answers for one address.
    pub(crate) fn words(&self) -> Option<String> {
        let NameBackends { name, seen, addresses } = self;
        let addresses = (*addresses)?;
        if addresses <= 1 && *seen <= 1 {
            return None;
        }
        let verdict = match seen.cmp(&addresses) {
            std::cmp::Ordering::Less => format!(": {} never answered", addresses - seen),
            std::cmp::Ordering::Equal => String::new(),
            std::cmp::Ordering::Greater => {
                ": the name changed, or something before them spreads the requests".to_owned()
            }
        };
        let plural = if addresses == 1 { "address" } else { "addresses" };
        Some(format!("{name}: {seen} seen, the name has {addresses} {plural}{verdict}"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn servers_are_set_against_addresses() {
        let words = |seen, addresses| NameBackends { name: "web".to_owned(), seen, addresses }.words();
        assert_eq!(words(3, Some(4)).unwrap(), "web: 3 seen, the name has 4 addresses: 1 never answered");
        assert_eq!(words(2, Some(2)).unwrap(), "web: 2 seen, the name has 2 addresses");
        let spread = ": the name changed, or something before them spreads the requests";
        assert_eq!(words(3, Some(1)).unwrap(), format!("web: 3 seen, the name has 1 address{spread}"));
        assert_eq!((words(1, Some(1)), words(3, None)), (None, None));
    }
}
