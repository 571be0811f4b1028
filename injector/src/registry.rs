//! The one place that names the drivers: from an operation's call to the code that speaks its protocol.

use crate::driver::Driver;
use crate::driver::http::Http;
use crate::plan::Call;

/// Something to do with a driver, whichever it is: static dispatch, chosen once per stream.
pub(crate) trait Visit {
    /// What comes of it.
    type Output;
    /// Does it with the driver `D` of `call`.
    fn visit<D: Driver>(self, call: &D::Call) -> Self::Output;
}

/// Does it with the driver of this call's protocol.
pub(crate) fn dispatch<V: Visit>(call: &Call, visit: V) -> V::Output {
    match call {
        Call::Http(call) => visit.visit::<Http>(call),
    }
}
