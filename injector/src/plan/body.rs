//! The content a request carries: as written in the file, within what may be sent.

use serde_saphyr::Spanned;
use shared::units::{parse_size, print_size};

use super::RequestBody;
use super::compile::Found;
use crate::scenario::Text;

/// Reads a body given as text or by its size under `size_key`, of at most `max_bytes`.
pub(super) fn body(
    found: &mut Found,
    subject: &str,
    text: Option<&Text>,
    (size_key, size): (&str, Option<&Text>),
    max_bytes: u64,
) -> RequestBody {
    let size_subject = format!("{subject}.{size_key}");
    let size_bytes = found.read(size, &size_subject, |text| {
        parse_size(text).map_err(|error| error.to_string()).and_then(|bytes| within(bytes, max_bytes))
    });
    match (text, size) {
        (Some(_), Some(size)) => {
            found.add(
                size.referenced,
                &size_subject,
                format!("body and {size_key} exclude each other; leave one of them out"),
            );
            RequestBody::Empty
        }
        (Some(Spanned { value, .. }), None) if value.is_empty() => RequestBody::Empty,
        (Some(text), None) => {
            if let Err(error) = within(text.value.len() as u64, max_bytes) {
                found.add(text.referenced, &format!("{subject}.body"), error);
            }
            RequestBody::Text(text.value.clone())
        }
        (None, _) => match size_bytes {
            None | Some(0) => RequestBody::Empty,
            Some(size_bytes) => RequestBody::Generated { size_bytes },
        },
    }
}

fn within(size_bytes: u64, max_bytes: u64) -> Result<u64, String> {
    let message = || format!("{} is over the limit of {}", print_size(size_bytes), print_size(max_bytes));
    if size_bytes > max_bytes { Err(message()) } else { Ok(size_bytes) }
}
