//! Whether files are others than when they were read. Blocking, and on any file system: what `stat` says, following links,
//! and where that has changed the bytes.

use std::collections::BTreeMap;
use std::fs;
use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};

use crate::scenario::{Digest, bytes, digest};

/// Files, and what they held when they were read.
#[derive(Clone, Debug)]
pub(super) struct Watch {
    /// As many as a scenario names.
    files: BTreeMap<PathBuf, Digest>,
    /// As they were when they were last compared.
    compared: Vec<Stamp>,
    /// As they were at the last look: two looks must agree before anything is read, for an editor writes a file in pieces.
    looked: Vec<Stamp>,
}

/// What `stat` says of a file; nothing: it is not there. Device, inode, length, times of the last change.
type Stamp = Option<(u64, u64, u64, [i64; 4])>;

impl Watch {
    /// What was read.
    pub(super) fn of(files: BTreeMap<PathBuf, Digest>) -> Watch {
        Watch { files, compared: Vec::new(), looked: Vec::new() }
    }

    /// Whether any holds something else than when it was read. One that is being written may be seen at the next look only.
    pub(super) fn has_changed(&mut self) -> bool {
        let stamps: Vec<Stamp> = self.files.keys().map(|path| stamp(path)).collect();
        let is_quiet = self.looked == stamps;
        self.looked.clone_from(&stamps);
        if stamps == self.compared || !is_quiet {
            return false;
        }
        self.compared = stamps;
        self.files.iter().any(|(path, held)| now(path) != *held)
    }

    /// They were read again. What was read of a scenario that is wrong may not be all that it names: the others are kept.
    pub(super) fn follow(&mut self, read: BTreeMap<PathBuf, Digest>, is_whole: bool) {
        let mut files = read;
        if !is_whole {
            for path in self.files.keys() {
                files.entry(path.clone()).or_insert_with(|| now(path));
            }
        }
        *self = Watch::of(files);
    }
}

fn stamp(path: &Path) -> Stamp {
    let held = fs::metadata(path).ok()?;
    let times = [held.mtime(), held.mtime_nsec(), held.ctime(), held.ctime_nsec()];
    Some((held.dev(), held.ino(), held.len(), times))
}

/// As who reads it would see it.
fn now(path: &Path) -> Digest {
    bytes(path).ok().map(|bytes| digest(&bytes))
}

#[cfg(test)]
mod tests;
