//! `/configs`: the files of one folder, as it was when it last changed as a whole.
//!
//! Kubernetes mounts a ConfigMap as links through `..data`, and replaces that one link when the map changes. So the folder
//! is read at start and whenever the link is another; a file edited in place shows at the next exchange, as in podinfo.
//! Looked at when somebody asks: two system calls, and no thread that watches for whom nobody asks.
//!
//! Invariants:
//! - What is shown was read whole. A folder that cannot be read, or is over the bounds, changes nothing; it is logged once
//!   and tried again after the next exchange.
//! - [`FILES_MAX`] and [`TOTAL_MAX_BYTES`] bound what is held.

use std::collections::BTreeMap;
use std::fs::{self, File};
use std::io::{self, Read as _};
use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};

use http::StatusCode;

use super::Plain;

/// The most files; a ConfigMap of that many would have keys and little else.
const FILES_MAX: usize = 1024;
/// The most content of all files: four ConfigMaps of the largest size.
const TOTAL_MAX_BYTES: u64 = 4 << 20;
/// What the kubelet exchanges.
const DATA_LINK: &str = "..data";

/// Name to text; what is no UTF-8 is shown as U+FFFD.
type Files = BTreeMap<String, String>;

/// The folder as last read.
pub(super) struct Configs(Option<Arc<Folder>>);

struct Folder {
    path: PathBuf,
    /// Held while the folder is read: one reader at a time is enough.
    seen: Mutex<Seen>,
}

#[derive(Default)]
struct Seen {
    /// Of the last try, successful or not.
    link: Option<Link>,
    files: Arc<Files>,
}

/// Which `..data` it was: a new link has another inode, and if that was used before, another time or target.
#[derive(PartialEq, Eq)]
struct Link {
    inode: u64,
    changed: (i64, i64),
    target: PathBuf,
}

impl Configs {
    /// Reads the folder, if one is given and is there.
    pub(super) fn new(path: Option<PathBuf>) -> Configs {
        let folder = path.filter(|path| path.is_dir()).map(|path| {
            let folder = Folder { path, seen: Mutex::default() };
            let link = Link::of(&folder.path);
            folder.seen.lock().unwrap_or_else(PoisonError::into_inner).take(&folder.path, link);
            Arc::new(folder)
        });
        Configs(folder)
    }

    /// Name to text; `{}` without a folder.
    pub(super) async fn answer(&self) -> Plain {
        let Some(folder) = &self.0 else { return Plain::json(StatusCode::OK, &Files::new()) };
        let folder = Arc::clone(folder);
        match tokio::task::spawn_blocking(move || folder.files()).await {
            Ok(files) => Plain::json(StatusCode::OK, &*files),
            Err(_) => Plain::refusal(StatusCode::INTERNAL_SERVER_ERROR, "reading the folder panicked"),
        }
    }
}

impl Folder {
    fn files(&self) -> Arc<Files> {
        let mut seen = self.seen.lock().unwrap_or_else(PoisonError::into_inner);
        let link = Link::of(&self.path);
        // A link that is gone is half of an exchange.
        if link.is_some() && link != seen.link {
            seen.take(&self.path, link);
        }
        Arc::clone(&seen.files)
    }
}

impl Seen {
    /// The link was looked at before the files: if it changes meanwhile, the next look sees so.
    fn take(&mut self, path: &Path, link: Option<Link>) {
        self.link = link;
        match read(path) {
            Ok(files) => self.files = Arc::new(files),
            Err(error) => {
                tracing::error!(path = %path.display(), %error, "cannot read the configs; they stay as they were")
            }
        }
    }
}

impl Link {
    fn of(folder: &Path) -> Option<Link> {
        let link = folder.join(DATA_LINK);
        let about = fs::symlink_metadata(&link).ok()?;
        let target = fs::read_link(&link).unwrap_or_default();
        Some(Link { inode: about.ino(), changed: (about.ctime(), about.ctime_nsec()), target })
    }
}

/// Every file whose name has no `..`: those are the kubelet's own. Links count as what they lead to, since all of its
/// files are links; what is no file, such as a pipe that would never end, is passed over.
fn read(folder: &Path) -> io::Result<Files> {
    let mut files = Files::new();
    let mut room = TOTAL_MAX_BYTES;
    for entry in fs::read_dir(folder)? {
        let entry = entry?;
        let name = entry.file_name().to_string_lossy().into_owned();
        if name.contains("..") || !fs::metadata(entry.path())?.is_file() {
            continue;
        }
        if files.len() == FILES_MAX {
            return Err(io::Error::other(format!("more than {FILES_MAX} files")));
        }
        let mut content = Vec::new();
        File::open(entry.path())?.take(room + 1).read_to_end(&mut content)?;
        room = room
            .checked_sub(content.len() as u64)
            .ok_or_else(|| io::Error::other(format!("more than {TOTAL_MAX_BYTES} bytes in all files together")))?;
        files.insert(name, String::from_utf8_lossy(&content).into_owned());
    }
    Ok(files)
}

#[cfg(test)]
mod tests;
