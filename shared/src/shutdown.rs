//! From SIGTERM and SIGINT to an orderly end, alike in both programs; and SIGHUP, which says that a file is another.
//!
//! The first signal cancels a token that everything long-lived waits on; the second ends the process at once, for an
//! operator who does not want to wait for a drain.

use tokio::signal::unix::{Signal, SignalKind, signal};
use tokio_util::sync::CancellationToken;

/// The exit code of an interrupted process by the shell's convention: 128 + SIGINT.
pub const EXIT_INTERRUPTED: u8 = 130;

/// Starts listening for signals; the token is cancelled by the first, and the second ends the process with `second`. Must
/// be called on a runtime.
///
/// # Errors
/// If the handlers cannot be installed.
pub fn on_signal(second: u8) -> std::io::Result<CancellationToken> {
    let mut terminate = signal(SignalKind::terminate())?;
    let mut interrupt = signal(SignalKind::interrupt())?;
    let token = CancellationToken::new();
    let first = token.clone();
    tokio::spawn(async move {
        let name = either(&mut terminate, &mut interrupt).await;
        // First of all: a log that nobody reads must not hold up the end.
        first.cancel();
        tracing::info!(signal = name, "stopping; a second signal ends at once");
        either(&mut terminate, &mut interrupt).await;
        exit_now(second);
    });
    Ok(token)
}

/// Those who say that something is to be read again. Several that come together are one.
pub struct Hangups(Signal);

/// From now on SIGHUP ends the process no more. Must be called on a runtime.
///
/// # Errors
/// If the handler cannot be installed.
pub fn hangups() -> std::io::Result<Hangups> {
    signal(SignalKind::hangup()).map(Hangups)
}

impl Hangups {
    /// Ready with the next one.
    pub async fn next(&mut self) {
        if self.0.recv().await.is_none() {
            // There are no more signals to come, and so no next one.
            std::future::pending().await
        }
    }
}

async fn either(terminate: &mut Signal, interrupt: &mut Signal) -> &'static str {
    tokio::select! {
        _ = terminate.recv() => "SIGTERM",
        _ = interrupt.recv() => "SIGINT",
    }
}

#[expect(clippy::disallowed_methods, reason = "the second signal asks for exactly this: no drain, no destructors")]
fn exit_now(code: u8) -> ! {
    std::process::exit(code.into())
}
