//! Prints on a thread of its own: a reader that has stopped reading must stop neither the run nor its signals.

use std::io::{self, Write};
use std::sync::mpsc::{SyncSender, sync_channel};
use std::thread::{self, JoinHandle};

/// Prints in the order it was told. What finds no room is left out; a closed pipe ends the talk, not the run.
pub(super) struct Printer {
    lines: SyncSender<Output>,
    thread: JoinHandle<()>,
}

/// Something to print, without its last line end.
enum Output {
    /// For people.
    Text(String),
    /// For programs: standard output, always.
    Data(String),
}

/// What may wait for a slow reader: a minute of a run.
const WAITING_MAX: usize = 64;

impl Printer {
    pub(super) fn start(text_to_stderr: bool) -> io::Result<Printer> {
        let (lines, waiting) = sync_channel::<Output>(WAITING_MAX);
        let thread = thread::Builder::new().name("printer".to_owned()).spawn(move || {
            for output in waiting {
                let (text, written) = match output {
                    Output::Text(text) if text_to_stderr => {
                        let written = writeln!(io::stderr().lock(), "{text}");
                        (text, written)
                    }
                    Output::Text(text) | Output::Data(text) => {
                        let mut stdout = io::stdout().lock();
                        let written = writeln!(stdout, "{text}").and_then(|()| stdout.flush());
                        (text, written)
                    }
                };
                match written {
                    Ok(()) => {}
                    // Nobody reads any more, which is their choice.
                    Err(error) if error.kind() == io::ErrorKind::BrokenPipe => return,
                    Err(error) => eprintln!("injector: standard output: {error}\n{text}"),
                }
            }
        })?;
        Ok(Printer { lines, thread })
    }

    pub(super) fn text(&self, text: String) {
        let _ = self.lines.try_send(Output::Text(text));
    }

    pub(super) fn data(&self, data: String) {
        let _ = self.lines.try_send(Output::Data(data));
    }

    /// Prints what must not be left out, and waits until it is read.
    pub(super) fn finish(self, last: String) {
        let _ = self.lines.send(Output::Text(last));
        drop(self.lines);
        let _ = self.thread.join();
    }
}
