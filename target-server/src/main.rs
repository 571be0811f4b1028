//! The target as a program: flags → sockets → addresses on standard output → serve until told to stop.

use std::io::Write as _;
use std::process::ExitCode;

use clap::Parser as _;
use target_server::{Config, Report, Target, log, runtime};

fn main() -> ExitCode {
    let config = Config::parse();
    log::start(&config);
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
        let stop = shared::shutdown::on_signal()?;
        let target = Target::bind(config)?;
        // Whoever started us with port 0 reads the port here; if nobody reads, that is no reason to stop.
        let _ = write!(std::io::stdout(), "{}", target.addresses());
        Ok(target.serve(stop).await)
    })
}
