//! Logs, to standard error: standard output belongs to the report. While a view has the terminal, to that.

use std::io::{self, IsTerminal, Write};
use std::sync::{Mutex, PoisonError};

/// Takes a line. Must not log.
pub(crate) type Sink = Box<dyn Fn(&str) + Send>;

static SINK: Mutex<Option<Sink>> = Mutex::new(None);

/// Starts logging at this level. Called once.
pub fn init(level: tracing::Level) {
    let colours = io::stderr().is_terminal();
    tracing_subscriber::fmt().with_max_level(level).with_target(false).with_ansi(colours).with_writer(|| Writer).init();
}

/// Where lines go from now on; nothing: to standard error.
pub(crate) fn divert(to: Option<Sink>) {
    *SINK.lock().unwrap_or_else(PoisonError::into_inner) = to;
}

/// Is handed whole lines.
struct Writer;

impl Write for Writer {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        match &*SINK.lock().unwrap_or_else(PoisonError::into_inner) {
            Some(sink) => sink(message(&String::from_utf8_lossy(bytes)).trim()),
            None => io::stderr().write_all(bytes)?,
        }
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// A line without colours and without the time it begins with: where it goes has a clock of its own.
fn message(line: &str) -> String {
    let mut plain = String::new();
    let mut rest = line;
    while let Some((before, sequence)) = rest.split_once('\x1b') {
        plain.push_str(before);
        rest = sequence.split_once('m').map_or("", |(_, rest)| rest);
    }
    plain.push_str(rest);
    match plain.trim_start().split_once(' ') {
        Some((first, rest)) if first.starts_with(|c: char| c.is_ascii_digit()) => rest.trim_start().to_owned(),
        _ => plain,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_loses_its_colours_and_its_time() {
        let cases = [
            ("\x1b[2m2026-01-02T03:04:05Z\x1b[0m \x1b[32m INFO\x1b[0m stopping\n", "INFO stopping\n"),
            ("2026-01-02T03:04:05Z  WARN x=1", "WARN x=1"),
            ("plain words", "plain words"),
        ];
        for (line, plain) in cases {
            assert_eq!(message(line), plain);
        }
    }
}
