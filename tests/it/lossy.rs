//! A relay that loses segments for real, with nobody's leave: a socket filter that lets nothing through stands on one of its
//! sockets for a moment, and the kernel drops what comes as if it had never come. Plain threads: it waits for the kernel's
//! tables, not for the runtime under test.

use std::io::{Read as _, Write as _};
use std::net::{Ipv4Addr, Shutdown, SocketAddr, TcpListener, TcpStream};
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::thread;
use std::time::Duration;

use socket2::{SockFilter, SockRef};

/// `BPF_RET | BPF_K`: give back a constant, which is how many bytes of a segment pass.
const RETURN: u16 = 0x06;
/// State of a connection whose SYN is not answered yet, in the kernel's tables.
const SYN_SENT: u32 = 2;
/// How often the kernel's tables are looked at. Below the shortest timer of TCP; where many tests run, the tables are long.
const LOOK_EVERY: Duration = Duration::from_millis(25);

/// What is lost, once, behind the first answer.
#[derive(Clone, Copy)]
pub(crate) enum Loss {
    /// The SYN of a connection.
    Syn,
    /// What the client sends next on its connection.
    Segment,
}

/// A relay to this address; it runs until the process ends.
pub(crate) fn relay(there: SocketAddr, loss: Loss) -> SocketAddr {
    let listener = Arc::new(TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap());
    let address = listener.local_addr().unwrap();
    let answers = Arc::new(AtomicU32::new(0));
    thread::spawn(move || {
        for client in listener.incoming().flatten() {
            let (listener, answers) = (Arc::clone(&listener), Arc::clone(&answers));
            thread::spawn(move || serve(client, there, loss, &listener, &answers));
        }
    });
    address
}

fn serve(client: TcpStream, there: SocketAddr, loss: Loss, listener: &TcpListener, answers: &AtomicU32) {
    let server = TcpStream::connect(there).unwrap();
    client.set_nodelay(true).unwrap();
    server.set_nodelay(true).unwrap();
    let [from, connection] = [(); 2].map(|()| client.try_clone().unwrap());
    let to = server.try_clone().unwrap();
    let asked = Arc::new(AtomicU32::new(0));
    let asks = Arc::clone(&asked);
    thread::spawn(move || pass(from, to, || _ = asks.fetch_add(1, Ordering::Relaxed)));
    pass(server, client, || {
        // Some servers speak first, to whoever only wants to know whether they are there.
        if asked.load(Ordering::Relaxed) > 0 && answers.fetch_add(1, Ordering::Relaxed) == 0 {
            let (listener, connection) = (listener.try_clone().unwrap(), connection.try_clone().unwrap());
            thread::spawn(move || match loss {
                Loss::Syn => lose_syn(&listener),
                Loss::Segment => lose_segment(&connection),
            });
        }
    });
}

fn pass(mut from: TcpStream, mut to: TcpStream, mut passed: impl FnMut()) {
    let mut buffer = vec![0; 64 * 1024];
    while let Ok(bytes @ 1..) = from.read(&mut buffer) {
        if to.write_all(&buffer[..bytes]).is_err() {
            break;
        }
        passed();
    }
    let _ = to.shutdown(Shutdown::Write);
}

fn lose_syn(listener: &TcpListener) {
    let here = listener.local_addr().unwrap();
    deafly(SockRef::from(listener), || rows().any(|row| (row.peer, row.state) == (here.port(), SYN_SENT)));
}

fn lose_segment(connection: &TcpStream) {
    let (here, peer) = (connection.local_addr().unwrap(), connection.peer_addr().unwrap());
    // Acknowledgements of what it has just been sent are no loss that anybody would notice.
    pause(Duration::from_millis(50));
    deafly(SockRef::from(connection), || {
        rows().any(|row| (row.local, row.peer) == (peer.port(), here.port()) && row.unacknowledged > 0)
    });
}

/// Lets nothing through until it is seen that something is on its way.
fn deafly(socket: SockRef<'_>, is_lost: impl Fn() -> bool) {
    socket.attach_filter(&[SockFilter::new(RETURN, 0, 0, 0)]).unwrap();
    while !is_lost() {
        pause(LOOK_EVERY);
    }
    socket.detach_filter().unwrap();
}

#[expect(clippy::disallowed_methods, reason = "a thread of its own, on which no task runs")]
fn pause(length: Duration) {
    thread::sleep(length);
}

/// A connection in the kernel's table, as its own end sees it.
struct Row {
    local: u16,
    peer: u16,
    state: u32,
    unacknowledged: u32,
}

fn rows() -> impl Iterator<Item = Row> {
    let text = std::fs::read_to_string("/proc/net/tcp").unwrap();
    let rows: Vec<Row> = text.lines().skip(1).filter_map(row).collect();
    rows.into_iter()
}

/// `  0: 0100007F:A0B1 0100007F:C2D3 01 00000000:00000000 ..`, all of it hexadecimal.
fn row(line: &str) -> Option<Row> {
    let mut columns = line.split_whitespace().skip(1);
    let mut port = || u16::from_str_radix(columns.next()?.split_once(':')?.1, 16).ok();
    let (local, peer) = (port()?, port()?);
    let state = u32::from_str_radix(columns.next()?, 16).ok()?;
    let unacknowledged = u32::from_str_radix(columns.next()?.split_once(':')?.0, 16).ok()?;
    Some(Row { local, peer, state, unacknowledged })
}
