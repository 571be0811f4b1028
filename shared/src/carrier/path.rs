//! `/status/{codes}`, `/delay/{time}` and `/chunked/{time}`: a spec in the path, as podinfo, httpbin and their clients write it.

use std::time::Duration;

use crate::fault::{Expr, Fault, Flaw, Key, Pair, SPEC_MAX_BYTES, Separator, Source, SpecErrors, Status, Token, Value};
use crate::fault::{too_long, weight_flaw};
use crate::units::{Decimal, parse_duration, print_duration};
use crate::weighted::Weighted;

/// `None` if the path is neither; then it asks nothing.
///
/// `/status/503`, `/status/200:3,500:1`: weights are relative (1 if absent) and need not sum to 100, as in httpbin.
/// `/delay/2`, `/delay/0.5`, `/delay/250ms`: a bare number is seconds, here and nowhere else. `/chunked/2`: the same wait
/// between the head and the body; `/chunked`: 10 to 29 seconds of it.
pub fn path(path: &str) -> Option<Result<Fault, SpecErrors>> {
    let (key, at, read): (Key, usize, Reader) = if path.starts_with(STATUS) {
        (Key::Status, STATUS.len(), status)
    } else if path.starts_with(DELAY) {
        (Key::Delay, DELAY.len(), delay)
    } else if path.starts_with(CHUNKED) {
        (Key::BodyDelay, CHUNKED.len(), body_delay)
    } else if path == CHUNKED_AT_RANDOM {
        return Some(Fault::parse(TEN_TO_THIRTY_S, Separator::Ampersand));
    } else {
        return None;
    };
    if path.len() > SPEC_MAX_BYTES {
        return Some(Err(too_long(path, Source::Path, SPEC_MAX_BYTES)));
    }
    let fault = Pair::in_path(key, &path[at..], at).and_then(|pair| {
        let value = read(Token::new(&pair.value)).map_err(|flaw| pair.error(flaw, key.form()))?;
        Ok(Fault::of(vec![pair.ask(key, value)]))
    });
    let in_chunks = || Fault::parse(IN_CHUNKS, Separator::Ampersand);
    let fault = fault.map_err(SpecErrors::from);
    Some(if key == Key::BodyDelay { fault.and_then(|fault| Ok(in_chunks()?.overridden_by(fault))) } else { fault })
}

type Reader = fn(Token<'_>) -> Result<Value, Flaw>;

const STATUS: &str = "/status/";
const DELAY: &str = "/delay/";
const CHUNKED: &str = "/chunked/";
const CHUNKED_AT_RANDOM: &str = "/chunked";

/// The head goes out at once and says that the body comes in chunks.
const IN_CHUNKS: &str = "chunk=1KiB";
/// podinfo's random wait: whole seconds from 10 to 29.
const TEN_TO_THIRTY_S: &str = "chunk=1KiB&body_delay=10s,11s,12s,13s,14s,15s,16s,17s,18s,19s,20s,21s,22s,23s,24s,25s,\
                               26s,27s,28s,29s";

fn status(token: Token<'_>) -> Result<Value, Flaw> {
    let choice = |piece: Token<'_>| {
        let (code, weight) = piece.split_weight();
        let weight = match weight {
            None => WEIGHT_ONE,
            Some(weight) => {
                Decimal::parse(weight.text).and_then(|number| number.times(WEIGHT_ONE)).ok_or_else(|| {
                    let flaw = weight.flaw(format!("{:?} is not a weight", weight.text));
                    flaw.expecting("a number with at most 6 decimals")
                })?
            }
        };
        match Status::parse(code)? {
            Status::Http(600..) => Err(code.flaw(format!("{} is no status of a class that HTTP has", code.text))),
            status @ Status::Http(_) => Ok((Expr::Status(status), weight)),
            Status::Grpc(_) => Err(code.flaw(format!("{:?} is not an HTTP status", code.text))),
        }
    };
    let refine = |flaw: Flaw| if flaw.expected.is_empty() { flaw.expecting(STATUSES) } else { flaw };
    let choices = token.split(',').into_iter().map(choice).collect::<Result<Vec<_>, Flaw>>().map_err(refine)?;
    Weighted::relative(choices).map(Value::Choices).map_err(|error| weight_flaw(token, error))
}

const STATUSES: &str = "statuses from 200 to 599, such as 503 or 200:3,500:1";
const WEIGHT_ONE: u64 = 1_000_000;

fn delay(token: Token<'_>) -> Result<Value, Flaw> {
    time(token, Key::Delay)
}

fn body_delay(token: Token<'_>) -> Result<Value, Flaw> {
    time(token, Key::BodyDelay)
}

fn time(token: Token<'_>, key: Key) -> Result<Value, Flaw> {
    let expected = "seconds such as 2 or 0.5, or a duration such as 250ms";
    let duration = match seconds(token.text) {
        Some(duration) => duration,
        None => parse_duration(token.text).map_err(|error| token.flaw("").unit(error).expecting(expected))?,
    };
    // One reader of amounts, rather than two that might drift apart.
    Value::parse(&print_duration(duration), key)
}

/// A bare number: seconds here, and nowhere else.
fn seconds(text: &str) -> Option<Duration> {
    Decimal::parse(text).and_then(|number| number.times(1_000_000_000)).map(Duration::from_nanos)
}

/// The time that a path such as `/delay/250ms` ends with, in seconds as a number of JSON; `None` if it is none.
pub fn path_seconds(path: &str) -> Option<String> {
    let text = path.rsplit('/').next().unwrap_or_default();
    let time = seconds(text).or_else(|| parse_duration(text).ok())?;
    let (whole, nanos) = (time.as_secs(), time.subsec_nanos());
    let digits = format!("{nanos:09}");
    let fraction = digits.trim_end_matches('0');
    Some(if fraction.is_empty() { whole.to_string() } else { format!("{whole}.{fraction}") })
}
