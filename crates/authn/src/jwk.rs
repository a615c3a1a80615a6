//! Public keys: RFC 7517 and RFC 8037 in, verifying keys out, hostile ones ignored.

use std::fmt;
use std::str::FromStr;

use aws_lc_rs::digest::{SHA256, digest};
use jsonwebtoken::{Algorithm, DecodingKey};

use crate::base64url;

/// Bytes of an Ed25519 public key.
const PUBLIC_KEY_BYTES: usize = 32;
/// Characters of a SHA-256 thumbprint as base64url.
const KEY_ID_CHARACTERS: usize = 43;

/// A key's id: its RFC 7638 thumbprint, 43 base64url characters.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct KeyId(String);

impl KeyId {
    /// The thumbprint of an Ed25519 public key (RFC 7638 with the members of RFC 8037, section 2).
    pub fn of(public_key: &[u8; PUBLIC_KEY_BYTES]) -> Self {
        let x = base64url::encode(public_key);
        let members = format!(r#"{{"crv":"Ed25519","kty":"OKP","x":"{x}"}}"#);
        Self(base64url::encode(digest(&SHA256, members.as_bytes()).as_ref()))
    }

    /// The thumbprint.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for KeyId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl FromStr for KeyId {
    type Err = JwkError;

    fn from_str(text: &str) -> Result<Self, JwkError> {
        match base64url::decode(text) {
            Some(bytes) if text.len() == KEY_ID_CHARACTERS && bytes.len() == 32 => Ok(Self(text.to_owned())),
            Some(_) | None => Err(JwkError::KeyId),
        }
    }
}

/// A public key as `GetJwks` and `/.well-known/jwks.json` write it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Jwk {
    /// Key id.
    pub kid: String,
    /// Key type.
    pub kty: String,
    /// Curve.
    pub crv: String,
    /// The public key as base64url.
    pub x: String,
    /// Algorithm.
    pub alg: String,
    /// Use (`use`).
    pub use_: String,
}

impl From<proto::auth::v1::Jwk> for Jwk {
    fn from(key: proto::auth::v1::Jwk) -> Self {
        let proto::auth::v1::Jwk {
            kid,
            kty,
            crv,
            x,
            alg,
            r#use,
        } = key;
        Self {
            kid,
            kty,
            crv,
            x,
            alg,
            use_: r#use,
        }
    }
}

impl From<Jwk> for proto::auth::v1::Jwk {
    fn from(key: Jwk) -> Self {
        let Jwk {
            kid,
            kty,
            crv,
            x,
            alg,
            use_,
        } = key;
        Self {
            kid,
            kty,
            crv,
            x,
            alg,
            r#use: use_,
        }
    }
}

/// Why a key of a set is ignored.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum JwkError {
    /// Not `OKP`, `Ed25519`, `EdDSA`, `sig`.
    #[error("not an Ed25519 signing key")]
    Kind,
    /// `x` is not 32 bytes in strict base64url.
    #[error("the public key is not 32 bytes")]
    Length,
    /// A small-order point: signatures by it can be forged.
    #[error("the public key is a small-order point")]
    SmallOrder,
    /// A second spelling of another key: its y coordinate is not below the field's prime (RFC 8032, 5.1.3).
    #[error("the public key is not in canonical form")]
    NotCanonical,
    /// The id is not the key's thumbprint.
    #[error("the key id is not the thumbprint of the key")]
    KeyId,
}

/// A public key that verifies signatures.
#[derive(Clone)]
pub struct VerifyingKey {
    id: KeyId,
    bytes: [u8; PUBLIC_KEY_BYTES],
    decoding: DecodingKey,
}

impl VerifyingKey {
    /// The key with these 32 bytes, with its thumbprint as id.
    ///
    /// # Errors
    /// `SmallOrder`, `NotCanonical`.
    pub fn from_bytes(bytes: [u8; PUBLIC_KEY_BYTES]) -> Result<Self, JwkError> {
        if is_small_order(&bytes) {
            return Err(JwkError::SmallOrder);
        }
        if !is_canonical(&bytes) {
            return Err(JwkError::NotCanonical);
        }
        // jsonwebtoken calls the raw 32 bytes "DER" as well.
        Ok(Self {
            id: KeyId::of(&bytes),
            bytes,
            decoding: DecodingKey::from_ed_der(&bytes),
        })
    }

    /// The key's id.
    pub fn id(&self) -> &KeyId {
        &self.id
    }

    /// The key as RFC 8037 writes it.
    pub fn to_jwk(&self) -> Jwk {
        Jwk {
            kid: self.id.to_string(),
            kty: "OKP".to_owned(),
            crv: "Ed25519".to_owned(),
            x: base64url::encode(&self.bytes),
            alg: "EdDSA".to_owned(),
            use_: "sig".to_owned(),
        }
    }

    /// Whether `signature`, in strict base64url, is this key's over `signed` (RFC 8032, Ed25519).
    pub fn verifies(&self, signed: &[u8], signature: &str) -> bool {
        // jsonwebtoken decodes with the same strict engine as `base64url::decode`; what is not
        // 64 bytes is refused by the verification.
        jsonwebtoken::crypto::verify(signature, signed, &self.decoding, Algorithm::EdDSA).unwrap_or(false)
    }
}

impl TryFrom<&Jwk> for VerifyingKey {
    type Error = JwkError;

