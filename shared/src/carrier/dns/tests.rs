//! Fault names: every token, every mistake, and the way there and back.

use proptest::prelude::*;

use super::*;
use crate::carrier::Unsayable;
use crate::carrier::line::tests::identity;
use crate::fault::tests::any;
use crate::fault::{Dialect, Limits, Separator};

fn ask(text: &str) -> NameAsk<'_> {
    let labels: Vec<&[u8]> = text.strip_suffix('.').unwrap_or(text).split('.').map(str::as_bytes).collect();
    name(&labels, &Zone::default())
}

fn fault(tokens: &str) -> Result<Fault, SpecErrors> {
    let text = format!("x1234.{tokens}.f.cload.test");
    match ask(&text) {
        NameAsk::Armed { nonce: "1234", fault, identity: None } => fault,
        other => panic!("{tokens}: {other:?}"),
    }
}

#[test]
fn names_fall_into_places() {
    for (text, expected) in [
        ("example.com.", NameAsk::Outside),
        ("test.", NameAsk::Outside),
        ("xcload.test.", NameAsk::Outside),
        ("cload.test.", NameAsk::Apex),
        ("foo.cload.test.", NameAsk::Nowhere),
        ("ok.foo.cload.test.", NameAsk::Nowhere),
        ("ok.cload.test.", NameAsk::Ok { nonce: None, identity: None }),
        ("x1234.ok.cload.test.", NameAsk::Ok { nonce: Some("1234"), identity: None }),
        ("drop.x1.ok.cload.test.", NameAsk::Ok { nonce: None, identity: None }),
        ("x1234.op-A.ok.cload.test.", NameAsk::Ok { nonce: Some("1234"), identity: None }),
        ("f.cload.test.", NameAsk::Unarmed),
        ("drop.f.cload.test.", NameAsk::Unarmed),
        ("d20ms.drop.f.cload.test.", NameAsk::Unarmed),
        ("x1234.f.cload.test.", NameAsk::Armed { nonce: "1234", identity: None, fault: Ok(Fault::default()) }),
    ] {
        assert_eq!(ask(text), expected, "{text}");
    }
    assert_eq!(name(&[], &Zone::default()), NameAsk::Outside);
}

/// (tokens, the same spec as text)
const TOKENS: &[(&str, &str)] = &[
    ("d250ms", "delay=250ms"),
    ("d1s500ms", "delay=1.5s"),
    ("d20ms-400ms", "delay=20ms..400ms"),
    ("dln80ms-400ms", "delay=lognormal(80ms,400ms)"),
    ("dex50ms", "delay=exp(50ms)"),
    ("dno100ms-20ms", "delay=normal(100ms,20ms)"),
    ("dpa10ms-100ms-p5", "delay=pareto(10ms,100ms):5"),
    ("rcnx", "rcode=NXDOMAIN"),
    ("rcsrv-p10", "rcode=SERVFAIL:10"),
    ("rcref-pm5", "rcode=REFUSED:0.5"),
    ("rcfmt-pp50", "rcode=FORMERR:0.005"),
    ("rcnotimp", "rcode=NOTIMP"),
    ("rcyx", "rcode=YXDOMAIN"),
    ("rc23", "rcode=BADCOOKIE"),
    ("rc4095", "rcode=4095"),
    ("rcsrv-p10.rcnx-p5", "rcode=SERVFAIL:10,NXDOMAIN:5"),
    ("rcsrv-p10.rc0", "rcode=SERVFAIL:10,NOERROR"),
    ("nodata-p50", "nodata=true:50"),
    ("an3", "count=3"),
    ("an1-5", "count=1..5"),
    ("sz1400", "size=1400"),
    ("sz100-200", "size=100..200"),
    ("ttl5", "ttl=5s"),
    ("neg60", "neg=1m"),
    ("tc", "fault=tc"),
    ("tcf", "fault=tcf"),
    ("drop-pm5", "fault=drop:0.5"),
    ("badid-p1.badq-p1.badcase-p1.qr0-p1", "fault=badid:1,badq:1,badcase:1,qr0:1"),
    ("lame-p1.noaa-p1.garbage-p1", "fault=lame:1,noaa:1,garbage:1"),
    ("cut", "fault=cut"),
    ("cut20", "fault=cut(20)"),
    ("len10", "fault=clen(+10)"),
    ("len-10-p5", "fault=clen(-10):5"),
    ("dup", "fault=dup"),
    ("late", "fault=late"),
    ("empty-p1.reset-p1.oversize-p1.abort-p1.badhead", "fault=empty:1,reset:1,oversize:1,abort:1,badhead"),
    ("cn3", "cname=3"),
    ("cnloop-p10", "cname=loop:10"),
    ("ip-127-0-0-5", "addr=127.0.0.5"),
    ("ip6-20010db8000000000000000000000001", "addr=2001:db8::1"),
    ("ede22", "ede=22"),
    ("drop.udp", "fault=drop&over=udp"),
    ("d1s.tcp", "delay=1s&over=tcp"),
    ("who", "answer=who"),
    ("cnt", "answer=cnt"),
    ("rcsrv.g10", "rcode=SERVFAIL&p=10"),
    ("rcsrv.gm5", "rcode=SERVFAIL&p=0.5"),
    ("rcsrv.gp5", "rcode=SERVFAIL&p=0.0005"),
    ("s42", "seed=42"),
    ("d20ms-400ms.rcsrv-p10.sz1400.ttl5", "delay=20ms..400ms&size=1400&rcode=SERVFAIL:10&ttl=5s"),
];

