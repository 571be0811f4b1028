//! What `dns` operations say.

use serde_saphyr::Spanned;

use crate::scenario::Text;
use crate::scenario::keys::{Shape, written};
use crate::scenario::shape::{OneOrMany, present};

written! {
    /// What a `dns` operation asks and expects.
    pub struct WrittenDns {
        with "present" {
            /// What is asked for: relative to the zone, or absolute with a dot at its end. By default ok.
            name: Option<Text> = Shape::Named("text");
            /// The type of record. By default A.
            r#type: Option<Text> = Shape::OneOf(&["A", "AAAA", "TXT", "MX", "SRV", "PTR", "CNAME", "NS", "SOA"]);
            /// By default udp.
            transport: Option<Text> = Shape::OneOf(&["udp", "tcp"]);
            /// The zone that the target serves. By default cload.test.
            zone: Option<Text> = Shape::Named("text");
            /// Whether the query has EDNS. By default true.
            edns: Option<Text> = Shape::Named("switch");
            /// The largest answer over UDP that is announced. By default 1232.
            edns_size: Option<Text> = Shape::Named("ednsSize");
            /// What is asked of the target, in the fault language: delay=20ms&status=503:5.
            fault: Option<Text> = Shape::Named("fault");
            /// Where identity and fault travel: in an EDNS option, or in the name.
            carrier: Option<Text> = Shape::OneOf(&["option", "name"]);
            /// random: 0x20, the answer must repeat each letter.
            case: Option<Text> = Shape::OneOf(&["lower", "random"]);
            /// true: for servers that are not ours; nothing but the request itself is sent. By default false.
            plain: Option<Text> = Shape::Named("switch");
            /// true: a truncated answer over UDP is asked for again over TCP. By default false.
            fallback: Option<Text> = Shape::Named("switch");
            /// What makes an answer right, where it is not what was asked for.
            expect: Option<Spanned<WrittenDnsExpect>> = Shape::Keys("dnsExpect", WrittenDnsExpect::keys);
        }
    }
}

written! {
    /// What makes a DNS answer right.
    pub struct WrittenDnsExpect {
        with "present" {
            /// Codes that are right: names or numbers, one or a list.
            rcode: Option<Spanned<OneOrMany>> = Shape::Named("oneOrMany");
            /// How many records the answer has.
            answers: Option<Text> = Shape::Named("whole");
            /// Bytes of the message.
            size: Option<Text> = Shape::Named("scalar");
            /// The time to live of every record in seconds.
            ttl: Option<Text> = Shape::Named("whole");
            /// An address that must be among the answers.
            address: Option<Text> = Shape::Named("text");
        }
    }
}
