//! The keys of a scenario: the file as a whole and the operations of its mix. The keys of each protocol are in a file of their own.
//!
//! Every value is kept as text with its place. Its meaning, unit and default are decided in `plan`; the comment of a key is what
//! `injector schema` says of it.

mod calls;
mod dns;
mod grpc;
mod phases;

use serde_saphyr::Spanned;

pub use self::calls::{WrittenEcho, WrittenExpect, WrittenHttp};
pub use self::dns::{WrittenDns, WrittenDnsExpect};
pub use self::grpc::{WrittenGrpc, WrittenGrpcExpect};
pub use self::phases::WrittenPhase;
use super::keys::{Shape, written};
use super::shape::{OneOrMany, addresses, present};
use super::{Json, Text};
use crate::plan::{OPERATIONS_MAX, PHASES_MAX};

written! {
    /// A scenario file.
    pub struct Written {
        with "present" {
            /// Files whose keys are this file's defaults and whose operations come before its own; relative to this
            /// file.
            include: Option<Spanned<OneOrMany>> = Shape::Named("oneOrMany");
            /// Where requests go: host, host:port, http://host:port or https://host:port. The port is that of HTTP; the
            /// other protocols have their own.
            target: Option<Text> = Shape::Named("address");
            /// The target's admin listener, which gives its account. By default the target's host, port 9797.
            admin: Option<Text> = Shape::Named("address");
            /// Whether and how connections of HTTP and gRPC are secured: true, false, or keys.
            tls: Option<Spanned<WrittenTls>> = Shape::Keys("scenarioTls", TlsKeys::keys);
            /// Who injects: <namespace>/<release>. By default local/injector.
            source: Option<Text> = Shape::Named("source");
            /// The name server that is asked for the addresses of names. By default the first of /etc/resolv.conf.
            nameserver: Option<Text> = Shape::Named("address");
            /// When the target's name is looked up: per_connection, ttl, interval(30s) or once.
            resolve: Option<Text> = Shape::Named("resolve");
            /// Which of the name's addresses is taken: in turn, drawn, or all, each with connections of its own.
            select: Option<Text> = Shape::OneOf(&["rr", "random", "all"]);
            /// Seed of everything that is drawn. By default 0.
            seed: Option<Text> = Shape::Named("whole");
            /// Requests of all operations with a weight together.
            rate: Option<Text> = Shape::Named("rate");
            /// How requests are spaced. By default uniform.
            arrival: Option<Text> = Shape::Named("arrival");
            /// Longest time of one request, connecting included. By default 1s.
            timeout: Option<Text> = Shape::Named("duration");
            /// The silence after which a connection is asked for a sign of life, or off. By default 10s.
            keepalive: Option<Text> = Shape::Named("keepalive");
            /// A request that could not be started this long after its planned instant is dropped and counted. By
            /// default the timeout.
            max_lag: Option<Text> = Shape::Named("duration");
            /// Most requests in flight. By default twice what a hanging target would hold.
            max_in_flight: Option<Text> = Shape::Named("inFlight");
            /// What the load is like for a while, one after the other. By default one that lasts for ever.
            phases: Option<Spanned<Vec<Spanned<WrittenPhase>>>> = Shape::ListOf("phase", WrittenPhase::keys, PHASES_MAX);
            /// What the run has to meet, in our words or as in k6.
            thresholds: Option<Json> = Shape::Named("thresholds");
            /// Sets of rows, for values such as ((users.name)): a CSV or JSON file by its name, or a list of mappings.
            data: Option<Json> = Shape::Named("data");
            /// The operations, at most 64 with those of included files.
            mix: Option<Spanned<Vec<Spanned<WrittenOperation>>>> =
                Shape::ListOf("operation", WrittenOperation::keys, OPERATIONS_MAX);
        }
        with "addresses" {
            /// Addresses of this machine that connections come from, in turn: 127.0.1.0/28, or several with commas
            /// between.
            source_addresses: Option<Text> = Shape::Named("text");
        }
    }
}

