//! The echo alone, and with backends that are sockets of this process.

use std::net::SocketAddr;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use axum::Router;
use axum::extract::Request;
use axum::response::IntoResponse;
use axum::routing::{any, get, post};
use tokio::net::{TcpListener, TcpSocket};
use tokio::sync::Barrier;

use super::super::info::{REVISION, VERSION};
use super::super::options::BackendErrors;
use super::super::tests::{Tested, text, try_with, with};
use super::call::{ANSWER_MAX_BYTES, CALLS_MAX};
use super::*;

async fn serve(router: Router) -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    tokio::spawn(async { axum::serve(listener, router).await });
    address
}

/// An address where nobody listens, nor will as long as the socket is held.
fn nobody() -> (TcpSocket, SocketAddr) {
    let socket = TcpSocket::new_v4().unwrap();
    socket.bind(SocketAddr::from(([127, 0, 0, 1], 0))).unwrap();
    let address = socket.local_addr().unwrap();
    (socket, address)
}

fn asking(backends: Vec<String>) -> Tested {
    with(|options| options.backends = backends)
}

async fn posted(podinfo: &Tested, body: &'static str) -> (u16, Vec<String>) {
    let answer = podinfo.ask("POST", "/api/echo", &[], body).await;
    assert_eq!(answer.headers["x-color"], "#34577c");
    assert_eq!(answer.headers["content-type"], "application/json; charset=utf-8");
    assert_eq!(answer.error, None);
    (answer.status.as_u16(), serde_json::from_slice(&answer.body).unwrap())
}

#[tokio::test]
async fn the_body_comes_back_whatever_it_is_and_no_browser_shows_it() {
    let podinfo = with(|options| options.ui.color = "blue".to_owned());
    let all: Vec<u8> = (0..=255).collect();
    for path in ["/echo", "/echo/", "/echo/a", "/echo/a/b", "/api/echo", "/api/echo/a", "/api/echo/a/b"] {
        for (method, body) in [
            ("POST", Bytes::from_static(b"<script>")),
            ("PUT", Bytes::from(all.clone())),
            ("GET", Bytes::new()),
            ("OPTIONS", Bytes::new()),
            ("FOO", Bytes::from_static(b"x")),
        ] {
            let answer = podinfo.ask(method, path, &[("content-type", "text/html")], body.clone()).await;
            assert_eq!((answer.status.as_u16(), answer.body, answer.error), (202, body, None), "{method} {path}");
            for (name, value) in [
                ("content-type", "application/octet-stream"),
                ("x-content-type-options", "nosniff"),
                ("content-security-policy", "default-src 'none'"),
                ("x-color", "blue"),
            ] {
                assert_eq!(answer.headers[name], value);
            }
            assert_eq!(answer.headers.len(), 4);
        }
    }
}

#[test]
fn what_cannot_be_served_is_refused_at_start() {
    let color = try_with(|options| options.ui.color = "a\nb".to_owned()).err().unwrap();
    assert_eq!((color.flag, color.value.as_str()), ("--ui-color", "a\nb"));
    let many = vec!["http://b".to_owned(); 17];
    let many = try_with(|options| options.backends = many).err().unwrap();
    assert_eq!(many.to_string(), "--backend-url \"http://b\": expected at most 16 backends");
    let many = vec!["http://u:p@b".to_owned(); 17];
    let many = try_with(|options| options.backends = many).err().unwrap();
    assert_eq!(many.value, "http://b", "no credentials in the log");
}

#[tokio::test]
async fn answers_stand_in_the_order_of_the_flags() {
    let one = serve(Router::new().route("/", post(async |body: String| format!("one <{body}>")))).await;
    let two = serve(Router::new().route("/x", post(async |body: String| format!("two {body}")))).await;
    let podinfo = asking(vec![format!("http://{one}"), format!("http://{two}/x?y"), format!("http://{one}/")]);
    assert_eq!(posted(&podinfo, "hi").await, (200, vec!["one <hi>".into(), "two hi".into(), "one <hi>".into()]));
    // Whatever the method was, and without a body.
    let answer = podinfo.ask("GET", "/echo/below", &[], "").await;
    assert_eq!(text(&answer), "[\n  \"one \\u003c\\u003e\",\n  \"two \",\n  \"one \\u003c\\u003e\"\n]");
}

#[tokio::test]
async fn backends_are_asked_at_once() {
    // Neither is answered before both have been asked.
    let barrier = Arc::new(Barrier::new(2));
    let meet = move || async move { format!("{}", barrier.wait().await.is_leader()) };
    let address = serve(Router::new().route("/", post(meet))).await;
    let (status, mut said) = posted(&asking(vec![format!("http://{address}"); 2]), "").await;
    said.sort();
    assert_eq!((status, said), (200, vec!["false".to_owned(), "true".to_owned()]));
}

