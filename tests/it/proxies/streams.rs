//! The proxy of requests that follow each other on a connection: HTTP/1.1, TCP with a frame, DNS over TCP. Each goes to the
//! target on a connection of its own.

use std::net::{Ipv4Addr, SocketAddr};
use std::time::Duration;

use tokio::io::{AsyncBufReadExt as _, AsyncRead, AsyncReadExt as _, AsyncWriteExt as _, BufReader};
use tokio::net::{TcpListener, TcpStream};

use super::path::{Path, Reply, who};

/// How messages are told apart.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Framing {
    Http,
    /// A line, and as many bytes behind it as the request's says.
    Line,
    /// Two bytes of length.
    Dns,
}

/// Starts one; it ends with the runtime.
pub(crate) async fn start(framing: Framing, path: &Path) -> SocketAddr {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.unwrap();
    let address = listener.local_addr().unwrap();
    let path = path.clone();
    tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            let path = path.clone();
            tokio::spawn(async move { serve(framing, stream, &path).await });
        }
    });
    address
}

async fn serve(framing: Framing, mut stream: TcpStream, path: &Path) {
    while let Some(request) = framing.read(&mut BufReader::with_capacity(1, &mut stream), 0).await {
        let who = who(&request);
        let reply = path.walk(&who, |target| framing.ask(target, request.clone())).await;
        let is_open = match reply {
            Reply::Answers(answers) => stream.write_all(&answers.concat()).await.is_ok(),
            Reply::Own => stream.write_all(&framing.own(&request)).await.is_ok(),
            Reply::Half(answer) => {
                // The client may be gone already, which is as good.
                let _ = stream.write_all(&answer[..answer.len() / 2]).await;
                false
            }
            Reply::Silence => {
                // For as long as the client waits.
                let _ = stream.read(&mut [0]).await;
                false
            }
            Reply::Reset => {
                socket2::SockRef::from(&stream).set_linger(Some(Duration::ZERO)).unwrap();
                false
            }
            Reply::Close => false,
        };
        path.passed(who);
        if !is_open {
            return;
        }
    }
}

impl Framing {
    /// The next whole message; nothing if there is none. `payload_bytes` are behind a line that says not how many.
    async fn read(self, from: &mut BufReader<impl AsyncRead + Unpin>, payload_bytes: usize) -> Option<Vec<u8>> {
        let mut message = Vec::new();
        let rest = match self {
            Framing::Http => {
                while !message.ends_with(b"\r\n\r\n") {
                    from.read_until(b'\n', &mut message).await.ok().filter(|bytes| *bytes > 0)?;
                }
                number(&message, "content-length: ").unwrap_or(0)
            }
            Framing::Line => {
                from.read_until(b'\n', &mut message).await.ok().filter(|bytes| *bytes > 0)?;
                number(&message, " bytes=").unwrap_or(payload_bytes)
            }
            Framing::Dns => {
                message.resize(2, 0);
                from.read_exact(&mut message).await.ok()?;
                u16::from_be_bytes([message[0], message[1]]).into()
            }
        };
        let head = message.len();
        message.resize(head + rest, 0);
        from.read_exact(&mut message[head..]).await.ok()?;
        Some(message)
    }

    /// The target's answer.
    async fn ask(self, target: SocketAddr, request: Vec<u8>) -> Vec<u8> {
        let mut stream = TcpStream::connect(target).await.unwrap();
        stream.write_all(&request).await.unwrap();
        let payload_bytes = number(&request, " bytes=").unwrap_or(0);
        self.read(&mut BufReader::new(stream), payload_bytes).await.expect("the target answers")
    }

    /// What a proxy says for itself.
    fn own(self, request: &[u8]) -> Vec<u8> {
        match self {
            Framing::Http => b"HTTP/1.1 502 Bad Gateway\r\ncontent-length: 0\r\n\r\n".to_vec(),
            // There is no such thing in a protocol of ours: words that are none of it.
            Framing::Line => b"bad gateway\n".to_vec(),
            Framing::Dns => {
                let answer = servfail(&request[2..]);
                [&u16::try_from(answer.len()).unwrap().to_be_bytes()[..], &answer].concat()
            }
        }
    }
}

/// The number behind these words.
fn number(message: &[u8], words: &str) -> Option<usize> {
    let text = String::from_utf8_lossy(message);
    let behind = text.split_once(words)?.1;
    behind.split(|c: char| !c.is_ascii_digit()).next()?.parse().ok()
}

/// A resolver's SERVFAIL to a query: its head and question, and nothing else.
pub(crate) fn servfail(query: &[u8]) -> Vec<u8> {
    let labels_end = 12 + query[12..].iter().position(|byte| *byte == 0).unwrap();
    let flags = [0x81, 0x82, 0, 1, 0, 0, 0, 0, 0, 0];
    [&query[..2], &flags, &query[12..labels_end + 5]].concat()
}