#[test]
fn every_token_means_what_its_key_means() {
    for (tokens, text) in TOKENS {
        let expected = Fault::parse(text, Separator::Ampersand).unwrap();
        assert_eq!(fault(tokens).as_ref(), Ok(&expected), "{tokens}");
        assert_eq!(expected.check(Dialect::Dns, &Limits::default()), Ok(()), "{text}");
        let labels = fault_labels(&expected).unwrap();
        assert_eq!(fault(&labels.join(".")).as_ref(), Ok(&expected), "{labels:?}");
    }
}

#[test]
fn no_key_and_no_kind_is_without_a_token() {
    use crate::fault::{FaultKind, Key};
    for key in Key::all().filter(|key| key.dialects().contains(&Dialect::Dns) && *key != Key::Id) {
        let used =
            |(_, text): &(&str, &str)| Fault::parse(text, Separator::Ampersand).unwrap().keys().any(|used| used == key);
        assert!(TOKENS.iter().any(used), "{}", key.as_str());
    }
    for kind in FaultKind::PLAIN.into_iter().filter(|kind| kind.dialects().contains(&Dialect::Dns)) {
        assert!(fault(kind.as_str()).is_ok(), "{kind}");
    }
}

#[test]
fn mistakes_are_named_where_they_stand() {
    for (tokens, expected) in [
        ("dx", "delay 6 bad token \"dx\" (label 2)"),
        ("an3.d5", "delay 10 bad token \"d5\" (label 3)"),
        ("zz", "zz 6 unknown token \"zz\" (label 2)"),
        ("status503", "status503 6 unknown token \"status503\" (label 2)"),
        ("", " 6 unknown token \"\" (label 2)"),
        ("d5ms-p101", "delay 6 bad token \"d5ms-p101\" (label 2)"),
        ("d5ms-p0", "delay 6 bad token \"d5ms-p0\" (label 2)"),
        ("drop.badid", "fault 11 a second fault (label 3)"),
        ("drop-p60.badid-p60", "fault 6 the weights sum to 120"),
        ("udp.tcp", "over 10 a second over (label 3)"),
        ("s1.s2", "seed 9 a second seed (label 3)"),
        ("udp-p5", "over 6 bad token \"udp-p5\" (label 2)"),
        ("ip-10-0-0-256", "addr 6 bad token \"ip-10-0-0-256\" (label 2)"),
        ("ip6-1", "addr 6 bad token \"ip6-1\" (label 2)"),
        ("rc4096", "rcode 6 bad token \"rc4096\" (label 2)"),
        ("cn17", "cname 6 bad token \"cn17\" (label 2)"),
        ("g101", "p 6 bad token \"g101\" (label 2)"),
        ("cut0", "fault 6 bad token \"cut0\" (label 2)"),
        ("len0", "fault 6 bad token \"len0\" (label 2)"),
        ("op-a", "id 0 bad token \"x1234\" (label 1), source 0 op- and from- make an identity together"),
    ] {
        let errors = fault(tokens).unwrap_err();
        let one = |error: &SpecError| format!("{} {} {}", error.parameter, error.position, error.reason);
        assert_eq!(errors.iter().map(one).collect::<Vec<_>>().join(", "), expected, "{tokens}");
        assert!(errors.iter().all(|error| error.source == Source::Name && !error.expected.is_empty()), "{errors}");
    }
    let NameAsk::Armed { fault, .. } = ask("xab.d5.f.cload.test") else { panic!("not armed") };
    let errors = fault.unwrap_err();
    assert_eq!(errors.iter().map(|error| error.parameter.as_str()).collect::<Vec<_>>(), ["id", "delay"]);
}

