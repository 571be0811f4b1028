//! From what was written to what can strike: everything is checked, all that is wrong is said at once, and nothing is
//! guessed but the defaults.

mod matching;

use std::time::Duration;

use shared::fault::{Dialect, Fault, Key, Limits, Separator, SpecErrors};
use shared::protocol::Protocol;
use shared::units::{Ppm, parse_duration, parse_percent, print_duration};

use super::chance::{Chance, Ramp};
use super::id::{self, RuleId};
use super::matcher::Matcher;
use super::refused::{Refused, Wrong};
use super::written::{Written, WrittenRamp};

/// What is asked for first if nothing is said.
const PRIORITY_DEFAULT: i64 = 100;
const PRIORITY_MAX: i64 = 1000;
/// Shortest life of a rule, and shortest ramp.
pub(super) const TTL_MIN: Duration = Duration::from_secs(1);
const OWNER_MAX_BYTES: usize = 128;
const REASON_MAX_BYTES: usize = 256;
/// The owner that is shown of what flags ask for.
pub(super) const FLAGS: &str = "flags";

/// What a fault may ask for in a request but not in a rule, and why.
const NOT_IN_RULES: [(Key, &str); 4] = [
    (Key::Seed, "the field seed, which covers the percentage too"),
    (Key::Id, "no id: one id for all requests would give all of them one fate"),
    (Key::Bytes, "no bytes: how an exchange is framed is up to the client"),
    (Key::Ack, "no ack: how an exchange is framed is up to the client"),
];

/// What a rule is for.
const EFFECTS: &str = "one of the effects too, such as delay, rate, fault, or a status of 400 or more";

/// What a rule may ask for.
#[derive(Debug)]
pub(super) struct Terms {
    pub(super) limits: Limits,
    pub(super) ttl_max: Duration,
}

/// A rule that makes sense.
pub(super) struct Spec {
    pub(super) id: Option<RuleId>,
    /// `None` only if none was required.
    pub(super) ttl: Option<Duration>,
    pub(super) start_after: Duration,
    pub(super) priority: i64,
    pub(super) matcher: Matcher,
    pub(super) chance: Chance,
    pub(super) max_hits: Option<u64>,
    pub(super) seed: Option<u64>,
    pub(super) fault: Fault,
    pub(super) overrides: bool,
    /// The same in one spelling, defaults filled in.
    pub(super) normal: Written,
}

/// Reads a rule.
pub(super) fn read(written: &Written, terms: &Terms, needs_ttl: bool) -> Result<Spec, Refused> {
    let mut reader = Reader(Vec::new());
    let id = written.id.as_ref().and_then(|id| reader.take("id", id.parse().map_err(|_| bad_id(id))));
    reader.text("owner", written.owner.as_deref(), OWNER_MAX_BYTES);
    reader.text("reason", written.reason.as_deref(), REASON_MAX_BYTES);
    if written.owner.as_deref() == Some(FLAGS) {
        reader.refuse("owner", format!("{FLAGS:?} stands for the command line"), "another name");
    }
    let ttl = reader.ttl(written, terms, needs_ttl);
    let start_after = reader.start_after(written, ttl);
    let priority = written.priority.unwrap_or(PRIORITY_DEFAULT);
    if !(0..=PRIORITY_MAX).contains(&priority) {
        reader.refuse("priority", format!("{priority} is out of range"), format!("0 to {PRIORITY_MAX}"));
    }
    let (matcher, matches) = matching::read(&mut reader, written.matches.as_ref());
    let (chance, percent) = reader.chance(written);
    if written.max_hits == Some(0) {
        reader.refuse("max_hits", "0 would never strike", "1 or more, or no such field");
    }
    let fault = reader.fault(written.fault.as_deref(), &matcher.protocols, &terms.limits);
    if !reader.0.is_empty() {
        return Err(Refused::Invalid(reader.0));
    }
    let overrides = written.override_request.unwrap_or(false);
    let normal = Written {
        ttl: ttl.map(print_duration),
        start_after: Some(print_duration(start_after)),
        priority: Some(priority),
        matches: Some(matches),
        percent: percent.map(number),
        offset: written.every.map(|_| written.offset.unwrap_or(0)),
        fault: Some(fault.to_text(Separator::Ampersand)),
        override_request: Some(overrides),
        ..written.clone()
    };
    let (max_hits, seed) = (written.max_hits, written.seed);
    Ok(Spec { id, ttl, start_after, priority, matcher, chance, max_hits, seed, fault, overrides, normal })
}

fn bad_id(id: &str) -> Flaw {
    (format!("{id:?} is no id of a rule"), id::EXPECTED.to_owned())
}

fn number(ppm: Ppm) -> serde_json::Number {
    ppm.to_string().parse().expect("a percentage is a number")
}

/// What is wrong with one text, and what would be right.
type Flaw = (String, String);

/// Collects what is wrong.
struct Reader(Vec<Wrong>);

impl Reader {
    fn refuse(&mut self, field: &str, reason: impl Into<String>, expected: impl Into<String>) {
        let wrong = Wrong { field: field.to_owned(), reason: reason.into(), expected: expected.into() };
        // Two protocols of one family often cannot do the same thing; once is enough.
        if !self.0.contains(&wrong) {
            self.0.push(wrong);
        }
    }

    fn take<T>(&mut self, field: &str, result: Result<T, Flaw>) -> Option<T> {
        result.map_err(|(reason, expected)| self.refuse(field, reason, expected)).ok()
    }

