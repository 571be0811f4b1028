//! A source, compressed as it goes by.

use std::io::Write as _;
use std::task::{Context, Poll, ready};

use bytes::Bytes;
use flate2::Compression;
use flate2::write::GzEncoder;

use super::source::{BodyError, PIECE_BYTES, Source};
use crate::record::Call;

/// Memory is bounded by what one piece compresses to, and the encoder's own state (about 300 KiB).
pub(super) struct Gzip {
    /// Gone when the end is written.
    encoder: Option<GzEncoder<Vec<u8>>>,
    /// Compressed and not taken yet.
    ready: Bytes,
}

impl Gzip {
    pub(super) fn new() -> Gzip {
        Gzip { encoder: Some(GzEncoder::new(Vec::new(), Compression::default())), ready: Bytes::new() }
    }

    /// The next piece of at most `max` compressed bytes.
    pub(super) fn poll_next(
        &mut self,
        cx: &mut Context<'_>,
        source: &mut Source,
        max: u64,
        call: &mut Call,
    ) -> Poll<Option<Result<Bytes, BodyError>>> {
        const INFALLIBLE: &str = "writing to memory cannot fail";
        while self.ready.is_empty() {
            let Some(encoder) = &mut self.encoder else { return Poll::Ready(None) };
            match ready!(source.poll_next(cx, PIECE_BYTES, call)) {
                Some(Err(error)) => return Poll::Ready(Some(Err(error))),
                Some(Ok(data)) => {
                    encoder.write_all(&data).expect(INFALLIBLE);
                    self.ready = std::mem::take(encoder.get_mut()).into();
                }
                None => {
                    let rest = self.encoder.take().map(|encoder| encoder.finish().expect(INFALLIBLE));
                    self.ready = rest.unwrap_or_default().into();
                }
            }
        }
        let len = self.ready.len().min(usize::try_from(max).unwrap_or(usize::MAX));
        Poll::Ready(Some(Ok(self.ready.split_to(len))))
    }
}
