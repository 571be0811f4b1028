//! What happened to an operation's name, in the result of a run.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::account::{AddressAccount, NameAccount};

/// The name of an operation's target; all zero where it goes to an address.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Names {
    /// Look-ups by response code; the empty code is no answer.
    pub lookups: BTreeMap<String, u64>,
    /// How often the name had other addresses than before.
    pub changes: u64,
    /// Addresses that it gained by that, at most 64.
    pub joined: Vec<String>,
    /// Addresses that it lost, likewise.
    pub left: Vec<String>,
    /// Connections opened by an answer past its time.
    pub stale_answers: u64,
    /// Requests to an address that the latest answer did not have any more.
    pub departed_requests: u64,
    /// By address, as far as it is known where requests went.
    pub addresses: Vec<Address>,
}

/// The requests to one address; the rest of the planned ones were dropped or interrupted.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Address {
    /// The address, or `other` for all beyond the 64 that have a row.
    pub address: String,
    /// Slots that came due for it; nothing where slots are not for an address: only with `select: all` are they.
    pub planned: Option<u64>,
    /// Requests that reached a connection.
    pub sent: u64,
    /// Complete answers, right or wrong.
    pub answered: u64,
    /// Requests that were what was asked for.
    pub success: u64,
    /// Requests that were not.
    pub failure: u64,
}

impl From<&NameAccount> for Names {
    fn from(account: &NameAccount) -> Names {
        let rows = account.addresses.each().map(|(address, row)| Address::new(address.to_string(), row));
        let other = Some(account.addresses.other()).filter(|row| **row != AddressAccount::default());
        Names {
            lookups: account.lookups.iter().map(|(code, count)| (code.label(), *count)).collect(),
            changes: account.changes,
            joined: account.joined.iter().map(ToString::to_string).collect(),
            left: account.left.iter().map(ToString::to_string).collect(),
            stale_answers: account.stale_answers,
            departed_requests: account.departed_requests,
            addresses: rows.chain(other.map(|row| Address::new("other".to_owned(), row))).collect(),
        }
    }
}

impl Address {
    fn new(address: String, row: &AddressAccount) -> Address {
        let AddressAccount { planned, sent, answered, success, failure } = *row;
        let planned = (planned > 0).then_some(planned);
        Address { address, planned, sent, answered, success, failure }
    }
}
