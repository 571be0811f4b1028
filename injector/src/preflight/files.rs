//! The one reader of what the kernel says of itself: small text files below a root, which a test gives.

use std::fs;
use std::path::PathBuf;

/// Text files below a root.
#[derive(Clone, Debug)]
pub(super) struct Files {
    root: PathBuf,
}

impl Files {
    /// The kernel's.
    pub(super) fn system() -> Files {
        Files { root: PathBuf::from("/") }
    }

    /// A test's.
    #[cfg(test)]
    pub(super) fn below(root: &std::path::Path) -> Files {
        Files { root: root.to_owned() }
    }

    /// What a file says; nothing if it is not there or may not be read, as half of them are on half of the machines.
    pub(super) fn text(&self, path: &str) -> Option<String> {
        Some(fs::read_to_string(self.root.join(path.trim_start_matches('/'))).ok()?.trim().to_owned())
    }

    /// A file with one number.
    pub(super) fn number(&self, path: &str) -> Option<u64> {
        self.text(path)?.parse().ok()
    }

    /// The number behind a key, in a file of `key number` lines.
    pub(super) fn entry(&self, path: &str, key: &str) -> Option<u64> {
        let text = self.text(path)?;
        let mut lines = text.lines().filter_map(|line| line.split_once(char::is_whitespace));
        let number = lines.find(|(known, _)| known.trim_end_matches(':') == key)?.1;
        number.trim().trim_end_matches("kB").trim_end().parse().ok()
    }
}
