//! A target and an injector as processes, on addresses that no other test has, and what must be true of every run.

use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::sync::atomic::{AtomicU16, Ordering};

use serde_json::Value;
use target_server::Addresses;
use tempfile::TempDir;

use crate::fixture::{eventually, run};
use crate::metrics::metric;
use crate::process::{Process, get};

/// Every protocol, on kept and on new connections, at 220 requests per second. A fifth is asked to fail.
const MIX: &str = "
target: '{http}'
rate: 220/s
timeout: 500ms
mix:
  - { name: web, weight: 2, connection: pooled(4), http: {} }
  - { name: web-new, weight: 2, connection: fresh, http: { fault: \"size=2KiB\" } }
  - { name: web-bad, weight: 2, http: { fault: \"status=503:50\" } }
  - { name: web-cut, weight: 1, http: { fault: \"fault=reset:50\" } }
  - { name: web-two, weight: 2, connection: pooled(2), streams: 4, http: { version: 2 } }
  - { name: rpc, target: '{grpc}', weight: 2, connection: pooled(2), streams: 4, grpc: {} }
  - { name: line, target: '{tcp}', weight: 2, connection: pooled(2), tcp: {} }
  - { name: line-new, target: '{tcp}', weight: 1, connection: fresh, tcp: { size: 4KiB } }
  - { name: datagram, target: '{udp}', weight: 2, connection: pooled(2), udp: {} }
  - { name: lookup, target: '{dns}', weight: 2, dns: {} }
  - { name: lookup-tcp, target: '{dns}', weight: 2, dns: { transport: tcp } }
  - { name: slow, weight: 2, http: { fault: \"delay=300ms\" } }
";
/// Requests per second of it.
pub(crate) const RATE: u64 = 220;

/// An address of loopback that nothing else uses: a port on it stays free while a target is down.
pub(crate) fn own_address() -> IpAddr {
    static NEXT: AtomicU16 = AtomicU16::new(1);
    let [high, low] = NEXT.fetch_add(1, Ordering::Relaxed).to_be_bytes();
    let [_, _, process_high, process_low] = std::process::id().to_be_bytes();
    assert_eq!(high, 0, "one byte is enough for the drills of a process");
    // The second byte is not 0, where everybody else is.
    Ipv4Addr::new(127, 128 | process_high, process_low, low).into()
}

/// A running target.
pub(crate) struct Target {
    pub(crate) process: Process,
    pub(crate) at: Addresses,
}

impl Target {
    /// On free ports of an address of its own.
    pub(crate) fn start() -> Target {
        Target::on(own_address(), None, &[])
    }

    /// On this address, on these ports or on free ones, with these flags besides.
    pub(crate) fn on(ip: IpAddr, ports: Option<&Addresses>, more: &[&str]) -> Target {
        Target::with(ip, ports, more, &[])
    }

    /// The same, with these environment variables.
    pub(crate) fn with(ip: IpAddr, ports: Option<&Addresses>, more: &[&str], variables: &[(String, String)]) -> Target {
        let of = |pick: fn(&Addresses) -> Option<SocketAddr>| {
            SocketAddr::new(ip, ports.and_then(pick).map_or(0, |at| at.port())).to_string()
        };
        let listeners = [
            ("--http-address", of(|at| Some(at.http))),
            ("--grpc-address", of(|at| at.grpc)),
            ("--tcp-address", of(|at| at.tcp)),
            ("--udp-address", of(|at| at.udp)),
            ("--dns-address", of(|at| at.dns)),
            ("--admin-address", of(|at| Some(at.admin))),
        ];
        let mut arguments = vec!["--https-address", "off", "--drain-delay", "0s", "--log-level", "warn"];
        arguments.extend(listeners.iter().flat_map(|(flag, address)| [*flag, address]));
        arguments.extend(more);
        let mut process = Process::with_variables("target-server", &arguments, variables);
        let [http, grpc, tcp, udp, dns, admin] =
            ["http", "grpc", "tcp", "udp", "dns", "admin"].map(|protocol| process.address(protocol));
        let at =
            Addresses { http, https: None, grpc: Some(grpc), tcp: Some(tcp), udp: Some(udp), dns: Some(dns), admin };
        Target { process, at }
    }

    /// Ends it without a word, and starts another in its place.
    pub(crate) fn killed_and_begun_anew(self) -> Target {
        let Target { process, at } = self;
        process.signal("KILL");
        process.end();
        Target::on(at.http.ip(), Some(&at), &[])
    }

    /// The mix against it, under this name or its address.
    pub(crate) fn mix(&self, name: Option<&str>) -> String {
        self.filled(MIX, name)
    }

    /// A scenario with its places, such as `{http}`, filled in: its ports under this name or its address.
    pub(crate) fn filled(&self, scenario: &str, name: Option<&str>) -> String {
        let places = [
            ("{http}", Some(self.at.http)),
            ("{grpc}", self.at.grpc),
            ("{tcp}", self.at.tcp),
            ("{udp}", self.at.udp),
            ("{dns}", self.at.dns),
        ];
        places.iter().fold(scenario.to_owned(), |text, (place, at)| text.replace(place, &named(at.unwrap(), name)))
    }

    /// The sum of all series of one of its metrics.
    pub(crate) fn metric(&self, name: &str) -> f64 {
        metric(name).sum_in(&get(self.at.admin, "/metrics"))
    }
}

/// The port of an address, on this host or on its own.
pub(crate) fn named(at: SocketAddr, name: Option<&str>) -> String {
    name.map_or_else(|| at.to_string(), |name| format!("{name}:{}", at.port()))
}

/// A running injector.
pub(crate) struct Injector {
    pub(crate) process: Process,
    pub(crate) admin: SocketAddr,
    folder: TempDir,
}

impl Injector {
    /// Runs a scenario, whose target's admin port is there; without flags that say how long, until it is told to stop.
    pub(crate) fn start(scenario: &str, target_admin: &str, more: &[&str]) -> Injector {
        Injector::with(scenario, target_admin, more, &[])
    }

    /// The same, with these environment variables.
    pub(crate) fn with(scenario: &str, target_admin: &str, more: &[&str], variables: &[(String, String)]) -> Injector {
        let folder = tempfile::tempdir().unwrap();
        let file = |name: &str| folder.path().join(name).to_str().unwrap().to_owned();
        std::fs::write(file("scenario.yaml"), scenario).unwrap();
        let (scenario, result) = (file("scenario.yaml"), file("result.json"));
        // Which loopback address it has does not matter; this one is there in a namespace too.
        let fixed = ["run", &scenario, "--json", &result, "--target-admin", target_admin, "--log-level", "warn"];
        let fixed = [&fixed[..], &["--admin-address", "127.0.0.1:0"], more].concat();
        let mut process = Process::with_variables("injector", &fixed, variables);
        let admin = process.address("admin");
        Injector { process, admin, folder }
    }

    /// The mix against a target.
    pub(crate) fn mixed(target: &Target, more: &[&str]) -> Injector {
        Injector::start(&target.mix(None), &target.at.admin.to_string(), more)
    }

    /// How many requests have this result so far.
    pub(crate) fn results(&self, result: &str) -> u64 {
        let requests = metric("continuous_load_client_requests_total").label("result", result);
        requests.sum_in(&get(self.admin, "/metrics")) as u64
    }

    /// Waits until there are so many results of this kind more than now.
    pub(crate) fn until_more(&self, result: &str, more: u64) {
        let wanted = self.results(result) + more;
        until(&format!("{more} more of {result}"), || match self.results(result) {
            count if count >= wanted => Ok(()),
            count => Err(count),
        });
    }

    /// Waits until nothing fails any more for a while: as many successes as a second has without a failure among them.
    pub(crate) fn until_well(&self) {
        let look = || ["failure", "success"].map(|result| self.results(result));
        let mut last_bad = look();
        until("a second without a failure", || {
            let now = look();
            if now[0] != last_bad[0] {
                last_bad = now;
            }
            if now[1] >= last_bad[1] + RATE { Ok(()) } else { Err((last_bad, now)) }
        });
    }

    /// Tells it to stop, and waits for its end.
    pub(crate) fn stopped(self) -> Ended {
        self.process.signal("TERM");
        self.ended()
    }

    /// Waits for its end.
    pub(crate) fn ended(self) -> Ended {
        let (exit, text) = self.process.end();
        let json = std::fs::read(self.folder.path().join("result.json")).unwrap_or_default();
        let json = serde_json::from_slice(&json).unwrap_or_else(|error| panic!("{error}: {text}"));
        Ended { exit, json, text }
    }
}

/// Waits until a condition holds.
pub(crate) fn until<T: std::fmt::Debug>(what: &str, mut look: impl FnMut() -> Result<(), T>) {
    run(eventually(what, async || look()));
}

/// A run that is over.
pub(crate) struct Ended {
    pub(crate) exit: Option<i32>,
    pub(crate) json: Value,
    pub(crate) text: String,
}

impl Ended {
    /// What must be true of every run: the identity holds for each operation, every unanswered request has exactly one fate
    /// and every unknown one a reason, and nothing is unexplained.
    pub(crate) fn is_sound(&self) {
        for operation in self.operations() {
            let (name, client) = (&operation["name"], &operation["client"]);
            let parts = ["success", "failure", "dropped_late", "dropped_limit", "interrupted", "in_flight"];
            assert_eq!(
                number(client, "planned"),
                parts.map(|part| number(client, part)).iter().sum::<u64>(),
                "{name}: {client}"
            );
            assert_eq!(number(client, "in_flight"), 0, "{name}");
            let unanswered = &client["unanswered"];
            let fates = ["request_lost", "response_lost", "unknown"].map(|fate| number(unanswered, fate));
            assert_eq!(number(unanswered, "total"), fates.iter().sum::<u64>(), "{name}: {unanswered}");
            let reasons: u64 = unanswered["reasons"].as_object().unwrap().values().filter_map(Value::as_u64).sum();
            assert_eq!(reasons, fates[2], "{name}: {unanswered}");
            let difference = &operation["difference"];
            assert!(
                difference.is_object(),
                "{name}: no account of the target: {}\n{}",
                self.json["target_error"],
                self.text
            );
            assert_eq!(number(difference, "unexplained"), 0, "{name}: {difference}\n{unanswered}\n{}", self.text);
        }
    }

    /// Every request was planned that the rate and the length ask for: the schedule knows nothing of what went on.
    pub(crate) fn planned_all(&self, length_s: u64) {
        assert_eq!(number(&self.json["total"], "planned"), RATE * length_s, "{}", self.text);
    }

    /// The figures of the operations, in the order of the mix.
    pub(crate) fn operations(&self) -> &[Value] {
        self.json["operations"].as_array().unwrap()
    }

    /// One operation's.
    pub(crate) fn operation(&self, name: &str) -> &Value {
        self.operations().iter().find(|operation| operation["name"] == name).unwrap()
    }

    /// A count over all operations.
    pub(crate) fn total(&self, key: &str) -> u64 {
        number(&self.json["total"], key)
    }

    /// How many had this fate, over all operations.
    pub(crate) fn fate(&self, fate: &str) -> u64 {
        number(&self.json["total"]["unanswered"], fate)
    }

    /// Unknown fates for this reason, over all operations.
    pub(crate) fn doubt(&self, reason: &str) -> u64 {
        self.json["total"]["unanswered"]["reasons"][reason].as_u64().unwrap_or(0)
    }

    /// The session, as it is written.
    pub(crate) fn session(&self) -> &str {
        self.json["session"].as_str().unwrap()
    }
}

/// A count that must be there.
pub(crate) fn number(of: &Value, key: &str) -> u64 {
    of[key].as_u64().unwrap_or_else(|| panic!("no number {key} in {of}"))
}
