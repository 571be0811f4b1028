//! `injector`: reads the command line, runs it, ends with the exit code that says how it went.

use std::process::ExitCode;

use clap::{CommandFactory, Parser};
use injector::cli::{Cli, Command, RunArgs};
use injector::pacer::Quantum;
use injector::plan::Plan;
use injector::verdict::Exit;
use injector::{check, fault, log, preflight, probe, session};

fn main() -> ExitCode {
    let cli = Cli::parse();
    log::init(cli.log_level);
    let ended = match &cli.command {
        Command::Run(args) => run(args),
        Command::Probe(args) => probe::run(args),
        Command::Fault(args) => fault::run(args),
        Command::Check(args) => args.plan().and_then(|plan| describe(&plan)),
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

fn describe(plan: &Plan) -> Result<Exit, (Exit, String)> {
    let defect = |error: std::io::Error| (Exit::Invalid, error.to_string());
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().map_err(defect)?;
    let findings = runtime.block_on(preflight::examine(plan, Quantum::Precise)).map_err(defect)?;
    print!("{}{}", check::describe(plan), check::machine(&findings));
    Ok(Exit::Passed)
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
