//! Reading the request's body before the answer begins, as `read` says.
//!
//! Time spent here is the path's and the client's, not the target's: it is kept apart from the target's own time.

use std::future::poll_fn;

use bytes::{Bytes, BytesMut};
use shared::fault::Read;
use tokio::time::Instant;

use super::incoming::Incoming;
use super::source::{BodyError, Echo, Source};
use crate::pace::Pace;
use crate::record::Call;

/// How much of an echo is read before its head is sent. A body of this size comes back in one write with its head, and
/// while a delay runs the connection has nothing left to read but the client's leaving.
const AHEAD_BYTES: usize = 64 << 10;

/// A request body and how it is read.
pub(super) struct Intake<'a> {
    pub(super) call: &'a mut Call,
    pub(super) incoming: Incoming,
    pub(super) read: Read,
    /// No pacing may last longer.
    pub(super) deadline: Instant,
}

impl Intake<'_> {
    /// The body on its way back.
    pub(super) async fn echo(mut self, is_eager: bool) -> Result<Source, BodyError> {
        Ok(match self.read {
            Read::None => Source::Empty,
            Read::First(bytes) => Source::Echo(Echo::new(Bytes::new(), self.incoming).first(bytes)),
            Read::Rate(rate) => Source::Echo(Echo::new(Bytes::new(), self.incoming).paced(rate, self.deadline)),
            Read::All if !is_eager => Source::Echo(Echo::new(Bytes::new(), self.incoming)),
            Read::All => match self.collect(AHEAD_BYTES, &mut |_| true).await? {
                (bytes, true) => Source::Whole(bytes),
                (bytes, false) => Source::Echo(Echo::new(bytes, self.incoming)),
            },
        })
    }

    /// The whole body, or nothing if it is larger than `max` bytes.
    pub(super) async fn whole(self, max_bytes: usize) -> Result<Option<Bytes>, BodyError> {
        self.whole_within(max_bytes, |_| true).await
    }

    /// The same, as long as there is room for all that has come.
    pub(super) async fn whole_within(
        mut self,
        max_bytes: usize,
        mut has_room: impl FnMut(usize) -> bool + Send,
    ) -> Result<Option<Bytes>, BodyError> {
        let max_read = match self.read {
            Read::None => return Ok(Some(Bytes::new())),
            Read::First(bytes) => usize::try_from(bytes).unwrap_or(usize::MAX),
            Read::All | Read::Rate(_) => usize::MAX,
        };
        let enough = max_bytes.saturating_add(1).min(max_read);
        let (mut bytes, _) = self.collect(enough, &mut has_room).await?;
        bytes.truncate(max_read);
        Ok(Some(bytes).filter(|bytes| bytes.len() <= max_bytes))
    }

    /// Reads what is to be read and keeps nothing.
    pub(super) async fn discard(mut self) -> Result<(), BodyError> {
        let mut left = match self.read {
            Read::None => return Ok(()),
            Read::First(bytes) => bytes,
            Read::All | Read::Rate(_) => u64::MAX,
        };
        let mut pace = self.pace();
        while left > 0
            && let Some(data) = self.next(&mut pace).await?
        {
            left = left.saturating_sub(data.len() as u64);
        }
        Ok(())
    }

    /// Reads at least `enough` bytes, or to the end; says whether that was reached.
    async fn collect(
        &mut self,
        enough: usize,
        has_room: &mut (dyn FnMut(usize) -> bool + Send),
    ) -> Result<(Bytes, bool), BodyError> {
        let mut pace = self.pace();
        let mut first = Bytes::new();
        let mut more = BytesMut::new();
        loop {
            if self.incoming.is_end_stream() {
                break;
            }
            if first.len() + more.len() >= enough {
                return Ok((joined(first, more), false));
            }
            if !has_room(first.len() + more.len()) {
                return Err(BodyError::NoRoom);
            }
            match self.next(&mut pace).await? {
                None => break,
                Some(data) if first.is_empty() => first = data,
                Some(data) => more.extend_from_slice(&data),
            }
        }
        Ok((joined(first, more), true))
    }

    fn pace(&self) -> Option<Pace> {
        match self.read {
            Read::Rate(rate) => Some(Pace::new(rate)),
            _ => None,
        }
    }

    async fn next(&mut self, pace: &mut Option<Pace>) -> Result<Option<Bytes>, BodyError> {
        let since = Instant::now();
        let data = poll_fn(|cx| self.incoming.poll_data(cx)).await;
        self.call.add_awaited(since.elapsed());
        let Some(data) = data.transpose()? else { return Ok(None) };
        self.call.add_received(data.len());
        if let Some(pace) = pace {
            let now = Instant::now();
            let wait = pace.wait(data.len() as u64, now);
            if wait > self.deadline.saturating_duration_since(now) {
                return Err(BodyError::TooLong);
            }
            self.call.asked_begins();
            tokio::time::sleep(wait).await;
            self.call.asked_ends();
        }
        Ok(Some(data))
    }
}

fn joined(first: Bytes, more: BytesMut) -> Bytes {
    if more.is_empty() {
        return first;
    }
    let mut whole = BytesMut::with_capacity(first.len() + more.len());
    whole.extend_from_slice(&first);
    whole.extend_from_slice(&more);
    whole.freeze()
}
