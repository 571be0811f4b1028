//! The effects of one verdict, by the name they are counted under.

use shared::fault::{Cname, FaultKind, Rcode, Read, Verdict};

/// The effects beside the kinds of `fault`: an answer that is worse than a plain one in another way.
const SHAPES: [&str; 18] = [
    "status",
    "delay",
    "body_delay",
    "chunk_delay",
    "end_delay",
    "rate",
    "read",
    "close",
    "retry_after",
    "cpu",
    "mem",
    "loss",
    "dup",
    "corrupt",
    "reorder",
    "rcode",
    "nodata",
    "cname",
];

/// Every effect the language can ask for: the label `kind` of `continuous_load_server_faults_total`. UDP's duplicate and
/// DNS's are one word and one effect.
pub(crate) fn all() -> Vec<&'static str> {
    let mut words: Vec<&str> = SHAPES.to_vec();
    words.extend(FaultKind::examples().map(FaultKind::as_str).filter(|kind| !SHAPES.contains(kind)));
    words
}

/// Who asked for it: the label `source` of the same metric. Rules say it of themselves.
pub(crate) const BY_REQUEST: &str = "request";

/// The ways in which this verdict is worse than a plain answer; none if it is not.
pub(crate) fn of(verdict: &Verdict) -> impl Iterator<Item = &'static str> {
    let words = [
        (verdict.status.is_some_and(|status| status.is_error()), "status"),
        (!verdict.delay.is_zero(), "delay"),
        (!verdict.body_delay.is_zero(), "body_delay"),
        (!verdict.chunk_delay.is_zero(), "chunk_delay"),
        (!verdict.end_delay.is_zero(), "end_delay"),
        (verdict.rate_bytes_per_s.is_some(), "rate"),
        (verdict.read != Read::All, "read"),
        (verdict.close, "close"),
        (verdict.retry_after.is_some_and(|delay| !delay.is_zero()), "retry_after"),
        (!verdict.cpu.is_zero(), "cpu"),
        (verdict.mem_bytes > 0, "mem"),
        (verdict.loss, "loss"),
        (verdict.dup, "dup"),
        (verdict.corrupt, "corrupt"),
        (verdict.reorder, "reorder"),
        (verdict.rcode.is_some_and(|rcode| rcode != Rcode::NOERROR), "rcode"),
        (verdict.nodata, "nodata"),
        (verdict.cname == Some(Cname::Loop), "cname"),
    ];
    let kind = verdict.fault.map(FaultKind::as_str);
    words.into_iter().filter(|(applies, _)| *applies).map(|(_, word)| word).chain(kind)
}

#[cfg(test)]
mod tests {
    use super::*;
    use shared::fault::{Dialect, Fault, Limits, Separator};

    /// Whatever a spec may ask for is counted under a name that is exported at 0 from the start, and the effects agree with
    /// the language's own idea of what is worse than plain.
    #[test]
    fn every_effect_has_a_name_and_only_effects_have() {
        let mut specs: Vec<(String, &str, Dialect)> = [
            ("status=503", "status", Dialect::Http1),
            ("delay=1ms", "delay", Dialect::Udp),
            ("body_delay=1ms", "body_delay", Dialect::Http1),
            ("chunk=1&chunk_delay=1ms", "chunk_delay", Dialect::Http1),
            ("end_delay=1ms", "end_delay", Dialect::Tcp),
            ("rate=1KiB", "rate", Dialect::Tcp),
            ("read=none", "read", Dialect::Http1),
            ("close=true", "close", Dialect::Http1),
            ("retry_after=1s", "retry_after", Dialect::Grpc),
            ("cpu=1ms", "cpu", Dialect::Http1),
            ("mem=1KiB", "mem", Dialect::Http1),
            ("loss=true", "loss", Dialect::Udp),
            ("dup=true", "dup", Dialect::Udp),
            ("corrupt=true", "corrupt", Dialect::Udp),
            ("reorder=true", "reorder", Dialect::Udp),
            ("rcode=SERVFAIL", "rcode", Dialect::Dns),
            ("nodata=true", "nodata", Dialect::Dns),
            ("cname=loop", "cname", Dialect::Dns),
        ]
        .map(|(spec, word, dialect)| (spec.to_owned(), word, dialect))
        .to_vec();
        assert_eq!(specs.len(), SHAPES.len());
        specs.extend(FaultKind::examples().map(|kind| {
            let gate = if kind.hits_connection() { "&allow_conn=1" } else { "" };
            let dialect = kind.dialects()[0];
            let gate = if dialect == Dialect::Http2 { gate } else { "" };
            (format!("fault={kind}{gate}"), kind.as_str(), dialect)
        }));
        for (spec, effect, dialect) in specs {
            let fault = Fault::parse(&spec, Separator::Ampersand).unwrap();
            fault.check(dialect, &Limits::default()).unwrap();
            let verdict = fault.roll(0, "k", 0);
            assert_eq!(of(&verdict).collect::<Vec<_>>(), [effect], "{spec}");
            assert!(verdict.injects(), "{spec}");
            assert!(all().contains(&effect), "{spec}");
        }
        for plain in ["", "status=204", "size=1KiB&body=zero&gzip=true&chunk=10", "header=a:b", "p=0&status=503"] {
            let verdict = Fault::parse(plain, Separator::Ampersand).unwrap().roll(0, "k", 0);
            assert_eq!(of(&verdict).count(), 0, "{plain}");
            assert!(!verdict.injects(), "{plain}");
        }
    }
}
