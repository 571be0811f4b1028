//! How much is asked, against how much this target gives.

use std::time::Duration;

use super::super::at::AtAsk;
use super::super::dist::Dist;
use super::super::expr::{Expr, ReadAsk};
use super::super::value::Value;
use super::super::{Ask, Dialect, Key, Limits};
use super::Check;
use crate::units::{print_duration, print_size};

/// The share of draws a bound nobody wrote may cut off. More, and the user would not get what was asked for. The hair on
/// top is for arithmetic: a p99 that lies exactly on the bound is within it.
const CUT_MAX: f64 = 0.01 + 1e-9;

/// The size of one write when `chunk` is not asked for.
const CHUNK_DEFAULT_BYTES: u64 = 64 << 10;

impl Check<'_> {
    pub(super) fn limits(&mut self) {
        self.length();
        for ask in &self.fault.asks {
            match &ask.value {
                Value::Choices(weighted) => {
                    let (n, n_max) = (weighted.choices().len(), self.limits.choices_max);
                    if n > n_max {
                        self.over(ask, format!("{n} choices"), n_max.to_string());
                    }
                    weighted.choices().iter().for_each(|choice| self.amount(ask, &choice.value));
                }
                Value::Fields(fields) => {
                    let (n, n_max) = (fields.len(), self.limits.headers_max);
                    let bytes: usize = fields.iter().map(|field| field.name.len() + field.value.len()).sum();
                    if n > n_max {
                        self.over(ask, format!("{n} fields"), n_max.to_string());
                    }
                    if bytes > self.limits.header_max_bytes {
                        self.over(ask, format!("{bytes} bytes of fields"), self.limits.header_max_bytes.to_string());
                    }
                }
                Value::Single(expr) => self.amount(ask, expr),
                Value::Percent(_) | Value::Seed(_) | Value::Id(_) | Value::Text(_) => {}
            }
        }
        self.stream();
        self.total_time();
    }

    fn length(&mut self) {
        let (bytes, bytes_max) = (self.fault.spec_bytes, self.limits.spec_max_bytes);
        if let (true, Some(first)) = (bytes > bytes_max, self.fault.asks.first()) {
            let expected = format!("at most {bytes_max} bytes");
            let code = super::SpecErrorCode::SpecTooLong;
            self.report(first, code, format!("the spec has {bytes} bytes"), expected, Some(bytes_max.to_string()));
        }
    }

    fn amount(&mut self, ask: &Ask, expr: &Expr) {
        let (Some(dist), Some(limit)) = (expr.amount(), cap(ask.key, expr, self.dialect, self.limits)) else {
            return;
        };
        let unit = dist.unit;
        if dist.largest() > limit && dist.is_bounded() {
            return self.over(ask, format!("{dist} is over the limit"), unit.print(limit));
        }
        if dist.largest() > limit {
            let reason = format!("{dist} reaches {} unless max= says otherwise", unit.print(dist.largest()));
            return self.over(ask, reason, unit.print(limit));
        }
        let cut = dist.tail_above(dist.largest());
        if !dist.is_bounded() && cut > CUT_MAX {
            let reason = format!("{:.1} % of {dist} would be over the limit", cut * 100.0);
            self.over(ask, reason, unit.print(dist.largest()));
        }
    }

    fn stream(&mut self) {
        if self.dialect == Dialect::Dns {
            // There, the size is that of the whole message.
            return;
        }
        let (size, count) = (self.largest(Key::Size), self.largest(Key::Count));
        let total = size.unwrap_or(0).saturating_mul(count.unwrap_or(1));
        if let (true, Some(ask)) = (total > self.limits.stream_max_bytes, self.fault.ask(Key::Size)) {
            let reason = format!("{} in all messages together", print_size(total));
            self.over(ask, reason, print_size(self.limits.stream_max_bytes));
        }
    }

    /// Delays add up, and the pace of a body is a delay too. Reckons with the 99th percentile: by their very last tail,
    /// the chunk delays of a large body would exceed any bound on paper and never in life.
    fn total_time(&mut self) {
        let ns = |key: Key| self.amounts(key).map(Dist::p99).max().unwrap_or(0);
        let framed = self.fault.single(Key::Bytes).and_then(Expr::amount);
        let size_bytes = self.amounts(Key::Size).chain(framed).map(Dist::p99).max().unwrap_or(0);
        let chunk_bytes = self.amounts(Key::Chunk).map(Dist::smallest).min().unwrap_or(CHUNK_DEFAULT_BYTES);
        let gaps = size_bytes.div_ceil(chunk_bytes.max(1)).saturating_sub(1);
        let slowest = self.amounts(Key::Rate).map(Dist::smallest).min();
        let trickle_ns = slowest.map_or(0, |rate| size_bytes.saturating_mul(1_000_000_000) / rate.max(1));
        let parts = [
            (Key::Delay, ns(Key::Delay)),
            (Key::BodyDelay, ns(Key::BodyDelay)),
            (Key::EndDelay, ns(Key::EndDelay)),
            (Key::ChunkDelay, ns(Key::ChunkDelay).saturating_mul(gaps)),
            (Key::Rate, trickle_ns),
        ];
        let total = Duration::from_nanos(parts.iter().fold(0, |sum, part| part.1.saturating_add(sum)));
        let most = parts.into_iter().max_by_key(|part| part.1).and_then(|part| self.fault.ask(part.0));
        if let (true, Some(ask)) = (total > self.limits.total_delay_max, most) {
            let seconds = Duration::from_secs(total.as_secs());
            let reason = format!("the answer would take {}", print_duration(seconds));
            self.over(ask, reason, print_duration(self.limits.total_delay_max));
        }
    }

    fn largest(&self, key: Key) -> Option<u64> {
        self.amounts(key).map(Dist::largest).max()
    }

    pub(super) fn amounts(&self, key: Key) -> impl Iterator<Item = &Dist> {
        self.fault.possible(key).filter_map(Expr::amount)
    }
}

/// The most of `expr` that a target with these limits gives, in the raw measure of its unit.
fn cap(key: Key, expr: &Expr, dialect: Dialect, limits: &Limits) -> Option<u64> {
    let ns = |duration: Duration| Some(u64::try_from(duration.as_nanos()).unwrap_or(u64::MAX));
    match (key, expr) {
        (Key::Delay | Key::BodyDelay | Key::ChunkDelay | Key::EndDelay, _) => ns(limits.delay_max),
        (_, Expr::At(AtAsk::After(_))) => ns(limits.hang_max),
        (Key::Size, _) if dialect == Dialect::Dns => Some(limits.dns_size_max_bytes),
        (Key::Size, _) if dialect == Dialect::Udp => Some(limits.udp_size_max_bytes),
        (Key::Size | Key::Bytes | Key::At, _) | (_, Expr::Read(ReadAsk::First(_))) => Some(limits.size_max_bytes),
        (Key::Count, _) if dialect == Dialect::Dns => Some(limits.dns_count_max),
        (Key::Count, _) => Some(limits.count_max),
        (Key::Chunk, _) => Some(limits.chunk_max_bytes),
        (Key::RetryAfter, _) => Some(limits.retry_after_max.as_secs()),
        (Key::Ttl | Key::Neg, _) => Some(limits.ttl_max.as_secs()),
        (Key::Cpu, _) => ns(limits.cpu_max),
        (Key::Mem, _) => Some(limits.mem_max_bytes),
        // Fast does no harm; only a distribution's own end has to be far enough away.
        (Key::Rate, _) | (_, Expr::Read(ReadAsk::Rate(_))) => Some(u64::MAX),
        _ => None,
    }
}
