//! Over sockets: what one query does to the next.

use hickory_proto::op::Message;
use hickory_proto::rr::RecordType;
use hickory_proto::serialize::binary::BinDecodable as _;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpStream, UdpSocket};
use tokio::time::timeout;

use super::query;
use crate::fixture::{Fixture, PATIENCE};

async fn over_udp(socket: &UdpSocket, packet: &[u8]) -> Vec<u8> {
    socket.send(packet).await.unwrap();
    let mut answer = vec![0; 4096];
    let length = timeout(PATIENCE, socket.recv(&mut answer)).await.expect("no answer").unwrap();
    answer[..length].to_vec()
}

async fn over_tcp(stream: &mut TcpStream, packet: &[u8]) -> Vec<u8> {
    let framed = [&u16::try_from(packet.len()).unwrap().to_be_bytes(), packet].concat();
    stream.write_all(&framed).await.unwrap();
    let length = timeout(PATIENCE, stream.read_u16()).await.expect("no answer").unwrap();
    let mut answer = vec![0; usize::from(length)];
    stream.read_exact(&mut answer).await.unwrap();
    answer
}

fn rcode(answer: &[u8]) -> u16 {
    Message::from_bytes(answer).unwrap().metadata.response_code.into()
}

async fn client(target: &Fixture) -> UdpSocket {
    let socket = UdpSocket::bind("127.0.0.1:0").await.unwrap();
    socket.connect(target.addresses.dns.unwrap()).await.unwrap();
    socket
}

#[tokio::test]
async fn a_panic_costs_one_query() {
    let target = Fixture::start().await;
    let socket = client(&target).await;
    let mut stream = TcpStream::connect(target.addresses.dns.unwrap()).await.unwrap();
    let packets = [
        ("panic.ok.cload.test.", None, 2),
        ("ok.cload.test.", None, 0),
        ("panic-early.ok.cload.test.", None, 2),
        ("ok.cload.test.", None, 0),
        ("panic.ok.cload.test.", Some("delay=1ms"), 2),
        ("ok.cload.test.", None, 0),
    ];
    for (name, option, wanted) in packets {
        let packet = &query(name, RecordType::A, option);
        for answer in [over_udp(&socket, packet).await, over_tcp(&mut stream, packet).await] {
            assert_eq!((&answer[..2], rcode(&answer)), (&packet[..2], wanted));
        }
    }
    for protocol in ["protocol=\"dns_udp\"", "protocol=\"dns_tcp\""] {
        let failed = ["server_requests_total", protocol, "code=\"SERVFAIL\"", "error=\"internal\""];
        target.eventually_metric(&failed, 3.0).await;
        assert_eq!(target.metric(&["server_inflight_requests", protocol]).await, 0.0);
    }
}

#[tokio::test]
async fn refusals_stand_under_the_rate_limit_too() {
    let target = Fixture::with(|config| config.dns.dns_rate_limit = 1).await;
    let socket = client(&target).await;
    let malformed = &query("ok.cload.test.", RecordType::A, None)[..20];
    assert_eq!(rcode(&over_udp(&socket, malformed).await), 1);
    for _ in 0..8 {
        socket.send(malformed).await.unwrap();
    }
    let whole = query("ok.cload.test.", RecordType::A, None);
    let mut refused = 0;
    socket.send(&whole).await.unwrap();
    let mut answer = [0; 512];
    while timeout(PATIENCE, socket.recv(&mut answer)).await.expect("no answer").unwrap() == 12 {
        refused += 1;
    }
    let silent = target
        .metric(&["server_requests_total", "operation=\"malformed\"", "code=\"\"", "error=\"bad_request\""])
        .await;
    assert_eq!(silent + f64::from(refused), 8.0);
    assert!(silent > 0.0, "eight at once are over one in a second");
}
