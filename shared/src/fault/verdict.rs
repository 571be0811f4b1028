//! One roll of a [`Fault`]: scalars only, what the target does and the answer says it did.

use std::fmt;
use std::net::IpAddr;
use std::time::Duration;

use super::dist::{Dist, Unit};
use super::{
    At, AtAsk, Body, Details, Expr, Fault, FaultKind, Field, Key, Read, ReadAsk, Separator, Status, TrailersAt,
};
use super::{Cname, DnsAnswer, Mode, Rcode, Transport, Value, value};
use crate::draw::Draw;
use crate::units::Ppm;
use crate::weighted::Weighted;

/// What becomes of one request. The default is a plain answer.
#[derive(Clone, Debug, PartialEq)]
pub struct Verdict {
    /// `None`: whatever the route answers.
    pub status: Option<Status>,
    /// Before the first byte of the answer.
    pub delay: Duration,
    /// Between the head and the first byte of the body.
    pub body_delay: Duration,
    /// Between the last byte of the body and the end of the message.
    pub end_delay: Duration,
    /// Between chunks.
    pub chunk_delay: ChunkDelay,
    /// `None`: as much as the request brought.
    pub size_bytes: Option<u64>,
    /// Stream messages, or DNS records.
    pub count: Option<u64>,
    /// Size of one write; at least 1.
    pub chunk_bytes: Option<u64>,
    /// Pace of the body; at least 1.
    pub rate_bytes_per_s: Option<u64>,
    /// `Echo` exactly if there is no size, in every spec that passed the check.
    pub body: Body,
    /// Compress, if the client accepts it.
    pub gzip: bool,
    /// How the request's body is read.
    pub read: Read,
    /// How the answer is broken.
    pub fault: Option<FaultKind>,
    /// Where the fault strikes; `Head` without one.
    pub at: At,
    /// End the connection after this answer.
    pub close: bool,
    /// Extra header fields, valid and harmless to framing.
    pub headers: Vec<(String, String)>,
    /// Extra trailer fields, likewise.
    pub trailers: Vec<(String, String)>,
    /// Whole seconds.
    pub retry_after: Option<Duration>,
    /// gRPC: the status message.
    pub msg: Option<String>,
    /// gRPC: error details.
    pub details: Option<Details>,
    /// gRPC: where the status travels.
    pub trailers_at: Option<TrailersAt>,
    /// CPU time to burn.
    pub cpu: Duration,
    /// Memory to hold until the answer ends.
    pub mem_bytes: u64,
    /// UDP: no answer datagram.
    pub loss: bool,
    /// UDP: two answer datagrams.
    pub dup: bool,
    /// TCP, UDP: bits flipped.
    pub corrupt: bool,
    /// UDP: answered after the next.
    pub reorder: bool,
    /// HTTP/2, gRPC: the fault may hit the other streams of its connection.
    pub allow_conn: bool,
    /// TCP: what is done with the bytes that come.
    pub mode: Mode,
    /// TCP: the payload of this one exchange; `None`: all the rest of the connection. Not up to the joint gate: the
    /// bytes come whatever the draw says.
    pub payload_bytes: Option<u64>,
    /// TCP, UDP: an answer line comes first. Not up to the joint gate either.
    pub ack: bool,
    /// DNS: `None`: what the name would have had.
    pub rcode: Option<Rcode>,
    /// DNS: NOERROR without an answer.
    pub nodata: bool,
    /// DNS: the records' time to live, in seconds.
    pub ttl_s: Option<u64>,
    /// DNS: the minimum of the SOA record, in seconds.
    pub neg_s: Option<u64>,
    /// DNS: what stands before the answer.
    pub cname: Option<Cname>,
    /// DNS: the address to answer.
    pub addr: Option<IpAddr>,
    /// DNS: the extended error code (RFC 8914).
    pub ede: Option<u16>,
    /// DNS: an answer about the query itself.
    pub answer: Option<DnsAnswer>,
    /// DNS: the only transport this is meant for; see [`Fault::over_transport`].
    pub over: Option<Transport>,
    /// False if the joint gate `p` said no; then everything above is the default, but for what frames the exchange.
    pub applied: bool,
    /// The seed the draws were made with.
    pub seed: u64,
    /// The request key the draws were made with.
    pub key: String,
}

