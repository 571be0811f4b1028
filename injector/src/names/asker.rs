//! One question, one answer, nothing hidden: what a look-up of a name came to.
//!
//! hickory's resolver instead of the system's `getaddrinfo`: that one blocks a thread, hides the rcode and asks a second
//! time by itself. Here every retry, cache and second name server is off; a failed look-up is a failed request with its
//! reason. `/etc/hosts`, search domains and `ndots` of `/etc/resolv.conf` are honoured, of its name servers the first.
//!
//! An answer that has no room in a datagram is asked for again over TCP (RFC 7766, section 5): that is no repetition of what
//! failed, but the other half of the question.

use std::io;
use std::net::{IpAddr, SocketAddr};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use hickory_resolver::config::{
    ConnectionConfig, LookupIpStrategy, NameServerConfig, ProtocolConfig, ResolveHosts, ResolverConfig, ResolverOpts,
};
use hickory_resolver::lookup_ip::LookupIp;
use hickory_resolver::net::runtime::TokioRuntimeProvider;
use hickory_resolver::net::udp::UdpClientStream;
use hickory_resolver::net::{DnsError, NetError};
use hickory_resolver::proto::op::ResponseCode;
use hickory_resolver::system_conf::read_system_conf;
use hickory_resolver::{ConnectionProvider, PoolContext, Resolver};
use shared::outcome::{Code, ErrorClass};

use crate::plan::NameServer;

/// Most addresses of a name that are heeded, the lowest: each may become a sub-stream with connections of its own.
pub(crate) const ADDRESSES_MAX: usize = 256;

/// The longest answer that is asked for in a datagram (EDNS): passes every path without being cut into fragments, of which
/// many firewalls let only the first through. It holds about 70 IPv4 addresses.
const DATAGRAM_BYTES_MAX: u16 = 1_232;

/// Most resolvers of one family that wait for their next look-up. More look-ups at once make more, and then let them go.
const IDLE_MAX: usize = 64;

/// Asks for one worker, or beside the run.
pub(crate) struct Asker {
    /// Nothing: the system has none, and only `/etc/hosts` is asked.
    server: Option<SocketAddr>,
    ipv4: Resolvers,
    ipv6: Resolvers,
}

/// Resolvers of one family, each for one look-up at a time: hickory lets look-ups of one name share a question while it is
/// under way, and two connections would then have one look-up between them, and one lost datagram both.
struct Resolvers {
    config: ResolverConfig,
    options: ResolverOpts,
    idle: Mutex<Vec<Single>>,
}

/// A resolver for one look-up at a time.
struct Single {
    resolver: Resolver<OneDatagram>,
    /// Whether it has a connection over TCP.
    has_connected: Arc<AtomicBool>,
}

impl Resolvers {
    async fn look_up(&self, name: &str) -> Result<LookupIp, NetError> {
        let single = self.take()?;
        // One that is dropped in the middle is not used again.
        let found = single.resolver.lookup_ip(name).await;
        // Nor one with a connection: it might ask over that from now on, and a datagram that is lost would not be noticed.
        if !single.has_connected.load(Ordering::Relaxed) {
            let mut idle = self.idle.lock().unwrap_or_else(PoisonError::into_inner);
            if idle.len() < IDLE_MAX {
                idle.push(single);
            }
        }
        found
    }

    fn take(&self) -> Result<Single, NetError> {
        let idle = self.idle.lock().unwrap_or_else(PoisonError::into_inner).pop();
        idle.map_or_else(|| self.make(), Ok)
    }

    fn make(&self) -> Result<Single, NetError> {
        let has_connected = Arc::default();
        let provider =
            OneDatagram { runtime: TokioRuntimeProvider::default(), has_connected: Arc::clone(&has_connected) };
        let builder = Resolver::builder_with_config(self.config.clone(), provider).with_options(self.options.clone());
        Ok(Single { resolver: builder.build()?, has_connected })
    }
}

/// What a look-up came to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Looked {
    /// Of the last answer; [`Code::NONE`] where none came. What `/etc/hosts` knows is NOERROR.
    pub(crate) code: Code,
    /// The addresses, at least one, or one of the `dns_*` classes.
    pub(crate) found: Result<Answer, ErrorClass>,
}

/// Why a name has no address for us.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Unfound {
    /// One of the `dns_*` classes.
    pub class: ErrorClass,
    /// What the name server said; [`Code::NONE`] if it said nothing, or it is not known any more.
    pub code: Code,
}

impl Looked {
    /// The answer, or why there is none.
    pub(crate) fn answer(&self) -> Result<&Answer, Unfound> {
        self.found.as_ref().map_err(|&class| Unfound { class, code: self.code })
    }
}

