//! One SQLite database, used the way `SQLite` is at its best: a single writer thread that commits
//! many requests at once, and a few reader connections that never wait for it.
//!
//! ```
//! use sqlite_engine::{Engine, EngineError, Location, Migration};
//!
//! const MIGRATIONS: &[Migration] = &[Migration {
//!     name: "pets",
//!     sql: "CREATE TABLE pet (name TEXT PRIMARY KEY) STRICT",
//! }];
//!
//! # tokio::runtime::Runtime::new().unwrap().block_on(async {
//! let engine = Engine::open(&Location::Memory, MIGRATIONS).unwrap();
//! engine
//!     .write(|connection| {
//!         connection.execute("INSERT INTO pet VALUES (?1)", ["Rex"])?;
//!         Ok::<_, EngineError>(())
//!     })
//!     .await
//!     .unwrap();
//! let pets: i64 = engine
//!     .read(|connection| {
//!         Ok::<_, EngineError>(connection.query_row("SELECT count(*) FROM pet", [], |row| row.get(0))?)
//!     })
//!     .await
//!     .unwrap();
//! assert_eq!(pets, 1);
//! engine.close().await;
//! # });
//! ```
//!
//! The promises, each with a test: an answered write survives the death of the process; a failed or
//! panicking job takes nobody else's work with it; a read that starts after a write was answered
//! sees that write; a full queue refuses at once.

mod connection;
mod engine;
mod error;
mod files;
mod location;
mod migration;
mod queue;
mod reader;
mod unfinished_copy;
mod writer;

pub use engine::{Engine, Stats};
pub use error::{EngineError, OpenError};
pub use location::{Location, LocationError};
pub use migration::Migration;
// The stores speak rusqlite; they must speak the version this engine was built with.
pub use rusqlite;
pub use unfinished_copy::UnfinishedCopy;
