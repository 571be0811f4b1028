//! Handshakes that must succeed, and what is said of those that do not.

use std::time::Duration;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio_rustls::TlsAcceptor;
use tokio_rustls::server::TlsStream;

use crate::account::OperationAccount;
use crate::fixture::{Act, Authority, H2Server, Validity, failures, inject};

const SHORT: Duration = Duration::from_millis(100);

/// What becomes of requests to a server that shows the certificate of `name`, with these keys of `tls`.
async fn ask(authority: &Authority, name: &str, tls: &str, version: &str) -> (OperationAccount, H2Server) {
    let config = authority.server(name, &["h2"], false);
    let server = H2Server::start(Some(config), |_, _| Act::Echo(Duration::ZERO)).await;
    let folder = authority.folder().display().to_string();
    let tls = tls.replace("FOLDER", &folder);
    let text = format!(
        "target: {}\nmix:\n- {{ name: a, rate: 50/s, connection: fresh, tls: {tls}, http: {{ version: {version} }} }}\n",
        server.address
    );
    (inject(&text, 1, SHORT).await, server)
}

#[tokio::test]
async fn every_fresh_connection_makes_a_whole_handshake_that_is_timed() {
    let authority = Authority::new();
    authority.sign("127.0.0.1", Validity::Now);
    let (account, server) = ask(&authority, "127.0.0.1", "{ ca: FOLDER/ca.pem }", "2").await;
    assert_eq!(failures(&account), []);
    assert_eq!((account.success, account.connections, server.connections()), (5, 5, 5));
    assert_eq!(server.resumed(), 0);
}

#[tokio::test]
async fn a_failed_handshake_says_why() {
    let authority = Authority::new();
    let other = Authority::new();
    for (name, validity) in
        [("127.0.0.1", Validity::Now), ("elsewhere.test", Validity::Now), ("late.test", Validity::Past)]
    {
        authority.sign(name, validity);
    }
    let others = format!("{{ ca: {}/ca.pem }}", other.folder().display());
    for (name, tls, version, words) in [
        ("elsewhere.test", "{ ca: FOLDER/ca.pem }", "2", "not valid for name"),
        ("127.0.0.1", "{ ca: FOLDER/ca.pem, server_name: wrong.test }", "2", "wrong.test"),
        ("late.test", "{ ca: FOLDER/ca.pem, server_name: late.test }", "2", "expired"),
        ("127.0.0.1", others.as_str(), "2", "UnknownIssuer"),
        ("127.0.0.1", "{ ca: FOLDER/ca.pem }", "1.1", "NoApplicationProtocol"),
    ] {
        let (account, _) = ask(&authority, name, tls, version).await;
        let [(class, 5, said)] = &failures(&account)[..] else { panic!("{name} {tls}: {account:?}") };
        assert_eq!(*class, "tls");
        assert!(said.contains(words), "{name} {tls}: {said}");
        assert_eq!((account.sent, account.connections), (0, 0));
    }
    for (name, tls) in [
        ("elsewhere.test", "{ ca: FOLDER/ca.pem, server_name: elsewhere.test }"),
        ("late.test", "{ verify: false }"),
        ("elsewhere.test", "{ verify: false }"),
    ] {
        let (account, _) = ask(&authority, name, tls, "2").await;
        assert_eq!(failures(&account), [], "{name} {tls}");
        assert_eq!(account.success, 5);
    }
}

/// TLS 1.3 refuses a client only after its own side of the handshake.
#[tokio::test]
async fn a_client_shows_its_certificate_to_who_asks_for_one() {
    let authority = Authority::new();
    authority.sign("127.0.0.1", Validity::Now);
    authority.sign("client", Validity::Now);
    let config = authority.server("127.0.0.1", &["h2"], true);
    let server = H2Server::start(Some(config), |_, _| Act::Echo(Duration::ZERO)).await;
    let folder = authority.folder().display();
    let text = |keys: &str| {
        format!(
            "target: https://{}\ntls: {{ ca: {folder}/ca.pem{keys} }}\nmix:\n\
             - {{ name: a, rate: 50/s, connection: fresh, http: {{ version: 2 }} }}\n",
            server.address
        )
    };
    let shown = text(&format!(", cert: {folder}/client.pem, key: {folder}/client.key"));
    let account = inject(&shown, 1, SHORT).await;
    assert_eq!((failures(&account), account.success), (Vec::new(), 5));
    let account = inject(&text(""), 1, SHORT).await;
    assert_eq!(account.success, 0);
    // The alert that says so may be overtaken by the reset that the rest of the request earns.
    let classes = failures(&account);
    assert!(classes.iter().all(|(class, ..)| matches!(*class, "tls" | "reset" | "closed")), "{classes:?}");
}

#[tokio::test]
async fn what_does_not_speak_tls_is_told() {
    let server = H2Server::start(None, |_, _| Act::Echo(Duration::ZERO)).await;
    let text = format!(
        "target: https://{}\ntls: {{ verify: false }}\ntimeout: 200ms\nmix: [{{ name: a, rate: 10/s, http: {{}} }}]\n",
        server.address
    );
    let account = inject(&text, 1, SHORT).await;
    let [("tls", 1, words)] = &failures(&account)[..] else { panic!("{account:?}") };
    assert!(words.contains("does not speak TLS") || words.contains("handshake"), "{words}");
}

/// HTTP/1.1 behind TLS: the same codec, also for bodies that do not fit into what TLS takes at once.
#[tokio::test]
async fn http1_sends_and_verifies_large_bodies_behind_tls() {
    let authority = Authority::new();
    authority.sign("127.0.0.1", Validity::Now);
    let acceptor = TlsAcceptor::from(authority.server("127.0.0.1", &["http/1.1"], false));
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            let acceptor = acceptor.clone();
            tokio::spawn(async move { echo(acceptor.accept(stream).await.unwrap()).await });
        }
    });
    let text = format!(
        "target: {address}\nmix: [{{ name: a, rate: 20/s, tls: {{ ca: {}/ca.pem }}, connection: pooled(1),\n\
         timeout: 5s, http: {{ body_size: 2MiB, expect: {{ id: any }} }} }}]\n",
        authority.folder().display()
    );
    let account = inject(&text, 1, SHORT).await;
    assert_eq!(failures(&account), []);
    assert_eq!((account.success, account.connections, account.received_bytes), (2, 1, 4 * 1024 * 1024));
}

/// Answers requests of 2 MiB with their own bodies, one piece at a time.
async fn echo(mut stream: TlsStream<TcpStream>) {
    let mut piece = vec![0; 16 * 1024];
    loop {
        let mut head = Vec::new();
        while !head.ends_with(b"\r\n\r\n") {
            let Ok(byte) = stream.read_u8().await else { return };
            head.push(byte);
        }
        stream.write_all(b"HTTP/1.1 200 OK\r\ncontent-length: 2097152\r\n\r\n").await.unwrap();
        for _ in 0..128 {
            stream.read_exact(&mut piece).await.unwrap();
            stream.write_all(&piece).await.unwrap();
        }
        stream.flush().await.unwrap();
    }
}
