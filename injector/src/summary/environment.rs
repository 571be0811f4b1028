//! The machine that a run was sent from: two results of different machines are not compared in silence.

use std::fs;
use std::thread;

use serde::{Deserialize, Serialize};

/// The machine, as far as it bears on figures.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Environment {
    /// Its name; in a pod, the pod's.
    pub host: String,
    /// Processors that this process may use; 0 if that is not known.
    pub cores: usize,
    /// Release of its kernel.
    pub kernel: String,
}

impl Environment {
    /// This one. What cannot be read is left empty: no run fails for that.
    pub fn read() -> Environment {
        let read = |file: &str| fs::read_to_string(file).unwrap_or_default().trim().to_owned();
        Environment {
            host: read("/proc/sys/kernel/hostname"),
            cores: thread::available_parallelism().map_or(0, usize::from),
            kernel: read("/proc/sys/kernel/osrelease"),
        }
    }
}
