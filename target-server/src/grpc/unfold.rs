//! A stream from a function that takes a state and returns the next item and state.

use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use tonic::Status;
use tonic::codegen::tokio_stream::Stream;

/// What a streaming method returns.
pub(super) type Answers<T> = Pin<Box<dyn Stream<Item = Result<T, Status>> + Send>>;

struct Unfold<S, F, Fut> {
    state: Option<S>,
    step: F,
    pending: Option<Pin<Box<Fut>>>,
}

/// Calls `step` until it returns nothing or an error.
pub(super) fn unfold<T, S, F, Fut>(state: S, step: F) -> Answers<T>
where
    S: Send + Unpin + 'static,
    F: FnMut(S) -> Fut + Send + Unpin + 'static,
    Fut: Future<Output = Result<Option<(T, S)>, Status>> + Send + 'static,
{
    Box::pin(Unfold { state: Some(state), step, pending: None })
}

impl<T, S, F, Fut> Stream for Unfold<S, F, Fut>
where
    S: Unpin,
    F: FnMut(S) -> Fut + Unpin,
    Fut: Future<Output = Result<Option<(T, S)>, Status>>,
{
    type Item = Result<T, Status>;

    fn poll_next(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        let this = self.get_mut();
        if let Some(state) = this.state.take() {
            this.pending = Some(Box::pin((this.step)(state)));
        }
        let Some(pending) = &mut this.pending else { return Poll::Ready(None) };
        let stepped = ready!(pending.as_mut().poll(cx));
        this.pending = None;
        Poll::Ready(match stepped {
            Ok(Some((item, state))) => {
                this.state = Some(state);
                Some(Ok(item))
            }
            Ok(None) => None,
            Err(status) => Some(Err(status)),
        })
    }
}
