//! The outside of a token: the `authorization` header, the three parts, the JOSE header.

use http::HeaderMap;
use http::header::AUTHORIZATION;
use serde::Deserialize;

use crate::base64url;
use crate::error::TokenError;
use crate::jwk::KeyId;

/// The `typ` of an access token (RFC 9068, section 2.1).
pub const TOKEN_TYPE: &str = "at+jwt";
/// No access token of ours is longer.
pub const MAX_TOKEN_BYTES: usize = 2048;
/// Nothing shorter can hold three parts.
const MIN_TOKEN_BYTES: usize = 16;
const ALGORITHM: &str = "EdDSA";

/// The token in the `authorization` header: exactly one value, of the scheme `Bearer` in any case
/// (RFC 6750, RFC 9110 section 11.1).
///
/// # Errors
/// `Missing` without the header, `Authorization` for anything else than one bearer token.
pub fn bearer_token(headers: &HeaderMap) -> Result<&str, TokenError> {
    let mut values = headers.get_all(AUTHORIZATION).iter();
    let value = values.next().ok_or(TokenError::Missing)?;
    if values.next().is_some() {
        return Err(TokenError::Authorization);
    }
    let value = value.to_str().map_err(|_| TokenError::Authorization)?;
    match value.split_once(' ') {
        Some((scheme, token)) if scheme.eq_ignore_ascii_case("bearer") => Ok(token),
        Some(_) | None => Err(TokenError::Authorization),
    }
}

/// A token's three parts, still encoded.
#[derive(Debug)]
pub(crate) struct Parts<'a> {
    pub(crate) header: &'a str,
    pub(crate) claims: &'a str,
    pub(crate) signature: &'a str,
    /// `header.claims`, the bytes under the signature.
    pub(crate) signed: &'a str,
}

impl<'a> Parts<'a> {
    pub(crate) fn split(token: &'a str) -> Result<Self, TokenError> {
        if !(MIN_TOKEN_BYTES..=MAX_TOKEN_BYTES).contains(&token.len()) {
            return Err(TokenError::Malformed);
        }
        let allowed = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_' | b'.');
        if !token.bytes().all(allowed) {
            return Err(TokenError::Malformed);
        }
        let (signed, signature) = token.rsplit_once('.').ok_or(TokenError::Malformed)?;
        let (header, claims) = signed.split_once('.').ok_or(TokenError::Malformed)?;
        if claims.contains('.') {
            return Err(TokenError::Malformed);
        }
        Ok(Self {
            header,
            claims,
            signature,
            signed,
        })
    }
}

/// The JOSE header. These three members and no others: no `crit`, `jku`, `jwk`, `x5c`, `zip`, `b64`,
/// `enc`, `cty`. serde refuses unknown and repeated members.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct JoseHeader {
    alg: String,
    typ: String,
    kid: String,
}

/// Reads a token's first part and returns the id of the key that is said to have signed it.
pub(crate) fn parse(part: &str) -> Result<KeyId, TokenError> {
    let json = base64url::decode(part).ok_or(TokenError::Header)?;
    // serde would also read a struct from an array.
    if json.first() != Some(&b'{') {
        return Err(TokenError::Header);
    }
    let header: JoseHeader = serde_json::from_slice(&json).map_err(|_| TokenError::Header)?;
    if header.alg != ALGORITHM || header.typ != TOKEN_TYPE {
        return Err(TokenError::Header);
    }
    header.kid.parse().map_err(|_| TokenError::Header)
}
