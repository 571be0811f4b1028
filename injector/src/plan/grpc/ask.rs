//! What is asked of the target: from the file to the metadata.

use shared::carrier;
use shared::fault::{Dialect, Fault, Limits, Separator, SpecErrors};

use crate::plan::compile::Found;
use crate::scenario::Text;

/// What is asked, as the target will understand metadata and message together, and the metadata's text.
#[derive(Default)]
pub(super) struct Sent {
    pub(super) fault: Fault,
    pub(super) text: Option<String>,
}

/// Reads the fault as the target will, refuses what it would refuse, and adds the seed that makes its draws predictable,
/// unless the file has one. `in_message` is what the first message asks, key by key weaker than the metadata.
pub(super) fn ask(found: &mut Found, subject: &str, fault: Option<&Text>, in_message: Fault, seed: u64) -> Sent {
    let at = fault.map_or(serde_saphyr::Location::UNKNOWN, |text| text.referenced);
    let mut refuse = |errors: SpecErrors| {
        for error in &errors {
            found.add(at, &format!("{subject}.fault"), error);
        }
        Sent::default()
    };
    let asked = match fault.map_or(Ok(Fault::default()), |text| Fault::parse(&text.value, Separator::Ampersand)) {
        Ok(asked) => asked,
        Err(errors) => return refuse(errors),
    };
    let whole = in_message.clone().overridden_by(asked.clone());
    if let Err(errors) = whole.check(Dialect::Grpc, &Limits::default()) {
        return refuse(errors);
    }
    if whole.is_empty() {
        return Sent::default();
    }
    let asked = if whole.seed().is_some() { asked } else { seeded(seed).overridden_by(asked) };
    if asked.is_empty() {
        return Sent { fault: whole, text: None };
    }
    let text = asked.to_text(Separator::Semicolon);
    // What is sent is read back rather than assumed: the prediction is about these very bytes.
    match carrier::header(&text) {
        Ok(read) => Sent { fault: in_message.overridden_by(read), text: Some(text) },
        Err(errors) => refuse(errors),
    }
}

fn seeded(seed: u64) -> Fault {
    Fault::parse(&format!("seed={seed}"), Separator::Ampersand).expect("a whole number is a seed")
}
