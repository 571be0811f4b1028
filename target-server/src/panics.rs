//! A panic costs one request, never the connection or the socket that carries others.
//!
//! Whatever guards the request (a [`Call`](crate::record::Call)) is dropped while the panic passes, and records it.

use std::any::Any;
use std::future::{Future, poll_fn};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::pin::pin;
use std::task::Poll;

/// Runs to its end; nothing if it panics, which is logged as the end of `what`.
pub(crate) async fn shielded<T>(what: &'static str, serving: impl Future<Output = T>) -> Option<T> {
    let mut serving = pin!(serving);
    poll_fn(|cx| match catch_unwind(AssertUnwindSafe(|| serving.as_mut().poll(cx))) {
        Ok(polled) => polled.map(Some),
        Err(panic) => {
            note(what, &*panic);
            Poll::Ready(None)
        }
    })
    .await
}

/// Logs a panic that ended `what`.
pub(crate) fn note(what: &'static str, panic: &(dyn Any + Send)) {
    let text = panic.downcast_ref::<&str>().copied();
    let reason = text.or_else(|| panic.downcast_ref::<String>().map(String::as_str)).unwrap_or("unknown");
    tracing::error!(reason, "{what} panicked");
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_panic_ends_what_is_shielded_and_no_more() {
        assert_eq!(shielded("a test", async { 1 }).await, Some(1));
        let late = async {
            tokio::task::yield_now().await;
            assert!(std::env::args().count() == 0, "a test asked for it");
        };
        assert_eq!(shielded("a test", late).await, None);
    }
}
