//! The fates of unanswered requests in the result of a run.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use shared::outcome::Fate;

use crate::fate::Fates;

/// What became of unanswered requests. `total = request_lost + response_lost + unknown`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Unanswered {
    /// How many there were.
    pub total: u64,
    /// Never arrived at the target.
    pub request_lost: u64,
    /// Arrived, and the answer did not come back.
    pub response_lost: u64,
    /// It cannot be told.
    pub unknown: u64,
    /// Why not: `restarted`, `unreachable`, `forgotten`, `overflow`, `anonymous`; reasons that did not occur are left out.
    pub reasons: BTreeMap<String, u64>,
}

impl From<&Fates> for Unanswered {
    fn from(fates: &Fates) -> Unanswered {
        Unanswered {
            total: fates.total(),
            request_lost: fates.of(Fate::RequestLost),
            response_lost: fates.of(Fate::ResponseLost),
            unknown: fates.of(Fate::Unknown),
            reasons: fates.doubts().into_iter().map(|(reason, count)| (reason.to_owned(), count)).collect(),
        }
    }
}
