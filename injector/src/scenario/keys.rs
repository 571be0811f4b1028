//! What is known of every key of a scenario file: its name, what it says, the form of its value. One list for reading, for the
//! JSON Schema and for everything that goes through all values.
//!
//! [`written!`] makes the list together with the struct that serde fills, so that neither can have a key the other has not.

use serde_saphyr::{Location, Spanned};

use super::shape::{OneOrMany, WrittenHeaders};
use super::{Json, JsonValue, Text, WrittenTls};

/// A key of a mapping of the file.
#[derive(Clone, Debug)]
pub struct Key {
    /// As written.
    pub name: &'static str,
    /// What it says, for the schema: one or two sentences.
    pub about: &'static str,
    /// Whether the mapping is refused without it.
    pub is_required: bool,
    /// The form of its value.
    pub shape: Shape,
}

/// The form of a value.
#[derive(Clone, Copy, Debug)]
pub enum Shape {
    /// One that has a name: see `schema`'s table of them.
    Named(&'static str),
    /// One of these words.
    OneOf(&'static [&'static str]),
    /// A mapping with these keys, under a name of its own.
    Keys(&'static str, fn() -> Vec<Key>),
    /// A list of such mappings, at most so many.
    ListOf(&'static str, fn() -> Vec<Key>, usize),
    /// A list of values of a form that has a name.
    Many(&'static str),
}

/// A mapping whose keys are known.
pub trait Keyed {
    /// The keys, in the order of the manual.
    fn keys() -> Vec<Key>;
    /// Takes from another what this one has not, key by key.
    fn inherit(&mut self, from: Self);
}

/// One value of the file, to be looked at or replaced.
pub(crate) struct Scalar<'a> {
    pub(crate) value: ScalarMut<'a>,
    /// Where it stands.
    pub(crate) at: Location,
}

/// Most values are read as texts; those of messages keep their kind.
pub(crate) enum ScalarMut<'a> {
    Text(&'a mut String),
    /// Always a [`JsonValue::Text`] when it is handed out.
    Json(&'a mut JsonValue),
}

impl ScalarMut<'_> {
    pub(crate) fn text(&mut self) -> &mut String {
        match self {
            ScalarMut::Text(text) => text,
            ScalarMut::Json(JsonValue::Text(text)) => text,
            ScalarMut::Json(_) => unreachable!("only texts are handed out"),
        }
    }
}

/// Something that holds values. Names of keys are none: they stand for themselves.
pub(crate) trait Scalars {
    /// Hands out each value, in the file's order.
    fn scalars(&mut self, visit: &mut dyn FnMut(Scalar<'_>));
}

/// A value that may be absent, and then is taken from elsewhere.
pub(super) trait Inherit {
    fn inherit(&mut self, from: Self);
}

impl<T> Inherit for Option<T> {
    fn inherit(&mut self, from: Self) {
        if self.is_none() {
            *self = from;
        }
    }
}

impl Inherit for WrittenHeaders {
    fn inherit(&mut self, from: Self) {
        if self.0.is_empty() {
            *self = from;
        }
    }
}

impl<T: Scalars> Scalars for Option<T> {
    fn scalars(&mut self, visit: &mut dyn FnMut(Scalar<'_>)) {
        self.iter_mut().for_each(|value| value.scalars(visit));
    }
}

impl Scalars for Text {
    fn scalars(&mut self, visit: &mut dyn FnMut(Scalar<'_>)) {
        visit(Scalar { value: ScalarMut::Text(&mut self.value), at: self.referenced });
    }
}

impl<T: Keyed + Scalars> Scalars for Spanned<T> {
    fn scalars(&mut self, visit: &mut dyn FnMut(Scalar<'_>)) {
        self.value.scalars(visit);
    }
}

impl<T: Keyed + Scalars> Scalars for Spanned<Vec<Spanned<T>>> {
    fn scalars(&mut self, visit: &mut dyn FnMut(Scalar<'_>)) {
        self.value.iter_mut().for_each(|entry| entry.value.scalars(visit));
    }
}

impl Scalars for Spanned<OneOrMany> {
    fn scalars(&mut self, visit: &mut dyn FnMut(Scalar<'_>)) {
        for text in &mut self.value.0 {
            visit(Scalar { value: ScalarMut::Text(text), at: self.referenced });
        }
    }
}

impl Scalars for WrittenHeaders {
    fn scalars(&mut self, visit: &mut dyn FnMut(Scalar<'_>)) {
        self.0.iter_mut().for_each(|(_, value)| value.scalars(visit));
    }
}

impl Scalars for Json {
    fn scalars(&mut self, visit: &mut dyn FnMut(Scalar<'_>)) {
        match &mut self.value {
            JsonValue::List(list) => list.iter_mut().for_each(|json| json.scalars(visit)),
            JsonValue::Map(map) => map.iter_mut().for_each(|(_, json)| json.scalars(visit)),
            text @ JsonValue::Text(_) => visit(Scalar { value: ScalarMut::Json(text), at: self.referenced }),
            _ => {}
        }
    }
}

impl Scalars for Spanned<Vec<Json>> {
    fn scalars(&mut self, visit: &mut dyn FnMut(Scalar<'_>)) {
        self.value.iter_mut().for_each(|json| json.scalars(visit));
    }
}

impl Scalars for Spanned<WrittenTls> {
    fn scalars(&mut self, visit: &mut dyn FnMut(Scalar<'_>)) {
        let WrittenTls { is_on: _, ca, verify, server_name, cert, key } = &mut self.value;
        [ca, verify, server_name, cert, key].into_iter().for_each(|text| text.scalars(visit));
    }
}

/// Declares a mapping of the file: the struct that serde fills, strictly, and its [`Keyed`] and [`Scalars`]. The doc comment of a
/// key is its description in the schema. A group's `with` is how serde reads its keys.
macro_rules! written {
    (
        $(#[$about:meta])*
        pub struct $name:ident {
            $(required { $( $(#[doc = $needed_doc:literal])+ $needed:ident: $needed_type:ty = $needed_shape:expr; )* })?
            $(with $with:literal {
                $( $(#[doc = $doc:literal])+ $key:ident: $type:ty = $shape:expr; )*
            })*
        }
    ) => {
        $(#[$about])*
        #[derive(Clone, Debug, serde::Deserialize)]
        #[serde(deny_unknown_fields)]
        pub struct $name {
            $($( $(#[doc = $needed_doc])+ pub $needed: $needed_type, )*)?
            $($(
                $(#[doc = $doc])+
                #[serde(default, deserialize_with = $with)]
                pub $key: $type,
            )*)*
        }

        impl $crate::scenario::Keyed for $name {
            fn keys() -> Vec<$crate::scenario::Key> {
                vec![
                    $($( $crate::scenario::Key {
                        name: stringify!($needed),
                        about: concat!($($needed_doc),+).trim_ascii(),
                        is_required: true,
                        shape: $needed_shape,
                    }, )*)?
                    $($( $crate::scenario::Key {
                        name: $crate::scenario::keys::plain(stringify!($key)),
                        about: concat!($($doc),+).trim_ascii(),
                        is_required: false,
                        shape: $shape,
                    }, )*)*
                ]
            }

            fn inherit(&mut self, from: Self) {
                $($( $crate::scenario::keys::Inherit::inherit(&mut self.$key, from.$key); )*)*
            }
        }

        impl $crate::scenario::Scalars for $name {
            fn scalars(&mut self, visit: &mut dyn FnMut($crate::scenario::Scalar<'_>)) {
                $($( $crate::scenario::Scalars::scalars(&mut self.$needed, visit); )*)?
                $($( $crate::scenario::Scalars::scalars(&mut self.$key, visit); )*)*
            }
        }
    };
}
pub(super) use written;

/// A key that is a word of Rust is written `r#type` there.
pub(super) fn plain(name: &'static str) -> &'static str {
    name.strip_prefix("r#").unwrap_or(name)
}
