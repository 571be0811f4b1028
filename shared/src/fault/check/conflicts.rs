//! Parts of a spec that exclude each other. What can never happen is refused, rather than quietly not happening.

use super::super::at::AtAsk;
use super::super::dist::Dist;
use super::super::expr::{Body, Expr};
use super::super::kind::FaultKind;
use super::super::{Dialect, Key};
use super::Check;
use crate::units::{Ppm, print_size};

impl Check<'_> {
    pub(super) fn conflicts(&mut self) {
        self.body_and_size();
        self.bodiless_status();
        self.at_and_fault();
        self.strike_within_size();
        self.announced_length();
        self.streams();
        self.modes();
        self.ends();
        self.messages();
    }

    pub(super) fn asks(&self, key: Key) -> bool {
        self.fault.ask(key).is_some()
    }

    fn body_and_size(&mut self) {
        let echo = |expr: &Expr| matches!(expr, Expr::Body(Body::Echo));
        let (echoes, generates) =
            (self.fault.possible(Key::Body).any(echo), self.fault.possible(Key::Body).any(|expr| !echo(expr)));
        match self.asks(Key::Size) {
            true if echoes => self.conflict(Key::Body, "an echo has the size of the request, not of size", "no size"),
            false if generates => self.conflict(Key::Body, "a generated body needs a size", "size=.. beside body"),
            _ => {}
        }
    }

    /// 204, 205 and 304 end with the head: whatever else is asked of the body cannot be had.
    fn bodiless_status(&mut self) {
        let bodiless = |expr: &Expr| match expr {
            Expr::Status(status) if status.is_bodiless() => Some(*status),
            _ => None,
        };
        let Some(status) = self.fault.possible(Key::Status).find_map(bodiless) else { return };
        let no_body = |what: &str| format!("status {status} has no body, {what}");
        let another = "another status";
        if self.amounts(Key::Size).any(|size| size.largest() > 0) {
            self.conflict(Key::Status, no_body("but size asks for one"), another);
        }
        if self.kinds().any(FaultKind::needs_body) {
            self.conflict(Key::Status, no_body("but the fault is in the body"), another);
        }
        if self.asks(Key::Trailer) {
            self.conflict(Key::Status, no_body("so no trailer can follow it"), another);
        }
    }

    fn at_and_fault(&mut self) {
        if !self.asks(Key::Fault) {
            self.conflict(Key::At, "there is no fault to place", "fault=.. beside at");
        }
        let nowhere = self.fault.possible(Key::At).find_map(|expr| match expr {
            Expr::At(at) => self.kinds().find(|kind| !can_strike(*kind, at)).map(|kind| (kind, at.to_string())),
            _ => None,
        });
        if let Some((kind, at)) = nowhere {
            let reason = format!("{} cannot strike at {at}", kind.as_str());
            self.conflict(Key::At, reason, format!("{} for {}", places(kind), kind.as_str()));
        }
    }

    /// A fault behind the last byte would never strike.
    fn strike_within_size(&mut self) {
        let sizes: Vec<u64> = self.amounts(Key::Size).map(Dist::largest).collect();
        let Some(smallest) = sizes.iter().copied().chain(self.framed_bytes()).min() else { return };
        let strikes: Vec<AtAsk> = match self.asks(Key::At) {
            true => self
                .fault
                .possible(Key::At)
                .filter_map(|expr| if let Expr::At(at) = expr { Some(at.clone()) } else { None })
                .collect(),
            false => vec![AtAsk::Body],
        };
        for kind in self.kinds().collect::<Vec<_>>() {
            for at in &strikes {
                let first = match at {
                    AtAsk::Body if kind.needs_body() => 0,
                    AtAsk::Bytes(dist) => dist.smallest(),
                    AtAsk::Share(share) if kind == FaultKind::Abort => match (*share, smallest) {
                        (Ppm::ONE, _) | (_, 0) => smallest,
                        _ => 0,
                    },
                    _ => continue,
                };
                // Cutting a body off at its end changes nothing; the other kinds can still strike there.
                let misses = if kind == FaultKind::Abort { first >= smallest } else { first > smallest };
                if misses {
                    let key = if self.asks(Key::At) { Key::At } else { Key::Fault };
                    let reason = format!("{} at {at} never strikes a body of {}", kind.as_str(), print_size(smallest));
                    self.conflict(key, reason, format!("a place inside the {} of size", print_size(smallest)));
                }
            }
        }
    }

    /// A wrong Content-Length needs one to begin with, and must stay a number.
    fn announced_length(&mut self) {
        if self.dialect == Dialect::Dns {
            return;
        }
        let difference = |kind| if let FaultKind::Clen(difference) = kind { Some(difference) } else { None };
        let Some(lowest) = self.kinds().filter_map(difference).min() else { return };
        let gzip = self.fault.possible(Key::Gzip).any(|expr| *expr == Expr::Flag(true));
        for (key, is_asked) in
            [(Key::Chunk, self.asks(Key::Chunk)), (Key::Trailer, self.asks(Key::Trailer)), (Key::Gzip, gzip)]
        {
            if is_asked {
                let reason = format!("clen needs a Content-Length, and {} uses chunked coding", key.as_str());
                self.conflict(Key::Fault, reason, format!("clen without {}", key.as_str()));
            }
        }
        let smallest = self.amounts(Key::Size).map(Dist::smallest).min();
        if lowest < 0 && smallest.is_none_or(|size| size < lowest.unsigned_abs()) {
            let reason = format!("clen({lowest}) could announce less than nothing");
            self.conflict(Key::Fault, reason, format!("size of at least {}", print_size(lowest.unsigned_abs())));
        }
    }

    pub(super) fn kinds(&self) -> impl Iterator<Item = FaultKind> {
        let kind = |expr: &Expr| if let Expr::Fault(kind) = expr { Some(*kind) } else { None };
        self.fault.possible(Key::Fault).filter_map(kind)
    }
}

fn can_strike(kind: FaultKind, at: &AtAsk) -> bool {
    match kind {
        // Instead of an answer, so before it.
        FaultKind::Empty | FaultKind::Garbage | FaultKind::BadHead => *at == AtAsk::Head,
        // The announcement is in the head, the lie comes out in the body.
        FaultKind::Clen(_) => *at == AtAsk::Body,
        FaultKind::Abort => *at != AtAsk::Head,
        FaultKind::BadChunk => !matches!(at, AtAsk::Head | AtAsk::After(_)),
        _ => true,
    }
}

fn places(kind: FaultKind) -> &'static str {
    match kind {
        FaultKind::Empty | FaultKind::Garbage | FaultKind::BadHead => "at=head",
        FaultKind::Clen(_) => "at=body",
        FaultKind::Abort => "body, bytes, a share or after(..) (fault=empty is an abort at head)",
        _ => "body, bytes or a share",
    }
}
