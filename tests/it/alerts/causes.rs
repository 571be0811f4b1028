//! The releases: a pair each, and what is done to it.

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use serde_json::json;

use super::scale::NAMESPACE;
use crate::drills::pair::{Injector, Target};
use crate::prometheus::Job;
use crate::proxies::datagrams;
use crate::proxies::path::{Deed, Path};
use crate::proxies::streams::{self, Framing};
use crate::rules::admin::Admin;

/// Every protocol. No request fails for a machine that stands still for a moment, and what is done here crosses no threshold.
const MIX: &str = "
target: '{http}'
timeout: 5s
thresholds: ['failed <= 100%']
mix:
  - { name: web, rate: 4/s, connection: fresh, http: {} }
  - { name: web-kept, rate: 4/s, connection: pooled(2), http: {} }
  - { name: rpc, target: '{grpc}', rate: 4/s, grpc: {} }
  - { name: line, target: '{tcp}', rate: 4/s, connection: fresh, tcp: {} }
  - { name: datagram, target: '{udp}', rate: 4/s, udp: {} }
  - { name: lookup, target: '{dns}', rate: 4/s, dns: {} }
";
/// Every protocol asks for faults, some for such as have no answer.
const ASKING: &str = "
target: '{http}'
timeout: 2s
mix:
  - { name: refused, rate: 4/s, http: { fault: 'status=503:50' } }
  - { name: reset, rate: 4/s, connection: fresh, http: { fault: 'fault=reset:50' } }
  - { name: hangs, rate: 3/s, connection: fresh, http: { fault: 'fault=hang:50' } }
  - { name: slow, rate: 4/s, http: { fault: 'delay=300ms' } }
  - { name: rpc, target: '{grpc}', rate: 4/s, grpc: { fault: 'status=UNAVAILABLE:50' } }
  - { name: line, target: '{tcp}', rate: 4/s, connection: fresh, tcp: { fault: 'fault=reset:50' } }
  - { name: datagram, target: '{udp}', rate: 4/s, udp: { fault: 'loss=20' } }
  - { name: lookup, target: '{dns}', rate: 4/s, dns: { fault: 'rcode=SERVFAIL:50' } }
";
/// Each operation on a path that does one thing to one in twenty.
const LOSSY: &str = "
target: '{http}'
timeout: 2s
mix:
  - { name: lost, target: '{lost}', rate: 40/s, udp: {} }
  - { name: mute, target: '{mute}', rate: 40/s, dns: {} }
  - { name: cut, target: '{cut}', rate: 40/s, connection: fresh, http: {} }
  - { name: spared, target: '{tcp}', rate: 4/s, tcp: {} }
";

/// What is done to a release, and undone.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Cause {
    /// Nothing, from the beginning to the end.
    None,
    /// Nothing: its requests ask for faults all the time.
    Asked,
    /// Rules for all protocols, until they are removed.
    Ruled,
    /// 5 % of requests, answers and connections are lost.
    Lossy,
    /// The injector is halted, until it goes on.
    InjectorHalted,
    /// The target is killed, until another begins in its place.
    TargetKilled,
}

impl Cause {
    pub(super) const ALL: [Cause; 6] =
        [Cause::None, Cause::Asked, Cause::Ruled, Cause::Lossy, Cause::InjectorHalted, Cause::TargetKilled];

    /// The release's name.
    pub(super) fn release(self) -> &'static str {
        match self {
            Cause::None => "well",
            Cause::Asked => "asked",
            Cause::Ruled => "ruled",
            Cause::Lossy => "lossy",
            Cause::InjectorHalted => "halted",
            Cause::TargetKilled => "killed",
        }
    }

    fn scenario(self) -> &'static str {
        match self {
            Cause::Asked => ASKING,
            Cause::Lossy => LOSSY,
            _ => MIX,
        }
    }
}

/// What a rule does to requests of these protocols, half of them.
const RULES: [(&str, &str, &str); 3] =
    [("web", "http", "status=503"), ("rpc", "grpc", "status=UNAVAILABLE"), ("lookup", "dns_udp", "rcode=SERVFAIL")];

