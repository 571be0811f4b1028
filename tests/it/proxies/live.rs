//! What `/metrics` says of fates and differences while a run is under way, and what becomes of requests that a proxy holds
//! for so long that they are called lost before they arrive.

use std::net::SocketAddr;
use std::ops::RangeInclusive;

use serde_json::{Value, json};

use super::path::{Deed, Path};
use super::streams::{self, Framing};
use crate::fates::{forward, identity};
use crate::fixture::{RunningTarget, ScriptedServer, Step, in_time, run};
use crate::metrics::metric;
use crate::process::{Process, get};

/// Requests that are held, of each operation that has such.
const HELD: u64 = 5;
/// Requests of which the target knows as somebody else's: those of the first four seconds.
const FORGED: u64 = 40;

/// The injector's own metrics: those of one operation.
struct Live {
    admin: SocketAddr,
}

impl Live {
    fn value(&self, name: &str, operation: &str, labels: &[(&str, &str)]) -> f64 {
        let of = metric(&format!("continuous_load_client_{name}")).label("operation", operation);
        labels.iter().fold(of, |of, (label, value)| of.label(label, value)).sum_in(&get(self.admin, "/metrics"))
    }

    /// Waits until a value is in this range; accounts are compared every ten seconds only.
    async fn becomes(&self, range: RangeInclusive<f64>, name: &str, operation: &str, labels: &[(&str, &str)]) {
        let mut last = f64::NAN;
        for _ in 0..3 {
            let look = in_time(async || match self.value(name, operation, labels) {
                is if range.contains(&is) => Ok(()),
                other => Err(other),
            });
            match look.await {
                Ok(()) => return,
                Err(other) => last = other,
            }
        }
        panic!("{name} of {operation} {labels:?} never came into {range:?}, it is {last}");
    }
}

/// A proxy that holds the first requests until it is told to let go.
async fn holder(target: SocketAddr) -> (SocketAddr, Path) {
    let path = Path::new(&[target], |_, seq| if seq < HELD { Deed::Hold } else { Deed::Pass });
    (streams::start(Framing::Http, &path).await, path)
}

#[test]
fn what_is_called_lost_and_arrives_later_is_found_and_what_nothing_explains_stays() {
    run(async {
        let target = RunningTarget::start();
        let address = target.http;
        let ((meanwhile_at, meanwhile), (later_at, later)) = (holder(address).await, holder(address).await);
        // Right in every respect to the injector, and to the target a request of somebody else's.
        let forger = ScriptedServer::start(move |_, head| match identity(head).id.seq {
            0..FORGED => Step::Last(forward(address, &head.replace(";op=forged;", ";op=other;"))),
            _ => Step::Last(forward(address, head)),
        });
        let folder = tempfile::tempdir().unwrap();
        let [file, result] = ["scenario.yaml", "result.json"].map(|name| folder.path().join(name));
        let mix = [("meanwhile", meanwhile_at), ("later", later_at), ("forged", forger.address)];
        let mix = mix.map(|(name, at)| format!("- {{ name: {name}, rate: 10/s, target: \"{at}\", http: {{}} }}\n"));
        std::fs::write(&file, format!("target: 127.0.0.1\ntimeout: 2s\nmix:\n{}", mix.concat())).unwrap();
        let (admin, file) = (target.admin.to_string(), file.to_str().unwrap());
        let mut injector = Process::start(
            "injector",
            &[
                "run",
                "--admin-address",
                "127.0.0.1:0",
                "--target-admin",
                &admin,
                "--json",
                result.to_str().unwrap(),
                file,
            ],
        );
        let live = Live { admin: injector.address("admin") };

        let held = HELD as f64..=HELD as f64;
        for operation in ["meanwhile", "later"] {
            live.becomes(held.clone(), "unanswered_total", operation, &[("fate", "request_lost")]).await;
        }
        meanwhile.let_go.send_replace(true);
        // Both at the same comparison. Not all of them while others are on their way.
        live.becomes(1.0..=FORGED as f64, "unexplained_difference", "forged", &[]).await;
        live.becomes(held, "findings_total", "meanwhile", &[("finding", "arrived_late")]).await;
        for operation in ["meanwhile", "later"] {
            assert_eq!(live.value("unexplained_difference", operation, &[]), 0.0, "{operation}");
            for fate in ["response_lost", "unknown"] {
                assert_eq!(live.value("unanswered_total", operation, &[("fate", fate)]), 0.0, "{operation}: {fate}");
            }
        }
        assert_eq!(live.value("findings_total", "later", &[("finding", "arrived_late")]), 0.0);
        later.let_go.send_replace(true);
        // The target has them all, whatever the injector thinks.
        let arrived = async || {
            let text = get(target.admin, "/metrics");
            let received = metric("continuous_load_server_received_total").label("operation", "later").sum_in(&text);
            let sent = live.value("sent_total", "later", &[]);
            if received >= sent { Ok(()) } else { Err((received, sent)) }
        };
        in_time(arrived).await.unwrap();
        injector.signal("INT");
        assert_eq!(injector.end().0, Some(0), "a continuous run that is told to stop passes");

        let said: Value = serde_json::from_slice(&std::fs::read(&result).unwrap()).unwrap();
        let [meanwhile, later, forged] = [0, 1, 2].map(|at| &said["operations"][at]);
        for one in [meanwhile, later] {
            let (client, difference) = (&one["client"], &one["difference"]);
            assert_eq!(client["unanswered"]["response_lost"], HELD, "{one:#}");
            assert_eq!(client["unanswered"]["total"], HELD);
            assert_eq!((&difference["arrived_late"], &difference["unexplained"]), (&json!(HELD), &json!(0)));
        }
        assert_eq!(forged["difference"]["unexplained"], FORGED);
        target.stop().await;
    });
}
