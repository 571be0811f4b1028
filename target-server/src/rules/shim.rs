//! Rules that nobody writes: podinfo's switch for faults, and the faults that flags ask for.

use std::time::Duration;

use shared::protocol::Protocol;
use tokio::time::Instant;

use super::active::Source;
use super::admin::Extra;
use super::read::{self, FLAGS};
use super::written::{Words, Written, WrittenMatch};
use super::{LIVE_MAX, Refused, RuleId, Rules, State};
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
    /// leaves alone, until it is switched back or 15 minutes are over. True if that changed
    /// something. Both rules come and go under one guard, so that nobody meets one of them alone.
    ///
    /// # Errors
    /// If there is no room for both; then there is neither.
    pub(crate) fn put_shim(&self, enabled: bool) -> Result<bool, Refused> {
        let [http, grpc] = [SHIM, SHIM_GRPC].map(RuleId::own);
        if !enabled {
            let both = [http, grpc];
            return Ok(self.remove_all(&mut self.book(), |entry| both.contains(&entry.rule.id)) > 0);
        }
        let both = [
            (http, rule(&[Protocol::Http, Protocol::Http2], "status=500"), Some(SHIM_BODY)),
            (grpc, rule(&[Protocol::Grpc], "status=INTERNAL"), None),
        ];
        let mut specs = Vec::new();
        for (id, rule, instead) in both {
            let written = Written {
                owner: Some(SHIM.to_owned()),
                reason: Some("/fault_injection/enable".to_owned()),
                ttl: Some(print_duration(SHIM_TTL.min(self.terms.ttl_max))),
                ..rule
            };
            specs.push((id, read::read(&written, &self.terms, true)?, Extra { source: Source::Rule, instead }));
        }
        let mut book = self.book();
        let missing = specs.iter().filter(|(id, ..)| !book.lives(id)).count();
        if !book.has_room(missing) {
            return Err(Refused::TooMany { max: LIVE_MAX });
        }
        for (id, spec, extra) in specs {
            self.install(&mut book, id, spec, extra)?;
        }
        Ok(missing > 0)
    }

    /// Podinfo's `/fault_injection/status`: on for as long as either of the two rules may strike. An operator may have taken
    /// one away by its id, and "disabled" is not to be said while the other still does harm.
    pub(crate) fn shim_enabled(&self) -> bool {
        let now = Instant::now();
        let book = self.book();
        let is_active =
            |name| book.entries.get(&RuleId::own(name)).is_some_and(|entry| entry.state(now) == State::Active);
        is_active(SHIM) || is_active(SHIM_GRPC)
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
