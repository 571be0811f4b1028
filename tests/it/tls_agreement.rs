//! HTTP behind TLS: both sides report the same; a wrong name has words; certificates change while the target runs.

use std::net::SocketAddr;
use std::time::Duration;

use injector::account::OperationAccount;
use shared::outcome::ErrorClass;
use tokio_util::sync::CancellationToken;

use crate::agree::agreed;
use crate::fixture::{RunningTarget, assert_accounted, engine, eventually, inject, plan, run};
use crate::metrics::metric;
use crate::pki::Pki;
use crate::process::get;

/// What both versions do behind TLS, at a rate that a busy machine's debug build holds.
const EVERYTHING: &str = "
target: t
tls: { ca: CA }
rate: 200/s
timeout: 5s
mix:
  - { name: kept, weight: 20, connection: pooled(2), http: {} }
  - { name: fresh, weight: 5, connection: fresh, http: { body: hello } }
  - { name: large, weight: 1, http: { fault: \"size=1MiB&body=text\" } }
  - { name: upload, weight: 1, http: { method: PUT, body_size: 300KiB } }
  - { name: slow, weight: 4, http: { fault: \"delay=5ms..20ms&size=22KiB&chunk=999\" } }
  - { name: failing, weight: 4, http: { fault: \"status=503:50,404:10\" } }
  - { name: reset, weight: 2, http: { fault: \"fault=reset:50\" } }
  - { name: abort, weight: 2, http: { fault: \"size=1000&fault=abort&at=500\" } }
  - { name: empty, weight: 2, http: { fault: fault=empty } }
  - { name: garbage, weight: 2, http: { fault: fault=garbage } }
  - { name: two-kept, weight: 20, connection: pooled(2), streams: 8, http: { version: 2 } }
  - { name: two-fresh, weight: 5, connection: fresh, http: { version: 2, body: hello } }
  - { name: two-large, weight: 1, http: { version: 2, fault: \"size=1MiB&body=text\" } }
  - { name: two-upload, weight: 1, http: { version: 2, method: PUT, body_size: 300KiB } }
  - { name: two-failing, weight: 4, http: { version: 2, fault: \"status=503:50,404:10\" } }
  - { name: two-cancelled, weight: 2, http: { version: 2, fault: \"fault=h2rst(CANCEL):50\" } }
  - { name: two-abort, weight: 2, http: { version: 2, fault: \"size=1000&fault=abort&at=500\" } }
  - { name: two-reset, weight: 1, connection: fresh, http: { version: 2, fault: \"fault=reset&allow_conn=1\" } }
  - { name: two-goaway, weight: 1, connection: fresh, http: { version: 2, fault: \"fault=goaway(ENHANCE_YOUR_CALM)&allow_conn=1\" } }
";

/// A target with a certificate of this authority, and where it speaks HTTPS.
fn secured(pki: &Pki) -> (RunningTarget, SocketAddr) {
    let target = RunningTarget::secured(pki);
    let https = target.addresses.https.expect("there is a certificate");
    (target, https)
}

#[test]
fn the_two_sides_agree_behind_tls_label_by_label() {
    run(async {
        let pki = Pki::new();
        let (target, https) = secured(&pki);
        let scenario = EVERYTHING.replace("ca: CA", &format!("ca: {}", pki.text("ca.pem")));
        let (client, _) = agreed(plan(&scenario, https, target.admin), target.admin, Duration::from_secs(3)).await;
        let of = |name: &str, operation: &str| metric(name).label("operation", operation);
        let requests = |operation| of("continuous_load_client_requests_total", operation).sum_in(&client);
        let handshakes = |operation| {
            let count = of("continuous_load_client_phase_duration_seconds_count", operation).label("phase", "tls");
            count.sum_in(&client)
        };
        for operation in ["fresh", "two-fresh"] {
            assert_eq!(handshakes(operation), requests(operation), "{operation}: one handshake for each request");
        }
        for operation in ["kept", "two-kept"] {
            assert!((1.0..=2.0).contains(&handshakes(operation)), "{operation}: one handshake for each connection");
        }
        target.stop().await;
    });
}

/// The RST may meet a read, or a write of ours that was on its way: of such a write HTTP/2's library tells the connection
/// only, and it took one in thirty for an orderly end.
#[test]
fn a_reset_of_the_connection_is_a_reset_whatever_meets_it_first() {
    run(async {
        let pki = Pki::new();
        let (target, https) = secured(&pki);
        let scenario = format!(
            "target: t\nrate: 300/s\ntimeout: 5s\ntls: {{ ca: {} }}\nmix:\n  - {{ name: reset, weight: 1, connection: fresh, \
             http: {{ version: 2, body: hello, fault: \"fault=reset&allow_conn=1\" }} }}\n",
            pki.text("ca.pem")
        );
        assert_served(&inject(&scenario, https, Duration::from_secs(1)).await.accounts);
        target.stop().await;
    });
}

/// Half a second of fresh connections of each version that trust this authority, and these other keys of `tls`.
async fn asked(pki: &Pki, more: &str, https: SocketAddr) -> Vec<OperationAccount> {
    let scenario = format!(
        "target: t\nrate: 40/s\ntimeout: 5s\ntls: {{ ca: {}{more} }}\nmix:\n  \
         - {{ name: one, weight: 1, connection: fresh, http: {{}} }}\n  \
         - {{ name: two, weight: 1, connection: fresh, http: {{ version: 2 }} }}\n",
        pki.text("ca.pem")
    );
    inject(&scenario, https, Duration::from_millis(500)).await.accounts
}

/// All of them failed in the handshake, for this reason.
fn assert_refused(accounts: &[OperationAccount], words: &str) {
    for account in accounts {
        let class = ErrorClass::Tls.index();
        let said = account.examples[class].as_deref().unwrap_or_default();
        assert_eq!((account.failures[class], account.sent), (account.planned, 0), "{account:?}");
        assert!(said.contains(words), "{said}");
    }
}

fn assert_served(accounts: &[OperationAccount]) {
    for account in accounts {
        assert!(account.planned > 0);
        assert_eq!(account.success, account.planned, "{:?}", account.examples);
    }
}

#[test]
fn a_wrong_name_and_an_unknown_authority_are_failures_of_tls_with_words() {
    run(async {
        let (pki, other) = (Pki::new(), Pki::new());
        let (target, https) = secured(&pki);
        assert_refused(&asked(&pki, ", server_name: wrong.test", https).await, "wrong.test");
        assert_refused(&asked(&other, "", https).await, "UnknownIssuer");
        assert_served(&asked(&pki, "", https).await);
        // A connection that ends in a handshake is a request that did not get to say what it wants.
        let metrics = get(target.admin, "/metrics");
        let refused = metric("continuous_load_server_requests_total").label("operation", "malformed");
        assert_eq!(refused.label("error", "bad_request").sum_in(&metrics), 40.0);
        target.stop().await;
    });
}

#[test]
fn new_certificates_serve_new_connections_and_leave_the_old_alone() {
    run(async {
        let (before, after) = (Pki::new(), Pki::new());
        let (target, https) = secured(&before);
        let scenario = format!(
            "target: t\nrate: 40/s\ntimeout: 5s\ntls: {{ ca: {} }}\nmix:\n  \
             - {{ name: one, weight: 1, connection: pooled(1), http: {{}} }}\n  \
             - {{ name: two, weight: 1, connection: pooled(1), http: {{ version: 2 }} }}\n",
            before.text("ca.pem")
        );
        let kept = engine(plan(&scenario, https, target.admin), Duration::from_secs(60));
        let stop = CancellationToken::new();
        let kept = tokio::spawn({
            let stop = stop.clone();
            async move { kept.run(stop, |_| ()).await.unwrap() }
        });
        eventually("the first requests are answered", async || {
            let metrics = get(target.admin, "/metrics");
            let served = metric("continuous_load_server_connections_total").sum_in(&metrics);
            if served >= 2.0 { Ok(()) } else { Err(served) }
        })
        .await;
        for name in ["server.pem", "server.key"] {
            std::fs::copy(after.path(name), before.path(name)).unwrap();
        }
        eventually("the files are read again", async || {
            let metrics = get(target.admin, "/metrics");
            let reloads = metric("continuous_load_server_tls_reloads_total").label("result", "success");
            let reloads = reloads.sum_in(&metrics);
            if reloads >= 1.0 { Ok(()) } else { Err(reloads) }
        })
        .await;
        assert_refused(&asked(&before, "", https).await, "UnknownIssuer");
        assert_served(&asked(&after, "", https).await);
        stop.cancel();
        for account in kept.await.unwrap().accounts {
            assert_accounted(&account);
            assert_eq!((account.failed(), account.connections), (0, 1), "{:?}", account.examples);
            assert!(account.success > 0);
        }
        target.stop().await;
    });
}
