//! k6, a load generator that is not ours, against the target: it sees what was asked for, and both count the same.

use std::io::Write as _;
use std::net::SocketAddr;
use std::path::Path;
use std::process::{Command, Stdio};

use crate::fixture::{RunningTarget, run};
use crate::metrics::metric;
use crate::pki::Pki;
use crate::process::get;
use crate::tools::require;

/// Three requests an iteration: an echo, a fault in the query, a fault in the header.
const SCRIPT: &str = r#"
import http from 'k6/http';
import { check } from 'k6';
export const options = { vus: 2, iterations: 20, thresholds: { checks: ['rate==1'], http_req_failed: ['rate==0'] } };
http.setResponseCallback(http.expectedStatuses(200, 503));
const ask = (operation, fault) => ({
  headers: { 'x-cload': `source=k6/http;op=${operation};id=abcd2345.${__VU}${__ITER}`, ...fault },
  timeout: '5s',
});
export default function () {
  const proto = { proto: r => r.proto === __ENV.PROTO };
  const echo = http.post(`${__ENV.URL}/any/path`, 'hello', ask('echo', {}));
  check(echo, { ...proto, 200: r => r.status === 200, echoed: r => r.body === 'hello', marked: r => 'X-Cload' in r.headers });
  const sized = http.get(`${__ENV.URL}/?size=64KiB&body=text`, ask('sized', {}));
  check(sized, { ...proto, 200: r => r.status === 200, whole: r => r.body.length === 65536 });
  const failed = http.get(`${__ENV.URL}/`, ask('failed', { 'x-cload-fault': 'status=503; delay=1ms' }));
  check(failed, { ...proto, 503: r => r.status === 503 });
}
export function handleSummary(data) {
  return { stdout: JSON.stringify({ passes: data.metrics.checks.values.passes, requests: data.metrics.http_reqs.values.count }) };
}
"#;

/// What k6 prints of a script, all of whose thresholds hold. It listens nowhere and reports to nobody. A `ca` is whom it
/// trusts.
pub(crate) fn k6(tool: &Path, script: &str, variables: &[(&str, &str)], ca: Option<&Path>) -> serde_json::Value {
    let mut file = tempfile::Builder::new().suffix(".js").tempfile().unwrap();
    file.write_all(script.as_bytes()).unwrap();
    let mut command = Command::new(tool);
    command.args(["run", "--quiet", "--no-usage-report", "--no-color", "--address="]);
    for (name, value) in variables {
        command.arg("-e").arg(format!("{name}={value}"));
    }
    if let Some(ca) = ca {
        command.env("SSL_CERT_FILE", ca);
    }
    let output = command.arg(file.path()).stdin(Stdio::null()).output().unwrap();
    let said = String::from_utf8_lossy(&output.stdout).into_owned();
    assert!(output.status.success(), "{said} {}", String::from_utf8_lossy(&output.stderr));
    serde_json::from_str(&said).unwrap_or_else(|error| panic!("{error}: {said}"))
}

#[test]
fn k6_and_the_target_count_the_same_over_every_http_that_it_speaks() {
    let Some(tool) = require("k6") else { return };
    run(async {
        let pki = Pki::new();
        // Of HTTP/2 it speaks only what ALPN agrees on.
        for (proto, label, is_secured) in [("HTTP/1.1", "http", false), ("HTTP/2.0", "http2", true)] {
            let target = RunningTarget::secured(&pki);
            let (scheme, address): (&str, SocketAddr) = match is_secured {
                false => ("http", target.http),
                true => ("https", target.addresses.https.expect("there is a certificate")),
            };
            let url = format!("{scheme}://{address}");
            let ca = is_secured.then(|| pki.path("ca.pem"));
            let variables = [("URL", url.as_str()), ("PROTO", proto)];
            let said = tokio::task::block_in_place(|| k6(&tool, SCRIPT, &variables, ca.as_deref()));
            assert_eq!(said, serde_json::json!({ "passes": 180, "requests": 60 }), "{url}");
            let metrics = get(target.admin, "/metrics");
            let requests = || metric("continuous_load_server_requests_total").label("protocol", label);
            for (operation, code) in [("echo", "200"), ("sized", "200"), ("failed", "503")] {
                let counted = requests().label("source", "k6/http").label("operation", operation);
                assert_eq!(counted.by("code", &metrics), [(code.to_owned(), 20.0)], "{url}: {operation}");
            }
            assert_eq!(requests().sum_in(&metrics), 60.0, "{url}: and nothing else");
            target.stop().await;
        }
    });
}
