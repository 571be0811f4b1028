//! Reading an HTTP/1.1 answer (RFC 9112), byte by byte as it comes, without buffering the body.
//!
//! Pure: bytes in, head and body pieces out. Any split of the same bytes gives the same result. Strict where leniency
//! would hide a fault: what does not follow the grammar is an error, and bytes behind a complete answer are reported.

use crate::driver::Declared;
use crate::driver::timing::server_timing;
use shared::carrier::{HEADER_FAULT, HEADER_RULE};
use shared::identity::{HEADER_IDENTITY, HEADER_SERVER, HEADER_SERVER_TIMING, Identity, RequestId};
use shared::instance::Instance;
use std::mem::MaybeUninit;
use std::time::Duration;

/// Largest answer head accepted, in bytes: what nginx, hyper and curl accept at most, roughly.
const HEAD_BYTES_MAX: usize = 64 * 1024;
/// Most header fields of an answer.
const HEADERS_MAX: usize = 128;
/// Longest chunk-size line or trailer line, in bytes.
const LINE_BYTES_MAX: usize = 8 * 1024;

/// What the head of an answer says.
#[derive(Clone, Debug, Default, PartialEq)]
pub(super) struct Head {
    /// The status code.
    pub(super) status: u16,
    /// The id echoed in `x-cload`.
    pub(super) id: Option<RequestId>,
    /// The target's own time to the first byte.
    pub(super) server: Option<Duration>,
    /// The delay that was asked for, as far as it lies before the first byte.
    pub(super) asked: Option<Duration>,
    /// Who answers.
    pub(super) backend: Option<Instance>,
    /// What it declares of a fault beside the one that was asked for.
    pub(super) declared: Declared,
    /// Whether the peer will close the connection.
    pub(super) close: bool,
}

