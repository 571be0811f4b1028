//! From a [`Fault`] back to text, the canonical form: keys in table order, one spelling per value.

use std::fmt::{self, Write};

use super::value::Value;
use super::{Ask, Fault, Separator};

impl Fault {
    /// The spec with this separator; parses to an equal fault.
    pub fn to_text(&self, separator: Separator) -> String {
        let mut text = String::new();
        self.write(&mut text, separator).expect("writing to a string cannot fail");
        text
    }

    /// The spec as the query of a URL. Only `%` needs escaping on top of the `&` form: the rest of the grammar is made
    /// of characters that a query may hold as they are, and free text is escaped already.
    pub fn to_query(&self) -> String {
        let mut query = String::new();
        for ask in &self.asks {
            let mut pair = String::new();
            write_ask(ask, &mut pair, "&").expect("writing to a string cannot fail");
            if !query.is_empty() {
                query.push('&');
            }
            query += &if ask.key.form().is_text() { pair } else { pair.replace('%', "%25") };
        }
        query
    }

    fn write(&self, out: &mut impl Write, separator: Separator) -> fmt::Result {
        for (i, ask) in self.asks.iter().enumerate() {
            if i > 0 {
                out.write_str(separator.printed())?;
            }
            write_ask(ask, out, separator.printed())?;
        }
        Ok(())
    }
}

fn write_ask(ask: &Ask, out: &mut impl Write, separator: &str) -> fmt::Result {
    let Value::Fields(fields) = &ask.value else {
        write!(out, "{}=", ask.key.as_str())?;
        return ask.value.write(out);
    };
    for (i, field) in fields.iter().enumerate() {
        write!(out, "{}{}=", if i == 0 { "" } else { separator }, ask.key.as_str())?;
        Value::write_field(field, out)?;
    }
    Ok(())
}

/// The canonical form, separated by `&`.
impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.write(f, Separator::Ampersand)
    }
}
