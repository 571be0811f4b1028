//! DNS: what one message cannot be at once. A choice that only sometimes falls contradicts nothing here: where the code is
//! an error, or the answer empty, the records are simply not in it. What always contradicts is refused.

use super::super::dist::Dist;
use super::super::expr::Expr;
use super::super::kind::FaultKind;
use super::super::rcode::Rcode;
use super::super::words::Transport;
use super::super::{Dialect, Key};
use super::Check;

/// What a header alone takes (RFC 1035, section 4.1.1).
const HEADER_BYTES: u64 = 12;
/// More than a plain answer has.
const PLAIN_MAX_BYTES: u64 = 512;

impl Check<'_> {
    pub(super) fn messages(&mut self) {
        if self.dialect != Dialect::Dns {
            return;
        }
        self.records();
        self.other_transport();
        self.length_prefix();
        let largest = self.amounts(Key::Size).map(Dist::largest).min();
        let misses = self.kinds().find_map(|kind| match (kind, largest) {
            (FaultKind::Cut(Some(bytes)), Some(size)) if u64::from(bytes) >= size => Some((bytes, size)),
            _ => None,
        });
        if let Some((bytes, size)) = misses {
            let reason = format!("a message of {size} bytes ends before the cut after {bytes}");
            self.conflict(Key::Fault, reason, "a cut inside the size");
        }
    }

    fn records(&mut self) {
        let on = |expr: &Expr| *expr == Expr::Flag(true);
        let fails = |expr: &Expr| matches!(expr, Expr::Rcode(rcode) if *rcode != Rcode::NOERROR);
        let truncates = |expr: &Expr| *expr == Expr::Fault(FaultKind::TcForced);
        if self.always(Key::Nodata, on) {
            self.exclude("nodata", &[Key::Count, Key::Addr, Key::Answer]);
        }
        if self.fault.possible(Key::Nodata).any(on) && self.always(Key::Rcode, fails) {
            self.conflict(Key::Nodata, "nodata is NOERROR without an answer", "no other rcode beside it");
        }
        if self.always(Key::Rcode, fails) {
            self.exclude("this rcode", &[Key::Count, Key::Addr, Key::Answer]);
        }
        if self.always(Key::Fault, truncates) {
            self.exclude("tcf", &[Key::Count, Key::Size, Key::Addr, Key::Answer]);
        }
        if self.asks(Key::Answer) {
            self.exclude("answer", &[Key::Count, Key::Addr, Key::Cname]);
        }
        if self.asks(Key::Addr) {
            self.exclude("addr", &[Key::Count]);
        }
        if self.amounts(Key::Count).any(|count| count.smallest() == 0) {
            self.conflict(Key::Count, "no answers are not counted", "at least 1, or nodata=true");
        }
    }

    fn exclude(&mut self, what: &str, keys: &[Key]) {
        for &key in keys {
            let reason = format!("{what} leaves no room for {}", key.as_str());
            self.conflict(key, reason, format!("{} or {what}, not both", key.as_str()));
        }
    }

    fn other_transport(&mut self) {
        let Some(over) = self.fault.over() else { return };
        let elsewhere = self.kinds().find_map(|kind| match (kind, over) {
            (FaultKind::Tc, Transport::Tcp) => Some((kind, "tcf, which truncates over TCP too")),
            (FaultKind::Clen(_), Transport::Udp) => Some((kind, "over=tcp, where there is a length prefix")),
            _ => None,
        });
        if let Some((kind, expected)) = elsewhere {
            let reason = format!("there is no {} over {}", kind.as_str(), over.as_str());
            self.conflict(Key::Fault, reason, expected);
        }
    }

    /// The prefix of a message over TCP has 16 bits.
    fn length_prefix(&mut self) {
        let (mut least, mut most) = (HEADER_BYTES, PLAIN_MAX_BYTES);
        for size in self.amounts(Key::Size) {
            (least, most) = (least.min(size.smallest()), most.max(size.largest()));
        }
        let over = u64::from(u16::MAX).saturating_sub(most);
        let unsayable = |n: i64| n.unsigned_abs() > if n > 0 { over } else { least };
        let wrong = self.kinds().find(|kind| matches!(kind, FaultKind::Clen(n) if unsayable(*n)));
        if let Some(kind) = wrong {
            let reason = format!("{kind} could not be said in the 16 bits of the length");
            self.conflict(Key::Fault, reason, format!("from clen(-{least}) to clen(+{over})"));
        }
    }

    /// True if every request gets a choice of `key` of this kind.
    fn always(&self, key: Key, is: impl Fn(&Expr) -> bool) -> bool {
        let choices = self.fault.choices(key).filter(|choices| !choices.has_remainder());
        choices.is_some_and(|choices| choices.possible().all(is))
    }
}
