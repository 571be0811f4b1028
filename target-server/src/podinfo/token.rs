//! The tokens of `/token`: JSON Web Tokens (RFC 7519) that this process signs and checks, over HTTP and gRPC alike.
//!
//! Invariants:
//! - There is no default secret. podinfo's is a constant that anybody can read; ours is given, or random per process.
//! - Only an HMAC counts (HS256, HS384, HS512), compared in constant time; `none` and key pairs are refused before a claim
//!   is looked at, and no claim is believed before the signature fits.
//! - No token makes it panic: what a claim may be is checked before it is used.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use data_encoding::BASE64URL_NOPAD;
use http::header::{AUTHORIZATION, WWW_AUTHENTICATE};
use http::{HeaderMap, HeaderValue, StatusCode};
use humantime::format_rfc3339_seconds;
use ring::hmac;
use ring::rand::{SecureRandom as _, SystemRandom};
use serde::Serialize;
use serde_json::Value;

use super::Plain;

/// The claim `iss`, written and asked for.
const ISSUER: &str = "podinfo";
/// Who is named when nobody is.
pub(crate) const ANONYMOUS: &str = "anonymous";
/// How long a token is good for.
const LIFETIME: Duration = Duration::from_secs(60);
/// Largest name that is signed. Escaped as JSON and again as base64 it makes 8 KiB at worst: with this the token still
/// fits into the head of the request that has it checked.
pub(crate) const NAME_MAX_BYTES: usize = 1024;
/// The last second of the year 9999: later instants have no RFC 3339 text.
const EXPIRES_MAX_S: u64 = 253_402_300_799;
/// What a random secret consists of: as many as SHA-256 has, more add nothing (RFC 2104, section 3).
const SECRET_BYTES: usize = 32;

/// What signs, and what checks.
pub(crate) struct Tokens {
    keys: [hmac::Key; 3],
}

/// The algorithms by their names in a token's head, in the order of [`Tokens::keys`]; the first signs.
const ALGORITHMS: [(&str, hmac::Algorithm); 3] =
    [("HS256", hmac::HMAC_SHA256), ("HS384", hmac::HMAC_SHA384), ("HS512", hmac::HMAC_SHA512)];

/// A new token.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Signed {
    pub(crate) token: String,
    /// Whole seconds.
    pub(crate) expires_at: SystemTime,
}

/// What a good token says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Claims {
    /// Empty if the token has none.
    pub(crate) name: String,
    /// At most the last second of the year 9999.
    pub(crate) expires_at: SystemTime,
}

/// Why a token is refused.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub(crate) enum TokenError {
    /// Not three parts between dots.
    #[error("token contains an invalid number of segments")]
    Segments,
    /// The named part is not what RFC 7519 has there.
    #[error("token is malformed: {0}")]
    Malformed(&'static str),
    /// `none`, a key pair, or nothing that is known.
    #[error("invalid signing method")]
    Method,
    /// Signed with another secret, or changed since.
    #[error("signature is invalid")]
    Signature,
    /// By whole seconds, 0 in the second of the end itself.
    #[error("token is expired by {}", shared::units::print_duration(*.0))]
    Expired(Duration),
    /// The claim `nbf` lies ahead.
    #[error("token is not valid yet")]
    TooEarly,
    /// The claim `exp` is missing: such a token would be good for ever.
    #[error("token has no expiry")]
    NoExpiry,
    /// The claim `iss` is another, or missing.
    #[error("invalid issuer")]
    Issuer,
}

impl Tokens {
    /// With a secret that other replicas share. An empty one protects nothing; flags refuse it.
    pub(crate) fn new(secret: Vec<u8>) -> Tokens {
        Tokens { keys: ALGORITHMS.map(|(_, algorithm)| hmac::Key::new(algorithm, &secret)) }
    }

    /// With the secret that is given, or a random one, which the log says: then tokens are good in this process only.
    ///
    /// # Errors
    /// If the system has no randomness to give.
    pub(crate) fn given_or_random(secret: Option<Vec<u8>>) -> std::io::Result<Tokens> {
        if let Some(secret) = secret {
            return Ok(Tokens::new(secret));
        }
        tracing::info!("no secret for tokens is given: theirs is random, and other replicas refuse them");
        let mut secret = vec![0; SECRET_BYTES];
        let filled = SystemRandom::new().fill(&mut secret);
        filled.map_err(|_| std::io::Error::other("the system gives no random bytes for the secret of tokens"))?;
        Ok(Tokens::new(secret))
    }

    /// Signs a name, for a minute. The caller bounds the name: [`NAME_MAX_BYTES`].
    pub(crate) fn sign(&self, name: &str, now: SystemTime) -> Signed {
        let expires_s = (seconds(now) + LIFETIME.as_secs()).min(EXPIRES_MAX_S);
        // podinfo's order of the claims, which a map would not keep.
        let claims = format!("{{\"name\":{},\"iss\":\"{ISSUER}\",\"exp\":{expires_s}}}", Value::from(name));
        let head = format!("{{\"alg\":\"{}\",\"typ\":\"JWT\"}}", ALGORITHMS[0].0);
        let mut token = BASE64URL_NOPAD.encode(head.as_bytes());
        token.push('.');
        BASE64URL_NOPAD.encode_append(claims.as_bytes(), &mut token);
        let signature = hmac::sign(&self.keys[0], token.as_bytes());
        token.push('.');
        BASE64URL_NOPAD.encode_append(signature.as_ref(), &mut token);
        Signed { token, expires_at: UNIX_EPOCH + Duration::from_secs(expires_s) }
    }

