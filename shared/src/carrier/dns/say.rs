//! The way back: a fault and an identity as the labels of a name.

use super::token::{RCODES, STEPS, kinds};
use super::{LABEL_MAX_BYTES, NAME_MAX_BYTES, SESSION_BYTES, Zone};
use crate::carrier::Unsayable;
use crate::fault::{Cname, Dist, Expr, Fault, FaultKind, Key, Rcode, Shape, Value};
use crate::identity::Identity;
use crate::units::Ppm;

/// `x<session><seq>.<labels of the identity>.<tokens>.f.<zone>`, absolute: what [`name`](super::name) reads back.
pub fn fault_name(identity: Identity, fault: &Fault, zone: &Zone) -> Result<String, Unsayable> {
    join(identity_labels(identity)?.into_iter().chain(fault_labels(fault)?), "f", zone)
}

/// `x<session><seq>.<labels of the identity>.ok.<zone>`, absolute.
pub fn ok_name(identity: Identity, zone: &Zone) -> Result<String, Unsayable> {
    join(identity_labels(identity)?.into_iter(), "ok", zone)
}

/// The labels of an identity, the nonce first. A session of another form than the injector draws cannot be told from
/// the number behind it.
pub fn identity_labels(identity: Identity) -> Result<Vec<String>, Unsayable> {
    let Identity { source, operation, id } = identity;
    let session = id.session.as_str();
    if session.len() != SESSION_BYTES || !session.bytes().all(|byte| byte.is_ascii_alphanumeric()) {
        return Err(Unsayable::new("id", format!("the session {session:?} has not 8 characters of a-z and 0-9")));
    }
    let mut labels =
        vec![format!("x{session}{}", id.seq), format!("op-{operation}"), format!("from-{}", source.namespace())];
    labels.extend(source.release().map(|release| format!("rel-{release}")));
    Ok(labels)
}

/// The tokens that ask for this fault, in canonical order. Labels have fewer words than text: what they cannot say is
/// refused, by key.
pub fn fault_labels(fault: &Fault) -> Result<Vec<String>, Unsayable> {
    let mut labels = Vec::new();
    for key in fault.keys() {
        let unsayable = |reason: &str| Unsayable::new(key.as_str(), reason.to_owned());
        match fault.get(key) {
            Some(Value::Choices(weighted)) => {
                if weighted.choices().iter().filter(|choice| choice.weight.is_none()).count() > 1 {
                    return Err(unsayable("labels need a probability for all choices but one"));
                }
                for choice in weighted.choices() {
                    let token = token(key, &choice.value).ok_or_else(|| unsayable(&no_label(&choice.value)))?;
                    let suffix = choice.weight.map(|weight| step(weight, "-p")).unwrap_or_default();
                    if choice.weight == Some(Ppm::ZERO) {
                        return Err(unsayable("labels have no probability of 0"));
                    }
                    labels.push(token + &suffix);
                }
            }
            Some(Value::Single(expr)) => labels.push(token(key, expr).ok_or_else(|| unsayable(&no_label(expr)))?),
            Some(Value::Percent(ppm)) => labels.push(step(*ppm, "g")),
            Some(Value::Seed(seed)) => labels.push(format!("s{seed}")),
            Some(Value::Id(_)) => return Err(unsayable("the nonce or the identity is the key of the draws here")),
            Some(Value::Text(_) | Value::Fields(_)) | None => return Err(unsayable("has no label")),
        }
    }
    Ok(labels)
}

fn no_label(expr: &Expr) -> String {
    format!("{expr} has no label")
}

fn join(labels: impl Iterator<Item = String>, under: &str, zone: &Zone) -> Result<String, Unsayable> {
    let mut name = String::new();
    for label in labels {
        if label.len() > LABEL_MAX_BYTES {
            return Err(Unsayable::new("", format!("the label {label:?} has {} bytes, 63 at most", label.len())));
        }
        name += &label;
        name.push('.');
    }
    name += &format!("{under}.{zone}");
    // The dot at the end does not count.
    match name.len() - 1 {
        n if n > NAME_MAX_BYTES => Err(Unsayable::new("", format!("the name has {n} bytes, {NAME_MAX_BYTES} at most"))),
        _ => Ok(name),
    }
}