/// The addresses of a name.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Answer {
    /// Sorted, each once, at most [`ADDRESSES_MAX`]: name servers shuffle them, and turns are taken by place.
    pub(crate) addresses: Arc<[IpAddr]>,
    /// The least time to live on the way from the name to them, aliases included.
    pub(crate) ttl: Duration,
}

impl Answer {
    pub(crate) fn new(addresses: impl IntoIterator<Item = IpAddr>, ttl: Duration) -> Answer {
        let mut addresses: Vec<IpAddr> = addresses.into_iter().collect();
        addresses.sort_unstable();
        addresses.dedup();
        addresses.truncate(ADDRESSES_MAX);
        Answer { addresses: addresses.into(), ttl }
    }
}

impl Asker {
    /// From the system's configuration, or asking this name server instead; `timeout` bounds one question.
    ///
    /// # Errors
    /// If `/etc/resolv.conf` or `/etc/hosts` cannot be read, in words.
    pub(crate) fn asking(nameserver: Option<NameServer>, timeout: Duration) -> io::Result<Asker> {
        let asker = read_system_conf().and_then(|(config, options)| match nameserver {
            None => Asker::new(config, &options, timeout),
            Some(NameServer(at)) => {
                let mut server = NameServerConfig::udp_and_tcp(at.ip());
                server.connections.iter_mut().for_each(|connection| connection.port = at.port());
                let (domain, search, _) = config.into_parts();
                Asker::new(ResolverConfig::from_parts(domain, search, vec![server]), &options, timeout)
            }
        });
        asker.map_err(|error| io::Error::other(format!("the system's resolver: {error}")))
    }

    fn new(config: ResolverConfig, options: &ResolverOpts, timeout: Duration) -> Result<Asker, NetError> {
        let (domain, search, mut servers) = config.into_parts();
        servers.truncate(1);
        let at = |server: &NameServerConfig| Some(SocketAddr::new(server.ip, server.connections.first()?.port));
        let server = servers.first().and_then(at);
        let config = ResolverConfig::from_parts(domain, search, servers);
        let resolvers = |family| {
            let mut options = options.clone();
            options.timeout = timeout;
            // The number of *further* attempts.
            options.attempts = 0;
            options.num_concurrent_reqs = 1;
            options.cache_size = 0;
            options.try_tcp_on_error = false;
            options.edns0 = true;
            options.edns_payload_len = DATAGRAM_BYTES_MAX;
            options.use_hosts_file = ResolveHosts::Always;
            options.ip_strategy = family;
            let resolvers = Resolvers { config: config.clone(), options, idle: Mutex::default() };
            // The first is made now, so that what cannot work is known before it is needed.
            let first = resolvers.make()?;
            resolvers.idle.lock().unwrap_or_else(PoisonError::into_inner).push(first);
            Ok::<Resolvers, NetError>(resolvers)
        };
        let (ipv4, ipv6) = (resolvers(LookupIpStrategy::Ipv4Only)?, resolvers(LookupIpStrategy::Ipv6Only)?);
        Ok(Asker { server, ipv4, ipv6 })
    }

    /// Why a name was not found, with who was asked.
    pub(crate) fn words(&self, unfound: Unfound) -> String {
        let Unfound { class, code } = unfound;
        let server = self.server.map_or_else(|| "the system".to_owned(), |at| format!("the name server {at}"));
        match (class, code) {
            (ErrorClass::DnsTimeout, _) => format!("{server} did not answer in time"),
            (ErrorClass::DnsNxdomain, Code::NONE) => format!("the name has no address, says {server}"),
            (_, Code::NONE) => format!("{server} could not be asked"),
            (_, Code::NOERROR) => format!("{server} knows no address of the name"),
            (_, code) => format!("{server} answered {code}"),
        }
    }

    /// Asks for a name's addresses. IPv6 is asked for only if the name exists and has no IPv4 address: asking for both at
    /// once would be two questions whose faster answer wins.
    pub(crate) async fn look_up(&self, name: &str) -> Looked {
        let found = match self.ipv4.look_up(name).await {
            Err(error) if is_another_family(&error) => self.ipv6.look_up(name).await,
            found => found,
        };
        match found {
            Ok(found) => answered(&found),
            Err(error) => {
                let (code, class) = class(&error);
                Looked { code, found: Err(class) }
            }
        }
    }
}

fn answered(found: &LookupIp) -> Looked {
    let ttl_s = found.as_lookup().answers().iter().map(|record| record.ttl).min().unwrap_or(0);
    let answer = Answer::new(found.iter(), Duration::from_secs(u64::from(ttl_s)));
    let has_any = !answer.addresses.is_empty();
    Looked { code: Code::NOERROR, found: has_any.then_some(answer).ok_or(ErrorClass::DnsNxdomain) }
}

