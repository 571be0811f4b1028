//! Packets in, packets out: every token, every byte at which a packet can end, and bytes that nobody meant.

use std::net::SocketAddr;
use std::sync::Arc;

use hickory_proto::op::{Edns, Message, MessageType, OpCode, Query as Question};
use hickory_proto::rr::rdata::opt::EdnsOption;
use hickory_proto::rr::{Name, RecordType};
use hickory_proto::serialize::binary::{BinDecodable as _, BinEncodable as _};
use proptest::prelude::*;
use shared::carrier::EDNS_OPTION;
use shared::fault::{Key, Transport};
use shared::red::server::ServerRed;
use shared::reply::Reply;

mod sockets;

use super::Dns;
use super::job::{Taken, take};
use super::spoil::{Spoilt, Then};
use crate::Config;
use crate::core::{Core, Kept};
use crate::effects;

const CLIENT: &str = "127.0.2.200:5353";

fn dns() -> Arc<Dns> {
    let config = Config::loopback();
    let parameters: Vec<&'static str> = Key::all().map(Key::as_str).collect();
    let core = Core::new(&config, 10, ServerRed::new(&effects::all(), &parameters));
    Dns::new(Arc::new(core), &config.dns)
}

fn query(name: &str, kind: RecordType, option: Option<&str>) -> Vec<u8> {
    let mut message = Message::new(0x1234, MessageType::Query, OpCode::Query);
    message.queries.push(Question::query(Name::from_ascii(name).unwrap(), kind));
    let mut edns = Edns::new();
    edns.set_max_payload(1232);
    if let Some(text) = option {
        edns.options_mut().insert(EdnsOption::Unknown(EDNS_OPTION, text.as_bytes().to_vec()));
    }
    message.edns = Some(edns);
    message.to_bytes().unwrap()
}

/// What goes out for a packet; nothing for silence.
async fn ask(dns: &Arc<Dns>, packet: &[u8], transport: Transport) -> Spoilt {
    let client: SocketAddr = CLIENT.parse().unwrap();
    match take(dns, packet, client, transport, &mut Kept::default()) {
        Taken::Silence => Spoilt::default(),
        Taken::Refused(answer) => Spoilt { messages: vec![answer], ..Spoilt::default() },
        Taken::Job(mut job) => {
            job.wait().await;
            let mut wire = job.finish(dns).await;
            let spoilt = std::mem::take(&mut wire.spoilt);
            wire.done();
            spoilt
        }
    }
}

/// `rcode/answers/authorities` of every message, `?` for one that cannot be read, and what happens beside.
fn words(spoilt: &Spoilt, packet: &[u8]) -> String {
    let mut words: Vec<String> = Vec::new();
    for bytes in &spoilt.messages {
        words.push(match Message::from_bytes(bytes) {
            Err(_) => "?".to_owned(),
            Ok(message) => {
                let meta = message.metadata;
                let mut word = format!(
                    "{}/{}/{}",
                    u16::from(meta.response_code),
                    message.answers.len(),
                    message.authorities.len()
                );
                let question = message.queries.first().is_some_and(|question| {
                    let asked = Message::from_bytes(packet).unwrap();
                    question.name.eq_case(&asked.queries[0].name)
                });
                for (applies, flag) in [
                    (meta.truncation, " tc"),
                    (meta.message_type == MessageType::Query, " qr0"),
                    (!meta.authoritative, " noaa"),
                    (bytes[..2] != packet[..2], " id"),
                    (!question, " question"),
                ] {
                    if applies {
                        word += flag;
                    }
                }
                word
            }
        });
    }
    for (applies, word) in [
        (spoilt.is_late, "late"),
        (spoilt.is_aborted, "aborted"),
        (spoilt.length_error != 0, "length"),
        (spoilt.then == Then::Reset, "reset"),
        (spoilt.then == Then::Close, "close"),
    ] {
        if applies {
            words.push(word.to_owned());
        }
    }
    words.join(", ")
}

#[tokio::test(start_paused = true)]
async fn every_token_does_what_it_says() {
    let dns = dns();
    for (token, udp, tcp) in [
        ("d250ms", "0/1/0", "0/1/0"),
        ("rcnx", "3/0/1", "3/0/1"),
        ("rcsrv", "2/0/0", "2/0/0"),
        ("rc22", "22/0/0", "22/0/0"),
        ("nodata", "0/0/1", "0/0/1"),
        ("an3", "0/3/0", "0/3/0"),
        ("an100", "0/0/0 tc", "0/100/0"),
        ("sz1200", "0/1/0", "0/1/0"),
        ("sz1400", "0/0/0 tc", "0/1/0"),
        ("ttl5", "0/1/0", "0/1/0"),
        ("tc", "0/0/0 tc", "0/1/0"),
        ("tcf", "0/0/0 tc", "0/0/0 tc"),
        ("drop", "", ""),
        ("drop.udp", "", "0/1/0"),
        ("badid", "0/1/0 id", "0/1/0 id"),
        ("badq", "0/1/0 question", "0/1/0 question"),
        ("badcase", "0/1/0 question", "0/1/0 question"),
        ("qr0", "0/1/0 qr0", "0/1/0 qr0"),
        ("lame", "0/0/1 noaa", "0/0/1 noaa"),
        ("noaa", "0/1/0 noaa", "0/1/0 noaa"),
        ("garbage", "?", "?"),
        ("badhead", "?", "?"),
        ("cut", "?", "?"),
        ("cut20", "?", "?"),
        ("len7", "0/1/0", "0/1/0, length, close"),
        ("dup", "0/1/0, 0/1/0", "0/1/0, 0/1/0"),
        ("late", "2/0/0, 0/1/0, late", "2/0/0, 0/1/0, late"),
        ("empty", "?", "?"),
        ("reset", "reset", "reset"),
        ("abort", "?", "0/1/0, aborted, close"),
        ("oversize", "0/1/0", "0/1/0"),
        ("cn3", "0/4/0", "0/4/0"),
        ("cnloop", "0/2/0", "0/2/0"),
        ("ip-192-0-2-7", "0/1/0", "0/1/0"),
        ("ip-10-0-0-5", "3/0/1", "3/0/1"),
        ("ede22", "0/1/0", "0/1/0"),
        ("who", "0/1/0", "0/1/0"),
        ("cnt", "0/1/0", "0/1/0"),
        ("dx", "3/0/1", "3/0/1"),
        ("s7.rcsrv-p100", "2/0/0", "2/0/0"),
    ] {
        let packet = query(&format!("xAbc123.{token}.f.cload.test."), RecordType::A, None);
        for (transport, wanted) in [(Transport::Udp, udp), (Transport::Tcp, tcp)] {
            let said = words(&ask(&dns, &packet, transport).await, &packet);
            assert_eq!(said, wanted, "{token} over {}", transport.as_str());
        }
    }
}

