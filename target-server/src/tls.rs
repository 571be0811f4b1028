//! TLS on the target: certificate, key and client authorities from files that may change under us.
//!
//! Invariants:
//! - What is served was read whole and fits together; files that do not are logged, counted, and change nothing.
//! - Files are compared by content: Kubernetes swaps a link above them, which no modification time tells reliably.
//! - A reload touches new connections only.

use std::fmt;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError, RwLock};
use std::time::Duration;

use prometheus::{IntCounterVec, Opts, Registry};
use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::server::WebPkiClientVerifier;
use rustls::{RootCertStore, ServerConfig};
use tokio::net::TcpStream;
use tokio::time::interval;
use tokio_rustls::TlsAcceptor;

use crate::config::ListenerConfig;
use crate::stream::Stream;

/// How often the files are read again. A rotated certificate is valid long before the old one ends.
const LOOK_EVERY: Duration = Duration::from_secs(5);
/// Largest file that is read: thousands of authorities.
const FILE_BYTES_MAX: u64 = 4 << 20;

const H2: &[u8] = b"h2";
const HTTP_1_1: &[u8] = b"http/1.1";

/// What was agreed on to be spoken inside of TLS (RFC 7301).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Alpn {
    One,
    Two,
}

impl Alpn {
    /// Nothing if nothing was agreed on, or there is no TLS.
    pub(crate) fn of(stream: &Stream) -> Option<Alpn> {
        let Stream::Tls(tls) = stream else { return None };
        match tls.get_ref().1.alpn_protocol()? {
            H2 => Some(Alpn::Two),
            _ => Some(Alpn::One),
        }
    }
}

/// Why the files cannot be served.
#[derive(Debug, thiserror::Error)]
#[error("{flag} {}: {reason}", file.display())]
pub struct TlsError {
    /// The flag that named the file.
    pub flag: &'static str,
    /// The file.
    pub file: PathBuf,
    /// What is wrong with it, and what would be right.
    pub reason: String,
}

/// The files, as named.
#[derive(Clone, Debug)]
struct Files {
    cert: PathBuf,
    key: PathBuf,
    client_ca: Option<PathBuf>,
}

/// The files, as read. Not printed: one is secret.
#[derive(PartialEq, Eq)]
struct Contents {
    cert: Vec<u8>,
    key: Vec<u8>,
    client_ca: Option<Vec<u8>>,
}

/// What a look at the files came to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Reload {
    /// They are the same as at the last look.
    Same,
    /// They are served now.
    Taken,
    /// They cannot be served; the old ones still are.
    Refused,
}

/// TLS for all listeners that want it.
pub(crate) struct Tls {
    files: Files,
    serving: RwLock<Arc<ServerConfig>>,
    /// What the last look saw, served or not: a bad file is complained about once. `None`: it could not be read.
    seen: Mutex<Option<Contents>>,
    reloads: IntCounterVec,
}

impl fmt::Debug for Tls {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Tls").field("files", &self.files).finish_non_exhaustive()
    }
}

impl Tls {
    /// Reads the files that the flags name; nothing if they name none.
    ///
    /// # Errors
    /// Names the flag whose file cannot be served.
    pub(crate) fn load(config: &ListenerConfig) -> Result<Option<Tls>, TlsError> {
        // Each flag requires the other.
        let (Some(cert), Some(key)) = (config.tls_cert.clone(), config.tls_key.clone()) else { return Ok(None) };
        let files = Files { cert, key, client_ca: config.tls_client_ca.clone() };
        let contents = files.read()?;
        let serving = files.configure(&contents)?;
        let reloads = Opts::new(
            "continuous_load_server_tls_reloads_total",
            "Changed certificate files, by whether they are served now.",
        );
        let reloads = IntCounterVec::new(reloads, &["result"]).expect("the name is valid and so is the label");
        for result in [Reload::Taken, Reload::Refused] {
            reloads.with_label_values(&[result.as_str()]);
        }
        Ok(Some(Tls { files, serving: RwLock::new(Arc::new(serving)), seen: Mutex::new(Some(contents)), reloads }))
    }

    /// Exports how often the files changed.
    ///
    /// # Errors
    /// If the registry has a metric of that name.
    pub(crate) fn register(&self, registry: &Registry) -> prometheus::Result<()> {
        registry.register(Box::new(self.reloads.clone()))
    }

    /// Handshake, with what the files say now.
    ///
    /// # Errors
    /// If it fails, whosever fault that is.
    pub(crate) async fn accept(&self, stream: TcpStream) -> std::io::Result<Stream> {
        let serving = Arc::clone(&self.serving.read().unwrap_or_else(PoisonError::into_inner));
        let stream = TlsAcceptor::from(serving).accept(stream).await?;
        Ok(Stream::Tls(Box::new(stream)))
    }

