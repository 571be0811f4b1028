//! The pair in one process: a target and an injector on loopback, the main job of the project in one command.
//!
//! The two halves meet only on the wire, as they would on two machines: the injector reaches the target's ports over
//! sockets and asks its admin port for its account. Both listen on ports of the kernel's choosing, so that the pair runs
//! beside anything.

use std::ffi::OsStr;
use std::net::{Ipv4Addr, SocketAddr};
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::time::Duration;

use clap::Parser;
use injector::cli::{ApiArgs, CompatArgs, LengthArgs, LoadArgs, OutputArgs, UiArgs, environment, plan};
use injector::plan::{Address, Host, Ports};
use injector::scenario::Scenario;
use injector::session::{self, Job};
use injector::verdict::Exit;
use shared::protocol::Protocol;
use target_server::{Addresses, Config, Target};
use tokio_util::sync::CancellationToken;

/// What runs when no file is named. In the program, so that it runs from any directory.
const DEMO: &str = include_str!("../scenarios/demo.yaml");
/// How long the pair runs when nothing else is said.
const DEMO_LENGTH: Duration = Duration::from_secs(20);

/// Runs a target and an injector on loopback ports of this machine and prints what both sides saw.
#[derive(Debug, Parser)]
#[command(name = "continuous-load", version, max_term_width = 100)]
struct Cli {
    /// The scenario (YAML or JSON); by default the demo mix of scenarios/demo.yaml. Its target is replaced.
    file: Option<PathBuf>,
    /// Run until SIGINT or SIGTERM, whatever --for says.
    #[arg(long)]
    forever: bool,
    #[command(flatten)]
    outputs: OutputArgs,
    #[command(flatten)]
    run: LengthArgs,
    #[command(flatten)]
    load: LoadArgs,
    #[command(flatten)]
    ui: UiArgs,
    #[command(flatten)]
    compat: CompatArgs,
    #[command(flatten)]
    api: ApiArgs,
}

fn main() -> ExitCode {
    // An image holds this file once, under the names of both programs: most of each is in the other as well.
    let called = std::env::args_os().next().map(PathBuf::from);
    match called.as_deref().and_then(Path::file_name).and_then(OsStr::to_str) {
        Some("target-server") => target_server::program::main(),
        Some("injector") => injector::program::main(),
        _ => both(),
    }
}

fn both() -> ExitCode {
    let cli = Cli::parse();
    injector::log::init(tracing::Level::WARN);
    let exit = pair(&cli).unwrap_or_else(|(exit, message)| {
        eprintln!("continuous-load: {message}");
        exit
    });
    ExitCode::from(exit.code())
}

fn pair(cli: &Cli) -> Result<Exit, (Exit, String)> {
    let name = cli.file.as_deref().map_or_else(|| "scenarios/demo.yaml".into(), |file| file.display().to_string());
    let scenario = match &cli.file {
        Some(file) => Scenario::read(file, &environment),
        None => Scenario::parse_in(&name, DEMO, &environment),
    };
    let scenario = scenario.map_err(|problems| (Exit::Scenario, problems.to_string()))?;
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build().map_err(failed)?;
    runtime.block_on(async {
        let stop = shared::shutdown::on_signal(shared::shutdown::EXIT_INTERRUPTED).map_err(failed)?;
        let target = Target::bind(Config::loopback()).map_err(failed)?;
        let addresses = target.addresses();
        eprint!("target:\n{addresses}injector:\n");
        let mut overrides = cli.load.overrides(Some(at(addresses.http)), Some(at(addresses.admin)));
        overrides.ports = ports(&addresses);
        let mut options = cli.run.options();
        options.length = if cli.forever { None } else { options.length.or(Some(DEMO_LENGTH)) };
        let plan = plan(&scenario, &overrides)?;
        let job = Job {
            name,
            ui: cli.ui.setup(plan.length(options.length), cli.outputs.is_stdout_taken())?,
            plan,
            origin: None,
            options,
            admin_address: SocketAddr::from((Ipv4Addr::LOCALHOST, 0)),
            outputs: cli.outputs.outputs(),
            api_token_file: cli.api.api_token_file.clone(),
            linger: None,
            k6: cli.compat.k6(),
        };
        // The target outlives the injector, which asks it for its account last.
        let drain = CancellationToken::new();
        let serving = tokio::spawn(target.serve(drain.clone()));
        let exit = session::execute(job, stop).await.map_err(|error| (error.exit, error.to_string()));
        drain.cancel();
        serving.await.map_err(failed)?;
        exit
    })
}

fn ports(addresses: &Addresses) -> Ports {
    let mut ports = Ports::default();
    for protocol in Protocol::ALL {
        if let Some(address) = addresses.of(protocol) {
            ports.set(protocol, address.port());
        }
    }
    ports
}

fn at(address: SocketAddr) -> Address {
    Address { scheme: None, host: Host::Ip(address.ip()), port: Some(address.port()) }
}

fn failed(error: impl std::fmt::Display) -> (Exit, String) {
    (Exit::Invalid, error.to_string())
}
