//! A rule as written: the keys of its file and of the body that is sent. Only what can be judged without a target is judged
//! here: that the keys exist, that times are times and that the fault can be read.

use std::collections::BTreeMap;
use std::fmt;
use std::str::FromStr;
use std::time::Duration;

use serde::{Deserialize, Serialize};
use serde_json::Number;
use shared::fault::{Fault, Separator};
use shared::units::{parse_duration, print_duration};

use crate::scenario::OneOrMany;

/// A rule as written, in a file or in flags. What is missing is the target's to fill in or to refuse.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
#[expect(missing_docs, reason = "the names are the file's keys, documented in docs/fault-rules.md")]
pub struct Rule {
    #[serde(skip_serializing_if = "Option::is_none")]
    pub id: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub owner: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub ttl: Option<Time>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub start_after: Option<Time>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub priority: Option<i64>,
    #[serde(rename = "match")]
    pub matches: Matches,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub percent: Option<Number>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub every: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub offset: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub max_hits: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub ramp: Option<Ramp>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub seed: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub fault: Option<Spec>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub override_request: Option<bool>,
}

/// Which requests a rule is for: those that fit everything that is given.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
#[expect(missing_docs, reason = "the names are the file's keys, documented in docs/fault-rules.md")]
pub struct Matches {
    #[serde(skip_serializing_if = "Option::is_none")]
    pub protocol: Option<OneOrMany>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub path: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub method: Option<OneOrMany>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub host: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub headers: Option<BTreeMap<String, String>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub grpc_method: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub dns_name: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub dns_type: Option<OneOrMany>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub source: Option<OneOrMany>,
}

/// A share that grows.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Ramp {
    /// The share at the start, in percent.
    #[serde(default = "nothing")]
    pub from: Number,
    /// Until the full share.
    pub over: Time,
}

fn nothing() -> Number {
    Number::from(0)
}

/// A length of time as people write it: `5m`.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Time(pub Duration);

impl FromStr for Time {
    type Err = String;

    fn from_str(text: &str) -> Result<Time, String> {
        parse_duration(text).map(Time).map_err(|error| error.to_string())
    }
}

impl TryFrom<String> for Time {
    type Error = String;

    fn try_from(text: String) -> Result<Time, String> {
        text.parse()
    }
}

impl fmt::Display for Time {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&print_duration(self.0))
    }
}

impl From<Time> for String {
    fn from(time: Time) -> String {
        time.to_string()
    }
}

/// What to do, in the fault language: it can be read. Whether the protocol can do it, the target knows.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(try_from = "String")]
pub struct Spec(String);

impl FromStr for Spec {
    type Err = String;

    fn from_str(text: &str) -> Result<Spec, String> {
        Fault::parse(text, Separator::Ampersand)
            .map(|_| Spec(text.to_owned()))
            .map_err(|errors| errors.to_string().replace('\n', "; "))
    }
}

impl TryFrom<String> for Spec {
    type Error = String;

    fn try_from(text: String) -> Result<Spec, String> {
        text.parse()
    }
}