/// The answer breaks the grammar; the text names the place.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("malformed answer: {0}")]
pub(super) struct Malformed(pub(super) &'static str);

#[derive(Clone, Copy, Debug, PartialEq)]
enum State {
    Head,
    /// Content-Length: this many bytes to come.
    Length(u64),
    /// Neither length nor chunks: until the peer closes (RFC 9112 section 6.3, rule 8).
    UntilClose,
    ChunkSize,
    Chunk(u64),
    ChunkEnd,
    Trailers,
    Done,
}

/// One answer being read.
#[derive(Debug)]
pub(super) struct Answer {
    state: State,
    to_head_request: bool,
    head: Option<Head>,
    /// An incomplete head or line; empty while a body flows.
    pending: Vec<u8>,
    body_bytes: u64,
    /// Bytes that came behind the end of the answer.
    surplus_bytes: u64,
}

impl Answer {
    /// For a request with this method: an answer to HEAD has no body (RFC 9110 section 9.3.2).
    pub(super) fn new(to_head_request: bool) -> Answer {
        Answer { state: State::Head, to_head_request, head: None, pending: Vec::new(), body_bytes: 0, surplus_bytes: 0 }
    }

    /// The head, once it is complete.
    pub(super) fn head(&self) -> Option<&Head> {
        self.head.as_ref()
    }

    /// Body bytes so far, chunk framing not counted.
    pub(super) fn body_bytes(&self) -> u64 {
        self.body_bytes
    }

    /// Bytes behind the end of the answer, which belong to nothing that was asked.
    pub(super) fn surplus_bytes(&self) -> u64 {
        self.surplus_bytes
    }

    /// Whether the answer is complete.
    pub(super) fn is_done(&self) -> bool {
        self.state == State::Done
    }

    /// Takes the next bytes; pieces of the body go to `body`.
    ///
    /// # Errors
    /// At the first byte that breaks the grammar. The answer is useless from then on.
    pub(super) fn push(&mut self, mut bytes: &[u8], body: &mut impl FnMut(&[u8])) -> Result<(), Malformed> {
        while !bytes.is_empty() {
            self.state = match self.state {
                State::Head => self.take_head(&mut bytes)?,
                State::Length(left) => match left - self.take_body(&mut bytes, left, body) {
                    0 => State::Done,
                    left => State::Length(left),
                },
                State::UntilClose => {
                    self.take_body(&mut bytes, u64::MAX, body);
                    State::UntilClose
                }
                State::Chunk(left) => match left - self.take_body(&mut bytes, left, body) {
                    0 => State::ChunkEnd,
                    left => State::Chunk(left),
                },
                State::ChunkSize | State::ChunkEnd | State::Trailers => match self.take_line(&mut bytes)? {
                    Some(line) => self.after_line(&line)?,
                    None => self.state,
                },
                State::Done => {
                    self.surplus_bytes += bytes.len() as u64;
                    return Ok(());
                }
            };
        }
        Ok(())
    }

    /// The peer closed in order: whether that completes the answer.
    pub(super) fn end_of_stream(&mut self) -> bool {
        if self.state == State::UntilClose {
            self.state = State::Done;
        }
        self.is_done()
    }

    fn take_head(&mut self, bytes: &mut &[u8]) -> Result<State, Malformed> {
        // The usual case, a head that comes in one piece, is parsed where it lies.
        let pending_len = self.pending.len();
        let all = if pending_len == 0 {
            *bytes
        } else {
            self.pending.extend_from_slice(bytes);
            &self.pending
        };
        // Uninitialised: clearing four kilobytes for every answer would cost more than parsing its few fields.
        let mut fields = [const { MaybeUninit::uninit() }; HEADERS_MAX];
        let mut response = httparse::Response::new(&mut []);
        let parser = httparse::ParserConfig::default();
        let end = match parser.parse_response_with_uninit_headers(&mut response, all, &mut fields) {
            Ok(httparse::Status::Complete(end)) => end,
            Ok(httparse::Status::Partial) if all.len() >= HEAD_BYTES_MAX => {
                return Err(Malformed("the head is longer than 64 KiB"));
            }
            Ok(httparse::Status::Partial) => {
                if pending_len == 0 {
                    self.pending.extend_from_slice(bytes);
                }
                *bytes = &[];
                return Ok(State::Head);
            }
            Err(httparse::Error::Status | httparse::Error::Version) => return Err(Malformed("the status line")),
            Err(_) => return Err(Malformed("a header field")),
        };
        let (head, framing) = read_head(&response)?;
        *bytes = &bytes[end - pending_len..];
        self.pending.clear();
        // An interim answer (RFC 9110 section 15.2) announces another; switching protocols was never asked for.
        if (100..200).contains(&head.status) {
            return if head.status == 101 {
                Err(Malformed("101 without a request to upgrade"))
            } else {
                Ok(State::Head)
            };
        }
        let has_no_body = self.to_head_request || matches!(head.status, 204 | 304);
        self.head = Some(head);
        Ok(if has_no_body {
            State::Done
        } else {
            match framing {
                Framing::Chunked => State::ChunkSize,
                Framing::Length(0) => State::Done,
                Framing::Length(length) => State::Length(length),
                Framing::UntilClose => State::UntilClose,
            }
        })
    }

    fn take_body(&mut self, bytes: &mut &[u8], most: u64, body: &mut impl FnMut(&[u8])) -> u64 {
        let len = usize::try_from(most).map_or(bytes.len(), |most| most.min(bytes.len()));
        let (piece, rest) = bytes.split_at(len);
        *bytes = rest;
        self.body_bytes += len as u64;
        body(piece);
        len as u64
    }

    /// A whole line without its end, or nothing until the rest of it has come.
    fn take_line(&mut self, bytes: &mut &[u8]) -> Result<Option<Vec<u8>>, Malformed> {
        let end = bytes.iter().position(|b| *b == b'\n');
        let (piece, rest) = bytes.split_at(end.map_or(bytes.len(), |end| end + 1));
        *bytes = rest;
        self.pending.extend_from_slice(piece);
        if self.pending.len() > LINE_BYTES_MAX {
            return Err(Malformed("a chunk-size or trailer line is longer than 8 KiB"));
        }
        if end.is_none() {
            return Ok(None);
        }
        let mut line = std::mem::take(&mut self.pending);
        line.pop();
        if line.pop() != Some(b'\r') {
            return Err(Malformed("a line of the chunked coding does not end in CR LF"));
        }
        Ok(Some(line))
    }

    fn after_line(&self, line: &[u8]) -> Result<State, Malformed> {
        match self.state {
            State::ChunkSize => Ok(match chunk_size(line)? {
                0 => State::Trailers,
                size => State::Chunk(size),
            }),
            State::ChunkEnd if line.is_empty() => Ok(State::ChunkSize),
            State::ChunkEnd => Err(Malformed("a chunk is longer than its size says")),
            _ if line.is_empty() => Ok(State::Done),
            _ if line.contains(&b':') => Ok(State::Trailers),
            _ => Err(Malformed("a trailer field without a colon")),
        }
    }
}

/// How the end of the body is known.
enum Framing {
    Chunked,
    Length(u64),
    UntilClose,
}

fn read_head(response: &httparse::Response<'_, '_>) -> Result<(Head, Framing), Malformed> {
    let mut head = Head { status: response.code.unwrap_or(0), close: response.version == Some(0), ..Head::default() };
    if head.status < 100 {
        return Err(Malformed("the status line"));
    }
    let mut length = None;
    let mut chunked = false;
    let (mut rule, mut fault) = (None, None);
    for field in response.headers.iter() {
        let value = field.value;
        match field.name.len() {
            7 if field.name.eq_ignore_ascii_case(HEADER_IDENTITY) => head.id = Identity::echoed_id(value),
            10 if field.name.eq_ignore_ascii_case("connection") => {
                head.close |= value.split(|b| *b == b',').any(|t| t.trim_ascii().eq_ignore_ascii_case(b"close"));
            }
            12 if field.name.eq_ignore_ascii_case(HEADER_RULE) => rule = Some(value),
            13 if field.name.eq_ignore_ascii_case(HEADER_FAULT) => fault = Some(value),
            13 if field.name.eq_ignore_ascii_case(HEADER_SERVER_TIMING) => {
                head.server = server_timing(value, "cload");
                head.asked = server_timing(value, "cload-fault");
            }
            14 if field.name.eq_ignore_ascii_case(HEADER_SERVER) => head.backend = Instance::read(value),
            14 if field.name.eq_ignore_ascii_case("content-length") => {
                let said = content_length(value.trim_ascii()).ok_or(Malformed("content-length is no number"))?;
                if length.replace(said).is_some_and(|before| before != said) {
                    return Err(Malformed("two different content-lengths"));
                }
            }
            17 if field.name.eq_ignore_ascii_case("transfer-encoding") => {
                if !value.trim_ascii().eq_ignore_ascii_case(b"chunked") {
                    return Err(Malformed("a transfer-encoding other than chunked"));
                }
                chunked = true;
            }
            _ => {}
        }
    }
    head.declared = Declared::of_fields(rule, fault);
    let framing = match (chunked, length) {
        (true, Some(_)) => return Err(Malformed("both content-length and transfer-encoding")),
        (true, None) => Framing::Chunked,
        (false, Some(length)) => Framing::Length(length),
        // Its end is the end of the connection, whatever else it says.
        (false, None) => {
            head.close = true;
            Framing::UntilClose
        }
    };
    Ok((head, framing))
}

/// Digits only: `parse` alone would let a sign through.
fn content_length(digits: &[u8]) -> Option<u64> {
    digits.iter().all(u8::is_ascii_digit).then(|| std::str::from_utf8(digits).ok()?.parse().ok()).flatten()
}

/// The size on a chunk's first line; extensions behind `;` are passed over (RFC 9112 section 7.1.1).
fn chunk_size(line: &[u8]) -> Result<u64, Malformed> {
    let digits = line.split(|b| *b == b';').next().unwrap_or_default().trim_ascii_end();
    let valid = (1..=16).contains(&digits.len()) && digits.iter().all(u8::is_ascii_hexdigit);
    let size = std::str::from_utf8(digits).ok().filter(|_| valid).and_then(|text| u64::from_str_radix(text, 16).ok());
    size.ok_or(Malformed("a chunk size is no hexadecimal number"))
}

#[cfg(test)]
mod tests;
