//! The keys of the language as one table: spelling, the form of the value, the protocols that can do it.
//!
//! Parsing, printing, merging and checking all walk this table. A new key is a row here and a line in `roll`.

use super::dialect::Dialect::{self, Dns, Grpc, Http1, Http2, Tcp, Udp};
use super::dist::Unit;
use super::near::nearest_word;

/// A parameter of a spec. Declaration order is the canonical printing order.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[expect(missing_docs, reason = "the rows of TABLE below say what each one is; the manual says what it does")]
pub enum Key {
    Status,
    Delay,
    BodyDelay,
    ChunkDelay,
    EndDelay,
    Size,
    Count,
    Chunk,
    Rate,
    Body,
    Gzip,
    Read,
    Fault,
    At,
    Close,
    Header,
    Trailer,
    RetryAfter,
    Msg,
    Details,
    Trailers,
    Cpu,
    Mem,
    Loss,
    Dup,
    Corrupt,
    Reorder,
    AllowConn,
    Mode,
    Bytes,
    Ack,
    Rcode,
    Nodata,
    Ttl,
    Neg,
    Cname,
    Addr,
    Ede,
    Answer,
    Over,
    P,
    Seed,
    Id,
}

/// What a key's value looks like.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Form {
    Amount(Unit),
    Status,
    Flag,
    Body,
    Read,
    Fault,
    At,
    Details,
    Trailers,
    Rcode,
    Cname,
    Ede,
    /// On or off, for the whole spec.
    Switch,
    Mode,
    /// One length, known before anything is drawn: it frames the request.
    Length,
    Addr,
    Answer,
    Over,
    /// One percentage without choices.
    Percent,
    /// A `u64`.
    Seed,
    /// A token that can travel as a label.
    Id,
    /// `Name:value`; the only form that may be repeated.
    Field,
    /// Free text.
    Text,
}

impl Form {
    /// Raw text, in which separators are not grammar and percent escapes are decoded on every carrier.
    pub(crate) const fn is_text(self) -> bool {
        matches!(self, Form::Field | Form::Text)
    }

    /// True for what may be a list of weighted choices.
    pub(crate) const fn takes_choices(self) -> bool {
        !self.is_single() && !matches!(self, Form::Percent | Form::Seed | Form::Id | Form::Field | Form::Text)
    }

    /// One value without choices: what frames the exchange or names the transport cannot be left to chance.
    pub(crate) const fn is_single(self) -> bool {
        matches!(self, Form::Switch | Form::Mode | Form::Length | Form::Addr | Form::Answer | Form::Over)
    }

    pub(crate) const fn expected(self) -> &'static str {
        match self {
            Form::Amount(unit) => unit.expected(),
            Form::Status => "a status from 200 to 999, or a gRPC status (0 to 16, or a name such as UNAVAILABLE)",
            Form::Flag => "true, false, or a percentage such as 10 or true:10",
            Form::Body => "random, zero, text, seq, json or echo",
            Form::Read => "all, none, rate(64KiB) or first(1KiB)",
            Form::Fault => {
                "hang, empty, reset, abort, h2rst(CODE), goaway(CODE), badchunk, garbage, clen(+n), clen(-n), badhead, \
                 nostatus, oversize, drop, tc, tcf, badid, badq, badcase, qr0, noaa, lame, cut, cut(n), dup or late"
            }
            Form::At => "head, body, a size such as 64KiB, a share such as 50%, or after(5s)",
            Form::Details => "errorinfo, retryinfo(2s), quota or badrequest",
            Form::Trailers => "only or after",
            Form::Rcode => "a response code from 0 to 4095, or a name such as NXDOMAIN",
            Form::Cname => "the length of the chain from 1 to 16, or loop",
            Form::Ede => "an extended DNS error code from 0 to 65535",
            Form::Switch => "1, 0, true or false, without choices",
            Form::Mode => "echo, discard, source, chargen or upper",
            Form::Length => "one size such as 512 or 64KiB, without choices",
            Form::Addr => "one IPv4 or IPv6 address",
            Form::Answer => "who or cnt",
            Form::Over => "udp or tcp",
            Form::Percent => "a percentage from 0 to 100 with at most 4 decimals",
            Form::Seed => "a whole number from 0 to 18446744073709551615",
            Form::Id => "1 to 64 of the characters A-Z a-z 0-9 . _ -",
            Form::Field => "Name:value",
            Form::Text => "text without control characters",
        }
    }
}

struct Row(Key, &'static str, Form, &'static [Dialect]);

const ALL: &[Dialect] = &Dialect::ALL;
const CALLS: &[Dialect] = &[Http1, Http2, Grpc];
const STREAMS: &[Dialect] = &[Http1, Http2, Grpc, Tcp];

