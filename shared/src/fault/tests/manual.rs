//! The manual's examples are tests, and the manual covers the language.

use crate::carrier;
use crate::carrier::dns::{NameAsk, Zone};
use crate::fault::kind::FaultKind;
use crate::fault::token::Token;
use crate::fault::{Dialect, Fault, Key, Limits, Separator, SpecErrorCode};

const MANUAL: &str = include_str!(concat!(env!("CARGO_MANIFEST_DIR"), "/../docs/faults.md"));

/// The lines of every fenced block with this info string.
fn examples(info: &str) -> Vec<&'static str> {
    let mut inside = None;
    let mut lines = Vec::new();
    for line in MANUAL.lines() {
        match (line.strip_prefix("```"), inside) {
            (Some(opened), None) => inside = Some(opened),
            (Some(_), Some(_)) => inside = None,
            (None, Some(block)) if block == info => lines.push(line),
            (None, _) => {}
        }
    }
    assert!(!lines.is_empty(), "the manual has no block {info}");
    lines
}

#[test]
fn every_example_survives_every_carrier() {
    for text in examples("fault") {
        // What web forms write for a space is read by the query carrier alone.
        let fault = carrier::query(text).unwrap_or_else(|errors| panic!("{text}: {errors}"));
        for separator in [Separator::Ampersand, Separator::Semicolon, Separator::Space] {
            assert_eq!(Fault::parse(&fault.to_text(separator), separator), Ok(fault.clone()), "{text}");
        }
        assert_eq!(carrier::query(&fault.to_query()), Ok(fault.clone()), "{text}");
        assert_eq!(carrier::header(&fault.to_text(Separator::Semicolon)), Ok(fault.clone()), "{text}");
        let can = |dialect: &Dialect| fault.check(*dialect, &Limits::default()).is_ok();
        assert!(Dialect::ALL.iter().any(can), "{text} is refused by every protocol");
    }
}

#[test]
fn every_mistake_is_found_where_the_manual_says() {
    let blocks = [
        ("fault-error", Dialect::Http1),
        ("fault-error http2", Dialect::Http2),
        ("fault-error tcp", Dialect::Tcp),
        ("fault-error dns", Dialect::Dns),
    ];
    let lines =
        blocks.into_iter().flat_map(|(info, dialect)| examples(info).into_iter().map(move |line| (line, dialect)));
    for (line, dialect) in lines {
        let (text, expected) = line.split_once(" # ").unwrap_or_else(|| panic!("{line} says nothing"));
        let checked = carrier::query(text).and_then(|fault| fault.check(dialect, &Limits::default()));
        let errors = checked.err().unwrap_or_else(|| panic!("{text} is right"));
        let first = errors.first();
        assert_eq!(format!("{} {} {}", first.parameter, first.position, first.code), expected, "{text}: {errors}");
    }
}

#[test]
fn every_line_and_every_name_asks_what_the_manual_says() {
    for line in examples("fault-line") {
        let (text, expected) = line.split_once(" # ").unwrap_or_else(|| panic!("{line} says nothing"));
        let (command, _) = carrier::command(text.as_bytes()).unwrap_or_else(|| panic!("{line} is no command"));
        let read = carrier::line(command, Separator::Space);
        assert_eq!(read.fault, carrier::query(expected), "{line}");
        assert_eq!(read.fault.unwrap().check(Dialect::Tcp, &Limits::default()), Ok(()), "{line}");
        assert_eq!(read.identity.is_some(), text.contains("source="), "{line}");
    }
    for line in examples("fault-name") {
        let (text, expected) = line.split_once(" # ").unwrap_or_else(|| panic!("{line} says nothing"));
        let labels: Vec<&[u8]> = text.trim_end_matches('.').split('.').map(str::as_bytes).collect();
        let NameAsk::Armed { identity, fault, .. } = carrier::dns::name(&labels, &Zone::default()) else {
            panic!("{text} asks nothing");
        };
        assert_eq!(fault, carrier::query(expected), "{line}");
        assert_eq!(fault.unwrap().check(Dialect::Dns, &Limits::default()), Ok(()), "{line}");
        assert_eq!(identity.is_some(), text.contains("from-"), "{line}");
    }
}

#[test]
fn commands_are_regular() {
    let lines = examples("sh");
    for (i, line) in lines.iter().enumerate() {
        let next_is_expectation = lines.get(i + 1).is_some_and(|next| next.starts_with("# "));
        match line.strip_prefix("# ").and_then(|line| line.split_once('=')) {
            Some((key, value)) => {
                assert!(["status", "exit", "size", "header"].contains(&key) && !value.is_empty(), "{line}");
            }
            None => assert!(line.starts_with("curl ") && next_is_expectation, "{line}"),
        }
    }
}

/// What each command of the manual asks for in its query or header, if it is a valid spec for HTTP/1.1.
fn commanded() -> Vec<Fault> {
    let commands = examples("sh").into_iter().filter(|line| line.starts_with("curl "));
    let spec = |line: &str| {
        let query = line.split_once('?').map_or("", |(_, query)| query.trim_end_matches('\''));
        carrier::query(query).ok().filter(|fault| fault.check(Dialect::Http1, &Limits::default()).is_ok())
    };
    commands.filter_map(spec).collect()
}

#[test]
fn every_key_is_explained_and_every_http_key_is_run() {
    for key in Key::all() {
        let name = key.as_str();
        let row =
            |line: &str| line.starts_with("| `") && line.split('|').nth(1).unwrap().contains(&format!("`{name}`"));
        assert!(MANUAL.lines().any(row), "{name} has no row");
        let used = |text: &&str| carrier::query(text).unwrap().keys().any(|used| used == key);
        assert!(examples("fault").iter().any(used), "{name} has no example");
        let run = || commanded().iter().any(|fault| fault.keys().any(|used| used == key));
        assert!(!key.dialects().contains(&Dialect::Http1) || run(), "{name} is never run");
    }
}

#[test]
fn every_kind_is_explained_and_every_http_kind_is_run() {
    let kinds = "hang empty reset abort badchunk garbage clen(+1) clen(-1) badhead h2rst(0) goaway(0) nostatus oversize \
                 drop tc tcf badid badq badcase qr0 noaa lame cut cut(9) dup late";
    for text in kinds.split(' ') {
        let kind = FaultKind::parse(Token::new(text)).unwrap();
        let word = kind.as_str();
        assert!(MANUAL.contains(&format!("`{word}`")) || MANUAL.contains(&format!("`{word}(")), "{word}");
        let run = || commanded().iter().any(|fault| fault.to_string().contains(&format!("fault={word}")));
        assert!(!kind.dialects().contains(&Dialect::Http1) || run(), "{word} is never run");
    }
}

#[test]
fn every_error_code_is_explained() {
    for code in SpecErrorCode::ALL {
        assert!(MANUAL.contains(&format!("| `{code}` |")), "{code}");
    }
}
