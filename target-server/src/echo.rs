//! What the TCP and UDP echo have in common: reading a command line, and saying what was done.

use std::net::IpAddr;
use std::sync::Arc;

use shared::carrier;
use shared::fault::{Dialect, Fault, Limits, Separator, SpecErrors};
use shared::identity::{Identity, Name, Source};
use shared::protocol::Protocol;
use shared::red::Labels;
use shared::reply::{Plan, Refusal, Reply};

use crate::asked::{Asked, Own};
use crate::core::Core;
use crate::faults::Decision;
use crate::record::Call;
use crate::rules::{ActiveRule, Detail, Facts};

/// The operation of whoever does not name one.
pub(crate) const OPERATION: &str = "echo";

/// One command line as understood.
pub(crate) struct Ask {
    /// Who sent it, if it says so.
    pub(crate) identity: Option<Identity>,
    /// What is asked, nothing if nothing is.
    pub(crate) fault: Result<Option<Fault>, SpecErrors>,
}

impl Ask {
    /// A request without a command.
    pub(crate) fn plain() -> Ask {
        Ask { identity: None, fault: Ok(None) }
    }

    /// The same, whose draws are made with this key.
    pub(crate) fn keyed(key: &str) -> Ask {
        Ask { identity: None, fault: Fault::parse(&format!("id={key}"), Separator::Space).map(Some) }
    }

    /// Reads the text of a command line, as [`carrier::command`] cut it out.
    pub(crate) fn read(text: &[u8], dialect: Dialect, limits: &Limits) -> Ask {
        let carrier::Line { identity, fault } = carrier::line(text, Separator::Space);
        let checked = |fault: Fault| fault.check(dialect, limits).map(|()| Some(fault));
        let fault = fault.and_then(|fault| if fault.is_empty() { Ok(None) } else { checked(fault) });
        Ask { identity, fault }
    }

    /// What it asks for beside what a rule adds; that is left out if the answer would be longer than `room`.
    pub(crate) fn asked(&self, core: &Core, protocol: Protocol, client: IpAddr, room: Option<usize>) -> Option<Asked> {
        let own = Own::words(self.fault.as_ref().ok()?.clone());
        let facts = || Facts { protocol, client, detail: Detail::Echo };
        let has_room = |fault: &Fault| match (room, fault.roll(0, "", 0).size_bytes) {
            (Some(room), Some(bytes)) => bytes <= room as u64,
            _ => true,
        };
        let fits = |fault: &Fault| fault.check(protocol.dialect(), core.faults.limits()).is_ok() && has_room(fault);
        Some(core.faults.ask(own, self.identity.map(|identity| identity.id), client, facts, fits))
    }

    /// The rule that decides about TCP streams of this client now.
    pub(crate) fn decider(core: &Core, client: IpAddr) -> Option<Arc<ActiveRule>> {
        core.faults.rules_that_may_strike()?.decider(&Facts { protocol: Protocol::Tcp, client, detail: Detail::Echo })
    }

    /// Under which names it is counted.
    pub(crate) fn labels(&self, protocol: Protocol, asked: Option<&Asked>) -> Labels {
        Labels {
            source: self.identity.map_or_else(Source::external, |identity| identity.source),
            protocol,
            operation: self.identity.map_or_else(|| Name::from_static(OPERATION), |identity| identity.operation),
            injected: asked.is_some_and(Asked::injects),
        }
    }

    /// What the answer repeats: the request's id, or the key that the line gave.
    pub(crate) fn key(&self) -> Option<String> {
        let asked = self.fault.as_ref().ok().and_then(Option::as_ref);
        match self.identity {
            Some(identity) => Some(identity.id.to_string()),
            None => asked.and_then(Fault::id).map(str::to_owned),
        }
    }
}

/// What an answer says of itself at this moment.
pub(crate) fn reply<'a>(
    core: &'a Core,
    call: &Call,
    key: Option<&'a str>,
    decision: Option<&'a Decision>,
) -> Reply<'a> {
    let rule = decision.and_then(|decision| decision.rule.as_deref()).map(|rule| rule.id().as_str());
    let plan = decision.map_or(Plan::Plain, Decision::plan);
    Reply { id: key, own: call.own(), asked: call.asked(), server: &core.place, rule, plan }
}

/// The answer line to a line that cannot be followed; every mistake in it is counted.
pub(crate) fn refusal(core: &Core, errors: &SpecErrors) -> String {
    for error in errors {
        core.red.spec_error(&error.parameter);
    }
    Refusal::of(errors).line()
}
