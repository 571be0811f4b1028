//! What is thrown: bytes, what the target must say to them, and under which protocol it counts the refusal.

use std::net::SocketAddr;

use shared::protocol::Protocol;

use super::Subject;

/// Whether what came is the refusal that it should be.
pub(super) type Says = Box<dyn Fn(&[u8]) -> bool + Send + Sync>;

/// What a client does once everything is sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Then {
    /// Waits for the target to end the connection.
    Stall,
    /// Ends its side, and waits for the target to do the same.
    End,
    /// Goes when it has heard what it should.
    Leave,
}

/// One connection.
pub(super) struct Ask {
    pub(super) what: String,
    pub(super) at: SocketAddr,
    pub(super) bytes: Vec<u8>,
    pub(super) then: Then,
    pub(super) says: Says,
    /// Under whose name it is counted.
    pub(super) counted: Protocol,
}

fn begins(words: &'static str) -> Says {
    Box::new(move |seen| seen.starts_with(words.as_bytes()))
}

fn nothing() -> Says {
    Box::new(<[u8]>::is_empty)
}

/// The kinds and the streams of HTTP/2 frames, with their flags and payloads.
fn frames(mut bytes: &[u8]) -> Vec<(u8, u8, Vec<u8>)> {
    let mut frames = Vec::new();
    while let Some((head, rest)) = bytes.split_at_checked(9) {
        let length = u32::from_be_bytes([0, head[0], head[1], head[2]]) as usize;
        let Some((payload, rest)) = rest.split_at_checked(length) else { break };
        frames.push((head[3], head[4], payload.to_vec()));
        bytes = rest;
    }
    frames
}

/// A GOAWAY with an error.
fn goaway() -> Says {
    Box::new(|seen| frames(seen).iter().any(|(kind, _, payload)| *kind == 7 && payload[4..8] != [0; 4]))
}

/// A head or trailers that end the stream: what gRPC refuses with.
fn ended() -> Says {
    Box::new(|seen| frames(seen).iter().any(|(kind, flags, _)| *kind == 1 && flags & 1 == 1))
}

fn frame(kind: u8, flags: u8, stream: u32, payload: &[u8]) -> Vec<u8> {
    let [_, length @ ..] = u32::try_from(payload.len()).unwrap().to_be_bytes();
    [&length[..], &[kind, flags], &stream.to_be_bytes(), payload].concat()
}

