//! Shapes that serde's derive does not know.

use serde::de::value::MapAccessDeserializer;
use serde::de::{Deserialize, Deserializer, Error, MapAccess, SeqAccess, Visitor};

use serde_saphyr::Spanned;

use super::Text;
use super::written::{TlsKeys, WrittenTls};

/// A key that is there has a value. serde's own `Option` would read `timeout:` and `timeout: null` as "not given", so a
/// forgotten value would pass for the default.
pub(super) fn present<'de, D: Deserializer<'de>, T: Deserialize<'de>>(deserializer: D) -> Result<Option<T>, D::Error> {
    T::deserialize(deserializer).map(Some)
}

/// Addresses in one text. A list would be a second way to write them; who writes one is told of the first.
pub(super) fn addresses<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<Text>, D::Error> {
    struct OneText(String);
    impl<'de> Deserialize<'de> for OneText {
        fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
            let OneOrMany(mut texts) = OneOrMany::deserialize(deserializer)?;
            match (texts.pop(), texts.is_empty()) {
                (Some(text), true) => Ok(OneText(text)),
                (last, _) => {
                    texts.extend(last);
                    let joined = texts.join(", ");
                    Err(D::Error::custom(format!(
                        "expected one text and not a list: several addresses are written with commas between, \"{joined}\""
                    )))
                }
            }
        }
    }
    let text = Spanned::<OneText>::deserialize(deserializer)?;
    Ok(Some(Spanned::new(text.value.0, text.referenced, text.defined)))
}

/// Header fields, which are none where nothing is written.
pub(super) fn headers<'de, D: Deserializer<'de>>(deserializer: D) -> Result<WrittenHeaders, D::Error> {
    WrittenHeaders::deserialize(deserializer)
}

/// Header fields in the order written. A map type would sort or shuffle them, and the wire shows the order.
#[derive(Clone, Debug, Default)]
pub struct WrittenHeaders(pub Vec<(Text, Text)>);

impl<'de> Deserialize<'de> for WrittenHeaders {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Fields;
        impl<'de> Visitor<'de> for Fields {
            type Value = WrittenHeaders;

            fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.write_str("header fields such as { accept: text/plain }")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<WrittenHeaders, A::Error> {
                let mut fields = Vec::new();
                while let Some(field) = map.next_entry()? {
                    fields.push(field);
                }
                Ok(WrittenHeaders(fields))
            }
        }
        deserializer.deserialize_map(Fields)
    }
}

/// `503` or `[200, 503]`.
#[derive(Clone, Debug, PartialEq, serde::Serialize)]
pub struct OneOrMany(pub Vec<String>);

impl<'de> Deserialize<'de> for OneOrMany {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Scalars;
        impl<'de> Visitor<'de> for Scalars {
            type Value = OneOrMany;

            fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.write_str("one value such as 503 or a list such as [200, 503]")
            }

            fn visit_i64<E>(self, value: i64) -> Result<OneOrMany, E> {
                Ok(OneOrMany(vec![value.to_string()]))
            }

            fn visit_u64<E>(self, value: u64) -> Result<OneOrMany, E> {
                Ok(OneOrMany(vec![value.to_string()]))
            }

            fn visit_str<E>(self, value: &str) -> Result<OneOrMany, E> {
                Ok(OneOrMany(vec![value.to_owned()]))
            }

            fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<OneOrMany, A::Error> {
                let mut values = Vec::new();
                while let Some(value) = list.next_element()? {
                    values.push(value);
                }
                Ok(OneOrMany(values))
            }
        }
        deserializer.deserialize_any(Scalars)
    }
}

/// `true`, `false`, or a mapping of keys, which means true.
impl<'de> Deserialize<'de> for WrittenTls {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Switch;
        impl<'de> Visitor<'de> for Switch {
            type Value = WrittenTls;

            fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.write_str("true, false, or keys such as { ca: FILE }")
            }

            fn visit_bool<E>(self, is_on: bool) -> Result<WrittenTls, E> {
                Ok(WrittenTls { is_on, ..WrittenTls::default() })
            }

            fn visit_str<E: Error>(self, text: &str) -> Result<WrittenTls, E> {
                match text {
                    "true" => self.visit_bool(true),
                    "false" => self.visit_bool(false),
                    _ => Err(E::custom(format!("{text:?}; expected true, false, or keys such as {{ ca: FILE }}"))),
                }
            }

            fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<WrittenTls, A::Error> {
                let keys = TlsKeys::deserialize(MapAccessDeserializer::new(map))?;
                let TlsKeys { ca, verify, server_name, cert, key } = keys;
                Ok(WrittenTls { is_on: true, ca, verify, server_name, cert, key })
            }
        }
        deserializer.deserialize_any(Switch)
    }
}
