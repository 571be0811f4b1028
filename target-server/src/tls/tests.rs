//! Certificates, and what is spoken behind them.

use std::sync::Arc;

use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, IsCa, KeyPair};
use rustls::ClientConfig;
use rustls::pki_types::ServerName;
use tempfile::TempDir;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::time::timeout;
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;

use super::*;
use crate::fixture::{Fixture, PATIENCE};
use crate::{Config, Target};

/// An authority and a folder with a certificate of it.
struct Pki {
    issuer: CertifiedIssuer<'static, KeyPair>,
    folder: TempDir,
}

impl Pki {
    fn new() -> Pki {
        let mut params = CertificateParams::new(Vec::new()).unwrap();
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        let issuer = CertifiedIssuer::self_signed(params, KeyPair::generate().unwrap()).unwrap();
        let pki = Pki { issuer, folder: TempDir::new().unwrap() };
        pki.issue("server");
        std::fs::write(pki.path("ca.pem"), pki.issuer.pem()).unwrap();
        pki
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// A fresh certificate for `localhost` and its key.
    fn issue(&self, name: &str) {
        let key = KeyPair::generate().unwrap();
        let certificate = CertificateParams::new(vec!["localhost".to_owned()]).unwrap();
        let certificate = certificate.signed_by(&key, &self.issuer).unwrap();
        std::fs::write(self.path(&format!("{name}.pem")), certificate.pem()).unwrap();
        std::fs::write(self.path(&format!("{name}.key")), key.serialize_pem()).unwrap();
    }

    fn listeners(&self, config: &mut Config) {
        config.listeners.tls_cert = Some(self.path("server.pem"));
        config.listeners.tls_key = Some(self.path("server.key"));
    }

    async fn target(&self) -> Fixture {
        Fixture::with(|config| self.listeners(config)).await
    }

    fn client(&self, alpn: &[&[u8]], name: Option<&str>) -> ClientConfig {
        let mut roots = RootCertStore::empty();
        roots.add(self.issuer.der().clone()).unwrap();
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let builder = ClientConfig::builder_with_provider(provider).with_safe_default_protocol_versions().unwrap();
        let builder = builder.with_root_certificates(roots);
        let mut config = match name {
            None => builder.with_no_client_auth(),
            Some(name) => {
                let pem = std::fs::read(self.path(&format!("{name}.pem"))).unwrap();
                let chain = CertificateDer::pem_slice_iter(&pem).collect::<Result<_, _>>().unwrap();
                let key = PrivateKeyDer::from_pem_file(self.path(&format!("{name}.key"))).unwrap();
                builder.with_client_auth_cert(chain, key).unwrap()
            }
        };
        config.alpn_protocols = alpn.iter().map(|name| name.to_vec()).collect();
        config
    }

    async fn connect(&self, address: std::net::SocketAddr, alpn: &[&[u8]]) -> std::io::Result<TlsStream<TcpStream>> {
        connect(address, self.client(alpn, None), "localhost").await
    }
}

async fn connect(
    address: std::net::SocketAddr,
    client: ClientConfig,
    name: &'static str,
) -> std::io::Result<TlsStream<TcpStream>> {
    let tcp = TcpStream::connect(address).await?;
    TlsConnector::from(Arc::new(client)).connect(ServerName::try_from(name).unwrap(), tcp).await
}

/// One request over HTTP/1.1: all that comes until the target ends the connection.
async fn ask(stream: &mut TlsStream<TcpStream>, request: &str) -> (String, Option<std::io::ErrorKind>) {
    stream.write_all(request.as_bytes()).await.unwrap();
    let mut seen = Vec::new();
    let end = timeout(PATIENCE, stream.read_to_end(&mut seen)).await.expect("the target is silent");
    (String::from_utf8_lossy(&seen).into_owned(), end.err().map(|error| error.kind()))
}

const CLOSE: &str = "GET /?size=3&body=seq&close=true HTTP/1.1\r\nhost: t\r\n\r\n";

#[tokio::test]
async fn both_versions_of_http_are_served_behind_tls_by_alpn_or_first_bytes() {
    let pki = Pki::new();
    let target = pki.target().await;
    let https = target.addresses.https.unwrap();
    for alpn in [&[H2, HTTP_1_1][..], &[H2]] {
        let stream = pki.connect(https, alpn).await.unwrap();
        let (send, connection) = h2::client::handshake(stream).await.unwrap();
        tokio::spawn(connection);
        let request = http::Request::get("https://localhost/?size=200KiB").body(()).unwrap();
        let (response, _) = send.ready().await.unwrap().send_request(request, true).unwrap();
        let mut body = response.await.unwrap().into_body();
        let mut bytes = 0;
        while let Some(data) = timeout(PATIENCE, body.data()).await.unwrap() {
            let data = data.unwrap();
            body.flow_control().release_capacity(data.len()).unwrap();
            bytes += data.len();
        }
        assert_eq!(bytes, 200 << 10);
    }
    for alpn in [&[HTTP_1_1][..], &[]] {
        let (seen, end) = ask(&mut pki.connect(https, alpn).await.unwrap(), CLOSE).await;
        assert!(seen.starts_with("HTTP/1.1 200") && seen.ends_with("abc"), "{seen}");
        assert_eq!(end, None, "TLS says that this is the end");
    }
    target.eventually_metric(&["server_requests_total", "protocol=\"http2\"", "success"], 2.0).await;
    target.eventually_metric(&["server_requests_total", "protocol=\"http\"", "success", "code=\"200\""], 2.0).await;
    // The gRPC port tells TLS from none.
    let grpc = target.addresses.grpc.unwrap();
    assert!(ask(&mut pki.connect(grpc, &[]).await.unwrap(), CLOSE).await.0.starts_with("HTTP/1.1 200"));
    let mut plain = TcpStream::connect(grpc).await.unwrap();
    plain.write_all(CLOSE.as_bytes()).await.unwrap();
    let mut seen = String::new();
    timeout(PATIENCE, plain.read_to_string(&mut seen)).await.unwrap().unwrap();
    assert!(seen.starts_with("HTTP/1.1 200"), "{seen}");
}

#[tokio::test]
async fn a_parked_connection_wakes_up_behind_tls_too() {
    let pki = Pki::new();
    let target = pki.target().await;
    let mut stream = pki.connect(target.addresses.https.unwrap(), &[HTTP_1_1]).await.unwrap();
    for _ in 0..2 {
        // The second comes after the silence that parks it, and nothing outside shows that but that all still works.
        stream.write_all(b"GET /?size=1&body=seq HTTP/1.1\r\nhost: t\r\n\r\n").await.unwrap();
        let mut seen = Vec::new();
        while !seen.ends_with(b"\r\n\r\na") {
            assert_ne!(timeout(PATIENCE, stream.read_buf(&mut seen)).await.unwrap().unwrap(), 0);
        }
        tokio::time::sleep(Duration::from_millis(2200)).await;
    }
}

#[tokio::test]
async fn faults_go_through_tls_and_a_reset_under_it() {
    let pki = Pki::new();
    let target = pki.target().await;
    let https = target.addresses.https.unwrap();
    let get = |query: &str| format!("GET /?{query} HTTP/1.1\r\nhost: t\r\n\r\n");
    let mut stream = pki.connect(https, &[HTTP_1_1]).await.unwrap();
    let (seen, end) = ask(&mut stream, &get("fault=abort&at=100kB&size=200kB&body=zero")).await;
    assert_eq!((seen.split("\r\n\r\n").nth(1).unwrap().len(), end), (100_000, None));
    let mut stream = pki.connect(https, &[HTTP_1_1]).await.unwrap();
    assert!(ask(&mut stream, &get("fault=badhead")).await.0.starts_with("HTTP/1.1 2x0"));
    let mut stream = pki.connect(https, &[HTTP_1_1]).await.unwrap();
    assert_eq!(ask(&mut stream, &get("fault=empty")).await, (String::new(), None));
    let mut stream = pki.connect(https, &[HTTP_1_1]).await.unwrap();
    let (_, end) = ask(&mut stream, &get("fault=reset&at=4&size=9")).await;
    assert_eq!(end, Some(std::io::ErrorKind::ConnectionReset));
}

#[tokio::test]
async fn a_handshake_that_fails_is_counted_and_one_that_stalls_is_closed() {
    let pki = Pki::new();
    let target = Fixture::with(|config| {
        pki.listeners(config);
        config.connections.head_timeout = Duration::from_millis(100);
    })
    .await;
    let https = target.addresses.https.unwrap();
    assert!(connect(https, pki.client(&[], None), "wrong.test").await.is_err());
    assert!(connect(https, Pki::new().client(&[], None), "localhost").await.is_err());
    let mut plain = TcpStream::connect(https).await.unwrap();
    plain.write_all(b"GET / HTTP/1.1\r\n\r\n").await.unwrap();
    let mut stalled = TcpStream::connect(https).await.unwrap();
    stalled.write_all(&[22, 3, 1, 2]).await.unwrap();
    for mut stream in [plain, stalled] {
        let mut rest = Vec::new();
        let _ = timeout(PATIENCE, stream.read_to_end(&mut rest)).await.expect("closed");
    }
    target.eventually_metric(&["server_requests_total", "operation=\"malformed\"", "bad_request"], 4.0).await;
}

#[tokio::test]
async fn client_certificates_are_required_when_their_authority_is_named() {
    let pki = Pki::new();
    pki.issue("client");
    let target = Fixture::with(|config| {
        pki.listeners(config);
        config.listeners.tls_client_ca = Some(pki.path("ca.pem"));
    })
    .await;
    let https = target.addresses.https.unwrap();
    let mut good = connect(https, pki.client(&[], Some("client")), "localhost").await.unwrap();
    assert!(ask(&mut good, CLOSE).await.0.starts_with("HTTP/1.1 200"));
    // TLS 1.3 lets a client believe that it is in, until it reads.
    if let Ok(mut bad) = connect(https, pki.client(&[], None), "localhost").await {
        let mut rest = Vec::new();
        assert!(timeout(PATIENCE, bad.read_to_end(&mut rest)).await.unwrap().is_err());
        assert_eq!(rest, b"");
    }
    target.eventually_metric(&["server_requests_total", "operation=\"malformed\"", "bad_request"], 1.0).await;
}

#[test]
fn changed_files_are_taken_if_they_fit_together() {
    let pki = Pki::new();
    let mut config = Config::loopback();
    pki.listeners(&mut config);
    let tls = Tls::load(&config.listeners).unwrap().unwrap();
    let serving = || Arc::clone(&tls.serving.read().unwrap());
    let first = serving();
    assert_eq!(tls.reload(), Reload::Same);
    let old_key = std::fs::read(pki.path("server.key")).unwrap();
    pki.issue("server");
    let new_key = std::fs::read(pki.path("server.key")).unwrap();
    std::fs::write(pki.path("server.key"), old_key).unwrap();
    assert_eq!(tls.reload(), Reload::Refused, "half of a rotation");
    assert!(Arc::ptr_eq(&first, &serving()));
    assert_eq!(tls.reload(), Reload::Same, "said once");
    std::fs::write(pki.path("server.key"), new_key).unwrap();
    assert_eq!(tls.reload(), Reload::Taken);
    assert!(!Arc::ptr_eq(&first, &serving()));
    std::fs::remove_file(pki.path("server.pem")).unwrap();
    assert_eq!((tls.reload(), tls.reload()), (Reload::Refused, Reload::Same));
    pki.issue("server");
    assert_eq!(tls.reload(), Reload::Taken);
    let count = |result| tls.reloads.with_label_values(&[result]).get();
    assert_eq!((count("success"), count("failure")), (2, 2));
}

#[tokio::test]
async fn files_that_cannot_be_served_are_refused_at_the_start_by_their_flag() {
    let pki = Pki::new();
    pki.issue("other");
    std::fs::write(pki.path("empty"), "").unwrap();
    std::fs::write(pki.path("junk"), "-----BEGIN CERTIFICATE-----\n%%\n-----END CERTIFICATE-----\n").unwrap();
    let cases = [
        ("missing", "server.key", None, "--tls-cert", "cannot read"),
        ("empty", "server.key", None, "--tls-cert", "BEGIN CERTIFICATE"),
        ("junk", "server.key", None, "--tls-cert", "PEM"),
        ("server.pem", "empty", None, "--tls-key", "BEGIN PRIVATE KEY"),
        ("server.pem", "server.pem", None, "--tls-key", "BEGIN PRIVATE KEY"),
        ("server.pem", "other.key", None, "--tls-key", "the key of --tls-cert"),
        ("server.pem", "server.key", Some("empty"), "--tls-client-ca", "BEGIN CERTIFICATE"),
    ];
    for (cert, key, ca, flag, reason) in cases {
        let mut config = Config::loopback();
        config.listeners.tls_cert = Some(pki.path(cert));
        config.listeners.tls_key = Some(pki.path(key));
        config.listeners.tls_client_ca = ca.map(|ca| pki.path(ca));
        let error = Target::bind(config).err().unwrap().to_string();
        assert!(error.starts_with(flag) && error.contains(reason), "{error}");
    }
}
