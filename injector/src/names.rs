//! Names to addresses: one question, one answer, timed by the caller, nothing hidden.
//!
//! hickory's resolver instead of the system's `getaddrinfo`: that one blocks a thread, hides the rcode and asks a second
//! time by itself. Here every retry, cache and second name server is off; a failed look-up is a failed request with its
//! reason. `/etc/hosts`, search domains and `ndots` of `/etc/resolv.conf` are honoured.

use std::cell::Cell;
use std::net::{IpAddr, SocketAddr};
use std::time::Duration;

use hickory_resolver::TokioResolver;
use hickory_resolver::config::{LookupIpStrategy, ResolveHosts};
use hickory_resolver::net::{DnsError, NetError};
use hickory_resolver::proto::op::ResponseCode;
use shared::outcome::ErrorClass;

use crate::plan::{Endpoint, Host};

/// Resolves for one worker.
pub struct Names {
    resolver: TokioResolver,
    /// Counts connections, so that the addresses of a name are used in turn.
    turn: Cell<usize>,
}

impl Names {
    /// From the system's configuration; `timeout` bounds one question.
    ///
    /// # Errors
    /// If `/etc/resolv.conf` or `/etc/hosts` cannot be read.
    pub fn from_system(timeout: Duration) -> Result<Names, NetError> {
        let mut builder = TokioResolver::builder_tokio()?;
        let options = builder.options_mut();
        options.timeout = timeout;
        // The number of *further* attempts.
        options.attempts = 0;
        options.num_concurrent_reqs = 1;
        options.cache_size = 0;
        options.try_tcp_on_error = false;
        options.use_hosts_file = ResolveHosts::Always;
        // Both families at once would be two questions whose faster answer wins; one family is one question, and a
        // second only where the first has no address at all.
        options.ip_strategy = LookupIpStrategy::Ipv4thenIpv6;
        Ok(Names { resolver: builder.build()?, turn: Cell::new(0) })
    }

    /// Where to connect now: the next of the name's addresses in turn.
    ///
    /// # Errors
    /// One of the `dns_*` classes.
    pub async fn resolve(&self, endpoint: &Endpoint) -> Result<SocketAddr, ErrorClass> {
        let name = match &endpoint.host {
            Host::Ip(ip) => return Ok(SocketAddr::new(*ip, endpoint.port)),
            Host::Name(name) => name,
        };
        let found = self.resolver.lookup_ip(name.as_str()).await.map_err(|error| class(&error))?;
        let addresses: Vec<IpAddr> = found.iter().collect();
        let turn = self.turn.replace(self.turn.get().wrapping_add(1));
        let ip = addresses.get(turn % addresses.len().max(1)).ok_or(ErrorClass::DnsNxdomain)?;
        Ok(SocketAddr::new(*ip, endpoint.port))
    }
}

fn class(error: &NetError) -> ErrorClass {
    match error {
        NetError::Timeout => ErrorClass::DnsTimeout,
        NetError::Dns(DnsError::NoRecordsFound(none)) => of_rcode(none.response_code),
        NetError::Dns(DnsError::ResponseCode(code)) => of_rcode(*code),
        _ => ErrorClass::DnsOther,
    }
}

/// An answer without an address: NOERROR says that the name has none, which is as good as no name to us.
fn of_rcode(code: ResponseCode) -> ErrorClass {
    match code {
        ResponseCode::NoError | ResponseCode::NXDomain => ErrorClass::DnsNxdomain,
        ResponseCode::ServFail => ErrorClass::DnsServfail,
        _ => ErrorClass::DnsOther,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn endpoint(host: Host) -> Endpoint {
        Endpoint { host, port: 9898 }
    }

    fn resolve(host: Host) -> Result<SocketAddr, ErrorClass> {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        runtime.block_on(async {
            let names = Names::from_system(Duration::from_secs(1)).unwrap();
            names.resolve(&endpoint(host)).await
        })
    }

    #[test]
    fn addresses_and_localhost_need_no_server() {
        let loopback: SocketAddr = "127.0.0.1:9898".parse().unwrap();
        assert_eq!(resolve(Host::Ip(loopback.ip())), Ok(loopback));
        assert_eq!(resolve(Host::Name("localhost".into())), Ok(loopback));
    }

    #[test]
    fn a_name_that_cannot_exist_is_nxdomain() {
        // RFC 6761 section 6.4: resolvers answer for `invalid.` by themselves.
        assert_eq!(resolve(Host::Name("no-such-host.invalid".into())), Err(ErrorClass::DnsNxdomain));
    }

    #[test]
    fn every_rcode_has_a_class() {
        for code in 0..4096_u16 {
            let class = of_rcode(ResponseCode::from((code >> 4) as u8, (code & 15) as u8));
            let expected = match code {
                0 | 3 => ErrorClass::DnsNxdomain,
                2 => ErrorClass::DnsServfail,
                _ => class,
            };
            assert_eq!(class, expected, "rcode {code}");
            assert!(class.as_str().starts_with("dns_"));
        }
    }
}
