//! Which row of its data a request takes.

use std::str::FromStr;
use std::sync::Arc;

use shared::draw::Draw;

use super::Call;

/// Most requests that are made of rows, over all operations of a plan: each is kept ready by every worker, with a few KiB.
pub(super) const REQUESTS_MAX: usize = 20_000;
/// Most bytes of content that the rows of one operation may have together, as they are kept ready as well.
pub(super) const CONTENT_MAX_BYTES: u64 = 64 << 20;

/// The requests of an operation that takes values from data.
#[derive(Clone, Debug)]
pub struct Rows {
    /// The set's name.
    pub set: String,
    /// The file it is from, or `the scenario`.
    pub from: String,
    /// Which one is next.
    pub order: RowOrder,
    /// One for each row, at least one; the first is the operation's own call.
    pub calls: Arc<[Call]>,
    /// An HTTP path as written, for those who name a request by it.
    pub path: Option<String>,
}

impl Rows {
    /// Whether any of the requests asks for something worse than a plain answer.
    pub(super) fn injects(&self) -> bool {
        self.calls.iter().any(|call| call.fault().injects())
    }
}

/// Which row is next.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum RowOrder {
    /// The slot's number, modulo the rows: the same in every run.
    #[default]
    Next,
    /// Drawn from the operation's seed and the slot's number: the same in every run with this seed.
    Random,
}

impl RowOrder {
    /// As in a file.
    pub const fn as_str(self) -> &'static str {
        match self {
            RowOrder::Next => "next",
            RowOrder::Random => "random",
        }
    }

    /// The row of slot `seq`, of `rows` that there are.
    pub fn row(self, seed: u64, seq: u64, rows: usize) -> usize {
        let rows = rows.max(1);
        match self {
            // Less than `rows`, which is a usize.
            RowOrder::Next => (seq % rows as u64) as usize,
            RowOrder::Random => ((Draw::new(seed, "").u("row", seq) * rows as f64) as usize).min(rows - 1),
        }
    }
}

impl FromStr for RowOrder {
    type Err = String;

    fn from_str(text: &str) -> Result<RowOrder, String> {
        match text {
            "next" => Ok(RowOrder::Next),
            "random" => Ok(RowOrder::Random),
            _ => Err(format!("{text:?} is no order of rows; expected next or random")),
        }
    }
}
