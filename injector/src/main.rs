//! `injector`: see [`injector::program`].

use std::process::ExitCode;

fn main() -> ExitCode {
    injector::program::main()
}