#[tokio::test]
async fn the_option_wins_over_the_name_and_is_answered_in_kind() {
    let dns = dns();
    let id = "source=a/b;op=x;id=abcd2345.7";
    for (name, option, wanted) in [
        ("ok.cload.test.", id.to_owned(), "0/1/0"),
        ("ok.cload.test.", format!("{id};rcode=REFUSED"), "5/0/0"),
        ("x1234.rcsrv.f.cload.test.", format!("{id};rcode=NXDOMAIN"), "3/0/1"),
        ("x1234.an2.f.cload.test.", "count=3".to_owned(), "0/3/0"),
        ("x1234.rcsrv.f.cload.test.", "count=3".to_owned(), "3/0/1"),
        ("ok.cload.test.", "status=503".to_owned(), "3/0/1"),
        ("ok.cload.test.", "source=A".to_owned(), "3/0/1"),
    ] {
        let packet = query(name, RecordType::A, Some(&option));
        let spoilt = ask(&dns, &packet, Transport::Udp).await;
        assert_eq!(words(&spoilt, &packet), wanted, "{name} {option}");
        let answer = Message::from_bytes(&spoilt.messages[0]).unwrap();
        let mark = answer.edns.unwrap().option(EDNS_OPTION.into()).cloned();
        if let (true, Some(EdnsOption::Unknown(_, text))) = (option.contains(id), mark) {
            assert_eq!(Reply::parse_option(&text).unwrap().id, Some("abcd2345.7"));
        }
    }
}

#[tokio::test]
async fn what_asks_nothing_that_is_ours_gets_the_right_refusal() {
    let dns = dns();
    let any = query("ok.cload.test.", RecordType::ANY, None);
    assert!(words(&ask(&dns, &any, Transport::Udp).await, &any).starts_with("5/0/0"));
    let mut notify = query("ok.cload.test.", RecordType::A, None);
    notify[2] |= 4 << 3;
    assert_eq!(ask(&dns, &notify, Transport::Udp).await.messages[0][3] & 15, 4, "NOTIMP");
    let mut two = query("ok.cload.test.", RecordType::A, None);
    two[5] = 2;
    assert_eq!(ask(&dns, &two, Transport::Udp).await.messages[0][3] & 15, 1, "FORMERR");
    let mut answer = query("ok.cload.test.", RecordType::A, None);
    answer[2] |= 0x80;
    assert_eq!(ask(&dns, &answer, Transport::Udp).await, Spoilt::default(), "never an answer to an answer");
}

#[tokio::test]
async fn a_packet_may_end_at_every_byte() {
    let dns = dns();
    let option = "source=a/b;op=x;id=abcd2345.7;fault=drop:10;size=100";
    for name in ["ok.cload.test.", "x1234.d1ms-p0.rcsrv-p50.f.cload.test.", ".", "cload.test.", "example.com."] {
        let whole = query(name, RecordType::TXT, Some(option));
        for end in 0..whole.len() {
            let spoilt = ask(&dns, &whole[..end], Transport::Udp).await;
            match spoilt.messages.first() {
                None => assert!(end < 12, "{end}"),
                Some(answer) => assert_eq!((answer.len(), answer[3] & 15), (12, 1), "FORMERR, and no larger: {end}"),
            }
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2_000))]

    #[test]
    fn any_bytes_are_survived(bytes in proptest::collection::vec(any::<u8>(), 0..600), changes in
        proptest::collection::vec((0_usize..100, any::<u8>()), 0..6), transport in 0..2_usize) {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_time().start_paused(true).build().unwrap();
        runtime.block_on(async {
            let dns = dns();
            let transport = Transport::ALL[transport];
            ask(&dns, &bytes, transport).await;
            // And what was nearly good.
            let mut packet = query("x1234.an3.rcsrv-p50.f.cload.test.", RecordType::A, Some("count=2;size=300"));
            for (at, byte) in changes {
                let at = at % packet.len();
                packet[at] = byte;
            }
            ask(&dns, &packet, transport).await;
        });
    }
}
