//! A rule as it is written in JSON: every field as text, nothing decided yet. [`super::read`] turns it into what strikes.
//!
//! Unknown fields are refused, so that a mistyped one cannot leave a rule wider than it was meant.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

/// The body of a rule; also what is shown of one, with the parts that were left out filled in.
#[derive(Clone, Debug, Default, PartialEq, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Written {
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) id: Option<String>,
    /// Who set it: what `DELETE /faults?owner=` goes by.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) owner: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) reason: Option<String>,
    /// From its installation; required.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) ttl: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) start_after: Option<String>,
    /// The highest is asked first.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) priority: Option<i64>,
    #[serde(rename = "match", skip_serializing_if = "Option::is_none")]
    pub(crate) matches: Option<WrittenMatch>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) percent: Option<serde_json::Number>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) every: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) offset: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) max_hits: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) ramp: Option<WrittenRamp>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) seed: Option<u64>,
    /// The spec, with `&` between its pairs; required.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) fault: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) override_request: Option<bool>,
}

/// Which requests; all of what is named must hold.
#[derive(Clone, Debug, Default, PartialEq, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct WrittenMatch {
    /// Words of the label `protocol`, or `*`; required.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) protocol: Option<Words>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) path: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) method: Option<Words>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) host: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) headers: Option<BTreeMap<String, String>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) grpc_method: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) dns_name: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) dns_type: Option<Words>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) source: Option<Words>,
}

/// The percentage at the start, and how long it takes to reach the rule's own.
#[derive(Clone, Debug, PartialEq, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct WrittenRamp {
    pub(crate) from: serde_json::Number,
    pub(crate) over: String,
}

/// One word, or a list of them.
#[derive(Clone, Debug, PartialEq, Deserialize, Serialize)]
#[serde(untagged, expecting = "invalid type, expected a string or a list of strings")]
pub(crate) enum Words {
    One(String),
    Many(Vec<String>),
}

impl Words {
    pub(crate) fn list(&self) -> &[String] {
        match self {
            Words::One(word) => std::slice::from_ref(word),
            Words::Many(words) => words,
        }
    }
}
