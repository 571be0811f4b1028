//! The pages for people: how a file of one is answered, and the look that all of them have.
//!
//! Invariants:
//! - A page may use what its own program serves and nothing else: no other host, no script or style within the text, no frame
//!   around it. It sends no form and gives no address away.
//! - Every file is in the program. A browser asks each time whether it has the newest, and is told so in a few bytes.

use axum::body::Bytes;
use axum::http::header::{
    CACHE_CONTROL, CONTENT_SECURITY_POLICY, CONTENT_TYPE, ETAG, HeaderName, HeaderValue, IF_NONE_MATCH,
    REFERRER_POLICY, X_CONTENT_TYPE_OPTIONS,
};
use axum::http::{HeaderMap, Response, StatusCode};

/// What a page may do. `data:` is for pictures that a script draws; nothing is fetched for them.
pub const POLICY: &str = "default-src 'none'; style-src 'self'; script-src 'self'; connect-src 'self'; img-src 'self' data:; \
                          base-uri 'none'; form-action 'none'; frame-ancestors 'none'";

/// One file of a page.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Asset {
    /// Its name in a URL, without a folder.
    pub name: &'static str,
    /// With its character set, since browsers are told not to guess.
    pub content_type: &'static str,
    /// What is in it.
    pub text: &'static str,
}

/// Colours, type and parts, for light and dark, phones and paper. A page links it before its own.
pub const BASE_CSS: Asset = Asset::css("base.css", include_str!("../pages/base.css"));

impl Asset {
    /// A page.
    pub const fn html(name: &'static str, text: &'static str) -> Asset {
        Asset { name, content_type: "text/html; charset=utf-8", text }
    }

    /// A style sheet.
    pub const fn css(name: &'static str, text: &'static str) -> Asset {
        Asset { name, content_type: "text/css; charset=utf-8", text }
    }

    /// A module.
    pub const fn js(name: &'static str, text: &'static str) -> Asset {
        Asset { name, content_type: "text/javascript; charset=utf-8", text }
    }

    /// It, or 304 for a browser that has it.
    pub fn answer(&self, asked: &HeaderMap) -> Response<Bytes> {
        answer(self.content_type, Bytes::from_static(self.text.as_bytes()), asked)
    }
}

/// The same for a file that was made when the program started.
///
/// Whoever needs more of the policy than [`POLICY`] puts its own in the place of the header.
pub fn answer(content_type: &'static str, body: Bytes, asked: &HeaderMap) -> Response<Bytes> {
    let tag = tag(&body);
    let has_it =
        asked.get_all(IF_NONE_MATCH).iter().filter_map(|value| value.to_str().ok()).any(|tags| names(tags, &tag));
    let (status, body) = if has_it { (StatusCode::NOT_MODIFIED, Bytes::new()) } else { (StatusCode::OK, body) };
    let mut response = Response::new(body);
    *response.status_mut() = status;
    let headers = response.headers_mut();
    headers.extend(fixed());
    headers.insert(ETAG, HeaderValue::try_from(tag).expect("a tag is hexadecimal and quotes"));
    if status == StatusCode::OK {
        headers.insert(CONTENT_TYPE, HeaderValue::from_static(content_type));
    }
    response
}

fn fixed() -> [(HeaderName, HeaderValue); 4] {
    [
        (CONTENT_SECURITY_POLICY, HeaderValue::from_static(POLICY)),
        (X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff")),
        (REFERRER_POLICY, HeaderValue::from_static("no-referrer")),
        // Kept, and asked about before each use: after an update nobody sees an old script beside new data.
        (CACHE_CONTROL, HeaderValue::from_static("no-cache")),
    ]
}

/// FNV-1a, which is enough to tell two releases of a file apart; nobody gains by a collision.
fn tag(body: &[u8]) -> String {
    let hash = body
        .iter()
        .fold(0xcbf2_9ce4_8422_2325_u64, |hash, byte| (hash ^ u64::from(*byte)).wrapping_mul(0x100_0000_01b3));
    format!("\"{hash:016x}\"")
}

/// Whether a list of tags (RFC 9110, section 13.1.2) has this one. A proxy that compresses may have made it weak.
fn names(tags: &str, tag: &str) -> bool {
    tags.split(',').map(str::trim).any(|one| one == "*" || one.strip_prefix("W/").unwrap_or(one) == tag)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn asked(tags: &str) -> HeaderMap {
        HeaderMap::from_iter([(IF_NONE_MATCH, HeaderValue::try_from(tags).unwrap())])
    }

    #[test]
    fn an_asset_carries_its_type_and_every_protection() {
        let answer = BASE_CSS.answer(&HeaderMap::new());
        assert_eq!((answer.status(), answer.body().as_ref()), (StatusCode::OK, BASE_CSS.text.as_bytes()));
        for (name, value) in [
            ("content-type", "text/css; charset=utf-8"),
            ("content-security-policy", POLICY),
            ("x-content-type-options", "nosniff"),
            ("referrer-policy", "no-referrer"),
            ("cache-control", "no-cache"),
        ] {
            assert_eq!(answer.headers()[name], value);
        }
        for forbidden in ["unsafe", "*", "http"] {
            assert!(!POLICY.contains(forbidden), "{forbidden}");
        }
    }

    #[test]
    fn who_has_it_is_told_so_and_who_has_another_gets_it() {
        let fresh = BASE_CSS.answer(&HeaderMap::new());
        let tag = fresh.headers()[ETAG].to_str().unwrap().to_owned();
        for (tags, has_it) in [
            (tag.clone(), true),
            (format!("\"other\", {tag}"), true),
            (format!("W/{tag}"), true),
            ("*".to_owned(), true),
            ("\"other\"".to_owned(), false),
            (tag.trim_matches('"').to_owned(), false),
            (String::new(), false),
        ] {
            let answer = BASE_CSS.answer(&asked(&tags));
            assert_eq!(answer.status() == StatusCode::NOT_MODIFIED, has_it, "{tags}");
            assert_eq!(answer.body().is_empty(), has_it, "{tags}");
            assert_eq!(answer.headers()[ETAG], tag, "{tags}");
            assert!(answer.headers().contains_key(CONTENT_SECURITY_POLICY), "{tags}");
        }
        let other = Asset::js("other.js", "1").answer(&HeaderMap::new());
        assert_ne!(other.headers()[ETAG], tag);
    }

    #[test]
    fn the_look_needs_nothing_from_elsewhere() {
        for forbidden in ["@import", "url(", "http"] {
            assert!(!BASE_CSS.text.contains(forbidden), "{forbidden}");
        }
    }
}
