//! TCP: what a mode has no use for.

use super::super::at::AtAsk;
use super::super::expr::Expr;
use super::super::words::Mode;
use super::super::{Dialect, Key};
use super::Check;

impl Check<'_> {
    pub(super) fn modes(&mut self) {
        let Some(Expr::Mode(mode)) = self.fault.single(Key::Mode) else { return };
        let mode = *mode;
        let useless: &[Key] = match mode {
            Mode::Echo | Mode::Upper => &[Key::Size],
            // What is not sent has no size, no pace and no bits to flip.
            Mode::Discard => &[Key::Size, Key::Chunk, Key::ChunkDelay, Key::Rate, Key::Corrupt],
            // What came in is read and dropped.
            Mode::Source | Mode::Chargen => &[],
        };
        for &key in useless {
            let reason = format!("{} has no meaning with mode={}", key.as_str(), mode.as_str());
            self.conflict(key, reason, format!("no {} beside mode={}", key.as_str(), mode.as_str()));
        }
        let in_answer = |expr: &Expr| matches!(expr, Expr::At(AtAsk::Bytes(_) | AtAsk::Share(_)));
        if mode == Mode::Discard && self.fault.possible(Key::At).any(in_answer) {
            self.conflict(Key::At, "mode=discard sends no bytes to strike after", "head, body or after(..)");
        }
        if mode.generates() && self.asks(Key::Bytes) && !self.asks(Key::Size) {
            let reason = "an exchange of bytes= has an end and this answer has none";
            self.conflict(Key::Mode, reason, "size=.. beside it");
        }
    }

    /// What only an answer with an end can have.
    pub(super) fn ends(&mut self) {
        if self.dialect != Dialect::Tcp || self.asks(Key::Bytes) {
            return;
        }
        let is_share = |expr: &Expr| matches!(expr, Expr::At(AtAsk::Share(_)));
        if !self.asks(Key::Size) && self.fault.possible(Key::At).any(is_share) {
            let reason = "nobody knows how long this answer will be";
            self.conflict(Key::At, reason, "bytes=.. or size=.. beside a share");
        }
        if self.fault.possible(Key::Close).any(|expr| *expr == Expr::Flag(true)) {
            let reason = "without bytes= the connection ends with this answer anyway";
            self.conflict(Key::Close, reason, "bytes=.. beside close");
        }
    }

    /// The length of an echo that is known beforehand.
    pub(super) fn framed_bytes(&self) -> Option<u64> {
        let is_echo = self.dialect == Dialect::Tcp && !self.fault.possible(Key::Size).any(|_| true);
        let framed = self.fault.single(Key::Bytes).and_then(Expr::amount).filter(|_| is_echo);
        let discards = self.fault.single(Key::Mode) == Some(&Expr::Mode(Mode::Discard));
        framed.filter(|_| !discards).map(super::super::Dist::largest)
    }
}
