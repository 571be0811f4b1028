//! How often each entry of the mix is sent.

use serde_saphyr::{Location, Spanned};

use super::{Found, subject};
use crate::rate::{Rate, Weight};
use crate::scenario::{Written, WrittenOperation};
use crate::schedule::{Arrival, Spacing};

/// How often an entry is sent, and its part of the common rate: part and whole.
#[derive(Clone, Copy, Debug)]
pub(super) struct Often {
    pub(super) rate: Rate,
    pub(super) share: Option<(u64, u64)>,
}

/// The rate of each entry of the mix, where it can be told: the total shared by weight, or the entry's own on top of it.
pub(super) fn rates(
    found: &mut Found,
    written: &Written,
    flag: Option<Rate>,
    arrivals: &[Option<Arrival>],
) -> Vec<Option<Often>> {
    let mut weights = Vec::new();
    for (index, entry) in written.mix.value.iter().enumerate() {
        let subject = subject(index, &entry.value);
        weights.push(found.read(entry.value.weight.as_ref(), &format!("{subject}: weight"), str::parse::<Weight>));
        let replays = arrivals[index].as_ref().is_none_or(|arrival| matches!(arrival.spacing, Spacing::Replay(_)));
        match (&entry.value.weight, &entry.value.rate) {
            (Some(text), _) | (None, Some(text)) if replays && arrivals[index].is_some() => {
                found.add(text.referenced, &subject, "replays a file, which says when; leave weight and rate out");
            }
            (None, None) if replays => {}
            (None, None) => {
                found.add(entry.referenced, &subject, "needs a weight (its share of rate) or a rate of its own")
            }
            (Some(_), Some(rate)) => found.add(rate.referenced, &subject, "weight and rate exclude each other"),
            _ => {}
        }
    }
    let total = found.read(written.rate.as_ref(), "rate", str::parse::<Rate>);
    let total = flag.or(total);
    let is_weighted = |entry: &Spanned<WrittenOperation>| entry.value.weight.is_some();
    let first_weighted = written.mix.value.iter().find(|entry| is_weighted(entry));
    match (first_weighted, &written.rate) {
        (Some(entry), None) if flag.is_none() => {
            found.add(entry.referenced, "rate", "missing, and operations with a weight share it; write rate: 10/s");
        }
        (None, Some(rate)) => found.add(rate.referenced, "rate", "no operation has a weight to share it by"),
        (None, None) if flag.is_some() => {
            found.add(Location::UNKNOWN, "--rate", "no operation has a weight to share it by");
        }
        _ => {}
    }

    let sum: u64 = weights.iter().flatten().map(|weight| weight.thousandths()).sum();
    let mut rates = Vec::new();
    for (index, (entry, weight)) in written.mix.value.iter().zip(weights).enumerate() {
        if let Some(Spacing::Replay(recording)) = arrivals[index].as_ref().map(|arrival| &arrival.spacing) {
            rates.push(Rate::of(recording.count(), recording.length()).map(|rate| Often { rate, share: None }));
            continue;
        }
        let subject = format!("{}: rate", subject(index, &entry.value));
        rates.push(match (weight, total) {
            (Some(weight), Some(total)) => {
                let share = (weight.thousandths(), sum);
                let rate = total.share(share.0, share.1);
                if rate.is_none() {
                    found.add(entry.referenced, &subject, "its share of rate has more digits than can be kept exactly");
                }
                rate.map(|rate| Often { rate, share: Some(share) })
            }
            (Some(_), None) => None,
            (None, _) => {
                let own = found.read(entry.value.rate.as_ref(), &subject, str::parse::<Rate>);
                own.map(|rate| Often { rate, share: None })
            }
        });
    }
    rates
}
