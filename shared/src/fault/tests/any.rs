//! Arbitrary well-formed specs, for properties.

use proptest::prelude::*;
use proptest::sample::{select, subsequence};

use crate::fault::dist::Unit;
use crate::fault::key::{Form, Key};
use crate::fault::percent::Escaped;
use crate::fault::{Fault, Separator};
use crate::units::Ppm;

/// Any fault that parses; whether it makes sense on some protocol is not asked.
pub(crate) fn fault() -> impl Strategy<Value = Fault> {
    let keys: Vec<Key> = Key::all().collect();
    let n = keys.len();
    let pairs = |keys: Vec<Key>| keys.into_iter().map(pair).collect::<Vec<_>>();
    subsequence(keys, 0..=n).prop_flat_map(pairs).prop_shuffle().prop_filter_map("over 2 KiB", |pairs| {
        let text = pairs.join("&");
        (text.len() <= super::super::SPEC_MAX_BYTES).then(|| super::parse(&text))
    })
}

/// As text with any separator.
pub(crate) fn separator() -> impl Strategy<Value = Separator> {
    select(&[Separator::Ampersand, Separator::Semicolon, Separator::Space][..])
}

fn pair(key: Key) -> BoxedStrategy<String> {
    let name = key.as_str();
    match key.form() {
        Form::Field => prop::collection::vec(("[A-WYZ][a-z-]{0,8}", "[ -~]{0,12}"), 1..3)
            .prop_map(move |fields| {
                let field = |(n, v): &(String, String)| format!("{name}=Y-{}:{}", Escaped(n), Escaped(v));
                fields.iter().map(field).collect::<Vec<_>>().join("&")
            })
            .boxed(),
        form => value(form).prop_map(move |value| format!("{name}={value}")).boxed(),
    }
}

fn value(form: Form) -> BoxedStrategy<String> {
    match form {
        Form::Amount(unit) => weighted(amount(unit)),
        Form::Status => weighted(prop_oneof![
            (200_u16..1000).prop_map(|code| code.to_string()),
            (0_u8..17).prop_map(|code| code.to_string()),
            select(&["UNAVAILABLE", "DataLoss", "ok"][..]).prop_map(str::to_owned),
        ]),
        Form::Flag => {
            prop_oneof![weighted(words(&["true", "false"])), percent().prop_map(|ppm| ppm.to_string())].boxed()
        }
        Form::Body => weighted(words(&["random", "zero", "text", "seq", "json", "echo"])),
        Form::Read => weighted(prop_oneof![
            words(&["all", "none"]),
            amount(Unit::Rate).prop_map(|dist| format!("rate({dist})")),
            amount(Unit::Bytes).prop_map(|dist| format!("first({dist})")),
        ]),
        Form::Fault => weighted(prop_oneof![
            words(&["hang", "empty", "reset", "abort", "badchunk", "garbage", "badhead", "nostatus", "oversize"]),
            words(&["drop", "tc", "tcf", "badid", "badq", "badcase", "qr0", "noaa", "lame", "cut", "dup", "late"]),
            (1_u16..).prop_map(|bytes| format!("cut({bytes})")),
            (0_u8..14).prop_map(|code| format!("h2rst({code})")),
            (0_u8..14).prop_map(|code| format!("goaway({code})")),
            any::<i64>().prop_filter("no fault", |n| *n != 0).prop_map(|n| format!("clen({n:+})")),
        ]),
        Form::At => weighted(prop_oneof![
            words(&["head", "body"]),
            amount(Unit::Bytes),
            percent().prop_map(|ppm| format!("{ppm}%")),
            amount(Unit::Duration).prop_map(|dist| format!("after({dist})")),
        ]),
        Form::Details => weighted(prop_oneof![
            words(&["errorinfo", "quota", "badrequest"]),
            any::<u64>().prop_map(|ns| format!("retryinfo({})", Unit::Duration.print(ns))),
        ]),
        Form::Trailers => weighted(words(&["only", "after"])),
        Form::Rcode => weighted(prop_oneof![
            (0_u16..4096).prop_map(|code| code.to_string()),
            words(&["NOERROR", "servfail", "NXDOMAIN", "YXDOMAIN", "BADCOOKIE"]),
        ]),
        Form::Cname => {
            weighted(prop_oneof![words(&["loop"]), (1_u8..17).prop_map(|length| length.to_string()).boxed()])
        }
        Form::Ede => weighted(any::<u16>().prop_map(|code| code.to_string())),
        Form::Switch => words(&["0", "1", "true", "false"]),
        Form::Mode => words(&["echo", "discard", "source", "chargen", "upper"]),
        Form::Length => (0_u64..).prop_map(|bytes| Unit::Bytes.print(bytes)).boxed(),
        Form::Addr => any::<std::net::IpAddr>().prop_map(|addr| addr.to_string()).boxed(),
        Form::Answer => words(&["who", "cnt"]),
        Form::Over => words(&["udp", "tcp"]),
        Form::Percent => percent().prop_map(|ppm| ppm.to_string()).boxed(),
        Form::Seed => any::<u64>().prop_map(|seed| seed.to_string()).boxed(),
        Form::Id => "[A-Za-z0-9._-]{1,64}".boxed(),
        Form::Text | Form::Field => {
            "[^\\x00-\\x1f\\x7f-\\x9f]{0,12}".prop_map(|text| Escaped(&text).to_string()).boxed()
        }
    }
}

