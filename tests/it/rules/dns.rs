//! A DNS query as bytes, and as much of its answer as tells what happened to it.

use std::io::{Read, Write};
use std::net::{Ipv4Addr, SocketAddr, UdpSocket};

use super::http1::{PATIENCE, stream_from};

/// The option of EDNS in which both sides say what they ask and do.
const OPTION: u16 = 65001;
const OPT_RECORD: u16 = 41;

/// A question for an address, of this type, with this text in its option.
fn query(name: &str, kind: u16, text: &str) -> Vec<u8> {
    let mut bytes = vec![0x12, 0x34, 0, 0, 0, 1, 0, 0, 0, 0, 0, 1];
    for label in name.split('.').filter(|label| !label.is_empty()) {
        bytes.push(u8::try_from(label.len()).unwrap());
        bytes.extend(label.as_bytes());
    }
    bytes.push(0);
    bytes.extend(kind.to_be_bytes());
    bytes.extend(1_u16.to_be_bytes());
    // The root's name, OPT, a size of 1232, no flags.
    bytes.push(0);
    bytes.extend(OPT_RECORD.to_be_bytes());
    bytes.extend(1232_u16.to_be_bytes());
    bytes.extend([0; 4]);
    let length = u16::try_from(text.len()).unwrap();
    bytes.extend((length + 4).to_be_bytes());
    bytes.extend(OPTION.to_be_bytes());
    bytes.extend(length.to_be_bytes());
    bytes.extend(text.as_bytes());
    bytes
}

/// The code of the answer, and the text of its option.
fn said(answer: &[u8]) -> (u8, String) {
    // The mark is the only option that says how long something took.
    let text = String::from_utf8_lossy(answer);
    let mark = text.find("dur=").map_or("", |at| {
        let start = text[..at].rfind("id=").filter(|start| at - start < 90).unwrap_or(at);
        let rest = &text[start..];
        &rest[..rest.find(|c: char| !c.is_ascii_graphic()).unwrap_or(rest.len())]
    });
    (answer[3] & 15, mark.to_owned())
}

pub(crate) fn over_udp(address: SocketAddr, name: &str, kind: u16, text: &str) -> (u8, String) {
    let socket = UdpSocket::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
    socket.set_read_timeout(Some(PATIENCE)).unwrap();
    socket.connect(address).unwrap();
    socket.send(&query(name, kind, text)).unwrap();
    let mut buffer = [0; 4096];
    let bytes = socket.recv(&mut buffer).unwrap();
    said(&buffer[..bytes])
}

pub(super) fn over_tcp(address: SocketAddr, name: &str, kind: u16, text: &str) -> (u8, String) {
    let mut stream = stream_from(Ipv4Addr::LOCALHOST, address);
    let query = query(name, kind, text);
    stream.write_all(&[&u16::try_from(query.len()).unwrap().to_be_bytes()[..], &query].concat()).unwrap();
    let mut length = [0; 2];
    stream.read_exact(&mut length).unwrap();
    let mut answer = vec![0; u16::from_be_bytes(length).into()];
    stream.read_exact(&mut answer).unwrap();
    said(&answer)
}
