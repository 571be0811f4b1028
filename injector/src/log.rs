//! Logs, to standard error: standard output belongs to the report.

use std::io::IsTerminal;

/// Starts logging at this level. Called once.
pub fn init(level: tracing::Level) {
    let colours = std::io::stderr().is_terminal();
    tracing_subscriber::fmt()
        .with_max_level(level)
        .with_target(false)
        .with_ansi(colours)
        .with_writer(std::io::stderr)
        .init();
}
