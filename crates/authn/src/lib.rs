//! Who is calling: verifies access tokens (docs/ARCHITECTURE.md, "Tokens") locally, in memory, before
//! anything of the request is read.
//!
//! One [`Validator`] per process checks every token the same strict way. [`Authenticated`] wraps a
//! gRPC service with it and hands the [`Principal`] to the handlers, which ask for it with
//! [`Principal::of`]. Keys come from a [`KeySource`]: [`RemoteKeys`] in the services that only
//! verify, [`KeySet`] where the keys are at hand. What was revoked before its time comes from a
//! [`RevocationFeed`].
//!
//! Access tokens are JWS compact (RFC 7515) with `EdDSA` over Ed25519 (RFC 8037) and the claims of
//! RFC 9068. The checks follow RFC 8725.

mod base64url;
mod claims;
mod crypto;
mod error;
mod feed;
mod header;
mod ids;
mod jwk;
mod key_source;
mod principal;
mod published_keys;
mod remote_keys;
mod replicas;
mod revocations;
mod service;
mod strip;
mod token_end;
mod validator;
mod verified_tokens;

pub use claims::{AccessTokenClaims, Role};
pub use crypto::{CryptoError, install_crypto_provider};
pub use error::{Refusal, TokenError, reason};
pub use feed::{FeedPace, RevocationFeed};
pub use header::{MAX_TOKEN_BYTES, TOKEN_TYPE, bearer_token};
pub use ids::{IdError, OrganizationId, SessionId, TokenId, UserId, parse_prefixed_id};
pub use jwk::{Jwk, JwkError, KeyId, VerifyingKey};
pub use key_source::{KeySet, KeySource};
pub use principal::Principal;
pub use remote_keys::RemoteKeys;
pub use replicas::Replicas;
pub use service::Authenticated;
pub use validator::{Validator, ValidatorConfig};
