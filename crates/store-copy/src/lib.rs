//! Copies the stores of an installation from one database to another: SQLite to MongoDB, back, or between two of a kind.
//!
//! A service describes what it stores ([`Contents`]); nothing here knows an invoice from a user. Between two databases a
//! record is the document that MongoDB keeps, as canonical BSON: one record, one sequence of bytes, whatever it was read
//! from. All records travel in the order of their keys, in pages of bounded size, so memory does not grow with the store.
//!
//! - **Nothing is overwritten.** A record that the target has already must be the same; if it is not, the copy stops.
//! - **It resumes.** Before the first record an empty target is marked, with the position after every page. Services refuse
//!   a marked database. The next run of the same copy goes on at the position.
//! - **It is verified.** Both sides are read again from the beginning and compared record by record, counted and hashed.
//!   Only then is the mark removed.
//!
//! What it does not do: copy a source that is written to meanwhile. A SQLite file is locked against that. With MongoDB the
//! operator stops the services; if not, verification finds what changed.

mod contents;
mod copy;
mod error;
mod installation;
mod mongodb;
mod operator;
mod record;
mod sqlite;
mod store;
mod verify;

pub use contents::{Collection, Contents, RecordError};
pub use error::{CopyError, End, StoreFailure};
pub use installation::{Copied, Options, Part, copy};
pub use operator::{Operator, Step};
pub use record::lost_member;
pub use verify::{Comparison, Side};
