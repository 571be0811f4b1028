//! Names to addresses: one question, one answer, timed by the caller, nothing hidden.
//!
//! hickory's resolver instead of the system's `getaddrinfo`: that one blocks a thread, hides the rcode and asks a second
//! time by itself. Here every retry, cache and second name server is off; a failed look-up is a failed request with its
//! reason. `/etc/hosts`, search domains and `ndots` of `/etc/resolv.conf` are honoured, of its name servers the first.

use std::cell::Cell;
use std::io;
use std::net::{IpAddr, SocketAddr};
use std::time::Duration;

use hickory_resolver::config::{
    ConnectionConfig, LookupIpStrategy, NameServerConfig, ProtocolConfig, ResolveHosts, ResolverConfig, ResolverOpts,
};
use hickory_resolver::net::runtime::TokioRuntimeProvider;
use hickory_resolver::net::udp::UdpClientStream;
use hickory_resolver::net::{DnsError, NetError};
use hickory_resolver::proto::op::ResponseCode;
use hickory_resolver::system_conf::read_system_conf;
use hickory_resolver::{ConnectionProvider, PoolContext, Resolver};
use shared::outcome::ErrorClass;

use crate::plan::{Endpoint, Host, NameServer};

/// Resolves for one worker.
pub struct Names {
    ipv4: Resolver<OneDatagram>,
    ipv6: Resolver<OneDatagram>,
    /// Counts connections, so that the addresses of a name are used in turn.
    turn: Cell<usize>,
}

impl Names {
    /// From the system's configuration, or asking this name server instead; `timeout` bounds one question.
    ///
    /// # Errors
    /// If `/etc/resolv.conf` or `/etc/hosts` cannot be read, in words.
    pub fn asking(nameserver: Option<NameServer>, timeout: Duration) -> io::Result<Names> {
        let names = read_system_conf().and_then(|(config, options)| match nameserver {
            None => Names::new(config, &options, timeout),
            Some(NameServer(at)) => {
                let mut server = NameServerConfig::udp(at.ip());
                server.connections.iter_mut().for_each(|connection| connection.port = at.port());
                let (domain, search, _) = config.into_parts();
                Names::new(ResolverConfig::from_parts(domain, search, vec![server]), &options, timeout)
            }
        });
        names.map_err(|error| io::Error::other(format!("the system's resolver: {error}")))
    }

    fn new(config: ResolverConfig, options: &ResolverOpts, timeout: Duration) -> Result<Names, NetError> {
        let (domain, search, mut servers) = config.into_parts();
        servers.truncate(1);
        let config = ResolverConfig::from_parts(domain, search, servers);
        let resolver = |family| {
            let mut options = options.clone();
            options.timeout = timeout;
            // The number of *further* attempts.
            options.attempts = 0;
            options.num_concurrent_reqs = 1;
            options.cache_size = 0;
            options.try_tcp_on_error = false;
            options.use_hosts_file = ResolveHosts::Always;
            options.ip_strategy = family;
            let provider = OneDatagram(TokioRuntimeProvider::default());
            Resolver::builder_with_config(config.clone(), provider).with_options(options).build()
        };
        Ok(Names {
            ipv4: resolver(LookupIpStrategy::Ipv4Only)?,
            ipv6: resolver(LookupIpStrategy::Ipv6Only)?,
            turn: Cell::new(0),
        })
    }

    /// Where to connect now: the next of the name's addresses in turn. IPv6 is asked for only if the name exists and has no
    /// IPv4 address: asking for both at once would be two questions whose faster answer wins.
    ///
    /// # Errors
    /// One of the `dns_*` classes.
    pub async fn resolve(&self, endpoint: &Endpoint) -> Result<SocketAddr, ErrorClass> {
        let name = match &endpoint.host {
            Host::Ip(ip) => return Ok(SocketAddr::new(*ip, endpoint.port)),
            Host::Name(name) => name,
        };
        let addresses = self.look_up(name).await?;
        let turn = self.turn.replace(self.turn.get().wrapping_add(1));
        let ip = addresses.get(turn % addresses.len().max(1)).ok_or(ErrorClass::DnsNxdomain)?;
        Ok(SocketAddr::new(*ip, endpoint.port))
    }

