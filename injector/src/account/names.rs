//! What an account says of an operation's name, and of each address that had requests of its own.

use std::collections::BTreeMap;
use std::net::IpAddr;

use shared::outcome::Code;

/// Most addresses with a row of their own; the rest share one.
pub const ADDRESS_ROWS_MAX: usize = 64;

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
    /// Requests by address; only with `select: all`, and at most [`ADDRESS_ROWS_MAX`].
    pub addresses: BTreeMap<IpAddr, AddressAccount>,
    /// Those of all other addresses.
    pub other_addresses: AddressAccount,
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
    /// The row of an address, if the requests have one of its own.
    pub(crate) fn row(&mut self, address: Option<IpAddr>) -> Option<&mut AddressAccount> {
        let address = address?;
        let has_room = self.addresses.len() < ADDRESS_ROWS_MAX || self.addresses.contains_key(&address);
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

    #[test]
    fn beyond_the_bound_addresses_share_a_row_and_nothing_is_lost() {
        let mut account = NameAccount::default();
        let one = AddressAccount { planned: 1, sent: 1, success: 1, failure: 0 };
        for n in 0..100_u8 {
            account.row(Some(IpAddr::from([10, 0, 0, n]))).unwrap().merge(&one);
        }
        assert_eq!(account.row(None), None);
        let mut total = NameAccount::default();
        total.row(Some(IpAddr::from([10, 0, 0, 99]))).unwrap().merge(&one);
        total.merge(&account);
        assert_eq!(total.addresses.len(), ADDRESS_ROWS_MAX);
        let planned: u64 = total.addresses.values().map(|row| row.planned).sum();
        assert_eq!(planned + total.other_addresses.planned, 101);
        assert_eq!(total.addresses[&IpAddr::from([10, 0, 0, 99])].success, 1);
    }
}
