//! What a DNS operation means, for `injector check`.

use std::collections::BTreeMap;

use shared::dnsanswer::End;
use shared::fault::Separator;
use shared::outcome::Code;

use super::{Line, PREDICTED, delays, shares};
use crate::plan::{Carrier, DnsCall, Operation};

pub(super) fn request(operation: &Operation, call: &DnsCall) -> String {
    format!("{call} to {}", operation.endpoint)
}

pub(super) fn asks(call: &DnsCall) -> Option<String> {
    (!call.asked.is_empty()).then(|| call.asked.to_text(Separator::Semicolon))
}

/// What the predicted queries come to.
pub(super) fn outcomes(call: &DnsCall) -> Vec<Line> {
    let mut lines = Vec::new();
    let (mut ends, mut codes) = (BTreeMap::<&str, u32>::new(), BTreeMap::<String, u32>::new());
    let mut times = Vec::with_capacity(PREDICTED as usize);
    for n in 0..PREDICTED {
        let (last, verdict) = call.predict_last(&format!("check.{n}"));
        let end = last.end(&verdict);
        *ends.entry(word(end)).or_default() += 1;
        if end == End::Answer {
            *codes.entry(Code::Rcode(last.shape(&verdict).rcode).label()).or_default() += 1;
        }
        times.push(verdict.delay);
    }
    let share = |count: u32| f64::from(count) / f64::from(PREDICTED);
    if call.expect.rcodes.is_empty() {
        lines.push(("ends", shares(ends.into_iter().map(|(end, count)| (end, share(count))))));
        if !codes.is_empty() {
            lines.push(("rcode", shares(codes.into_iter().map(|(code, count)| (code, share(count))))));
        }
    } else {
        let codes: Vec<String> = call.expect.rcodes.iter().map(|code| Code::Rcode(*code).label()).collect();
        lines.push(("ends", "answer".to_owned()));
        lines.push(("rcode", format!("{} (as the file says)", codes.join(" or "))));
    }
    lines.extend(delays(times).map(|delay| ("delay", delay)));
    lines.push((
        "checked",
        match call.carrier {
            Carrier::None => "rcode and what the file expects".to_owned(),
            Carrier::Option => "rcode, flags, count, records, time to live, size, id repeated".to_owned(),
            Carrier::Name => "rcode, flags, count, records, time to live, size".to_owned(),
        },
    ));
    lines
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
