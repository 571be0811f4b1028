//! How often each entry of the mix is sent.

use serde_saphyr::{Location, Spanned};

use super::{Found, subject};
use crate::rate::{Rate, Weight};
use crate::scenario::{Written, WrittenOperation};

/// The rate of each entry of the mix, where it can be told: the total shared by weight, or the entry's own on top of it.
pub(super) fn rates(found: &mut Found, written: &Written, flag: Option<Rate>) -> Vec<Option<Rate>> {
    let mut weights = Vec::new();
    for (index, entry) in written.mix().value.iter().enumerate() {
        let subject = subject(index, &entry.value);
        weights.push(found.read(entry.value.weight.as_ref(), &format!("{subject}: weight"), str::parse::<Weight>));
        match (&entry.value.weight, &entry.value.rate) {
            (None, None) => {
                found.add(entry.referenced, &subject, "needs a weight (its share of rate) or a rate of its own")
            }
            (Some(_), Some(rate)) => {
                found.add(rate.referenced, &subject, "weight and rate exclude each other; leave one of them out")
            }
            _ => {}
        }
    }
    let total = found.read(written.rate.as_ref(), "rate", str::parse::<Rate>);
    let total = flag.or(total);
    let is_weighted = |entry: &Spanned<WrittenOperation>| entry.value.weight.is_some();
    let first_weighted = written.mix().value.iter().find(|entry| is_weighted(entry));
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
    for (index, (entry, weight)) in written.mix().value.iter().zip(weights).enumerate() {
        let subject = format!("{}: rate", subject(index, &entry.value));
        rates.push(match (weight, total) {
            (Some(weight), Some(total)) => {
                let share = total.share(weight.thousandths(), sum);
                if share.is_none() {
                    found.add(entry.referenced, &subject, "its share of rate has more digits than can be kept exactly");
                }
                share
            }
            (Some(_), None) => None,
            (None, _) => found.read(entry.value.rate.as_ref(), &subject, str::parse::<Rate>),
        });
    }
    rates
}