#[tokio::test]
async fn only_tracing_fields_and_our_own_two_reach_a_backend() {
    let seen = Arc::new(Mutex::new(HeaderMap::new()));
    let put = Arc::clone(&seen);
    let note = async move |request: Request| *put.lock().unwrap() = request.headers().clone();
    let address = serve(Router::new().route("/", post(note))).await;
    let podinfo = asking(vec![format!("http://{address}")]);
    let tracing = [
        "x-request-id",
        "x-b3-traceid",
        "x-b3-spanid",
        "x-b3-parentspanid",
        "x-b3-sampled",
        "x-b3-flags",
        "x-ot-span-context",
        "traceparent",
        "tracestate",
        "baggage",
    ];
    let other = [("content-type", "text/plain"), ("authorization", "secret"), ("x-cload", "x"), ("x-api-version", "0")];
    let more = [("tracestate", "u")];
    let fields: Vec<_> = tracing.iter().map(|name| (*name, "t")).chain(other).chain(more).collect();
    podinfo.ask("POST", "/echo", &fields, "body").await;
    let mut seen = std::mem::take(&mut *seen.lock().unwrap());
    assert_eq!(seen.get_all("tracestate").iter().collect::<Vec<_>>(), ["t", "u"]);
    assert!(tracing.iter().all(|name| seen.remove(*name).unwrap() == "t"));
    assert_eq!(seen.remove("x-api-version").unwrap(), *VERSION);
    assert_eq!(seen.remove("x-api-revision").unwrap(), *REVISION);
    assert_eq!(seen.remove("content-length").unwrap(), "4");
    assert_eq!(seen.remove("host").unwrap(), *address.to_string());
    assert!(seen.is_empty(), "{seen:?}");
}

#[tokio::test]
async fn a_failure_is_a_text_in_its_place_and_a_status_only_on_request() {
    let fails = async || (StatusCode::INTERNAL_SERVER_ERROR, "secret");
    let good = serve(Router::new().route("/", post("good")).route("/500", post(fails))).await;
    let (_socket, nobody) = nobody();
    let bad = format!("http://{good}/500");
    let broken = vec![bad.clone(), format!("http://{nobody}"), "http://[::1".into(), "ftp://x".into(), "word".into()];
    let mixed = [broken.clone(), vec![format!("http://{good}")]].concat();
    for (backends, errors, expected) in [
        (&broken, BackendErrors::Ok, 200),
        (&mixed, BackendErrors::Ok, 200),
        (&broken, BackendErrors::Status, 502),
        (&mixed, BackendErrors::Status, 207),
        (&mixed[5..].to_vec(), BackendErrors::Status, 200),
    ] {
        let podinfo = with(|options| (options.backends, options.backend_errors) = (backends.clone(), errors));
        let (status, said) = posted(&podinfo, "").await;
        assert_eq!((status, said.len()), (expected, backends.len()));
        assert_eq!(said.last().unwrap() == "good", backends.len() != broken.len());
        if backends.len() < broken.len() {
            continue;
        }
        assert_eq!(said[0], format!("backend {bad} response status code 500"));
        let refused = format!("backend http://{nobody} call failed ");
        assert!(said[1].starts_with(&refused) && said[1].contains("Connection refused"), "{}", said[1]);
        assert_eq!(said[2], "", "podinfo's answer for what is no URL");
        assert!(said[3].starts_with("backend ftp://x call failed "), "{}", said[3]);
        assert!(said[4].starts_with("backend word call failed "), "{}", said[4]);
    }
}

#[tokio::test]
async fn credentials_of_a_backend_are_not_shown() {
    let fails = async || StatusCode::INTERNAL_SERVER_ERROR;
    let good = serve(Router::new().route("/500", post(fails))).await;
    let (_socket, nobody) = nobody();
    let urls =
        [format!("http://user:pass@{good}/500"), format!("http://user:pass@{nobody}"), "ftp://user:pass@x".into()];
    let (_, said) = posted(&asking(urls.to_vec()), "").await;
    assert_eq!(said[0], format!("backend http://{good}/500 response status code 500"));
    assert!(said[1].starts_with(&format!("backend http://{nobody} call failed ")), "{}", said[1]);
    assert!(said[2].starts_with("backend ftp://x call failed "), "{}", said[2]);
    assert!(!said.concat().contains("pass"), "{said:?}");
}

