//! `/store`: bodies in files, named by their SHA-1.
//!
//! Invariants:
//! - A file's name is 40 hexadecimal digits and nothing else, so no path leaves the folder.
//! - A reader sees a whole body or none: files appear by renaming.
//! - The folder is bounded, in bytes and in files. A full one refuses (507) and deletes nothing: whoever was told a hash
//!   may still ask for it, and a test that fills a disk wants to see the end.
//!
//! Writes go one at a time, which keeps the count exact. What another process writes into the folder meanwhile is not
//! counted until this one starts again.

use std::fs::{File, Permissions};
use std::io::{self, Read as _, Write as _};
use std::os::unix::fs::PermissionsExt as _;
use std::path::PathBuf;
use std::sync::Arc;

use bytes::Bytes;
use data_encoding::HEXLOWER;
use http::StatusCode;
use ring::digest;
use serde::Serialize;
use shared::outcome::ServerError;
use tokio::sync::Mutex;

use super::{BODY_MAX_BYTES, Plain};

/// Most bytes kept: a container's disk is often 1 GiB or memory.
const KEPT_MAX_BYTES: u64 = 256 << 20;
/// Most files kept: an empty one takes an inode all the same.
const KEPT_MAX_FILES: usize = 65_536;
/// Length of a name: SHA-1 in hexadecimal.
const HASH_DIGITS: usize = 40;
/// What files begin with that are not whole yet, or never became so. They count.
const UNFINISHED: &str = ".unfinished-";
/// As podinfo's files: others in the pod may read them.
const MODE: u32 = 0o644;

/// The folder. Cloning shares the count.
#[derive(Clone, Debug)]
pub(crate) struct Store {
    folder: PathBuf,
    bounds: Kept,
    /// What is there; unknown before the first write, which looks.
    kept: Arc<Mutex<Option<Kept>>>,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
struct Kept {
    bytes: u64,
    files: usize,
}

/// The answer to a write.
#[derive(Serialize)]
struct Stored {
    hash: String,
}

/// Why a body was not kept.
#[derive(Debug)]
enum KeepError {
    Full,
    Io(io::Error),
}

impl Store {
    /// Bodies in this folder, which need not exist: then every write fails, as podinfo's do.
    pub(crate) fn new(folder: PathBuf) -> Store {
        let bounds = Kept { bytes: KEPT_MAX_BYTES, files: KEPT_MAX_FILES };
        Store { folder, bounds, kept: Arc::default() }
    }

    /// `POST` and `PUT /store`: 202 and the hash; 507 if the folder is full; 500 if it cannot be written.
    pub(super) async fn write(&self, body: Bytes) -> Plain {
        let hashed = body.clone();
        let Some(hash) = blocking(move || hash(&hashed)).await else { return failed("writing file failed") };
        // Waited for here and not on the thread: a slow disk must not take up all threads that may wait.
        let mut kept = Arc::clone(&self.kept).lock_owned().await;
        let (store, name) = (self.clone(), hash.clone());
        match blocking(move || store.keep(&mut kept, &name, &body)).await {
            Some(Ok(())) => Plain::json(StatusCode::ACCEPTED, &Stored { hash }),
            Some(Err(KeepError::Full)) => {
                let Kept { bytes, files } = self.bounds;
                let message = format!("store is full: it keeps at most {bytes} bytes in {files} files");
                let refusal = Plain::refusal(StatusCode::INSUFFICIENT_STORAGE, &message);
                Plain { error: Some(ServerError::Overload), ..refusal }
            }
            Some(Err(KeepError::Io(error))) => {
                tracing::debug!(folder = %self.folder.display(), %error, "body not stored");
                failed("writing file failed")
            }
            None => failed("writing file failed"),
        }
    }

