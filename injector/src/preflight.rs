//! What this machine allows: local ports, file descriptors, how long a closed connection keeps its port; and what else of it a
//! run should know, looked at before the first request.
//!
//! The limits are read once, before the plan is made; the plan takes the numbers as an argument, so that tests need no
//! particular machine. What cannot work is refused there. What may not work is a [`Finding`] with a remedy.

mod cgroup;
mod cost;
mod files;
mod finding;
#[cfg(test)]
mod fixture;
mod machine;
mod strain;
mod timer;

use std::fs;
use std::io;
use std::net::{IpAddr, UdpSocket};
use std::time::Duration;

use nix::sys::resource::{Resource, getrlimit, setrlimit};

pub(crate) use self::cost::memory_bytes;
use self::files::Files;
pub use self::finding::Finding;
use self::machine::Machine;
pub(crate) use self::strain::Strain;
use self::timer::Lateness;
use crate::pacer::Quantum;
use crate::plan::{Plan, Sources};

const PORT_RANGE: &str = "/proc/sys/net/ipv4/ip_local_port_range";
const TIME_WAIT_REUSE: &str = "/proc/sys/net/ipv4/tcp_tw_reuse";

/// How long Linux keeps the port of a connection it closed (TCP_TIMEWAIT_LEN, a constant of the kernel).
const TIME_WAIT: Duration = Duration::from_secs(60);
/// How long where it may be reused: the peer's timestamps must have moved on by a second.
const TIME_WAIT_REUSED: Duration = Duration::from_secs(1);

/// The limits of this machine and process.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct System {
    /// The first port the kernel gives to outgoing connections.
    pub port_first: u16,
    /// The last one, inclusive.
    pub port_last: u16,
    /// Where ports in TIME_WAIT may be taken again after a second.
    pub time_wait_reuse: TimeWaitReuse,
    /// File descriptors this process may open: the hard limit, which [`raise_descriptor_limit`] makes effective.
    pub descriptors: u64,
}

/// `net.ipv4.tcp_tw_reuse`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TimeWaitReuse {
    /// 0: nowhere.
    Off,
    /// 1: towards any peer with timestamps.
    On,
    /// 2, the kernel's default: on loopback.
    Loopback,
}

impl TimeWaitReuse {
    fn from_setting(text: &str) -> Option<TimeWaitReuse> {
        match text.trim() {
            "0" => Some(TimeWaitReuse::Off),
            "1" => Some(TimeWaitReuse::On),
            "2" => Some(TimeWaitReuse::Loopback),
            _ => None,
        }
    }
}

impl System {
    /// Asks the kernel.
    ///
    /// # Errors
    /// If `/proc` cannot be read or holds something else than Linux documents; the message names the file.
    pub fn read() -> io::Result<System> {
        let (_, descriptors) = getrlimit(Resource::RLIMIT_NOFILE)?;
        let (port_first, port_last) = read_setting(PORT_RANGE, port_range)?;
        let time_wait_reuse = read_setting(TIME_WAIT_REUSE, TimeWaitReuse::from_setting)?;
        Ok(System { port_first, port_last, time_wait_reuse, descriptors })
    }

    /// Local ports one source address has towards one endpoint.
    pub fn ports(&self) -> u64 {
        u64::from(self.port_last.saturating_sub(self.port_first)) + 1
    }

    /// How long a port is held after its connection was closed.
    pub fn time_wait(&self, loopback: bool) -> Duration {
        match self.time_wait_reuse {
            TimeWaitReuse::On => TIME_WAIT_REUSED,
            TimeWaitReuse::Loopback if loopback => TIME_WAIT_REUSED,
            TimeWaitReuse::Loopback | TimeWaitReuse::Off => TIME_WAIT,
        }
    }
}

/// Makes the hard limit of file descriptors the effective one, and returns it. For the start of the process, before
/// threads and sockets.
///
/// # Errors
/// If the kernel refuses, which it has no reason to: a process may always go up to its hard limit.
pub fn raise_descriptor_limit() -> io::Result<u64> {
    let (_, hard) = getrlimit(Resource::RLIMIT_NOFILE)?;
    setrlimit(Resource::RLIMIT_NOFILE, hard, hard)?;
    Ok(hard)
}