impl Default for Verdict {
    fn default() -> Self {
        Self {
            status: None,
            delay: Duration::ZERO,
            body_delay: Duration::ZERO,
            end_delay: Duration::ZERO,
            chunk_delay: ChunkDelay::default(),
            size_bytes: None,
            count: None,
            chunk_bytes: None,
            rate_bytes_per_s: None,
            body: Body::Echo,
            gzip: false,
            read: Read::All,
            fault: None,
            at: At::Head,
            close: false,
            headers: Vec::new(),
            trailers: Vec::new(),
            retry_after: None,
            msg: None,
            details: None,
            trailers_at: None,
            cpu: Duration::ZERO,
            mem_bytes: 0,
            loss: false,
            dup: false,
            corrupt: false,
            reorder: false,
            allow_conn: false,
            mode: Mode::Echo,
            payload_bytes: None,
            ack: true,
            rcode: None,
            nodata: false,
            ttl_s: None,
            neg_s: None,
            cname: None,
            addr: None,
            ede: None,
            answer: None,
            over: None,
            // Nothing was held back.
            applied: true,
            seed: 0,
            key: String::new(),
        }
    }
}

impl Verdict {
    /// The time this answer was asked to take longer, chunk delays and `rate` not included.
    pub fn asked_delay(&self) -> Duration {
        self.delay.saturating_add(self.body_delay).saturating_add(self.end_delay)
    }

    /// True if this one answer is worse than a plain one; [`Fault::injects`] says whether one can be.
    pub fn injects(&self) -> bool {
        self.to_fault().injects()
    }

