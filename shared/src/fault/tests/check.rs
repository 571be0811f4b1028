//! What a protocol, a limit or common sense refuses.

use std::time::Duration;

use super::parse;
use crate::fault::{Dialect, Limits};

/// `parameter position code` of each error.
fn refusals(text: &str, dialect: Dialect, limits: &Limits) -> String {
    match parse(text).check(dialect, limits) {
        Ok(()) => String::new(),
        Err(errors) => {
            let line = |e: &crate::fault::SpecError| format!("{} {} {}", e.parameter, e.position, e.code);
            errors.iter().map(line).collect::<Vec<_>>().join(", ")
        }
    }
}

#[test]
fn http1_refuses_what_contradicts_itself() {
    for (text, expected) in [
        ("status=204&size=1", "status 7 conflict"),
        ("status=204:1&size=0..9", "status 7 conflict"),
        ("status=204&size=0", ""),
        ("status=204:0&size=1", ""),
        ("status=304&trailer=A:b", "status 7 conflict"),
        ("status=205&fault=abort", "status 7 conflict"),
        ("status=204&fault=reset", ""),
        ("size=1&body=echo", "body 12 conflict"),
        ("size=1&body=random:5,echo", "body 12 conflict"),
        ("body=json", "body 5 conflict"),
        ("body=echo", ""),
        ("body=json&size=1KiB:50", ""),
        ("at=body", "at 3 conflict"),
        ("at=after(1s)&fault=empty", "at 3 conflict"),
        ("at=body&fault=garbage", "at 3 conflict"),
        ("at=body&fault=badhead:5,hang", "at 3 conflict"),
        ("at=body&fault=badhead:0,hang", ""),
        ("at=head&fault=empty", ""),
        ("at=head&fault=clen(+1)", "at 3 conflict"),
        ("at=1&fault=clen(+1)", "at 3 conflict"),
        ("at=head&fault=abort", "at 3 conflict"),
        ("at=head&fault=badchunk", "at 3 conflict"),
        ("at=after(1s)&fault=badchunk", "at 3 conflict"),
        ("at=after(1s)&fault=abort", ""),
        ("at=2KiB&fault=reset&size=1KiB", "at 3 conflict"),
        ("at=1KiB&fault=reset&size=1KiB", ""),
        ("at=1KiB&fault=abort&size=1KiB", "at 3 conflict"),
        ("at=100%&fault=abort&size=1KiB", "at 3 conflict"),
        ("at=99.9999%&fault=abort&size=1KiB", ""),
        ("at=100%&fault=reset&size=1KiB", ""),
        ("fault=abort&size=0", "fault 6 conflict"),
        ("fault=badchunk&size=0", ""),
        ("fault=hang&size=0", ""),
        ("fault=clen(-1)", "fault 6 conflict"),
        ("fault=clen(-1)&size=0..9", "fault 6 conflict"),
        ("fault=clen(-1)&size=1", ""),
        ("fault=clen(+1)", ""),
        ("fault=clen(+1)&chunk=9", "fault 6 conflict"),
        ("fault=clen(+1)&trailer=A:b", "fault 6 conflict"),
        ("fault=clen(+1)&gzip=1", "fault 6 conflict"),
        ("fault=clen(+1)&gzip=false", ""),
    ] {
        assert_eq!(refusals(text, Dialect::Http1, &Limits::default()), expected, "{text}");
    }
}

#[test]
fn each_protocol_refuses_what_it_cannot_do() {
    use Dialect::{Dns, Grpc, Http1, Http2, Tcp, Udp};
    let h1 = "unsupported_on_protocol";
    for (text, able) in [
        ("status=503", &[Http1, Http2][..]),
        ("status=UNAVAILABLE", &[Grpc]),
        ("delay=1s&size=1&p=5&seed=1&id=a", &Dialect::ALL),
        ("chunk_delay=1ms", &[Http1, Http2, Grpc, Tcp]),
        ("count=2", &[Grpc, Dns]),
        ("retry_after=1s", &[Http1, Http2, Grpc]),
        ("loss=1&dup=1&reorder=1", &[Udp]),
        ("corrupt=1", &[Tcp, Udp]),
        ("msg=x&details=quota&trailers=only", &[Grpc]),
        ("fault=h2rst(CANCEL)", &[Http2, Grpc]),
        ("fault=badchunk", &[Http1]),
        ("fault=hang", &[Http1, Http2, Grpc, Tcp, Udp]),
        ("fault=drop,late", &[Dns]),
        ("fault=nostatus", &[Grpc]),
        ("fault=reset", &[Http1, Tcp, Udp, Dns]),
        ("allow_conn=1&fault=reset,garbage", &[Http2, Grpc]),
        ("allow_conn=1", &[Http2, Grpc]),
        ("fault=empty", &[Http1, Grpc, Tcp, Udp, Dns]),
        ("fault=abort", &[Http1, Http2, Grpc, Tcp, Dns]),
        ("fault=tcf,badcase,qr0,noaa,cut(9)", &[Dns]),
        ("mode=upper&bytes=9", &[Tcp]),
        ("ack=0", &[Tcp, Udp]),
        ("rcode=2&ttl=1s&neg=1s&cname=2&ede=3&over=udp", &[Dns]),
        ("nodata=1&answer=who", &[Dns]),
        ("addr=::1", &[Dns]),
    ] {
        for dialect in Dialect::ALL {
            let refusals = refusals(text, dialect, &Limits::default());
            assert_eq!(refusals.is_empty(), able.contains(&dialect), "{text} on {dialect:?}: {refusals}");
            let conflict = text == "fault=reset" && refusals == "fault 6 conflict";
            let unable = refusals.split(", ").all(|refusal| refusal.is_empty() || refusal.ends_with(h1));
            assert!(conflict || unable, "{text} on {dialect:?}: {refusals}");
        }
    }
    assert_eq!(
        refusals("count=2&delay=1s&msg=x&fault=tc", Http1, &Limits::default()),
        "count 6 unsupported_on_protocol, msg 21 unsupported_on_protocol, fault 29 unsupported_on_protocol"
    );
}

