//! What predicted requests come to: how they end, with which codes, after how long. As numbers, and as lines.

use std::collections::BTreeMap;
use std::time::Duration;

use serde_json::{Value, json};
use shared::units::print_duration;

use super::{Line, PREDICTED, about, percent};

/// More codes than these are told by their number: k6 takes whatever is from 200 to 399.
const SAID_MAX: usize = 4;

/// What the requests of an operation come to.
#[derive(Debug, Default)]
pub(super) struct Outcomes {
    /// How they end, with shares.
    pub(super) ends: Shares,
    /// Whether the shares of ends are counted among predicted requests, and not exact.
    pub(super) is_counted: bool,
    /// The key of the codes and the codes of answers.
    pub(super) codes: Option<(&'static str, Shares)>,
    /// How long each predicted request is asked to take.
    pub(super) delays: Vec<Duration>,
    /// What is compared of an answer.
    pub(super) checked: Option<String>,
}

/// Words and their shares, which add up to one.
#[derive(Debug)]
pub(super) enum Shares {
    /// Worked out.
    Of(BTreeMap<String, f64>),
    /// Any of these, as the file says.
    Said(Vec<String>),
}

impl Default for Shares {
    fn default() -> Self {
        Shares::Of(BTreeMap::new())
    }
}

impl Shares {
    /// One of them, certainly.
    pub(super) fn certain(word: &str) -> Shares {
        Shares::Of(BTreeMap::from([(word.to_owned(), 1.0)]))
    }

    /// Of so many counted of all that were predicted.
    pub(super) fn counted(counts: BTreeMap<String, u32>) -> Shares {
        let all: u32 = counts.values().sum();
        Shares::Of(counts.into_iter().map(|(word, n)| (word, f64::from(n) / f64::from(all.max(1)))).collect())
    }

    /// `200 95%, 503 5%`; a certainty stands alone.
    fn words(&self) -> String {
        match self {
            Shares::Said(words) if words.len() > SAID_MAX && words.iter().all(|word| word.parse::<u16>().is_ok()) => {
                let (least, most) = (words.iter().min(), words.iter().max());
                let [least, most] = [least, most].map(|word| word.map_or("", String::as_str));
                format!("one of {} from {least} to {most} (as the file says)", words.len())
            }
            Shares::Said(words) => format!("{} (as the file says)", words.join(" or ")),
            Shares::Of(shares) if shares.len() == 1 => shares.keys().cloned().collect(),
            Shares::Of(shares) => {
                let parts: Vec<String> =
                    shares.iter().map(|(word, share)| format!("{word} {}", percent(*share))).collect();
                parts.join(", ")
            }
        }
    }

    fn json(&self) -> Value {
        match self {
            Shares::Said(words) => json!({ "any_of": words }),
            Shares::Of(shares) => json!(shares),
        }
    }
}

/// Statistics of asked delays.
struct Delays {
    mean: Duration,
    quantiles: [Duration; 3],
    least: Duration,
    most: Duration,
}

impl Outcomes {
    /// As lines.
    pub(super) fn lines(&self) -> Vec<Line> {
        let several = matches!(&self.ends, Shares::Of(shares) if shares.len() > 1);
        let counted = if several && self.is_counted { format!(" (of {PREDICTED} predicted)") } else { String::new() };
        let mut lines = vec![("ends", self.ends.words() + &counted)];
        lines.extend(self.codes.as_ref().map(|(key, codes)| (*key, codes.words())));
        lines.extend(self.delays().map(|delays| ("delay", delays.words())));
        lines.extend(self.checked.clone().map(|checked| ("checked", checked)));
        lines
    }

    /// As numbers.
    pub(super) fn json(&self) -> Value {
        let ms = |duration: Duration| duration.as_secs_f64() * 1e3;
        json!({
            "ends": self.ends.json(),
            "codes": self.codes.as_ref().map(|(_, codes)| codes.json()),
            "delay_ms": self.delays().map(|Delays { mean, quantiles: [p50, p90, p99], least, most }| json!({
                "mean": ms(mean), "min": ms(least), "p50": ms(p50), "p90": ms(p90), "p99": ms(p99), "max": ms(most),
            })),
        })
    }

    /// The delays, if there are any.
    fn delays(&self) -> Option<Delays> {
        let mut delays = self.delays.clone();
        delays.sort_unstable();
        let (least, most) = (*delays.first()?, *delays.last()?);
        if most.is_zero() {
            return None;
        }
        let quantile = |per_mille: usize| delays[(delays.len() - 1) * per_mille / 1_000];
        let sum_s: f64 = delays.iter().map(Duration::as_secs_f64).sum();
        let mean = Duration::try_from_secs_f64(sum_s / delays.len() as f64).unwrap_or(Duration::MAX);
        Some(Delays { mean, quantiles: [quantile(500), quantile(900), quantile(990)], least, most })
    }
}

impl Delays {
    fn words(&self) -> String {
        if self.least == self.most {
            return print_duration(self.most);
        }
        let [p50, p90, p99] = self.quantiles.map(about);
        let (mean, most) = (about(self.mean), about(self.most));
        format!("mean {mean}, p50 {p50}, p90 {p90}, p99 {p99}, longest of {PREDICTED} {most}")
    }
}
