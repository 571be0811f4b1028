//! What is to be written on a bare HTTP/1.1 socket, and how its body is announced.

use std::borrow::Cow;

use shared::fault::{Body, Fault, FaultKind};
use shared::payload::Payload;

use super::head::{self, Framing};
use crate::http::act::Unread;
use crate::http::answer::{Answer, Job};
use crate::http::exchange::Takeover;
use crate::http::incoming::Incoming;
use crate::http::strike::{Broken, Strike, Unbroken};

/// Random bytes sent by `garbage`: enough to fill any parser's first look.
const GARBAGE_BYTES: u64 = 512;

/// A broken answer, and its framing.
pub(in crate::http) struct Plan {
    pub(super) broken: Broken,
    framing: Framing,
}

impl Plan {
    /// Reads the request's body as asked, and leaves the plan in the exchange. What cannot be done is answered.
    pub(in crate::http) async fn leave(
        job: Job,
        fault: &Fault,
        incoming: Incoming,
        unread: impl FnOnce(Unread) -> Answer,
    ) -> Result<(), Box<Answer>> {
        let broken = match Broken::new(job, fault, incoming).await {
            Ok(broken) => broken,
            Err(unbroken) => {
                return Err(Box::new(match *unbroken {
                    Unbroken::Answered(answer) => answer,
                    Unbroken::Unread(reason) => unread(*reason),
                }));
            }
        };
        let Some(framing) = framing(&broken) else { return Err(Box::new(broken.refuse(fault))) };
        let exchange = std::sync::Arc::clone(&broken.job.exchange);
        exchange.take_over(Takeover::Broken(Box::new(Plan { broken, framing })));
        Ok(())
    }

    /// The answer's head, marked like any other.
    pub(super) fn head(&self) -> Vec<u8> {
        head::write(&self.broken.job, self.framing)
    }

    /// Body bytes as the framing wants them.
    pub(super) fn framed<'a>(&self, data: &'a [u8]) -> Cow<'a, [u8]> {
        match self.framing {
            Framing::Length(_) => Cow::Borrowed(data),
            Framing::Chunked => {
                let mut chunk = format!("{:x}\r\n", data.len()).into_bytes();
                chunk.extend_from_slice(data);
                chunk.extend_from_slice(b"\r\n");
                Cow::Owned(chunk)
            }
        }
    }

    /// What the fault itself writes.
    pub(super) fn last_words(&self) -> Vec<u8> {
        match self.broken.kind {
            FaultKind::BadChunk => b"not-a-size\r\n".to_vec(),
            FaultKind::BadHead => head::malformed(&self.broken.job),
            FaultKind::Garbage => {
                let verdict = self.broken.job.verdict();
                let (seed, key) = verdict.map_or((0, ""), |verdict| (verdict.seed, verdict.key.as_str()));
                let random = Payload::new(Body::Random, GARBAGE_BYTES, seed, key).expect("random is no echo");
                // 0xff begins no status line, whatever the dice say.
                let mut garbage = vec![0xff];
                garbage.extend(random.chunks(GARBAGE_BYTES).flatten());
                garbage
            }
            _ => Vec::new(),
        }
    }
}

/// How the body is announced, so that its end is seen to be missing; nothing if that cannot be done.
fn framing(broken: &Broken) -> Option<Framing> {
    let (length, is_http10) = (broken.shaped.length(), broken.job.request.is_http10);
    let is_cut = matches!((broken.strike, length), (Strike::Byte(byte), Some(length)) if byte < length);
    let framing = match broken.kind {
        FaultKind::Clen(difference) => return broken.false_length(difference).map(Framing::Length),
        // HTTP/1.0 has no chunks that could be bad.
        FaultKind::BadChunk if is_http10 => return None,
        FaultKind::BadChunk => Framing::Chunked,
        _ if is_cut && broken.at.is_none() => Framing::Length(length?),
        _ => Framing::Chunked,
    };
    Some(match framing {
        // HTTP/1.0 has no chunks. One byte that never comes serves as well.
        Framing::Chunked if is_http10 => Framing::Length(length.unwrap_or(0).saturating_add(1)),
        framing => framing,
    })
}
