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
            Mode::Source | Mode::Chargen => &[Key::Bytes],
        };
        for &key in useless {
            let reason = format!("{} has no meaning with mode={}", key.as_str(), mode.as_str());
            self.conflict(key, reason, format!("no {} beside mode={}", key.as_str(), mode.as_str()));
        }
        let in_answer = |expr: &Expr| matches!(expr, Expr::At(AtAsk::Bytes(_) | AtAsk::Share(_)));
        if mode == Mode::Discard && self.fault.possible(Key::At).any(in_answer) {
            self.conflict(Key::At, "mode=discard sends no bytes to strike after", "head, body or after(..)");
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
