//! The proxy of HTTP/2, and so of gRPC: many requests at once on a connection, each a stream that meets its own fate. Each
//! goes to the target on a connection of its own.

use std::future::poll_fn;
use std::net::{Ipv4Addr, SocketAddr};

use bytes::Bytes;
use h2::server::SendResponse;
use h2::{Reason, RecvStream};
use http::{HeaderMap, Request, Response};
use shared::identity::HEADER_IDENTITY;
use tokio::net::{TcpListener, TcpStream};

use super::path::{Path, Reply, who};

/// A whole answer.
struct Answer {
    head: http::response::Parts,
    body: Bytes,
    trailers: Option<HeaderMap>,
}

/// Starts one; it ends with the runtime.
pub(super) async fn start(path: &Path) -> SocketAddr {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.unwrap();
    let address = listener.local_addr().unwrap();
    let path = path.clone();
    tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            tokio::spawn(serve(stream, path.clone()));
        }
    });
    address
}

async fn serve(stream: TcpStream, path: Path) {
    // Who only looks whether somebody listens says nothing.
    let Ok(mut connection) = h2::server::handshake(stream).await else { return };
    while let Some(Ok((request, respond))) = connection.accept().await {
        tokio::spawn(answer(request, respond, path.clone()));
    }
}

async fn answer(request: Request<RecvStream>, mut respond: SendResponse<Bytes>, path: Path) {
    let (head, body) = request.into_parts();
    let (body, _) = whole(body).await;
    let who = who(head.headers[HEADER_IDENTITY].as_bytes());
    match path.walk(&who, |target| ask(target, head.clone(), body.clone())).await {
        Reply::Answers(answers) => answers.into_iter().for_each(|answer| send(&mut respond, answer)),
        Reply::Half(Answer { head, body, .. }) => {
            send(&mut respond, Answer { body: body.slice(..body.len() / 2), head, trailers: None });
        }
        Reply::Own => send(&mut respond, own()),
        Reply::Silence => {
            // For as long as the client waits.
            let _ = poll_fn(|cx| respond.poll_reset(cx)).await;
        }
        Reply::Reset => respond.send_reset(Reason::INTERNAL_ERROR),
        Reply::Close => respond.send_reset(Reason::CANCEL),
    }
    path.passed(who);
}

/// What a proxy says for itself, to a call of gRPC as well.
fn own() -> Answer {
    let head = Response::builder().status(502).body(()).unwrap().into_parts().0;
    Answer { head, body: Bytes::new(), trailers: None }
}

/// Nobody may wait for it any more.
fn send(respond: &mut SendResponse<Bytes>, Answer { head, body, trailers }: Answer) {
    let Ok(mut stream) = respond.send_response(Response::from_parts(head, ()), false) else { return };
    let _ = stream.send_data(body, trailers.is_none());
    if let Some(trailers) = trailers {
        let _ = stream.send_trailers(trailers);
    }
}

async fn ask(target: SocketAddr, head: http::request::Parts, body: Bytes) -> Answer {
    let stream = TcpStream::connect(target).await.unwrap();
    let (sender, connection) = h2::client::handshake(stream).await.unwrap();
    let connection = tokio::spawn(connection);
    let (response, mut stream) =
        sender.ready().await.unwrap().send_request(Request::from_parts(head, ()), body.is_empty()).unwrap();
    if !body.is_empty() {
        stream.send_data(body, true).unwrap();
    }
    let (head, body) = response.await.unwrap().into_parts();
    let (body, trailers) = whole(body).await;
    connection.abort();
    Answer { head, body, trailers }
}

async fn whole(mut body: RecvStream) -> (Bytes, Option<HeaderMap>) {
    let mut bytes = Vec::new();
    while let Some(piece) = body.data().await {
        let piece = piece.unwrap();
        body.flow_control().release_capacity(piece.len()).unwrap();
        bytes.extend_from_slice(&piece);
    }
    (bytes.into(), body.trailers().await.unwrap())
}
