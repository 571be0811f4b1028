//! Several targets, each a process of its own, on addresses of their own and the same ports: what stands behind a name
//! that has several addresses.
//!
//! The addresses are in 127.0.0.0/8, all of which is this machine's, and no two fleets have one in common: the first
//! target's ports are the kernel's choice, and nobody else is on the addresses of the others.

use std::collections::BTreeMap;
use std::net::{Ipv4Addr, SocketAddr};
use std::sync::atomic::{AtomicU8, Ordering};

use crate::process::{FREE_PORTS, Process, get};

/// In the order in which a target prints where it listens.
const PROTOCOLS: [&str; 6] = ["http", "grpc", "tcp", "udp", "dns", "admin"];
/// How often other ports are tried, if one is taken for all addresses at once: by a socket of another test.
const TRIES: usize = 10;

/// Targets of one set of ports. They end with it.
pub(crate) struct Fleet {
    ports: BTreeMap<&'static str, u16>,
    flags: Vec<String>,
    subnet: [u8; 3],
    /// Nothing where a target was killed.
    members: Vec<Option<Process>>,
}

impl Fleet {
    /// So many targets, at most 200.
    pub(crate) fn start(size: usize) -> Fleet {
        Fleet::with(size, &[])
    }

    /// The same, with these flags of `target-server` besides.
    pub(crate) fn with(size: usize, flags: &[&str]) -> Fleet {
        assert!((1..=200).contains(&size));
        let flags: Vec<String> = flags.iter().map(|flag| (*flag).to_owned()).collect();
        let fleet = (0..TRIES).find_map(|_| {
            let mut fleet = Fleet { ports: BTreeMap::new(), flags: flags.clone(), subnet: subnet(), members: vec![] };
            (0..size).all(|index| fleet.join(index)).then_some(fleet)
        });
        fleet.expect("ports that are free on every address")
    }

    /// Starts the target with this number, from 0, at its address; whether it could bind its ports.
    fn join(&mut self, index: usize) -> bool {
        let ip = self.ip(index);
        let mut arguments: Vec<String> = FREE_PORTS.iter().map(|word| (*word).to_owned()).collect();
        for protocol in PROTOCOLS {
            let port = self.ports.get(protocol).copied().unwrap_or(0);
            arguments.extend([format!("--{protocol}-address"), format!("{ip}:{port}")]);
        }
        arguments.extend(self.flags.iter().cloned());
        let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
        let mut process = Process::start("target-server", &arguments);
        for protocol in PROTOCOLS {
            let Some(line) = process.line_or_end(&format!("protocol={protocol} ")) else { return false };
            let address: SocketAddr = line.trim().rsplit_once("address=").unwrap().1.parse().unwrap();
            self.ports.insert(protocol, address.port());
        }
        if index == self.members.len() {
            self.members.push(None);
        }
        self.members[index] = Some(process);
        true
    }

    /// The address of the target with this number. Those after the last are free, for targets to come.
    pub(crate) fn ip(&self, index: usize) -> Ipv4Addr {
        let [a, b, c] = self.subnet;
        Ipv4Addr::from([a, b, c, u8::try_from(index + 1).unwrap()])
    }

    /// The addresses of all targets, those that were killed included.
    pub(crate) fn ips(&self) -> Vec<Ipv4Addr> {
        (0..self.members.len()).map(|index| self.ip(index)).collect()
    }

    /// The port on which all of them speak `http`, `grpc`, `tcp`, `udp`, `dns` or `admin`.
    pub(crate) fn port(&self, protocol: &str) -> u16 {
        self.ports[protocol]
    }

    /// Where one of them speaks a protocol.
    pub(crate) fn at(&self, index: usize, protocol: &str) -> SocketAddr {
        SocketAddr::from((self.ip(index), self.port(protocol)))
    }

    /// The process, for signals (`STOP`, `CONT`, `TERM`).
    pub(crate) fn member(&self, index: usize) -> &Process {
        self.members[index].as_ref().unwrap_or_else(|| panic!("target {index} was killed"))
    }

    /// Kills it (SIGKILL) and waits until it is gone.
    pub(crate) fn kill(&mut self, index: usize) {
        self.members[index] = None;
    }

    /// Starts it anew, at its old address and ports. The number after the last one adds a target.
    pub(crate) fn revive(&mut self, index: usize) {
        assert!(self.join(index), "target {index} cannot bind its ports");
    }

    /// `GET path` on its admin port.
    pub(crate) fn admin(&self, index: usize, path: &str) -> String {
        get(self.at(index, "admin"), path)
    }
}

/// One that no other fleet has: by this process among those of the machine, by number within it.
fn subnet() -> [u8; 3] {
    static FLEETS: AtomicU8 = AtomicU8::new(0);
    let process = u8::try_from(std::process::id() % 128).unwrap() + 64;
    [127, process, FLEETS.fetch_add(1, Ordering::Relaxed)]
}

#[test]
fn every_member_has_an_address_of_its_own_and_the_ports_of_all() {
    let mut fleet = Fleet::start(3);
    let names = |fleet: &Fleet| [0, 1, 2].map(|index| fleet.admin(index, "/version"));
    assert!(names(&fleet).iter().all(|version| !version.is_empty()));
    assert!(fleet.ips().iter().collect::<std::collections::BTreeSet<_>>().len() == 3);
    assert!(get(fleet.at(2, "http"), "/healthz").contains("OK"));
    fleet.kill(1);
    assert!(std::net::TcpStream::connect(fleet.at(1, "http")).is_err());
    fleet.revive(1);
    fleet.revive(3);
    assert!(!fleet.admin(1, "/version").is_empty() && !fleet.admin(3, "/version").is_empty());
    assert!(fleet.member(3).id() > 0);
}