    fn text(&mut self, field: &str, text: Option<&str>, max_bytes: usize) {
        let good =
            |text: &str| !text.trim().is_empty() && text.len() <= max_bytes && !text.chars().any(char::is_control);
        if text.is_some_and(|text| !good(text)) {
            let expected = format!("1 to {max_bytes} bytes of visible text");
            self.refuse(field, "empty, too long, or with control characters", expected);
        }
    }

    fn duration(&mut self, field: &str, text: &str) -> Option<Duration> {
        self.take(field, parse_duration(text).map_err(|error| (error.reason, error.expected.to_owned())))
    }

    fn ttl(&mut self, written: &Written, terms: &Terms, needed: bool) -> Option<Duration> {
        let expected = ttl_range(terms.ttl_max);
        let Some(text) = &written.ttl else {
            if needed {
                self.refuse("ttl", "missing: no rule lives for ever", expected);
            }
            return None;
        };
        let ttl = self.duration("ttl", text)?;
        let good = (TTL_MIN..=terms.ttl_max).contains(&ttl);
        if !good {
            self.refuse("ttl", format!("{text:?} is out of range"), expected);
        }
        good.then_some(ttl)
    }

    fn start_after(&mut self, written: &Written, ttl: Option<Duration>) -> Duration {
        let text = written.start_after.as_deref();
        let start_after = text.and_then(|text| self.duration("start_after", text)).unwrap_or_default();
        if ttl.is_some_and(|ttl| start_after >= ttl) {
            let expected = "less than ttl, which counts from the installation";
            self.refuse("start_after", "the rule would end before it begins", expected);
        }
        start_after
    }

    fn percent(&mut self, field: &str, number: &serde_json::Number) -> Ppm {
        let parsed = parse_percent(&number.to_string()).map_err(|error| (error.reason, error.expected.to_owned()));
        self.take(field, parsed).unwrap_or(Ppm::ONE)
    }

    /// Also the percentage, unless the rule counts.
    fn chance(&mut self, written: &Written) -> (Chance, Option<Ppm>) {
        let Some(n) = written.every else {
            if written.offset.is_some() {
                self.refuse("offset", "there is no every", "every with offset, or neither");
            }
            let percent = written.percent.as_ref().map_or(Ppm::ONE, |number| self.percent("percent", number));
            let ramp = written.ramp.as_ref().and_then(|ramp| self.ramp(ramp, percent));
            return (Chance::Percent { percent, ramp }, Some(percent));
        };
        if written.percent.is_some() {
            self.refuse("percent", "every is there too", "one of the two");
        }
        if written.ramp.is_some() {
            self.refuse("ramp", "every is there too", "a ramp of percent");
        }
        if n == 0 {
            self.refuse("every", "0 is no count", "1 or more");
        }
        let offset = written.offset.unwrap_or(0);
        if n > 0 && offset >= n {
            self.refuse("offset", format!("{offset} is not under every"), format!("0 to {}", n - 1));
        }
        (Chance::every(n.max(1), offset), None)
    }

    fn ramp(&mut self, ramp: &WrittenRamp, percent: Ppm) -> Option<Ramp> {
        let from = self.percent("ramp.from", &ramp.from);
        if from > percent {
            self.refuse("ramp.from", format!("{from} is over percent"), format!("0 to {percent}"));
        }
        let over = self.duration("ramp.over", &ramp.over)?;
        if over < TTL_MIN {
            self.refuse("ramp.over", format!("{:?} is out of range", ramp.over), "1s or more");
            return None;
        }
        Some(Ramp { from, over })
    }

    /// The fault, if every one of the protocols can do it.
    fn fault(&mut self, text: Option<&str>, protocols: &[Protocol], limits: &Limits) -> Fault {
        let parsed = Fault::parse(text.unwrap_or_default(), Separator::Ampersand);
        let fault = parsed.unwrap_or_else(|errors| {
            self.spec(&errors);
            Fault::default()
        });
        let is_read = self.0.iter().all(|wrong| wrong.field != "fault");
        if fault.is_empty() && is_read {
            self.refuse("fault", "it asks for nothing", "a fault spec such as \"status=503:50&delay=20ms..80ms\"");
        } else if !fault.injects() && is_read {
            // It would strike and be counted nowhere: `max_hits` would never end it, and no account would show it.
            self.refuse("fault", "nothing of it makes an answer worse", EFFECTS);
        }
        for (key, expected) in NOT_IN_RULES {
            if fault.keys().any(|asked| asked == key) {
                self.refuse("fault", format!("{}= is no part of a rule", key.as_str()), expected);
            }
        }
        let spoken = |dialect: &Dialect| protocols.iter().any(|protocol| protocol.dialect() == *dialect);
        for dialect in Dialect::ALL.into_iter().filter(spoken) {
            if let Err(errors) = fault.check(dialect, limits) {
                self.spec(&errors);
            }
        }
        fault
    }

    fn spec(&mut self, errors: &SpecErrors) {
        for error in errors {
            let place = format!("{}: {} at byte {}", error.parameter, error.code, error.position);
            self.refuse("fault", format!("{place}: {}", error.reason), error.expected.as_str());
        }
    }
}

/// What a `ttl` may be, in words.
pub(super) fn ttl_range(max: Duration) -> String {
    format!("{} to {}", print_duration(TTL_MIN), print_duration(max))
}
