//! What an account says of an operation's name, and of each address that had requests of its own.

use std::collections::{BTreeMap, BTreeSet};
use std::net::IpAddr;

use shared::outcome::{Code, ErrorClass, Outcome};

/// Most addresses with a row of their own; the rest share one.
pub const ADDRESS_ROWS_MAX: usize = 64;

/// An operation's name.
#[derive(Clone, Debug, Default)]
pub struct NameAccount {
    /// Look-ups by response code; [`Code::NONE`] where no answer came.
    pub lookups: BTreeMap<Code, u64>,
    /// How often it had other addresses than before.
    pub changes: u64,
    /// Addresses that came to it while it was known, at most [`ADDRESS_ROWS_MAX`].
    pub joined: BTreeSet<IpAddr>,
    /// Addresses that it lost, likewise.
    pub left: BTreeSet<IpAddr>,
    /// Connections that were opened by an answer past its time.
    pub stale_answers: u64,
    /// Requests that went to an address that the latest answer did not have any more.
    pub departed_requests: u64,
    /// Requests by address, as far as it is known; empty where the operation goes to an address.
    pub addresses: Addresses,
}

/// A row for each address, and one for all beyond [`ADDRESS_ROWS_MAX`].
///
/// Sorted, and with the place of the row that was asked for last: most requests go where the one before them went, which costs
/// them one comparison.
#[derive(Clone, Debug, Default)]
pub struct Addresses {
    rows: Vec<(IpAddr, AddressAccount)>,
    last: usize,
    other: AddressAccount,
}

/// The requests to one address. Those that are neither success nor failure were dropped or interrupted, or are in flight.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct AddressAccount {
    /// Slots that came due for it; 0 where a slot is not for an address, which only those with `select: all` are.
    pub planned: u64,
    /// Requests that reached an established connection.
    pub sent: u64,
    /// Complete answers, right or wrong.
    pub answered: u64,
    /// Requests that were what was asked for.
    pub success: u64,
    /// Requests that were not.
    pub failure: u64,
}

impl NameAccount {
    /// It has these addresses now, and others before.
    pub(crate) fn changed(&mut self, before: &[IpAddr], now: &[IpAddr]) {
        self.changes += 1;
        take(&mut self.joined, now.iter().filter(|address| !before.contains(address)));
        take(&mut self.left, before.iter().filter(|address| !now.contains(address)));
    }

    /// Adds another's figures.
    pub(super) fn merge(&mut self, other: &NameAccount) {
        for (code, count) in &other.lookups {
            *self.lookups.entry(*code).or_default() += count;
        }
        self.changes += other.changes;
        take(&mut self.joined, &other.joined);
        take(&mut self.left, &other.left);
        self.stale_answers += other.stale_answers;
        self.departed_requests += other.departed_requests;
        self.addresses.merge(&other.addresses);
    }
}

fn take<'a>(held: &mut BTreeSet<IpAddr>, more: impl IntoIterator<Item = &'a IpAddr>) {
    for address in more {
        if held.len() < ADDRESS_ROWS_MAX {
            held.insert(*address);
        }
    }
}

impl Addresses {
    /// Where the requests to this address are counted.
    pub(crate) fn row(&mut self, address: IpAddr) -> &mut AddressAccount {
        if self.rows.get(self.last).is_none_or(|(held, _)| *held != address) {
            self.last = match self.rows.binary_search_by_key(&address, |(held, _)| *held) {
                Ok(place) => place,
                Err(_) if self.rows.len() >= ADDRESS_ROWS_MAX => return &mut self.other,
                Err(place) => {
                    self.rows.insert(place, (address, AddressAccount::default()));
                    place
                }
            };
        }
        &mut self.rows[self.last].1
    }

    /// By address, in order.
    pub fn each(&self) -> impl Iterator<Item = (IpAddr, &AddressAccount)> {
        self.rows.iter().map(|(address, row)| (*address, row))
    }

    /// Of all addresses that have no row of their own.
    pub fn other(&self) -> &AddressAccount {
        &self.other
    }

    fn merge(&mut self, other: &Addresses) {
        for (address, theirs) in other.each() {
            self.row(address).merge(theirs);
        }
        self.other.merge(&other.other);
    }
}

impl AddressAccount {
    /// A request has its result.
    pub(crate) fn finished(&mut self, outcome: Outcome<ErrorClass>) {
        self.answered += u64::from(outcome.code() != Code::NONE);
        match outcome.is_success() {
            true => self.success += 1,
            false => self.failure += 1,
        }
    }

    fn merge(&mut self, other: &AddressAccount) {
        self.planned += other.planned;
        self.sent += other.sent;
        self.answered += other.answered;
        self.success += other.success;
        self.failure += other.failure;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ip(n: u8) -> IpAddr {
        IpAddr::from([10, 0, 0, n])
    }

    #[test]
    fn beyond_the_bound_addresses_share_a_row_and_nothing_is_lost() {
        let mut account = NameAccount::default();
        for n in (0..100).rev() {
            account.addresses.row(ip(n)).planned += 1;
        }
        let mut total = NameAccount::default();
        total.addresses.row(ip(1)).planned += 1;
        total.merge(&account);
        let rows: Vec<_> = total.addresses.each().collect();
        assert_eq!(rows.len(), ADDRESS_ROWS_MAX);
        assert!(rows.is_sorted_by_key(|(address, _)| *address));
        let planned: u64 = rows.iter().map(|(_, row)| row.planned).sum();
        assert_eq!((rows[0].0, planned + total.addresses.other().planned), (ip(1), 101));
    }

    #[test]
    fn who_joined_and_who_left_is_kept_and_bounded() {
        let mut account = NameAccount::default();
        account.changed(&[ip(1), ip(2)], &[ip(2), ip(3)]);
        let mut total = NameAccount::default();
        total.changed(&[], &(100..200).map(ip).collect::<Vec<_>>());
        account.merge(&total);
        assert_eq!((account.changes, account.joined.len()), (2, ADDRESS_ROWS_MAX));
        assert_eq!((account.joined.first(), account.left.into_iter().collect()), (Some(&ip(3)), vec![ip(1)]));
    }

    #[test]
    fn a_row_is_found_again_whoever_was_asked_for_between() {
        let mut addresses = Addresses::default();
        for n in [7, 7, 3, 7, 9, 3, 1, 9, 7] {
            addresses.row(ip(n)).finished(Outcome::Success(Code::Http(200)));
        }
        addresses.row(ip(9)).finished(Outcome::Failure(Code::NONE, ErrorClass::Reset));
        let counts: Vec<_> = addresses.each().map(|(ip, row)| (ip, row.answered, row.success, row.failure)).collect();
        assert_eq!(counts, [(ip(1), 1, 1, 0), (ip(3), 2, 2, 0), (ip(7), 4, 4, 0), (ip(9), 2, 2, 1)]);
    }
}
