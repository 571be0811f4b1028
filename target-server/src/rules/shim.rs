//! Rules that nobody writes: podinfo's switch for faults, and the faults that flags ask for.

use std::time::Duration;

use shared::protocol::Protocol;
use tokio::time::Instant;

use super::active::Source;
use super::admin::Extra;
use super::read::{self, FLAGS};
use super::written::{Words, Written, WrittenMatch};
use super::{Refused, RuleId, Rules, State};
use shared::units::print_duration;

/// The rules behind podinfo's `/fault_injection/{enable,disable,status}`: one fault cannot be said for HTTP and gRPC alike.
const SHIM: &str = "podinfo";
const SHIM_GRPC: &str = "podinfo-grpc";
/// How long it lives, where podinfo's switch stays until it is switched back or the process ends: a forgotten one heals.
const SHIM_TTL: Duration = Duration::from_secs(15 * 60);
/// What podinfo answers while it is on.
const SHIM_BODY: &str = "{\"status\":\"fault injection enabled\"}\n";
/// Under every rule that can be written: those are asked first.
const STANDING_PRIORITY: i64 = -1;

impl Rules {
    /// Podinfo's `/fault_injection/{enable,disable}`: status 500 for every request on HTTP and INTERNAL on gRPC, which podinfo
    /// leaves alone, until it is switched back or 15 minutes are over. True if it was the other way before.
    ///
    /// # Errors
    /// If as many rules live as may.
    pub(crate) fn put_shim(&self, enabled: bool) -> Result<bool, Refused> {
        let [http, grpc] = [SHIM, SHIM_GRPC].map(RuleId::own);
        if !enabled {
            return Ok(self.remove(&http)? | self.remove(&grpc)?);
        }
        let both = [
            (http, rule(&[Protocol::Http, Protocol::Http2], "status=500"), Some(SHIM_BODY)),
            (grpc, rule(&[Protocol::Grpc], "status=INTERNAL"), None),
        ];
        let mut is_changed = false;
        for (id, rule, instead) in both {
            let written = Written {
                owner: Some(SHIM.to_owned()),
                reason: Some("/fault_injection/enable".to_owned()),
                ttl: Some(print_duration(SHIM_TTL.min(self.terms.ttl_max))),
                ..rule
            };
            let spec = read::read(&written, &self.terms, true)?;
            let extra = Extra { source: Source::Rule, instead };
            is_changed |= self.install(&mut self.book(), id, spec, extra)?.0;
        }
        Ok(is_changed)
    }

    /// Podinfo's `/fault_injection/status`.
    pub(crate) fn shim_enabled(&self) -> bool {
        let now = Instant::now();
        self.book().entries.get(&RuleId::own(SHIM)).is_some_and(|entry| entry.state(now) == State::Active)
    }

    /// A fault that `flag` asks for: it has no end, is asked for last, and cannot be taken away. One per `id`, which must be
    /// a valid name of a rule.
    ///
    /// # Errors
    /// If one of the protocols cannot do the fault.
    pub(crate) fn stand(
        &self,
        id: &'static str,
        flag: &'static str,
        protocols: &[Protocol],
        fault: &str,
        instead: Option<&'static str>,
    ) -> Result<(), Refused> {
        let mut spec = read::read(&rule(protocols, fault), &self.terms, false)?;
        spec.priority = STANDING_PRIORITY;
        spec.normal.priority = None;
        spec.normal.owner = Some(FLAGS.to_owned());
        spec.normal.reason = Some(flag.to_owned());
        let extra = Extra { source: Source::Flag(flag), instead };
        self.install(&mut self.book(), RuleId::own(id), spec, extra).map(|_| ())
    }
}

/// A rule for every request of these protocols.
fn rule(protocols: &[Protocol], fault: &str) -> Written {
    let words = protocols.iter().map(|protocol| protocol.as_str().to_owned()).collect();
    Written {
        matches: Some(WrittenMatch { protocol: Some(Words::Many(words)), ..WrittenMatch::default() }),
        fault: Some(fault.to_owned()),
        ..Written::default()
    }
}
