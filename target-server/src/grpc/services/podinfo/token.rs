//! Tokens: signed for nobody in particular, and checked.
//!
//! podinfo answers OK for a token that is expired or signed by another, and dies of one without an end. Here a token that
//! is not good is UNAUTHENTICATED, whatever is wrong with it.

use std::sync::Arc;
use std::time::SystemTime;

use humantime::format_rfc3339_seconds;
use shared::proto::token::token_service_server::TokenService;
use shared::proto::token::{TokenRequest, TokenResponse};
use tonic::metadata::MetadataMap;
use tonic::{Request, Response, Status};

use crate::podinfo::token::{ANONYMOUS, Tokens};

/// Nothing without a secret.
pub(super) struct Token(pub(super) Option<Arc<Tokens>>);

const SCHEME: &str = "bearer";
const EXPECTED: &str = "expected `authorization: Bearer <token>`";

impl Token {
    fn tokens(&self) -> Result<&Tokens, Status> {
        self.0.as_deref().ok_or_else(|| {
            Status::failed_precondition(
                "there is no secret to sign tokens with; expected a target started with --jwt-secret-file",
            )
        })
    }
}

#[tonic::async_trait]
impl TokenService for Token {
    async fn token_generate(&self, _: Request<TokenRequest>) -> Result<Response<TokenResponse>, Status> {
        let signed = self.tokens()?.sign(ANONYMOUS, SystemTime::now());
        let message = "Token generated successfully".to_owned();
        Ok(Response::new(TokenResponse { token: signed.token, expires_at: text(signed.expires_at), message }))
    }

    async fn token_validate(&self, request: Request<TokenRequest>) -> Result<Response<TokenResponse>, Status> {
        let tokens = self.tokens()?;
        let claims = tokens
            .check(bearer(request.metadata())?, SystemTime::now())
            .map_err(|error| Status::unauthenticated(error.to_string()))?;
        let message = String::new();
        Ok(Response::new(TokenResponse { token: claims.name, expires_at: text(claims.expires_at), message }))
    }
}

/// The token of a call, with its scheme or, as podinfo has it, without.
fn bearer(metadata: &MetadataMap) -> Result<&str, Status> {
    let Some(value) = metadata.get("authorization") else {
        return Err(Status::unauthenticated(format!("no authorization in the metadata; {EXPECTED}")));
    };
    let value =
        value.to_str().map_err(|_| Status::unauthenticated(format!("authorization is no ASCII; {EXPECTED}")))?;
    let token = match value.split_at_checked(SCHEME.len()) {
        Some((scheme, token)) if scheme.eq_ignore_ascii_case(SCHEME) => token,
        _ => value,
    };
    Ok(token.trim())
}

/// As Go writes a time: `2026-01-31 12:00:00 +0000 UTC`.
fn text(time: SystemTime) -> String {
    format_rfc3339_seconds(time).to_string().replace('T', " ").replace('Z', " +0000 UTC")
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    #[test]
    fn times_are_written_as_go_does() {
        let time = SystemTime::UNIX_EPOCH + Duration::from_secs(1_769_860_800);
        assert_eq!(text(time), "2026-01-31 12:00:00 +0000 UTC");
    }
}
