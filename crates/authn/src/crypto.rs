//! The one cryptographic provider of the process.

use aws_lc_rs::signature::{Ed25519KeyPair, KeyPair as _};
use jsonwebtoken::crypto::{CryptoProvider, aws_lc};
use jsonwebtoken::{Algorithm, EncodingKey};

use crate::jwk::VerifyingKey;

/// The provider could not sign, or accepted what it must not.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the cryptographic self-test failed: this build or this machine must not issue or verify tokens")]
pub struct CryptoError;

/// Chooses aws-lc for everything, and makes sure that it signs, verifies, and refuses a changed
/// message and a changed signature. First thing in `main`; repeating it is harmless.
///
/// # Errors
/// [`CryptoError`] when a self-test fails.
pub fn install_crypto_provider() -> Result<(), CryptoError> {
    // An error means that this process has one already; the self-test tells whether it works.
    let _ = CryptoProvider::install_default(&aws_lc::DEFAULT_PROVIDER);

    let pair = Ed25519KeyPair::generate().map_err(|_| CryptoError)?;
    let document = pair.to_pkcs8().map_err(|_| CryptoError)?;
    let signing = EncodingKey::from_ed_der(document.as_ref());
    let public = pair.public_key().as_ref().try_into().map_err(|_| CryptoError)?;
    let verifying = VerifyingKey::from_bytes(public).map_err(|_| CryptoError)?;

    let sign = |message: &str| {
        jsonwebtoken::crypto::sign(message.as_bytes(), &signing, Algorithm::EdDSA).map_err(|_| CryptoError)
    };
    let (signature, other) = (sign("message")?, sign("another message")?);
    let sound = verifying.verifies(b"message", &signature)
        && !verifying.verifies(b"messagf", &signature)
        && !verifying.verifies(b"message", &other);
    if sound { Ok(()) } else { Err(CryptoError) }
}

#[cfg(test)]
mod tests {
    #[test]
    fn the_self_test_passes_and_may_be_repeated() {
        super::install_crypto_provider().unwrap();
        super::install_crypto_provider().unwrap();
    }
}
