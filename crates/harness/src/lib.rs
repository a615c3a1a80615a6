//! What tests start from: the whole product on port 0, people who have signed in, messages that are valid until a test
//! spoils them, and the outside tools.
//!
//! It is for tests only, so it panics where a test would, with a sentence that says what is wrong.
#![expect(
    clippy::panic,
    clippy::expect_used,
    clippy::missing_panics_doc,
    reason = "a test's set-up fails by panicking"
)]

pub mod build;
pub mod mongo;
mod person;
mod product;
mod refusal;
mod tools;

pub use certificates;
pub use person::{Bearer, Person, register, unless_busy};
pub use product::{RunningProduct, channel};
pub use refusal::Refusal;
pub use tools::{grpcurl, mongod, workspace_root};