written! {
    /// One entry of `mix`.
    pub struct WrittenOperation {
        required {
            /// The label `operation`: 1 to 32 of a-z 0-9 _ -
            name: Text = Shape::Named("operationName");
        }
        with "present" {
            /// Its share of the file's rate.
            weight: Option<Text> = Shape::Named("weight");
            /// A rate of its own, instead of a weight.
            rate: Option<Text> = Shape::Named("rate");
            /// How its requests are spaced. By default as the file's.
            arrival: Option<Text> = Shape::Named("arrival");
            /// Longest time of one request. By default the file's.
            timeout: Option<Text> = Shape::Named("duration");
            /// Where it goes, if not to the file's target. A port here is the operation's, whatever it speaks.
            target: Option<Text> = Shape::Named("address");
            /// fresh, pooled(4), or rotating(max_requests=100, max_age=5m). By default pooled, as many as the rate
            /// needs.
            connection: Option<Text> = Shape::Named("connection");
            /// As in the file. Not over UDP, where there are no connections.
            keepalive: Option<Text> = Shape::Named("keepalive");
            /// HTTP/2 and gRPC: requests at once on each kept connection. By default 1.
            streams: Option<Text> = Shape::Named("streams");
            /// Which row of its data a request takes: each in turn, or one drawn from the seed. By default next.
            rows: Option<Text> = Shape::OneOf(&["next", "random"]);
            /// When the target's name is looked up: per_connection, ttl, interval(30s) or once.
            resolve: Option<Text> = Shape::Named("resolve");
            /// Which of the name's addresses is taken: in turn, drawn, or all, each with connections of its own.
            select: Option<Text> = Shape::OneOf(&["rr", "random", "all"]);
            /// As in the file.
            tls: Option<Spanned<WrittenTls>> = Shape::Keys("scenarioTls", TlsKeys::keys);
            /// An HTTP request.
            http: Option<Spanned<WrittenHttp>> = Shape::Keys("http", WrittenHttp::keys);
            /// A gRPC call.
            grpc: Option<Spanned<WrittenGrpc>> = Shape::Keys("grpc", WrittenGrpc::keys);
            /// An echo over TCP.
            tcp: Option<Spanned<WrittenEcho>> = Shape::Keys("echo", WrittenEcho::keys);
            /// An echo over UDP.
            udp: Option<Spanned<WrittenEcho>> = Shape::Keys("echo", WrittenEcho::keys);
            /// A DNS query.
            dns: Option<Spanned<WrittenDns>> = Shape::Keys("dns", WrittenDns::keys);
        }
        with "addresses" {
            /// As in the file.
            source_addresses: Option<Text> = Shape::Named("text");
        }
    }
}

written! {
    /// The keys of a `tls` that is a mapping.
    pub struct TlsKeys {
        with "present" {
            /// Trust these roots (a PEM file) and no others. By default this system's.
            ca: Option<Text> = Shape::Named("text");
            /// false: whoever answers is believed to be the target. By default true.
            verify: Option<Text> = Shape::Named("switch");
            /// The name the certificate must have, and that is asked for. By default the target's host.
            server_name: Option<Text> = Shape::Named("text");
            /// Our certificate chain (a PEM file), for targets that ask for one.
            cert: Option<Text> = Shape::Named("text");
            /// Its key (a PEM file).
            key: Option<Text> = Shape::Named("text");
        }
    }
}

/// Whether and how connections are secured: `true`, `false`, or a mapping of keys.
#[derive(Clone, Debug, Default)]
#[expect(missing_docs, reason = "the names are the file's keys, documented in TlsKeys")]
pub struct WrittenTls {
    /// Only `false` is not.
    pub is_on: bool,
    pub ca: Option<Text>,
    pub verify: Option<Text>,
    pub server_name: Option<Text>,
    pub cert: Option<Text>,
    pub key: Option<Text>,
}

impl Written {
    /// The operations. A scenario without the key is refused when it is read.
    pub fn mix(&self) -> &Spanned<Vec<Spanned<WrittenOperation>>> {
        self.mix.as_ref().expect("a scenario without a mix is refused when it is read")
    }
}