/// hickory's own connections, but for UDP, where it would send a question up to three times within the timeout: the lost
/// datagram that a monitor is there to see would never be seen.
#[derive(Clone)]
struct OneDatagram {
    runtime: TokioRuntimeProvider,
    /// Whether it was asked for anything but UDP.
    has_connected: Arc<AtomicBool>,
}

impl ConnectionProvider for OneDatagram {
    type Conn = <TokioRuntimeProvider as ConnectionProvider>::Conn;
    type FutureConn = <TokioRuntimeProvider as ConnectionProvider>::FutureConn;
    type RuntimeProvider = TokioRuntimeProvider;

    fn new_connection(
        &self,
        ip: IpAddr,
        config: &ConnectionConfig,
        cx: &PoolContext,
    ) -> Result<Self::FutureConn, NetError> {
        if !matches!(config.protocol, ProtocolConfig::Udp) {
            self.has_connected.store(true, Ordering::Relaxed);
            return self.runtime.new_connection(ip, config, cx);
        }
        // The number of datagrams in all, the first included.
        let stream = UdpClientStream::builder(SocketAddr::new(ip, config.port), self.runtime.clone())
            .with_timeout(Some(cx.options.timeout))
            .with_os_port_selection(cx.options.os_port_selection)
            .avoid_local_ports(cx.options.avoid_local_udp_ports.clone())
            .with_bind_addr(config.bind_addr)
            .with_max_retries(1);
        Ok(Box::pin(async move { Ok(stream.exchange()) }))
    }

    fn runtime_provider(&self) -> &TokioRuntimeProvider {
        &self.runtime
    }
}

/// The name exists, and has no address of the family that was asked for.
fn is_another_family(error: &NetError) -> bool {
    matches!(error, NetError::Dns(DnsError::NoRecordsFound(none)) if none.response_code == ResponseCode::NoError)
}

fn class(error: &NetError) -> (Code, ErrorClass) {
    match error {
        NetError::Timeout => (Code::NONE, ErrorClass::DnsTimeout),
        NetError::Dns(DnsError::NoRecordsFound(none)) => of_rcode(none.response_code),
        NetError::Dns(DnsError::ResponseCode(code)) => of_rcode(*code),
        _ => (Code::NONE, ErrorClass::DnsOther),
    }
}

/// An answer without an address: NOERROR says that the name has none, which is as good as no name to us.
fn of_rcode(code: ResponseCode) -> (Code, ErrorClass) {
    let class = match code {
        ResponseCode::NoError | ResponseCode::NXDomain => ErrorClass::DnsNxdomain,
        ResponseCode::ServFail => ErrorClass::DnsServfail,
        _ => ErrorClass::DnsOther,
    };
    (Code::Rcode(u16::from(code)), class)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_rcode_has_a_class() {
        for code in 0..4096_u16 {
            let expected = match code {
                0 | 3 => ErrorClass::DnsNxdomain,
                2 => ErrorClass::DnsServfail,
                _ => ErrorClass::DnsOther,
            };
            let seen = of_rcode(ResponseCode::from((code >> 4) as u8, (code & 15) as u8));
            assert_eq!(seen, (Code::Rcode(code), expected));
        }
    }

    #[test]
    fn the_words_name_who_was_asked() {
        let server = Some(NameServer("127.0.0.1:15353".parse().unwrap()));
        let asker = Asker::asking(server, Duration::from_secs(1)).unwrap();
        for (class, code, words) in [
            (ErrorClass::DnsTimeout, Code::NONE, "the name server 127.0.0.1:15353 did not answer in time"),
            (ErrorClass::DnsServfail, Code::Rcode(2), "the name server 127.0.0.1:15353 answered SERVFAIL"),
            (ErrorClass::DnsOther, Code::Rcode(5), "the name server 127.0.0.1:15353 answered REFUSED"),
            (ErrorClass::DnsOther, Code::NONE, "the name server 127.0.0.1:15353 could not be asked"),
            (ErrorClass::DnsNxdomain, Code::Rcode(3), "the name server 127.0.0.1:15353 answered NXDOMAIN"),
            (ErrorClass::DnsNxdomain, Code::NOERROR, "the name server 127.0.0.1:15353 knows no address of the name"),
            (ErrorClass::DnsNxdomain, Code::NONE, "the name has no address, says the name server 127.0.0.1:15353"),
        ] {
            assert_eq!(asker.words(Unfound { class, code }), words);
        }
    }

    #[test]
    fn an_answer_is_sorted_and_bounded() {
        let many = (0..1_000_u16).rev().map(|n| IpAddr::from([10, 0, (n >> 8) as u8, n as u8]));
        let answer = Answer::new(many.clone().chain(many), Duration::ZERO);
        assert_eq!(answer.addresses.len(), ADDRESSES_MAX);
        assert_eq!(answer.addresses[1], IpAddr::from([10, 0, 0, 1]));
    }
}
