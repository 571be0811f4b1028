//! How many servers answered of late: a window, and not the whole run, so that the figure falls when a replica goes silent.

use std::collections::BTreeMap;
use std::time::Duration;

use tokio::time::Instant;

use super::Backends;
use super::backends::SERVERS_MAX;

/// How long a server counts after its last answer. Flat: an operation of one request in ten seconds meets all of ten
/// replicas within it, and an alert on replicas that never answer waits as long anyway.
pub(crate) const WINDOW: Duration = Duration::from_secs(300);

/// The servers of one operation, with the instant of the last answer of each; at most [`SERVERS_MAX`].
#[derive(Debug, Default)]
pub(crate) struct Recent(BTreeMap<Box<str>, Instant>);

impl Recent {
    /// Takes what was counted since the last time; how many servers answered within the window.
    pub(crate) fn note(&mut self, counted: &Backends, now: Instant) -> usize {
        for (name, _) in counted.servers().filter(|(_, seen)| seen.answered > 0) {
            if let Some(last) = self.0.get_mut(name) {
                *last = now;
            } else if self.0.len() < SERVERS_MAX {
                self.0.insert(name.into(), now);
            }
        }
        self.0.retain(|_, last| now.saturating_duration_since(*last) < WINDOW);
        self.0.len()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use shared::instance::Instance;
    use shared::outcome::{Code, Outcome};

    fn answers(servers: &[&str]) -> Backends {
        let mut backends = Backends::default();
        for server in servers {
            backends.count(Instance::read(server.as_bytes()).as_ref(), Outcome::Success(Code::Echo));
        }
        backends
    }

    #[tokio::test(start_paused = true)]
    async fn who_goes_silent_is_forgotten() {
        let mut recent = Recent::default();
        assert_eq!(recent.note(&answers(&["a", "b", "c"]), Instant::now()), 3);
        tokio::time::advance(WINDOW - Duration::from_secs(1)).await;
        assert_eq!(recent.note(&answers(&["a"]), Instant::now()), 3);
        tokio::time::advance(Duration::from_secs(2)).await;
        assert_eq!(recent.note(&answers(&["d"]), Instant::now()), 2);
        let mut again = answers(&["a"]);
        again.clear();
        tokio::time::advance(WINDOW).await;
        assert_eq!(recent.note(&again, Instant::now()), 0, "a name that is kept is no answer");
    }

    #[tokio::test(start_paused = true)]
    async fn there_is_a_bound() {
        let mut recent = Recent::default();
        for n in 0..2 * SERVERS_MAX {
            assert!(recent.note(&answers(&[&format!("s{n}")]), Instant::now()) <= SERVERS_MAX);
        }
    }
}
