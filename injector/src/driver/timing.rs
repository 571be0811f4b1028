//! The target's own times, as an answer of any kind with fields reports them.

use std::time::Duration;

/// The `dur` of one metric of a Server-Timing field (W3C Server Timing), in milliseconds there.
pub(super) fn server_timing(value: &[u8], metric: &str) -> Option<Duration> {
    let text = std::str::from_utf8(value).ok()?;
    let entry = text.split(',').find_map(|entry| entry.trim().strip_prefix(metric)?.strip_prefix(';'))?;
    let dur_ms: f64 = entry.split(';').find_map(|part| part.trim().strip_prefix("dur="))?.parse().ok()?;
    Duration::try_from_secs_f64(dur_ms / 1e3).ok()
}
