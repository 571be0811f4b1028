//! Who listens to the run, and how often there was something to say.
//!
//! A listener is not handed anything: it is told that there is news, and takes what holds then. Whoever is slow misses a second
//! and finds that out by its number; nothing piles up for it.

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::{OwnedSemaphorePermit, Semaphore, watch};
use tokio::time::timeout;

/// Most listeners at a time: some people with a few windows each. What one costs is a message of a few kilobytes a second.
pub(crate) const LISTENERS_MAX: usize = 16;

/// How long the end of the program waits for those who have not heard the end of the run.
pub(crate) const GOODBYE: Duration = Duration::from_secs(1);

/// How far the run has come.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct News {
    /// Counts the times there was something to say.
    pub(crate) number: u64,
    /// There will be nothing more.
    pub(crate) is_over: bool,
}

/// All of them.
#[derive(Debug)]
pub(crate) struct Listeners {
    news: watch::Sender<News>,
    places: Arc<Semaphore>,
}

impl Default for Listeners {
    fn default() -> Listeners {
        Listeners { news: watch::Sender::default(), places: Arc::new(Semaphore::new(LISTENERS_MAX)) }
    }
}

impl Listeners {
    /// A place for one more, which is free again when it is dropped; nothing if all are taken.
    pub(crate) fn admit(&self) -> Option<(OwnedSemaphorePermit, watch::Receiver<News>)> {
        let place = Arc::clone(&self.places).try_acquire_owned().ok()?;
        Some((place, self.news.subscribe()))
    }

    /// There is something to say.
    pub(crate) fn tell(&self) {
        self.news.send_modify(|news| news.number += 1);
    }

    /// Waits until nobody listens any more, for as long as is bearable: after the end everybody goes who has heard of it.
    pub(crate) async fn goodbye(&self) {
        // Out of time is no failure: whoever does not read does not hear.
        let _ = timeout(GOODBYE, self.places.acquire_many(LISTENERS_MAX as u32)).await;
    }

    /// And that was the last.
    pub(crate) fn end(&self) {
        self.news.send_modify(|news| *news = News { number: news.number + 1, is_over: true });
    }
}