const TABLE: [Row; 43] = [
    Row(Key::Status, "status", Form::Status, CALLS),
    Row(Key::Delay, "delay", Form::Amount(Unit::Duration), ALL),
    Row(Key::BodyDelay, "body_delay", Form::Amount(Unit::Duration), CALLS),
    Row(Key::ChunkDelay, "chunk_delay", Form::Amount(Unit::Duration), STREAMS),
    Row(Key::EndDelay, "end_delay", Form::Amount(Unit::Duration), STREAMS),
    Row(Key::Size, "size", Form::Amount(Unit::Bytes), ALL),
    Row(Key::Count, "count", Form::Amount(Unit::Count), &[Grpc, Dns]),
    Row(Key::Chunk, "chunk", Form::Amount(Unit::SomeBytes), &[Http1, Http2, Tcp]),
    Row(Key::Rate, "rate", Form::Amount(Unit::Rate), STREAMS),
    Row(Key::Body, "body", Form::Body, CALLS),
    Row(Key::Gzip, "gzip", Form::Flag, CALLS),
    Row(Key::Read, "read", Form::Read, STREAMS),
    Row(Key::Fault, "fault", Form::Fault, ALL),
    Row(Key::At, "at", Form::At, STREAMS),
    Row(Key::Close, "close", Form::Flag, &[Http1, Tcp]),
    Row(Key::Header, "header", Form::Field, CALLS),
    Row(Key::Trailer, "trailer", Form::Field, CALLS),
    Row(Key::RetryAfter, "retry_after", Form::Amount(Unit::Seconds), CALLS),
    Row(Key::Msg, "msg", Form::Text, &[Grpc]),
    Row(Key::Details, "details", Form::Details, &[Grpc]),
    Row(Key::Trailers, "trailers", Form::Trailers, &[Grpc]),
    Row(Key::Cpu, "cpu", Form::Amount(Unit::CpuTime), CALLS),
    Row(Key::Mem, "mem", Form::Amount(Unit::Memory), CALLS),
    Row(Key::Loss, "loss", Form::Flag, &[Udp]),
    Row(Key::Dup, "dup", Form::Flag, &[Udp]),
    Row(Key::Corrupt, "corrupt", Form::Flag, &[Tcp, Udp]),
    Row(Key::Reorder, "reorder", Form::Flag, &[Udp]),
    Row(Key::AllowConn, "allow_conn", Form::Switch, &[Http2, Grpc]),
    Row(Key::Mode, "mode", Form::Mode, &[Tcp]),
    Row(Key::Bytes, "bytes", Form::Length, &[Tcp]),
    Row(Key::Ack, "ack", Form::Switch, &[Tcp, Udp]),
    Row(Key::Rcode, "rcode", Form::Rcode, &[Dns]),
    Row(Key::Nodata, "nodata", Form::Flag, &[Dns]),
    Row(Key::Ttl, "ttl", Form::Amount(Unit::Seconds), &[Dns]),
    Row(Key::Neg, "neg", Form::Amount(Unit::Seconds), &[Dns]),
    Row(Key::Cname, "cname", Form::Cname, &[Dns]),
    Row(Key::Addr, "addr", Form::Addr, &[Dns]),
    Row(Key::Ede, "ede", Form::Ede, &[Dns]),
    Row(Key::Answer, "answer", Form::Answer, &[Dns]),
    Row(Key::Over, "over", Form::Over, &[Dns]),
    Row(Key::P, "p", Form::Percent, ALL),
    Row(Key::Seed, "seed", Form::Seed, ALL),
    Row(Key::Id, "id", Form::Id, ALL),
];

impl Key {
    /// Every key in canonical order.
    pub fn all() -> impl Iterator<Item = Key> {
        TABLE.iter().map(|row| row.0)
    }

    /// The spelling; also the purpose under which this parameter's chances are drawn.
    pub const fn as_str(self) -> &'static str {
        TABLE[self as usize].1
    }

    /// The key spelled exactly so.
    pub fn parse(text: &str) -> Option<Key> {
        TABLE.iter().find(|row| row.1 == text).map(|row| row.0)
    }

    /// The protocols on which this parameter means something.
    pub const fn dialects(self) -> &'static [Dialect] {
        TABLE[self as usize].3
    }

    pub(crate) const fn form(self) -> Form {
        TABLE[self as usize].2
    }

    /// The key a misspelling most likely meant.
    pub(crate) fn nearest(text: &str) -> Option<Key> {
        nearest_word(text, Key::all().map(Key::as_str)).and_then(Key::parse)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn table_is_in_declaration_order() {
        for (i, row) in TABLE.iter().enumerate() {
            assert_eq!(row.0 as usize, i, "{}", row.1);
            assert_eq!(Key::parse(row.1), Some(row.0));
        }
    }

    #[test]
    fn suggests_the_nearest_key_or_none() {
        for (text, key) in [
            ("dely", Some(Key::Delay)),
            ("Status", Some(Key::Status)),
            ("body-delay", Some(Key::BodyDelay)),
            ("headers", Some(Key::Header)),
            ("retryafter", Some(Key::RetryAfter)),
            ("", None),
            ("utm_source", None),
            ("x", None),
            ("pp", Some(Key::P)),
        ] {
            assert_eq!(Key::nearest(text), key, "{text}");
        }
    }
}
