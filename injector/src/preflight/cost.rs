//! What a plan will cost this machine, from what requests and connections were measured to cost (`docs/benchmarks.md`, "What a
//! request costs the injector"). Another processor may be twice as fast or half as fast: an estimate warns and refuses nothing.

use std::time::Duration;

use shared::protocol::Protocol;

use crate::plan::{Call, Operation, Plan};

/// Processor time of one request among many, on a connection that stands.
const HTTP: Duration = Duration::from_micros(12);
const HTTP2: Duration = Duration::from_micros(15);
const GRPC: Duration = Duration::from_micros(24);
/// An echo, or a query.
const SMALL: Duration = Duration::from_micros(16);
/// What TLS adds to a request, and to a connection.
const TLS_REQUEST: Duration = Duration::from_micros(4);
const TLS_HANDSHAKE: Duration = Duration::from_micros(180);
/// Opening a connection and closing it.
const CONNECT: Duration = Duration::from_micros(40);
/// Waking up for a request and for its answer. At a higher rate each wake-up finds several.
const WAKE_UP: Duration = Duration::from_micros(25);
const WAKE_UPS_MAX_PER_S: f64 = 4_000.0;

/// Memory of the process, however small the plan; of an operation, which is its histograms; of a connection that is kept, with
/// what it reads into, and with TLS; of a request in flight.
const PROCESS_BYTES: u64 = 12 << 20;
const OPERATION_BYTES: u64 = 1 << 20;
const CONNECTION_BYTES: u64 = 8 << 10;
const TLS_BYTES: u64 = 16 << 10;
const IN_FLIGHT_BYTES: u64 = 4 << 10;
/// A request that is kept ready, one for each row of data, without its content.
const READY_BYTES: u64 = 3 << 10;

/// Cores' worth of processor time that the plan will take at its peak while all is well.
pub(super) fn cores(plan: &Plan) -> f64 {
    let requests = plan.operations.iter().map(|each| each.peak.per_second() * request(each).as_secs_f64());
    requests.sum::<f64>() + plan.peak_per_second().min(WAKE_UPS_MAX_PER_S) * WAKE_UP.as_secs_f64()
}

/// Memory that the plan takes if every request runs into its timeout, in bytes.
pub(crate) fn memory_bytes(plan: &Plan) -> u64 {
    let operation = |operation: &Operation| {
        let tls = if operation.tls.is_some() { TLS_BYTES } else { 0 };
        let kept = operation.connection.kept().map_or(0, |kept| u64::from(kept.get()));
        let ready = operation.calls().iter().map(|call: &Call| READY_BYTES.saturating_add(call.content_bytes()));
        ready.fold(OPERATION_BYTES + kept * (CONNECTION_BYTES + tls), u64::saturating_add)
    };
    let operations = plan.operations.iter().map(operation).fold(0, u64::saturating_add);
    let in_flight = plan.demand.in_flight.min(u64::from(plan.max_in_flight.get()));
    operations.saturating_add(PROCESS_BYTES + in_flight * IN_FLIGHT_BYTES)
}

fn request(operation: &Operation) -> Duration {
    let mut cost = match operation.protocol() {
        Protocol::Http => HTTP,
        Protocol::Http2 => HTTP2,
        Protocol::Grpc => GRPC,
        _ => SMALL,
    };
    let is_secured = operation.tls.is_some();
    if is_secured {
        cost += TLS_REQUEST;
    }
    if operation.connection.is_fresh() && !operation.protocol().is_datagram() {
        cost += CONNECT;
        if is_secured {
            cost += TLS_HANDSHAKE;
        }
    }
    cost
}
