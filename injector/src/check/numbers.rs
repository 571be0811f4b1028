//! What a plan costs: bytes on the path and memory of this process. Estimates, and said to be.

use super::{key, predicted};
use crate::plan::{Call, Method, Operation, Plan, RequestBody};

/// The program itself, with its metrics and histograms: what it holds before the first connection.
const BASE_BYTES: u64 = 24 << 20;
/// A connection with its buffers, ours and the library's.
const CONNECTION_BYTES: u64 = 16 << 10;
/// What a TLS session holds besides.
const TLS_BYTES: u64 = 32 << 10;
/// A request in flight: its task, its prediction, its instants.
const IN_FLIGHT_BYTES: u64 = 4 << 10;
/// A request that is kept ready, without its content.
const READY_BYTES: u64 = 3 << 10;

/// Bytes of content a second in each direction; nothing where the answers' length is not known. Heads come on top.
pub(super) struct Traffic {
    pub(super) sent_bytes_per_s: f64,
    pub(super) received_bytes_per_s: Option<f64>,
}

/// What an operation moves.
pub(super) fn traffic(operation: &Operation) -> Traffic {
    let calls = operation.calls();
    let per_s = operation.rate.per_second();
    let sent: u64 = calls.iter().map(Call::content_bytes).sum();
    Traffic {
        sent_bytes_per_s: per_s * sent as f64 / calls.len() as f64,
        received_bytes_per_s: received(calls).map(|bytes| bytes * per_s),
    }
}

/// The mean length of an answer's content, where our target is asked and says how much it will send.
fn received(calls: &[Call]) -> Option<f64> {
    let mut sum = 0.0;
    let predicted = predicted(calls.iter().map(Call::fault));
    let count = predicted.len();
    for n in predicted {
        let key = key(n);
        let bytes = match &calls[n as usize % calls.len()] {
            Call::Http(call) if call.is_plain || call.route.is_some() => return None,
            Call::Http(call) if call.method == Method::Head => 0,
            Call::Http(call) => answer(&call.body, call.predict(&key).size_bytes),
            Call::Tcp(call) | Call::Udp(call) => answer(&call.body, call.predict(&key).size_bytes),
            Call::Grpc(_) | Call::Dns(_) => return None,
        };
        sum += bytes as f64;
    }
    Some(sum / count.max(1) as f64)
}

fn answer(body: &RequestBody, asked_bytes: Option<u64>) -> u64 {
    asked_bytes.unwrap_or_else(|| body.size_bytes())
}

/// The most this process will hold, in the worst case that the plan allows.
pub(super) fn memory_bytes(plan: &Plan) -> u64 {
    let in_flight = plan.demand.in_flight.min(u64::from(plan.max_in_flight.get()));
    let is_secured = plan.operations.iter().any(|operation| operation.tls.is_some());
    let connection = CONNECTION_BYTES + if is_secured { TLS_BYTES } else { 0 };
    let ready: u64 = plan
        .operations
        .iter()
        .flat_map(Operation::calls)
        .map(|call| READY_BYTES.saturating_add(call.content_bytes()))
        .fold(0, u64::saturating_add);
    let connections = plan.demand.descriptors.saturating_mul(connection);
    [connections, in_flight.saturating_mul(IN_FLIGHT_BYTES), ready].into_iter().fold(BASE_BYTES, u64::saturating_add)
}
