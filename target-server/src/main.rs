//! `target-server`: see [`target_server::program`].

use std::process::ExitCode;

fn main() -> ExitCode {
    target_server::program::main()
}
