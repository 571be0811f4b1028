//! Intervals: what a share or a quantile may truly be, given what was counted, and how far two of them lie apart. Pure.
//!
//! Nothing is assumed of how durations are distributed. That requests are independent of one another is, and is not quite
//! true of any run; docs/report.md says what follows from that. Sources: for a share the score interval (Wilson 1927); for a
//! quantile the order statistics whose ranks the binomial distribution gives (David and Nagaraja, Order Statistics, 7.1);
//! for a difference both squared distances to the limits added up (Newcombe 1998, method 10, for shares; Zou and Donner
//! 2008, MOVER, for anything that has limits).

use serde::Serialize;

/// A figure, and where it may truly be. A limit that the sample cannot give is infinite.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct Estimate {
    /// As counted.
    pub value: f64,
    /// Not below this.
    pub low: f64,
    /// Not above this; as JSON `null` if the sample is too small to say.
    pub high: f64,
}

/// The share of `hits` in `count`, with the confidence `1 - alpha`; nothing without data.
pub fn share(hits: u64, count: u64, alpha: f64) -> Option<Estimate> {
    if count == 0 {
        return None;
    }
    let (n, z) = (count as f64, normal_quantile(1.0 - alpha / 2.0));
    let (value, z2) = (hits as f64 / n, z * z);
    let middle = (value + z2 / (2.0 * n)) / (1.0 + z2 / n);
    let half = z / (1.0 + z2 / n) * (value * (1.0 - value) / n + z2 / (4.0 * n * n)).sqrt();
    // What was counted lies inside, whatever the last bit of the root says.
    let (low, high) = ((middle - half).clamp(0.0, value), (middle + half).clamp(value, 1.0));
    Some(Estimate { value, low, high })
}

/// The quantile `q` of counted values, in their order, with the confidence `1 - alpha`; nothing without data.
pub fn quantile(counted: &[(u64, u64)], q: f64, alpha: f64) -> Option<Estimate> {
    let count = counted.iter().fold(0_u64, |sum, (_, count)| sum.saturating_add(*count));
    if count == 0 {
        return None;
    }
    let rank = ((q * count as f64).ceil() as u64).clamp(1, count);
    let (low, high) = ranks(count, q, alpha);
    let limit = |rank: Option<u64>| rank.map(|rank| at_rank(counted, rank));
    Some(Estimate {
        value: at_rank(counted, rank),
        low: limit(low).unwrap_or(0.0),
        high: limit(high).unwrap_or(f64::INFINITY),
    })
}

/// The rank-th smallest value; ranks begin with 1.
fn at_rank(counted: &[(u64, u64)], rank: u64) -> f64 {
    let mut before = 0_u64;
    let at = counted.iter().find(|(_, count)| {
        before = before.saturating_add(*count);
        before >= rank
    });
    at.or(counted.last()).map_or(0.0, |(value, _)| *value as f64)
}

/// Where the difference `b - factor * a` may truly be.
pub fn difference(a: &Estimate, b: &Estimate, factor: f64) -> Estimate {
    let value = b.value - factor * a.value;
    let (a_low, a_high) = (factor * (a.value - a.low), factor * (a.high - a.value));
    let low = value - (b.value - b.low).hypot(a_high);
    let high = value + (b.high - b.value).hypot(a_low);
    Estimate { value, low, high }
}

/// The ranks, of `count` sorted values, between which the true quantile `q` lies with at least the confidence `1 - alpha`:
/// the number of values below it is binomial. Nothing where the sample is too small for a limit on that side.
fn ranks(count: u64, q: f64, alpha: f64) -> (Option<u64>, Option<u64>) {
    // Lower: the greatest rank l with P(fewer than l below) <= alpha / 2. Upper: the smallest u with P(u or more) <= alpha / 2.
    let (lower, upper) = match count as f64 * q * (1.0 - q) {
        ..VARIANCE_EXACT_MAX => exact(count, q, alpha / 2.0),
        _ => approximate(count, q, alpha / 2.0),
    };
    ((lower > 0).then_some(lower), (upper <= count).then_some(upper))
}

/// Variance of the binomial distribution up to which it is summed up term by term: a few thousand terms. Beyond it the
/// normal distribution with a correction for the skew is right to a rank.
const VARIANCE_EXACT_MAX: f64 = 1e5;

/// Terms outward from the mode, where each follows from its neighbour: without a factorial there is nothing to overflow.
fn exact(count: u64, q: f64, tail: f64) -> (u64, u64) {
    const NEGLIGIBLE: f64 = 1e-20;
    let mode = ((count as f64 + 1.0) * q).floor().min(count as f64) as u64;
    let odds = q / (1.0 - q);
    let mut below = Vec::new();
    let (mut term, mut at) = (1.0, mode);
    while at > 0 && term > NEGLIGIBLE {
        term *= at as f64 / ((count - at + 1) as f64 * odds);
        at -= 1;
        below.push(term);
    }
    let first = at;
    let mut terms: Vec<f64> = below.into_iter().rev().collect();
    (term, at) = (1.0, mode);
    terms.push(term);
    while at < count && term > NEGLIGIBLE {
        term *= (count - at) as f64 * odds / (at + 1) as f64;
        at += 1;
        terms.push(term);
    }
    let all: f64 = terms.iter().sum();
    // Small ones first, for their sum is what is asked for.
    let mut sum = 0.0;
    let fewer = terms.iter().take_while(|term| {
        sum += **term / all;
        sum <= tail
    });
    let lower = first + fewer.count() as u64;
    sum = 0.0;
    let more = terms.iter().rev().take_while(|term| {
        sum += **term / all;
        sum <= tail
    });
    let upper = first + (terms.len() - more.count()) as u64;
    (lower, upper)
}

fn approximate(count: u64, q: f64, tail: f64) -> (u64, u64) {
    let (n, z) = (count as f64, normal_quantile(1.0 - tail));
    let (mean, deviation) = (n * q, (n * q * (1.0 - q)).sqrt());
    // The first term of Cornish and Fisher's expansion.
    let skew = (1.0 - 2.0 * q) * (z * z - 1.0) / 6.0;
    let lower = (mean - z * deviation + skew - 1.0).floor().max(0.0);
    let upper = (mean + z * deviation + skew + 2.0).ceil().min(n + 1.0);
    (lower as u64, upper as u64)
}

/// The value below which a standard normal variable is with this probability, to ten digits. By halving, which needs no
/// table of coefficients and is asked for a few times in a report.
pub fn normal_quantile(probability: f64) -> f64 {
    if probability < 0.5 {
        return -normal_quantile(1.0 - probability);
    }
    let (mut low, mut high) = (0.0, 40.0);
    for _ in 0..60 {
        let middle = (low + high) / 2.0;
        if upper_tail(middle) > 1.0 - probability { low = middle } else { high = middle }
    }
    (low + high) / 2.0
}

/// The probability of a standard normal variable above `z >= 0`.
fn upper_tail(z: f64) -> f64 {
    let density = (-z * z / 2.0).exp() / (2.0 * std::f64::consts::PI).sqrt();
    if z < 3.0 {
        // z + z^3/3 + z^5/(3*5) + ..: converges everywhere, fast near zero.
        let (mut sum, mut term, mut n) = (z, z, 1.0);
        while term > sum * 1e-17 {
            n += 2.0;
            term *= z * z / n;
            sum += term;
        }
        return 0.5 - density * sum;
    }
    // 1/(z + 1/(z + 2/(z + 3/..))): converges fast far from zero.
    density / (1..=60).rev().fold(z, |rest, n| z + f64::from(n) / rest)
}

#[cfg(test)]
mod tests;
