//! The same bytes, any split, the same result; and every way to break the grammar has its own words.

use proptest::prelude::*;

use super::*;

#[derive(Debug, PartialEq)]
struct Read {
    head: Option<Head>,
    body: Vec<u8>,
    done: bool,
    surplus_bytes: u64,
    error: Option<Malformed>,
}

fn read(pieces: &[&[u8]], closed: bool) -> Read {
    let mut answer = Answer::new(false);
    let mut body = Vec::new();
    let mut error = None;
    for piece in pieces {
        if let Err(malformed) = answer.push(piece, &mut |bytes| body.extend_from_slice(bytes)) {
            error = Some(malformed);
            break;
        }
    }
    let done = if closed { answer.end_of_stream() } else { answer.is_done() };
    assert_eq!(answer.body_bytes(), body.len() as u64);
    Read { head: answer.head().cloned(), body, done, surplus_bytes: answer.surplus_bytes(), error }
}

const WITH_LENGTH: &[u8] = b"HTTP/1.1 200 OK\r\ncontent-length: 5\r\nx-cload: id=abcd2345.7\r\n\
    server-timing: cload;dur=0.25, cload-fault;dur=20\r\n\r\nhello";
const CHUNKED: &[u8] = b"HTTP/1.1 503 Busy\r\nTransfer-Encoding: chunked\r\nConnection: keep-alive, close\r\n\r\n\
    3;ext=1\r\nabc\r\nA\r\n0123456789\r\n0\r\nx-sum: 1\r\n\r\n";
const UNTIL_CLOSE: &[u8] = b"HTTP/1.0 200 OK\r\n\r\nall of it";
const INTERIM: &[u8] = b"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 204 No Content\r\n\r\n";

#[test]
fn reads_what_the_head_says() {
    let answer = read(&[WITH_LENGTH], false);
    let head = answer.head.unwrap();
    assert_eq!(head.status, 200);
    assert_eq!(head.id.unwrap().to_string(), "abcd2345.7");
    assert_eq!((head.server, head.asked), (Some(Duration::from_micros(250)), Some(Duration::from_millis(20))));
    assert!(!head.close && answer.done);
    assert_eq!(answer.body, b"hello");
}

#[test]
fn every_framing_ends_where_it_should() {
    let chunked = read(&[CHUNKED], false);
    assert_eq!((chunked.body.as_slice(), chunked.done), (b"abc0123456789".as_slice(), true));
    assert!(chunked.head.unwrap().close);
    let open = read(&[UNTIL_CLOSE], false);
    assert_eq!((open.body.as_slice(), open.done), (b"all of it".as_slice(), false));
    assert!(read(&[UNTIL_CLOSE], true).done);
    assert!(read(&[b"HTTP/1.1 200 OK\r\n\r\nx"], true).head.unwrap().close, "its connection is over with it");
    let interim = read(&[INTERIM], false);
    assert_eq!((interim.head.unwrap().status, interim.done), (204, true));
    let cut = read(&[&WITH_LENGTH[..WITH_LENGTH.len() - 1]], true);
    assert!(!cut.done, "a close before the promised length does not complete the answer");
}

#[test]
fn an_answer_to_head_has_no_body() {
    let mut answer = Answer::new(true);
    answer.push(b"HTTP/1.1 200 OK\r\ncontent-length: 5\r\n\r\n", &mut |_| ()).unwrap();
    assert!(answer.is_done());
}

#[test]
fn surplus_bytes_are_counted() {
    let both = [WITH_LENGTH, b"more"].concat();
    let answer = read(&[&both], false);
    assert_eq!((answer.done, answer.surplus_bytes), (true, 4));
}

#[test]
fn broken_grammar_is_named() {
    let chunk = |rest: &str| format!("HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n{rest}");
    let cases = [
        ("HTPT/1.1 200 OK\r\n\r\n".to_owned(), "the status line"),
        ("HTTP/1.1 2x0 OK\r\n\r\n".to_owned(), "the status line"),
        ("HTTP/1.1 200 OK\r\nno colon\r\n\r\n".to_owned(), "a header field"),
        ("HTTP/1.1 000 No\r\n\r\n".to_owned(), "the status line"),
        ("HTTP/1.1 200 OK\r\ncontent-length: +5\r\n\r\n".to_owned(), "content-length is no number"),
        ("HTTP/1.1 200 OK\r\ncontent-length: five\r\n\r\n".to_owned(), "content-length is no number"),
        (
            "HTTP/1.1 200 OK\r\ncontent-length: 5\r\ncontent-length: 6\r\n\r\n".to_owned(),
            "two different content-lengths",
        ),
        (
            "HTTP/1.1 200 OK\r\ncontent-length: 5\r\ntransfer-encoding: chunked\r\n\r\n".to_owned(),
            "both content-length and transfer-encoding",
        ),
        ("HTTP/1.1 101 Switching\r\n\r\n".to_owned(), "101 without a request to upgrade"),
        (chunk("xyz\r\n"), "a chunk size is no hexadecimal number"),
        (chunk("\r\n"), "a chunk size is no hexadecimal number"),
        (chunk("11111111111111111\r\n"), "a chunk size is no hexadecimal number"),
        (chunk("3\nabc"), "a line of the chunked coding does not end in CR LF"),
        (chunk("3\r\nabcd\r\n"), "a chunk is longer than its size says"),
        (chunk("0\r\ntrailer\r\n"), "a trailer field without a colon"),
    ];
    for (bytes, place) in cases {
        assert_eq!(read(&[bytes.as_bytes()], false).error, Some(Malformed(place)), "{bytes:?}");
    }
}

#[test]
fn an_endless_head_is_refused() {
    let mut bytes = b"HTTP/1.1 200 OK\r\n".to_vec();
    bytes.resize(HEAD_BYTES_MAX + 1, b'a');
    let pieces: Vec<&[u8]> = bytes.chunks(1000).collect();
    assert_eq!(read(&pieces, false).error, Some(Malformed("the head is longer than 64 KiB")));
}

proptest! {
    #[test]
    fn any_split_gives_the_same(which in 0usize..4, cuts in prop::collection::vec(any::<prop::sample::Index>(), 0..6)) {
        let bytes = [WITH_LENGTH, CHUNKED, UNTIL_CLOSE, INTERIM][which];
        let mut at: Vec<usize> = cuts.iter().map(|cut| cut.index(bytes.len() + 1)).collect();
        at.sort_unstable();
        let mut pieces = Vec::new();
        let mut from = 0;
        for to in at {
            pieces.push(&bytes[from..to]);
            from = to;
        }
        pieces.push(&bytes[from..]);
        prop_assert_eq!(read(&pieces, true), read(&[bytes], true));
    }

    #[test]
    fn any_bytes_are_an_answer_or_an_error(bytes in prop::collection::vec(any::<u8>(), 0..600)) {
        read(&[&bytes], true);
        read(&[CHUNKED, &bytes], true);
        let mut chunked = b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n".to_vec();
        chunked.extend(&bytes);
        read(&[&chunked], true);
    }
}