    /// `GET /store/{hash}`: 202 and the body; 400 for what is no hash; 404 if there is none; 500 if it cannot be read.
    pub(super) async fn read(&self, hash: &str) -> Plain {
        if !is_hash(hash) {
            return Plain::refusal(StatusCode::BAD_REQUEST, "invalid hash");
        }
        let file = self.folder.join(hash);
        match blocking(move || whole(file)).await {
            Some(Ok(body)) => Plain::raw(StatusCode::ACCEPTED, body),
            // Not a failure of ours: that it is not here is the truth.
            Some(Err(error)) if error.kind() == io::ErrorKind::NotFound => {
                Plain { error: None, ..Plain::refusal(StatusCode::NOT_FOUND, "reading file failed") }
            }
            Some(Err(error)) => {
                tracing::debug!(folder = %self.folder.display(), %error, "stored body not read");
                failed("reading file failed")
            }
            None => failed("reading file failed"),
        }
    }

    fn keep(&self, kept: &mut Option<Kept>, hash: &str, body: &[u8]) -> Result<(), KeepError> {
        let file = self.folder.join(hash);
        // The same name is the same body.
        if file.symlink_metadata().is_ok_and(|found| found.is_file() && found.len() == body.len() as u64) {
            return Ok(());
        }
        let before = match *kept {
            Some(before) => before,
            None => *kept.insert(self.count().map_err(KeepError::Io)?),
        };
        let after = Kept { bytes: before.bytes.saturating_add(body.len() as u64), files: before.files + 1 };
        if after.bytes > self.bounds.bytes || after.files > self.bounds.files {
            return Err(KeepError::Full);
        }
        self.put(file, body).map_err(KeepError::Io)?;
        *kept = Some(after);
        Ok(())
    }

    fn put(&self, file: PathBuf, body: &[u8]) -> io::Result<()> {
        let mut builder = tempfile::Builder::new();
        // It deletes itself unless it is renamed.
        let mut unfinished =
            builder.prefix(UNFINISHED).permissions(Permissions::from_mode(MODE)).tempfile_in(&self.folder)?;
        unfinished.write_all(body)?;
        unfinished.persist(file)?;
        Ok(())
    }

    /// What is in the folder already, of ours.
    fn count(&self) -> io::Result<Kept> {
        let mut kept = Kept::default();
        for entry in self.folder.read_dir()? {
            let entry = entry?;
            let ours = entry.file_name().to_str().is_some_and(|name| is_hash(name) || name.starts_with(UNFINISHED));
            // What vanished since it was listed does not count.
            if let Some(found) = ours.then(|| entry.metadata().ok()).flatten() {
                kept = Kept { bytes: kept.bytes.saturating_add(found.len()), files: kept.files + 1 };
            }
        }
        Ok(kept)
    }
}

fn hash(body: &[u8]) -> String {
    // A name, not a protection: podinfo's clients compare it with their own SHA-1.
    HEXLOWER.encode(digest::digest(&digest::SHA1_FOR_LEGACY_USE_ONLY, body).as_ref())
}

fn is_hash(text: &str) -> bool {
    text.len() == HASH_DIGITS && text.bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f'))
}

/// A file that is one: a pipe would hold the thread, and a link may lead anywhere.
fn whole(file: PathBuf) -> io::Result<Bytes> {
    let found = file.symlink_metadata()?;
    if !found.is_file() || found.len() > BODY_MAX_BYTES as u64 {
        return Err(io::Error::other(format!("not a file of at most {BODY_MAX_BYTES} bytes")));
    }
    let mut body = Vec::with_capacity(found.len() as usize);
    File::open(file)?.take(BODY_MAX_BYTES as u64).read_to_end(&mut body)?;
    Ok(body.into())
}

/// On a thread that may wait for a disk; nothing if it panicked or the process ends.
async fn blocking<T: Send + 'static>(work: impl FnOnce() -> T + Send + 'static) -> Option<T> {
    tokio::task::spawn_blocking(work).await.ok()
}

fn failed(message: &str) -> Plain {
    Plain::refusal(StatusCode::INTERNAL_SERVER_ERROR, message)
}

#[cfg(test)]
mod tests;
