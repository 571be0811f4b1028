//! From a [`Fault`] to a [`Verdict`].
//!
//! Each parameter draws under its own name: number 0 picks the choice, number 1 the value within it. Parameters are
//! therefore independent of each other, and none can shift another's luck.

use std::time::Duration;

use super::dist::Dist;
use super::verdict::ChunkDelay;
use super::{Body, Expr, Fault, Field, Key, Value, Verdict};
use crate::draw::Draw;

impl Fault {
    /// One roll for the request named `key`, with `load` requests in flight (only `load(base,per)` looks at it). The
    /// spec's own `seed` and `id` take precedence over the arguments. `key` should be a valid `id` (1 to 64 of
    /// `A-Z a-z 0-9 . _ -`), or the verdict cannot print it.
    pub fn roll(&self, default_seed: u64, key: &str, load: u64) -> Verdict {
        let (seed, key) = (self.seed().unwrap_or(default_seed), self.id().unwrap_or(key));
        let plain = Verdict {
            seed,
            key: key.to_owned(),
            payload_bytes: self.single(Key::Bytes).and_then(Expr::amount).map(|dist| dist.sample(0.0, 0)),
            ack: self.single(Key::Ack) != Some(&Expr::Switch(false)),
            ..Verdict::default()
        };
        if self.is_empty() {
            return plain;
        }
        let roll = Roll { fault: self, draw: Draw::new(seed, key), load };
        if roll.draw.u(Key::P.as_str(), 0) < self.gate().fraction() {
            roll.verdict(plain)
        } else {
            Verdict { applied: false, ..plain }
        }
    }

    /// The seed the spec names.
    pub fn seed(&self) -> Option<u64> {
        match self.get(Key::Seed) {
            Some(Value::Seed(seed)) => Some(*seed),
            _ => None,
        }
    }

    /// The request key the spec names.
    pub fn id(&self) -> Option<&str> {
        match self.get(Key::Id) {
            Some(Value::Id(id)) => Some(id),
            _ => None,
        }
    }
}

struct Roll<'a> {
    fault: &'a Fault,
    draw: Draw,
    load: u64,
}

impl<'a> Roll<'a> {
    fn verdict(&self, plain: Verdict) -> Verdict {
        let size_bytes = self.amount(Key::Size);
        let fault =
            self.pick(Key::Fault).and_then(|expr| if let Expr::Fault(kind) = expr { Some(*kind) } else { None });
        let at = self.pick(Key::At).and_then(|expr| match expr {
            Expr::At(at) => Some(at.resolve(self.draw, Key::At.as_str(), self.load)),
            _ => None,
        });
        Verdict {
            status: self.pick(Key::Status).and_then(|expr| match expr {
                Expr::Status(status) => Some(*status),
                _ => None,
            }),
            delay: self.duration(Key::Delay),
            body_delay: self.duration(Key::BodyDelay),
            end_delay: self.duration(Key::EndDelay),
            chunk_delay: self.chunk_delay(),
            size_bytes,
            count: self.amount(Key::Count),
            chunk_bytes: self.amount(Key::Chunk),
            rate_bytes_per_s: self.amount(Key::Rate),
            body: match (size_bytes, self.pick(Key::Body)) {
                (None, _) => Body::Echo,
                (Some(_), Some(Expr::Body(body))) => *body,
                (Some(_), _) => Body::Random,
            },
            gzip: self.flag(Key::Gzip),
            read: match self.pick(Key::Read) {
                Some(Expr::Read(read)) => read.resolve(self.draw.u(Key::Read.as_str(), 1), self.load),
                _ => plain.read,
            },
            fault,
            at: fault.map_or(plain.at, |kind| at.unwrap_or(kind.default_at())),
            close: self.flag(Key::Close),
            headers: self.fields(Key::Header),
            trailers: self.fields(Key::Trailer),
            retry_after: self.amount(Key::RetryAfter).map(Duration::from_secs),
            msg: match self.fault.get(Key::Msg) {
                Some(Value::Text(msg)) => Some(msg.clone()),
                _ => None,
            },
            details: self.pick(Key::Details).and_then(|expr| match expr {
                Expr::Details(details) => Some(*details),
                _ => None,
            }),
            trailers_at: self.pick(Key::Trailers).and_then(|expr| match expr {
                Expr::Trailers(at) => Some(*at),
                _ => None,
            }),
            cpu: self.duration(Key::Cpu),
            mem_bytes: self.amount(Key::Mem).unwrap_or(0),
            loss: self.flag(Key::Loss),
            dup: self.flag(Key::Dup),
            corrupt: self.flag(Key::Corrupt),
            reorder: self.flag(Key::Reorder),
            allow_conn: self.fault.single(Key::AllowConn) == Some(&Expr::Switch(true)),
            mode: match self.fault.single(Key::Mode) {
                Some(Expr::Mode(mode)) => *mode,
                _ => plain.mode,
            },
            rcode: self.pick(Key::Rcode).and_then(|expr| match expr {
                Expr::Rcode(rcode) => Some(*rcode),
                _ => None,
            }),
            nodata: self.flag(Key::Nodata),
            ttl_s: self.amount(Key::Ttl),
            neg_s: self.amount(Key::Neg),
            cname: self.pick(Key::Cname).and_then(|expr| match expr {
                Expr::Cname(cname) => Some(*cname),
                _ => None,
            }),
            addr: match self.fault.single(Key::Addr) {
                Some(Expr::Addr(addr)) => Some(*addr),
                _ => None,
            },
            ede: self.pick(Key::Ede).and_then(|expr| match expr {
                Expr::Ede(code) => Some(*code),
                _ => None,
            }),
            answer: match self.fault.single(Key::Answer) {
                Some(Expr::Answer(answer)) => Some(*answer),
                _ => None,
            },
            over: self.fault.over(),
            ..plain
        }
    }

    /// The choice that fell for `key`; `None` for its default.
    fn pick(&self, key: Key) -> Option<&'a Expr> {
        self.fault.choices(key)?.pick(self.draw.u(key.as_str(), 0))
    }

    fn amount(&self, key: Key) -> Option<u64> {
        match self.pick(key)? {
            Expr::Amount(dist) => Some(dist.sample(self.draw.u(key.as_str(), 1), self.load)),
            _ => None,
        }
    }

    fn duration(&self, key: Key) -> Duration {
        Duration::from_nanos(self.amount(key).unwrap_or(0))
    }

    fn flag(&self, key: Key) -> bool {
        matches!(self.pick(key), Some(Expr::Flag(true)))
    }

    fn fields(&self, key: Key) -> Vec<(String, String)> {
        match self.fault.get(key) {
            Some(Value::Fields(fields)) => {
                fields.iter().map(|Field { name, value }| (name.clone(), value.clone())).collect()
            }
            _ => Vec::new(),
        }
    }

    /// Chunks draw one by one; the load is that of the moment the request came.
    fn chunk_delay(&self) -> ChunkDelay {
        let chances = self.fault.choices(Key::ChunkDelay);
        let never = || Dist::exactly(super::dist::Unit::Duration, 0);
        let settle = |expr: &Expr| expr.amount().map_or_else(never, |dist| dist.under_load(self.load));
        chances.map_or_else(ChunkDelay::default, |chances| ChunkDelay::new(chances.map(settle), self.draw))
    }
}
