//! What a plan moves: bytes on the path. Estimates, and said to be.

use super::{key, predicted};
use crate::plan::{Call, Method, Operation, RequestBody};

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
