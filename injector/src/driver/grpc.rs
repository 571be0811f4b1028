//! gRPC over the HTTP/2 connections that lanes share.
//!
//! The framing is our own, on bare streams, and not a generated client's: every ending must be seen as it happened (a client
//! library turns RST_STREAM, GOAWAY and a lost connection into one status, and may send a call twice before it is committed),
//! the instants must be those of frames, and any method must do. Messages are encoded once per operation; a call adds an id.

mod exchange;
mod frame;
mod judge;
pub(crate) mod reflect;
mod status;

use std::rc::Rc;

use bytes::Bytes;
use http::header::{CONTENT_TYPE, HeaderMap, HeaderName, HeaderValue, TE, USER_AGENT};
use http::{Method, Request, Uri, Version};
use shared::carrier::HEADER_FAULT;
use shared::deadline::{HEADER_TIMEOUT, print_timeout};
use shared::identity::{HEADER_IDENTITY, RequestId};
use shared::outcome::{ConnectionEnd, ErrorClass, Outcome};
use tokio::time::{Instant, timeout_at};

use self::exchange::{End, Exchange, Listener};
use self::frame::framed;
use self::judge::{Answered, Sought, Wanted};
use self::status::Said;
use super::{Driver, Ending, IdentityTemplate, Marks, mark};
use crate::counter::{Counter, Open};
use crate::names::Names;
use crate::plan::{Call, DEADLINE_GRACE, Endpoint, GrpcCall, Operation};
use crate::trunk::{Berth, Ear, Trunks};

const USER_AGENT_VALUE: &str = concat!("grpc-continuous-load/", env!("CARGO_PKG_VERSION"));

/// One lane's place on a connection.
pub struct Grpc {
    berth: Berth,
}

/// An operation's call, ready to be sent.
pub struct Prepared {
    trunks: Trunks,
    sought: Rc<Sought>,
    uri: Uri,
    /// All but the identity.
    fields: HeaderMap,
    /// Everything in `x-cload` up to the sequence number.
    before_seq: String,
    /// With their prefixes.
    messages: Vec<Bytes>,
}

impl Driver for Grpc {
    type Call = GrpcCall;
    type Prepared = Prepared;
    type Wanted = Wanted;
    type Answered = Answered;

    fn own(call: &Call) -> Option<&Self::Call> {
        call.grpc()
    }

    fn prepare(operation: &Operation, call: &GrpcCall, identity: IdentityTemplate) -> Prepared {
        let messages = call.messages.as_ref().expect("a run begins when every method is known");
        let scheme = if operation.tls.is_some() { "https" } else { "http" };
        let mut fields = fields(call.metadata.iter().map(|(name, value)| (name.as_str(), value.as_str())));
        if let Some(text) = &call.fault_text {
            fields.insert(HEADER_FAULT, value(text));
        }
        if let Some(deadline) = call.deadline {
            fields.insert(HEADER_TIMEOUT, value(&print_timeout(deadline)));
        }
        Prepared {
            trunks: Trunks::new(operation),
            uri: uri(scheme, &operation.endpoint, &call.method.to_string()),
            fields,
            before_seq: format!("source={};op={};id={}.", identity.source, operation.name, identity.session),
            messages: messages.requests.iter().map(|message| framed(message)).collect(),
            sought: Rc::new(Sought::new(call.clone(), messages.clone())),
        }
    }

    fn want(prepared: &Prepared, id: RequestId) -> Wanted {
        Wanted::new(&prepared.sought, id)
    }

    async fn connect(prepared: &Prepared, names: &Names, marks: &Marks, counter: &Counter) -> Result<Grpc, ErrorClass> {
        Ok(Grpc { berth: prepared.trunks.join(names, marks, counter).await? })
    }

