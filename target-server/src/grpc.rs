//! gRPC: every method reads the same metadata, and every answer is sent frame by frame by us, because its faults, pauses and
//! trailers are what is tested. tonic decodes requests, runs methods and encodes messages.
//!
//! Data walks one way: ask → verdict → method → act → record.

mod answer;
mod ask;
mod call;
mod context;
mod frame;
mod intake;
mod method;
mod peek;
mod services;
mod status;
mod strike;
mod unfold;

#[cfg(test)]
mod tests;

use std::sync::Arc;

use bytes::Bytes;
use h2::server::SendResponse;
use h2::{Reason, RecvStream};
use http::header::InvalidHeaderValue;
use http::{HeaderValue, Request};
use tokio::sync::watch;
use tonic::Status;

use crate::core::Core;
use crate::h2conn::H2Conn;
use crate::panics::shielded;
pub(crate) use services::Options;
use services::Services;

/// What all gRPC calls share.
pub(crate) struct Grpc {
    core: Arc<Core>,
    /// The value of `x-cload-server`.
    place: HeaderValue,
    services: Services,
    serving: watch::Sender<Serving>,
}

/// What health says of all services.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Serving {
    Unready,
    Ready,
    /// Unready, and for ever.
    Draining,
}

impl Grpc {
    /// Not ready yet. Errors: the place is no header value.
    pub(crate) fn new(core: Arc<Core>, options: Options) -> Result<Grpc, InvalidHeaderValue> {
        let (serving, watched) = watch::channel(Serving::Unready);
        let services = Services::new(core.faults.limits(), watched, options);
        let place = HeaderValue::from_str(&core.place)?;
        Ok(Grpc { core, place, services, serving })
    }

    /// Whether health says SERVING, as `/readyz` says ready; of no effect once it drains.
    pub(crate) fn set_ready(&self, is_ready: bool) {
        let next = if is_ready { Serving::Ready } else { Serving::Unready };
        self.serving.send_if_modified(|serving| {
            let changes = *serving != Serving::Draining && *serving != next;
            if changes {
                *serving = next;
            }
            changes
        });
    }

    /// From now on health says NOT_SERVING, and watches of it end.
    pub(crate) fn draining(&self) {
        self.serving.send_replace(Serving::Draining);
    }

    /// Serves one stream to its end. Polled inside the connection's task; see [`H2Conn`].
    pub(crate) async fn serve(
        self: Arc<Grpc>,
        request: Request<RecvStream>,
        mut respond: SendResponse<Bytes>,
        conn: Arc<H2Conn>,
    ) {
        if shielded("a gRPC call", call::serve(self, request, &mut respond, conn)).await.is_none() {
            // The call is recorded: its guard was dropped by the panic. If a head is out, only a reset can say it.
            let response = Status::internal("the call panicked").into_http();
            if respond.send_response(response, true).is_err() {
                respond.send_reset(Reason::INTERNAL_ERROR);
            }
        }
    }
}
