//! What a DNS operation means, for `injector check`.

use std::collections::BTreeMap;

use shared::dnsanswer::End;
use shared::fault::Separator;
use shared::outcome::Code;

use super::outcomes::{Outcomes, Shares};
use super::{key, of, predicted};
use crate::plan::{Carrier, DnsCall, Operation};

pub(super) fn request(operation: &Operation, call: &DnsCall) -> String {
    format!("{call} to {}", operation.endpoint)
}

pub(super) fn asks(call: &DnsCall) -> Option<String> {
    (!call.asked.is_empty()).then(|| call.asked.to_text(Separator::Semicolon))
}

/// What the predicted queries come to, by turns of these.
pub(super) fn outcomes(calls: &[&DnsCall]) -> Outcomes {
    let (mut ends, mut codes) = (BTreeMap::<String, u32>::new(), BTreeMap::<String, u32>::new());
    let mut delays = Vec::new();
    for n in predicted(calls.iter().map(|call| &call.fault)) {
        let (last, verdict) = of(calls, n).predict_last(&key(n));
        let end = last.end(&verdict);
        *ends.entry(word(end).to_owned()).or_default() += 1;
        if end == End::Answer {
            *codes.entry(Code::Rcode(last.shape(&verdict).rcode).label()).or_default() += 1;
        }
        delays.push(verdict.delay);
    }
    let first = of(calls, 0);
    let (ends, codes) = match first.expect.rcodes.as_slice() {
        [] => (Shares::counted(ends), (!codes.is_empty()).then(|| Shares::counted(codes))),
        said => {
            let said = said.iter().map(|code| Code::Rcode(*code).label()).collect();
            (Shares::certain("answer"), Some(Shares::Said(said)))
        }
    };
    let checked = match first.carrier {
        Carrier::None => "rcode and what the file expects",
        Carrier::Option => "rcode, flags, count, records, time to live, size, id repeated",
        Carrier::Name => "rcode, flags, count, records, time to live, size",
    };
    let codes = codes.map(|codes| ("rcode", codes));
    Outcomes { ends, is_counted: false, codes, delays, checked: Some(checked.to_owned()) }
}

fn word(end: End) -> &'static str {
    match end {
        End::Answer => "answer",
        End::Silence => "silence",
        End::Reset => "reset",
        End::Closed => "closed",
        End::Malformed => "malformed",
    }
}
