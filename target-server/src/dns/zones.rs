//! The ordinary names of the zone, answered by hickory's server: its handler is called from our loops and its answer's bytes are
//! caught before they would go to a socket.

use std::net::SocketAddr;
use std::sync::{Arc, Mutex, PoisonError};

use async_trait::async_trait;
use hickory_proto::rr::rdata::{A, AAAA, NS, SOA};
use hickory_proto::rr::{LowerName, Name, RData, Record};
use hickory_proto::serialize::binary::BinEncoder;
use hickory_server::net::NetError;
use hickory_server::net::runtime::TokioTime;
use hickory_server::net::xfer::Protocol;
use hickory_server::server::{Request, RequestHandler as _, ResponseHandler, ResponseInfo};
use hickory_server::store::in_memory::InMemoryZoneHandler;
use hickory_server::zone_handler::{AxfrPolicy, Catalog, MessageResponse, ZoneType};
use shared::dnsanswer::{self, udp_limit};
use shared::fault::Transport;

use super::query::Query;

/// The time to live of the zone's own records: they do not change while the process lives.
const TTL_S: u32 = 60;

/// hickory's server, with one zone.
pub(super) struct Zones(Catalog);

impl Zones {
    pub(super) fn new(origin: &Name) -> Zones {
        let mut zone: InMemoryZoneHandler =
            InMemoryZoneHandler::empty(origin.clone(), ZoneType::Primary, AxfrPolicy::Deny);
        let server = name_server(origin);
        let address = |kind| dnsanswer::address(kind, None, 0);
        let mut add = |name: &Name, data| {
            zone.upsert_mut(Record::from_rdata(name.clone(), TTL_S, data), 0);
        };
        add(origin, RData::SOA(soa(origin, 0)));
        add(origin, RData::NS(NS(server.clone())));
        for name in [origin, &server] {
            for kind in [dnsanswer::A, dnsanswer::AAAA] {
                add(
                    name,
                    match address(kind) {
                        std::net::IpAddr::V4(ip) => RData::A(A(ip)),
                        std::net::IpAddr::V6(ip) => RData::AAAA(AAAA(ip)),
                    },
                );
            }
        }
        let mut catalog = Catalog::new();
        catalog.upsert(LowerName::new(origin), vec![Arc::new(zone)]);
        Zones(catalog)
    }

    /// The answer's bytes; nothing if hickory gives none.
    pub(super) async fn answer(
        &self,
        query: &Query,
        client: SocketAddr,
        transport: Transport,
        udp_size_max: u16,
    ) -> Option<Vec<u8>> {
        let (protocol, limit) = match transport {
            Transport::Udp => (Protocol::Udp, udp_limit(query.edns_size(), udp_size_max)),
            Transport::Tcp => (Protocol::Tcp, usize::from(u16::MAX)),
        };
        let request = Request::from_bytes(query.packet.clone(), client, protocol).ok()?;
        let caught = Caught { bytes: Arc::default(), limit: u16::try_from(limit).unwrap_or(u16::MAX) };
        self.0.handle_request::<_, TokioTime>(&request, caught.clone()).await;
        caught.bytes.lock().unwrap_or_else(PoisonError::into_inner).take()
    }
}

/// Who serves the zone.
pub(super) fn name_server(origin: &Name) -> Name {
    origin.prepend_label("ns").expect("a zone leaves room for a label")
}

/// The zone's SOA; `minimum_s` is how long a resolver may remember that there is nothing (RFC 2308).
pub(super) fn soa(origin: &Name, minimum_s: u32) -> SOA {
    let mailbox = origin.prepend_label("hostmaster").expect("a zone leaves room for a label");
    SOA::new(name_server(origin), mailbox, 1, 3600, 600, 86_400, minimum_s)
}

/// Where an answer goes instead of a socket.
#[derive(Clone)]
struct Caught {
    bytes: Arc<Mutex<Option<Vec<u8>>>>,
    limit: u16,
}

#[async_trait]
impl ResponseHandler for Caught {
    async fn send_response<'a>(
        &mut self,
        response: MessageResponse<
            '_,
            'a,
            impl Iterator<Item = &'a Record> + Send + 'a,
            impl Iterator<Item = &'a Record> + Send + 'a,
            impl Iterator<Item = &'a Record> + Send + 'a,
            impl Iterator<Item = &'a Record> + Send + 'a,
        >,
    ) -> Result<ResponseInfo, NetError> {
        let mut bytes = Vec::with_capacity(512);
        let info = {
            let mut encoder = BinEncoder::new(&mut bytes);
            encoder.set_max_size(self.limit);
            response.destructive_emit(&mut encoder)?
        };
        *self.bytes.lock().unwrap_or_else(PoisonError::into_inner) = Some(bytes);
        Ok(info)
    }
}
