//! A phase as written.

use super::{Text, present};

/// One entry of `phases`.
#[derive(Clone, Debug, serde::Deserialize)]
#[serde(deny_unknown_fields)]
#[expect(missing_docs, reason = "the names are the file's keys, documented in plan and in docs/scenario.md")]
pub struct WrittenPhase {
    pub name: Text,
    #[serde(default, rename = "for", deserialize_with = "present")]
    pub length: Option<Text>,
    #[serde(default, deserialize_with = "present")]
    pub scale: Option<Text>,
    #[serde(default, deserialize_with = "present")]
    pub rate: Option<Text>,
    #[serde(default, deserialize_with = "present")]
    pub gate: Option<Text>,
    #[serde(default, deserialize_with = "present")]
    pub gate_timeout: Option<Text>,
}
