//! What an answer says of itself where there are no headers: the answer line of TCP and UDP, and the EDNS option of a DNS
//! answer. The target prints, the injector parses; `parse ∘ print` is the identity.
//!
//! ```text
//! CL/1 OK id=abcd2345.7 dur=0.012 asked=203.114 server=pod/node/zone plan=delay:203.114ms,fault:reset
//! CL/1 ERR param=delay pos=6 value="10x" reason="unknown unit \"x\"" expected="a duration such as 10ms"
//! id=abcd2345.7;dur=0.012;asked=203.114;server=pod/node/zone;delay=203.114ms;rcode=SERVFAIL
//! ```

mod brief;
mod refusal;
mod text;

pub use refusal::Refusal;

use std::fmt;
use std::time::Duration;

use crate::carrier::TCP_PREFIX;
use crate::fault::{Fault, Key, Separator, Verdict};
use crate::units::Decimal;

/// The longest answer line, line feed included.
pub const REPLY_MAX_BYTES: usize = 1024;

/// An answer's account of itself. Durations have whole microseconds.
#[derive(Clone, Debug, PartialEq)]
pub struct Reply<'a> {
    /// The request's id (`<session>.<seq>`) or key, repeated.
    pub id: Option<&'a str>,
    /// The target's own time, neither asked for nor waited.
    pub own: Duration,
    /// What was asked for and waited.
    pub asked: Duration,
    /// The instance: `<pod>/<node>/<zone>`.
    pub server: &'a str,
    /// The target's rule that had a hand in it, by its id.
    pub rule: Option<&'a str>,
    /// What was done to this answer.
    pub plan: Plan,
}

/// What was done to an answer.
#[derive(Clone, Debug, Default, PartialEq)]
pub enum Plan {
    /// Nothing that makes it worse than a plain one.
    #[default]
    Plain,
    /// This, without chance; [`Plan::of`] the injector's own verdict is equal where both agree.
    Applied(Fault),
    /// A fault was asked for and not done: there were too many at once.
    Overflow,
    /// A fault was asked for and not done: faults are switched off.
    Disabled,
    /// A fault was asked for and not done: this client may not ask for one.
    Forbidden,
}

impl Plan {
    /// What a verdict makes of an answer. Seed and id are left out: the reply says the id by itself, and both sides know
    /// the seed.
    pub fn of(verdict: &Verdict) -> Plan {
        let effects = verdict.to_fault().without(&[Key::Seed, Key::Id]);
        if effects.injects() { Plan::Applied(effects) } else { Plan::Plain }
    }

    /// What a word of an answer says of a fault that was not done; nothing for any other text, such as a verdict. In the
    /// header of HTTP and gRPC it is the same word.
    pub fn refused(text: &str) -> Option<Plan> {
        match text {
            "overflow" => Some(Plan::Overflow),
            "disabled" => Some(Plan::Disabled),
            "forbidden" => Some(Plan::Forbidden),
            _ => None,
        }
    }

    /// The word of a plan that is no fault.
    fn word(&self) -> Option<&'static str> {
        match self {
            Plan::Overflow => Some("overflow"),
            Plan::Disabled => Some("disabled"),
            Plan::Forbidden => Some("forbidden"),
            Plan::Plain | Plan::Applied(_) => None,
        }
    }
}

/// What a line from the target says.
#[derive(Clone, Debug, PartialEq)]
pub enum Answer<'a> {
    /// The request was understood; its answer follows.
    Ok(Reply<'a>),
    /// The same, in a datagram that had no room for more than the id, or not even that.
    Brief(Option<&'a str>),
    /// It was not, and nothing follows.
    Err(Refusal),
}

/// Bytes that are no reply; an echo server that knows no commands sends such.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct NoReply(&'static str);

impl fmt::Display for NoReply {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "not a reply: {}", self.0)
    }
}

impl std::error::Error for NoReply {}

