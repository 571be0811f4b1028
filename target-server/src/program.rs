//! The target as a program: flags → sockets → addresses on standard output → serve until told to stop.

use std::io::Write as _;
use std::process::ExitCode;

use crate::config::{Loaded, command};
use crate::{Config, Report, Target, log, runtime};

/// The exit code of a process that was told twice: podinfo's.
const EXIT_SECOND_SIGNAL: u8 = 1;

/// Runs it by this process's command line and environment; how the process should end.
pub fn main() -> ExitCode {
    if let Some(manual) = Config::manual() {
        return match manual.write(command()) {
            Ok(()) => ExitCode::SUCCESS,
            Err(error) => {
                eprintln!("target-server: {error}");
                ExitCode::FAILURE
            }
        };
    }
    let Loaded { config, warnings } = Config::load();
    log::start(&config);
    for warning in warnings {
        tracing::warn!("{warning}");
    }
    match run(config) {
        Ok(report) => report.exit_code(),
        Err(error) => {
            tracing::error!(error, "cannot start");
            ExitCode::FAILURE
        }
    }
}

fn run(config: Config) -> Result<Report, Box<dyn std::error::Error>> {
    runtime(config.threads)?.block_on(async {
        let stop = shared::shutdown::on_signal(EXIT_SECOND_SIGNAL)?;
        let target = Target::bind(config)?;
        // Whoever started us with port 0 reads the port here; if nobody reads, that is no reason to stop.
        let _ = write!(std::io::stdout(), "{}", target.addresses());
        Ok(target.serve(stop).await)
    })
}