#[test]
fn the_text_of_an_error_is_one_short_line() {
    assert_eq!(
        error_text(&fault("dx").unwrap_err()),
        "cload: delay: bad token \"dx\" (label 2): expected a duration such as d250ms or d20ms-400ms"
    );
    let checked = fault("d2m").unwrap().check(Dialect::Dns, &Limits::default()).unwrap_err();
    assert_eq!(error_text(&checked), "cload: delay: 2m is over the limit: expected at most 1m");
    assert!(
        error_text(&fault("zz").unwrap_err()).starts_with("cload: unknown token \"zz\" (label 2): expected a token")
    );
    assert!(error_text(&fault(&"z".repeat(400)).unwrap_err()).len() <= 255);
}

#[test]
fn an_identity_travels_in_labels() {
    let who = Identity::from_header(b"source=team-a/nightly;op=resolve;id=abcd2345.17").unwrap();
    let zone = Zone::default();
    let text = fault_name(who, &Fault::parse("rcode=SERVFAIL:10", Separator::Space).unwrap(), &zone).unwrap();
    assert_eq!(text, "xabcd234517.op-resolve.from-team-a.rel-nightly.rcsrv-p10.f.cload.test.");
    let NameAsk::Armed { nonce, identity, fault } = ask(&text) else { panic!("{text}") };
    assert_eq!((nonce, identity, fault.unwrap().to_string().as_str()), ("abcd234517", Some(who), "rcode=SERVFAIL:10"));
    let text = ok_name(who, &zone).unwrap();
    assert_eq!(ask(&text), NameAsk::Ok { nonce: Some("abcd234517"), identity: Some(who) });
}

#[test]
fn what_labels_cannot_say_is_refused_by_key() {
    for (text, parameter) in [
        ("status=503", "status"),
        ("delay=exp(1s,max=2s)", "delay"),
        ("delay=load(1s,1s)", "delay"),
        ("delay=1s,2s", "delay"),
        ("delay=1s:0", "delay"),
        ("fault=hang", "fault"),
        ("nodata=false", "nodata"),
        ("id=abc", "id"),
        ("header=A:b", "header"),
    ] {
        let fault = Fault::parse(text, Separator::Ampersand).unwrap();
        assert_eq!(fault_labels(&fault).unwrap_err().parameter, parameter, "{text}");
    }
    let who = Identity::from_header(b"source=a/b;op=c;id=short.1").unwrap();
    assert_eq!(identity_labels(who).unwrap_err().parameter, "id");
    let who = Identity::from_header(b"source=a/b;op=c;id=abcd2345.1").unwrap();
    let zone = format!("{0}.{0}.test", "a".repeat(60)).parse().unwrap();
    let long = "fault=badcase:1,lame:1,noaa:1,garbage:1,empty:1,reset:1,oversize:1,abort:1,badhead:1,cut:1,dup:1,late:1,drop:1,tc:1,tcf:1,qr0:1,badid:1,badq:1";
    let fault = Fault::parse(long, Separator::Ampersand).unwrap();
    assert!(matches!(fault_name(who, &fault, &zone), Err(Unsayable { parameter: "", .. })));
}

