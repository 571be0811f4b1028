//! A `dns` entry as written.

use serde_saphyr::Spanned;

use super::Text;
use super::shape::{OneOrMany, present};

/// What a `dns` operation asks and expects.
#[derive(Clone, Debug, Default, serde::Deserialize)]
#[serde(deny_unknown_fields)]
#[expect(missing_docs, reason = "the names are the file's keys, documented in docs/scenario.md")]
pub struct WrittenDns {
    #[serde(default, deserialize_with = "present")]
    pub name: Option<Text>,
    #[serde(default, rename = "type", deserialize_with = "present")]
    pub kind: Option<Text>,
    #[serde(default, deserialize_with = "present")]
    pub transport: Option<Text>,
    #[serde(default, deserialize_with = "present")]
    pub zone: Option<Text>,
    #[serde(default, deserialize_with = "present")]
    pub edns: Option<Text>,
    #[serde(default, deserialize_with = "present")]
    pub edns_size: Option<Text>,
    #[serde(default, deserialize_with = "present")]
    pub fault: Option<Text>,
    #[serde(default, deserialize_with = "present")]
    pub carrier: Option<Text>,
    #[serde(default, deserialize_with = "present")]
    pub case: Option<Text>,
    #[serde(default, deserialize_with = "present")]
    pub plain: Option<Text>,
    #[serde(default, deserialize_with = "present")]
    pub fallback: Option<Text>,
    #[serde(default, deserialize_with = "present")]
    pub expect: Option<Spanned<WrittenDnsExpect>>,
}

/// What makes a DNS answer right.
#[derive(Clone, Debug, Default, serde::Deserialize)]
#[serde(deny_unknown_fields)]
#[expect(missing_docs, reason = "the names are the file's keys, documented in docs/scenario.md")]
pub struct WrittenDnsExpect {
    #[serde(default, deserialize_with = "present")]
    pub rcode: Option<Spanned<OneOrMany>>,
    #[serde(default, deserialize_with = "present")]
    pub answers: Option<Text>,
    #[serde(default, deserialize_with = "present")]
    pub size: Option<Text>,
    #[serde(default, deserialize_with = "present")]
    pub ttl: Option<Text>,
    #[serde(default, deserialize_with = "present")]
    pub address: Option<Text>,
}