    fn try_from(jwk: &Jwk) -> Result<Self, JwkError> {
        let kind = (
            jwk.kty.as_str(),
            jwk.crv.as_str(),
            jwk.alg.as_str(),
            jwk.use_.as_str(),
        );
        if kind != ("OKP", "Ed25519", "EdDSA", "sig") {
            return Err(JwkError::Kind);
        }
        let bytes = base64url::decode(&jwk.x).ok_or(JwkError::Length)?;
        let key = Self::from_bytes(bytes.try_into().map_err(|_| JwkError::Length)?)?;
        if key.id.as_str() == jwk.kid {
            Ok(key)
        } else {
            Err(JwkError::KeyId)
        }
    }
}

impl fmt::Debug for VerifyingKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("VerifyingKey").field(&self.id).finish()
    }
}

/// The y coordinates (little endian) of all points whose order divides 8, canonical and not; the top
/// bit is the sign of x and does not matter.
const SMALL_ORDER: [[u8; PUBLIC_KEY_BYTES]; 7] = [
    low(0x00),
    low(0x01),
    [
        0x26, 0xe8, 0x95, 0x8f, 0xc2, 0xb2, 0x27, 0xb0, 0x45, 0xc3, 0xf4, 0x89, 0xf2, 0xef, 0x98,
        0xf0, //
        0xd5, 0xdf, 0xac, 0x05, 0xd3, 0xc6, 0x33, 0x39, 0xb1, 0x38, 0x02, 0x88, 0x6d, 0x53, 0xfc, 0x05,
    ],
    [
        0xc7, 0x17, 0x6a, 0x70, 0x3d, 0x4d, 0xd8, 0x4f, 0xba, 0x3c, 0x0b, 0x76, 0x0d, 0x10, 0x67,
        0x0f, //
        0x2a, 0x20, 0x53, 0xfa, 0x2c, 0x39, 0xcc, 0xc6, 0x4e, 0xc7, 0xfd, 0x77, 0x92, 0xac, 0x03, 0x7a,
    ],
    high(0xec),
    high(0xed),
    high(0xee),
];

const fn low(first: u8) -> [u8; PUBLIC_KEY_BYTES] {
    let mut bytes = [0; PUBLIC_KEY_BYTES];
    bytes[0] = first;
    bytes
}

const fn high(first: u8) -> [u8; PUBLIC_KEY_BYTES] {
    let mut bytes = [0xff; PUBLIC_KEY_BYTES];
    bytes[0] = first;
    bytes[PUBLIC_KEY_BYTES - 1] = 0x7f;
    bytes
}

/// Whether y, without the sign of x, is below 2^255 − 19.
fn is_canonical(bytes: &[u8; PUBLIC_KEY_BYTES]) -> bool {
    let [lowest, middle @ .., highest] = bytes;
    *lowest < 0xed || highest & 0x7f != 0x7f || middle.iter().any(|byte| *byte != 0xff)
}

fn is_small_order(bytes: &[u8; PUBLIC_KEY_BYTES]) -> bool {
    let mut y = *bytes;
    y[PUBLIC_KEY_BYTES - 1] &= 0x7f;
    SMALL_ORDER.contains(&y)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The example key of RFC 8037, appendix A.2 and A.3.
    fn example() -> Jwk {
        Jwk {
            kid: "kPrK_qmxVWaYVA9wwBF6Iuo3vVzz7TxHCTwXBygrS4k".to_owned(),
            kty: "OKP".to_owned(),
            crv: "Ed25519".to_owned(),
            x: "11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo".to_owned(),
            alg: "EdDSA".to_owned(),
            use_: "sig".to_owned(),
        }
    }

    #[test]
    fn the_thumbprint_of_rfc_8037_is_recomputed() {
        let key = VerifyingKey::try_from(&example()).unwrap();
        assert_eq!(key.to_jwk(), example());
    }

    #[test]
    fn a_key_of_another_kind_use_or_algorithm_is_refused() {
        let change = |change: fn(&mut Jwk)| {
            let mut jwk = example();
            change(&mut jwk);
            VerifyingKey::try_from(&jwk).unwrap_err()
        };
        assert_eq!(change(|jwk| jwk.kty = "EC".to_owned()), JwkError::Kind);
        assert_eq!(change(|jwk| jwk.crv = "X25519".to_owned()), JwkError::Kind);
        assert_eq!(change(|jwk| jwk.alg = "HS256".to_owned()), JwkError::Kind);
        assert_eq!(change(|jwk| jwk.alg.clear()), JwkError::Kind);
        assert_eq!(change(|jwk| jwk.use_ = "enc".to_owned()), JwkError::Kind);
        assert_eq!(change(|jwk| jwk.x.push_str("AAAA")), JwkError::Length);
        assert_eq!(change(|jwk| jwk.x.push('=')), JwkError::Length);
        assert_eq!(change(|jwk| jwk.x.clear()), JwkError::Length);
        assert_eq!(change(|jwk| jwk.kid = "main".to_owned()), JwkError::KeyId);
        assert_eq!(change(|jwk| jwk.kid.replace_range(0..1, "l")), JwkError::KeyId);
    }

    #[test]
    fn a_small_order_point_is_refused_with_either_sign() {
        for point in SMALL_ORDER {
            for sign in [0x00, 0x80] {
                let mut bytes = point;
                bytes[31] |= sign;
                assert_eq!(VerifyingKey::from_bytes(bytes).unwrap_err(), JwkError::SmallOrder);
            }
        }
    }
}
