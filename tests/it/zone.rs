//! A name server in the test's own process: its records can be changed while the programs run, and it counts what it is
//! asked. Over UDP it says no more than the client takes, and over TCP all of it.

use std::collections::HashMap;
use std::io::{Read as _, Write as _};
use std::net::{IpAddr, Ipv4Addr, SocketAddr, TcpListener, TcpStream, UdpSocket};
use std::sync::{Arc, Mutex};
use std::thread;

use hickory_proto::op::{Message, MessageType, ResponseCode};
use hickory_proto::rr::rdata::{A, AAAA};
use hickory_proto::rr::{RData, Record, RecordType};
use hickory_proto::serialize::binary::{BinDecodable as _, BinEncodable as _};

/// What the server says of a name.
#[derive(Clone, Debug)]
pub(crate) enum Says {
    /// These addresses in this order, for so many seconds. None of the family that is asked for: NOERROR without any.
    Addresses(Vec<IpAddr>, u32),
    /// This code, and nothing else.
    Code(ResponseCode),
    /// Nothing at all.
    Nothing,
}

/// A name server on loopback, for as long as the test's process runs.
#[derive(Clone)]
pub(crate) struct Zone {
    pub(crate) address: SocketAddr,
    held: Arc<Mutex<Held>>,
}

#[derive(Default)]
struct Held {
    names: HashMap<String, Says>,
    /// Questions for IPv4 addresses, by name; those over TCP repeat one that was truncated, and are counted apart.
    asked: HashMap<String, u64>,
    asked_again: HashMap<String, u64>,
}

impl Zone {
    /// One that knows no names: whatever it is asked does not exist.
    pub(crate) fn start() -> Zone {
        let (socket, listener) = one_port();
        let zone = Zone { address: socket.local_addr().unwrap(), held: Arc::default() };
        let serving = zone.clone();
        thread::spawn(move || {
            let mut question = [0; 512];
            while let Ok((size, client)) = socket.recv_from(&mut question) {
                if let Some(answer) = serving.answer(&question[..size], false) {
                    // A client that has gone needs none.
                    let _ = socket.send_to(&answer, client);
                }
            }
        });
        let serving = zone.clone();
        // One after the other: each client asks one question. One that has gone needs no answer.
        thread::spawn(move || listener.incoming().flatten().for_each(|stream| drop(serving.serve(stream))));
        zone
    }

    /// From now on this is what it says of a name, which is written without the dot at the end.
    pub(crate) fn set(&self, name: &str, says: Says) {
        self.held.lock().unwrap().names.insert(format!("{name}."), says);
    }

    /// The same, for addresses that may be kept for a second.
    pub(crate) fn addresses(&self, name: &str, addresses: impl IntoIterator<Item = Ipv4Addr>) {
        self.set(name, Says::Addresses(addresses.into_iter().map(IpAddr::V4).collect(), 1));
    }

    /// How often it was asked for the IPv4 addresses of a name.
    pub(crate) fn asked(&self, name: &str) -> u64 {
        self.held.lock().unwrap().asked.get(&format!("{name}.")).copied().unwrap_or_default()
    }

    /// The same, for questions that were asked a second time, over TCP.
    pub(crate) fn asked_again(&self, name: &str) -> u64 {
        self.held.lock().unwrap().asked_again.get(&format!("{name}.")).copied().unwrap_or_default()
    }

    fn serve(&self, mut stream: TcpStream) -> std::io::Result<()> {
        let mut length = [0; 2];
        stream.read_exact(&mut length)?;
        let mut question = vec![0; u16::from_be_bytes(length).into()];
        stream.read_exact(&mut question)?;
        let Some(answer) = self.answer(&question, true) else { return Ok(()) };
        stream.write_all(&[&u16::try_from(answer.len()).unwrap().to_be_bytes()[..], &answer].concat())
    }

