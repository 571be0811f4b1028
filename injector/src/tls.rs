//! TLS to a target: what is trusted, what is shown, and the handshake.
//!
//! Every new connection makes a full handshake. Sessions are not resumed: what `fresh` measures is what a client that comes
//! for the first time meets, and a resumed session would hide an expired certificate until the ticket is over.

mod verifier;

use std::fmt;
use std::hash::{DefaultHasher, Hash as _, Hasher as _};
use std::io;
use std::sync::Arc;

use rustls::client::{Resumption, WebPkiServerVerifier};
use rustls::crypto::ring;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer, ServerName};
use rustls::{CertificateError, ClientConfig, RootCertStore};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;

use self::verifier::Unverified;

/// How to secure a connection. Cheap to clone.
#[derive(Clone)]
pub struct Tls {
    config: Arc<ClientConfig>,
    server_name: ServerName<'static>,
    alpn: Alpn,
    /// Whose roots vouch for it.
    trusted_by: String,
    /// Tells certificates apart that were read from one file at two times.
    certificates: u64,
    /// Whether the target's certificate is checked.
    pub is_verified: bool,
    /// Whether a certificate of ours is shown to who asks for one.
    pub shows_certificate: bool,
}

/// What is agreed on in the handshake to be spoken behind it (RFC 7301).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Alpn {
    /// HTTP/1.1. A peer that knows no ALPN is taken to speak it.
    Http1,
    /// HTTP/2: a peer that does not agree to it must not be spoken to in it (RFC 9113, 3.3).
    Http2,
    /// Nothing is said.
    None,
}

/// Whom to believe.
pub(crate) enum Trust {
    /// Who is vouched for by one of these, and whose they are: for reports.
    Roots(Arc<RootCertStore>, String),
    /// Anybody.
    Anybody,
}

/// A certificate of our own, from its root's child to the leaf's parent, leaf first, and its key.
pub(crate) struct ClientCertificate {
    pub(crate) chain: Vec<CertificateDer<'static>>,
    pub(crate) key: PrivateKeyDer<'static>,
}

impl Tls {
    /// How to secure connections to the server of this name.
    ///
    /// # Errors
    /// If the key does not go with the certificate, in words.
    pub(crate) fn new(
        trust: Trust,
        server_name: ServerName<'static>,
        client: Option<ClientCertificate>,
        alpn: Alpn,
    ) -> Result<Tls, String> {
        let provider = Arc::new(ring::default_provider());
        let builder = ClientConfig::builder_with_provider(Arc::clone(&provider))
            .with_safe_default_protocol_versions()
            .map_err(|error| error.to_string())?;
        let is_verified = matches!(trust, Trust::Roots(..));
        let certificates = told_apart(&trust, client.as_ref());
        let (builder, trusted_by) = match trust {
            Trust::Roots(roots, whose) => {
                let verifier = WebPkiServerVerifier::builder_with_provider(roots, provider).build();
                (builder.with_webpki_verifier(verifier.map_err(|error| error.to_string())?), whose)
            }
            Trust::Anybody => {
                let builder = builder.dangerous().with_custom_certificate_verifier(Arc::new(Unverified(provider)));
                (builder, "nobody".to_owned())
            }
        };
        let shows_certificate = client.is_some();
        let mut config = match client {
            Some(client) => {
                builder.with_client_auth_cert(client.chain, client.key).map_err(|error| error.to_string())?
            }
            None => builder.with_no_client_auth(),
        };
        config.resumption = Resumption::disabled();
        config.alpn_protocols = alpn.offers();
        Ok(Tls {
            config: Arc::new(config),
            server_name,
            alpn,
            trusted_by,
            certificates,
            is_verified,
            shows_certificate,
        })
    }

    /// The name the target's certificate must have.
    pub fn server_name(&self) -> String {
        self.server_name.to_str().into_owned()
    }

    /// Whose roots vouch for the target: a file, or `this system`.
    pub fn trusted_by(&self) -> &str {
        &self.trusted_by
    }