    async fn call(
        &mut self,
        prepared: &Prepared,
        id: RequestId,
        wanted: &mut Wanted,
        marks: &Marks,
    ) -> Ending<Answered> {
        let mut fields = prepared.fields.clone();
        fields.insert(HEADER_IDENTITY, value(&format!("{}{}", prepared.before_seq, id.seq)));
        let request = request(prepared.uri.clone(), fields);
        let max_bytes = wanted.message_max_bytes();
        let counter = prepared.sought.messages.server_streams.then(|| Counter::clone(self.berth.open()));
        mark(&marks.sending);
        let begun = Instant::now();
        let berth = &mut self.berth;
        let mut hearing = Hearing { wanted, marks, counter, last: begun, ear: berth.ear() };
        let exchange = async {
            let sent = berth.send(request, false).await?;
            // Until the call is over.
            let _busy = sent.busy;
            let messages = prepared.messages.iter().cloned();
            Exchange::new(&mut hearing, (sent.response, sent.body), messages, max_bytes).run().await
        };
        let deadline = prepared.sought.call.deadline.map(|deadline| begun + deadline);
        let ended = match deadline {
            None => exchange.await,
            // Dropping the exchange resets its stream, which tells the target that nobody waits any more.
            Some(deadline) => timeout_at(deadline + DEADLINE_GRACE, exchange).await.unwrap_or(Ok(End::Deadline)),
        };
        match ended {
            // Too late is too late, however good it is.
            Ok(End::Status(0)) if deadline.is_some_and(|deadline| Instant::now() > deadline) => {
                Ending::Answered(wanted.answered(End::Deadline, id))
            }
            Ok(end) => Ending::Answered(wanted.answered(end, id)),
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

/// What a call marks and compares as it passes.
struct Hearing<'a> {
    wanted: &'a mut Wanted,
    marks: &'a Marks,
    /// Where messages are timed, if there may be several.
    counter: Option<Counter>,
    last: Instant,
    ear: Ear,
}

impl Listener for Hearing<'_> {
    fn wrote(&mut self, bytes: usize) {
        self.marks.sent_bytes.set(self.marks.sent_bytes.get() + bytes as u64);
    }

    fn wrote_all(&mut self) {
        mark(&self.marks.sent);
    }

    fn said(&mut self, said: &Said) {
        self.ear.answered();
        mark(&self.marks.first_byte);
        // Those that come with the first byte are about it; trailers are believed where the head says nothing.
        if self.marks.server.get().is_none() {
            self.marks.server.set(said.server);
            self.marks.asked.set(said.asked);
        }
        self.marks.backend.set(said.backend);
        self.marks.declare(&said.declared);
        self.wanted.said(said);
    }

    fn received(&mut self, bytes: usize) {
        self.ear.answered();
        self.marks.received_bytes.set(self.marks.received_bytes.get() + bytes as u64);
    }

    fn message(&mut self, message: Bytes) {
        if let Some(counter) = &self.counter {
            let now = Instant::now();
            counter.message(now - self.last);
            self.last = now;
        }
        self.wanted.take(message);
    }
}

/// The fields of every call, and these.
fn fields<'a>(own: impl Iterator<Item = (&'a str, &'a str)>) -> HeaderMap {
    let mut fields = HeaderMap::new();
    for (name, text) in own {
        let name = HeaderName::from_bytes(name.as_bytes()).expect("checked when the plan was made");
        fields.append(name, value(text));
    }
    fields.insert(CONTENT_TYPE, HeaderValue::from_static("application/grpc"));
    // Asks for trailers, and shows who strips fields of one hop on the way.
    fields.insert(TE, HeaderValue::from_static("trailers"));
    fields.insert(USER_AGENT, HeaderValue::from_static(USER_AGENT_VALUE));
    fields.insert("grpc-accept-encoding", HeaderValue::from_static("identity,gzip"));
    fields
}

fn value(text: &str) -> HeaderValue {
    HeaderValue::from_str(text).expect("visible ASCII, as the plan has checked")
}

fn uri(scheme: &str, endpoint: &Endpoint, method: &str) -> Uri {
    let uri = Uri::builder().scheme(scheme).authority(endpoint.to_string()).path_and_query(format!("/{method}"));
    uri.build().expect("host, port and method are checked when the plan is made")
}

fn request(uri: Uri, fields: HeaderMap) -> Request<()> {
    let mut request = Request::new(());
    *request.method_mut() = Method::POST;
    *request.version_mut() = Version::HTTP_2;
    *request.uri_mut() = uri;
    *request.headers_mut() = fields;
    request
}

#[cfg(test)]
mod tests;
