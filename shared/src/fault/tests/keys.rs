//! Every key: what may be written, and its canonical spelling.

use super::parse;
use crate::fault::{Fault, Key, Separator};

const TABLE: &[(&str, &str)] = &[
    ("", ""),
    ("status=503", "status=503"),
    ("status=503:5%,404:1.50", "status=503:5,404:1.5"),
    ("status=unavailable:5,Internal", "status=UNAVAILABLE:5,INTERNAL"),
    ("status=14,DeadlineExceeded:0", "status=UNAVAILABLE,DEADLINE_EXCEEDED:0"),
    ("status=999", "status=999"),
    ("delay=1500ms", "delay=1.5s"),
    ("delay=0:50,20ms", "delay=0s:50,20ms"),
    ("delay=20ms..20ms", "delay=20ms"),
    ("delay=uniform(20ms,80ms)", "delay=20ms..80ms"),
    ("delay=uniform(20ms,80ms,max=50ms)", "delay=20ms..50ms"),
    ("delay=jitter(50ms,20ms):10", "delay=30ms..70ms:10"),
    ("delay=jitter(10ms,20ms)", "delay=0s..30ms"),
    ("delay=normal(mean=50ms,sd=5ms)", "delay=normal(50ms,5ms)"),
    ("delay=normal(sd=5ms,50ms,max=1s)", "delay=normal(50ms,5ms,max=1s)"),
    ("delay=exp(20ms)", "delay=exp(20ms)"),
    ("delay=lognormal(p50=20ms,p99=200ms,max=1s):5", "delay=lognormal(20ms,200ms,max=1s):5"),
    ("delay=lognormal(sigma=0.50,median=80ms)", "delay=lognormal(median=80ms,sigma=0.5)"),
    ("delay=pareto(10ms,100ms)", "delay=pareto(10ms,100ms)"),
    ("delay=pareto(10ms,alpha=2)", "delay=pareto(10ms,alpha=2)"),
    ("delay=pct(50=20ms,90=80ms,99.9=400ms,max=1s)", "delay=pct(50=20ms,90=80ms,99.9=400ms,max=1s)"),
    ("delay=load(1ms,200us,max=2s)", "delay=load(1ms,200us,max=2s)"),
    ("body_delay=7us", "body_delay=7us"),
    ("chunk_delay=exp(2ms):10", "chunk_delay=exp(2ms):10"),
    ("end_delay=1m30s", "end_delay=1m30s"),
    ("size=1024", "size=1KiB"),
    ("size=1kb..4KB", "size=1kB..4kB"),
    ("count=1..10", "count=1..10"),
    ("chunk=512B", "chunk=512"),
    ("rate=64KiB/s", "rate=64KiB"),
    ("body=json", "body=json"),
    ("body=text:10,zero", "body=text:10,zero"),
    ("gzip=true", "gzip=true"),
    ("gzip=10", "gzip=true:10"),
    ("gzip=10%", "gzip=true:10"),
    ("gzip=true:10,false", "gzip=true:10,false"),
    ("read=none", "read=none"),
    ("read=rate(64KiB):10,first(1kB),all", "read=rate(64KiB):10,first(1kB),all"),
    ("fault=hang:1,reset:2", "fault=hang:1,reset:2"),
    ("fault=h2rst(8),goaway(enhance_your_calm)", "fault=h2rst(CANCEL),goaway(ENHANCE_YOUR_CALM)"),
    ("fault=clen(5),clen(-5)", "fault=clen(+5),clen(-5)"),
    ("fault=empty,abort,badchunk,garbage,badhead", "fault=empty,abort,badchunk,garbage,badhead"),
    ("fault=nostatus,oversize", "fault=nostatus,oversize"),
    ("fault=drop,tc,badid,badq,lame,cut,dup,late", "fault=drop,tc,badid,badq,lame,cut,dup,late"),
    ("at=head,body,64KiB,50%,after(5s)", "at=head,body,64KiB,50%,after(5s)"),
    ("at=12.50%:10,1KiB..2KiB,after(exp(1s))", "at=12.5%:10,1KiB..2KiB,after(exp(1s))"),
    ("close=false", "close=false"),
    ("close=0", "close=true:0"),
    ("header=X-A: b &header=x-a:", "header=X-A:b&header=x-a:"),
    ("trailer=X-T:1:2=3", "trailer=X-T:1:2=3"),
    ("retry_after=2m..3m", "retry_after=2m..3m"),
    ("msg=it is 5%25 (or so), ä", "msg=it%20is%205%25%20(or%20so),%20%C3%A4"),
    ("details=errorinfo,retryinfo(2s),quota,badrequest", "details=errorinfo,retryinfo(2s),quota,badrequest"),
    ("trailers=only:50,after", "trailers=only:50,after"),
    ("cpu=10ms", "cpu=10ms"),
    ("mem=1MiB", "mem=1MiB"),
    ("loss=1&dup=2&corrupt=3&reorder=4", "loss=true:1&dup=true:2&corrupt=true:3&reorder=true:4"),
    ("allow_conn=true", "allow_conn=1"),
    ("mode=upper", "mode=upper"),
    ("bytes=1024", "bytes=1KiB"),
    ("ack=false", "ack=0"),
    ("rcode=2:5,nxdomain,4095:1,NOERROR:0", "rcode=SERVFAIL:5,NXDOMAIN,4095:1,NOERROR:0"),
    ("nodata=10", "nodata=true:10"),
    ("ttl=60s&neg=1s..5s", "ttl=1m&neg=1s..5s"),
    ("cname=3:10,loop:5", "cname=3:10,loop:5"),
    ("addr=2001:DB8:0::1", "addr=2001:db8::1"),
    ("addr=127.0.0.5", "addr=127.0.0.5"),
    ("ede=22:50", "ede=22:50"),
    ("answer=who&over=udp", "answer=who&over=udp"),
    ("fault=tcf,badcase,qr0,noaa,cut(20)", "fault=tcf,badcase,qr0,noaa,cut(20)"),
    ("p=5%", "p=5"),
    ("seed=18446744073709551615", "seed=18446744073709551615"),
    ("id=ab12.7_x-Y", "id=ab12.7_x-Y"),
    ("id=a&p=1&status=200", "status=200&p=1&id=a"),
];

