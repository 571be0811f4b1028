//! Whether a client would rather have HTML than JSON (RFC 9110, section 12.5.1).

use http::header::{ACCEPT, HeaderMap};

/// Whether `text/html` is worth more to it than `application/json`. As much is not enough: podinfo's answer is JSON, and
/// `*/*` is what every client says that does not care.
pub(super) fn prefers_html(headers: &HeaderMap) -> bool {
    worth(headers, "text", "html") > worth(headers, "application", "json")
}

/// The weight of a type in thousandths, by the range that fits it most closely; 0 if none does.
fn worth(headers: &HeaderMap, kind: &str, subtype: &str) -> u16 {
    let values = headers.get_all(ACCEPT).iter();
    let ranges = values.filter_map(|value| value.to_str().ok()).flat_map(|value| value.split(','));
    let fitting = ranges.filter_map(|range| {
        let mut parts = range.split(';').map(str::trim);
        let (range_kind, range_subtype) = parts.next()?.split_once('/')?;
        let closeness = match (range_kind, range_subtype) {
            ("*", "*") => 0,
            (other, "*") if other.eq_ignore_ascii_case(kind) => 1,
            (one, two) if one.eq_ignore_ascii_case(kind) && two.eq_ignore_ascii_case(subtype) => 2,
            _ => return None,
        };
        let weight = parts.find_map(|part| part.strip_prefix("q=").or(part.strip_prefix("Q=")));
        Some((closeness, weight.map_or(1000, thousandths)))
    });
    fitting.max().map_or(0, |(_, weight)| weight)
}

/// `0.8` is 800. What is no weight is none.
fn thousandths(weight: &str) -> u16 {
    let weight: f32 = weight.trim().parse().unwrap_or(0.0);
    // A cast cuts at the type's bounds and makes 0 of what is no number.
    ((weight * 1000.0).round() as u16).min(1000)
}

#[cfg(test)]
mod tests {
    use http::header::HeaderValue;

    use super::*;

    #[test]
    fn only_who_ranks_html_higher_gets_it() {
        for (accept, expected) in [
            (&["text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8"][..], true),
            (&["text/html"], true),
            (&["TEXT/HTML;level=1; q=0.1"], true),
            (&["application/json;q=0.5", "text/html;q=0.6"], true),
            (&["text/*"], true),
            (&["*/*"], false),
            (&["text/html, */*"], false),
            (&["application/json, text/html"], false),
            (&["text/html;q=0.5, application/json"], false),
            (&["text/html;q=0"], false),
            (&["text/html;q=nan"], false),
            (&["text/html;q=-1"], false),
            (&["text/*, text/html;q=0"], false),
            (&["application/xhtml+xml"], false),
            (&["", ";", "/", "text"], false),
            (&[], false),
        ] {
            let fields = accept.iter().map(|value| (ACCEPT, HeaderValue::from_static(value)));
            let mut headers = HeaderMap::new();
            fields.for_each(|(name, value)| {
                headers.append(name, value);
            });
            assert_eq!(prefers_html(&headers), expected, "{accept:?}");
        }
    }
}
