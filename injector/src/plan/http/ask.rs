//! What is asked of the target: from the file to the wire.

use serde_saphyr::Location;
use shared::carrier;
use shared::fault::{Dialect, Fault, Limits, Separator, SpecErrors};

use crate::plan::compile::Found;
use crate::scenario::Text;

/// What a file asks of the target for one operation, before it is put on the wire.
pub(super) struct Ask<'a> {
    pub(super) path: String,
    pub(super) path_at: Location,
    pub(super) fault: Option<&'a Text>,
    pub(super) carrier: Carrier,
    pub(super) seed: u64,
    pub(super) dialect: Dialect,
}

/// The same, on the wire.
pub(super) struct Sent {
    pub(super) path: String,
    pub(super) header: Option<String>,
    pub(super) fault: Fault,
}

impl Ask<'_> {
    /// Reads path, query and fault as the target will, refuses what it would refuse, and adds the seed that makes its draws
    /// predictable, unless the file has one.
    pub(super) fn compile(self, found: &mut Found, subject: &str) -> Sent {
        let (fault_subject, path_subject) = (format!("{subject}.fault"), format!("{subject}.path"));
        let fault_at = self.fault.map_or(self.path_at, |text| text.referenced);
        let mut refuse = |at: Location, subject: &str, errors: &SpecErrors| {
            for error in errors {
                found.add(at, subject, error);
            }
        };
        let asked = self.fault.map_or(Ok(Fault::default()), |text| Fault::parse(&text.value, Separator::Ampersand));
        let (in_path, asked) = match (understood(&self.path, None), asked) {
            (Ok(in_path), Ok(asked)) => (in_path, asked),
            (in_path, asked) => {
                in_path.err().iter().for_each(|errors| refuse(self.path_at, &path_subject, errors));
                asked.err().iter().for_each(|errors| refuse(fault_at, &fault_subject, errors));
                return self.plain();
            }
        };
        let written = in_path.overridden_by(asked.clone());
        if let Err(errors) = written.check(self.dialect, &Limits::default()) {
            refuse(fault_at, if self.fault.is_some() { &fault_subject } else { &path_subject }, &errors);
            return self.plain();
        }
        let (path, header) = self.on_the_wire(&written, asked);
        // What is sent is read back rather than assumed: the prediction is about these very bytes.
        let fault = understood(&path, header.as_deref()).unwrap_or_else(|errors| {
            // Each part is right: two parameters collide in one query, or the canonical text, with its seed, is longer than
            // a spec may be.
            refuse(fault_at, &fault_subject, &errors);
            Fault::default()
        });
        Sent { path, header, fault }
    }

    /// The path as it stands, and nothing asked: of a server that is not ours, or for what was refused.
    pub(super) fn plain(self) -> Sent {
        Sent { path: self.path, header: None, fault: Fault::default() }
    }

    fn on_the_wire(&self, written: &Fault, asked: Fault) -> (String, Option<String>) {
        let asked =
            if written.is_empty() || written.seed().is_some() { asked } else { seeded(self.seed).overridden_by(asked) };
        match self.carrier {
            _ if asked.is_empty() => (self.path.clone(), None),
            Carrier::Header => (self.path.clone(), Some(asked.to_text(Separator::Semicolon))),
            Carrier::Query => {
                let joint = if self.path.contains('?') { '&' } else { '?' };
                (format!("{}{joint}{}", self.path, asked.to_query()), None)
            }
        }
    }
}

fn seeded(seed: u64) -> Fault {
    Fault::parse(&format!("seed={seed}"), Separator::Ampersand).expect("a whole number is a seed")
}

/// Path, query and header as the target takes them together: the header wins over the query, the query over the path, key
/// by key.
fn understood(path_and_query: &str, header: Option<&str>) -> Result<Fault, SpecErrors> {
    let (path, query) = path_and_query.split_once('?').unwrap_or((path_and_query, ""));
    let mut asked = Ok(Fault::default());
    for carried in [carrier::path(path), Some(carrier::query(query)), header.map(carrier::header)].into_iter().flatten()
    {
        asked = match (asked, carried) {
            (Ok(loser), Ok(winner)) => Ok(loser.overridden_by(winner)),
            (Err(errors), Err(more)) => Err(errors.and(more)),
            (Err(errors), Ok(_)) | (Ok(_), Err(errors)) => Err(errors),
        };
    }
    asked
}

/// Where the fault travels.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Carrier {
    Header,
    Query,
}

impl Carrier {
    pub(super) fn parse(text: &str) -> Result<Carrier, String> {
        match text {
            "header" => Ok(Carrier::Header),
            "query" => Ok(Carrier::Query),
            _ => Err(format!("{text:?} is not a carrier; expected header or query")),
        }
    }
}