fn opening(settings: &[u8]) -> Vec<u8> {
    [b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", &frame(4, 0, 0, settings)[..]].concat()
}

/// A field that no table has, for HPACK.
fn field(name: &str, value: &str) -> Vec<u8> {
    let text = |text: &str| [&[u8::try_from(text.len()).unwrap()], text.as_bytes()].concat();
    [vec![0], text(name), text(value)].concat()
}

/// `POST` of `t` by gRPC.
fn call(path: &str, fault: &str) -> Vec<u8> {
    let path = [&[0x04, u8::try_from(path.len()).unwrap()], path.as_bytes()].concat();
    let fault = if fault.is_empty() { Vec::new() } else { field("x-cload-fault", fault) };
    let head = [
        &[0x83, 0x86, 0x01, 1, b't'][..],
        &path,
        &field("content-type", "application/grpc"),
        &field("te", "trailers"),
        &fault,
    ]
    .concat();
    [opening(&[]), frame(1, 4, 1, &head)].concat()
}

/// Every connection.
pub(super) fn streams(subject: &Subject) -> Vec<Ask> {
    let mut asks = Vec::new();
    let mut add = |counted: Protocol, at, then, says, what: &str, bytes: Vec<u8>| {
        asks.push(Ask { what: format!("{}: {what}", counted.as_str()), at, bytes, then, says, counted });
    };
    let &Subject { http, https, grpc, tcp, dns, .. } = subject;

    let get = |more: &str| format!("GET / HTTP/1.1\r\nhost: t\r\nconnection: close\r\n{more}\r\n\r\n").into_bytes();
    let long = format!("x-cload-fault: delay={}", "1".repeat(3000));
    let huge = format!("x-long: {}", "x".repeat(100_000));
    for (what, bytes, says) in [
        ("an unknown key", get("x-cload-fault: dely=1s"), "HTTP/1.1 400"),
        ("a key of DNS", get("x-cload-fault: rcode=3"), "HTTP/1.1 400"),
        ("a fault of HTTP/2", get("x-cload-fault: fault=h2rst(CANCEL)"), "HTTP/1.1 400"),
        ("an unknown kind", get("x-cload-fault: fault=nonsense"), "HTTP/1.1 400"),
        ("an unreadable spec", get("x-cload-fault: \u{fffd}=%zz"), "HTTP/1.1 400"),
        ("a spec that is too long", get(&long), "HTTP/1.1 4"),
        ("a head that is too long", get(&huge), "HTTP/1.1 431"),
        ("no request at all", b"\x00\x01\x02 nonsense\r\n\r\n".to_vec(), "HTTP/1.1 400"),
        ("a head that stalls", b"GET / HTTP/1.1\r\nhos".to_vec(), "HTTP/1.1 408"),
        (
            "two lengths",
            b"POST / HTTP/1.1\r\nhost: t\r\ncontent-length: 1\r\ncontent-length: 2\r\n\r\nx".to_vec(),
            "HTTP/1.1 400",
        ),
    ] {
        add(Protocol::Http, http, Then::Stall, begins(says), what, bytes);
    }
    // The answer, an echo, may have begun or not: the end says it.
    let chunks = b"POST / HTTP/1.1\r\nhost: t\r\ntransfer-encoding: chunked\r\n\r\nzz\r\n\r\n".to_vec();
    let says: Says = Box::new(|seen| seen.is_empty() || seen.starts_with(b"HTTP/1.1 "));
    add(Protocol::Http, http, Then::Stall, says, "a body in bad chunks", chunks);
    for (what, bytes) in [
        ("no TLS", get("x: y")),
        ("a handshake that stalls", vec![0x16, 3, 1, 2, 0, 1]),
        ("a record that is too long", [&[0x16, 3, 1, 0xff, 0xff], &[0; 70_000][..]].concat()),
        ("a handshake of nonsense", [&[0x16, 3, 1, 0, 64], &[0x5a; 64][..]].concat()),
    ] {
        // An alert (21), or nothing.
        let says: Says = Box::new(|seen| seen.is_empty() || seen[0] == 21);
        add(Protocol::Http, https, Then::Stall, says, what, bytes);
    }

    let setting = |id: u8, value: u32| opening(&[&[0, id], &value.to_be_bytes()[..]].concat());
    let head = [0x82, 0x86, 0x84, 0x01, 1, b't'];
    let mut resets = opening(&[]);
    for stream in (1..10_000).step_by(2) {
        resets.extend(frame(1, 5, stream, &head));
        resets.extend(frame(3, 0, stream, &8_u32.to_be_bytes()));
    }
    let mut endless = [opening(&[]), frame(1, 1, 1, &head)].concat();
    for _ in 0..20_000 {
        endless.extend(frame(9, 0, 1, &[0, 1, b'x', 1, b'y']));
    }
    for (counted, at) in [(Protocol::Http2, http), (Protocol::Grpc, grpc)] {
        for (what, bytes) in [
            ("a frame size of 1", setting(5, 1)),
            ("a frame size of 4 GiB", setting(5, u32::MAX)),
            ("a push of 7", setting(2, 7)),
            ("a window of 4 GiB", setting(4, u32::MAX)),
            ("data of no stream", [opening(&[]), frame(0, 0, 1, b"data")].concat()),
            ("a stream of the server's", [opening(&[]), frame(1, 4, 2, &head)].concat()),
            ("a frame of 16 MiB", [opening(&[]), vec![0xff; 64]].concat()),
            ("streams only to be reset", resets.clone()),
            ("a head without an end", endless.clone()),
        ] {
            add(counted, at, Then::Stall, goaway(), what, bytes);
        }
    }
    // Before the preface is whole, it is not HTTP/2 yet.
    add(Protocol::Http, http, Then::Stall, nothing(), "a preface that stalls", opening(&[])[..20].to_vec());
    add(Protocol::Grpc, grpc, Then::Stall, nothing(), "a preface that stalls", opening(&[])[..30].to_vec());

    for (what, path, fault, body) in [
        ("an unknown key", "/cload.v1.Target/Unary", "dely=1s", &[0, 0, 0, 0, 0][..]),
        ("a key of DNS", "/cload.v1.Target/Unary", "rcode=3", &[0, 0, 0, 0, 0]),
        ("a fault that does not exist", "/cload.v1.Target/Unary", "fault=nonsense", &[0, 0, 0, 0, 0]),
        ("a message of 4 GiB", "/cload.v1.Target/Unary", "", &[0, 0xff, 0xff, 0xff, 0xff, 1]),
        ("a message of 32 MiB", "/grpc.testing.TestService/UnaryCall", "", &[0, 2, 0, 0, 0, 1]),
        ("a message that is cut", "/cload.v1.Target/Unary", "", &[0, 0, 0, 0, 9, 1]),
        ("a message that is none", "/cload.v1.Target/Unary", "", &[0, 0, 0, 0, 3, 0xff, 0xff, 0xff]),
        ("a compression that does not exist", "/cload.v1.Target/BidiStream", "", &[7, 0, 0, 0, 0]),
    ] {
        let bytes = [call(path, fault), frame(0, 1, 1, body)].concat();
        add(Protocol::Grpc, grpc, Then::Leave, ended(), what, bytes);
    }

    let line = |text: &str| format!("CL/1 {text}\n").into_bytes();
    for (what, bytes) in [
        ("an unknown key", line("dely=1s")),
        ("a key of HTTP", line("status=503")),
        ("a fault of DNS", line("fault=badid")),
        ("a line that is too long", line(&"x".repeat(5000))),
        ("a line without an end", b"CL/1 ".iter().copied().chain([b' '; 4000]).collect()),
        ("a line that stalls", b"CL/1 delay=1".to_vec()),
        ("a line of no text", b"CL/1 \xff\xfe\x00=\x80\n".to_vec()),
    ] {
        add(Protocol::Tcp, tcp, Then::Stall, begins("CL/1 ERR "), what, bytes);
    }

    for (query, _) in cut_queries() {
        let says: Says =
            if query.len() < 12 { nothing() } else { Box::new(|seen| seen.len() == 14 && seen[5] & 15 == 1) };
        let then = if query.len() < 12 { Then::Stall } else { Then::Leave };
        add(Protocol::DnsTcp, dns, then, says, &format!("a query cut after {} bytes", query.len()), framed(&query));
    }
    add(Protocol::DnsTcp, dns, Then::Stall, nothing(), "half a length", vec![0]);
    add(Protocol::DnsTcp, dns, Then::Stall, nothing(), "less than was announced", vec![0xff, 0xff, 1, 2, 3]);
    asks
}

fn framed(query: &[u8]) -> Vec<u8> {
    [&u16::try_from(query.len()).unwrap().to_be_bytes()[..], query].concat()
}

/// Datagrams for the echo.
pub(super) fn datagrams() -> Vec<(Vec<u8>, Says)> {
    let padded = |text: &str| format!("CL/1 {text} {}\n", " ".repeat(300)).into_bytes();
    vec![
        (padded("dely=1s"), begins("CL/1 ERR param=dely")),
        (padded("status=503"), begins("CL/1 ERR param=status")),
        (padded("mode=source"), begins("CL/1 ERR param=mode")),
        (padded("size=1GiB"), begins("CL/1 ERR param=size")),
        (padded(&"x".repeat(2000)), begins("CL/1 ERR ")),
        // No room for more words.
        (b"CL/1 x=1".to_vec(), begins("CL/1 ERR")),
        (b"CL/1 x".to_vec(), nothing()),
        (b"CL/1 ERR param=x pos=0".to_vec(), nothing()),
        (b"CL/1 OK id=k".to_vec(), nothing()),
    ]
}

/// A name with a token, in mixed case, asked for with EDNS and our option.
pub(super) fn query() -> Vec<u8> {
    let mut query = vec![0x12, 0x34, 1, 0, 0, 1, 0, 0, 0, 0, 0, 1];
    for label in ["x7K2m9Qa", "an3", "f", "cload", "test", ""] {
        query.push(u8::try_from(label.len()).unwrap());
        query.extend_from_slice(label.as_bytes());
    }
    let option = b"ttl=5s";
    query.extend([0, 16, 0, 1]);
    query.extend([0, 0, 41, 4, 208, 0, 0, 0, 0, 0, 4 + 6]);
    query.extend([0xfd, 0xe9, 0, 6]);
    query.extend(option);
    query
}

/// It, ended after each byte: refused in twelve bytes, or, where not even an id is sure, not at all.
pub(super) fn cut_queries() -> Vec<(Vec<u8>, Says)> {
    let whole = query();
    let cut = |end: usize| -> (Vec<u8>, Says) {
        let says: Says = if end < 12 { nothing() } else { Box::new(|seen| seen.len() == 12 && seen[3] & 15 == 1) };
        (whole[..end].to_vec(), says)
    };
    (0..whole.len()).map(cut).collect()
}
