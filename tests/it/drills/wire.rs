//! Two network namespaces and the wire between them, which loses, doubles, overtakes and is cut, and keeps a list.
//!
//! `tc netem` does the same in the kernel, where the kernel has it: it is a module of its own, missing from many kernels
//! of build machines, and it does not say which packets it took. Here the wire is a thread between two TUN devices, so
//! that what it did to each datagram can be held against the fates that the injector found.
//!
//! Needs root and /dev/net/tun. Nothing has a name that another process could meet, and nothing is left behind: a
//! namespace ends with the last program in it.

use std::collections::{BTreeMap, VecDeque};
use std::fs::File;
use std::io::{self, Read, Write};
use std::net::{IpAddr, Ipv6Addr};
use std::os::fd::{AsFd, AsRawFd};
use std::os::unix::fs::OpenOptionsExt;
use std::process::Command;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::thread;

use nix::libc;
use nix::poll::{PollFd, PollFlags, PollTimeout, poll};
use nix::sched::{CloneFlags, setns, unshare};

/// A namespace, for as long as this is held or a program runs in it.
pub(super) struct Namespace {
    handle: File,
    pub(super) address: IpAddr,
}

impl Namespace {
    /// One with an address, and the device that leads out of it.
    fn new(host: u16) -> io::Result<(Namespace, File)> {
        // A thread of its own: the rest of the process stays where it is.
        let made = thread::spawn(move || {
            unshare(CloneFlags::CLONE_NEWNET)?;
            let device = tun()?;
            let address = Ipv6Addr::new(0xfd00, 0xc10d, 0, 0, 0, 0, 0, host);
            let ip = |arguments: &[&str]| -> io::Result<()> {
                let output = Command::new("ip").args(arguments).output()?;
                let said = String::from_utf8_lossy(&output.stderr).into_owned();
                output
                    .status
                    .success()
                    .then_some(())
                    .ok_or_else(|| io::Error::other(format!("ip {arguments:?}: {said}")))
            };
            ip(&["address", "add", &format!("{address}/64"), "dev", DEVICE, "nodad"])?;
            ip(&["link", "set", DEVICE, "up"])?;
            ip(&["link", "set", "lo", "up"])?;
            let handle = File::open("/proc/thread-self/ns/net")?;
            Ok((Namespace { handle, address: address.into() }, device))
        });
        made.join().unwrap()
    }

    /// Does something there: the programs it starts stay there, and so do the sockets it opens.
    pub(super) fn inside<T: Send>(&self, work: impl FnOnce() -> T + Send) -> T {
        thread::scope(|scope| {
            let there = scope.spawn(|| {
                setns(&self.handle, CloneFlags::CLONE_NEWNET).unwrap();
                work()
            });
            there.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic))
        })
    }
}

const DEVICE: &str = "wire";

nix::ioctl_write_int!(attach, b'T', 202);

/// A TUN device of this thread's namespace: packets as the kernel would send them, without anything before them.
fn tun() -> io::Result<File> {
    let file = File::options().read(true).write(true).custom_flags(libc::O_NONBLOCK).open("/dev/net/tun")?;
    // SAFETY: all zeroes is a valid `ifreq`, which is made of integers.
    let mut request: libc::ifreq = unsafe { std::mem::zeroed() };
    for (to, from) in request.ifr_name.iter_mut().zip(DEVICE.bytes()) {
        *to = from as libc::c_char;
    }
    request.ifr_ifru.ifru_flags = (libc::IFF_TUN | libc::IFF_NO_PI) as libc::c_short;
    // SAFETY: the descriptor is open, and the request that the kernel reads and writes outlives the call.
    unsafe { attach(file.as_raw_fd(), (&raw mut request) as libc::c_ulong) }?;
    Ok(file)
}

/// What the wire does to packets, each in percent of them.
#[derive(Clone, Copy, Default)]
pub(super) struct Weather {
    pub(super) lost: u32,
    pub(super) doubled: u32,
    /// Held back until some others have passed.
    pub(super) overtaken: u32,
}

/// Nothing passes.
pub(super) const CUT: Weather = Weather { lost: 100, doubled: 0, overtaken: 0 };

/// Packets that may be held back at once; also how many pass before the oldest of them does.
const HELD_MAX: usize = 3;
/// How long a packet is held back at most, and how soon the wire sees that it is to end.
const HELD_MS_MAX: u16 = 20;

/// What became of one UDP echo, by its number.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Echo {
    pub(super) arrived: u64,
    pub(super) came_back: u64,
}

