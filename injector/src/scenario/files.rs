//! The files that a scenario names: certificates, keys, recordings.
//!
//! Read when the scenario is given its meaning: a run of months does not depend on them any more. What was read is kept in
//! mind, so that whoever follows the scenario sees when it is another.

use std::collections::BTreeMap;
use std::fs;
use std::hash::{DefaultHasher, Hasher as _};
use std::io::Read;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, OnceLock, PoisonError};

use rustls::RootCertStore;

/// Longest file, in bytes: every root of a system together is a quarter of it.
const FILE_MAX_BYTES: u64 = 1 << 20;

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

    /// The bytes of a file.
    ///
    /// # Errors
    /// Why it cannot be read, with the path that was tried.
    pub(crate) fn read(&self, name: &str) -> Result<Vec<u8>, String> {
        let path = self.folder.join(name);
        let mut bytes = Vec::new();
        let read = fs::File::open(&path).and_then(|file| file.take(FILE_MAX_BYTES + 1).read_to_end(&mut bytes));
        self.note(&path, read.is_ok().then_some(&*bytes));
        match read {
            Ok(_) if bytes.len() as u64 > FILE_MAX_BYTES => {
                Err(format!("{} is longer than {FILE_MAX_BYTES} bytes", path.display()))
            }
            Ok(_) => Ok(bytes),
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
