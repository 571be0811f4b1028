//! Whether and how an operation's connections are secured.
//!
//! Whether: the operation's own `tls` decides, then the scheme of its own target, then a scheme on the command line, then
//! the file's `tls`, then the scheme of the file's target. How: key by key, the operation's over the file's, so that `ca`
//! is written once.

use std::sync::Arc;

use rustls::RootCertStore;
use rustls::pki_types::ServerName;
use serde_saphyr::Spanned;
use shared::protocol::Protocol;

use super::address::is_behind_https;
use super::compile::{Found, yes_or_no};
use super::{Host, Scheme};
use crate::scenario::{Files, Text, WrittenTls};
use crate::tls::{Alpn, ClientCertificate, Tls, Trust, certificates, private_key, roots};

/// The file's `tls` and what operations inherit besides.
pub(super) struct CommonTls<'a> {
    pub(super) written: Option<&'a Spanned<WrittenTls>>,
    /// Whether an operation with neither a `tls` nor a target of its own is secured.
    pub(super) is_on: bool,
    pub(super) files: &'a Files,
}

impl<'a> CommonTls<'a> {
    /// Reads the file's `tls`, which must not contradict its target; a scheme on the command line wins over both.
    pub(super) fn new(
        found: &mut Found,
        written: Option<&'a Spanned<WrittenTls>>,
        target: Option<Scheme>,
        flag: Option<Scheme>,
        files: &'a Files,
    ) -> CommonTls<'a> {
        let is_on = secured(found, "tls", written, target).unwrap_or(false);
        CommonTls { written, is_on: flag.map_or(is_on, Scheme::is_secure), files }
    }

    /// Whether an operation's connections are secured: by its own `tls` and its own target, else as inherited. Only what
    /// is behind HTTPS inherits it.
    pub(super) fn is_on_for(
        &self,
        found: &mut Found,
        subject: &str,
        own: Option<&Spanned<WrittenTls>>,
        target: Option<Scheme>,
        protocol: Protocol,
    ) -> bool {
        let inherited = self.is_on && target.is_none() && is_behind_https(protocol);
        let is_on = secured(found, subject, own, target).unwrap_or(inherited);
        if let (true, Some(own), false) = (is_on, own, is_behind_https(protocol)) {
            found.add(own.referenced, subject, format!("{} has no TLS here; leave it out", protocol.as_str()));
        }
        is_on
    }

    /// How they are secured. `None` if that cannot be told, which has been reported.
    pub(super) fn compile(
        &self,
        found: &mut Found,
        subject: &str,
        own: Option<&Spanned<WrittenTls>>,
        host: &Host,
        alpn: Alpn,
    ) -> Option<Tls> {
        let keys = Keys { own: own.map(|own| &own.value), common: self.written.map(|common| &common.value) };
        let at = own.or(self.written).map_or(serde_saphyr::Location::UNKNOWN, |written| written.referenced);
        let part = |key: &str| format!("{subject}.{key}");
        let verify = keys.get(|tls| tls.verify.as_ref());
        let is_verified = match verify {
            Some(text) => found.read(Some(text), &part("verify"), yes_or_no)?,
            None => true,
        };
        let ca = keys.get(|tls| tls.ca.as_ref());
        let trust = match (is_verified, ca) {
            (false, None) => Trust::Anybody,
            (false, Some(ca)) => {
                let message = "cannot be checked with verify: false; leave one of them out";
                found.add(ca.referenced, &part("ca"), message);
                return None;
            }
            (true, Some(ca)) => Trust::Roots(self.read(found, ca, &part("ca"), roots)?, ca.value.clone()),
            (true, None) => Trust::Roots(self.system_roots(found, at, subject)?, "this system".to_owned()),
        };
        let server_name = match keys.get(|tls| tls.server_name.as_ref()) {
            Some(text) => found.read(Some(text), &part("server_name"), server_name)?,
            None => name_of(host).map_err(|error| found.add(at, &part("server_name"), error)).ok()?,
        };
        let client = match (keys.get(|tls| tls.cert.as_ref()), keys.get(|tls| tls.key.as_ref())) {
            (None, None) => None,
            (Some(cert), Some(key)) => {
                let chain = self.read(found, cert, &part("cert"), certificates);
                let key = self.read(found, key, &part("key"), private_key);
                Some(ClientCertificate { chain: chain?, key: key? })
            }
            (Some(alone), None) => {
                found.add(alone.referenced, &part("cert"), "needs its key; write key: FILE");
                return None;
            }
            (None, Some(alone)) => {
                found.add(alone.referenced, &part("key"), "needs its certificate; write cert: FILE");
                return None;
            }
        };
        let made = Tls::new(trust, server_name, client, alpn);
        made.map_err(|error| found.add(at, subject, format!("cert and key do not go together: {error}"))).ok()
    }

    fn read<T>(
        &self,
        found: &mut Found,
        file: &Text,
        subject: &str,
        parse: impl FnOnce(&[u8]) -> Result<T, String>,
    ) -> Option<T> {
        found.read(Some(file), subject, |name| {
            let bytes = self.files.read(name)?;
            parse(&bytes).map_err(|error| format!("{name:?} {error}"))
        })
    }

    fn system_roots(&self, found: &mut Found, at: serde_saphyr::Location, subject: &str) -> Option<Arc<RootCertStore>> {
        self.files.system_roots().map_err(|error| found.add(at, subject, error)).ok()
    }
}

/// What a `tls` and the scheme beside it say together; nothing if both are silent.
fn secured(
    found: &mut Found,
    subject: &str,
    written: Option<&Spanned<WrittenTls>>,
    scheme: Option<Scheme>,
) -> Option<bool> {
    let said = written.map(|written| written.value.is_on);
    let shown = scheme.map(Scheme::is_secure);
    if let (Some(written), Some(said), Some(shown)) = (written, said, shown)
        && said != shown
    {
        let scheme = if shown { "https://" } else { "http://" };
        found.add(written.referenced, subject, format!("contradicts {scheme} in the target; leave one of them out"));
    }
    said.or(shown)
}

/// The keys of an operation over those of the file.
struct Keys<'a> {
    own: Option<&'a WrittenTls>,
    common: Option<&'a WrittenTls>,
}

impl<'a> Keys<'a> {
    fn get(&self, key: impl Fn(&'a WrittenTls) -> Option<&'a Text>) -> Option<&'a Text> {
        self.own.and_then(&key).or_else(|| self.common.and_then(&key))
    }
}

fn server_name(text: &str) -> Result<ServerName<'static>, String> {
    let name = ServerName::try_from(text.to_owned());
    name.map_err(|_| format!("{text:?} is not a name or address that a certificate could have"))
}

/// A certificate names a host without the dot that makes its name absolute.
fn name_of(host: &Host) -> Result<ServerName<'static>, String> {
    match host {
        Host::Ip(ip) => Ok(ServerName::IpAddress((*ip).into())),
        Host::Name(name) => server_name(name.strip_suffix('.').unwrap_or(name)),
    }
}