fn words(words: &'static [&'static str]) -> BoxedStrategy<String> {
    select(words).prop_map(str::to_owned).boxed()
}

fn percent() -> impl Strategy<Value = Ppm> {
    (0_u32..=1_000_000).prop_map(|ppm| Ppm::new(ppm).unwrap())
}

/// One to three choices, some with weights that leave something for those without.
fn weighted(expr: impl Strategy<Value = String> + 'static) -> BoxedStrategy<String> {
    let weight = prop::option::of((0_u32..333_333).prop_map(|ppm| Ppm::new(ppm).unwrap()));
    let choice = (expr, weight).prop_map(|(expr, weight)| match weight {
        Some(weight) => format!("{expr}:{weight}"),
        None => expr,
    });
    prop::collection::vec(choice, 1..=3).prop_map(|choices| choices.join(",")).boxed()
}

fn amount(unit: Unit) -> BoxedStrategy<String> {
    let value = (unit.min().max(1)..unit.max()).boxed();
    let two = (value.clone(), value.clone()).prop_filter("equal", |(a, b)| a != b);
    let ordered = two.prop_map(move |(a, b)| (unit.print(a.min(b)), unit.print(a.max(b)))).boxed();
    let one = value.prop_map(move |a| unit.print(a)).boxed();
    let micro = (1_u32..9_999_999).prop_map(|micro| format!("{}.{:06}", micro / 1_000_000, micro % 1_000_000));
    let max = prop::option::of(Just(()));
    prop_oneof![
        one.clone(),
        ordered.clone().prop_map(|(a, b)| format!("{a}..{b}")),
        (ordered.clone(), max).prop_map(move |((a, b), max)| {
            let max = max.map(|()| format!(",max={b}")).unwrap_or_default();
            format!("normal({a},{b}{max})")
        }),
        one.clone().prop_map(|a| format!("exp({a})")),
        ordered.clone().prop_map(|(a, b)| format!("exp({a},max={b})")),
        ordered.clone().prop_map(|(a, b)| format!("lognormal({a},{b})")),
        (one.clone(), micro.clone()).prop_map(|(a, sigma)| format!("lognormal(median={a},sigma={sigma})")),
        ordered.clone().prop_map(|(a, b)| format!("pareto({a},{b},max={b})")),
        (one, micro).prop_map(|(a, alpha)| format!("pareto({a},alpha={alpha})")),
        ordered.clone().prop_map(|(a, b)| format!("pct(12.5={a},99={b})")),
        ordered.prop_map(|(a, b)| format!("load({a},{b},max={b})")),
    ]
    .boxed()
}