    /// Secures a connection.
    ///
    /// # Errors
    /// Why it cannot be, in words.
    pub(crate) async fn handshake<S: AsyncRead + AsyncWrite + Unpin>(&self, tcp: S) -> Result<TlsStream<S>, String> {
        let connector = TlsConnector::from(Arc::clone(&self.config));
        let stream = connector.connect(self.server_name.clone(), tcp).await.map_err(|error| words(&error))?;
        let agreed = stream.get_ref().1.alpn_protocol();
        if self.alpn == Alpn::Http2 && agreed != Some(b"h2") {
            return Err("the target did not agree to HTTP/2 (ALPN h2)".to_owned());
        }
        Ok(stream)
    }
}

/// A number for the certificates that somebody is trusted by and shows. The key goes with the last of them.
fn told_apart(trust: &Trust, client: Option<&ClientCertificate>) -> u64 {
    let mut hasher = DefaultHasher::new();
    if let Trust::Roots(roots, _) = trust {
        roots.roots.iter().for_each(|root| root.subject_public_key_info.as_ref().hash(&mut hasher));
    }
    client.into_iter().flat_map(|client| &client.chain).for_each(|certificate| certificate.as_ref().hash(&mut hasher));
    hasher.finish()
}

impl Alpn {
    fn offers(self) -> Vec<Vec<u8>> {
        match self {
            Alpn::Http1 => vec![b"http/1.1".to_vec()],
            Alpn::Http2 => vec![b"h2".to_vec()],
            Alpn::None => Vec::new(),
        }
    }
}

/// Without what the keys and roots are: a plan is printed in messages.
impl fmt::Debug for Tls {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Tls")
            .field("server_name", &self.server_name)
            .field("alpn", &self.alpn)
            .field("trusted_by", &self.trusted_by)
            .field("certificates", &self.certificates)
            .field("is_verified", &self.is_verified)
            .field("shows_certificate", &self.shows_certificate)
            .finish_non_exhaustive()
    }
}

/// Why a handshake failed, in a user's words where the library's are a programmer's.
fn words(error: &io::Error) -> String {
    let tls = error.get_ref().and_then(|inner| inner.downcast_ref::<rustls::Error>());
    match tls {
        Some(rustls::Error::InvalidCertificate(CertificateError::UnknownIssuer)) => {
            "the target's certificate is from an authority that is not trusted here (UnknownIssuer)".to_owned()
        }
        Some(rustls::Error::InvalidMessage(_)) => format!("the target does not speak TLS: {error}"),
        Some(_) => error.to_string(),
        None if error.kind() == io::ErrorKind::UnexpectedEof => {
            "the target closed the connection during the handshake".to_owned()
        }
        None => format!("the connection broke during the handshake: {error}"),
    }
}

/// The certificates of a PEM file.
///
/// # Errors
/// If it holds none, or one that is broken, in words.
pub(crate) fn certificates(pem: &[u8]) -> Result<Vec<CertificateDer<'static>>, String> {
    let read: Result<Vec<_>, _> = CertificateDer::pem_slice_iter(pem).collect();
    let certificates = read.map_err(|error| format!("no PEM: {error}"))?;
    if certificates.is_empty() {
        return Err("holds no certificate; expected PEM with -----BEGIN CERTIFICATE-----".to_owned());
    }
    Ok(certificates)
}

/// The first private key of a PEM file.
///
/// # Errors
/// If it holds none, in words that quote nothing of it.
pub(crate) fn private_key(pem: &[u8]) -> Result<PrivateKeyDer<'static>, String> {
    PrivateKeyDer::from_pem_slice(pem)
        .map_err(|_| "holds no private key; expected PEM with -----BEGIN PRIVATE KEY-----".to_owned())
}

/// Roots from the certificates of a PEM file.
///
/// # Errors
/// If one of them cannot be a root.
pub(crate) fn roots(pem: &[u8]) -> Result<Arc<RootCertStore>, String> {
    let mut store = RootCertStore::empty();
    for certificate in certificates(pem)? {
        store.add(certificate).map_err(|error| format!("holds a certificate that cannot be a root: {error}"))?;
    }
    Ok(Arc::new(store))
}

#[cfg(test)]
mod tests;