    /// The spec without chance that rolls to this verdict, whatever seed and key it is rolled with.
    pub fn to_fault(&self) -> Fault {
        let mut values = vec![(Key::Seed, Value::Seed(self.seed))];
        if value::is_id(&self.key) {
            values.push((Key::Id, Value::Id(self.key.clone())));
        }
        let mut single = |key: Key, expr: Option<Expr>| values.extend(expr.map(|expr| (key, Value::Single(expr))));
        single(Key::Bytes, self.payload_bytes.map(|bytes| Expr::Amount(Dist::exactly(Unit::Bytes, bytes))));
        single(Key::Ack, (!self.ack).then_some(Expr::Switch(false)));
        if self.applied {
            single(Key::AllowConn, self.allow_conn.then_some(Expr::Switch(true)));
            single(Key::Mode, (self.mode != Mode::Echo).then_some(Expr::Mode(self.mode)));
            single(Key::Addr, self.addr.map(Expr::Addr));
            single(Key::Answer, self.answer.map(Expr::Answer));
            single(Key::Over, self.over.map(Expr::Over));
        }
        if !self.applied {
            values.push((Key::P, Value::Percent(Ppm::ZERO)));
            return Fault::assembled(values);
        }
        let mut one = |key: Key, expr: Option<Expr>| {
            values.extend(expr.map(|expr| (key, Value::Choices(Weighted::one(expr)))));
        };
        let amount = |unit: Unit, value: u64| Some(Expr::Amount(Dist::exactly(unit, value)));
        let time = |unit: Unit, time: Duration| {
            let ns = u64::try_from(time.as_nanos()).unwrap_or(u64::MAX);
            amount(unit, ns).filter(|_| ns > 0)
        };
        let duration = |delay: Duration| time(Unit::Duration, delay);
        let flag = |on: bool| on.then_some(Expr::Flag(true));
        one(Key::Status, self.status.map(Expr::Status));
        one(Key::Delay, duration(self.delay));
        one(Key::BodyDelay, duration(self.body_delay));
        one(Key::EndDelay, duration(self.end_delay));
        one(Key::Size, self.size_bytes.and_then(|bytes| amount(Unit::Bytes, bytes)));
        one(Key::Count, self.count.and_then(|count| amount(Unit::Count, count)));
        one(Key::Chunk, self.chunk_bytes.and_then(|bytes| amount(Unit::SomeBytes, bytes)));
        one(Key::Rate, self.rate_bytes_per_s.and_then(|rate| amount(Unit::Rate, rate)));
        let usual = if self.size_bytes.is_some() { Body::Random } else { Body::Echo };
        one(Key::Body, (self.body != usual).then_some(Expr::Body(self.body)));
        one(Key::Gzip, flag(self.gzip));
        one(Key::Read, Some(Expr::Read(ReadAsk::settled(self.read))).filter(|_| self.read != Read::All));
        one(Key::Fault, self.fault.map(Expr::Fault));
        let moved = self.fault.is_some_and(|kind| kind.default_at() != self.at);
        one(Key::At, moved.then(|| Expr::At(AtAsk::settled(self.at))));
        one(Key::Close, flag(self.close));
        one(Key::RetryAfter, self.retry_after.and_then(|delay| amount(Unit::Seconds, delay.as_secs())));
        one(Key::Details, self.details.map(Expr::Details));
        one(Key::Trailers, self.trailers_at.map(Expr::Trailers));
        one(Key::Cpu, time(Unit::CpuTime, self.cpu));
        one(Key::Mem, amount(Unit::Memory, self.mem_bytes).filter(|_| self.mem_bytes > 0));
        one(Key::Loss, flag(self.loss));
        one(Key::Dup, flag(self.dup));
        one(Key::Corrupt, flag(self.corrupt));
        one(Key::Reorder, flag(self.reorder));
        one(Key::Rcode, self.rcode.map(Expr::Rcode));
        one(Key::Nodata, flag(self.nodata));
        one(Key::Ttl, self.ttl_s.and_then(|seconds| amount(Unit::Seconds, seconds)));
        one(Key::Neg, self.neg_s.and_then(|seconds| amount(Unit::Seconds, seconds)));
        one(Key::Cname, self.cname.map(Expr::Cname));
        one(Key::Ede, self.ede.map(Expr::Ede));
        if let Some(chances) = &self.chunk_delay.chances {
            values.push((Key::ChunkDelay, Value::Choices(chances.map(|dist| Expr::Amount(dist.clone())))));
        }
        for (key, fields) in [(Key::Header, &self.headers), (Key::Trailer, &self.trailers)] {
            if !fields.is_empty() {
                let field = |(name, value): &(String, String)| Field { name: name.clone(), value: value.clone() };
                values.push((key, Value::Fields(fields.iter().map(field).collect())));
            }
        }
        if let Some(msg) = &self.msg {
            values.push((Key::Msg, Value::Text(msg.clone())));
        }
        Fault::assembled(values)
    }
}

/// The mark on the answer: `status=503; delay=203.114ms; seed=0; id=ab12.7`.
impl fmt::Display for Verdict {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.to_fault().to_text(Separator::Semicolon))
    }
}

/// The pauses between chunks: drawn anew for every one, by its index, so that it does not matter who asks when.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct ChunkDelay {
    chances: Option<Weighted<Dist>>,
    draw: Option<Draw>,
}

impl ChunkDelay {
    pub(crate) fn new(chances: Weighted<Dist>, draw: Draw) -> Self {
        Self { chances: Some(chances), draw: Some(draw) }
    }

    /// The pause between chunk `i` and the next, chunks counted from 0.
    pub fn nth(&self, i: u64) -> Duration {
        let (Some(chances), Some(draw)) = (&self.chances, self.draw) else {
            return Duration::ZERO;
        };
        let u = |n: u64| draw.u(Key::ChunkDelay.as_str(), i.wrapping_mul(2).wrapping_add(n));
        chances.pick(u(0)).map_or(Duration::ZERO, |dist| Duration::from_nanos(dist.sample(u(1), 0)))
    }

    /// True if no chunk is ever delayed.
    pub fn is_zero(&self) -> bool {
        self.chances.as_ref().is_none_or(|chances| chances.possible().all(|dist| dist.largest() == 0))
    }
}
