//! The tokens of a fault name, read: each label is one choice of one key.
//!
//! A token is turned into what the same choice is called everywhere else and read by the same reader, so that the two
//! cannot drift apart. Lower-case letters, digits and hyphens; no dots, so no decimals: smaller units instead.

use super::Label;
use crate::fault::{
    Ask, Dialect, Expr, Fault, FaultKind, Key, Place, Source, SpecError, SpecErrorCode, SpecErrors, Token,
};
use crate::fault::{Value, weight_flaw};
use crate::units::Ppm;
use crate::weighted::{Choice, Weighted};

/// How the tokens with an argument begin, what they say, and what they should look like. Longer beginnings first.
pub(super) const STEMS: [(&str, Key, &str, Reader); 19] = [
    ("dln", Key::Delay, "a median and a 99th percentile such as dln80ms-400ms", |rest| call("lognormal", rest)),
    ("dex", Key::Delay, "a mean such as dex50ms", |rest| Some(format!("exp({rest})"))),
    ("dno", Key::Delay, "a mean and a deviation such as dno100ms-20ms", |rest| call("normal", rest)),
    ("dpa", Key::Delay, "a minimum and a 99th percentile such as dpa10ms-100ms", |rest| call("pareto", rest)),
    ("d", Key::Delay, "a duration such as d250ms or d20ms-400ms", |rest| range(rest, "")),
    ("rc", Key::Rcode, "rcnx, rcsrv, rcref, rcfmt, rcnotimp, rcyx, or rc and a number up to 4095", rcode),
    ("an", Key::Count, "a number of answers such as an3", |rest| range(rest, "")),
    ("sz", Key::Size, "a number of bytes such as sz1400", |rest| range(rest, "")),
    ("ttl", Key::Ttl, "a number of seconds such as ttl5", |rest| range(rest, "s")),
    ("neg", Key::Neg, "a number of seconds such as neg5", |rest| range(rest, "s")),
    ("cut", Key::Fault, "cut, or cut and a number of bytes such as cut20", |rest| Some(format!("cut({rest})"))),
    ("len", Key::Fault, "a difference such as len10 or len-10", clen),
    ("cn", Key::Cname, "the length of a chain from cn1 to cn16, or cnloop", |rest| Some(rest.to_owned())),
    ("ede", Key::Ede, "an extended error code such as ede22", |rest| Some(rest.to_owned())),
    ("ip6-", Key::Addr, "an IPv6 address in 32 hex digits", ip6),
    ("ip-", Key::Addr, "an IPv4 address such as ip-10-0-0-5", |rest| Some(rest.replace('-', "."))),
    ("gm", Key::P, "a permille such as gm5", |rest| percent(rest, 1_000)),
    ("gp", Key::P, "parts per million such as gp50", |rest| percent(rest, 1)),
    ("g", Key::P, "a percentage such as g10", |rest| percent(rest, 10_000)),
];

type Reader = fn(&str) -> Option<String>;

const SEED: &str = "a seed such as s42";
const KNOWN: &str = "a token such as d250ms, rcsrv-p10, nodata, an3, sz1400, ttl5, tc, drop, cn3, ede22, udp or who";
const SUFFIX: &str = "a probability such as -p10, -pm5 or -pp50 only behind what is left to chance";

/// The names that some response codes have in a token.
pub(super) const RCODES: [(&str, &str); 6] = [
    ("nx", "NXDOMAIN"),
    ("srv", "SERVFAIL"),
    ("ref", "REFUSED"),
    ("fmt", "FORMERR"),
    ("notimp", "NOTIMP"),
    ("yx", "YXDOMAIN"),
];

/// The steps of a probability: suffix and parts per million. The finer ones, being longer, first.
pub(super) const STEPS: [(&str, u32); 3] = [("pm", 1_000), ("pp", 1), ("p", 10_000)];

/// The tokens of one name, choices of one key together.
#[derive(Default)]
pub(super) struct Tokens<'a> {
    asks: Vec<(Key, Vec<Choice<Expr>>, Label<'a>)>,
    singles: Vec<Ask>,
    errors: Vec<SpecError>,
}

impl<'a> Tokens<'a> {
    pub(super) fn hear(&mut self, label: &Label<'a>) {
        if let Err(error) = self.take(label) {
            self.errors.push(error);
        }
    }

    /// All of them as one fault.
    pub(super) fn fault(self) -> Result<Fault, SpecErrors> {
        let Tokens { asks, singles: mut whole, mut errors } = self;
        for (key, choices, label) in asks {
            match Weighted::new(choices) {
                Ok(weighted) => whole.push(label.ask(key, Value::Choices(weighted))),
                Err(error) => {
                    let flaw = weight_flaw(Token::new(&label.text), error);
                    errors.push(label.error(flaw.code, key.as_str(), flaw.reason, &flaw.expected));
                }
            }
        }
        SpecErrors::none_or(errors)?;
        Ok(Fault::of(whole))
    }