/// A share in the coarsest step that can say it: `-p10`, `-pm5`, `-pp1`; `g10`, `gm5`, `gp1`.
fn step(ppm: Ppm, stem: &str) -> String {
    let divides = |(_, step): &&(&str, u32)| ppm.get().is_multiple_of(*step);
    let (name, step) = STEPS.iter().filter(divides).max_by_key(|(_, step)| *step).expect("one part divides all");
    format!("{stem}{}{}", &name[1..], ppm.get() / step)
}

fn token(key: Key, expr: &Expr) -> Option<String> {
    match (key, expr) {
        (Key::Delay, Expr::Amount(dist)) => delay(dist),
        (Key::Count, Expr::Amount(dist)) => amount("an", dist),
        (Key::Size, Expr::Amount(dist)) => amount("sz", dist),
        (Key::Ttl, Expr::Amount(dist)) => amount("ttl", dist),
        (Key::Neg, Expr::Amount(dist)) => amount("neg", dist),
        (Key::Rcode, Expr::Rcode(rcode)) => Some(rcode_token(*rcode)),
        (Key::Nodata, Expr::Flag(true)) => Some("nodata".to_owned()),
        (Key::Fault, Expr::Fault(FaultKind::Cut(Some(bytes)))) => Some(format!("cut{bytes}")),
        (Key::Fault, Expr::Fault(FaultKind::Clen(difference))) => Some(format!("len{difference}")),
        (Key::Fault, Expr::Fault(kind)) => kinds().find(|known| known == kind).map(|kind| kind.as_str().to_owned()),
        (Key::Cname, Expr::Cname(Cname::Loop)) => Some("cnloop".to_owned()),
        (Key::Cname, Expr::Cname(Cname::Chain(length))) => Some(format!("cn{length}")),
        (Key::Ede, Expr::Ede(code)) => Some(format!("ede{code}")),
        (Key::Addr, Expr::Addr(std::net::IpAddr::V4(addr))) => {
            Some(format!("ip-{}", addr.to_string().replace('.', "-")))
        }
        (Key::Addr, Expr::Addr(std::net::IpAddr::V6(addr))) => Some(format!("ip6-{:032x}", u128::from(*addr))),
        (Key::Answer, Expr::Answer(answer)) => Some(answer.as_str().to_owned()),
        (Key::Over, Expr::Over(transport)) => Some(transport.as_str().to_owned()),
        _ => None,
    }
}

fn rcode_token(rcode: Rcode) -> String {
    let named = RCODES.iter().find(|(_, name)| rcode.name() == Some(name));
    named.map_or_else(|| format!("rc{}", rcode.get()), |(token, _)| format!("rc{token}"))
}

fn delay(dist: &Dist) -> Option<String> {
    let pair = |stem: &str, first: &u64, second: &u64| Some(format!("{stem}{}-{}", whole(*first), whole(*second)));
    match &dist.shape {
        _ if dist.max.is_some() => None,
        Shape::Exactly(value) => Some(format!("d{}", whole(*value))),
        Shape::Uniform { low, high } => pair("d", low, high),
        Shape::Lognormal { p50, p99 } => pair("dln", p50, p99),
        Shape::Exp { mean } => Some(format!("dex{}", whole(*mean))),
        Shape::Normal { mean, sd } => pair("dno", mean, sd),
        Shape::Pareto { min, p99 } => pair("dpa", min, p99),
        _ => None,
    }
}

/// Nanoseconds as one whole number of the largest unit that divides them.
fn whole(ns: u64) -> String {
    let units = [("s", 1_000_000_000), ("ms", 1_000_000), ("us", 1_000), ("ns", 1)];
    let (unit, size) = units.into_iter().find(|(_, size)| ns.is_multiple_of(*size)).expect("1 divides all");
    format!("{}{unit}", ns / size)
}

fn amount(stem: &str, dist: &Dist) -> Option<String> {
    match dist.shape {
        Shape::Exactly(value) => Some(format!("{stem}{value}")),
        Shape::Uniform { low, high } => Some(format!("{stem}{low}-{high}")),
        _ => None,
    }
}