    fn answer(&self, question: &[u8], is_tcp: bool) -> Option<Vec<u8>> {
        let mut message = Message::from_bytes(question).unwrap();
        let query = message.queries[0].clone();
        let name = query.name().to_lowercase().to_string();
        let most_bytes = if is_tcp { usize::from(u16::MAX) } else { message.max_payload().into() };
        let mut held = self.held.lock().unwrap();
        if query.query_type() == RecordType::A {
            let asked = if is_tcp { &mut held.asked_again } else { &mut held.asked };
            *asked.entry(name.clone()).or_default() += 1;
        }
        message.metadata.message_type = MessageType::Response;
        message.metadata.authoritative = true;
        match held.names.get(&name) {
            None => message.metadata.response_code = ResponseCode::NXDomain,
            Some(Says::Nothing) => return None,
            Some(Says::Code(code)) => message.metadata.response_code = *code,
            Some(Says::Addresses(addresses, ttl_s)) => {
                let data = addresses.iter().filter_map(|address| match (query.query_type(), address) {
                    (RecordType::A, IpAddr::V4(ip)) => Some(RData::A(A(*ip))),
                    (RecordType::AAAA, IpAddr::V6(ip)) => Some(RData::AAAA(AAAA(*ip))),
                    _ => None,
                });
                let records = data.map(|data| Record::from_rdata(query.name().clone(), *ttl_s, data));
                message.answers.extend(records);
            }
        }
        let whole = message.to_bytes().unwrap();
        if whole.len() <= most_bytes {
            return Some(whole);
        }
        message.metadata.truncation = true;
        message.answers.clear();
        Some(message.to_bytes().unwrap())
    }
}

/// A port that is free for datagrams and for connections.
fn one_port() -> (UdpSocket, TcpListener) {
    let pairs = (0..100).filter_map(|_| {
        let socket = UdpSocket::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
        let listener = TcpListener::bind(socket.local_addr().unwrap()).ok()?;
        Some((socket, listener))
    });
    { pairs }.next().expect("most ports are free")
}

#[test]
fn dig_reads_what_a_test_has_set() {
    let Some(dig) = crate::tools::require("dig") else { return };
    let zone = Zone::start();
    let asks = |name: &str| {
        let port = zone.address.port().to_string();
        let output = std::process::Command::new(&dig)
            .args(["@127.0.0.1", "-p", &port, "+tries=1", "+time=1", "+noall", "+comments", "+answer", name, "A"])
            .output()
            .unwrap();
        String::from_utf8(output.stdout).unwrap()
    };
    assert!(asks("a.test").contains("status: NXDOMAIN"));
    zone.addresses("a.test", [Ipv4Addr::new(127, 0, 0, 2), Ipv4Addr::new(127, 0, 0, 3)]);
    let answer = asks("a.test");
    assert!(answer.contains("127.0.0.2") && answer.contains("127.0.0.3") && answer.contains("NOERROR"), "{answer}");
    zone.set("a.test", Says::Code(ResponseCode::ServFail));
    assert!(asks("a.test").contains("status: SERVFAIL"));
    zone.set("a.test", Says::Nothing);
    assert!(asks("a.test").contains("timed out"));
    assert_eq!(zone.asked("a.test"), 4);
}

/// The whole way: a name that only this server knows leads to a target, and its addresses to the accounts.
#[test]
fn the_injector_asks_the_name_server_it_is_given() {
    let zone = Zone::start();
    zone.addresses("target.test", [Ipv4Addr::LOCALHOST]);
    let (_target, http, admin) = crate::process::Process::target();
    let url = format!("http://target.test:{}/status/200", http.port());
    let server = zone.address.to_string();
    let probed = crate::process::output("injector", &["probe", &url, "--nameserver", &server]);
    assert!(probed.status.success(), "{probed:?}");
    assert_eq!(zone.asked("target.test"), 1);
    let admin = format!("target.test:{}", admin.port());
    let listed = crate::process::output("injector", &["fault", "list", "--admin", &admin, "--nameserver", &server]);
    assert!(listed.status.success(), "{listed:?}");
    assert_eq!(zone.asked("target.test"), 2);
}