#[test]
fn a_fault_of_the_connection_must_be_allowed() {
    for dialect in [Dialect::Http2, Dialect::Grpc] {
        for kind in ["reset", "garbage", "goaway(NO_ERROR)", "hang:5,reset:1"] {
            let refused = parse(&format!("fault={kind}")).check(dialect, &Limits::default()).unwrap_err();
            assert_eq!(refused.first().code.as_str(), "conflict", "{kind}");
            assert!(refused.first().expected.contains("allow_conn=1"), "{refused}");
            assert_eq!(
                refusals(&format!("fault={kind}&allow_conn=0"), dialect, &Limits::default()),
                "fault 6 conflict"
            );
            assert_eq!(refusals(&format!("fault={kind}&allow_conn=1"), dialect, &Limits::default()), "");
        }
        assert_eq!(refusals("fault=h2rst(CANCEL),hang,abort,reset:0", dialect, &Limits::default()), "");
        assert_eq!(refusals("allow_conn=1&delay=1s", dialect, &Limits::default()), "");
    }
}

#[test]
fn tcp_refuses_what_its_mode_cannot_use() {
    for (text, expected) in [
        ("mode=discard&size=1", "size 18 conflict"),
        ("mode=discard&bytes=9", ""),
        ("mode=discard&rate=9&corrupt=1", "rate 18 conflict, corrupt 28 conflict"),
        ("mode=discard&fault=reset&at=9", "at 28 conflict"),
        ("mode=discard&fault=reset&at=after(1s)", ""),
        ("mode=echo&size=1", "size 15 conflict"),
        ("mode=upper&size=1", "size 16 conflict"),
        ("mode=source&size=1", ""),
        ("mode=source&bytes=1", "mode 5 conflict"),
        ("mode=chargen&bytes=1&size=9", ""),
        ("bytes=9&size=1", ""),
        ("fault=reset&at=50%", "at 15 conflict"),
        ("size=10&fault=reset&at=50%", ""),
        ("close=true", "close 6 conflict"),
        ("bytes=9&close=true", ""),
        ("bytes=16MiB", ""),
        ("bytes=17MiB", "bytes 6 limit_exceeded"),
        ("bytes=10&fault=abort&at=10", "at 24 conflict"),
        ("bytes=10&fault=abort&at=9", ""),
        ("bytes=10&size=20&fault=abort&at=15", ""),
        ("bytes=16MiB&rate=1", "rate 17 limit_exceeded"),
    ] {
        assert_eq!(refusals(text, Dialect::Tcp, &Limits::default()), expected, "{text}");
    }
}

#[test]
fn dns_refuses_what_no_message_can_be() {
    for (text, expected) in [
        ("nodata=true&count=3", "count 18 conflict"),
        ("nodata=50&count=3", ""),
        ("nodata=true&addr=::1", "addr 17 conflict"),
        ("nodata=10&rcode=NXDOMAIN", "nodata 7 conflict"),
        ("nodata=10&rcode=NXDOMAIN:10", ""),
        ("nodata=true&cname=2", ""),
        ("rcode=SERVFAIL&count=3", "count 21 conflict"),
        ("rcode=SERVFAIL:10&count=3", ""),
        ("rcode=NOERROR&count=3", ""),
        ("rcode=NXDOMAIN&cname=3", ""),
        ("fault=tcf&size=900", "size 15 conflict"),
        ("fault=tcf:5&size=900", ""),
        ("answer=who&count=2", "count 17 conflict"),
        ("answer=cnt&cname=2", "cname 17 conflict"),
        ("addr=::1&count=2", "count 15 conflict"),
        ("count=0", "count 6 conflict"),
        ("count=512", ""),
        ("over=tcp&fault=tc", "fault 15 conflict"),
        ("over=udp&fault=tc", ""),
        ("over=udp&fault=clen(+1)", "fault 15 conflict"),
        ("fault=clen(-12)", ""),
        ("fault=clen(-13)", "fault 6 conflict"),
        ("fault=clen(-100)&size=200", "fault 6 conflict"),
        ("fault=clen(+65023)", ""),
        ("fault=clen(+65024)", "fault 6 conflict"),
        ("fault=cut(20)&size=20", "fault 6 conflict"),
        ("fault=cut(19)&size=20", ""),
        ("size=65535", ""),
        ("size=64KiB", "size 5 limit_exceeded"),
        ("ttl=24h", ""),
        ("ttl=25h", "ttl 4 limit_exceeded"),
        ("size=60kB&count=512", ""),
    ] {
        assert_eq!(refusals(text, Dialect::Dns, &Limits::default()), expected, "{text}");
    }
    assert_eq!(refusals("size=65508", Dialect::Udp, &Limits::default()), "size 5 limit_exceeded");
}

