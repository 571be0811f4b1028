//! One small request of each protocol, and what its client sees of the answer: in one form, so that a test can be a table.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{Ipv4Addr, SocketAddr, TcpStream, UdpSocket};

use shared::identity::{HEADER_IDENTITY, Identity};
use shared::protocol::Protocol;
use target_server::Addresses;

use super::http1::{self, PATIENCE, stream_from};
use super::{dns, http2};

/// A name of the zone that rules may strike, and the type A.
const NAME: &str = "cload.test";
const A: u16 = 1;
/// What the echoes are sent.
pub(super) const PAYLOAD: &str = "hello";

/// What a client sees.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Seen {
    /// The status, the code, or the payload.
    pub(crate) said: String,
    /// The mark of the fault.
    pub(super) fault: Option<String>,
    /// The mark of the rule.
    pub(super) rule: Option<String>,
}

impl Seen {
    fn new(said: impl ToString, fault: Option<&str>, rule: Option<&str>) -> Seen {
        let (fault, rule) = (fault.map(str::to_owned), rule.map(str::to_owned));
        Seen { said: said.to_string(), fault, rule }
    }

    /// An answer that nobody changed.
    pub(crate) fn plain(protocol: Protocol) -> Seen {
        let said = match protocol {
            Protocol::Http | Protocol::Http2 => "200",
            Protocol::Grpc | Protocol::DnsUdp | Protocol::DnsTcp => "0",
            Protocol::Tcp | Protocol::Udp => PAYLOAD,
        };
        Seen::new(said, None, None)
    }

    /// Of HTTP/1.1's answer.
    pub(super) fn of(answer: &http1::Answer) -> Seen {
        Seen::new(answer.status, answer.header("x-cload-fault"), answer.header("x-cload-rule"))
    }

    pub(super) fn of_two(answer: &http2::Answer) -> Seen {
        Seen::new(answer.status, answer.header("x-cload-fault"), answer.header("x-cload-rule"))
    }

    /// Of a gRPC call's.
    pub(super) fn of_call(answer: &http2::Answer) -> Seen {
        let code = answer.header("grpc-status").expect("every call ends with a code");
        Seen::new(code, answer.header("x-cload-fault"), answer.header("x-cload-rule"))
    }

    /// Of what is said in pairs.
    fn paired(said: impl ToString, pairs: &str, separator: char) -> Seen {
        let pair = |key: &str| pairs.trim().split(separator).find_map(|pair| pair.strip_prefix(key));
        // In DNS, pairs of their own say what was done.
        let known = ["id=", "dur=", "asked=", "server=", "rule="];
        let is_done =
            |pair: &&str| separator == ';' && !pair.is_empty() && known.iter().all(|key| !pair.starts_with(key));
        let done = pairs.trim().split(separator).find(is_done);
        Seen::new(said, pair("plan=").or(done), pair("rule="))
    }
}

/// Asks for these pairs of the fault language, if any, over a connection of its own.
pub(crate) async fn ask(protocol: Protocol, addresses: &Addresses, pairs: &[&str]) -> Seen {
    let at = addresses.of(protocol).unwrap();
    let spec = pairs.join(";");
    let header = [("x-cload-fault", spec.as_str())];
    let headers = if pairs.is_empty() { &[][..] } else { &header };
    match protocol {
        Protocol::Http | Protocol::Http2 | Protocol::Grpc => over_http(protocol, at, headers).await,
        Protocol::Tcp => over_tcp(at, &pairs.join(" ")),
        Protocol::Udp => over_udp(at, &pairs.join(" ")),
        Protocol::DnsUdp => of_dns(dns::over_udp(at, NAME, A, &spec)),
        Protocol::DnsTcp => of_dns(dns::over_tcp(at, NAME, A, &spec)),
    }
}

/// Asks for nothing, as one of an injector's requests.
pub(crate) async fn ask_as(protocol: Protocol, addresses: &Addresses, identity: Identity) -> Seen {
    let said = identity.to_string();
    match protocol {
        Protocol::Http | Protocol::Http2 | Protocol::Grpc => {
            over_http(protocol, addresses.of(protocol).unwrap(), &[(HEADER_IDENTITY, &said)]).await
        }
        // Elsewhere one line says who asks and what for.
        _ => ask(protocol, addresses, &said.split(';').collect::<Vec<_>>()).await,
    }
}

/// A request with these headers, in one of the protocols that have such.
async fn over_http(protocol: Protocol, at: SocketAddr, headers: &[(&str, &str)]) -> Seen {
    match protocol {
        Protocol::Http => Seen::of(&http1::Connection::open(at).get("/", headers)),
        Protocol::Http2 => Seen::of_two(&http2::Connection::open(at).await.get("/", headers).await),
        _ => Seen::of_call(&http2::Connection::open(at).await.call("cload.v1.Target/Unary", headers).await),
    }
}

pub(super) fn of_dns((code, mark): (u8, String)) -> Seen {
    Seen::paired(code, &mark, ';')
}

/// Answers to commands of this length on an open connection.
pub(super) fn exchange(stream: &TcpStream, spec: &str) -> Seen {
    (&mut &*stream).write_all(format!("CL/1 bytes={} {spec}\n{PAYLOAD}", PAYLOAD.len()).as_bytes()).unwrap();
    let mut reader = BufReader::with_capacity(1, stream);
    let mut line = String::new();
    reader.read_line(&mut line).unwrap();
    let mut payload = [0; PAYLOAD.len()];
    reader.read_exact(&mut payload).unwrap();
    Seen::paired(String::from_utf8_lossy(&payload), &line, ' ')
}

fn over_tcp(at: SocketAddr, spec: &str) -> Seen {
    exchange(&stream_from(Ipv4Addr::LOCALHOST, at), spec)
}

fn over_udp(at: SocketAddr, spec: &str) -> Seen {
    let socket = UdpSocket::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
    socket.set_read_timeout(Some(PATIENCE)).unwrap();
    socket.connect(at).unwrap();
    // Spaces make room for what the answer says of itself: it is never longer than its query.
    socket.send(format!("CL/1 {spec}{:300}\n{PAYLOAD}", "").as_bytes()).unwrap();
    let mut buffer = [0; 4096];
    let bytes = socket.recv(&mut buffer).unwrap();
    let answer = String::from_utf8_lossy(&buffer[..bytes]);
    let (line, payload) = answer.split_once('\n').unwrap();
    Seen::paired(payload, line, ' ')
}
