//! Asks as podinfo was asked when its answers were recorded: one request on a connection of its own, byte by byte.
//!
//! Knows as much HTTP/1 as answers need, so that nothing between the test and the wire makes them look better than they are.

use std::collections::BTreeMap;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::time::Duration;

use crate::podinfo::recorded::{Answer, Body, Row, telling};
use crate::process::timed;

/// What stands for the words in braces.
pub(crate) type Words = BTreeMap<&'static str, String>;

/// Keys of JSON whose values differ from one process or moment to the next.
const VEILED: [&str; 9] =
    ["hostname", "runtime", "num_goroutine", "num_cpu", "token", "expires_at", "ts", "revision", "commit"];
const PATIENCE: Duration = Duration::from_secs(10);
/// From here on an answer is slow: nearly the second that is asked for.
const SLOW: Duration = Duration::from_millis(800);

/// The text with the words in braces filled in.
pub(crate) fn fill(text: &str, words: &Words) -> String {
    words.iter().fold(text.to_owned(), |text, (word, value)| text.replace(&format!("{{{word}}}"), value))
}

/// The answer to a row's request, veiled, and its body as it was.
pub(crate) fn ask(address: SocketAddr, row: &Row, words: &Words) -> (Answer, String) {
    let stream = TcpStream::connect(address).unwrap();
    stream.set_read_timeout(Some(PATIENCE)).unwrap();
    let (head, body) = request(row, words);
    let expects = row.headers.iter().any(|(name, _)| name == "Expect");
    // A server may refuse a body before it has read it all: what it said is there to read all the same.
    let send = |bytes: &[u8]| (&stream).write_all(bytes).unwrap_or_default();
    let mut reader = BufReader::new(&stream);
    let mut interim = Vec::new();
    let (found, to_head) = timed(|| {
        send(head.as_bytes());
        if !expects {
            send(&body);
        }
        loop {
            match read_head(&mut reader) {
                Some((status, _)) if status < 200 && status != 101 => interim.push(status),
                other => break other,
            }
            if expects {
                send(&body);
            }
        }
    });
    let Some((status, headers)) = found else { return (closed(interim), String::new()) };
    let ((bytes, is_cut), to_end) = timed(|| read_body(&mut reader, row, status, &headers));
    let slow = (to_head > SLOW).then_some("head").or((to_end > SLOW).then_some("body"));
    let frame = row.frame.as_ref().filter(|_| status == 101).map(|frame| {
        // A masked text frame; with a mask of zeros the payload stands as it is.
        let length = u8::try_from(frame.len()).unwrap();
        send(&[&[0x81, 0x80 | length, 0, 0, 0, 0], frame.as_bytes()].concat());
        read_frame(&mut reader)
    });
    let is_zipped = headers.iter().any(|(name, _)| name.eq_ignore_ascii_case("content-encoding"));
    let plain = if is_zipped { "zipped".to_owned() } else { String::from_utf8(bytes).unwrap() };
    let body = match plain.as_bytes() {
        [first, ..] if plain.len() > 4096 && plain.bytes().all(|byte| byte == *first) => Body::Many(plain.len()),
        _ => Body::Text(veil(&plain, words)),
    };
    let frame = frame.map(|frame| veil(&frame, words));
    let slow = slow.map(str::to_owned);
    (Answer { status, interim, headers: telling(&headers), slow, is_cut, frame, body }, plain)
}

fn closed(interim: Vec<u16>) -> Answer {
    let (headers, body) = (BTreeMap::new(), Body::Text(String::new()));
    Answer { status: 0, interim, headers, slow: None, is_cut: false, frame: None, body }
}

fn request(row: &Row, words: &Words) -> (String, Vec<u8>) {
    if let Some(raw) = &row.raw {
        return (raw.clone(), Vec::new());
    }
    let mut head = format!("{} {} HTTP/{}\r\nHost: it\r\n", row.method, row.path, row.version);
    if !row.body.is_empty() {
        head += &format!("Content-Length: {}\r\n", row.body.len() * row.times);
    }
    for (name, value) in &row.headers {
        head += &format!("{name}: {}\r\n", fill(value, words));
    }
    (head + "\r\n", if row.body.is_empty() { row.raw_body.clone().into() } else { row.body.repeat(row.times).into() })
}

