//! Authorities and certificates, as files in a folder of their own.

use std::path::PathBuf;

use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, DnType, IsCa, KeyPair};
use tempfile::TempDir;

/// An authority (`ca.pem`) and certificates of it (`server.pem`, `client.pem`, with `.key`), good for `localhost` and its
/// IPv4 address.
pub(crate) struct Pki {
    folder: TempDir,
}

impl Pki {
    pub(crate) fn new() -> Pki {
        let pki = Pki { folder: TempDir::new().unwrap() };
        let mut params = CertificateParams::new(Vec::new()).unwrap();
        // Another name than the certificates below: one that names itself as its issuer would seem to have signed itself.
        // And another than any other authority's, whose signatures would seem to be this one's and wrong.
        let folder = pki.folder.path().file_name().unwrap().to_str().unwrap();
        params.distinguished_name.push(DnType::CommonName, format!("authority of {folder}"));
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        let issuer = CertifiedIssuer::self_signed(params, KeyPair::generate().unwrap()).unwrap();
        std::fs::write(pki.path("ca.pem"), issuer.pem()).unwrap();
        for name in ["server", "client"] {
            let key = KeyPair::generate().unwrap();
            let names = vec!["localhost".to_owned(), "127.0.0.1".to_owned()];
            let certificate = CertificateParams::new(names).unwrap().signed_by(&key, &issuer).unwrap();
            std::fs::write(pki.path(&format!("{name}.pem")), certificate.pem()).unwrap();
            std::fs::write(pki.path(&format!("{name}.key")), key.serialize_pem()).unwrap();
        }
        pki
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    pub(crate) fn text(&self, name: &str) -> String {
        self.path(name).to_str().unwrap().to_owned()
    }
}
