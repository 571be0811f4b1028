//! The files that a scenario names: certificates, keys, recordings.
//!
//! Read when the scenario is given its meaning: a run of months does not depend on them any more. What was read is kept in
//! mind, so that whoever follows the scenario sees when it is another.

use std::collections::BTreeMap;
use std::fs;
use std::hash::{DefaultHasher, Hasher as _};
use std::io::{self, Read};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, OnceLock, PoisonError};

use rustls::RootCertStore;

use super::FILE_MAX_BYTES;

/// Where a scenario's files are.
#[derive(Clone, Debug, Default)]
pub struct Files {
    /// What relative names are relative to: the scenario's own folder, so that both may be moved together.
    pub(super) folder: PathBuf,
    seen: Arc<Mutex<BTreeMap<PathBuf, Digest>>>,
}

/// What a file held; nothing: it could not be read. Tells a change, and is no proof of anything.
pub(crate) type Digest = Option<u64>;

/// The digest of a file's bytes.
pub(crate) fn digest(bytes: &[u8]) -> u64 {
    let mut hasher = DefaultHasher::new();
    hasher.write(bytes);
    hasher.finish()
}

/// A file's bytes, as far as one over [`FILE_MAX_BYTES`]: that tells one that is too long from one that just fits, whatever its
/// metadata say.
pub(crate) fn bytes(path: &Path) -> io::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    fs::File::open(path)?.take(FILE_MAX_BYTES as u64 + 1).read_to_end(&mut bytes)?;
    Ok(bytes)
}

impl Files {
    /// Those of a scenario in this file.
    pub fn beside(scenario: &Path) -> Files {
        Files { folder: scenario.parent().unwrap_or(Path::new("")).to_owned(), ..Files::default() }
    }

    /// Keeps in mind that a file was read, and what it held.
    pub(crate) fn note(&self, path: &Path, bytes: Option<&[u8]>) {
        let mut seen = self.seen.lock().unwrap_or_else(PoisonError::into_inner);
        seen.insert(path.to_owned(), bytes.map(digest));
    }

    /// Every file that was read so far, the scenario's own among them.
    pub(crate) fn seen(&self) -> BTreeMap<PathBuf, Digest> {
        self.seen.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Reads a file as [`bytes`] does, and keeps in mind what it held, whether that is of any use or not: whoever looks whether
    /// it is another sees nothing else.
    pub(super) fn look(&self, path: &Path) -> io::Result<Vec<u8>> {
        let read = bytes(path);
        self.note(path, read.as_deref().ok());
        read
    }

    /// The bytes of a file.
    ///
    /// # Errors
    /// Why it cannot be read, with the path that was tried.
    pub(crate) fn read(&self, name: &str) -> Result<Vec<u8>, String> {
        let path = self.folder.join(name);
        match self.look(&path) {
            Ok(bytes) if bytes.len() > FILE_MAX_BYTES => {
                Err(format!("{} is longer than {FILE_MAX_BYTES} bytes", path.display()))
            }
            Ok(bytes) => Ok(bytes),
            Err(error) => Err(format!("cannot read {}: {error}", path.display())),
        }
    }

    /// The roots this system trusts, loaded once in a process.
    ///
    /// # Errors
    /// If there is none, with the reasons and the way out.
    pub(crate) fn system_roots(&self) -> Result<Arc<RootCertStore>, String> {
        static ROOTS: OnceLock<Result<Arc<RootCertStore>, String>> = OnceLock::new();
        ROOTS.get_or_init(load_system_roots).clone()
    }
}

fn load_system_roots() -> Result<Arc<RootCertStore>, String> {
    let loaded = rustls_native_certs::load_native_certs();
    let mut store = RootCertStore::empty();
    // Stores of old systems hold roots that no verifier takes; the others are still of use.
    store.add_parsable_certificates(loaded.certs);
    if store.is_empty() {
        let reasons: Vec<String> = loaded.errors.iter().map(ToString::to_string).collect();
        let reasons = if reasons.is_empty() { "none are installed".to_owned() } else { reasons.join("; ") };
        return Err(format!(
            "this system has no root certificates ({reasons}); install ca-certificates, set SSL_CERT_FILE, write \
             tls: {{ ca: FILE }}, or verify: false"
        ));
    }
    Ok(Arc::new(store))
}