    /// What a token says, if it is one of ours and still good.
    ///
    /// # Errors
    /// The first of: its form, its method, its signature, its times, its issuer.
    pub(crate) fn check(&self, token: &str, now: SystemTime) -> Result<Claims, TokenError> {
        let mut parts = token.split('.');
        let (Some(head), Some(claims), Some(signature), None) =
            (parts.next(), parts.next(), parts.next(), parts.next())
        else {
            return Err(TokenError::Segments);
        };
        let head_read = object(head).ok_or(TokenError::Malformed("its head is no JSON object in base64url"))?;
        let claims_read = object(claims).ok_or(TokenError::Malformed("its claims are no JSON object in base64url"))?;
        let method = head_read.get("alg").and_then(Value::as_str);
        let key = ALGORITHMS.iter().position(|(name, _)| Some(*name) == method).ok_or(TokenError::Method)?;
        let signature = BASE64URL_NOPAD.decode(signature.as_bytes());
        let signature = signature.map_err(|_| TokenError::Malformed("its signature is no base64url"))?;
        let signed = &token[..head.len() + 1 + claims.len()];
        // ring compares in constant time.
        hmac::verify(&self.keys[key], signed.as_bytes(), &signature).map_err(|_| TokenError::Signature)?;

        let now_s = seconds(now);
        let expires_s = instant(&claims_read, "exp")?.ok_or(TokenError::NoExpiry)?;
        if now_s >= expires_s {
            return Err(TokenError::Expired(Duration::from_secs(now_s - expires_s)));
        }
        if instant(&claims_read, "nbf")?.is_some_and(|from_s| now_s < from_s) {
            return Err(TokenError::TooEarly);
        }
        if claims_read.get("iss").and_then(Value::as_str) != Some(ISSUER) {
            return Err(TokenError::Issuer);
        }
        let name = match claims_read.get("name") {
            None => String::new(),
            Some(Value::String(name)) => name.clone(),
            Some(_) => return Err(TokenError::Malformed("its name is no text")),
        };
        Ok(Claims { name, expires_at: UNIX_EPOCH + Duration::from_secs(expires_s) })
    }
}

/// Whole seconds since 1970, 0 before.
fn seconds(time: SystemTime) -> u64 {
    time.duration_since(UNIX_EPOCH).unwrap_or_default().as_secs()
}

fn object(part: &str) -> Option<Value> {
    let json = BASE64URL_NOPAD.decode(part.as_bytes()).ok()?;
    serde_json::from_slice(&json).ok().filter(Value::is_object)
}

/// A claim that is an instant, in whole seconds: others than us may write a fraction (RFC 7519, section 2).
fn instant(claims: &Value, name: &str) -> Result<Option<u64>, TokenError> {
    let Some(claim) = claims.get(name) else { return Ok(None) };
    let whole = claim.as_u64().map(|whole| whole as f64).or_else(|| claim.as_f64());
    let in_range = whole.filter(|whole| (0.0..=EXPIRES_MAX_S as f64).contains(whole));
    in_range
        .map(|whole| Some(whole as u64))
        .ok_or(TokenError::Malformed("one of its times is no number up to the year 9999"))
}

/// The answer to `POST /token`.
#[derive(Serialize)]
struct Issued {
    token: String,
    expires_at: String,
}

/// The answer to `GET /token/validate`.
#[derive(Serialize)]
struct Validated {
    token_name: String,
    expires_at: String,
}

/// `POST /token`: signs the body as a name. What is no UTF-8 in it becomes U+FFFD.
pub(super) fn issue(tokens: &Tokens, body: &[u8], now: SystemTime) -> Plain {
    if body.len() > NAME_MAX_BYTES {
        let message = format!("name of {} bytes is too long; expected at most {NAME_MAX_BYTES}", body.len());
        return Plain::refusal(StatusCode::PAYLOAD_TOO_LARGE, &message);
    }
    let name = if body.is_empty() { ANONYMOUS.into() } else { String::from_utf8_lossy(body) };
    let Signed { token, expires_at } = tokens.sign(&name, now);
    Plain::json(StatusCode::OK, &Issued { token, expires_at: format_rfc3339_seconds(expires_at).to_string() })
}

/// `GET /token/validate`: who the bearer of the token in `authorization` is.
pub(super) fn validate(tokens: &Tokens, headers: &HeaderMap, now: SystemTime) -> Plain {
    let Some(token) = bearer(headers) else { return unauthorized("authorization bearer header required") };
    match tokens.check(token, now) {
        Ok(Claims { name, expires_at }) => {
            let expires_at = format_rfc3339_seconds(expires_at).to_string();
            Plain::json(StatusCode::OK, &Validated { token_name: name, expires_at })
        }
        Err(error) => unauthorized(&error.to_string()),
    }
}

/// The token of `Bearer <token>`: two words with one space between them, the first in any case.
fn bearer(headers: &HeaderMap) -> Option<&str> {
    let (scheme, token) = headers.get(AUTHORIZATION)?.to_str().ok()?.split_once(' ')?;
    (scheme.eq_ignore_ascii_case("bearer") && !token.contains(' ')).then_some(token)
}

fn unauthorized(message: &str) -> Plain {
    // A 401 has to say what would help (RFC 9110, section 15.5.2); podinfo's says nothing.
    Plain::refusal(StatusCode::UNAUTHORIZED, message).with(WWW_AUTHENTICATE, HeaderValue::from_static("Bearer"))
}

#[cfg(test)]
mod tests;