#[test]
fn limits_are_errors_with_the_limit_named() {
    for (text, expected) in [
        ("delay=60s", None),
        ("delay=60001ms", Some("1m")),
        ("delay=1s:50,2m:50", Some("1m")),
        ("delay=1s..2m", Some("1m")),
        ("body_delay=61s", Some("1m")),
        ("chunk_delay=61s", Some("1m")),
        ("end_delay=61s", Some("1m")),
        ("delay=exp(1s)", None),
        ("delay=exp(20s)", Some("1m")),
        ("delay=exp(20s,max=60s)", None),
        ("delay=exp(20s,max=61s)", Some("1m")),
        ("delay=lognormal(1s,60s)", None),
        ("delay=lognormal(1s,61s)", Some("1m")),
        ("delay=pct(50=1s,100=59s)", None),
        ("delay=pct(50=1s,100=61s)", Some("1m")),
        ("delay=load(1s,1s)", None),
        ("delay=load(61s,1s)", Some("1m")),
        ("size=16MiB", None),
        ("size=17MiB", Some("16MiB")),
        ("chunk=1MiB", None),
        ("chunk=1025KiB", Some("1MiB")),
        ("cpu=1s", None),
        ("cpu=1001ms", Some("1s")),
        ("cpu=exp(10ms)", None),
        ("mem=64MiB", None),
        ("mem=65MiB", Some("64MiB")),
        ("mem=exp(10MiB)", None),
        ("retry_after=1h", None),
        ("retry_after=3601s", Some("1h")),
        ("read=first(17MiB)", Some("16MiB")),
        ("read=rate(9GiB)", None),
        ("fault=hang&at=after(10m)", None),
        ("fault=hang&at=after(11m)", Some("10m")),
        ("fault=hang&at=17MiB", Some("16MiB")),
        ("size=16MiB&rate=1", Some("15m")),
        ("size=900&rate=1", None),
        ("size=901&rate=1", Some("15m")),
        ("size=1KiB&chunk=1&chunk_delay=1s", Some("15m")),
        ("size=1KiB&chunk=64&chunk_delay=1s", None),
        ("size=16MiB&chunk_delay=exp(100ms)", None),
    ] {
        let limit = parse(text).check(Dialect::Http1, &Limits::default()).map_err(|errors| {
            assert_eq!(errors.first().code.as_str(), "limit_exceeded", "{text}: {errors}");
            errors.first().limit.clone().unwrap()
        });
        assert_eq!(limit.err().as_deref(), expected, "{text}");
    }
    let choices = |n: usize| format!("status={}", vec!["503"; n].join(","));
    let fields = |n: usize| vec!["header=A:b"; n].join("&");
    for (at, over) in [(choices(32), choices(33)), (fields(32), fields(33))] {
        assert_eq!(refusals(&at, Dialect::Http1, &Limits::default()), "");
        assert!(refusals(&over, Dialect::Http1, &Limits::default()).ends_with("7 limit_exceeded"));
    }
    assert_eq!(refusals("size=16MiB&count=65", Dialect::Grpc, &Limits::default()), "size 5 limit_exceeded");
    assert_eq!(refusals("count=513", Dialect::Dns, &Limits::default()), "count 6 limit_exceeded");
}

#[test]
fn a_stricter_target_refuses_more() {
    let strict = Limits { delay_max: Duration::from_secs(1), spec_max_bytes: 20, ..Limits::default() };
    assert_eq!(refusals("delay=2s", Dialect::Http1, &strict), "delay 6 limit_exceeded");
    // Truncating lower than the language does would change the draws under the injector's feet.
    assert_eq!(refusals("delay=exp(1ms)", Dialect::Http1, &strict), "delay 6 limit_exceeded");
    assert_eq!(refusals("delay=1ms..1s", Dialect::Http1, &strict), "");
    assert_eq!(refusals("delay=exp(1ms,max=1s)", Dialect::Http1, &strict), "delay 6 spec_too_long");
}