/// Looks at everything that a run of this plan depends on, which takes about 50 ms: the worker's own timer is tried.
///
/// # Errors
/// If the kernel refuses to tell of its limits, or gives no timer.
pub async fn examine(plan: &Plan, quantum: Quantum) -> io::Result<Vec<Finding>> {
    let machine = Machine::read(&Files::system());
    let lateness = Lateness::measure(quantum).await?;
    Ok(finding::findings(plan, &System::read()?, &machine, lateness))
}

/// Tries every source address of a plan: a datagram socket that is bound to it and sends nothing.
///
/// # Errors
/// The first that this machine does not have, in words.
pub(crate) fn sources(plan: &Plan) -> Result<(), String> {
    let mut tried: Vec<&Sources> = Vec::new();
    for operation in &plan.operations {
        let sources = &operation.route.sources;
        if tried.contains(&sources) {
            continue;
        }
        tried.push(sources);
        for ip in sources.each() {
            UdpSocket::bind((ip, 0)).map_err(|error| not_ours(operation.name.as_str(), sources, ip, &error))?;
        }
    }
    Ok(())
}

fn not_ours(operation: &str, sources: &Sources, ip: IpAddr, error: &io::Error) -> String {
    let hint = match ip {
        IpAddr::V4(_) => "a whole subnet becomes this machine's by: ip route add local SUBNET dev lo",
        IpAddr::V6(_) => "each is given to an interface by: ip -6 addr add ADDRESS dev lo",
    };
    format!(
        "operation {operation:?}: source_addresses {sources}: this machine cannot send from {ip} ({error}); \
         write addresses that it has (ip addr), or give it these: {hint}"
    )
}

/// `32768\t60999`: the first and the last port.
fn port_range(text: &str) -> Option<(u16, u16)> {
    let (first, last) = text.trim().split_once(|c: char| c.is_ascii_whitespace())?;
    let (first, last) = (first.parse().ok()?, last.trim().parse().ok()?);
    (first <= last).then_some((first, last))
}

fn read_setting<T>(path: &str, parse: fn(&str) -> Option<T>) -> io::Result<T> {
    let text = fs::read_to_string(path).map_err(|error| io::Error::new(error.kind(), format!("{path}: {error}")))?;
    let unknown = || io::Error::new(io::ErrorKind::InvalidData, format!("{path}: {:?} is not understood", text.trim()));
    parse(&text).ok_or_else(unknown)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_kernels_spellings_are_read() {
        for (text, ports) in [
            ("32768\t60999\n", Some((32_768, 60_999))),
            ("1024 65535", Some((1_024, 65_535))),
            ("9000\t9000\n", Some((9_000, 9_000))),
            ("60999 32768", None),
            ("32768", None),
            ("0 99999", None),
            ("", None),
        ] {
            assert_eq!(port_range(text), ports, "{text:?}");
        }
        for (text, reuse) in [
            ("0\n", Some(TimeWaitReuse::Off)),
            ("1\n", Some(TimeWaitReuse::On)),
            ("2\n", Some(TimeWaitReuse::Loopback)),
            ("3\n", None),
        ] {
            assert_eq!(TimeWaitReuse::from_setting(text), reuse, "{text:?}");
        }
    }

    #[test]
    fn a_closed_connection_holds_its_port_unless_it_may_be_reused() {
        for (time_wait_reuse, loopback, seconds) in [
            (TimeWaitReuse::Off, true, 60),
            (TimeWaitReuse::Off, false, 60),
            (TimeWaitReuse::On, true, 1),
            (TimeWaitReuse::On, false, 1),
            (TimeWaitReuse::Loopback, true, 1),
            (TimeWaitReuse::Loopback, false, 60),
        ] {
            let system = System { port_first: 32_768, port_last: 60_999, time_wait_reuse, descriptors: 1_024 };
            assert_eq!(system.ports(), 28_232);
            assert_eq!(system.time_wait(loopback), Duration::from_secs(seconds), "{time_wait_reuse:?} {loopback}");
        }
    }

    #[test]
    fn this_machine_answers() {
        let system = System::read().unwrap();
        assert!(system.ports() > 0);
        assert_eq!(raise_descriptor_limit().unwrap(), system.descriptors);
    }
}
