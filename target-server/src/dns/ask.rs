//! What a query says about itself: who sent it, and what it asks for, in its name and its EDNS option.

use hickory_proto::rr::RecordType;
use shared::carrier::dns::{NameAsk, name};
use shared::carrier::line;
use shared::fault::{Dialect, Fault, Key, Separator, SpecErrorCode, SpecErrors, Transport};
use shared::identity::{Identity, Name};

use super::Dns;
use super::query::Query;

/// Where a name lies.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Place {
    /// `ok` and below.
    Ok,
    /// `f` and below.
    Fault,
    /// Below `f`, without the label that makes it a spec.
    Unarmed,
    /// `. NS`, which forwarders ask to see whether we live.
    Root,
    /// The zone itself, or a name in it that is neither `ok` nor `f`: hickory's.
    Zone,
    /// Not ours.
    Outside,
}

/// One query as understood.
pub(super) struct Ask {
    pub(super) place: Place,
    pub(super) identity: Option<Identity>,
    /// The mix entry, or the place by a bounded name.
    pub(super) operation: Name,
    /// What follows the `x` of the name.
    pub(super) nonce: Option<String>,
    pub(super) fault: Result<Fault, SpecErrors>,
}

impl Ask {
    /// Reads both carriers; the option wins, key by key.
    pub(super) fn read(dns: &Dns, query: &Query, transport: Transport) -> Ask {
        let labels: Vec<&[u8]> = query.labels.iter().map(Vec::as_slice).collect();
        #[cfg(test)]
        assert!(labels.first().is_none_or(|label| *label != b"panic-early"), "a test asked for it");
        let (place, nonce, said_by_name, in_name) = match name(&labels, &dns.zone) {
            NameAsk::Outside if labels.is_empty() && query.kind == RecordType::NS => (Place::Root, None, None, None),
            NameAsk::Outside => (Place::Outside, None, None, None),
            NameAsk::Apex | NameAsk::Nowhere => (Place::Zone, None, None, None),
            NameAsk::Ok { nonce, identity } => (Place::Ok, nonce, identity, None),
            NameAsk::Unarmed => (Place::Unarmed, None, None, None),
            NameAsk::Armed { nonce, identity, fault } => {
                let nonce = Some(nonce).filter(|_| fault.is_ok());
                (Place::Fault, nonce, identity, Some(fault))
            }
        };
        let said = query.option().map(|text| line(text, Separator::Semicolon));
        let identity = said.as_ref().and_then(|said| said.identity).or(said_by_name);
        let fault = match (in_name.unwrap_or_else(|| Ok(Fault::default())), said.map(|said| said.fault)) {
            (fault, None) => fault,
            (Ok(fault), Some(Ok(winner))) => Ok(fault.overridden_by(winner)),
            (Err(errors), Some(Err(more))) => Err(errors.and(more)),
            (Err(errors), Some(Ok(_))) | (Ok(_), Some(Err(errors))) => Err(errors),
        };
        let fault = fault.and_then(|fault| check(dns, &fault).map(|()| fault.over_transport(transport)));
        let operation = identity.map_or_else(|| operation(place), |identity| identity.operation);
        Ask { place, identity, operation, nonce: nonce.map(str::to_owned), fault }
    }
}

fn operation(place: Place) -> Name {
    Name::from_static(match place {
        Place::Ok => "ok",
        Place::Fault | Place::Unarmed => "fault",
        Place::Zone | Place::Root => "zone",
        Place::Outside => "other",
    })
}

/// Whether DNS can do this here.
pub(super) fn check(dns: &Dns, fault: &Fault) -> Result<(), SpecErrors> {
    fault.check(Dialect::Dns, dns.core.faults.limits())?;
    let asked = fault.roll(0, "address", 0).addr;
    if asked.is_some_and(|ip| !dns.answer_cidrs.iter().any(|cidr| cidr.contains(ip))) {
        return Err(fault.error_at(
            Key::Addr,
            SpecErrorCode::LimitExceeded,
            "the address is outside of --dns-answer-cidrs",
            "an address such as 192.0.2.7 or 2001:db8::7",
        ));
    }
    Ok(())
}