/// What both ends of the wire share with the test.
#[derive(Default)]
struct Shared {
    weather: Mutex<Weather>,
    echoes: Mutex<BTreeMap<u64, Echo>>,
    is_over: AtomicBool,
}

/// The wire, and the places at its ends.
pub(super) struct Wire {
    pub(super) near: Namespace,
    pub(super) far: Namespace,
    shared: Arc<Shared>,
}

impl Wire {
    /// One that passes everything, or `None` after saying that the test is skipped.
    pub(super) fn start() -> Option<Wire> {
        crate::tools::require("ip")?;
        let (near, far) = match (Namespace::new(1), Namespace::new(2)) {
            (Ok(near), Ok(far)) => (near, far),
            (near, far) => {
                let why = near.err().or(far.err()).unwrap();
                crate::tools::need("root and /dev/net/tun", &why);
                return None;
            }
        };
        let shared = Arc::<Shared>::default();
        let carried = Arc::clone(&shared);
        thread::spawn(move || carry(near.1, far.1, &carried));
        Some(Wire { near: near.0, far: far.0, shared })
    }

    /// From now on.
    pub(super) fn set(&self, weather: Weather) {
        *self.shared.weather.lock().unwrap() = weather;
    }

    /// What became of the UDP echoes so far.
    pub(super) fn echoes(&self) -> BTreeMap<u64, Echo> {
        self.shared.echoes.lock().unwrap().clone()
    }
}

impl Drop for Wire {
    fn drop(&mut self) {
        self.shared.is_over.store(true, Ordering::Relaxed);
    }
}

/// Carries packets both ways until the wire is dropped.
fn carry(near: File, far: File, shared: &Shared) {
    let mut held = [VecDeque::new(), VecDeque::new()];
    while !shared.is_over.load(Ordering::Relaxed) {
        let mut ready = [&near, &far].map(|end| PollFd::new(end.as_fd(), PollFlags::POLLIN));
        let is_quiet = poll(&mut ready, PollTimeout::from(HELD_MS_MAX)).is_ok_and(|count| count == 0);
        for (at, (from, to)) in [(&near, &far), (&far, &near)].into_iter().enumerate() {
            let held: &mut VecDeque<Vec<u8>> = &mut held[at];
            let mut packet = [0; 2048];
            while let Ok(length) = { from }.read(&mut packet) {
                let packet = &packet[..length];
                let Weather { lost, doubled, overtaken } = *shared.weather.lock().unwrap();
                let happens = |percent: u32| rand::random_range(0..100) < percent;
                let copies = if happens(lost) { 0 } else { 1 + usize::from(happens(doubled)) };
                note(packet, at == 0, copies, &mut shared.echoes.lock().unwrap());
                for _ in 0..copies {
                    if happens(overtaken) && held.len() < HELD_MAX {
                        held.push_back(packet.to_vec());
                    } else {
                        deliver(to, packet);
                    }
                }
                if held.len() >= HELD_MAX {
                    deliver(to, &held.pop_front().unwrap());
                }
            }
            if is_quiet {
                held.drain(..).for_each(|packet| deliver(to, &packet));
            }
        }
    }
}

/// A device whose queue is full, or whose namespace is gone, loses the packet as a wire would.
fn deliver(mut to: &File, packet: &[u8]) {
    let _ = to.write(packet);
}

/// Where the payload of a UDP datagram begins, behind the heads of IPv6 and UDP; the next head's number in that of IPv6.
const PAYLOAD_AT: usize = 48;
const NEXT_AT: usize = 6;

/// Keeps the list: an echo's number is in its line, on the way there and back.
fn note(packet: &[u8], is_there: bool, copies: usize, echoes: &mut BTreeMap<u64, Echo>) {
    if packet.get(NEXT_AT) != Some(&(libc::IPPROTO_UDP as u8)) {
        return;
    }
    let line = packet.get(PAYLOAD_AT..).unwrap_or_default().split(|byte| *byte == b'\n').next().unwrap_or_default();
    let Ok(line) = std::str::from_utf8(line) else { return };
    let id = line.split(' ').find_map(|pair| pair.strip_prefix("id="));
    let Some(number) = id.filter(|_| line.starts_with("CL/1 ")).and_then(|id| id.split('.').nth(1)?.parse().ok())
    else {
        return;
    };
    let echo = echoes.entry(number).or_default();
    *(if is_there { &mut echo.arrived } else { &mut echo.came_back }) += copies as u64;
}
