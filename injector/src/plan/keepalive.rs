//! Whether a silent connection is asked for a sign of life.

use std::str::FromStr;
use std::time::Duration;

use shared::units::{parse_duration, print_duration};

/// The default. A connection that is asked this often is known to be dead before a rare request finds out, and the
/// question costs a segment.
const DEFAULT: Duration = Duration::from_secs(10);

/// Bounds: the kernel counts whole seconds, and takes no more than 32 767 of them.
const BOUNDS: [Duration; 2] = [Duration::from_secs(1), Duration::from_secs(3_600)];

/// After which silence of a connection its peer is asked whether it is still there: `10s` (the default), or `off`.
///
/// `off` is for those who want to see what idle connections meet: a question keeps the tables of firewalls and balancers on
/// the way fresh, and so hides that they forget.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Keepalive(Option<Duration>);

impl Keepalive {
    /// The silence; nothing if it is off.
    pub fn silence(self) -> Option<Duration> {
        self.0
    }
}

impl Default for Keepalive {
    fn default() -> Keepalive {
        Keepalive(Some(DEFAULT))
    }
}

impl FromStr for Keepalive {
    type Err = String;

    fn from_str(text: &str) -> Result<Keepalive, String> {
        if text == "off" {
            return Ok(Keepalive(None));
        }
        let [least, most] = BOUNDS;
        let expected = format!("expected off, or {} to {}", print_duration(least), print_duration(most));
        match parse_duration(text) {
            Ok(silence) if (least..=most).contains(&silence) => Ok(Keepalive(Some(silence))),
            Ok(_) => Err(format!("{text:?} is out of range; {expected}")),
            Err(error) => Err(format!("{error}; {expected}")),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_silence_or_off() {
        let silence = |text: &str| text.parse::<Keepalive>().map(Keepalive::silence);
        assert_eq!(silence("off"), Ok(None));
        assert_eq!(silence("1s"), Ok(Some(Duration::from_secs(1))));
        assert_eq!(Keepalive::default().silence(), Some(Duration::from_secs(10)));
        for wrong in ["999ms", "0", "2h", "on", "", "10"] {
            assert!(silence(wrong).unwrap_err().ends_with("expected off, or 1s to 1h"), "{wrong}");
        }
    }
}
