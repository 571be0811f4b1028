//! `/status/{codes}` and `/delay/{time}`: a spec in the path, as podinfo, httpbin and their clients write it.

use std::time::Duration;

use crate::fault::{Expr, Fault, Flaw, Key, Pair, SPEC_MAX_BYTES, Source, SpecErrors, Status, Token, Value};
use crate::fault::{too_long, weight_flaw};
use crate::units::{Decimal, parse_duration, print_duration};
use crate::weighted::Weighted;

/// `None` if the path is neither; then it asks nothing.
///
/// `/status/503`, `/status/200:3,500:1`: weights are relative (1 if absent) and need not sum to 100, as in httpbin.
/// `/delay/2`, `/delay/0.5`, `/delay/250ms`: a bare number is seconds, here and nowhere else.
pub fn path(path: &str) -> Option<Result<Fault, SpecErrors>> {
    let (key, at, read): (Key, usize, Reader) = if path.starts_with(STATUS) {
        (Key::Status, STATUS.len(), status)
    } else if path.starts_with(DELAY) {
        (Key::Delay, DELAY.len(), delay)
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
    Some(fault.map_err(SpecErrors::from))
}

type Reader = fn(Token<'_>) -> Result<Value, Flaw>;

const STATUS: &str = "/status/";
const DELAY: &str = "/delay/";

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
            status @ Status::Http(_) => Ok((Expr::Status(status), weight)),
            Status::Grpc(_) => Err(code.flaw(format!("{:?} is not an HTTP status", code.text))),
        }
    };
    let refine = |flaw: Flaw| if flaw.expected.is_empty() { flaw.expecting(STATUSES) } else { flaw };
    let choices = token.split(',').into_iter().map(choice).collect::<Result<Vec<_>, Flaw>>().map_err(refine)?;
    Weighted::relative(choices).map(Value::Choices).map_err(|error| weight_flaw(token, error))
}

const STATUSES: &str = "statuses from 200 to 999, such as 503 or 200:3,500:1";
const WEIGHT_ONE: u64 = 1_000_000;

fn delay(token: Token<'_>) -> Result<Value, Flaw> {
    let expected = "seconds such as 2 or 0.5, or a duration such as 250ms";
    let seconds = Decimal::parse(token.text).and_then(|number| number.times(1_000_000_000));
    let duration = match seconds {
        Some(ns) => Duration::from_nanos(ns),
        None => parse_duration(token.text).map_err(|error| token.flaw("").unit(error).expecting(expected))?,
    };
    // One reader of amounts, rather than two that might drift apart.
    Value::parse(&print_duration(duration), Key::Delay)
}
