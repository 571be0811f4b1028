//! What a probe says of one call: a line for a person, an object for a program.

use std::fmt::Write as _;
use std::time::Duration;

use serde_json::{Map, Value, json};
use shared::outcome::{Code, Outcome, Phase};
use shared::units::print_duration;

use super::url::ProbeUrl;
use crate::attempt::Seen;

/// One call with its attempts behind it.
pub(super) struct Called<'a> {
    pub(super) url: &'a ProbeUrl,
    pub(super) protocol: &'static str,
    /// The last attempt.
    pub(super) seen: Seen,
    /// How many there were.
    pub(super) attempts: u32,
}

impl Called<'_> {
    /// Whether the last attempt was what it should be.
    pub(super) fn is_ok(&self) -> bool {
        self.seen.finished.outcome.is_success()
    }

    /// `ok http 200 in 1.23ms, 5 bytes from URL (dns 10µs, connect 80µs, first_byte 400µs; target 20µs, path 380µs)`.
    pub(super) fn line(&self) -> String {
        let finished = &self.seen.finished;
        let outcome = finished.outcome;
        let verdict = if self.is_ok() { "ok" } else { "failed" };
        let mut line = format!("{verdict} {}", self.protocol);
        for word in
            [outcome.code().label(), outcome.error().map_or_else(String::new, |class| class.as_str().to_owned())]
        {
            if !word.is_empty() {
                write!(line, " {word}").expect("a String takes every character");
            }
        }
        if outcome == Outcome::Success(Code::NONE) {
            line.push_str(" no answer, as asked,");
        }
        let bytes = finished.received_bytes;
        write!(line, " in {}, {bytes} bytes from {}", short(finished.service), self.url).expect("likewise");
        let phases: Vec<String> =
            self.phases().map(|(phase, time)| format!("{} {}", phase.as_str(), short(time))).collect();
        let both_sides: Vec<String> = [("target", finished.server), ("path", finished.network)]
            .into_iter()
            .filter_map(|(name, time)| Some(format!("{name} {}", short(time?))))
            .collect();
        let times: Vec<String> =
            [phases.join(", "), both_sides.join(", ")].into_iter().filter(|part| !part.is_empty()).collect();
        if !times.is_empty() {
            write!(line, " ({})", times.join("; ")).expect("likewise");
        }
        if let Some(words) = &self.seen.words {
            write!(line, ": {words}").expect("likewise");
        }
        if self.attempts > 1 {
            write!(line, " [attempt {}]", self.attempts).expect("likewise");
        }
        line
    }

    /// The same with all digits; seconds, and nothing where there was none.
    pub(super) fn json(&self) -> Value {
        let finished = &self.seen.finished;
        let phases: Map<String, Value> =
            self.phases().map(|(phase, time)| (phase.as_str().to_owned(), json!(time.as_secs_f64()))).collect();
        json!({
            "url": self.url.to_string(),
            "protocol": self.protocol,
            "ok": self.is_ok(),
            "code": finished.outcome.code().label(),
            "error": finished.outcome.error().map(|class| class.as_str()),
            "detail": self.seen.words,
            "attempts": self.attempts,
            "duration_s": finished.service.as_secs_f64(),
            "phases_s": phases,
            "server_s": finished.server.map(|time| time.as_secs_f64()),
            "network_s": finished.network.map(|time| time.as_secs_f64()),
            "sent_bytes": finished.sent_bytes,
            "received_bytes": finished.received_bytes,
        })
    }

    fn phases(&self) -> impl Iterator<Item = (Phase, Duration)> {
        Phase::ALL.into_iter().zip(self.seen.phases).filter_map(|(phase, time)| Some((phase, time?)))
    }
}

/// Microseconds are as far as anybody reads.
fn short(time: Duration) -> String {
    print_duration(Duration::from_micros(u64::try_from(time.as_micros()).unwrap_or(u64::MAX)))
}
