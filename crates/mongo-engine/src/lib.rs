//! One MongoDB database as a store engine, below the stores of both services.
//!
//! What it adds to the driver:
//!
//! - **Checks at start** ([`Engine::open`]): a replica set or sharded cluster of a supported release, a schema that this
//!   program can read, indexes. Each refusal is a sentence that says what to do.
//! - **Bounds**: every operation is answered within [`OPERATION_TIME`] and before the caller's deadline, and only so many
//!   are under way at a time.
//! - **Operations that finish** ([`Engine::run`]): when the caller gives up, the operation goes on in a task of its own.
//!   That neither cuts a write in half nor costs a connection: the driver closes one whose operation was dropped.
//! - **Transactions** ([`Engine::run_in_transaction`]): for the rare write of several documents, repeated where the server says
//!   that it can be.
//! - **Causes** ([`EngineError`]): whether to try again later is decided here, once.
//!
//! Reads and writes are acknowledged by a majority, and reads come from the primary, so that what was answered survives
//! the loss of any minority and is seen by every later read.

mod engine;
mod error;
mod location;
mod open;
mod pool;
mod schema;
mod underway;
mod unfinished_copy;

pub use engine::{Engine, OPERATION_TIME, Work};
pub use error::{EngineError, is_duplicate};
pub use location::{Location, LocationError};
pub use mongodb;
pub use mongodb::bson;
pub use open::OpenError;
pub use schema::{Index, Schema};
pub use unfinished_copy::UnfinishedCopy;
