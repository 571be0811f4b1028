//! Every way a spec can be misspelt: the parameter, the place, and what would have been right.

use super::parse;
use crate::fault::{Fault, SPEC_MAX_BYTES, Separator, SpecErrors};

fn errors(text: &str) -> SpecErrors {
    match Fault::parse(text, Separator::Ampersand) {
        Ok(fault) => panic!("{text} was read as {fault}"),
        Err(errors) => errors,
    }
}

/// (spec, parameter, position, offending token, code, reason)
type Row = (&'static str, &'static str, usize, &'static str, &'static str, &'static str);

const INVALID: &str = "invalid_parameter";

const TABLE: &[Row] = &[
    ("status=abc", "status", 7, "abc", INVALID, "unknown status \"abc\""),
    ("status=", "status", 7, "", INVALID, "unknown status \"\""),
    ("status=100", "status", 7, "100", INVALID, "100 is informational and cannot end a request"),
    ("status=17", "status", 7, "17", INVALID, "17 is neither an HTTP nor a gRPC status"),
    ("status=1000", "status", 7, "1000", INVALID, "1000 is neither an HTTP nor a gRPC status"),
    ("status=200..300", "status", 7, "200..300", INVALID, "unknown status \"200..300\""),
    ("status=503:5,", "status", 13, "", INVALID, "unknown status \"\""),
    ("status=503:", "status", 11, "", INVALID, "\"\" is not a percentage"),
    ("status=503:x", "status", 11, "x", INVALID, "\"x\" is not a percentage"),
    ("status=503:101", "status", 11, "101", INVALID, "\"101\" is over 100"),
    ("status=503:0.00001", "status", 11, "0.00001", INVALID, "\"0.00001\" has more than 4 decimals"),
    ("status=503:60,404:40.5", "status", 7, "503:60,404:40.5", "weights_exceed_100", "the weights sum to 100.5"),
    (
        "status=503:100,404",
        "status",
        7,
        "503:100,404",
        "conflict",
        "the weights leave nothing for the choices without one",
    ),
    ("delay=10x", "delay", 6, "10x", INVALID, "unknown unit \"x\""),
    ("delay=5", "delay", 6, "5", INVALID, "\"5\" has no unit"),
    ("delay=-1s", "delay", 6, "-1s", INVALID, "\"-1s\" is not a duration"),
    ("delay=80ms..20ms", "delay", 6, "80ms..20ms", INVALID, "the range ends before it begins"),
    ("delay=20ms..", "delay", 12, "", INVALID, "\"\" is not a duration"),
    ("delay=20ms..x", "delay", 12, "x", INVALID, "\"x\" is not a duration"),
    ("delay=exp(1s", "delay", 6, "exp(1s", INVALID, "parentheses do not pair up"),
    ("delay=exp)1s(", "delay", 6, "exp)1s(", INVALID, "parentheses do not pair up"),
    ("delay=gauss(1s,2s)", "delay", 6, "gauss(1s,2s)", INVALID, "unknown distribution \"gauss\""),
    ("delay=exp()", "delay", 6, "exp()", INVALID, "mean is missing"),
    ("delay=exp(1s,2s)", "delay", 13, "2s", INVALID, "unknown argument \"2s\""),
    ("delay=exp(1s,foo=2s)", "delay", 13, "foo=2s", INVALID, "unknown argument \"foo=2s\""),
    ("delay=exp(0s)", "delay", 6, "exp(0s)", INVALID, "the mean must be above zero"),
    ("delay=normal(1s,0s)", "delay", 6, "normal(1s,0s)", INVALID, "the standard deviation must be above zero"),
    ("delay=normal(1s)", "delay", 6, "normal(1s)", INVALID, "sd is missing"),
    ("delay=5ms,lognormal(2s,1s)", "delay", 10, "lognormal(2s,1s)", INVALID, "needs 0 < p50 < p99"),
    ("delay=lognormal(median=1s,sigma=11)", "delay", 32, "11", INVALID, "\"11\" is out of range"),
    ("delay=pareto(1s,1s)", "delay", 6, "pareto(1s,1s)", INVALID, "needs 0 < min < p99"),
    ("delay=pareto(1s,alpha=x)", "delay", 22, "x", INVALID, "\"x\" is out of range"),
    ("delay=exp(1h,max=1us)", "delay", 6, "exp(1h,max=1us)", INVALID, "max leaves nothing of the distribution"),
    ("delay=load(2s,1s,max=1s)", "delay", 6, "load(2s,1s,max=1s)", INVALID, "max leaves nothing of the distribution"),
    ("delay=pct(50=1s)", "delay", 6, "pct(50=1s)", INVALID, "one quantile is no distribution"),
    (
        "delay=pct(50=1s,40=2s)",
        "delay",
        16,
        "40=2s",
        INVALID,
        "percents and values must increase, values from above zero",
    ),
    ("delay=pct(50=1s,x)", "delay", 16, "x", INVALID, "needs percent=value"),
    ("delay=pct(50=1s,101=2s)", "delay", 16, "101=2s", INVALID, "the percent must be a number from 0 to 100"),
    ("delay=pct(50=1s,60=x)", "delay", 19, "x", INVALID, "\"x\" is not a duration"),
    ("size=64k", "size", 5, "64k", INVALID, "unknown unit \"k\""),
    ("size=1.5", "size", 5, "1.5", INVALID, "\"1.5\" is too large or not whole bytes"),
    ("count=1.5", "count", 6, "1.5", INVALID, "\"1.5\" is not a whole number"),
    ("chunk=0", "chunk", 6, "0", INVALID, "\"0\" is less than 1 byte"),
    ("rate=0", "rate", 5, "0", INVALID, "\"0\" is less than 1 byte"),
    ("body=jsn", "body", 5, "jsn", INVALID, "unknown word \"jsn\""),
    ("gzip=yes", "gzip", 5, "yes", INVALID, "\"yes\" is neither true nor false"),
    ("gzip=true,50", "gzip", 10, "50", INVALID, "\"50\" is neither true nor false"),
    ("gzip=101", "gzip", 5, "101", INVALID, "\"101\" is neither true nor false"),
    ("read=some", "read", 5, "some", INVALID, "unknown way to read \"some\""),
    ("read=rate(0)", "read", 10, "0", INVALID, "\"0\" is less than 1 byte"),
    ("read=first", "read", 5, "first", INVALID, "unknown way to read \"first\""),
    ("fault=boom", "fault", 6, "boom", INVALID, "unknown fault \"boom\""),
    ("fault=boom(1)", "fault", 6, "boom(1)", INVALID, "unknown fault \"boom\""),
    ("fault=hang(1s)", "fault", 6, "hang(1s)", INVALID, "hang takes no argument"),
    ("fault=h2rst", "fault", 6, "h2rst", INVALID, "h2rst needs a code"),
    ("fault=h2rst(WRONG)", "fault", 12, "WRONG", INVALID, "unknown HTTP/2 error code \"WRONG\""),
    ("fault=goaway(14)", "fault", 13, "14", INVALID, "unknown HTTP/2 error code \"14\""),
    ("fault=clen", "fault", 6, "clen", INVALID, "clen needs a difference"),
    ("fault=clen(0)", "fault", 11, "0", INVALID, "a difference of 0 is no fault"),
    ("fault=clen(x)", "fault", 11, "x", INVALID, "\"x\" is not a difference in bytes"),
    ("at=middle", "at", 3, "middle", INVALID, "\"middle\" is not a size"),
    ("at=101%", "at", 3, "101%", INVALID, "\"101%\" is over 100"),
    ("at=after(5)", "at", 9, "5", INVALID, "\"5\" has no unit"),
    ("header=X-A", "header", 7, "X-A", INVALID, "no colon between name and value"),
    ("header=:x", "header", 7, "", INVALID, "\"\" is not a field name"),
    ("header=X A:x", "header", 7, "X A", INVALID, "\"X A\" is not a field name"),
    (
        "header=Content-Length:1",
        "header",
        7,
        "Content-Length",
        INVALID,
        "\"Content-Length\" frames the message or belongs to the connection",
    ),
    (
        "header=x-cload-fault:none",
        "header",
        7,
        "x-cload-fault",
        INVALID,
        "\"x-cload-fault\" is how answers are marked and timed",
    ),
    (
        "header=Grpc-Status:0",
        "header",
        7,
        "Grpc-Status",
        INVALID,
        "\"Grpc-Status\" belongs to gRPC; use status, msg or details",
    ),
    ("trailer=Content-Type:x", "trailer", 8, "Content-Type", INVALID, "\"Content-Type\" is meaningless after the body"),
    ("header=X:a%0d%0aY:b", "header", 10, "\r\nY:b", INVALID, "a control or non-ASCII character"),
    ("header=X:%C3%A4", "header", 9, "ä", INVALID, "a control or non-ASCII character"),
    ("retry_after=1.5s", "retry_after", 12, "1.5s", INVALID, "\"1.5s\" is not whole seconds"),
    ("msg=a%00b", "msg", 4, "a\0b", INVALID, "a control character"),
    ("details=retryinfo", "details", 8, "retryinfo", INVALID, "unknown details \"retryinfo\""),
    ("details=retryinfo(2)", "details", 18, "2", INVALID, "\"2\" has no unit"),
    ("trailers=before", "trailers", 9, "before", INVALID, "unknown word \"before\""),
    ("allow_conn=5", "allow_conn", 11, "5", INVALID, "\"5\" is neither on nor off"),
    ("ack=1:50", "ack", 4, "1:50", INVALID, "\"1:50\" is neither on nor off"),
    ("mode=loud", "mode", 5, "loud", INVALID, "unknown word \"loud\""),
    ("bytes=1..9", "bytes", 6, "1..9", INVALID, "\"1..9\" leaves to chance where the request ends"),
    ("bytes=5,6", "bytes", 6, "5,6", INVALID, "unknown unit \",6\""),
    ("rcode=4096", "rcode", 6, "4096", INVALID, "unknown response code \"4096\""),
    ("rcode=+1", "rcode", 6, "+1", INVALID, "unknown response code \"+1\""),
    ("nodata=maybe", "nodata", 7, "maybe", INVALID, "\"maybe\" is neither true nor false"),
    ("ttl=1500ms", "ttl", 4, "1500ms", INVALID, "\"1500ms\" is not whole seconds"),
    ("neg=5", "neg", 4, "5", INVALID, "\"5\" has no unit"),
    ("cname=17", "cname", 6, "17", INVALID, "\"17\" is no length of a chain"),
    ("cname=0", "cname", 6, "0", INVALID, "\"0\" is no length of a chain"),
    ("addr=10.0.0", "addr", 5, "10.0.0", INVALID, "\"10.0.0\" is no address"),
    ("ede=65536", "ede", 4, "65536", INVALID, "\"65536\" is no code"),
    ("answer=why", "answer", 7, "why", INVALID, "unknown word \"why\""),
    ("over=sctp", "over", 5, "sctp", INVALID, "unknown word \"sctp\""),
    ("fault=cut(0)", "fault", 10, "0", INVALID, "a cut after 0 bytes leaves no message"),
    ("fault=cut(x)", "fault", 10, "x", INVALID, "\"x\" is not a number of bytes"),
    ("p=101", "p", 2, "101", INVALID, "\"101\" is over 100"),
    ("p=5,6", "p", 2, "5,6", INVALID, "\"5,6\" is not a percentage"),
    ("seed=-1", "seed", 5, "-1", INVALID, "\"-1\" is not a seed"),
    ("seed=18446744073709551616", "seed", 5, "18446744073709551616", INVALID, "\"18446744073709551616\" is not a seed"),
    ("id=a b", "id", 3, "a b", INVALID, "\"a b\" cannot be an id"),
    ("id=", "id", 3, "", INVALID, "\"\" cannot be an id"),
    ("status", "status", 0, "status", INVALID, "\"status\" has no value"),
    ("=5", "", 0, "", "unknown_parameter", "unknown parameter \"\""),
    ("dely=5ms", "dely", 0, "dely", "unknown_parameter", "unknown parameter \"dely\", did you mean delay?"),
    ("utm_source=x", "utm_source", 0, "utm_source", "unknown_parameter", "unknown parameter \"utm_source\""),
    ("delay=1s&delay=1s", "delay", 9, "delay", INVALID, "delay is given twice"),
];

#[test]
fn each_names_parameter_place_and_reason() {
    for (text, parameter, position, value, code, reason) in TABLE {
        let errors = errors(text);
        assert_eq!(errors.iter().count(), 1, "{text}: {errors}");
        let error = errors.first();
        assert_eq!(
            (
                error.parameter.as_str(),
                error.position,
                error.value.as_str(),
                error.code.as_str(),
                error.reason.as_str()
            ),
            (*parameter, *position, *value, *code, *reason),
            "{text}"
        );
        assert!(!error.expected.is_empty(), "{text}: {error}");
        if !text.contains('%') {
            assert!(text[*position..].starts_with(value), "{text}: the token is not at its place");
        }
    }
}

#[test]
fn expectations_help() {
    for (text, expected) in [
        ("delay=5", "a duration such as 10ms, 1.5s, 20ms..80ms or lognormal(80ms,400ms)"),
        ("delay=exp()", "mean"),
        ("delay=normal(1s,2s,3s)", "mean, sd, max"),
        ("status=abc", "a status from 200 to 999, or a gRPC status (0 to 16, or a name such as UNAVAILABLE)"),
        ("at=middle", "head, body, a size such as 64KiB, a share such as 50%, or after(5s)"),
        ("dely=1s", "delay"),
        ("delay", "delay=, then a duration such as 10ms, 1.5s, 20ms..80ms or lognormal(80ms,400ms)"),
        ("fault=clen", "clen(+n) or clen(-n)"),
        ("fault=hang(1s)", "hang"),
    ] {
        assert_eq!(errors(text).first().expected, expected, "{text}");
    }
}

#[test]
fn all_errors_are_reported_in_order() {
    let errors = errors("stat=1&delay=10x&size=1MiB&gzip=maybe&count");
    let found: Vec<(&str, usize)> = errors.iter().map(|e| (e.parameter.as_str(), e.position)).collect();
    assert_eq!(found, [("stat", 0), ("delay", 13), ("gzip", 32), ("count", 38)]);
    assert_eq!(
        errors.to_string().lines().nth(1).unwrap(),
        "delay: invalid_parameter at byte 13 of the text: unknown unit \"x\"; expected a duration such as 10ms, 1.5s, \
         20ms..80ms or lognormal(80ms,400ms)"
    );
}

#[test]
fn a_long_spec_is_not_read() {
    let fits = format!("msg={}", "x".repeat(SPEC_MAX_BYTES - 4));
    assert_eq!(parse(&fits).to_string(), fits);
    let errors = errors(&format!("{fits}yé"));
    let error = errors.first();
    assert_eq!((error.code.as_str(), error.position, error.value.as_str()), ("spec_too_long", SPEC_MAX_BYTES, "yé"));
    assert_eq!(error.limit.as_deref(), Some("2048"));
}
