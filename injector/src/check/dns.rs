//! What a DNS operation means, in words and numbers.

use std::collections::BTreeMap;

use shared::dnsanswer::End;
use shared::fault::Separator;
use shared::outcome::Code;

use super::{PREDICTED, delay, shares};
use crate::plan::{Carrier, DnsCall, Operation};

pub(super) fn details(operation: &Operation, call: &DnsCall) -> Vec<(&'static str, String)> {
    let mut lines = vec![("request", format!("{call} to {}", operation.endpoint))];
    if !call.asked.is_empty() {
        lines.push(("asks", call.asked.to_text(Separator::Semicolon)));
    }
    let (mut ends, mut codes) = (BTreeMap::<&str, u32>::new(), BTreeMap::<String, u32>::new());
    let mut delays = Vec::with_capacity(PREDICTED as usize);
    for n in 0..PREDICTED {
        let verdict = call.predict(&format!("check.{n}"));
        let end = call.end(&verdict);
        *ends.entry(word(end)).or_default() += 1;
        if end == End::Answer {
            *codes.entry(Code::Rcode(call.shape(&verdict).rcode).label()).or_default() += 1;
        }
        delays.push(verdict.delay);
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
    lines.extend(delay(delays));
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
