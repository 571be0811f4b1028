//! Every way a token can be wrong, and the two ways it can be right.

use data_encoding::BASE64URL_NOPAD;
use proptest::prelude::*;
use shared::outcome::ServerError;

use super::*;

const NOW_S: u64 = 1_750_000_000;

fn tokens() -> Tokens {
    Tokens::new(b"a secret".to_vec())
}

fn now() -> SystemTime {
    UNIX_EPOCH + Duration::from_secs(NOW_S)
}

/// A token of any head and claims, signed with the secret of [`tokens`] by one of [`ALGORITHMS`].
fn made(algorithm: usize, head: &str, claims: &str) -> String {
    let text = format!("{}.{}", BASE64URL_NOPAD.encode(head.as_bytes()), BASE64URL_NOPAD.encode(claims.as_bytes()));
    let signature = hmac::sign(&tokens().keys[algorithm], text.as_bytes());
    format!("{text}.{}", BASE64URL_NOPAD.encode(signature.as_ref()))
}

fn checked(token: &str) -> Result<String, String> {
    tokens().check(token, now()).map(|claims| claims.name).map_err(|error| error.to_string())
}

fn claims(expires_s: u64) -> String {
    format!(r#"{{"name":"jane","iss":"podinfo","exp":{expires_s}}}"#)
}

#[test]
fn a_signed_token_is_what_podinfo_signs() {
    let signed = tokens().sign("jane", now() + Duration::from_millis(900));
    let parts: Vec<_> = signed.token.split('.').collect();
    let text = |part: &str| String::from_utf8(BASE64URL_NOPAD.decode(part.as_bytes()).unwrap()).unwrap();
    assert_eq!(text(parts[0]), r#"{"alg":"HS256","typ":"JWT"}"#);
    assert_eq!(text(parts[1]), r#"{"name":"jane","iss":"podinfo","exp":1750000060}"#);
    assert_eq!(parts.len(), 3);
    assert_eq!(signed.expires_at, now() + LIFETIME);
    assert_eq!(
        tokens().check(&signed.token, now()),
        Ok(Claims { name: "jane".to_owned(), expires_at: signed.expires_at })
    );
}

#[test]
fn a_token_of_another_maker_is_read() {
    // The example of RFC 7515, appendix A.1, with its key: signed by others, and by now expired.
    let key = "AyM1SysPpbyDfgZld3umj1qzKObwVMkoqQ-EstJQLr_T-1qS0gZH75aKtMN3Yj0iPS4hcgUuTwjAzZr1Z9CAow";
    let token = "eyJ0eXAiOiJKV1QiLA0KICJhbGciOiJIUzI1NiJ9.\
                 eyJpc3MiOiJqb2UiLA0KICJleHAiOjEzMDA4MTkzODAsDQogImh0dHA6Ly9leGFtcGxlLmNvbS9pc19yb290Ijp0cnVlfQ.\
                 dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk";
    let theirs = Tokens::new(BASE64URL_NOPAD.decode(key.as_bytes()).unwrap());
    let before = UNIX_EPOCH + Duration::from_secs(1_300_819_379);
    assert_eq!(theirs.check(token, before), Err(TokenError::Issuer));
    let after = before + Duration::from_secs(62);
    assert_eq!(theirs.check(token, after), Err(TokenError::Expired(Duration::from_secs(61))));
    assert_eq!(tokens().check(token, before), Err(TokenError::Signature));
}

#[test]
fn three_lengths_of_one_method_are_accepted() {
    for (index, (name, _)) in ALGORITHMS.iter().enumerate() {
        let token = made(index, &format!(r#"{{"alg":"{name}"}}"#), &claims(NOW_S + 1));
        assert_eq!(checked(&token), Ok("jane".to_owned()), "{name}");
        // What the head says is what is checked.
        let other = made((index + 1) % 3, &format!(r#"{{"alg":"{name}"}}"#), &claims(NOW_S + 1));
        assert_eq!(checked(&other), Err("signature is invalid".to_owned()), "{name}");
    }
}

#[test]
fn every_other_method_is_refused() {
    for head in [
        r#"{"alg":"none"}"#,
        r#"{"alg":"None"}"#,
        r#"{"alg":"RS256"}"#,
        r#"{"alg":"ES256"}"#,
        r#"{"alg":"hs256"}"#,
        r#"{"alg":""}"#,
        r#"{"alg":1}"#,
        "{}",
    ] {
        assert_eq!(checked(&made(0, head, &claims(NOW_S + 1))), Err("invalid signing method".to_owned()), "{head}");
    }
    let head = BASE64URL_NOPAD.encode(br#"{"alg":"none"}"#);
    let unsigned = format!("{head}.{}.", BASE64URL_NOPAD.encode(claims(NOW_S + 1).as_bytes()));
    assert_eq!(checked(&unsigned), Err("invalid signing method".to_owned()));
}

#[test]
fn each_refusal_has_its_reason() {
    let head = r#"{"alg":"HS256"}"#;
    let good = made(0, head, &claims(NOW_S + 60));
    let malformed = |what: &str| format!("token is malformed: {what}");
    let bad_claims = malformed("its claims are no JSON object in base64url");
    let bad_time = malformed("one of its times is no number up to the year 9999");
    let of = |claims: &str| made(0, head, claims);
    for (token, reason) in [
        (String::new(), "token contains an invalid number of segments".to_owned()),
        ("a.b".to_owned(), "token contains an invalid number of segments".to_owned()),
        (format!("{good}.x"), "token contains an invalid number of segments".to_owned()),
        ("..".to_owned(), malformed("its head is no JSON object in base64url")),
        (format!("!{good}"), malformed("its head is no JSON object in base64url")),
        (made(0, "[]", "{}"), malformed("its head is no JSON object in base64url")),
        (of("7"), bad_claims.clone()),
        (of("{"), bad_claims),
        (format!("{good}="), malformed("its signature is no base64url")),
        (good[..good.len() - 3].to_owned(), "signature is invalid".to_owned()),
        (good.replacen("eyJ", "eyB", 1), malformed("its head is no JSON object in base64url")),
        // The end itself is too late.
        (of(&claims(NOW_S)), "token is expired by 0s".to_owned()),
        (of(&claims(NOW_S - 90)), "token is expired by 1m30s".to_owned()),
        (of(r#"{"name":"a","iss":"podinfo","exp":0}"#), "token is expired by 486111h6m40s".to_owned()),
        (of(r#"{"name":"a","iss":"podinfo"}"#), "token has no expiry".to_owned()),
        (of(r#"{"name":"a","iss":"podinfo","exp":null}"#), bad_time.clone()),
        (of(r#"{"name":"a","iss":"podinfo","exp":"soon"}"#), bad_time.clone()),
        (of(r#"{"name":"a","iss":"podinfo","exp":-1}"#), bad_time.clone()),
        (of(r#"{"name":"a","iss":"podinfo","exp":253402300800}"#), bad_time.clone()),
        (of(r#"{"name":"a","iss":"podinfo","exp":1e300}"#), bad_time.clone()),
        (of(r#"{"name":"a","iss":"podinfo","exp":18446744073709551615}"#), bad_time),
        (of(&claims(NOW_S + 9).replace('}', r#","nbf":1750000001}"#)), "token is not valid yet".to_owned()),
        (of(&claims(NOW_S + 9).replace("podinfo", "another")), "invalid issuer".to_owned()),
        (of(r#"{"name":"a","exp":1750000009}"#), "invalid issuer".to_owned()),
        (of(r#"{"name":7,"iss":"podinfo","exp":1750000009}"#), malformed("its name is no text")),
    ] {
        assert_eq!(checked(&token), Err(reason), "{token}");
    }
    let other = Tokens::new(b"another secret".to_vec()).sign("jane", now()).token;
    assert_eq!(checked(&other), Err("signature is invalid".to_owned()));
    // A bad signature is said first: nobody learns what a forged token would have come to.
    let forged = Tokens::new(b"another secret".to_vec()).sign("jane", UNIX_EPOCH).token;
    assert_eq!(checked(&forged), Err("signature is invalid".to_owned()));
}

#[test]
fn times_may_have_fractions_and_a_name_may_be_missing() {
    let token = made(0, r#"{"alg":"HS256"}"#, r#"{"iss":"podinfo","exp":1750000000.9e0,"nbf":1.5}"#);
    assert_eq!(tokens().check(&token, now()), Err(TokenError::Expired(Duration::ZERO)));
    let token = made(0, r#"{"alg":"HS256"}"#, r#"{"iss":"podinfo","exp":1750000001.5,"nbf":1750000000}"#);
    assert_eq!(checked(&token), Ok(String::new()));
}

#[test]
fn random_secrets_differ() {
    let of = |secret| Tokens::given_or_random(secret).unwrap();
    let token = of(None).sign("jane", now()).token;
    assert_eq!(of(None).check(&token, now()), Err(TokenError::Signature));
    let token = of(Some(b"a secret".to_vec())).sign("jane", now()).token;
    assert_eq!(checked(&token), Ok("jane".to_owned()));
    // podinfo's own.
    let public = Tokens::new(b"eyJhbGciOiJIUzI1NiIsInR5cCI6IkpXVCJ9".to_vec()).sign("jane", now()).token;
    assert_eq!(of(None).check(&public, now()), Err(TokenError::Signature));
}

#[test]
fn no_clock_makes_it_panic() {
    for time in [UNIX_EPOCH - Duration::from_secs(9), UNIX_EPOCH + Duration::from_secs(300_000_000_000)] {
        let signed = tokens().sign("jane", time);
        let _ = humantime::format_rfc3339_seconds(signed.expires_at).to_string();
    }
}

proptest! {
    #[test]
    fn any_name_comes_back(name in any::<String>()) {
        let token = tokens().sign(&name, now()).token;
        prop_assert_eq!(checked(&token), Ok(name));
    }

    #[test]
    fn any_text_is_refused_in_peace(token in r"([A-Za-z0-9_=-]{0,8}\.){0,4}.{0,8}") {
        prop_assert!(checked(&token).is_err());
    }

    #[test]
    fn any_claims_are_read_in_peace(exp in any::<f64>(), name in ".{0,5}") {
        let _ = checked(&made(0, r#"{"alg":"HS256"}"#, &format!(r#"{{"name":"{name}","iss":"podinfo","exp":{exp}}}"#)));
    }
}

#[test]
fn the_longest_name_fits_into_a_head() {
    let worst = "\u{1}".repeat(NAME_MAX_BYTES);
    let length = tokens().sign(&worst, now()).token.len();
    assert!(length < 9 << 10, "{length}");
}

fn text(plain: &Plain) -> &str {
    std::str::from_utf8(&plain.body).unwrap()
}

fn validated(fields: &[&[u8]]) -> Plain {
    let fields = fields.iter().map(|field| (AUTHORIZATION, HeaderValue::from_bytes(field).unwrap()));
    validate(&tokens(), &fields.collect(), now())
}

#[test]
fn a_name_is_signed_and_validated() {
    for (body, name) in [
        ("jane".as_bytes(), r#""jane""#),
        (b"", r#""anonymous""#),
        (b" two words ", r#"" two words ""#),
        (b"a\xffb", "\"a\u{fffd}b\""),
        (b"\"\n", r#""\"\n""#),
    ] {
        let issued = issue(&tokens(), body, now());
        assert_eq!((issued.status, issued.error), (StatusCode::OK, None));
        assert_eq!(issued.headers["content-type"], "application/json; charset=utf-8");
        assert_eq!(issued.headers["x-content-type-options"], "nosniff");
        let read: Value = serde_json::from_slice(&issued.body).unwrap();
        let token = read["token"].as_str().unwrap();
        assert_eq!(
            text(&issued),
            format!("{{\n  \"token\": \"{token}\",\n  \"expires_at\": \"2025-06-15T15:07:40Z\"\n}}")
        );
        for scheme in ["Bearer", "bearer", "BEARER"] {
            let answer = validated(&[format!("{scheme} {token}").as_bytes(), b"ignored"]);
            assert_eq!((answer.status, answer.error), (StatusCode::OK, None));
            assert_eq!(
                text(&answer),
                format!("{{\n  \"token_name\": {name},\n  \"expires_at\": \"2025-06-15T15:07:40Z\"\n}}")
            );
        }
    }
}

#[test]
fn a_long_name_is_refused() {
    assert_eq!(issue(&tokens(), &[b'a'; NAME_MAX_BYTES], now()).status, StatusCode::OK);
    let refused = issue(&tokens(), &[b'a'; NAME_MAX_BYTES + 1], now());
    assert_eq!((refused.status, refused.error), (StatusCode::PAYLOAD_TOO_LARGE, Some(ServerError::BadRequest)));
    assert!(text(&refused).contains("name of 1025 bytes is too long; expected at most 1024"), "{}", text(&refused));
}

#[test]
fn without_a_good_bearer_it_is_a_real_401() {
    let token = tokens().sign("jane", now()).token;
    let missing = "authorization bearer header required";
    for (fields, message) in [
        (vec![], missing),
        (vec![token.clone()], missing),
        (vec!["Bearer".to_owned()], missing),
        (vec![format!("Bearer  {token}")], missing),
        (vec![format!("Bearer {token} x")], missing),
        (vec![format!("Basic {token}")], missing),
        (vec![format!("Bearer\t{token}")], missing),
        (vec![format!("Bearer {token}\u{e4}")], missing),
        (vec!["Bearer ".to_owned()], "token contains an invalid number of segments"),
        (vec!["Bearer x".to_owned()], "token contains an invalid number of segments"),
        (vec![format!("Bearer {}", Tokens::new(vec![1]).sign("jane", now()).token)], "signature is invalid"),
        (vec![format!("Bearer {}", tokens().sign("jane", UNIX_EPOCH).token)], "token is expired by 486111h5m40s"),
    ] {
        let answer = validated(&fields.iter().map(|field| field.as_bytes()).collect::<Vec<_>>());
        assert_eq!((answer.status, answer.error), (StatusCode::UNAUTHORIZED, Some(ServerError::BadRequest)));
        assert_eq!(answer.headers["www-authenticate"], "Bearer");
        assert_eq!(answer.headers["content-type"], "application/json; charset=utf-8");
        assert_eq!(text(&answer), format!("{{\n  \"code\": 401,\n  \"message\": \"{message}\"\n}}"), "{fields:?}");
    }
}
