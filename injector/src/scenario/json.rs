//! A message as written in a scenario: any value JSON knows, each with its place in the file.
//!
//! A message can only be given its meaning by its descriptor, which may have to be asked of the server first. Until then it
//! is kept as it stands. [`Json::read`] then hands it to whoever knows its shape and, if they refuse it, tells where: the
//! last value they looked at is the one they did not like.

use std::cell::Cell;
use std::fmt;

use serde::de::value::{Error, StrDeserializer};
use serde::de::{self, DeserializeSeed, Deserializer, IntoDeserializer, MapAccess, SeqAccess, Visitor};
use serde_saphyr::{Location, Spanned};

use super::Text;

/// A value and where it stands.
pub type Json = Spanned<JsonValue>;

/// A value of JSON's kinds. YAML's own rules say which a scalar is: `1` is a number, `"1"` a text.
#[derive(Clone, Debug, PartialEq)]
pub enum JsonValue {
    /// `null`, or nothing.
    Null,
    /// `true` or `false`.
    Bool(bool),
    /// A whole number from 0.
    Unsigned(u64),
    /// A whole number below 0.
    Signed(i64),
    /// Any other number.
    Float(f64),
    /// A text.
    Text(String),
    /// A list.
    List(Vec<Json>),
    /// A mapping, in the order written.
    Map(Vec<(Text, Json)>),
}

/// Why a value does not fit, and where the part of it stands that does not.
#[derive(Clone, Debug, PartialEq)]
pub struct Unfit {
    /// Where.
    pub at: Location,
    /// A lowercase fragment.
    pub reason: String,
}

impl JsonValue {
    /// A message without any field.
    pub fn empty() -> JsonValue {
        JsonValue::Map(Vec::new())
    }

    /// Hands the value to who knows its shape.
    ///
    /// # Errors
    /// What they say, with the place of the part they said it about; `at` stands for the value as a whole.
    pub fn read<'a, S: DeserializeSeed<'a>>(&'a self, at: Location, shape: S) -> Result<S::Value, Unfit> {
        let last = Cell::new(at);
        shape
            .deserialize(Reader { value: self, last: &last })
            .map_err(|error| Unfit { at: last.get(), reason: error.to_string() })
    }
}

#[derive(Clone, Copy)]
struct Reader<'de, 'l> {
    value: &'de JsonValue,
    /// The place of the value that was looked at last.
    last: &'l Cell<Location>,
}

impl<'de> Reader<'de, '_> {
    fn inner(self, json: &'de Json) -> Self {
        self.last.set(json.referenced);
        Reader { value: &json.value, last: self.last }
    }
}

impl<'de> Deserializer<'de> for Reader<'de, '_> {
    type Error = Error;

    fn deserialize_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Error> {
        match self.value {
            JsonValue::Null => visitor.visit_unit(),
            JsonValue::Bool(value) => visitor.visit_bool(*value),
            JsonValue::Unsigned(value) => visitor.visit_u64(*value),
            JsonValue::Signed(value) => visitor.visit_i64(*value),
            JsonValue::Float(value) => visitor.visit_f64(*value),
            JsonValue::Text(value) => visitor.visit_borrowed_str(value),
            JsonValue::List(list) => visitor.visit_seq(List { reader: self, rest: list.iter() }),
            JsonValue::Map(map) => visitor.visit_map(Map { reader: self, rest: map.iter(), value: None }),
        }
    }

    fn deserialize_option<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Error> {
        if *self.value == JsonValue::Null { visitor.visit_none() } else { visitor.visit_some(self) }
    }

    serde::forward_to_deserialize_any! {
        bool i8 i16 i32 i64 u8 u16 u32 u64 f32 f64 char str string bytes byte_buf unit unit_struct newtype_struct seq
        tuple tuple_struct map struct enum identifier ignored_any
    }
}

struct List<'de, 'l> {
    reader: Reader<'de, 'l>,
    rest: std::slice::Iter<'de, Json>,
}

impl<'de> SeqAccess<'de> for List<'de, '_> {
    type Error = Error;

    fn next_element_seed<T: DeserializeSeed<'de>>(&mut self, seed: T) -> Result<Option<T::Value>, Error> {
        self.rest.next().map(|json| seed.deserialize(self.reader.inner(json))).transpose()
    }
}

struct Map<'de, 'l> {
    reader: Reader<'de, 'l>,
    rest: std::slice::Iter<'de, (Text, Json)>,
    value: Option<&'de Json>,
}

impl<'de> MapAccess<'de> for Map<'de, '_> {
    type Error = Error;

    fn next_key_seed<K: DeserializeSeed<'de>>(&mut self, seed: K) -> Result<Option<K::Value>, Error> {
        let Some((key, value)) = self.rest.next() else { return Ok(None) };
        self.value = Some(value);
        self.reader.last.set(key.referenced);
        let key: StrDeserializer<'_, Error> = key.value.as_str().into_deserializer();
        seed.deserialize(key).map(Some)
    }

    fn next_value_seed<V: DeserializeSeed<'de>>(&mut self, seed: V) -> Result<V::Value, Error> {
        let value = self.value.take().ok_or_else(|| de::Error::custom("a value without its key"))?;
        seed.deserialize(self.reader.inner(value))
    }
}

impl<'de> de::Deserialize<'de> for JsonValue {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<JsonValue, D::Error> {
        struct Any;
        impl<'de> Visitor<'de> for Any {
            type Value = JsonValue;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a value such as { payload: aGVsbG8= }")
            }

            fn visit_unit<E>(self) -> Result<JsonValue, E> {
                Ok(JsonValue::Null)
            }

            fn visit_none<E>(self) -> Result<JsonValue, E> {
                Ok(JsonValue::Null)
            }

            fn visit_some<D: Deserializer<'de>>(self, deserializer: D) -> Result<JsonValue, D::Error> {
                deserializer.deserialize_any(self)
            }

            fn visit_bool<E>(self, value: bool) -> Result<JsonValue, E> {
                Ok(JsonValue::Bool(value))
            }

            fn visit_u64<E>(self, value: u64) -> Result<JsonValue, E> {
                Ok(JsonValue::Unsigned(value))
            }

            fn visit_i64<E>(self, value: i64) -> Result<JsonValue, E> {
                Ok(u64::try_from(value).map_or(JsonValue::Signed(value), JsonValue::Unsigned))
            }

            fn visit_f64<E>(self, value: f64) -> Result<JsonValue, E> {
                Ok(JsonValue::Float(value))
            }

            fn visit_str<E>(self, value: &str) -> Result<JsonValue, E> {
                Ok(JsonValue::Text(value.to_owned()))
            }

            fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<JsonValue, A::Error> {
                let mut values = Vec::new();
                while let Some(value) = list.next_element()? {
                    values.push(value);
                }
                Ok(JsonValue::List(values))
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<JsonValue, A::Error> {
                let mut fields = Vec::new();
                while let Some(field) = map.next_entry()? {
                    fields.push(field);
                }
                Ok(JsonValue::Map(fields))
            }
        }
        deserializer.deserialize_any(Any)
    }
}
