//! Users, sessions, keys and tokens: the gRPC service that says who somebody is.
//!
//! The layers point one way: `rpc → accounts, sessions (use cases) → domain ← store`. docs/ARCHITECTURE.md has the map.

mod accounts;
mod app;
mod argon2id;
mod config;
mod cookie_form;
mod devices;
mod domain;
mod error;
mod events;
mod feed;
mod hashing;
mod keys;
mod master_key;
mod membership;
mod new_file;
mod passwords;
mod profile;
mod rotate_keys;
mod rpc;
mod sessions;
mod store;
mod sweeper;
mod throttle;
mod throttle_config;
mod tls_config;
mod tokens;

pub use app::{App, BuildError};
pub use config::{Action, Command, Config, HashingLimits};
pub use cookie_form::CookieForm;
pub use domain::clock::Clock;
pub use keys::{KeyChoice, KeysError};
pub use master_key::MasterKeyError;
pub use membership::{Choice, Member, MembershipError, find_member};
pub use rotate_keys::{RotateKeysCommand, RotateKeysError};
pub use store::contents;
pub use throttle_config::ThrottleConfig;
pub use tls_config::TlsConfig;