    /// Looks at the files again and again.
    pub(crate) async fn watch(self: Arc<Tls>) {
        let mut look = interval(LOOK_EVERY);
        // The first tick comes at once, and they were read just now.
        look.tick().await;
        loop {
            look.tick().await;
            let tls = Arc::clone(&self);
            // Files may be on a network.
            let _ = tokio::task::spawn_blocking(move || tls.reload()).await;
        }
    }

    /// Looks at the files, and takes them if they have changed and can be served.
    pub(crate) fn reload(&self) -> Reload {
        let read = self.files.read();
        let mut seen = self.seen.lock().unwrap_or_else(PoisonError::into_inner);
        let taken = match read {
            Ok(contents) if seen.as_ref() == Some(&contents) => return Reload::Same,
            Ok(contents) => {
                let configured = self.files.configure(&contents);
                *seen = Some(contents);
                configured
            }
            // Said once, until it can be read again.
            Err(_) if seen.is_none() => return Reload::Same,
            Err(error) => {
                *seen = None;
                Err(error)
            }
        };
        let result = match taken {
            Ok(serving) => {
                tracing::info!(cert = %self.files.cert.display(), "certificate reloaded");
                *self.serving.write().unwrap_or_else(PoisonError::into_inner) = Arc::new(serving);
                Reload::Taken
            }
            Err(error) => {
                tracing::warn!(%error, "certificate not reloaded; the old one is still served");
                Reload::Refused
            }
        };
        self.reloads.with_label_values(&[result.as_str()]).inc();
        result
    }
}

impl Reload {
    fn as_str(self) -> &'static str {
        match self {
            Reload::Same => "same",
            Reload::Taken => "success",
            Reload::Refused => "failure",
        }
    }
}

impl Files {
    fn read(&self) -> Result<Contents, TlsError> {
        let client_ca = self.client_ca.as_ref().map(|file| read("--tls-client-ca", file)).transpose()?;
        Ok(Contents { cert: read("--tls-cert", &self.cert)?, key: read("--tls-key", &self.key)?, client_ca })
    }

    fn configure(&self, contents: &Contents) -> Result<ServerConfig, TlsError> {
        let chain = certificates("--tls-cert", &self.cert, &contents.cert)?;
        let key = PrivateKeyDer::from_pem_slice(&contents.key).map_err(|error| {
            let reason = format!("no private key: {error}; expected PEM with BEGIN PRIVATE KEY");
            TlsError { flag: "--tls-key", file: self.key.clone(), reason }
        })?;
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let builder = ServerConfig::builder_with_provider(Arc::clone(&provider))
            .with_safe_default_protocol_versions()
            .expect("the provider's suites are those of the default versions");
        let builder = match (&self.client_ca, &contents.client_ca) {
            (Some(file), Some(pem)) => {
                let refuse = |reason: String| TlsError { flag: "--tls-client-ca", file: file.clone(), reason };
                let mut roots = RootCertStore::empty();
                for certificate in certificates("--tls-client-ca", file, pem)? {
                    roots.add(certificate).map_err(|error| refuse(format!("no authority: {error}")))?;
                }
                let verifier = WebPkiClientVerifier::builder_with_provider(Arc::new(roots), provider).build();
                builder.with_client_cert_verifier(verifier.map_err(|error| refuse(error.to_string()))?)
            }
            _ => builder.with_no_client_auth(),
        };
        let mut config = builder.with_single_cert(chain, key).map_err(|error| {
            let reason = format!("certificate and key cannot be served: {error}; expected the key of --tls-cert");
            TlsError { flag: "--tls-key", file: self.key.clone(), reason }
        })?;
        config.alpn_protocols = vec![H2.to_vec(), HTTP_1_1.to_vec()];
        Ok(config)
    }
}

fn read(flag: &'static str, file: &Path) -> Result<Vec<u8>, TlsError> {
    use std::io::Read as _;
    let mut contents = Vec::new();
    let opened = std::fs::File::open(file);
    // A byte more than allowed, so that one that is too large is seen to be.
    let read = opened.and_then(|opened| opened.take(FILE_BYTES_MAX + 1).read_to_end(&mut contents));
    let reason = match read {
        Ok(_) if contents.len() as u64 <= FILE_BYTES_MAX => return Ok(contents),
        Ok(_) => format!("larger than {} MiB; expected a few certificates", FILE_BYTES_MAX >> 20),
        Err(error) => format!("cannot read: {error}"),
    };
    Err(TlsError { flag, file: file.to_owned(), reason })
}

fn certificates(flag: &'static str, file: &Path, pem: &[u8]) -> Result<Vec<CertificateDer<'static>>, TlsError> {
    let refuse = |reason: String| TlsError { flag, file: file.to_owned(), reason };
    let found: Result<Vec<_>, _> = CertificateDer::pem_slice_iter(pem).collect();
    match found {
        Ok(found) if found.is_empty() => Err(refuse("no certificate; expected PEM with BEGIN CERTIFICATE".to_owned())),
        Ok(found) => Ok(found),
        Err(error) => Err(refuse(format!("malformed PEM: {error}"))),
    }
}

#[cfg(test)]
mod tests;
