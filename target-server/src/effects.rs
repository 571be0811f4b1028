//! The effects of one verdict, by the name they are counted under.

use shared::fault::{Cname, Rcode, Verdict};

/// Every effect this target can inject: the label `kind` of `continuous_load_server_faults_total`.
pub(crate) const EFFECTS: [&str; 35] = [
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
    "hang",
    "empty",
    "reset",
    "abort",
    "badchunk",
    "garbage",
    "clen",
    "badhead",
    "rcode",
    "nodata",
    "cname",
    "oversize",
    "drop",
    "tc",
    "tcf",
    "badid",
    "badq",
    "badcase",
    "qr0",
    "noaa",
    "lame",
    "cut",
    "dup",
    "late",
];

/// Who asked for it: the label `source` of the same metric. Rules on the admin listener will be the other one.
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
        (verdict.read != shared::fault::Read::All, "read"),
        (verdict.close, "close"),
        (verdict.retry_after.is_some_and(|delay| !delay.is_zero()), "retry_after"),
        (!verdict.cpu.is_zero(), "cpu"),
        (verdict.mem_bytes > 0, "mem"),
        (verdict.rcode.is_some_and(|rcode| rcode != Rcode::NOERROR), "rcode"),
        (verdict.nodata, "nodata"),
        (verdict.cname == Some(Cname::Loop), "cname"),
    ];
    let kind = verdict.fault.map(|kind| kind.as_str());
    words.into_iter().filter(|(applies, _)| *applies).map(|(_, word)| word).chain(kind)
}

#[cfg(test)]
mod tests {
    use super::*;
    use shared::fault::{Dialect, Fault, Limits, Separator};

    /// Whatever HTTP/1.1 lets a spec ask for is counted under a name that is exported at 0 from the start, and the
    /// effects agree with the language's own idea of what is worse than plain.
    #[test]
    fn every_effect_has_a_name_and_only_effects_have() {
        let specs = [
            ("status=503", "status"),
            ("delay=1ms", "delay"),
            ("body_delay=1ms", "body_delay"),
            ("chunk=1&chunk_delay=1ms", "chunk_delay"),
            ("end_delay=1ms", "end_delay"),
            ("rate=1KiB", "rate"),
            ("read=none", "read"),
            ("close=true", "close"),
            ("retry_after=1s", "retry_after"),
            ("cpu=1ms", "cpu"),
            ("mem=1KiB", "mem"),
            ("fault=hang", "hang"),
            ("fault=empty", "empty"),
            ("fault=reset", "reset"),
            ("fault=abort", "abort"),
            ("fault=badchunk", "badchunk"),
            ("fault=garbage", "garbage"),
            ("fault=clen(+1)", "clen"),
            ("fault=badhead", "badhead"),
            ("rcode=SERVFAIL", "rcode"),
            ("nodata=true", "nodata"),
            ("cname=loop", "cname"),
            ("fault=oversize", "oversize"),
            ("fault=drop", "drop"),
            ("fault=tc", "tc"),
            ("fault=tcf", "tcf"),
            ("fault=badid", "badid"),
            ("fault=badq", "badq"),
            ("fault=badcase", "badcase"),
            ("fault=qr0", "qr0"),
            ("fault=noaa", "noaa"),
            ("fault=lame", "lame"),
            ("fault=cut", "cut"),
            ("fault=dup", "dup"),
            ("fault=late", "late"),
        ];
        for (spec, effect) in specs {
            let fault = Fault::parse(spec, Separator::Ampersand).unwrap();
            let can = |dialect| fault.check(dialect, &Limits::default()).is_ok();
            assert!(can(Dialect::Http1) || can(Dialect::Dns), "{spec}");
            let verdict = fault.roll(0, "k", 0);
            assert_eq!(of(&verdict).collect::<Vec<_>>(), [effect], "{spec}");
            assert!(verdict.injects(), "{spec}");
            assert!(EFFECTS.contains(&effect));
        }
        assert_eq!(specs.len(), EFFECTS.len());
        for plain in ["", "status=204", "size=1KiB&body=zero&gzip=true&chunk=10", "header=a:b", "p=0&status=503"] {
            let verdict = Fault::parse(plain, Separator::Ampersand).unwrap().roll(0, "k", 0);
            assert_eq!(of(&verdict).count(), 0, "{plain}");
            assert!(!verdict.injects(), "{plain}");
        }
    }
}
