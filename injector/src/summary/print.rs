//! JSON for people and programs: objects as blocks, lists within a line. Histograms and time series have thousands of
//! numbers, and a line for each would be three quarters of a result.

use std::io::{self, Write};

use serde::Serialize;
use serde_json::Serializer;
use serde_json::ser::{Formatter, PrettyFormatter};

#[derive(Default)]
struct Blocks(PrettyFormatter<'static>);

/// Lists are those of serde_json's plain formatter.
impl Formatter for Blocks {
    fn begin_object<W: ?Sized + Write>(&mut self, writer: &mut W) -> io::Result<()> {
        self.0.begin_object(writer)
    }

    fn end_object<W: ?Sized + Write>(&mut self, writer: &mut W) -> io::Result<()> {
        self.0.end_object(writer)
    }

    fn begin_object_key<W: ?Sized + Write>(&mut self, writer: &mut W, first: bool) -> io::Result<()> {
        self.0.begin_object_key(writer, first)
    }

    fn begin_object_value<W: ?Sized + Write>(&mut self, writer: &mut W) -> io::Result<()> {
        self.0.begin_object_value(writer)
    }

    fn end_object_value<W: ?Sized + Write>(&mut self, writer: &mut W) -> io::Result<()> {
        self.0.end_object_value(writer)
    }
}

/// The value as text, with a line's end behind it.
pub(super) fn print(value: &impl Serialize) -> Vec<u8> {
    let mut text = Vec::new();
    let mut serializer = Serializer::with_formatter(&mut text, Blocks::default());
    value.serialize(&mut serializer).expect("its keys are strings, and memory takes what is written");
    text.push(b'\n');
    text
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn lists_stay_within_a_line() {
        let value = json!({ "a": [1, [2, 3]], "b": [{ "c": {} }, { "d": [] }], "e": 1 });
        let text = String::from_utf8(print(&value)).unwrap();
        let expected =
            "{\n  \"a\": [1,[2,3]],\n  \"b\": [{\n    \"c\": {}\n  },{\n    \"d\": []\n  }],\n  \"e\": 1\n}\n";
        assert_eq!(text, expected);
        assert_eq!(serde_json::from_str::<serde_json::Value>(&text).unwrap(), value);
    }
}