fn token() -> impl Strategy<Value = &'static str> {
    let singles = ["udp", "tcp", "ip-1-2-3-4", "who", "cnt", "g10", "g0", "gp7", "s0", "s18446744073709551615"];
    let choices = TOKENS.iter().flat_map(|(tokens, _)| tokens.split('.'));
    proptest::sample::select(choices.chain(singles).collect::<Vec<_>>())
}

proptest! {
    #[test]
    fn say_then_read_is_identity(who in identity(), tokens in prop::collection::vec(token(), 0..6)) {
        if let Ok(asked) = fault(&tokens.join(".")).or_else(|errors| if tokens.is_empty() { Ok(Fault::default()) } else { Err(errors) }) {
            let zone = Zone::default();
            if let Ok(text) = fault_name(who, &asked, &zone) {
                prop_assert!(text.len() <= NAME_MAX_BYTES + 1);
                let labels: Vec<&[u8]> = text.trim_end_matches('.').split('.').map(str::as_bytes).collect();
                prop_assert!(labels.iter().all(|label| (1..=LABEL_MAX_BYTES).contains(&label.len())));
                match name(&labels, &zone) {
                    NameAsk::Armed { identity, fault, .. } => prop_assert_eq!((identity, fault), (Some(who), Ok(asked))),
                    other => prop_assert!(false, "{:?}", other),
                }
            }
        }
    }

    #[test]
    fn whatever_can_be_said_is_read_back(asked in any::fault()) {
        let sayable: Vec<_> = asked.keys().filter_map(|key| {
            let others: Vec<_> = asked.keys().filter(|other| *other != key).collect();
            Some(asked.clone().without(&others)).filter(|one| fault_labels(one).is_ok())
        }).collect();
        for one in sayable {
            let labels = fault_labels(&one).unwrap();
            prop_assert_eq!(fault(&labels.join(".")), Ok(one), "{:?}", labels);
        }
    }

    #[test]
    fn any_labels_are_asked_or_wrong(
        noise in prop::collection::vec(prop::collection::vec(any::<u8>(), 0..12), 0..5),
        near in "x?[a-z0-9]{3,9}([.](d|rc|an|ip-|ip6-|len|cut|g|s|op-|from-|rel-|ttl)[a-z0-9-]{0,9}){0,4}",
        under in proptest::sample::select(&["f", "ok", "zz"][..]),
    ) {
        let tail = [under.as_bytes(), b"cload", b"test"];
        let noise: Vec<&[u8]> = noise.iter().map(Vec::as_slice).chain(tail).collect();
        let armed: Vec<&[u8]> = [&b"x1234"[..]].into_iter().chain(noise.iter().copied()).collect();
        let near: Vec<&[u8]> = near.split('.').map(str::as_bytes).chain(tail).collect();
        for labels in [&noise, &armed, &near] {
            if let NameAsk::Armed { fault, .. } = name(labels, &Zone::default()) {
                match fault {
                    Ok(fault) => {
                        let said = fault_labels(&fault).unwrap();
                        let again: Vec<&[u8]> = [&b"x1234"[..]].into_iter().chain(said.iter().map(String::as_bytes)).chain(tail).collect();
                        let again = match name(&again, &Zone::default()) {
                            NameAsk::Armed { fault, .. } => fault,
                            other => panic!("{other:?}"),
                        };
                        prop_assert_eq!(again, Ok(fault));
                    }
                    Err(errors) => prop_assert!(error_text(&errors).len() <= 255),
                }
            }
        }
    }
}
