//! HTTP/2 on a trunk that lanes share.
//!
//! The framing is the `h2` crate's: unlike HTTP/1.1's, nobody would write it a second time for the sake of measuring, and it
//! repeats nothing by itself, a refused stream included. What it cannot tell is when the kernel took a frame: a request is
//! "sent" here when the connection has all of it.

use std::future::{Future as _, poll_fn};
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};

use bytes::Bytes;
use h2::client::ResponseFuture;
use h2::{RecvStream, SendStream};
use http::header::{CONTENT_LENGTH, HeaderMap, HeaderName, HeaderValue};
use shared::identity::{HEADER_IDENTITY, HEADER_SERVER, HEADER_SERVER_TIMING, Identity, RequestId};
use shared::instance::Instance;
use shared::outcome::{Code, ConnectionEnd, ErrorClass, Outcome};

use super::answer::Head;
use super::judge::{Answered, Wanted};
use crate::counter::{Counter, Open};
use crate::driver::timing::server_timing;
use crate::driver::{Declared, Driver, Ending, IdentityTemplate, Marks, mark};
use crate::names::Names;
use crate::plan::{Call, HttpCall, Operation};
use crate::trunk::{Berth, Ear, Trunks};

/// One lane's place on an HTTP/2 connection.
pub struct Http2 {
    berth: Berth,
}

/// An operation's request and the connections it travels on.
pub struct Prepared {
    call: HttpCall,
    trunks: Trunks,
    uri: http::Uri,
    method: http::Method,
    /// Every field but the identity.
    headers: HeaderMap,
    /// The identity up to the sequence number.
    before_seq: String,
    body: Arc<[u8]>,
    any_of: Option<Arc<[u16]>>,
}

impl Driver for Http2 {
    type Call = HttpCall;
    type Prepared = Prepared;
    type Wanted = Wanted;
    type Answered = Answered;

    fn own(call: &Call) -> Option<&Self::Call> {
        call.http()
    }

    fn prepare(operation: &Operation, call: &HttpCall, identity: IdentityTemplate) -> Prepared {
        let body: Arc<[u8]> = call.body.bytes().into();
        let scheme = if operation.tls.is_some() { "https" } else { "http" };
        let uri = format!("{scheme}://{}{}", operation.endpoint, call.path);
        let mut headers = HeaderMap::new();
        for (name, value) in call.wire_headers() {
            let name = HeaderName::from_bytes(name.as_bytes()).expect("checked when the plan was made");
            headers.append(name, HeaderValue::from_str(value).expect("checked when the plan was made"));
        }
        if !body.is_empty() || call.method.wants_body() {
            headers.insert(CONTENT_LENGTH, HeaderValue::from(body.len()));
        }
        Prepared {
            call: call.clone(),
            trunks: Trunks::new(operation),
            uri: uri.parse().expect("a checked path behind a checked address"),
            method: call.method.as_str().parse().expect("a method is a token"),
            headers,
            before_seq: format!("source={};op={};id={}.", identity.source, operation.name, identity.session),
            body,
            any_of: call.expect.status.any_of(),
        }
    }

    fn want(prepared: &Prepared, id: RequestId) -> Wanted {
        Wanted::new(&prepared.call, prepared.any_of.clone(), &prepared.body, id)
    }

    async fn connect(prepared: &Prepared, names: &Names, marks: &Marks, counter: &Counter) -> Result<Self, ErrorClass> {
        Ok(Http2 { berth: prepared.trunks.join(names, marks, counter).await? })
    }

    async fn call(
        &mut self,
        prepared: &Prepared,
        id: RequestId,
        wanted: &mut Wanted,
        marks: &Marks,
    ) -> Ending<Answered> {
        mark(&marks.sending);
        let sent = match self.berth.send(prepared.request(id), prepared.body.is_empty()).await {
            Ok(sent) => sent,
            Err(error) => return self.berth.ending(&error, marks),
        };
        let mut exchange = Exchange {
            response: sent.response,
            answer: None,
            head: Head::default(),
            upload: sent.body,
            body: Bytes::from_owner(Arc::clone(&prepared.body)),
            is_uploaded: false,
            body_bytes: 0,
            wanted,
            marks,
            ear: self.berth.ear(),
        };
        let ended = poll_fn(|cx| exchange.poll(cx)).await;
        let _busy = sent.busy;
        match ended {
            Ok(()) => Ending::Answered(exchange.answered(id)),
            Err(error) => self.berth.ending(&error, marks),
        }
    }

    fn open(&self) -> &Open {
        self.berth.open()
    }

    fn is_reusable(&self) -> bool {
        self.berth.is_usable()
    }

    async fn lost(&mut self) -> ConnectionEnd {
        self.berth.lost().await
    }

