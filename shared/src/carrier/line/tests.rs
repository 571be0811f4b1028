//! The command line and the EDNS option: what they carry, and whose mistake a mistake is.

use proptest::prelude::*;
use proptest::sample::select;

use super::*;
use crate::fault::tests::any;

fn read(text: &str) -> Line {
    line(text.as_bytes(), Separator::Space)
}

pub(crate) fn identity() -> impl Strategy<Value = Identity> {
    let name = || "[a-z0-9_-]{1,32}".prop_map(|name| name.parse::<Name>().unwrap());
    let session = "[a-z2-7]{8}".prop_map(|name| name.parse::<Name>().unwrap());
    (name(), prop::option::of(name()), name(), session, any::<u64>()).prop_map(
        |(namespace, release, operation, session, seq)| Identity {
            source: Sender::new(namespace, release),
            operation,
            id: RequestId { session, seq },
        },
    )
}

#[test]
fn an_identity_stands_beside_the_fault() {
    let Line { identity, fault } = read("source=team-a/nightly delay=200ms op=echo id=abcd2345.7 chunk=512");
    let expected = Identity::from_header(b"source=team-a/nightly;op=echo;id=abcd2345.7");
    assert_eq!((identity, fault.unwrap().to_string().as_str()), (expected, "delay=200ms&chunk=512"));
    let option = line(b"op=a; id=b.1;source=c;rcode=SERVFAIL:5", Separator::Semicolon);
    assert_eq!(option.identity, Identity::from_header(b"source=c;op=a;id=b.1"));
    assert_eq!(option.fault.unwrap().to_string(), "rcode=SERVFAIL:5");
}

#[test]
fn alone_the_id_is_the_faults() {
    for (text, canonical) in
        [("id=x.7 delay=1s", "delay=1s&id=x.7"), ("id=any-word", "id=any-word"), ("", ""), ("  size=5  ", "size=5")]
    {
        let Line { identity, fault } = read(text);
        assert_eq!((identity, fault.unwrap().to_string().as_str()), (None, canonical), "{text}");
    }
}

#[test]
fn mistakes_are_named_where_they_stand() {
    for (text, expected) in [
        ("delay=10x", "delay 6"),
        ("source=a op=b id=c.1 delay=10x", "delay 27"),
        ("source=A op=b id=c.1", "source 7"),
        ("source=a op=B id=c.1 delay=x", "op 12, delay 27"),
        ("source=a op=b id=c", "id 17"),
        ("source=a op=b", "id 0"),
        ("op=b id=c.1", "source 0"),
        ("source=a id=c.1", "op 0"),
        ("source=a op=b id=c.1 id=c.2", "id 24"),
        ("sauce=a", "sauce 0"),
    ] {
        let errors = read(text).fault.unwrap_err();
        assert!(errors.iter().all(|error| error.source == Source::Line && !error.expected.is_empty()), "{errors}");
        let found: Vec<String> = errors.iter().map(|error| format!("{} {}", error.parameter, error.position)).collect();
        assert_eq!(found.join(", "), expected, "{text}");
    }
    assert_eq!(line(b"delay=x", Separator::Semicolon).fault.unwrap_err().first().source.as_str(), "edns");
    assert!(read("source=a op=b id=c.1 delay=x").identity.is_some(), "a mistake has its sender");
    let errors = line(b"delay=1s \xff", Separator::Space).fault.unwrap_err();
    assert_eq!((errors.first().position, errors.first().reason.as_str()), (9, "the line is not UTF-8"));
}

#[test]
fn a_line_has_an_end() {
    let max = TCP_LINE_MAX_BYTES - TCP_PREFIX.len() - 1;
    let long = format!("{:>max$}", "size=5");
    assert_eq!(read(&long).fault.unwrap().to_string(), "size=5");
    let errors = read(&format!(" {long}")).fault.unwrap_err();
    assert_eq!(errors.first().code, SpecErrorCode::SpecTooLong);
    assert!(
        compose_line(
            None,
            &Fault::parse(&format!("msg={}", "x".repeat(max)), Separator::Space).unwrap(),
            Separator::Space
        )
        .is_err()
    );
}

#[test]
fn commands_come_apart() {
    for (bytes, expected) in [
        (&b"CL/1 delay=1s\nabc"[..], Some((&b"delay=1s"[..], &b"abc"[..]))),
        (b"CL/1 delay=1s\r\n", Some((b"delay=1s", b""))),
        (b"CL/1 \n\n", Some((b"", b"\n"))),
        (b"CL/1 delay=1s", Some((b"delay=1s", b""))),
        (b"CL/2 delay=1s", None),
        (b"CL/1", None),
        (b"", None),
    ] {
        assert_eq!(command(bytes), expected, "{bytes:?}");
    }
}

#[test]
fn two_ids_cannot_share_a_line() {
    let identity = Identity::from_header(b"source=c;op=a;id=b.1");
    let fault = Fault::parse("id=x", Separator::Space).unwrap();
    assert_eq!(compose_line(identity, &fault, Separator::Space).unwrap_err().parameter, "id");
    assert_eq!(compose_line(None, &fault, Separator::Space).unwrap(), "id=x");
    assert_eq!(compose_line(identity, &Fault::default(), Separator::Semicolon).unwrap(), "source=c; op=a; id=b.1");
}

proptest! {
    #[test]
    fn compose_then_read_is_identity(
        identity in prop::option::of(identity()),
        fault in any::fault(),
        separator in select(&[Separator::Space, Separator::Semicolon][..]),
    ) {
        if let Ok(text) = compose_line(identity, &fault, separator) {
            prop_assert_eq!(line(text.as_bytes(), separator), Line { identity, fault: Ok(fault) }, "{}", text);
        }
    }

    #[test]
    fn any_bytes_are_a_line_or_errors(
        noise in prop::collection::vec(any::<u8>(), 0..60),
        near in "((source|op|id|delay|mode|rcode)=[a-z0-9.,:/é=]{0,9}[ ;]){0,5}",
        separator in select(&[Separator::Space, Separator::Semicolon][..]),
    ) {
        for bytes in [&noise[..], near.as_bytes()] {
            let _ = command(bytes);
            let Line { identity, fault } = line(bytes, separator);
            match fault {
                Ok(fault) => {
                    let text = compose_line(identity, &fault, separator).unwrap();
                    prop_assert_eq!(line(text.as_bytes(), separator), Line { identity, fault: Ok(fault) });
                }
                Err(errors) => prop_assert!(errors.iter().all(|error| error.position <= bytes.len() && !error.reason.is_empty())),
            }
        }
    }
}
