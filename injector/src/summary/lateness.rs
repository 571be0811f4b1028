//! The injector's own lateness as a part of what it reports: said where it is much, for it is not the path's. Pure.

use super::Summary;
use crate::table::ms;

/// Lateness that is worth a word, as a share of the response times that it is a part of.
const SHARE: f64 = 0.1;
/// Less than this is the ordinary one of a timer.
const LAG_US_MIN: u64 = 1_000;

impl Summary {
    /// `the injector itself was 61 ms late at p99, of response times of 95 ms`; nothing if it is little.
    pub fn lateness(&self) -> Option<String> {
        let (lag, response) = (self.total.lag.p99_us?, self.total.response.p99_us?);
        let is_much = lag >= LAG_US_MIN && lag as f64 > SHARE * response as f64;
        let (lag, response) = (ms(Some(lag)), ms(Some(response)));
        is_much.then(|| format!("the injector itself was {lag} ms late at p99, of response times of {response} ms"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_much_is_worth_a_word() {
        let mut summary: Summary = serde_json::from_value(serde_json::json!({
            "schema": 1, "planned_for_s": 1.0, "total": {}, "operations": [],
            "verdict": { "result": "passed", "exit_code": 0 },
        }))
        .unwrap();
        assert_eq!(summary.lateness(), None);
        for (lag_us, response_us, is_told) in [(900, 1_000, false), (2_000, 50_000, false), (2_000, 10_000, true)] {
            (summary.total.lag.p99_us, summary.total.response.p99_us) = (Some(lag_us), Some(response_us));
            assert_eq!(summary.lateness().is_some(), is_told, "{lag_us} {response_us}");
        }
        let words = "the injector itself was 2.000 ms late at p99, of response times of 10.00 ms";
        assert_eq!(summary.lateness().unwrap(), words);
    }
}
