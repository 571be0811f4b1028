//! One command: its line is read and understood, or refused in a line of our own.

use shared::carrier::{self, TCP_LINE_MAX_BYTES};
use shared::fault::{Dialect, Source, SpecError, SpecErrorCode, SpecErrors};
use shared::outcome::ServerError;
use shared::protocol::Protocol;
use shared::units::print_duration;
use tokio::time::{Instant, timeout};

use super::answer::{self, Request};
use super::connection::{After, Connection};
use super::input::READ_BYTES;
use crate::bare::write_all;
use crate::echo::{self, Ask};
use crate::faults::Decision;
use crate::record::Call;

/// Serves the command that the input begins with.
pub(super) async fn run(connection: &mut Connection<'_>) -> After {
    let ask = match line(connection).await {
        Ok(line) => {
            let (text, _) = carrier::command(&line).expect("the prefix was seen before");
            Ask::read(text, Dialect::Tcp, connection.core.faults.limits())
        }
        Err(errors) => Ask { identity: None, fault: Err(errors) },
    };
    let (call, decision) = start(connection, &ask);
    let key = ask.key();
    if let Err(errors) = &ask.fault {
        return refuse(connection, call, errors).await;
    }
    let answers_with_line = decision.verdict.ack;
    answer::run(connection, Request { call, decision, key, answers_with_line, ask }).await
}

/// What follows an exchange and is no command.
pub(super) async fn refuse_other(connection: &mut Connection<'_>) -> After {
    let reason = "what follows an exchange of bytes= is no command";
    let errors = flaw(&connection.input.held, reason.to_owned(), "a line that begins with \"CL/1 \"".to_owned());
    let call = start_unread(connection);
    refuse(connection, call, &errors).await
}

/// Opens the record of a request, and decides.
pub(super) fn start(connection: &mut Connection<'_>, ask: &Ask) -> (Call, Decision) {
    let now = Instant::now();
    let (core, client) = (connection.core, connection.client);
    let asked = ask.asked(core, Protocol::Tcp, client, None);
    let id = ask.identity.map(|identity| identity.id);
    let labels = ask.labels(Protocol::Tcp, asked.as_ref());
    let handles = connection.kept.handles(core, labels, id.map(|id| id.session), now);
    let mut call = Call::start(handles, now, id.map(|id| id.seq));
    let decided = asked.and_then(|asked| core.faults.decide(&asked, id, client, &mut call));
    (call, decided.unwrap_or_else(Decision::plain))
}

/// The record of a request that cannot be read.
fn start_unread(connection: &mut Connection<'_>) -> Call {
    let now = Instant::now();
    let labels = Ask::plain().labels(Protocol::Tcp, None);
    Call::start(connection.kept.handles(connection.core, labels, None, now), now, None)
}

/// Says what is wrong. What else the client sends is not ours to understand: the connection ends.
async fn refuse(connection: &Connection<'_>, call: Call, errors: &SpecErrors) -> After {
    let line = echo::refusal(connection.core, errors);
    // A fresh line fits into any socket's buffer; whoever takes nothing at all may be waited for no longer than for a head.
    let _ = timeout(connection.core.head_timeout, write_all(connection.stream, line.as_bytes())).await;
    call.failed(ServerError::BadRequest);
    After::Fin
}

/// The whole line, prefix and end included.
async fn line(connection: &mut Connection<'_>) -> Result<bytes::BytesMut, SpecErrors> {
    let deadline = Instant::now() + connection.core.head_timeout;
    loop {
        let input = &mut connection.input;
        let looked_at = &input.held[..input.held.len().min(TCP_LINE_MAX_BYTES)];
        if let Some(end) = looked_at.iter().position(|byte| *byte == b'\n') {
            return Ok(input.held.split_to(end + 1));
        }
        if looked_at.len() == TCP_LINE_MAX_BYTES {
            let reason = format!("the line is longer than {TCP_LINE_MAX_BYTES} bytes");
            return Err(flaw(looked_at, reason, format!("at most {TCP_LINE_MAX_BYTES} bytes, line feed included")));
        }
        let read = tokio::time::timeout_at(deadline, input.read(connection.stream, READ_BYTES)).await;
        if !matches!(read, Ok(Ok(1..))) {
            let expected = format!("a line feed within {}", print_duration(connection.core.head_timeout));
            return Err(flaw(&input.held, "the line does not end".to_owned(), expected));
        }
    }
}

/// What is wrong with a line as a whole.
fn flaw(held: &[u8], reason: String, expected: String) -> SpecErrors {
    let value: String = String::from_utf8_lossy(held).chars().take(16).collect();
    SpecErrors::from(SpecError {
        code: SpecErrorCode::InvalidParameter,
        parameter: String::new(),
        value,
        source: Source::Line,
        position: 0,
        reason,
        expected,
        limit: None,
    })
}
