//! What a replica says of itself: the same over HTTP and gRPC.
//!
//! Names and texts are podinfo's, Go's words included, because its clients and dashboards read them; the values are
//! true of this process.

use std::num::NonZero;
use std::thread::available_parallelism;

use serde::Serialize;
use tokio::runtime::Handle;

/// The release, as `/version` has it.
pub(crate) const VERSION: &str = env!("CARGO_PKG_VERSION");
/// The source this was built from: whoever builds a release says so.
pub(crate) const REVISION: &str = match option_env!("CLOAD_REVISION") {
    Some(revision) => revision,
    None => "unknown",
};
/// The pinned toolchain; a build script that asks the compiler would tell the same.
const RUNTIME: &str = concat!("rust", env!("CARGO_PKG_RUST_VERSION"));

/// What of it an operator chooses.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Ui {
    /// Such as `#34577c`.
    pub(crate) color: String,
    /// Address of a picture, or empty: a page that works without the internet shows none by default.
    pub(crate) logo: String,
    pub(crate) message: String,
}

impl Default for Ui {
    fn default() -> Ui {
        let message = format!("greetings from continuous-load v{VERSION}");
        Ui { color: "#34577c".to_owned(), logo: String::new(), message }
    }
}

/// One replica, in podinfo's order; numbers are text as well.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub(crate) struct Info {
    pub(crate) hostname: String,
    pub(crate) version: String,
    pub(crate) revision: String,
    pub(crate) color: String,
    pub(crate) logo: String,
    pub(crate) message: String,
    pub(crate) goos: String,
    pub(crate) goarch: String,
    pub(crate) runtime: String,
    /// Tasks alive, which are what goroutines are.
    pub(crate) num_goroutine: String,
    /// Processors this process may use.
    pub(crate) num_cpu: String,
}

impl Info {
    /// Asks the system; what changes while it runs is filled in by [`Info::now`].
    pub(crate) fn new(ui: &Ui) -> Info {
        let hostname = nix::unistd::gethostname().unwrap_or_default();
        Info {
            hostname: hostname.to_string_lossy().into_owned(),
            version: VERSION.to_owned(),
            revision: REVISION.to_owned(),
            color: ui.color.clone(),
            logo: ui.logo.clone(),
            message: ui.message.clone(),
            goos: goos(std::env::consts::OS).to_owned(),
            goarch: goarch(std::env::consts::ARCH).to_owned(),
            runtime: RUNTIME.to_owned(),
            num_goroutine: tasks().to_string(),
            num_cpu: available_parallelism().map_or(1, NonZero::get).to_string(),
        }
    }

    /// The same, as of this moment.
    pub(crate) fn now(&self) -> Info {
        Info { num_goroutine: tasks().to_string(), ..self.clone() }
    }
}

/// None off a runtime, where nothing runs.
fn tasks() -> usize {
    Handle::try_current().map_or(0, |runtime| runtime.metrics().num_alive_tasks())
}

/// Go's name of a system; most are Rust's too.
fn goos(os: &str) -> &str {
    match os {
        "macos" => "darwin",
        other => other,
    }
}

/// Go's name of a processor.
fn goarch(arch: &str) -> &str {
    match arch {
        "x86_64" => "amd64",
        "x86" => "386",
        "aarch64" => "arm64",
        other => other,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_replica_knows_itself_and_counts_its_tasks() {
        let info = Info::new(&Ui::default());
        assert!(!info.hostname.is_empty());
        assert_eq!(info.message, format!("greetings from continuous-load v{VERSION}"));
        assert_eq!((info.color.as_str(), info.runtime.starts_with("rust1.")), ("#34577c", true));
        assert!(info.num_cpu.parse::<u32>().unwrap() >= 1);
        let before: usize = info.now().num_goroutine.parse().unwrap();
        let task = tokio::spawn(std::future::pending::<()>());
        assert_eq!(info.now(), Info { num_goroutine: (before + 1).to_string(), ..info });
        task.abort();
    }

    #[test]
    fn systems_and_processors_have_gos_names() {
        for (rust, go) in [("x86_64", "amd64"), ("aarch64", "arm64"), ("x86", "386"), ("riscv64", "riscv64")] {
            assert_eq!(goarch(rust), go);
        }
        assert_eq!((goos("linux"), goos("macos")), ("linux", "darwin"));
    }
}
