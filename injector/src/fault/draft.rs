//! From a file and flags to the one rule that is sent: flags win over the file, and what every rule needs is there.

use std::fs::File;
use std::io::Read;
use std::path::Path;

use super::rule::{Matches, Rule};
use crate::scenario::strictly;

/// Longest rule file, in bytes: far more than a rule with the longest fault.
const FILE_MAX_BYTES: u64 = 64 * 1024;

/// The rule of a file under that of the flags.
///
/// # Errors
/// What is wrong, with the file's name and the place in it.
pub(super) fn rule(file: Option<&Path>, flags: Rule) -> Result<Rule, String> {
    let written = file.map(read).transpose()?.unwrap_or_default();
    let rule = flags.over(written);
    let mut missing = Vec::new();
    for (is_missing, what) in [
        (rule.id.is_none(), "an id: injector fault apply ID, or \"id\" in the file"),
        (rule.fault.is_none(), "a fault: --fault SPEC, or \"fault\" in the file"),
        (rule.ttl.is_none(), "a ttl, so that it ends whatever happens: --ttl 5m, or \"ttl\" in the file"),
    ] {
        if is_missing {
            missing.push(what);
        }
    }
    let subject = file.map_or("the rule".to_owned(), |file| format!("the rule in {}", name(file)));
    if missing.is_empty() { Ok(rule) } else { Err(format!("{subject} needs {}", missing.join("; and "))) }
}

/// What messages call the file.
fn name(file: &Path) -> String {
    if file == Path::new("-") { "standard input".to_owned() } else { file.display().to_string() }
}

fn read(file: &Path) -> Result<Rule, String> {
    let name = name(file);
    let mut text = String::new();
    // One byte over the limit tells a file that is too long from one that just fits.
    let read = if file == Path::new("-") {
        std::io::stdin().take(FILE_MAX_BYTES + 1).read_to_string(&mut text)
    } else {
        File::open(file).and_then(|file| file.take(FILE_MAX_BYTES + 1).read_to_string(&mut text))
    };
    read.map_err(|error| format!("{name}: cannot read the rule: {error}"))?;
    if text.len() as u64 > FILE_MAX_BYTES {
        return Err(format!("{name}: longer than {FILE_MAX_BYTES} bytes, which no rule is"));
    }
    if text.trim().is_empty() {
        return Err(format!("{name}: empty; a rule has at least id, ttl and fault"));
    }
    strictly(&name, &text).map_err(|problems| problems.to_string())
}

impl Rule {
    /// Key by key, what `self` says, and where it says nothing what `base` does.
    fn over(self, base: Rule) -> Rule {
        // One choice: who gives one of them takes the other back.
        let (percent, every) = if self.percent.is_some() || self.every.is_some() {
            (self.percent, self.every)
        } else {
            (base.percent, base.every)
        };
        Rule {
            id: self.id.or(base.id),
            owner: self.owner.or(base.owner),
            reason: self.reason.or(base.reason),
            ttl: self.ttl.or(base.ttl),
            start_after: self.start_after.or(base.start_after),
            priority: self.priority.or(base.priority),
            matches: self.matches.over(base.matches),
            percent,
            every,
            offset: self.offset.or(base.offset),
            max_hits: self.max_hits.or(base.max_hits),
            ramp: self.ramp.or(base.ramp),
            seed: self.seed.or(base.seed),
            fault: self.fault.or(base.fault),
            override_request: self.override_request.or(base.override_request),
        }
    }
}

impl Matches {
    fn over(self, base: Matches) -> Matches {
        Matches {
            protocol: self.protocol.or(base.protocol),
            path: self.path.or(base.path),
            method: self.method.or(base.method),
            host: self.host.or(base.host),
            headers: self.headers.or(base.headers),
            grpc_method: self.grpc_method.or(base.grpc_method),
            dns_name: self.dns_name.or(base.dns_name),
            dns_type: self.dns_type.or(base.dns_type),
            source: self.source.or(base.source),
        }
    }
}

#[cfg(test)]
mod tests;