impl<'a> Answer<'a> {
    /// Reads an answer line; the line feed may be there or not.
    pub fn parse_line(line: &'a [u8]) -> Result<Answer<'a>, NoReply> {
        let line = line.strip_prefix(TCP_PREFIX).ok_or(NoReply("it does not begin with CL/1"))?;
        let line = std::str::from_utf8(line).map_err(|_| NoReply("it is not UTF-8"))?;
        let line = line.strip_suffix('\n').unwrap_or(line);
        match line.split_once(' ').or((line == "OK").then_some(("OK", ""))) {
            Some(("OK", rest)) if !rest.contains("dur=") => brief::parse(rest),
            Some(("OK", rest)) => Reply::parse(rest, ' ').map(Answer::Ok),
            Some(("ERR", rest)) => Refusal::parse(rest).map(Answer::Err),
            _ => Err(NoReply("it says neither OK nor ERR")),
        }
    }
}

impl<'a> Reply<'a> {
    /// The answer line, line feed included; at most [`REPLY_MAX_BYTES`].
    pub fn line(&self) -> String {
        let plan = match &self.plan {
            Plan::Applied(fault) => format!(" plan={}", text::plan(fault)),
            plan => plan.word().map(|word| format!(" plan={word}")).unwrap_or_default(),
        };
        let mut line = format!("CL/1 OK {}{plan}", self.facts(" "));
        // A pause between chunks keeps its choices, as many as were asked for: no reader could do with half of them.
        if line.len() >= REPLY_MAX_BYTES {
            line.truncate(line.len() - plan.len());
        }
        line.push('\n');
        line
    }

    /// The text of the EDNS option.
    pub fn option(&self) -> String {
        let facts = self.facts(";");
        match &self.plan {
            Plan::Applied(fault) => format!("{facts};{}", fault.to_text(Separator::Semicolon).replace("; ", ";")),
            plan => facts + &plan.word().map(|word| format!(";plan={word}")).unwrap_or_default(),
        }
    }

    /// Reads the text of the EDNS option.
    pub fn parse_option(option: &'a [u8]) -> Result<Reply<'a>, NoReply> {
        let option = std::str::from_utf8(option).map_err(|_| NoReply("it is not UTF-8"))?;
        Reply::parse(option, ';')
    }

    fn facts(&self, separator: &str) -> String {
        let id = self.id.map(|id| format!("id={}{separator}", text::Plain(id))).unwrap_or_default();
        let (own, asked, server) = (Ms(self.own), Ms(self.asked), text::Plain(self.server));
        let rule = self.rule.map(|rule| format!("{separator}rule={}", text::Plain(rule))).unwrap_or_default();
        format!("{id}dur={own}{separator}asked={asked}{separator}server={server}{rule}")
    }

    fn parse(text: &'a str, separator: char) -> Result<Reply<'a>, NoReply> {
        let (mut id, mut own, mut asked, mut server, mut rule, mut plan) = (None, None, None, None, None, Plan::Plain);
        let mut rest = Some(text);
        while let Some(left) = rest {
            let (piece, next) = left.split_once(separator).map_or((left, None), |(piece, next)| (piece, Some(next)));
            let (key, value) = piece.split_once('=').ok_or(NoReply("a part of it is no pair"))?;
            match key {
                "id" => id = Some(value),
                "dur" => own = Some(milliseconds(value)?),
                "asked" => asked = Some(milliseconds(value)?),
                "server" => server = Some(value),
                "rule" => rule = Some(value),
                // Whatever comes from here on is the plan.
                "plan" => {
                    plan = match Plan::refused(value) {
                        Some(plan) => plan,
                        None => Plan::Applied(text::read_plan(value).ok_or(NoReply("its plan is no spec"))?),
                    };
                    break;
                }
                _ if separator == ';' => {
                    let spec = Fault::parse(left, Separator::Semicolon);
                    plan = Plan::Applied(spec.map_err(|_| NoReply("its plan is no spec"))?);
                    break;
                }
                // A newer target may say more.
                _ => {}
            }
            rest = next;
        }
        let missing = NoReply("dur, asked or server is missing");
        // A datagram may have had no room for it.
        let server = server.or((separator == ' ').then_some(""));
        let (own, asked, server) = (own.ok_or(missing)?, asked.ok_or(missing)?, server.ok_or(missing)?);
        Ok(Reply { id, own, asked, server, rule, plan })
    }
}

/// Milliseconds with three decimals, rounded down.
struct Ms(Duration);

impl fmt::Display for Ms {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let us = self.0.as_micros();
        write!(f, "{}.{:03}", us / 1000, us % 1000)
    }
}

fn milliseconds(text: &str) -> Result<Duration, NoReply> {
    let ns = Decimal::parse(text).and_then(|number| number.times(1_000_000));
    ns.map(Duration::from_nanos).ok_or(NoReply("a time of it is no number of milliseconds"))
}

#[cfg(test)]
mod tests;
