//! How connections find their way: the file's keys, the flags over them, an operation's own over both.

use super::{Common, Found};
use crate::plan::{Endpoint, Host, Overrides, Route};
use crate::scenario::{Written, WrittenOperation};

/// What operations inherit.
pub(super) fn common(found: &mut Found, written: &Written, overrides: &Overrides) -> Route {
    let resolve = found.read(written.resolve.as_ref(), "resolve", str::parse);
    let select = found.read(written.select.as_ref(), "select", str::parse);
    let sources = found.read(written.source_addresses.as_ref(), "source_addresses", str::parse);
    Route {
        resolve: overrides.resolve.or(resolve).unwrap_or_default(),
        select: overrides.select.or(select).unwrap_or_default(),
        sources: overrides.sources.clone().or(sources).unwrap_or_default(),
    }
}

/// An operation's own, as far as it says something.
pub(super) fn own(
    found: &mut Found,
    subject: &str,
    written: &WrittenOperation,
    common: &Common<'_>,
    endpoint: &Endpoint,
) -> Route {
    let part = |key: &str| format!("{subject}: {key}");
    let resolve = found.read(written.resolve.as_ref(), &part("resolve"), str::parse);
    let select = found.read(written.select.as_ref(), &part("select"), str::parse);
    let sources = found.read(written.source_addresses.as_ref(), &part("source_addresses"), str::parse);
    let route = Route {
        resolve: resolve.unwrap_or(common.route.resolve),
        select: select.unwrap_or(common.route.select),
        sources: sources.unwrap_or_else(|| common.route.sources.clone()),
    };
    // A flag may send a file that was written for a name to an address; the file itself contradicts itself.
    if let (Host::Ip(ip), true) = (&endpoint.host, written.target.is_some() || !common.is_redirected) {
        for (key, text) in [("resolve", &written.resolve), ("select", &written.select)] {
            if let Some(text) = text {
                let message =
                    format!("{ip} is an address and not a name: nothing is looked up, or chosen; leave {key} out");
                found.add(text.referenced, &part(key), message);
            }
        }
    }
    let is_other_family = match &endpoint.host {
        Host::Ip(ip) => !route.sources.is_empty() && route.sources.count(ip.is_ipv6()) == 0,
        Host::Name(_) => false,
    };
    if is_other_family {
        let family = if matches!(&endpoint.host, Host::Ip(ip) if ip.is_ipv6()) { "IPv6" } else { "IPv4" };
        let location = written.source_addresses.as_ref().unwrap_or(&written.name).referenced;
        let message = format!("{} has no {family} address to reach {endpoint} from; add one", route.sources);
        found.add(location, &part("source_addresses"), message);
    }
    route
}
