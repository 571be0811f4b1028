//! `injector`: reads the command line, runs it, ends with the exit code that says how it went.

use std::process::ExitCode;

use clap::{CommandFactory, Parser};

use crate::cli::{CheckArgs, Cli, Command, RunArgs};
use crate::pacer::Quantum;
use crate::verdict::Exit;
use crate::{check, fault, log, output, preflight, probe, remote, report, schema, session, starter};

/// Runs it by this process's command line and environment; how the process should end.
pub fn main() -> ExitCode {
    let cli = Cli::parse();
    log::init(cli.log_level);
    let ended = match &cli.command {
        Command::Run(args) => run(args),
        Command::Probe(args) => probe::run(args),
        Command::Control(args) => remote::run(args),
        Command::Fault(args) => fault::run(args),
        Command::Report(args) => report::run(args),
        Command::Check(args) => describe(args),
        Command::New(args) => starter::write(args),
        Command::Schema => output::print(&format!("{:#}\n", schema::schema())),
        Command::Manual(manual) => {
            manual.write(Cli::command()).map(|()| Exit::Passed).map_err(|error| (Exit::Usage, error.to_string()))
        }
    };
    let exit = ended.unwrap_or_else(|(exit, message)| {
        eprintln!("injector: {message}");
        exit
    });
    ExitCode::from(exit.code())
}

fn describe(args: &CheckArgs) -> Result<Exit, (Exit, String)> {
    let (said, plan) = args.plan()?;
    let defect = |error: std::io::Error| (Exit::Invalid, error.to_string());
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().map_err(defect)?;
    let findings = runtime.block_on(preflight::examine(&plan, Quantum::Precise)).map_err(defect)?;
    let told = match args.json {
        true => check::json(&plan, &findings),
        false => check::describe(&plan) + &check::machine(&findings),
    };
    output::print(&format!("{said}{told}"))
}

fn run(args: &RunArgs) -> Result<Exit, (Exit, String)> {
    let job = args.job()?;
    let defect = |error: std::io::Error| (Exit::Invalid, error.to_string());
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().map_err(defect)?;
    let ended = runtime.block_on(async {
        let stop = shared::shutdown::on_signal(shared::shutdown::EXIT_INTERRUPTED).map_err(defect)?;
        session::execute(job, stop).await.map_err(|error| (error.exit, error.to_string()))
    });
    // Whoever still reads a file on a system that hangs is not waited for.
    runtime.shutdown_background();
    ended
}