    /// Every address behind the endpoint, in order, each once. Of one family, like [`Names::resolve`]: a machine that has
    /// both would be there twice.
    ///
    /// # Errors
    /// One of the `dns_*` classes.
    pub(crate) async fn all(&self, endpoint: &Endpoint) -> Result<Vec<SocketAddr>, ErrorClass> {
        let mut addresses = match &endpoint.host {
            Host::Ip(ip) => vec![*ip],
            Host::Name(name) => self.look_up(name).await?,
        };
        if addresses.is_empty() {
            return Err(ErrorClass::DnsNxdomain);
        }
        addresses.sort_unstable();
        addresses.dedup();
        Ok(addresses.into_iter().map(|ip| SocketAddr::new(ip, endpoint.port)).collect())
    }

    async fn look_up(&self, name: &str) -> Result<Vec<IpAddr>, ErrorClass> {
        let found = match self.ipv4.lookup_ip(name).await {
            Err(error) if is_another_family(&error) => self.ipv6.lookup_ip(name).await,
            found => found,
        };
        Ok(found.map_err(|error| class(&error))?.iter().collect())
    }
}

/// hickory's own connections, but for UDP, where it would send a question up to three times within the timeout: the lost
/// datagram that a monitor is there to see would never be seen.
#[derive(Clone)]
struct OneDatagram(TokioRuntimeProvider);

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
            return self.0.new_connection(ip, config, cx);
        }
        // The number of datagrams in all, the first included.
        let stream = UdpClientStream::builder(SocketAddr::new(ip, config.port), self.0.clone())
            .with_timeout(Some(cx.options.timeout))
            .with_os_port_selection(cx.options.os_port_selection)
            .avoid_local_ports(cx.options.avoid_local_udp_ports.clone())
            .with_bind_addr(config.bind_addr)
            .with_max_retries(1);
        Ok(Box::pin(async move { Ok(stream.exchange()) }))
    }

    fn runtime_provider(&self) -> &TokioRuntimeProvider {
        &self.0
    }
}

/// The name exists, and has no address of the family that was asked for.
fn is_another_family(error: &NetError) -> bool {
    matches!(error, NetError::Dns(DnsError::NoRecordsFound(none)) if none.response_code == ResponseCode::NoError)
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
            let names = Names::asking(None, Duration::from_secs(1)).unwrap();
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
    fn all_addresses_of_a_name_are_there_once() {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        runtime.block_on(async {
            let names = Names::asking(None, Duration::from_secs(1)).unwrap();
            let loopback: SocketAddr = "127.0.0.1:9898".parse().unwrap();
            for host in [Host::Ip(loopback.ip()), Host::Name("localhost".into())] {
                assert_eq!(names.all(&endpoint(host)).await, Ok(vec![loopback]));
            }
            let absent = names.all(&endpoint(Host::Name("no-such-host.invalid".into()))).await;
            assert_eq!(absent, Err(ErrorClass::DnsNxdomain));
        });
    }

    #[test]
    fn a_name_that_cannot_exist_is_nxdomain() {
        // RFC 6761 section 6.4: resolvers answer for `invalid.` by themselves.
        assert_eq!(resolve(Host::Name("no-such-host.invalid".into())), Err(ErrorClass::DnsNxdomain));
    }

    /// Asks a name server that never answers, and counts what it was sent.
    #[test]
    fn a_lost_datagram_is_a_failed_look_up_and_is_not_sent_again() {
        const TIMEOUT: Duration = Duration::from_secs(1);
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        runtime.block_on(async {
            let silent = tokio::net::UdpSocket::bind("127.0.0.1:0").await.unwrap();
            let address = silent.local_addr().unwrap();
            let names = Names::asking(Some(NameServer(address)), TIMEOUT).unwrap();
            let found = names.resolve(&endpoint(Host::Name("lost.example.".into()))).await;
            assert_eq!(found, Err(ErrorClass::DnsTimeout));
            let mut datagrams = 0;
            while silent.try_recv(&mut [0; 512]).is_ok() {
                datagrams += 1;
            }
            assert_eq!(datagrams, 1);
        });
    }

    #[test]
    fn every_rcode_has_a_class() {
        for code in 0..4096_u16 {
            let expected = match code {
                0 | 3 => ErrorClass::DnsNxdomain,
                2 => ErrorClass::DnsServfail,
                _ => ErrorClass::DnsOther,
            };
            assert_eq!(of_rcode(ResponseCode::from((code >> 4) as u8, (code & 15) as u8)), expected, "rcode {code}");
        }
    }
}
