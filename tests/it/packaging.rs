//! From source to a running release: the image, the list of packages, the manifests, the scripts that install.
//!
//! No cluster, no registry and no optimised build. Where an API server would be asked, a stand-in for `kubectl` and `helm` writes down
//! what it was asked; everything else is the real thing.

mod image;
mod install;
mod manifests;
mod sbom;
mod scripts;

use std::path::{Path, PathBuf};
use std::process::Output;

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).to_owned()
}

/// Everything that a command said.
fn said(output: &Output) -> String {
    String::from_utf8_lossy(&[output.stdout.as_slice(), &output.stderr].concat()).into_owned()
}

fn read(path: &str) -> String {
    std::fs::read_to_string(root().join(path)).unwrap_or_else(|error| panic!("{path}: {error}"))
}

/// The release that the workspace is.
fn version() -> String {
    env!("CARGO_PKG_VERSION").to_owned()
}