    fn take(&mut self, label: &Label<'a>) -> Result<(), SpecError> {
        let (token, weight) = split_probability(&label.text);
        let (key, expected, value) = read(token).ok_or_else(|| {
            let reason = format!("unknown token {:?} (label {})", label.text, label.number);
            label.error(SpecErrorCode::UnknownParameter, &label.text, reason, KNOWN)
        })?;
        let wrong = || label.wrong(key.as_str(), expected);
        let again = |expected| {
            let reason = format!("a second {} (label {})", key.as_str(), label.number);
            label.error(SpecErrorCode::InvalidParameter, key.as_str(), reason, expected)
        };
        let text = value.ok_or_else(wrong)?;
        if key.form().takes_choices() {
            let value = Expr::parse(Token::new(&text), key.form()).map_err(|_| wrong())?;
            let choice = Choice { value, weight };
            match self.asks.iter_mut().find(|(known, ..)| *known == key) {
                Some((_, choices, _)) if weight.is_none() && choices.iter().any(|choice| choice.weight.is_none()) => {
                    return Err(again("a probability such as -p10 behind all but one of them"));
                }
                Some((_, choices, _)) => choices.push(choice),
                None => self.asks.push((key, vec![choice], label.clone())),
            }
            return Ok(());
        }
        let value = Value::parse(&text, key).map_err(|_| wrong())?;
        if weight.is_some() {
            return Err(label.wrong(key.as_str(), SUFFIX));
        }
        if self.singles.iter().any(|ask| ask.key == key) {
            return Err(again("it once"));
        }
        self.singles.push(label.ask(key, value));
        Ok(())
    }
}

impl Label<'_> {
    fn ask(&self, key: Key, value: Value) -> Ask {
        let place = Place { source: Source::Name, position: self.at };
        Ask { key, value, written: self.text.to_string(), place }
    }
}

/// The key a token is about, what it should look like, and what it says in the words of the key; `None` if no token
/// begins so.
fn read(token: &str) -> Option<(Key, &'static str, Option<String>)> {
    let plain = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-';
    if !token.bytes().all(plain) {
        return None;
    }
    let word = |key, text: &str| Some((key, "", Some(text.to_owned())));
    match token {
        "nodata" => return word(Key::Nodata, "true"),
        "cnloop" => return word(Key::Cname, "loop"),
        "udp" | "tcp" => return word(Key::Over, token),
        "who" | "cnt" => return word(Key::Answer, token),
        _ => {}
    }
    if kinds().any(|kind| kind.as_str() == token) {
        return word(Key::Fault, token);
    }
    let begins_number = |rest: &str| rest.starts_with(|c: char| c.is_ascii_digit());
    if let Some(seed) = token.strip_prefix('s').filter(|rest| begins_number(rest)) {
        return Some((Key::Seed, SEED, Some(seed.to_owned())));
    }
    STEMS.iter().find_map(|(stem, key, expected, reader)| {
        let rest = token.strip_prefix(stem)?;
        Some((*key, *expected, reader(rest)))
    })
}

/// The kinds that are words of their own.
pub(super) fn kinds() -> impl Iterator<Item = FaultKind> {
    FaultKind::PLAIN.into_iter().filter(|kind| kind.dialects().contains(&Dialect::Dns))
}

fn split_probability(token: &str) -> (&str, Option<Ppm>) {
    let weight = |suffix: &str| {
        let (number, step) = STEPS.iter().find_map(|(stem, step)| Some((suffix.strip_prefix(stem)?, *step)))?;
        parts(number, step).filter(|ppm| *ppm > Ppm::ZERO)
    };
    match token.rsplit_once('-').map(|(token, suffix)| (token, weight(suffix))) {
        Some((token, Some(weight))) => (token, Some(weight)),
        _ => (token, None),
    }
}

fn parts(number: &str, step: u32) -> Option<Ppm> {
    crate::fault::number::<u32>(number).and_then(|number| number.checked_mul(step)).and_then(Ppm::new)
}

fn percent(number: &str, step: u32) -> Option<String> {
    parts(number, step).map(|ppm| ppm.to_string())
}

/// `a` or `a-b`.
fn range(text: &str, unit: &str) -> Option<String> {
    Some(match text.split_once('-') {
        Some((low, high)) => format!("{low}{unit}..{high}{unit}"),
        None => format!("{text}{unit}"),
    })
}

fn call(name: &str, text: &str) -> Option<String> {
    text.split_once('-').map(|(first, second)| format!("{name}({first},{second})"))
}

fn rcode(text: &str) -> Option<String> {
    let named = RCODES.iter().find(|(token, _)| *token == text).map(|(_, name)| *name);
    let number = || crate::fault::number::<u16>(text).map(|code| code.to_string());
    named.map(str::to_owned).or_else(number)
}

fn clen(text: &str) -> Option<String> {
    let sign = if text.starts_with('-') { "" } else { "+" };
    Some(format!("clen({sign}{text})"))
}

fn ip6(digits: &str) -> Option<String> {
    let bits = u128::from_str_radix(digits, 16).ok().filter(|_| digits.len() == 32)?;
    Some(std::net::Ipv6Addr::from(bits).to_string())
}
