//! What happens to names, in the metrics and in the account of an operation.

use std::net::IpAddr;
use std::time::Duration;

use shared::outcome::Code;

use crate::counter::Counter;

impl Counter {
    /// A look-up is over, answered with this code or not at all.
    pub(super) fn looked_up(&self, code: Code, took: Duration) {
        self.series.names.looked_up(code, took);
        self.account(|account| *account.names.lookups.entry(code).or_default() += 1);
    }

    /// A connection was opened to an address of an answer that is past its time.
    pub(super) fn stale_answer(&self) {
        self.series.names.stale_answer();
        self.account(|account| account.names.stale_answers += 1);
    }

    /// The name has other addresses than it had.
    pub(super) fn name_changed(&self, before: &[IpAddr], now: &[IpAddr]) {
        self.series.names.changed();
        self.account(|account| account.names.changed(before, now));
    }

    /// A request goes to an address that the name has no more.
    pub(crate) fn departed_request(&self) {
        self.series.names.departed_request();
        self.account(|account| account.names.departed_requests += 1);
    }
}
