use aws_lc_rs::error::Unspecified;

use crate::store::StoreError;

/// Why the signing keys cannot be used or changed. Each text is a sentence for the operator.
#[derive(Debug, thiserror::Error)]
pub enum KeysError {
    /// The store failed.
    #[error("the signing keys cannot be read or changed: {0}")]
    Store(Box<dyn std::error::Error + Send + Sync>),
    /// Sealed under another master key, or damaged.
    #[error(
        "the signing key {id} in the store does not open under this key file: give the key file that was in use \
         when it was made (--auth-key-file; every replica needs the same one), or remove the key from the store, which \
         ends every session's tokens"
    )]
    Sealed {
        /// The key's id.
        id: String,
    },
    /// A stored public key that no service would accept.
    #[error("the signing key {id} in the store is damaged")]
    Damaged {
        /// The key's id.
        id: String,
    },
    /// There is no such key.
    #[error("there is no signing key {id} in the store; its keys are {known}")]
    Unknown {
        /// The id that was asked for.
        id: String,
        /// The ids that there are.
        known: String,
    },
    /// Nothing signs, although a key was made.
    #[error("no signing key is active; others change the keys at the same time: try again")]
    NoneActive,
    /// The library could not make a key.
    #[error("the cryptography library refused to make a key")]
    Crypto,
}

impl From<Unspecified> for KeysError {
    fn from(_: Unspecified) -> Self {
        Self::Crypto
    }
}

impl From<StoreError> for KeysError {
    fn from(error: StoreError) -> Self {
        Self::Store(Box::new(error))
    }
}
