//! The key that the product signs with, taken from its data as somebody can who has all of it.

use std::fs;
use std::path::Path;

use aws_lc_rs::aead::{AES_256_GCM, Aad, NONCE_LEN, Nonce, RandomizedNonceKey};
use aws_lc_rs::hkdf;
use aws_lc_rs::signature::{Ed25519KeyPair, KeyPair as _};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use rusqlite::{Connection, OpenFlags};

/// An Ed25519 key that signs whatever it is given.
pub(crate) struct SigningKey {
    pub(crate) id: String,
    pair: Ed25519KeyPair,
}

impl SigningKey {
    /// Opens the active key of a data folder with the key file in it.
    pub(crate) fn of_data(data: &Path) -> Self {
        let (id, sealed): (String, Vec<u8>) =
            Connection::open_with_flags(data.join("auth.db"), OpenFlags::SQLITE_OPEN_READ_ONLY)
                .unwrap()
                .query_row(
                    // The first one signs for a month.
                    "SELECT id, sealed_private_key FROM signing_key ORDER BY sequence LIMIT 1",
                    [],
                    |row| Ok((row.get(0)?, row.get(1)?)),
                )
                .unwrap();
        let (nonce, ciphertext) = sealed.split_at(NONCE_LEN);
        let mut opened = ciphertext.to_vec();
        let document = sealing_key(&data.join("keys/master.key"))
            .open_in_place(
                Nonce::try_assume_unique_for_key(nonce).unwrap(),
                Aad::from(&id),
                &mut opened,
            )
            .unwrap();
        Self {
            pair: Ed25519KeyPair::from_pkcs8(document).unwrap(),
            id,
        }
    }

    /// A key that nobody knows, which calls itself `id`.
    pub(crate) fn foreign(id: &str) -> Self {
        Self {
            id: id.to_owned(),
            pair: Ed25519KeyPair::generate().unwrap(),
        }
    }

    pub(crate) fn public(&self) -> [u8; 32] {
        self.pair.public_key().as_ref().try_into().unwrap()
    }

    /// The header that the product writes.
    pub(crate) fn header(&self) -> String {
        format!(r#"{{"alg":"EdDSA","typ":"at+jwt","kid":"{}"}}"#, self.id)
    }

    /// A token of exactly these two texts, rightly signed.
    pub(crate) fn sign(&self, header: &str, claims: &str) -> String {
        let signed = format!("{}.{}", base64url(header), base64url(claims));
        let signature = base64url(self.pair.sign(signed.as_bytes()));
        format!("{signed}.{signature}")
    }

    /// The same claims, signed by this key.
    pub(crate) fn resigned(&self, token: &str) -> String {
        self.sign(&self.header(), &claims_of(token))
    }
}

/// RFC 5869 without a salt; the file holds 32 bytes in base64url.
fn sealing_key(file: &Path) -> RandomizedNonceKey {
    let master = URL_SAFE_NO_PAD
        .decode(fs::read_to_string(file).unwrap().trim_end())
        .unwrap();
    let mut key = [0; 32];
    hkdf::Salt::none(hkdf::HKDF_SHA256)
        .extract(&master)
        .expand(&[b"invoice-app/auth/signing-key-sealing/v1"], hkdf::HKDF_SHA256)
        .unwrap()
        .fill(&mut key)
        .unwrap();
    RandomizedNonceKey::new(&AES_256_GCM, &key).unwrap()
}

pub(crate) fn base64url(bytes: impl AsRef<[u8]>) -> String {
    URL_SAFE_NO_PAD.encode(bytes)
}

/// The JSON of a token's second part.
pub(crate) fn claims_of(token: &str) -> String {
    let claims = token.split('.').nth(1).unwrap();
    String::from_utf8(URL_SAFE_NO_PAD.decode(claims).unwrap()).unwrap()
}
