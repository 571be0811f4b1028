//! One request from release to record: connect if there is no connection, call under the timeout, judge, account.
//!
//! The one place of the injector where a call is recorded.

use shared::identity::RequestId;
use shared::outcome::{ErrorClass, Outcome, Phase};
use tokio::time::{Instant, timeout_at};

use crate::account::Finished;
use crate::driver::{Driver, Ending, Marks};
use crate::stream::StreamContext;

/// Sends request `id`, meant for the instant `planned`, over `connection` or a new one, and records what became of it. On
/// return the connection is what may be asked for the next request, if its driver says so.
pub(crate) async fn attempt<D: Driver>(
    context: &StreamContext<D>,
    connection: &mut Option<D>,
    id: RequestId,
    planned: Instant,
) {
    let marks = Marks::default();
    let mut wanted = D::want(&context.prepared, id);
    let released = Instant::now();
    let call = async {
        if connection.is_none() {
            match D::connect(&context.prepared, &context.names, &marks).await {
                Ok(opened) => *connection = Some(opened),
                Err(class) => return Ending::Failed(class),
            }
            context.connected(Ok(()));
        }
        let held = connection.as_mut().expect("opened above if there was none");
        held.call(&context.prepared, id, &mut wanted, &marks).await
    };
    let ending = timeout_at(released + context.timeout, call).await.unwrap_or_else(|_| timed_out(&marks));
    if let (Ending::Failed(class), None) = (ending, marks.connected.get().or(marks.sending.get())) {
        context.connected(Err(class));
    }
    let outcome = D::judge(&wanted, ending);
    record(context, &marks, outcome, planned, released);
}

/// How far it had come says what the timeout means.
fn timed_out(marks: &Marks) -> Ending {
    if marks.sending.get().is_some() {
        Ending::TimedOut
    } else if marks.connecting.get().is_some() {
        Ending::Failed(ErrorClass::ConnectTimeout)
    } else {
        Ending::Failed(ErrorClass::DnsTimeout)
    }
}

fn record<D: Driver>(
    context: &StreamContext<D>,
    marks: &Marks,
    outcome: Outcome<ErrorClass>,
    planned: Instant,
    released: Instant,
) {
    let end = Instant::now();
    let between = |from: Option<Instant>, to: Option<Instant>| Some(to?.saturating_duration_since(from?));
    let phases = [
        (Phase::Dns, between(marks.resolving.get(), marks.connecting.get())),
        (Phase::Connect, between(marks.connecting.get(), marks.connected.get())),
        (Phase::Request, between(marks.sending.get(), marks.sent.get())),
        (Phase::FirstByte, between(marks.sent.get(), marks.first_byte.get())),
        (Phase::Body, between(marks.first_byte.get(), Some(end))),
    ];
    for (phase, duration) in phases {
        if let Some(duration) = duration {
            context.series.phase(phase, duration);
        }
    }
    let server = marks.server.get();
    let asked = marks.asked.get().unwrap_or_default();
    let network = between(marks.sending.get(), marks.first_byte.get())
        .zip(server)
        .map(|(first_byte, server)| first_byte.saturating_sub(server + asked));
    context.finished(&Finished {
        outcome,
        sent: marks.sending.get().is_some(),
        response: end.saturating_duration_since(planned),
        service: end - marks.started().unwrap_or(released),
        server,
        network,
        sent_bytes: marks.sent_bytes.get(),
        received_bytes: marks.received_bytes.get(),
    });
}