/// A pair, as a release of the chart has it.
pub(super) struct Release {
    pub(super) cause: Cause,
    target: Option<Target>,
    at: target_server::Addresses,
    injector: Injector,
    /// Whether the path harms anybody.
    harm: Arc<AtomicBool>,
}

impl Release {
    /// Starts it, while all is well. The runtime is that of the proxies.
    pub(super) async fn start(cause: Cause) -> Release {
        let (target, harm) = (Target::start(), Arc::<AtomicBool>::default());
        let mut scenario = target.filled(cause.scenario(), None);
        if cause == Cause::Lossy {
            let [http, udp, dns] = [Some(target.at.http), target.at.udp, target.at.dns].map(Option::unwrap);
            for (place, at) in [
                ("{lost}", datagrams::start(false, 0, &path(udp, Deed::Swallow, &harm)).await),
                ("{mute}", datagrams::start(true, 0, &path(dns, Deed::Mute, &harm)).await),
                ("{cut}", streams::start(Framing::Http, &path(http, Deed::ResetBefore, &harm)).await),
            ] {
                scenario = scenario.replace(place, &at.to_string());
            }
        }
        let source = format!("{NAMESPACE}/{}", cause.release());
        let injector = Injector::start(&scenario, &target.at.admin.to_string(), &["--source", &source]);
        Release { cause, at: target.at, target: Some(target), injector, harm }
    }

    /// Its two jobs, with the labels that the chart's monitors give: [`labels`].
    pub(super) fn jobs<'a>(&self, names: &'a [String; 2], labels: &'a [Labels<'a>; 2]) -> [Job<'a>; 2] {
        let job = |side: usize, address| Job { name: &names[side], address, labels: &labels[side] };
        [job(0, self.injector.admin), job(1, self.at.admin)]
    }

    pub(super) fn harm(&mut self) {
        match self.cause {
            Cause::None | Cause::Asked => {}
            Cause::Ruled => {
                for (id, protocol, fault) in RULES {
                    let matched = json!({ "protocol": protocol });
                    let rule = json!({ "ttl": "1h", "match": matched, "percent": 50, "fault": fault });
                    Admin(self.at.admin).install(id, &rule);
                }
            }
            Cause::Lossy => self.harm.store(true, Ordering::Relaxed),
            Cause::InjectorHalted => self.injector.process.signal("STOP"),
            Cause::TargetKilled => {
                let target = self.target.take().unwrap();
                target.process.signal("KILL");
                target.process.end();
            }
        }
    }

    pub(super) fn mend(&mut self) {
        match self.cause {
            Cause::None | Cause::Asked => {}
            Cause::Ruled => RULES.iter().for_each(|(id, ..)| assert!(Admin(self.at.admin).remove(id), "{id}")),
            Cause::Lossy => self.harm.store(false, Ordering::Relaxed),
            Cause::InjectorHalted => self.injector.process.signal("CONT"),
            Cause::TargetKilled => self.target = Some(Target::on(self.at.http.ip(), Some(&self.at), &[])),
        }
    }
}

type Labels<'a> = [(&'a str, &'a str); 5];

/// The names of the jobs of a release, injector and target, as Prometheus Operator makes them.
pub(super) fn jobs(release: &str) -> [String; 2] {
    ["injector", "target"].map(|side| format!("{NAMESPACE}/{release}-{side}"))
}

/// The labels of both, for [`Release::jobs`]. `cluster` is missing, as it is from what is asked inside of a cluster.
pub(super) fn labels(release: &str) -> [Labels<'_>; 2] {
    let of = |pod, container| {
        [
            ("namespace", NAMESPACE),
            ("release", release),
            ("pod", pod),
            ("container", container),
            ("endpoint", "metrics"),
        ]
    };
    [of("injector-0", "injector"), of("target-0", "target-server")]
}

/// A path on which one in twenty comes to harm, while there is any.
fn path(target: SocketAddr, deed: Deed, harm: &Arc<AtomicBool>) -> Path {
    let harm = Arc::clone(harm);
    Path::new(&[target], move |_, seq| if seq % 20 == 3 && harm.load(Ordering::Relaxed) { deed } else { Deed::Pass })
}
