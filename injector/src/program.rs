//! The injector as a program: reads the command line, runs it, ends with the exit code that says how it went.

use std::process::ExitCode;

use clap::Parser;

use crate::cli::{Cli, Command, RunArgs};
use crate::verdict::Exit;
use crate::{check, fault, log, probe, session};

/// Runs it by this process's command line and environment; how the process should end.
pub fn main() -> ExitCode {
    let cli = Cli::parse();
    log::init(cli.log_level);
    let ended = match &cli.command {
        Command::Run(args) => run(args),
        Command::Probe(args) => probe::run(args),
        Command::Fault(args) => fault::run(args),
        Command::Check(args) => args.plan().map(|plan| {
            print!("{}", check::describe(&plan));
            Exit::Passed
        }),
    };
    let exit = ended.unwrap_or_else(|(exit, message)| {
        eprintln!("injector: {message}");
        exit
    });
    ExitCode::from(exit.code())
}

fn run(args: &RunArgs) -> Result<Exit, (Exit, String)> {
    let job = args.job()?;
    let defect = |error: std::io::Error| (Exit::Invalid, error.to_string());
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().map_err(defect)?;
    runtime.block_on(async {
        let stop = shared::shutdown::on_signal(shared::shutdown::EXIT_INTERRUPTED).map_err(defect)?;
        session::execute(job, stop).await.map_err(|error| (error.exit, error.to_string()))
    })
}
