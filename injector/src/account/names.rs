//! What an account says of an operation's name, and of each address that had requests of its own.

use std::collections::BTreeMap;
use std::net::IpAddr;

use shared::outcome::Code;

/// Most addresses with a row of their own in the account of a run, the first that had requests; the rest share one.
pub const ADDRESS_ROWS_MAX: usize = 64;

/// The same for a part of a run. A second's account must have a row for each that had requests in it, or an address with a row
/// in the run would lose those of that second: that is as many as a name has, eleven times over if it is looked up ten times a
/// second and has others each time.
const PART_ROWS_MAX: usize = 4_096;

/// An operation's name.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct NameAccount {
    /// Look-ups by response code; [`Code::NONE`] where no answer came.
    pub lookups: BTreeMap<Code, u64>,
    /// How often it had other addresses than before.
    pub changes: u64,
    /// Connections that were opened by an answer past its time.
    pub stale_answers: u64,
    /// Requests that went to an address that the latest answer did not have any more.
    pub departed_requests: u64,
    /// Requests by address; only with `select: all`, and of a run at most [`ADDRESS_ROWS_MAX`].
    pub addresses: BTreeMap<IpAddr, AddressAccount>,
    /// Those of all other addresses.
    pub other_addresses: AddressAccount,
    /// Whether it is of a whole run, and not of a part.
    is_of_run: bool,
}

/// The requests to one address. Those that are neither success nor failure were dropped or interrupted, or are in flight.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct AddressAccount {
    /// Slots that came due for it.
    pub planned: u64,
    /// Requests that reached an established connection.
    pub sent: u64,
    /// Requests that were what was asked for.
    pub success: u64,
    /// Requests that were not.
    pub failure: u64,
}

impl NameAccount {
    /// Of a whole run, which is merged of its parts.
    pub(crate) fn of_run() -> NameAccount {
        NameAccount { is_of_run: true, ..NameAccount::default() }
    }

    /// The row of an address, if the requests have one of its own.
    pub(crate) fn row(&mut self, address: Option<IpAddr>) -> Option<&mut AddressAccount> {
        let address = address?;
        let most = if self.is_of_run { ADDRESS_ROWS_MAX } else { PART_ROWS_MAX };
        let has_room = self.addresses.len() < most || self.addresses.contains_key(&address);
        Some(if has_room { self.addresses.entry(address).or_default() } else { &mut self.other_addresses })
    }

    /// Adds another's figures.
    pub(super) fn merge(&mut self, other: &NameAccount) {
        for (code, count) in &other.lookups {
            *self.lookups.entry(*code).or_default() += count;
        }
        self.changes += other.changes;
        self.stale_answers += other.stale_answers;
        self.departed_requests += other.departed_requests;
        for (address, theirs) in &other.addresses {
            if let Some(mine) = self.row(Some(*address)) {
                mine.merge(theirs);
            }
        }
        self.other_addresses.merge(&other.other_addresses);
    }
}

impl AddressAccount {
    fn merge(&mut self, other: &AddressAccount) {
        self.planned += other.planned;
        self.sent += other.sent;
        self.success += other.success;
        self.failure += other.failure;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The account of a second in which each of these addresses had one request.
    fn second(addresses: impl Iterator<Item = u16>) -> NameAccount {
        let mut account = NameAccount::default();
        let one = AddressAccount { planned: 1, sent: 1, success: 1, failure: 0 };
        for n in addresses {
            account.row(Some(address(n))).unwrap().merge(&one);
        }
        account
    }

    fn address(n: u16) -> IpAddr {
        IpAddr::from([10, 0, (n >> 8) as u8, n as u8])
    }

    #[test]
    fn beyond_the_bound_addresses_share_a_row_and_nothing_is_lost() {
        assert_eq!(NameAccount::default().row(None), None);
        let mut total = NameAccount::of_run();
        // The highest is the first; then all have their turn, second by second in another order.
        total.merge(&second([99].into_iter()));
        for _ in 0..3 {
            total.merge(&second((0..100).rev()));
            total.merge(&second((50..100).chain(0..50)));
        }
        assert_eq!(total.addresses.len(), ADDRESS_ROWS_MAX);
        for (ip, row) in &total.addresses {
            let own = if *ip == address(99) { 7 } else { 6 };
            assert_eq!((row.planned, row.success), (own, own), "{ip}: all of its requests, or none");
        }
        assert_eq!(total.other_addresses.planned, 6 * (100 - ADDRESS_ROWS_MAX as u64));
    }

    #[test]
    fn rows_of_a_second_are_bounded_too() {
        let account = second(0..5_000);
        assert_eq!(account.addresses.len(), PART_ROWS_MAX);
        assert_eq!(account.other_addresses.planned, 5_000 - PART_ROWS_MAX as u64);
    }
}
