//! A delay that is asked for is not the target's own time: its processing time stays what it was.

use serde_json::json;
use shared::protocol::Protocol;

use super::admin::Admin;
use super::ask::ask;
use crate::fixture::{RunningTarget, eventually, run};
use crate::metrics::metric;

const DELAY_S: f64 = 0.3;
/// What a busy machine may add to an answer's own time.
const OWN_MAX_S: f64 = 0.1;

/// Requests of a protocol so far, the time they took, and the part of it that was the target's own.
fn figures(text: &str, protocol: Protocol) -> [f64; 3] {
    let of = |name: &str| {
        let name = format!("continuous_load_server_{name}");
        metric(&name).label("protocol", protocol.as_str()).label("injected", "true").sum_in(text)
    };
    [of("processing_duration_seconds_count"), of("request_duration_seconds_sum"), of("processing_duration_seconds_sum")]
}

#[test]
fn processing_time_stays_flat_while_delays_are_injected_by_request_and_by_rule() {
    run(async {
        let target = RunningTarget::start();
        let (addresses, admin) = (target.addresses, Admin(target.admin));
        let delay = format!("delay={}ms", DELAY_S * 1000.0);
        for (asks, by_rule) in [(1.0, false), (2.0, true)] {
            if by_rule {
                admin.install("slow", &json!({ "ttl": "1m", "match": { "protocol": "*" }, "fault": delay }));
            }
            let pairs = if by_rule { Vec::new() } else { vec![delay.as_str()] };
            let handle = tokio::runtime::Handle::current();
            std::thread::scope(|scope| {
                for protocol in Protocol::ALL {
                    let (handle, pairs) = (&handle, &pairs);
                    scope.spawn(move || handle.block_on(ask(protocol, &addresses, pairs)));
                }
            });
            for protocol in Protocol::ALL {
                eventually("it is counted", async || match figures(&admin.metrics(), protocol) {
                    [count, ..] if count == asks => Ok(()),
                    figures => Err((protocol, figures)),
                })
                .await;
                let [count, whole, own] = figures(&admin.metrics(), protocol);
                assert!(whole >= count * DELAY_S, "{protocol:?}: {whole} s in all");
                assert!(own < count * OWN_MAX_S, "{protocol:?}: {own} s of {whole} s are its own, by rule: {by_rule}");
            }
        }
        target.stop().await;
    });
}