    fn judge(wanted: &Wanted, ending: &Ending<Answered>) -> Outcome<ErrorClass> {
        wanted.judge(*ending)
    }

    fn explain(wanted: &Wanted, ending: &Ending<Answered>) -> String {
        wanted.explain(*ending)
    }
}

impl Prepared {
    fn request(&self, id: RequestId) -> http::Request<()> {
        let mut request = http::Request::new(());
        *request.method_mut() = self.method.clone();
        *request.uri_mut() = self.uri.clone();
        *request.version_mut() = http::Version::HTTP_2;
        *request.headers_mut() = self.headers.clone();
        if !self.call.is_plain {
            let identity = HeaderValue::from_maybe_shared(Bytes::from(format!("{}{}", self.before_seq, id.seq)));
            request.headers_mut().insert(HEADER_IDENTITY, identity.expect("names and numbers are visible ASCII"));
        }
        request
    }
}

/// One request being sent and its answer being read, at the same time: a target may answer early.
struct Exchange<'a> {
    response: ResponseFuture,
    /// The answer's body, once its head has come.
    answer: Option<RecvStream>,
    head: Head,
    upload: SendStream<Bytes>,
    /// What is left to send.
    body: Bytes,
    /// Whether there is nothing to send, or nobody who takes it. The answer may still come.
    is_uploaded: bool,
    body_bytes: u64,
    wanted: &'a mut Wanted,
    marks: &'a Marks,
    ear: Ear,
}

impl Exchange<'_> {
    /// Runs to the end of the answer, or to the error that ended the stream.
    fn poll(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), h2::Error>> {
        while !self.is_uploaded {
            if self.poll_upload(cx).is_pending() {
                break;
            }
        }
        let Some(answer) = &mut self.answer else {
            let (parts, answer) = ready!(Pin::new(&mut self.response).poll(cx))?.into_parts();
            mark(&self.marks.first_byte);
            self.ear.answered();
            self.head = read_head(parts.status.as_u16(), &parts.headers);
            self.marks.server.set(self.head.server);
            self.marks.asked.set(self.head.asked);
            self.marks.backend.set(self.head.backend);
            self.marks.declare(&self.head.declared);
            self.answer = Some(answer);
            return self.poll(cx);
        };
        while let Some(piece) = ready!(answer.poll_data(cx)).transpose()? {
            self.ear.answered();
            self.wanted.take(&piece);
            self.body_bytes += piece.len() as u64;
            self.marks.received_bytes.set(self.body_bytes);
            // Read is read: the peer may send as much again.
            answer.flow_control().release_capacity(piece.len())?;
        }
        // The stream ends behind its trailers, not before them.
        ready!(answer.poll_trailers(cx)).map(|_| Poll::Ready(Ok(())))?
    }

    /// Sends the next piece that the peer's windows have room for; ready when it may be called again.
    fn poll_upload(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        if self.body.is_empty() {
            self.is_uploaded = true;
            mark(&self.marks.sent);
            return Poll::Ready(());
        }
        self.upload.reserve_capacity(self.body.len());
        let room = match ready!(self.upload.poll_capacity(cx)) {
            Some(Ok(room)) => room,
            // What stopped it is told where the answer is read.
            Some(Err(_)) | None => return self.give_up(),
        };
        let piece = self.body.split_to(room.min(self.body.len()));
        let n_bytes = piece.len() as u64;
        if self.upload.send_data(piece, self.body.is_empty()).is_err() {
            return self.give_up();
        }
        self.marks.sent_bytes.set(self.marks.sent_bytes.get() + n_bytes);
        Poll::Ready(())
    }

    fn give_up(&mut self) -> Poll<()> {
        self.is_uploaded = true;
        Poll::Ready(())
    }

    fn answered(&self, id: RequestId) -> Answered {
        Answered {
            code: Code::Http(self.head.status),
            size_bytes: self.body_bytes,
            content_matches: self.wanted.content_matches(),
            id_matches: self.head.id.map(|echoed| echoed == id),
            surplus_bytes: 0,
        }
    }
}

fn read_head(status: u16, headers: &HeaderMap) -> Head {
    let timing = headers.get(HEADER_SERVER_TIMING).map(HeaderValue::as_bytes);
    Head {
        status,
        id: headers.get(HEADER_IDENTITY).and_then(|value| Identity::echoed_id(value.as_bytes())),
        server: timing.and_then(|value| server_timing(value, "cload")),
        asked: timing.and_then(|value| server_timing(value, "cload-fault")),
        backend: headers.get(HEADER_SERVER).and_then(|value| Instance::read(value.as_bytes())),
        declared: Declared::of_headers(headers),
        close: false,
    }
}

#[cfg(test)]
mod tests;
