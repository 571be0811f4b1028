//! What an account says of an operation's name, and of each address that had requests of its own.

use std::collections::{BTreeMap, BTreeSet};
use std::net::IpAddr;

use shared::outcome::{Code, ErrorClass, Outcome};

/// Most addresses with a row of their own in the account of a run, the first that had requests; the rest share one.
pub const ADDRESS_ROWS_MAX: usize = 64;

/// The same for a part of a run. A second's account must have a row for each that had requests in it, or an address with a row
/// in the run would lose those of that second: that is as many as a name has, eleven times over if it is looked up ten times a
/// second and has others each time.
const PART_ROWS_MAX: usize = 4_096;

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

/// A row for each address, and one for all beyond [`ADDRESS_ROWS_MAX`], or beyond [`PART_ROWS_MAX`] in a part of a run.
///
/// Sorted, and with the place of the row that was asked for last: most requests go where the one before them went, which costs
/// them one comparison.
#[derive(Clone, Debug, Default)]
pub struct Addresses {
    rows: Vec<(IpAddr, AddressAccount)>,
    last: usize,
    other: AddressAccount,
    /// Whether it is of a whole run, and not of a part.
    is_of_run: bool,
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

    /// Of a whole run, which is merged of its parts.
    pub(crate) fn of_run() -> NameAccount {
        let addresses = Addresses { is_of_run: true, ..Addresses::default() };
        NameAccount { addresses, ..NameAccount::default() }
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
        let most = if self.is_of_run { ADDRESS_ROWS_MAX } else { PART_ROWS_MAX };
        if self.rows.get(self.last).is_none_or(|(held, _)| *held != address) {
            self.last = match self.rows.binary_search_by_key(&address, |(held, _)| *held) {
                Ok(place) => place,
                Err(_) if self.rows.len() >= most => return &mut self.other,
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

    fn ip(n: u16) -> IpAddr {
        IpAddr::from([10, 0, (n >> 8) as u8, n as u8])
    }

    /// The account of a second in which each of these addresses had one request.
    fn second(addresses: impl Iterator<Item = u16>) -> NameAccount {
        let mut account = NameAccount::default();
        for n in addresses {
            let row = account.addresses.row(ip(n));
            row.planned += 1;
            row.finished(Outcome::Success(Code::Http(200)));
        }
        account
    }

    #[test]
    fn beyond_the_bound_addresses_share_a_row_and_nothing_is_lost() {
        let mut total = NameAccount::of_run();
        // The highest is the first; then all have their turn, second by second in another order.
        total.merge(&second([99].into_iter()));
        for _ in 0..3 {
            total.merge(&second((0..100).rev()));
            total.merge(&second((50..100).chain(0..50)));
        }
        let rows: Vec<_> = total.addresses.each().collect();
        assert_eq!(rows.len(), ADDRESS_ROWS_MAX);
        assert!(rows.is_sorted_by_key(|(address, _)| *address));
        for (address, row) in rows {
            let own = if address == ip(99) { 7 } else { 6 };
            assert_eq!((row.planned, row.success), (own, own), "{address}: all of its requests, or none");
        }
        assert_eq!(total.addresses.other().planned, 6 * (100 - ADDRESS_ROWS_MAX as u64));
    }

    #[test]
    fn rows_of_a_second_are_bounded_too() {
        let account = second(0..5_000);
        assert_eq!(account.addresses.each().count(), PART_ROWS_MAX);
        assert_eq!(account.addresses.other().planned, 5_000 - PART_ROWS_MAX as u64);
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
