//! Which address comes next, and what a question outside of a run finds.

use proptest::prelude::*;

use super::*;

fn endpoint(host: Host) -> Endpoint {
    Endpoint { host, port: 9898 }
}

fn local<T>(test: impl Future<Output = T>) -> T {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    runtime.block_on(test)
}

fn resolve(host: Host) -> Result<SocketAddr, ErrorClass> {
    local(async {
        let names = Names::asking(None, Duration::from_secs(1)).unwrap();
        names.resolve(&endpoint(host)).await.map_err(|unfound| unfound.class)
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
    local(async {
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

/// Asks a name server that never answers, twice at once, and counts what it was sent.
#[test]
fn each_look_up_is_a_datagram_that_is_not_sent_again_when_it_is_lost() {
    const TIMEOUT: Duration = Duration::from_secs(1);
    local(async {
        let silent = tokio::net::UdpSocket::bind("127.0.0.1:0").await.unwrap();
        let address = silent.local_addr().unwrap();
        let names = Names::asking(Some(NameServer(address)), TIMEOUT).unwrap();
        let lost = endpoint(Host::Name("lost.example.".into()));
        let found = tokio::join!(names.resolve(&lost), names.resolve(&lost));
        let silence = Unfound { class: ErrorClass::DnsTimeout, code: Code::NONE };
        assert_eq!(found, (Err(silence), Err(silence)));
        let mut datagrams = 0;
        while silent.try_recv(&mut [0; 512]).is_ok() {
            datagrams += 1;
        }
        assert_eq!(datagrams, 2);
    });
}

/// Names that would ask nobody, with these choices.
fn choosing(drawn_by: Option<Draw>, worker: u64, step: u64) -> Names {
    let names = Names::asking(None, Duration::from_secs(1)).unwrap();
    Names { drawn_by, turn: Cell::new(worker), source_turn: Cell::new(worker), step, ..names }
}

fn addresses(count: u8) -> Vec<IpAddr> {
    (0..count).map(|n| IpAddr::from([10, 0, 0, n])).collect()
}

#[test]
fn draws_are_the_seeds_and_reach_every_address() {
    let addresses = addresses(4);
    let drawn = |seed: u64, worker: u64| -> Vec<IpAddr> {
        let names = choosing(Some(Draw::new(seed, "")), worker, 2);
        (0..400).map(|_| names.one_of(&addresses).unwrap()).collect()
    };
    assert_eq!(drawn(7, 0), drawn(7, 0));
    assert_ne!(drawn(7, 0), drawn(8, 0));
    assert_ne!(drawn(7, 0), drawn(7, 1), "another worker has other draws");
    for address in &addresses {
        let count = drawn(7, 0).iter().filter(|drawn| *drawn == address).count();
        assert!((60..140).contains(&count), "{address}: {count} of 400");
    }
    assert_eq!(choosing(None, 0, 1).one_of(&[]), None);
}

proptest! {
    /// Whatever the numbers: each worker comes to every place in turn, and all together too.
    #[test]
    fn turns_are_exact(workers in 1_u64..9, places in 1_usize..9, rounds in 1_u64..5) {
        let slots = workers * places as u64 * rounds;
        let mut all = vec![0; places];
        for worker in 0..workers {
            let mut own = vec![0; places];
            for n in (worker..slots).step_by(workers as usize) {
                own[rotation(n, workers) as usize % places] += 1;
            }
            prop_assert!(own.iter().all(|count| *count == rounds), "{own:?}");
            all.iter_mut().zip(own).for_each(|(sum, count)| *sum += count);
        }
        prop_assert!(all.iter().all(|count| *count == rounds * workers));
    }
}

#[test]
fn connections_come_from_every_source_address_in_turn() {
    let names = Names { sources: "127.0.1.0/31, fd00::7".parse().unwrap(), ..choosing(None, 0, 1) };
    let from = |to: &str| names.source(&to.parse().unwrap()).map(|from| from.unwrap().to_string());
    assert_eq!(from("127.0.0.1:80").unwrap(), "127.0.1.0:0");
    assert_eq!(from("127.0.0.1:80").unwrap(), "127.0.1.1:0");
    assert_eq!(from("[::1]:80").unwrap(), "[fd00::7]:0");
    let none = Names { sources: "fd00::7".parse().unwrap(), ..choosing(None, 0, 1) };
    assert_eq!(none.source(&"127.0.0.1:80".parse().unwrap()), Err(ErrorClass::ConnectUnreachable));
    assert_eq!(choosing(None, 0, 1).source(&"127.0.0.1:80".parse().unwrap()), Ok(None));
}
