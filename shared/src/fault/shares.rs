//! A [`Fault`] as what its requests get: each value with the share of them, for whoever tells people what was asked.

use super::value::Value;
use super::{Fault, Key};

/// A value of one parameter, and who gets it.
#[derive(Clone, Debug, PartialEq)]
pub struct Share {
    /// The parameter.
    pub key: Key,
    /// As it is written, without its weight.
    pub value: String,
    /// Of all requests, 0 ..= 1.
    pub share: f64,
}

impl Fault {
    /// Everything that is asked for, in canonical order. What is missing to 1 gets the parameter's default; values of weight 0
    /// are there too, since they were written.
    pub fn shares(&self) -> Vec<Share> {
        let gate = self.gate().fraction();
        let mut shares = Vec::new();
        for ask in &self.asks {
            // These hold where `p` says that nothing applies, or are what decides that.
            let is_gated = !matches!(ask.key, Key::P | Key::Seed | Key::Id | Key::Bytes | Key::Ack);
            let whole = if is_gated { gate } else { 1.0 };
            let mut say = |value: String, share: f64| shares.push(Share { key: ask.key, value, share });
            match &ask.value {
                Value::Choices(weighted) => {
                    weighted.probabilities().for_each(|(expr, share)| say(expr.to_string(), share * whole));
                }
                Value::Single(expr) => say(expr.to_string(), whole),
                Value::Percent(ppm) => say(format!("{ppm}%"), whole),
                Value::Seed(seed) => say(seed.to_string(), whole),
                Value::Id(text) | Value::Text(text) => say(text.clone(), whole),
                Value::Fields(fields) => {
                    fields.iter().for_each(|field| say(format!("{}: {}", field.name, field.value), whole));
                }
            }
        }
        shares
    }
}

#[cfg(test)]
mod tests {
    use crate::fault::Separator;

    use super::*;

    #[test]
    fn each_value_has_its_share_of_all_requests() {
        for (text, expected) in [
            ("status=503:5,404", "status 503 0.05; status 404 0.95"),
            ("status=503:5", "status 503 0.05"),
            ("delay=20ms..80ms&p=50", "delay 20ms..80ms 0.5; p 50% 1"),
            ("close=10&p=50", "close true 0.05; p 50% 1"),
            ("fault=reset:1,empty:0", "fault reset 0.01; fault empty 0"),
            ("header=x-a:two%20words&header=x-b:1", "header x-a: two words 1; header x-b: 1 1"),
            ("bytes=1KiB&mode=upper&p=10", "mode upper 0.1; bytes 1KiB 1; p 10% 1"),
            ("seed=42&id=demo", "seed 42 1; id demo 1"),
            ("", ""),
        ] {
            let shares = Fault::parse(text, Separator::Ampersand).unwrap().shares();
            let told: Vec<String> = shares
                .iter()
                .map(|Share { key, value, share }| {
                    let share = (share * 1e6).round() / 1e6;
                    format!("{} {value} {share}", key.as_str())
                })
                .collect();
            assert_eq!(told.join("; "), expected, "{text}");
        }
    }
}
