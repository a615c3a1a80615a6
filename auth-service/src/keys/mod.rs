//! The keys that sign access tokens: in memory ([`KeyRing`]), kept up to date and replaced ([`KeyKeeper`]).

mod error;
mod keeper;
mod ring;
mod step;

pub use error::KeysError;
pub use keeper::KeyChoice;
pub(crate) use keeper::{KeyKeeper, NOTICED_WITHIN};
pub(crate) use ring::{KeyChanges, KeyRing};
