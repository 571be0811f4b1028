//! The head of a broken answer, written by hand.

use http::StatusCode;

use crate::http::answer::Job;

/// How the body is announced.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Framing {
    /// `Content-Length`, true or not.
    Length(u64),
    /// `Transfer-Encoding: chunked`.
    Chunked,
}

/// Status line and fields. There is no `Date`: a broken answer need not be a fresh one.
pub(super) fn write(job: &Job, framing: Framing) -> Vec<u8> {
    let status = job.status();
    let version = if job.request.is_http10 { "HTTP/1.0" } else { "HTTP/1.1" };
    let reason = status.canonical_reason().unwrap_or("Unknown");
    let mut head = format!("{version} {} {reason}\r\n", status.as_str()).into_bytes();
    fields(job, &mut head);
    let has_framing = !matches!(status, StatusCode::NO_CONTENT | StatusCode::NOT_MODIFIED);
    match framing {
        Framing::Length(length) if has_framing => head.extend(format!("content-length: {length}\r\n").bytes()),
        Framing::Chunked if has_framing => head.extend(b"transfer-encoding: chunked\r\n"),
        _ => {}
    }
    head.extend(b"\r\n");
    head
}

/// A status line whose code is no number.
pub(super) fn malformed(job: &Job) -> Vec<u8> {
    let mut head = b"HTTP/1.1 2x0 Not A Status\r\n".to_vec();
    fields(job, &mut head);
    head.extend(b"\r\n");
    head
}

fn fields(job: &Job, head: &mut Vec<u8>) {
    for (name, value) in &job.head_fields() {
        head.extend(name.as_str().bytes());
        head.extend(b": ");
        head.extend(value.as_bytes());
        head.extend(b"\r\n");
    }
}
