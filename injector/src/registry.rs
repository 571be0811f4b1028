//! The one place that names the drivers: from an operation's call to the code that speaks its protocol.

use crate::driver::Driver;
use crate::driver::dns::Dns;
use crate::driver::grpc::Grpc;
use crate::driver::http::{Http, Http2};
use crate::driver::tcp::Tcp;
use crate::driver::udp::Udp;
use crate::plan::{Call, HttpVersion};

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
        Call::Http(call) => match call.version {
            HttpVersion::Http1 => visit.visit::<Http>(call),
            HttpVersion::Http2 => visit.visit::<Http2>(call),
        },
        Call::Grpc(call) => visit.visit::<Grpc>(call),
        Call::Tcp(call) => visit.visit::<Tcp>(call),
        Call::Udp(call) => visit.visit::<Udp>(call),
        Call::Dns(call) => visit.visit::<Dns>(call),
    }
}
