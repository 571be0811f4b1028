//! Wall-clock time as text. Nothing is decided by it: a clock that is set anew changes texts and no more.

use std::time::SystemTime;

use tokio::time::Instant;

/// A moment in RFC 3339, in UTC: `2026-01-31T12:00:00.250Z`.
pub(crate) fn rfc3339(at: SystemTime) -> String {
    humantime::format_rfc3339_millis(at).to_string()
}

/// What the clock says now.
pub(crate) fn now() -> String {
    rfc3339(SystemTime::now())
}

/// What the clock says, or would have said, at `instant`, reckoned from now: both may have been set since.
pub(crate) fn wall(instant: Instant) -> String {
    let (now, wall) = (Instant::now(), SystemTime::now());
    let moved = match instant.checked_duration_since(now) {
        Some(ahead) => wall.checked_add(ahead),
        None => wall.checked_sub(now - instant),
    };
    rfc3339(moved.unwrap_or(wall))
}

/// What the clock says then, in seconds since 1970: what metrics call a timestamp.
pub(crate) fn unix_seconds(instant: Instant) -> f64 {
    let since = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default().as_secs_f64();
    let now = Instant::now();
    match instant.checked_duration_since(now) {
        Some(ahead) => since + ahead.as_secs_f64(),
        None => since - (now - instant).as_secs_f64(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::time::Duration;

    #[test]
    fn text_is_in_utc_and_to_the_millisecond() {
        let at = |seconds: f64| rfc3339(SystemTime::UNIX_EPOCH + Duration::from_secs_f64(seconds));
        assert_eq!(at(0.0), "1970-01-01T00:00:00.000Z");
        assert_eq!(at(1_769_860_800.25), "2026-01-31T12:00:00.250Z");
    }

    #[test]
    fn an_instant_is_shown_as_far_from_now_as_it_is() {
        let now = Instant::now();
        assert!(wall(now + Duration::from_secs(3600)) > wall(now));
        let ahead = unix_seconds(now + Duration::from_secs(3600)) - unix_seconds(now);
        assert!((ahead - 3600.0).abs() < 1.0, "{ahead}");
    }
}