type Head = (u16, Vec<(String, String)>);

/// The next head, or `None` if the connection ends instead.
fn read_head(reader: &mut impl BufRead) -> Option<Head> {
    let mut line = String::new();
    let bytes = reader.read_line(&mut line).or_else(|error| match error.kind() {
        std::io::ErrorKind::ConnectionReset => Ok(0),
        _ => Err(error),
    });
    if bytes.expect("an answer or an end in time") == 0 {
        return None;
    }
    let status = line.split(' ').nth(1).and_then(|status| status.trim().parse().ok());
    let mut headers = Vec::new();
    loop {
        let mut field = String::new();
        reader.read_line(&mut field).unwrap();
        let Some((name, value)) = field.split_once(':') else { break };
        headers.push((name.to_owned(), value.trim().to_owned()));
    }
    Some((status.unwrap_or_else(|| panic!("no status line: {line:?}")), headers))
}

/// The body, and whether it is cut short.
fn read_body(reader: &mut impl BufRead, row: &Row, status: u16, headers: &[(String, String)]) -> (Vec<u8>, bool) {
    let named =
        |wanted: &str| headers.iter().find(|(name, _)| name.eq_ignore_ascii_case(wanted)).map(|(_, value)| value);
    let mut body = Vec::new();
    if row.method == "HEAD" || [101, 204, 304].contains(&status) {
        return (body, false);
    }
    if named("transfer-encoding").is_some() {
        loop {
            let mut line = String::new();
            if reader.read_line(&mut line).unwrap_or_default() == 0 {
                return (body, true);
            }
            let size = u64::from_str_radix(line.trim(), 16).unwrap();
            reader.take(size).read_to_end(&mut body).unwrap();
            reader.read_line(&mut line).unwrap();
            if size == 0 {
                return (body, false);
            }
        }
    }
    let size = named("content-length").map_or(u64::MAX, |size| size.parse().unwrap());
    let is_whole = reader.take(size).read_to_end(&mut body).is_ok();
    let is_cut = !is_whole || (size != u64::MAX && body.len() as u64 != size);
    (body, is_cut)
}

/// The payload of a short WebSocket frame.
fn read_frame(reader: &mut impl Read) -> String {
    let mut head = [0; 2];
    reader.read_exact(&mut head).unwrap();
    assert_eq!(head[0], 0x81, "a text frame, and the last of its message");
    let mut payload = vec![0; head[1].into()];
    reader.read_exact(&mut payload).unwrap();
    String::from_utf8(payload).unwrap()
}

/// What differs from run to run, made the same; as record.py does it.
fn veil(text: &str, words: &Words) -> String {
    let mut text = text.to_owned();
    for key in VEILED {
        for start in [format!("\"{key}\": \""), format!("\"{key}\":\"")] {
            text = replaced(&text, &start, |rest| rest.find('"'), "*");
        }
    }
    let version = env!("CARGO_PKG_VERSION");
    text = text.replace(&format!("\"{version}\""), "\"VERSION\"").replace(&format!("v{version}"), "vVERSION");
    text = replaced(&text, "expired by ", |rest| rest.find(|c: char| !(c.is_ascii_alphanumeric() || c == '.')), "*");
    text = replaced(&text, "call failed ", |rest| rest.replace("\\\"", "__").find('"'), "*");
    for word in ["BACKEND", "REFUSING", "DATA"] {
        if let Some(value) = words.get(word) {
            text = text.replace(value, &format!("{{{word}}}"));
        }
    }
    text
}

/// The text with what follows each `start`, up to where `end` finds the end, replaced.
fn replaced(text: &str, start: &str, end: impl Fn(&str) -> Option<usize>, by: &str) -> String {
    let mut parts = text.split(start);
    let mut whole = parts.next().unwrap_or_default().to_owned();
    for part in parts {
        whole += start;
        whole += by;
        whole += &part[end(part).unwrap_or(part.len())..];
    }
    whole
}
