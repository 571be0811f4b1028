//! The same in numbers, for programs: `injector check FILE --json`. Times in milliseconds, rates per second, sizes in bytes.

use serde_json::{Value, json};

use super::numbers::{self, Traffic};
use super::told;
use crate::plan::{Operation, Phase, Plan};
use crate::preflight;

/// Describes a plan.
pub(super) fn of(plan: &Plan) -> Value {
    let ports = plan.demand.endpoints.iter();
    json!({
        "rate_per_s": plan.per_second(),
        "source": plan.source.to_string(),
        "seed": plan.seed,
        "admin": plan.admin.to_string(),
        "max_lag_ms": plan.max_lag.as_secs_f64() * 1e3,
        "max_in_flight": plan.max_in_flight.get(),
        "demand": {
            "in_flight": plan.demand.in_flight,
            "descriptors": plan.demand.descriptors,
            "memory_bytes": preflight::memory_bytes(plan),
            "ports": ports.map(|one| json!({ "endpoint": one.endpoint.to_string(), "ports": one.ports })).collect::<Vec<_>>(),
        },
        // Null: it goes on until it is told to stop, or depends on gates.
        "length_s": plan.length(None).map(|length| length.as_secs_f64()),
        "requests": plan.expected(None),
        "phases": plan.phases.iter().map(|one| phase(plan, one)).collect::<Vec<_>>(),
        "operations": plan.operations.iter().map(|one| operation(plan, one)).collect::<Vec<_>>(),
    })
}

fn phase(plan: &Plan, phase: &Phase) -> Value {
    let (from_per_s, to_per_s) = phase.per_second_in_all(plan);
    json!({
        "name": phase.name.as_str(),
        "length_s": phase.length.map(|length| length.as_secs_f64()),
        "from_per_s": from_per_s,
        "to_per_s": to_per_s,
    })
}

fn operation(plan: &Plan, operation: &Operation) -> Value {
    let (request, asks, outcomes) = told(operation);
    let Traffic { sent_bytes_per_s, received_bytes_per_s } = numbers::traffic(operation);
    let mut value = json!({
        "name": operation.name.as_str(),
        "protocol": operation.protocol().as_str(),
        "endpoint": operation.endpoint.to_string(),
        "rate_per_s": operation.rate.per_second(),
        "share": operation.rate.per_second() / plan.per_second(),
        "timeout_ms": operation.timeout.as_secs_f64() * 1e3,
        // Of fresh connections nobody says how many there are.
        "connections": operation.connection.kept(),
        "streams": operation.streams.get(),
        "is_secured": operation.tls.is_some(),
        "is_injected": operation.injected,
        "request": request,
        "asks": asks,
        "content_sent_bytes_per_s": sent_bytes_per_s,
        "content_received_bytes_per_s": received_bytes_per_s,
        "rows": operation.rows.as_ref().map(|rows| json!({
            "set": rows.set, "from": rows.from, "count": rows.calls.len(), "order": rows.order.as_str(),
        })),
    });
    if let (Some(fields), Value::Object(outcomes)) = (value.as_object_mut(), outcomes.json()) {
        fields.extend(outcomes);
    }
    value
}
