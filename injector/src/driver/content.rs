//! What the content of an answer should be, compared piece by piece as it comes.

use std::sync::Arc;

use shared::payload::PayloadMatcher;

/// The content that is right.
#[derive(Clone)]
pub(super) enum Content {
    /// Any bytes.
    Any,
    /// These: the request's own that come back, or those of a route.
    Echo {
        /// All of them.
        body: Arc<[u8]>,
        /// How much has come.
        seen: usize,
    },
    /// This payload.
    Payload(PayloadMatcher),
}

impl Content {
    /// Takes the next piece; whether it is right.
    pub(super) fn take(&mut self, piece: &[u8]) -> bool {
        match self {
            Content::Any => true,
            Content::Echo { body, seen } => {
                let same = body.get(*seen..*seen + piece.len()) == Some(piece);
                *seen += piece.len();
                same
            }
            Content::Payload(matcher) => matcher.push(piece).is_ok(),
        }
    }
}