#[tokio::test]
async fn redirects_are_followed_as_go_does() {
    let to = |status: u16, place: &'static str| {
        any(async move || (StatusCode::from_u16(status).unwrap(), [("location", place)], "moved").into_response())
    };
    let arrived = any(async |method: http::Method, body: String| format!("{method} {body}"));
    let router = Router::new()
        .route("/a/arrived", arrived)
        .route("/302", to(302, "/a/arrived"))
        .route("/303", to(303, "a/arrived"))
        .route("/307", to(307, "../a/./arrived"))
        .route("/308", to(308, "/302"))
        .route("/round", to(307, "/round"))
        .route("/out", to(302, "file:///etc/passwd"))
        .route("/nowhere", any(StatusCode::FOUND));
    let address = serve(router).await;
    let names = ["302", "303", "307", "308", "round", "out", "nowhere"];
    let urls = names.map(|name| format!("http://{address}/{name}"));
    let (_, said) = posted(&asking(urls.to_vec()), "b").await;
    assert_eq!(said[..4], ["GET ", "GET ", "POST b", "GET "].map(str::to_owned));
    assert_eq!(said[4], format!("backend {} call failed stopped after 10 redirects", urls[4]));
    assert!(said[5].contains("call failed redirected to \"file:///etc/passwd\""), "{}", said[5]);
    assert_eq!(said[6], "", "a redirect to no place is an answer");
}

#[tokio::test]
async fn a_call_is_bounded_in_time_and_its_answer_in_size() {
    let large = |bytes: usize| get(async move || vec![b'x'; bytes]).post(async move || vec![b'x'; bytes]);
    let router = Router::new()
        .route("/never", post(std::future::pending::<()>))
        .route("/most", large(ANSWER_MAX_BYTES))
        .route("/more", large(ANSWER_MAX_BYTES + 1));
    let address = serve(router).await;
    let podinfo = with(|options| {
        options.backends = ["never", "more"].map(|name| format!("http://{address}/{name}")).to_vec();
        options.http_client_timeout = Duration::from_millis(500);
    });
    let (_, said) = posted(&podinfo, "").await;
    assert_eq!(said[0], format!("backend http://{address}/never call failed no complete answer within 500ms"));
    let (_, said) = posted(&asking(vec![format!("http://{address}/most"), format!("http://{address}/more")]), "").await;
    assert_eq!(said[0].len(), ANSWER_MAX_BYTES);
    assert!(said[1].contains("/more call failed length limit exceeded"), "{}", said[1]);
}

#[tokio::test]
async fn calls_at_once_are_bounded_and_one_more_fails_at_once() {
    let address = serve(Router::new().route("/", post(std::future::pending::<()>))).await;
    let podinfo = with(|options| {
        options.backends = vec![format!("http://{address}"); 16];
        options.http_client_timeout = Duration::from_millis(300);
    });
    let asks = futures_util::future::join_all((0..=CALLS_MAX / 16).map(|_| posted(&podinfo, ""))).await;
    let said: Vec<_> = asks.into_iter().flat_map(|(_, said)| said).collect();
    let refused = format!("backend http://{address} call failed {CALLS_MAX} calls are under way");
    assert_eq!(said.iter().filter(|said| **said == refused).count(), 16);
    assert!(!posted(&podinfo, "").await.1.contains(&refused), "there is room again");
}

#[tokio::test]
async fn a_backend_behind_tls_is_believed_if_its_root_is_trusted() {
    let rcgen::CertifiedKey { cert, signing_key } =
        rcgen::generate_simple_self_signed(["localhost".to_owned()]).unwrap();
    let key = rustls::pki_types::PrivateKeyDer::try_from(signing_key.serialize_der()).unwrap();
    let config = rustls::ServerConfig::builder_with_provider(rustls::crypto::ring::default_provider().into())
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_no_client_auth()
        .with_single_cert(vec![cert.der().clone()], key)
        .unwrap();
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("https://localhost:{}/", listener.local_addr().unwrap().port());
    tokio::spawn(async move {
        let acceptor = tokio_rustls::TlsAcceptor::from(Arc::new(config));
        loop {
            let (tcp, _) = listener.accept().await.unwrap();
            let Ok(tls) = acceptor.accept(tcp).await else { continue };
            let answer = hyper::service::service_fn(async |_| {
                Ok::<_, std::convert::Infallible>(http::Response::new("secured".to_owned()))
            });
            let io = hyper_util::rt::TokioIo::new(tls);
            let _ = hyper::server::conn::http1::Builder::new().serve_connection(io, answer).await;
        }
    });
    let options = Options { backends: vec![url.clone()], ..Options::default() };
    let mut roots = RootCertStore::empty();
    let stranger = Echo::with_roots(&options, Some(roots.clone())).unwrap();
    roots.add(cert.der().clone()).unwrap();
    let known = Echo::with_roots(&options, Some(roots)).unwrap();
    let answer = stranger.answer(&HeaderMap::new(), Bytes::new()).await;
    assert!(text(&answer).contains("call failed") && text(&answer).contains("UnknownIssuer"), "{}", text(&answer));
    let answer = known.answer(&HeaderMap::new(), Bytes::new()).await;
    assert_eq!(text(&answer), "[\n  \"secured\"\n]");
}