#[test]
fn every_key_has_one_canonical_spelling() {
    for (text, canonical) in TABLE {
        let fault = parse(text);
        assert_eq!(fault.to_string(), *canonical, "{text}");
        assert_eq!(parse(canonical), fault, "{text}");
    }
}

#[test]
fn no_key_is_missing_from_the_table() {
    for key in Key::all() {
        let used = TABLE.iter().any(|(text, _)| parse(text).keys().any(|used| used == key));
        assert!(used, "{} has no example", key.as_str());
    }
}

#[test]
fn separators_are_the_carriers() {
    let fault = parse("status=503&header=X:a;b c%26d");
    for (separator, text) in [
        (Separator::Ampersand, "status=503&header=X:a%3Bb%20c%26d"),
        (Separator::Semicolon, "status=503; header=X:a%3Bb%20c%26d"),
        (Separator::Space, "status=503 header=X:a%3Bb%20c%26d"),
    ] {
        assert_eq!(fault.to_text(separator), text);
        assert_eq!(Fault::parse(text, separator), Ok(fault.clone()));
    }
    assert_eq!(Fault::parse("  status=503   delay=1s ", Separator::Space), Ok(parse("status=503&delay=1s")));
}

#[test]
fn what_injects() {
    for (text, injects) in [
        ("", false),
        ("delay=1ms", true),
        ("delay=0", false),
        ("delay=1s:0", false),
        ("delay=1s&p=0", false),
        ("status=200,301", false),
        ("status=200,404:1", true),
        ("status=OK", false),
        ("status=UNKNOWN:1", true),
        ("close=false", false),
        ("close=1", true),
        ("read=all", false),
        ("read=none:1", true),
        ("fault=hang:1", true),
        ("fault=hang:0", false),
        ("rate=1KiB", true),
        ("cpu=1ms", true),
        ("mem=1KiB", true),
        ("retry_after=1s", true),
        ("chunk_delay=1ms:1", true),
        ("loss=1", true),
        ("rcode=NOERROR", false),
        ("rcode=NXDOMAIN:1", true),
        ("nodata=1", true),
        ("nodata=false", false),
        ("cname=16", false),
        ("cname=3,loop:1", true),
        (
            "allow_conn=1&mode=discard&bytes=5&ack=0&ttl=1s&neg=1s&count=2&size=9&ede=5&addr=::1&answer=who&over=tcp",
            false,
        ),
        ("size=1MiB&body=json&gzip=true&chunk=1&count=3&header=A:b&trailer=C:d&id=x&seed=1&p=50", false),
    ] {
        assert_eq!(parse(text).injects(), injects, "{text}");
    }
}

#[test]
fn status_choices_add_up_to_one() {
    let choices = |text: &str| -> Vec<(Option<u16>, f64)> {
        let choices = parse(text).status_choices();
        choices.iter().map(|choice| (choice.status.and_then(|status| status.http()), choice.probability)).collect()
    };
    assert_eq!(choices(""), [(None, 1.0)]);
    assert_eq!(choices("status=503"), [(Some(503), 1.0)]);
    assert_eq!(choices("status=503:25,404:0"), [(Some(503), 0.25), (None, 0.75)]);
    assert_eq!(choices("status=503,503"), [(Some(503), 1.0)]);
    assert_eq!(choices("status=503,404&p=50"), [(Some(503), 0.25), (Some(404), 0.25), (None, 0.5)]);
}
