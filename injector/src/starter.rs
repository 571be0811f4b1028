//! `injector new`: a scenario to start from. Those are the examples of `scenarios/`, which tests check and run.

use std::fs::OpenOptions;
use std::io::{self, Write as _};

use clap::ValueEnum;

use crate::cli::NewArgs;
use crate::output;
use crate::verdict::Exit;

/// What to start from.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
pub enum Template {
    /// One request of each kind that most need, every key explained.
    #[default]
    Starter,
    /// For ever, at a rate nobody notices: each protocol over fresh and over kept connections.
    Continuous,
    /// So much for so long: a load test with an end.
    Load,
    /// A whole day or more at a steady rate.
    Soak,
    /// Every protocol, a little of each.
    Protocols,
    /// Answers that fail, stall and break, asked for and checked.
    Faults,
    /// Names and replicas: look-ups, and every address on its own.
    Names,
    /// Fresh, pooled and rotating connections on the same path.
    Connections,
}

impl Template {
    /// The scenario's text.
    pub const fn text(self) -> &'static str {
        match self {
            Template::Starter => include_str!("../../scenarios/starter.yaml"),
            Template::Continuous => include_str!("../../scenarios/continuous.yaml"),
            Template::Load => include_str!("../../scenarios/load.yaml"),
            Template::Soak => include_str!("../../scenarios/soak.yaml"),
            Template::Protocols => include_str!("../../scenarios/protocols.yaml"),
            Template::Faults => include_str!("../../scenarios/faults.yaml"),
            Template::Names => include_str!("../../scenarios/names.yaml"),
            Template::Connections => include_str!("../../scenarios/connections.yaml"),
        }
    }
}

/// Writes the file, unless it is there.
///
/// # Errors
/// Why it cannot be written, and the exit code.
pub fn write(args: &NewArgs) -> Result<Exit, (Exit, String)> {
    let text = args.template.text();
    let Some(path) = args.place() else {
        return output::print(text);
    };
    let shown = path.display();
    // Asked of the system in one step: looking first would leave time for somebody to write in between.
    let mut options = OpenOptions::new();
    options.write(true).create(args.force).truncate(args.force).create_new(!args.force);
    let written = options.open(path).and_then(|mut file| file.write_all(text.as_bytes()));
    match written {
        Ok(()) => output::print(&format!("wrote {shown}; say what it means with: injector check {shown}\n")),
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {
            Err((Exit::Usage, format!("{shown} is there already; choose another name, or write over it with --force")))
        }
        Err(error) => Err((Exit::Usage, format!("cannot write {shown}: {error}"))),
    }
}
