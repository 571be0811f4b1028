//! As many rules as may live, and what they are to requests that none of them is for.

use serde_json::json;
use shared::protocol::Protocol;

use super::admin::Admin;
use super::ask::{Seen, ask};
use super::http1::Connection;
use crate::fixture::{RunningTarget, run};
use crate::metrics::metric;

/// Rules that may live at once.
const LIVE_MAX: u64 = 64;

#[test]
fn sixty_four_rules_live_one_more_is_refused_and_who_is_not_meant_notices_nothing() {
    run(async {
        let target = RunningTarget::start();
        let (addresses, admin) = (target.addresses, Admin(target.admin));
        let rule = |n: u64| {
            let matched = json!({ "protocol": ["http", "http2"], "path": format!("/api/{n}") });
            json!({ "ttl": "1m", "owner": "crowd", "match": matched, "fault": "status=503" })
        };
        for n in 0..LIVE_MAX {
            admin.install(&format!("rule-{n}"), &rule(n));
        }
        let refused = admin.call("PUT", "/faults/one-more", Some(&rule(LIVE_MAX)));
        assert_eq!((refused.status, &refused.json()["error"]["code"]), (409, &json!("too_many_rules")));
        assert_eq!(admin.call("PUT", "/faults/rule-0", Some(&rule(0))).status, 200, "renewing needs no room");
        for protocol in Protocol::ALL {
            assert_eq!(ask(protocol, &addresses, &[]).await, Seen::plain(protocol));
        }
        let mut connection = Connection::open(target.http);
        for n in [0, 31, LIVE_MAX - 1] {
            assert_eq!(
                connection.get(&format!("/api/{n}?size=0"), &[]).header("x-cload-rule"),
                Some(&*format!("rule-{n}"))
            );
            assert_eq!(admin.counts(&format!("rule-{n}")), [1, 1, 0]);
        }
        let text = admin.metrics();
        assert_eq!(metric("continuous_load_server_fault_rules_active").sum_in(&text), LIVE_MAX as f64);
        assert_eq!(metric("continuous_load_server_fault_rule_hits_total").sum_in(&text), 3.0);
        assert!(admin.remove("rule-7"));
        admin.install("one-more", &rule(LIVE_MAX));
        let removed = admin.call("DELETE", "/faults?owner=crowd", None).json();
        assert_eq!(removed["removed"], json!(LIVE_MAX));
        target.stop().await;
    });
}
