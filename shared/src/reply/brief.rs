//! Answer lines for datagrams: never longer than there is room for.
//!
//! What helps least is left out first: the plan, the server, the times, and the id last.

use super::{Answer, NoReply, Plan, Reply};

/// The shortest answer line.
const SHORTEST: &str = "CL/1 OK\n";

impl Reply<'_> {
    /// The answer line in at most `max_bytes`, line feed included; nothing if not even the shortest fits.
    pub fn line_within(&self, max_bytes: usize) -> Option<String> {
        let plain = || Reply { plan: Plan::Plain, ..self.clone() };
        let nameless = || self.nameless();
        let bare = || self.id.map_or_else(|| SHORTEST.to_owned(), |id| format!("CL/1 OK id={id}\n"));
        let mut lines = [self.line(), plain().line(), nameless(), bare(), SHORTEST.to_owned()].into_iter();
        lines.find(|line| line.len() <= max_bytes)
    }

    /// Without plan and server.
    fn nameless(&self) -> String {
        let line = Reply { plan: Plan::Plain, server: "", ..self.clone() }.line();
        line.replace(" server=\n", "\n")
    }
}

/// Reads what [`Reply::line_within`] leaves of a line that has room for no times.
pub(super) fn parse(rest: &str) -> Result<Answer<'_>, NoReply> {
    match rest.strip_prefix("id=") {
        _ if rest.is_empty() => Ok(Answer::Brief(None)),
        Some(id) if !id.contains(' ') => Ok(Answer::Brief(Some(id))),
        _ => Err(NoReply("dur or asked is missing")),
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;
    use crate::fault::{Fault, Separator};

    #[test]
    fn a_line_is_as_long_as_there_is_room_and_reads_back() {
        let fault = Fault::parse("delay=203.114ms", Separator::Ampersand).unwrap();
        let (own, asked) = (Duration::from_micros(12), Duration::from_micros(203_114));
        let (server, plan) = ("pod/node/zone", Plan::Applied(fault));
        let reply = Reply { id: Some("abcd2345.7"), own, asked, server, rule: None, plan };
        let mut seen = Vec::new();
        for max_bytes in (0..=reply.line().len()).rev() {
            let Some(line) = reply.line_within(max_bytes) else {
                assert!(max_bytes < SHORTEST.len());
                continue;
            };
            assert!(line.len() <= max_bytes, "{line:?}");
            let what = match Answer::parse_line(line.as_bytes()).unwrap_or_else(|error| panic!("{line:?}: {error}")) {
                Answer::Ok(read) => {
                    assert_eq!((read.id, read.own, read.asked), (reply.id, own, asked));
                    match (&read.plan, read.server) {
                        (Plan::Applied(_), "pod/node/zone") => "all",
                        (Plan::Plain, "pod/node/zone") => "no plan",
                        (Plan::Plain, "") => "no server",
                        _ => panic!("{line:?}"),
                    }
                }
                Answer::Brief(id) => {
                    assert!(id.is_none_or(|id| id == "abcd2345.7"));
                    if id.is_some() { "id" } else { "nothing" }
                }
                Answer::Err(_) => panic!("{line:?}"),
            };
            if seen.last() != Some(&what) {
                seen.push(what);
            }
        }
        assert_eq!(seen, ["all", "no plan", "no server", "id", "nothing"]);
    }
}
