//! An HTTP/2 client that keeps its connection, and shows every header and trailer; gRPC's too.

use std::net::SocketAddr;

use bytes::Bytes;
use h2::client::SendRequest;
use http::{HeaderMap, Request};
use tokio::net::TcpStream;
use tokio::time::timeout;

use super::http1::PATIENCE;

/// The message of gRPC that says nothing.
const EMPTY_MESSAGE: &[u8] = &[0; 5];

/// One answer.
#[derive(Debug)]
pub(super) struct Answer {
    pub(super) status: u16,
    /// Trailers included.
    headers: HeaderMap,
}

impl Answer {
    pub(super) fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name).map(|value| value.to_str().unwrap())
    }
}

/// A connection.
pub(super) struct Connection {
    sender: SendRequest<Bytes>,
}

impl Connection {
    pub(super) async fn open(address: SocketAddr) -> Connection {
        let stream = TcpStream::connect(address).await.unwrap();
        let (sender, connection) = h2::client::handshake(stream).await.unwrap();
        tokio::spawn(connection);
        Connection { sender }
    }

    pub(super) async fn get(&mut self, path: &str, headers: &[(&str, &str)]) -> Answer {
        self.ask("GET", path, headers, None).await
    }

    /// A call of this method with an empty message.
    pub(super) async fn call(&mut self, method: &str, headers: &[(&str, &str)]) -> Answer {
        let headers = [&[("content-type", "application/grpc"), ("te", "trailers")], headers].concat();
        self.ask("POST", &format!("/{method}"), &headers, Some(EMPTY_MESSAGE)).await
    }

    async fn ask(&mut self, method: &str, path: &str, headers: &[(&str, &str)], body: Option<&'static [u8]>) -> Answer {
        let mut request = Request::builder().method(method).uri(format!("http://localhost{path}"));
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        let asked = async {
            let mut sender = self.sender.clone().ready().await.unwrap();
            let (answer, mut stream) = sender.send_request(request.body(()).unwrap(), body.is_none()).unwrap();
            if let Some(body) = body {
                stream.send_data(Bytes::from_static(body), true).unwrap();
            }
            let (head, mut body) = answer.await.unwrap().into_parts();
            while let Some(bytes) = body.data().await {
                body.flow_control().release_capacity(bytes.unwrap().len()).unwrap();
            }
            let mut headers = head.headers;
            headers.extend(body.trailers().await.unwrap().unwrap_or_default());
            Answer { status: head.status.as_u16(), headers }
        };
        timeout(PATIENCE, asked).await.expect("an answer in time")
    }
}
